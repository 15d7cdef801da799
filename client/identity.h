/*
 * Who a device is: its three keys, its certificate, and whom it trusts.
 *
 *	<folder>/folder.key   32 bytes: sealed under a passphrase in the form of
 *	                      crypto/keyfile, or plain with mode 0600
 *	<folder>/identity     everything below, sealed under the folder's key
 *
 * On an iPad the private keys stand in the Secure Enclave, behind the same
 * seam.
 */
#ifndef CLIENT_IDENTITY_H
#define CLIENT_IDENTITY_H

#include "proto/base/random.h"
#include "proto/crypto/crypto.h"
#include "proto/document/replica.h"

enum { IDENTITY_MAX = 64 * 1024, IDENTITY_TEXT_MAX = 261 };

struct identity {
	struct nation nation;
	char endpoint[IDENTITY_TEXT_MAX + 1]; /* host:port of the relay */
	char subject[IDENTITY_TEXT_MAX + 1];
	struct crypto_key *tls;	   /* P-256 */
	struct crypto_key *author; /* P-256: signs what this device writes */
	struct crypto_key
		*wrapping;	/* P-256: content keys are wrapped for it */
	struct buf certificate; /* DER */
	struct buf ca;		/* DER, pinned */
	struct buf root;	/* SPKI of the seal root, pinned */
	struct buf replica;	/* replica certificate blob, the newest */
};

void identity_init(struct identity *id);
/* Wipes and releases. */
void identity_clear(struct identity *id);

/* The folder's key, made at first; ERR_SEALED for a wrong passphrase, or
 * where one is needed and `passphrase` is empty. */
struct err identity_folder_key(const char *folder, struct span passphrase,
			       const struct random *random,
			       uint8_t key[CRYPTO_KEY_LEN]);
/* ERR_NOT_FOUND if the folder holds no device. */
struct err identity_load(const char *folder, const uint8_t key[CRYPTO_KEY_LEN],
			 struct identity *out);
struct err identity_save(const char *folder, const uint8_t key[CRYPTO_KEY_LEN],
			 const struct random *random,
			 const struct identity *id);

#endif
