/* What a nation can show to a third one of another's ticks. */
#include "proto/exchange/member.h"
#include "proto/exchange/ticks.h"

enum { BODY_TEXT_MAX = TICKS_BODY_MAX, PAGE_FIELD_MAX = 512 };

void ticks_evidence_encode(const struct ticks_evidence *v, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	if (v->body.len) {
		json_put_name(&w, "answer");
		json_open_object(&w);
		json_member_bytes(&w, "ask", SPAN_OBJ(v->ask));
		json_member_bytes(&w, "body", v->body);
		json_member_string(&w, "page", v->page);
		json_member_string(&w, "reader",
				   span_of(v->reader.code, NATION_LEN));
		json_close_object(&w);
	}
	json_member_bytes(&w, "certificate", v->certificate);
	json_member_bytes(&w, "known", v->known);
	if (v->other.len)
		json_member_bytes(&w, "other", v->other);
	json_member_bytes(&w, "root", v->root);
	member_blobs_write(&w, "witnesses", v->witnesses, v->witness_count);
	json_close_object(&w);
}

static struct err decode_answer(const struct json *json, struct arena *arena,
				struct ticks_evidence *v)
{
	static const char *const names[] = {"ask", "body", "page", "reader",
					    NULL};
	const struct json *answer;
	struct err e;

	if (!json_has(json, "answer"))
		return ERR_NONE;
	e = json_get_object(json, "answer", &answer);
	if (!failed(e))
		e = json_only(answer, names);
	if (!failed(e))
		e = json_get_fixed(answer, "ask", v->ask, sizeof(v->ask));
	if (!failed(e))
		e = member_blob(answer, "body", BODY_TEXT_MAX, arena, &v->body);
	if (!failed(e))
		e = member_text(answer, "page", PAGE_FIELD_MAX, arena,
				&v->page);
	if (!failed(e))
		e = json_get_nation(answer, "reader", &v->reader);
	if (!failed(e) && !v->body.len)
		e = err_make(ERR_MALFORMED, "evidence: an empty answer");
	return e;
}

struct err ticks_evidence_decode(struct span body, struct arena *arena,
				 struct ticks_evidence *out)
{
	static const char *const names[] = {"answer", "certificate",
					    "known",  "other",
					    "root",   "witnesses",
					    NULL};
	struct ticks_evidence v = {0};
	bool has = false;
	struct json *json;
	struct err e = member_open(body, TICKS_EVIDENCE_MAX, names, &json);

	if (!failed(e))
		e = decode_answer(json, arena, &v);
	if (!failed(e))
		e = member_blob(json, "certificate", REPLICA_BLOB_MAX, arena,
				&v.certificate);
	if (!failed(e))
		e = member_blob(json, "known", TICK_BLOB_MAX, arena, &v.known);
	if (!failed(e))
		e = member_blob_maybe(json, "other", TICK_BLOB_MAX, arena, &has,
				      &v.other);
	if (!failed(e))
		e = member_blob(json, "root", CRYPTO_SPKI_MAX, arena, &v.root);
	if (!failed(e))
		e = member_blobs(json, "witnesses", TICKS_WITNESSES,
				 WITNESS_BLOB_MAX, arena, v.witnesses,
				 &v.witness_count);
	if (!failed(e) && (v.body.len > 0) == (v.other.len > 0))
		e = err_make(ERR_MALFORMED,
			     "evidence: an answer or another tick");
	json_free(json);
	if (!failed(e))
		*out = v;
	return e;
}

/* The newest stands for those before, which it names one by one. */
static struct err check_ticks(const struct ticks_answer *answer,
			      const struct replica_certificate *c)
{
	const struct span newest[] = {answer->count
					      ? answer->ticks[answer->count - 1]
					      : answer->last,
				      answer->last};
	struct tick tick;
	struct err e = ERR_NONE;

	for (size_t i = 0; !failed(e) && i < 2; i++) {
		if (!newest[i].len)
			continue;
		e = tick_decode(newest[i], &tick);
		if (!failed(e))
			e = tick_check(&tick, c);
	}
	return e;
}

static struct err check_answer(const struct ticks_evidence *v,
			       const struct tick *known,
			       const struct replica_certificate *c,
			       struct arena *arena, enum ticks_fault *fault)
{
	char since[TICKS_MINUTE_TEXT];
	struct page_facts facts = {.replica = known->replica, .body = v->body};
	struct page_signature signature;
	struct ticks_answer *answer = arena_alloc(arena, sizeof(*answer));
	struct err e = arena_check(arena);

	ticks_minute_format(known->minute, since);
	facts.since = span_str(since);
	page_reader_nation(v->reader, facts.reader);
	memcpy(facts.ask, v->ask, sizeof(facts.ask));
	if (!failed(e))
		e = page_parse(v->page, &signature);
	if (!failed(e))
		e = page_check(c->draft.request, &facts, &signature);
	if (!failed(e))
		e = ticks_answer_decode(v->body, arena, answer);
	if (!failed(e))
		e = check_ticks(answer, c);
	if (!failed(e))
		e = ticks_judge(known, answer, signature.time, fault);
	return e;
}

struct err ticks_evidence_check(const struct ticks_evidence *v,
				struct arena *arena, struct replica *accused,
				uint64_t *minute, enum ticks_fault *fault)
{
	struct replica_certificate *c = NULL;
	struct crypto_public *root = NULL;
	struct tick known, other;
	struct err e = tick_decode(v->known, &known);

	*fault = TICKS_SOUND;
	if (!failed(e))
		e = crypto_public_from_spki(v->root, &root);
	if (!failed(e))
		e = replica_decode(v->certificate, &c);
	if (!failed(e))
		e = replica_check(c, root, known.replica.nation, 0);
	if (!failed(e))
		e = tick_check(&known, c);
	if (failed(e))
		goto out;
	*accused = known.replica;
	*minute = known.minute;
	if (v->body.len) {
		e = check_answer(v, &known, c, arena, fault);
	} else {
		e = tick_decode(v->other, &other);
		if (!failed(e))
			e = tick_check(&other, c);
		if (!failed(e))
			e = ticks_judge_tick(&known, &other, fault);
	}
out:
	replica_free(c);
	crypto_public_free(root);
	return e;
}
