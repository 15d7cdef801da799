/*
 * Devices enrolled with this relay: three keys, one certificate, a subject.
 *
 * A key is registered once, for ever: also a revoked device's keys stay
 * taken.  Posture is a place kept for facts that later versions judge.
 */
#ifndef STORAGE_DEVICE_H
#define STORAGE_DEVICE_H

#include "proto/crypto/crypto.h"
#include "storage/subject.h"

enum device_state {
	DEVICE_ACTIVE = 0,
	DEVICE_FROZEN = 1,  /* reversible */
	DEVICE_REVOKED = 2, /* final */
};

struct device {
	struct key_id author; /* names the device */
	struct span author_spki;
	struct span wrapping;	    /* X9.63 point */
	struct key_id tls;	    /* H(SPKI) */
	struct digest certificate;  /* SHA-256 of the one in use, DER */
	uint64_t certificate_until; /* UTC seconds */
	struct span subject;
	enum device_state state;
	uint64_t enrolled;	 /* UTC seconds */
	uint64_t changed;	 /* of its state */
	struct span attestation; /* as sent, kept; may be empty */
	struct span posture;	 /* facts; empty for now */
};

/* A new device; ERR_EXISTS if any of its three keys was ever registered. */
struct err device_add(struct txn *txn, const struct device *device);
/* Replaces the record of a known device. */
struct err device_put(struct txn *txn, const struct device *device);
/* Copied into `arena`.  ERR_NOT_FOUND. */
struct err device_get(struct txn *txn, struct key_id author,
		      struct arena *arena, struct device *out);
struct err device_by_certificate(struct txn *txn, struct digest certificate,
				 struct arena *arena, struct device *out);
/* The next device after `out->author` (zero at first). ERR_NOT_FOUND at the
 * end. */
struct err device_next(struct txn *txn, struct arena *arena,
		       struct device *out);

#endif
