/*
 * What the OpenSSL side of the seam shares between its own files: its errors
 * and the library's key behind ours.  No OpenSSL header, and no use beyond
 * *_openssl.c.
 */
#ifndef PROTO_CRYPTO_EC_OPENSSL_H
#define PROTO_CRYPTO_EC_OPENSSL_H

#include "proto/base/memory.h"
#include "proto/crypto/crypto.h"

struct evp_pkey_st; /* EVP_PKEY */

/* An error `code`, or ERR_NO_MEMORY if the library lacked that.  Its error
 * queue belongs to the thread and would mislead the next TLS call: emptied. */
void openssl_forget_errors(void);
static inline struct err openssl_err(enum err_code code, const char *detail)
{
	openssl_forget_errors();
	return memory_blame(code, detail);
}

/* Borrowed; live as long as the key.  OpenSSL takes them without const. */
struct evp_pkey_st *ec_openssl_private(const struct crypto_key *key);
struct evp_pkey_st *ec_openssl_public(const struct crypto_public *key);

/* A key from the library's private key, which stays the caller's.
 * ERR_MALFORMED unless it is EC on P-256 or P-384. */
struct err ec_openssl_import(const struct evp_pkey_st *pkey,
			     struct crypto_key **out);

#endif
