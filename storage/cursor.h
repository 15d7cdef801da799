/*
 * The cursor: where a reader is in its feed, sealed by the guard.
 *
 * AES-256-SIV without a nonce, AAD E("entente cursor v1", reader), in front
 * one byte of key generation; base64url, under 130 characters.  The same
 * cursor has the same bytes.  The key of the generation before still opens.
 */
#ifndef STORAGE_CURSOR_H
#define STORAGE_CURSOR_H

#include "storage/ring.h"

enum { CURSOR_TEXT_MAX = 130, CURSOR_READER_LEN = 32 };

struct cursor {
	uint64_t incarnation; /* of the store's header */
	struct seq seq;	      /* S: complete to here for `complete` */
	uint64_t complete;    /* C: number of a set of shelves */
	uint64_t target;      /* T: the set being filled up to; 0 if none */
	uint32_t fill_shelf;  /* b: the fill has come to this row */
	struct seq fill_seq;
	struct seq fill_end; /* U: and ends at this sequence */
	uint64_t loss;	     /* losses of the ledger up to this are told */
	uint32_t shelves;    /* N: shelves made since (above it) had no row
				 yet, so they count as complete */
};

bool cursor_eq(const struct cursor *a, const struct cursor *b);

/* 32 bytes: a device's author key id, or three letters and 29 zeros. */
void cursor_reader_bytes(const struct reader_name *reader,
			 uint8_t out[CURSOR_READER_LEN]);

/* NUL-terminated text. */
struct err cursor_seal(struct ring *ring, const struct reader_name *reader,
		       const struct cursor *cursor, char out[CURSOR_TEXT_MAX]);
/* ERR_MALFORMED for what was never a cursor of this reader, ERR_GONE for one
 * of a key no longer kept or of another incarnation: start afresh. */
struct err cursor_open(struct ring *ring, const struct reader_name *reader,
		       uint64_t incarnation, struct span text,
		       struct cursor *out);

/* The same with the key handed in: what both stand on. */
struct err cursor_seal_with(const uint8_t key[CRYPTO_SIV_KEY_LEN],
			    uint8_t generation,
			    const struct reader_name *reader,
			    const struct cursor *cursor,
			    char out[CURSOR_TEXT_MAX]);
struct err cursor_open_with(const uint8_t key[CRYPTO_SIV_KEY_LEN],
			    const struct reader_name *reader, struct span text,
			    struct cursor *out);

#endif
