/* Ticks between nations: requests and answers. */
#include "proto/exchange/ticks.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/exchange/member.h"

void ticks_minute_format(uint64_t minute, char out[TICKS_MINUTE_TEXT])
{
	snprintf(out, TICKS_MINUTE_TEXT, "%" PRIu64, minute);
}

void ticks_answer_encode(const struct ticks_answer *a, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	if (a->last.len)
		json_member_bytes(&w, "last", a->last);
	json_member_bool(&w, "more", a->more);
	member_blobs_write(&w, "others", a->others, a->other_count);
	if (a->seen.len)
		json_member_bytes(&w, "seen", a->seen);
	member_blobs_write(&w, "ticks", a->ticks, a->count);
	json_close_object(&w);
}

struct err ticks_answer_decode(struct span body, struct arena *arena,
			       struct ticks_answer *out)
{
	static const char *const names[] = {"last", "more",  "others",
					    "seen", "ticks", NULL};
	struct ticks_answer a = {0};
	bool has;
	struct json *json;
	struct err e = member_open(body, TICKS_BODY_MAX, names, &json);

	if (!failed(e))
		e = member_blob_maybe(json, "last", TICK_BLOB_MAX, arena, &has,
				      &a.last);
	if (!failed(e))
		e = json_get_bool(json, "more", &a.more);
	if (!failed(e))
		e = member_blobs(json, "others", TICKS_OTHERS, TICK_BLOB_MAX,
				 arena, a.others, &a.other_count);
	if (!failed(e))
		e = member_blob_maybe(json, "seen", TICK_BLOB_MAX, arena, &has,
				      &a.seen);
	if (!failed(e))
		e = member_blobs(json, "ticks", TICKS_PAGE, TICK_BLOB_MAX,
				 arena, a.ticks, &a.count);
	json_free(json);
	if (!failed(e))
		*out = a;
	return e;
}

void ticks_witnesses_encode(const struct ticks_witnesses *v, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	member_blobs_write(&w, "witnesses", v->blobs, v->count);
	json_close_object(&w);
}

struct err ticks_witnesses_decode(struct span body, struct arena *arena,
				  struct ticks_witnesses *out)
{
	static const char *const names[] = {"witnesses", NULL};
	struct ticks_witnesses v = {0};
	struct json *json;
	struct err e = member_open(body, TICKS_BODY_MAX, names, &json);

	if (!failed(e))
		e = member_blobs(json, "witnesses", TICKS_WITNESSES,
				 WITNESS_BLOB_MAX, arena, v.blobs, &v.count);
	json_free(json);
	if (!failed(e))
		*out = v;
	return e;
}

/* ---- what it proves ---- */

const char *ticks_fault_name(enum ticks_fault fault)
{
	switch (fault) {
	case TICKS_SOUND:
		return "sound";
	case TICKS_TWO_FACES:
		return "two-faces";
	case TICKS_BROKEN:
		return "broken-chain";
	case TICKS_ROLLED_BACK:
		return "rolled-back";
	case TICKS_FROZEN:
		return "frozen";
	}
	return "unknown";
}

static struct err read_tick(struct span blob, struct replica of,
			    struct tick *out)
{
	struct err e = tick_decode(blob, out);

	if (!failed(e) && !replica_eq(out->replica, of))
		e = err_make(ERR_MALFORMED, "a tick of another replica");
	return e;
}

struct err ticks_judge_tick(const struct tick *known, const struct tick *other,
			    enum ticks_fault *fault)
{
	struct digest a, b;
	struct err e = tick_digest(known, &a);

	if (!failed(e))
		e = tick_digest(other, &b);
	if (failed(e))
		return e;
	*fault = replica_eq(known->replica, other->replica) &&
				 known->minute == other->minute &&
				 !digest_eq(a, b)
			 ? TICKS_TWO_FACES
			 : TICKS_SOUND;
	return ERR_NONE;
}

/* Each names the one before; the first names `known`. */
static struct err follow(const struct tick *known,
			 const struct ticks_answer *answer,
			 enum ticks_fault *fault)
{
	struct tick before = *known, next;
	struct digest digest;
	struct err e = ERR_NONE;

	for (size_t i = 0; !failed(e) && i < answer->count; i++) {
		e = tick_digest(&before, &digest);
		if (!failed(e))
			e = read_tick(answer->ticks[i], known->replica, &next);
		if (failed(e))
			break;
		if (next.minute <= before.minute)
			return err_make(ERR_MALFORMED, "ticks out of order");
		if (!digest_eq(next.previous, digest)) {
			*fault = TICKS_BROKEN;
			return ERR_NONE;
		}
		before = next;
	}
	return e;
}

struct err ticks_judge(const struct tick *known,
		       const struct ticks_answer *answer, uint64_t time,
		       enum ticks_fault *fault)
{
	struct tick last;
	struct err e;

	*fault = TICKS_SOUND;
	e = follow(known, answer, fault);
	if (failed(e) || *fault)
		return e;
	if (!answer->last.len) {
		*fault = TICKS_ROLLED_BACK;
		return ERR_NONE;
	}
	e = read_tick(answer->last, known->replica, &last);
	if (failed(e))
		return e;
	if (last.minute < known->minute) {
		*fault = TICKS_ROLLED_BACK;
		return ERR_NONE;
	}
	e = ticks_judge_tick(known, &last, fault);
	if (!failed(e) && !*fault && last.minute + TICKS_FROZEN_MIN < time / 60)
		*fault = TICKS_FROZEN;
	return e;
}
