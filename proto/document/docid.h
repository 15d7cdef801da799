/*
 * The document id and its opening.
 *
 * An id is a UUIDv7 (RFC 9562 s.5.7): 48 bits of time in milliseconds, and in
 * its 74 free bits the first bits of H(E("entente id v1", time48, home, space,
 * author, salt16)).  The opening (space, first author, salt) is kept for life
 * and travels beside every manifest and statement, so an id that somebody
 * else made fails before any look-up.
 */
#ifndef PROTO_DOCUMENT_DOCID_H
#define PROTO_DOCUMENT_DOCID_H

#include "proto/base/json.h"

enum {
	DOCID_SALT_LEN = 16,
	DOCID_OPENING_MAX = 2 + SPACE_NAME_MAX + DIGEST_LEN + DOCID_SALT_LEN,
	/* A time further ahead than this is refused on a write. */
	DOCID_AHEAD_S = 7 * 24 * 3600,
};

struct opening {
	struct span space;    /* "GBR/ops", borrowed */
	struct key_id author; /* of the first manifest */
	uint8_t salt[DOCID_SALT_LEN];
};

/* The id that `opening`, home and time make.  ERR_MALFORMED for a bad space
 * or a time beyond 48 bits. */
struct err docid_make(const struct opening *opening, struct nation home,
		      uint64_t time_ms, struct doc_id *out);

/* ERR_FOREIGN_ID unless `opening` and `home` make this id. */
struct err docid_check(struct doc_id id, const struct opening *opening,
		       struct nation home);

/* ERR_TIME if the id's time lies more than DOCID_AHEAD_S after `now_ms`. */
struct err docid_check_time(struct doc_id id, uint64_t now_ms);

/* The time inside an id, milliseconds. */
uint64_t docid_time_ms(struct doc_id id);

/* Raw form: space with a u16 length, author, salt.  Decoding borrows from
 * `raw`; ERR_MALFORMED for anything else. */
void docid_opening_encode(const struct opening *opening, struct buf *out);
struct err docid_opening_decode(struct span raw, struct opening *out);

/* {"author":key id,"salt":b64,"space":text}; the space is borrowed from the
 * parsed value.  Unknown members are refused. */
struct err docid_opening_from_json(const struct json *object,
				   struct opening *out);
void docid_opening_to_json(const struct opening *opening,
			   struct json_writer *w);

#endif
