/*
 * X.509 certificates and requests of our own authorities (RFC 5280, RFC
 * 2986): a nation's CA issues the TLS certificates of its devices, peers,
 * officers and listeners.
 *
 * One level: a self-signed CA signs end entities, no intermediates.  ECDSA
 * with P-256 or P-384 only.  Times are handed in as UTC seconds; serial
 * numbers as bytes.  Trust follows from the caller's pinned CA and its own
 * record of what it issued, never from a system store.
 */
#ifndef PROTO_CRYPTO_CERTIFICATE_H
#define PROTO_CRYPTO_CERTIFICATE_H

#include "proto/base/arena.h"
#include "proto/crypto/crypto.h"

enum {
	CERTIFICATE_MAX = 8 * 1024, /* of a DER certificate or request */
	CERTIFICATE_NAME_MAX = 64,  /* of a subject's CN or O (X.520 ub) */
	CERTIFICATE_SERIAL_LEN = 16,
	CERTIFICATE_ALT_MAX = 16, /* alternative names */
	CERTIFICATE_PEM_MAX = 64 * 1024,
};

enum certificate_purpose {
	CERTIFICATE_CLIENT = 1, /* TLS client */
	CERTIFICATE_SERVER = 2, /* TLS server */
	CERTIFICATE_BOTH = 3,
};

/* What to put into a certificate. */
struct certificate_order {
	enum certificate_purpose purpose;
	struct span common_name;  /* UTF-8, 1..CERTIFICATE_NAME_MAX bytes */
	struct span organization; /* the nation; empty for none */
	uint64_t not_before;	  /* UTC seconds */
	uint64_t not_after;
	uint8_t serial[CERTIFICATE_SERIAL_LEN]; /* random; the first bit is
						 * dropped; 0 is refused */
	/* subjectAltName: NUL-terminated DNS names, or IPv4 and IPv6 addresses
	 * in text; a server needs at least one. */
	const char *const *alt_names;
	size_t alt_count;
};

/* What a certificate says.  Spans borrow from the arena it was read into. */
struct certificate_facts {
	struct span common_name;
	struct span organization; /* empty if it has none */
	struct span issuer_common_name;
	struct span issuer_organization;
	struct span spki;	 /* DER, of a key that the seam accepts */
	struct span issuer_key;	 /* authority key identifier; may be empty */
	struct span subject_key; /* subject key identifier; may be empty */
	struct span serial;	 /* big-endian, without leading zeros */
	uint64_t not_before;
	uint64_t not_after;
	bool ca;
	bool client; /* extended key usage allows it */
	bool server;
	struct digest digest; /* SHA-256 of the DER: how it is known */
};

/* What a verified request says. */
struct certificate_request {
	struct span common_name; /* may be empty */
	struct span spki;
};

/*
 * A self-signed CA certificate (DER, appended) for `key`.  `order` gives
 * names, times and serial; purpose and alternative names are not used.
 * pathlen 0, keyCertSign and cRLSign.
 */
struct err certificate_make_ca(const struct crypto_key *key,
			       const struct certificate_order *order,
			       struct buf *out);

/* A PKCS#10 request (DER, appended) for `key`, with one CN. */
struct err certificate_make_request(const struct crypto_key *key,
				    struct span common_name, struct buf *out);
/* Read a request and check that its key signed it.  ERR_MALFORMED for what
 * is no request or holds another kind of key, ERR_SIGNATURE if it does not
 * verify.  What it asks for besides key and CN is ignored. */
struct err certificate_read_request(struct span der, struct arena *arena,
				    struct certificate_request *out);

/*
 * Issue a certificate (DER, appended) for the key `spki`, signed by `ca_key`
 * in the name of `ca` (DER).  ERR_MALFORMED for a wrong SPKI, name, address
 * or order of times; ERR_UNAUTHENTICATED if `ca` is no CA or not of
 * `ca_key`.
 */
struct err certificate_issue(const struct crypto_key *ca_key, struct span ca,
			     struct span spki,
			     const struct certificate_order *order,
			     struct buf *out);

/* Read one certificate (DER, exactly).  Checks no signature and no time. */
struct err certificate_read(struct span der, struct arena *arena,
			    struct certificate_facts *out);

/* Does `der` carry a signature of the key of `ca`, was it meant for
 * `purpose`, and is `now` within both?  ERR_UNAUTHENTICATED if not,
 * ERR_TIME if only the time is wrong. */
struct err certificate_check(struct span der, struct span ca,
			     enum certificate_purpose purpose, uint64_t now);

/* SHA-256 of the DER bytes. */
struct err certificate_digest(struct span der, struct digest *out);

/* ---- PEM (RFC 7468) ---- */

/* Append DER as "BEGIN CERTIFICATE". */
struct err certificate_to_pem(struct span der, struct buf *out);
/* Append the DER of the first certificate in the text; ERR_MALFORMED if there
 * is none. */
struct err certificate_from_pem(struct span pem, struct buf *out);
/* Append the key as unencrypted PKCS#8 PEM: a secret, for a file that only
 * its owner may read; wipe the buffer. */
struct err certificate_key_to_pem(const struct crypto_key *key,
				  struct buf *out);
/* Read an unencrypted P-256 or P-384 key, PKCS#8 or SEC 1 PEM. */
struct err certificate_key_from_pem(struct span pem, struct crypto_key **out);

#endif
