/*
 * The bytes of the root key file and of the start file: no file I/O here.
 *
 * The root key file holds the relay's 32-byte root key, sealed under a
 * passphrase (scrypt, then AES-256-GCM).  The start file carries the guard's
 * private keys, the replica certificate and who the relay is, sealed under
 * the root key, from `entente init` to the guard's first start.
 */
#ifndef PROTO_CRYPTO_KEYFILE_H
#define PROTO_CRYPTO_KEYFILE_H

#include "proto/crypto/crypto.h"

enum {
	KEYFILE_ROOT_LEN = 32,
	KEYFILE_SALT_LEN = 16,
	KEYFILE_LOG2_N = 17,	 /* scrypt's cost of new files: 128 MiB */
	KEYFILE_LOG2_N_MAX = 20, /* a file that asks for more is refused */
	KEYFILE_ROOT_FILE_MAX = 256,
	KEYFILE_START_FILE_MAX = 64 << 10,
	KEYFILE_SCALAR_MAX = 48,
	KEYFILE_KEYS_MAX = 8,
	KEYFILE_BLOB_MAX = 16 << 10,
};

/* What a private key of the guard is for.  Numbers stand on disk. */
enum keyfile_key {
	KEYFILE_SEAL = 1, /* P-384: groups, ticks, author records */
	KEYFILE_GUARD_P256 =
		2, /* content keys wrapped for the relay, suite 1 */
	KEYFILE_GUARD_P384 = 3, /* the same, suite 2 */
	KEYFILE_REQUEST = 4,	/* P-256: requests to peers, pages */
	KEYFILE_DEVICE_CA = 5,	/* issues device certificates; optional */
};

struct keyfile_private {
	enum keyfile_key purpose;
	enum crypto_curve curve;
	uint8_t scalar[KEYFILE_SCALAR_MAX]; /* crypto_scalar_len(curve) */
};

/* Everything secret in it stands inside: keyfile_start_wipe. */
struct keyfile_start {
	struct replica replica;
	struct digest root_id; /* H(SPKI) of the nation's seal root */
	unsigned count;
	struct keyfile_private keys[KEYFILE_KEYS_MAX];
	struct span certificate; /* replica certificate blob; borrowed */
	struct span ca;		 /* device CA certificate, DER, or empty */
};

void keyfile_start_wipe(struct keyfile_start *start);
/* Adds a key; ERR_TOO_LARGE beyond KEYFILE_KEYS_MAX. */
struct err keyfile_start_add(struct keyfile_start *start,
			     enum keyfile_key purpose,
			     const struct crypto_key *key);
/* The key of that purpose, made; ERR_NOT_FOUND. Owns: crypto_key_free. */
struct err keyfile_start_key(const struct keyfile_start *start,
			     enum keyfile_key purpose, struct crypto_key **out);

/* Appends the root key file.  `salt` and `nonce` are fresh random bytes. */
struct err keyfile_encode_root(struct span passphrase, unsigned log2_n,
			       const uint8_t salt[KEYFILE_SALT_LEN],
			       const uint8_t nonce[CRYPTO_NONCE_LEN],
			       const uint8_t root_key[KEYFILE_ROOT_LEN],
			       struct buf *out);
/* ERR_SEALED if the passphrase does not open it; ERR_MALFORMED, ERR_VERSION. */
struct err keyfile_decode_root(struct span file, struct span passphrase,
			       uint8_t root_key[KEYFILE_ROOT_LEN]);

/* Appends the start file.  `nonce` is fresh. */
struct err keyfile_encode_start(const uint8_t root_key[KEYFILE_ROOT_LEN],
				const uint8_t nonce[CRYPTO_NONCE_LEN],
				const struct keyfile_start *start,
				struct buf *out);
/* `plain` receives the opened bytes, which `out` borrows from; buf_wipe it.
 * ERR_SEALED if the root key does not open it; ERR_MALFORMED, ERR_VERSION. */
struct err keyfile_decode_start(struct span file,
				const uint8_t root_key[KEYFILE_ROOT_LEN],
				struct buf *plain, struct keyfile_start *out);

#endif
