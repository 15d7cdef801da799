/*
 * What the OpenSSL side of the seam shares between its own files: the library's
 * key behind ours.  No OpenSSL header, and no use beyond
 * *_openssl.c.
 */
#ifndef PROTO_CRYPTO_EC_OPENSSL_H
#define PROTO_CRYPTO_EC_OPENSSL_H

#include "proto/crypto/crypto.h"

struct evp_pkey_st; /* EVP_PKEY */

/* Borrowed; live as long as the key.  OpenSSL takes them without const. */
struct evp_pkey_st *ec_openssl_private(const struct crypto_key *key);
struct evp_pkey_st *ec_openssl_public(const struct crypto_public *key);

/* A key from the library's private key, which stays the caller's.
 * ERR_MALFORMED unless it is EC on P-256 or P-384. */
struct err ec_openssl_import(const struct evp_pkey_st *pkey,
			     struct crypto_key **out);

#endif
