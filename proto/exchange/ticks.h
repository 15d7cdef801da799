/*
 * `GET /v1/peer/ticks?after=MINUTE&ask=` and `POST /v1/peer/ticks`: a relay's
 * ticks, what it saw of others', and their countersignatures (docs/API.md);
 * and what such an answer proves.
 *
 * The answer is signed like a page of changes (exchange/page.h), over the
 * minute that was asked for as its `since`.  So whoever keeps one tick of a
 * relay and one answer of it can show a third nation, without a connection,
 * that the relay went back, stood still or has two faces: ticks_judge, which
 * nations use on what they hear and `entente tick verify` on what they keep.
 */
#ifndef PROTO_EXCHANGE_TICKS_H
#define PROTO_EXCHANGE_TICKS_H

#include "proto/base/arena.h"
#include "proto/base/json.h"
#include "proto/document/witness.h"
#include "proto/exchange/page.h"

enum {
	TICKS_PAGE = 64,     /* of one answer */
	TICKS_OTHERS = 64,   /* nations */
	TICKS_WITNESSES = 8, /* of one request */
	TICKS_BODY_MAX = 96 * 1024,
	TICKS_MINUTE_TEXT = 24,
	TICKS_FROZEN_MIN = 10, /* minutes behind the answer's own time */
};

struct ticks_answer {
	/* Those after the minute asked for, oldest first; of the newest
	 * replica alone. */
	size_t count;
	struct span ticks[TICKS_PAGE];
	bool more;
	struct span last; /* the newest; empty: none was made yet */
	struct span seen; /* the newest of the asker's that this relay saw */
	/* The newest of each other nation that this relay saw. */
	size_t other_count;
	struct span others[TICKS_OTHERS];
};

void ticks_answer_encode(const struct ticks_answer *answer, struct buf *out);
/* Strict; blobs live in `arena`, and are not decoded. */
struct err ticks_answer_decode(struct span body, struct arena *arena,
			       struct ticks_answer *out);

struct ticks_witnesses {
	size_t count;
	struct span blobs[TICKS_WITNESSES];
};
void ticks_witnesses_encode(const struct ticks_witnesses *w, struct buf *out);
struct err ticks_witnesses_decode(struct span body, struct arena *arena,
				  struct ticks_witnesses *out);

/* The text of `after`, and of the signature's `since`. */
void ticks_minute_format(uint64_t minute, char out[TICKS_MINUTE_TEXT]);

enum ticks_fault {
	TICKS_SOUND,
	TICKS_TWO_FACES,   /* another tick of the same minute */
	TICKS_BROKEN,	   /* what follows the known tick does not name it */
	TICKS_ROLLED_BACK, /* its newest is older than the known one */
	TICKS_FROZEN,	   /* its newest is TICKS_FROZEN_MIN behind its clock */
};
const char *ticks_fault_name(enum ticks_fault fault);

/*
 * What `answer`, asked for after `known->minute` and signed at `time`, says
 * against the relay that made `known`.  The caller has checked the answer's
 * signature and the ticks'.  ERR_MALFORMED for ticks of another replica, out
 * of order, or that cannot be read.
 */
struct err ticks_judge(const struct tick *known,
		       const struct ticks_answer *answer, uint64_t time,
		       enum ticks_fault *fault);
/* The same of another tick of that relay: two faces, or sound. */
struct err ticks_judge_tick(const struct tick *known, const struct tick *other,
			    enum ticks_fault *fault);

/* ---- evidence: JSON for third nations ---- */

enum { TICKS_EVIDENCE_MAX = 256 * 1024 };

struct ticks_evidence {
	struct span root;	 /* SPKI of the accused nation's seal root */
	struct span certificate; /* of its replica */
	struct span known;	 /* its tick that the accuser keeps */
	struct span other;	 /* another one of that minute; or */
	/* an answer of it: */
	struct span body;
	uint8_t ask[PAGE_ASK_LEN];
	struct nation reader;			/* who asked */
	struct span page;			/* the field Entente-Page */
	struct span witnesses[TICKS_WITNESSES]; /* of `known`, by whomever */
	size_t witness_count;
};

void ticks_evidence_encode(const struct ticks_evidence *v, struct buf *out);
struct err ticks_evidence_decode(struct span body, struct arena *arena,
				 struct ticks_evidence *out);
/*
 * The whole check, by somebody who was not there: certificate under root,
 * signatures, and what they prove.  TICKS_SOUND: nothing.  The caller compares
 * the root's digest with what it knows of that nation.
 */
struct err ticks_evidence_check(const struct ticks_evidence *v,
				struct arena *arena, struct replica *accused,
				uint64_t *minute, enum ticks_fault *fault);

#endif
