/* Verbs asked while calls fail. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/crypto/certificate.h"
#include "proto/exchange/problem.h"
#include "relay/guard/core/state.h"
#include "storage/store_check.h"
#include "tests/faults/asking.h"

enum { ALL = SUBJECT_WRITE | SUBJECT_LABEL | SUBJECT_DELETE | SUBJECT_RECALL };

static const char *const spaces[] = {"GBR/ops"};

static void file(const char *name, struct buf *out)
{
	char path[256];

	snprintf(path, sizeof(path), "docs/policy/%s", name);
	world_file(path, out);
}

/* One of the officers that `entente init` made. */
static struct forge officer(struct asking *s, int i, const char *role)
{
	struct forge f = forge_officer(&s->w, s->gbr);
	char path[WORLD_PATH * 2];
	struct buf pem;

	snprintf(path, sizeof(path), "%s/operator/%s.pem", s->gbr->folder,
		 role);
	world_file(path, &pem);
	buf_init(&s->officers[i], CERTIFICATE_MAX);
	world_must(certificate_from_pem(buf_span(&pem), &s->officers[i]));
	buf_clear(&pem);
	snprintf(path, sizeof(path), "%s/operator/%s.key", s->gbr->folder,
		 role);
	world_file(path, &pem);
	world_must(
		certificate_key_from_pem(buf_span(&pem), &s->officer_keys[i]));
	buf_clear(&pem);
	f.certificate = buf_span(&s->officers[i]);
	f.key = s->officer_keys[i];
	return f;
}

static void must_be(int status, struct world_answer *answer, int want)
{
	if (status != want)
		fail_msg("%d: %.*s", status, (int)answer->body.len,
			 (const char *)answer->body.at);
	world_answer_clear(answer);
}

/* A document of two segments: its content goes first, as an upload. */
static void write_book(struct asking *s)
{
	static uint8_t content[300000];
	struct world_answer answer;
	struct forge_request q;
	char target[256], table[DIGEST_TEXT_LEN + 1], id[DOC_ID_TEXT_LEN + 1];

	memset(content, 'b', sizeof(content));
	forge_first(&s->alice, "GBR/ops", buf_span(&s->rel_all),
		    SPAN_OBJ(content), &s->book);
	digest_format(s->book.m.table, table);
	doc_id_format(s->book.m.id, id);
	snprintf(target, sizeof(target),
		 "/v1/documents/%s/content?table=%s&size=%zu", id, table,
		 sizeof(content));
	q = (struct forge_request){.method = "POST",
				   .target = target,
				   .body = buf_span(&s->book.blob),
				   .field = {span_str("upload-complete"),
					     span_str("?1")}};
	must_be(forge_ask(&s->alice, &q, &answer), &answer, 201);
	must_be(forge_put(&s->alice, &s->book, &answer), &answer, 201);
	asking_acked(s, s->book.m.id);
}

void asking_new(struct asking *s)
{
	struct world *w = &s->w;
	struct world_answer answer;

	memset(s, 0, sizeof(*s));
	world_new(w, 31);
	file("clearances/gbr-restricted.xml", &s->restricted);
	file("clearances/gbr-unclassified.xml", &s->unclassified);
	file("clearances/deu-restricted.xml", &s->deu_r);
	file("labels/restricted-rel-gbr-deu-fra.xml", &s->rel_all);
	file("labels/restricted-rel-gbr.xml", &s->rel_gbr);
	file("labels/unclassified.xml", &s->open);
	file("alliance.spif.xml", &s->policies[0]);
	file("germany.spif.xml", &s->policies[1]);
	s->gbr = world_relay(w, "GBR");
	s->deu = world_relay(w, "DEU");
	world_subject(w, s->gbr, "alice", buf_span(&s->restricted), ALL, spaces,
		      1);
	world_subject(w, s->gbr, "bob", buf_span(&s->unclassified), ALL, spaces,
		      1);
	s->alice_device = world_device(w, s->gbr, "alice");
	s->bob_device = world_device(w, s->gbr, "bob");
	s->alice = forge_device(w, s->alice_device);
	s->bob = forge_device(w, s->bob_device);
	s->operator= forge_officer(w, s->gbr);
	s->security = officer(s, 0, "security-officer");
	s->auditor = officer(s, 1, "auditor");
	world_peer(w, s->gbr, buf_span(&s->restricted), s->deu,
		   buf_span(&s->deu_r));
	s->peer = (struct forge){.w = w,
				 .relay = s->gbr,
				 .random = &w->random,
				 .listener = CORE_PEER,
				 .certificate = buf_span(&s->deu->certificate),
				 .key = s->deu->core->request_key};
	forge_first(&s->alice, "GBR/ops", buf_span(&s->rel_all),
		    span_str("the plan"), &s->plan);
	must_be(forge_put(&s->alice, &s->plan, &answer), &answer, 201);
	asking_acked(s, s->plan.m.id);
	write_book(s);
}

void asking_free(struct asking *s)
{
	struct buf *bufs[] = {&s->officers[0], &s->officers[1],
			      &s->restricted,  &s->unclassified,
			      &s->deu_r,       &s->rel_all,
			      &s->rel_gbr,     &s->open,
			      &s->policies[0], &s->policies[1]};

	forge_revision_clear(&s->plan);
	forge_revision_clear(&s->book);
	world_free(&s->w);
	for (size_t i = 0; i < sizeof(bufs) / sizeof(*bufs); i++)
		buf_clear(bufs[i]);
	crypto_key_free(s->officer_keys[0]);
	crypto_key_free(s->officer_keys[1]);
}

void asking_revive(struct asking *s)
{
	if (!core_dead(s->gbr->core))
		return;
	world_close(&s->w, s->gbr);
	world_open(&s->w, s->gbr);
}

void asking_acked(struct asking *s, struct doc_id id)
{
	if (s->acked_count < ASKING_ACKED_MAX)
		s->acked[s->acked_count++] = id;
}

/* ---- one request ---- */

void asked_init(struct asked *a, struct asking *s, struct forge *who,
		const char *method)
{
	*a = (struct asked){.s = s, .who = who, .method = method};
	buf_init(&a->body, 64 << 20);
	buf_init(&a->answer, 64 << 20);
}

void asked_clear(struct asked *a)
{
	buf_clear(&a->body);
	buf_clear(&a->answer);
}

static void copy_field(const struct core_answer *a, const char *name, char *out,
		       size_t room)
{
	for (size_t i = 0; i < a->field_count; i++)
		if (span_eq_str(a->fields[i].name, name))
			snprintf(out, room, "%.*s", (int)a->fields[i].value.len,
				 (const char *)a->fields[i].value.at);
}

static struct err feed(struct job *job, struct span body)
{
	while (body.len) {
		struct span piece = span_sub(body, 0, 100000);
		size_t ready = 0;
		struct err e = core_body(job, piece, &ready);

		if (!failed(e) && ready)
			e = core_body_store(job, &ready);
		if (failed(e))
			break;
		body = span_sub(body, piece.len, body.len);
	}
	return core_body_end(job, true);
}

/* As the guard drives it; false if it waits. */
static bool drive(struct core *core, struct job *job, struct span body)
{
	for (;;) {
		switch (core_check(job)) {
		case CORE_NEXT_ANSWER:
			return true;
		case CORE_NEXT_WAIT:
			return false;
		case CORE_NEXT_WRITE:
			core_write(core, &job, 1);
			if (core_seal(core))
				core_write(core, NULL, 0);
			return true;
		case CORE_NEXT_BODY:
			(void)feed(job, body).code;
			break;
		}
	}
}

/* The refusal, which must be a problem document whatever has failed. */
static struct err refusal(struct asked *a, const struct core_answer *answer)
{
	struct arena arena;
	struct problem p;
	static char detail[256];
	enum err_code code;
	char type[64] = "";
	struct err e;

	arena_init(&arena, PROBLEM_MAX);
	copy_field(answer, "content-type", type, sizeof(type));
	e = problem_parse(answer->body, answer->status, &arena, &p);
	if (failed(e) || strcmp(type, PROBLEM_MEDIA_TYPE) != 0 ||
	    p.status != answer->status || !p.mend[0])
		fail_msg("%d is no problem: %s: %.*s", answer->status, type,
			 (int)answer->body.len, (const char *)answer->body.at);
	code = p.code;
	snprintf(detail, sizeof(detail), "%s", p.detail);
	arena_clear(&arena);
	return err_make(code, detail);
}

static struct err take(struct asked *a, struct job *job)
{
	const struct core_answer *answer = core_answer(job);
	struct err e = ERR_NONE;

	fault_pause();
	a->status = answer->status;
	buf_reset(&a->answer);
	copy_field(answer, "location", a->location, sizeof(a->location));
	copy_field(answer, "upload-offset", a->offset, sizeof(a->offset));
	if (answer->status < 100 || answer->status >= 400)
		e = refusal(a, answer);
	else if (!answer->body_streams)
		buf_put(&a->answer, answer->body);
	fault_resume();
	for (uint64_t at = 0;
	     !failed(e) && answer->body_streams && at < answer->body_len;) {
		struct buf piece;

		buf_init(&piece, 100000);
		e = core_read(job, at, 100000, &piece);
		at += piece.len;
		fault_pause();
		buf_put(&a->answer, buf_span(&piece));
		fault_resume();
		buf_clear(&piece);
	}
	return e;
}

/* The test's own part: a nonce, and the request's signature. */
static void sign(struct asked *a, struct core_field fields[6], size_t *count,
		 struct signature_fields *proof)
{
	struct forge_request q = {.method = a->method,
				  .target = a->target,
				  .body = buf_span(&a->body)};
	struct world_answer answer;

	a->who->nonce[0] = 0;
	forge_ask(a->who, &q, &answer); /* 401, with one */
	world_answer_clear(&answer);
	testclock_forward(&a->s->w.time, 1000);
	forge_sign_request(a->who, &q, a->who->nonce, clock_s(&a->s->w.clock),
			   proof);
	fields[(*count)++] = (struct core_field){span_str("signature-input"),
						 buf_span(&proof->input)};
	fields[(*count)++] = (struct core_field){span_str("signature"),
						 buf_span(&proof->signature)};
	fields[(*count)++] = (struct core_field){span_str("content-digest"),
						 buf_span(&proof->digest)};
}

struct err asked_ask(struct asked *a)
{
	struct core *core = a->who->relay->core;
	struct signature_fields proof;
	struct core_field fields[6];
	struct core_request q = {
		.listener = a->who->listener,
		.certificate = a->who->certificate,
		.method = span_str(a->method),
		.authority = span_str(a->who->listener == CORE_PEER
					      ? a->who->relay->peer_endpoint
					      : a->who->relay->endpoint),
		.target = span_str(a->target),
		.fields = fields,
		.body = buf_span(&a->body),
	};
	struct job *job = NULL;
	struct err e;

	fault_pause();
	for (size_t i = 0; i < a->field_count; i++)
		fields[q.field_count++] = a->fields[i];
	if (a->is_signed)
		sign(a, fields, &q.field_count, &proof);
	a->status = 0;
	a->location[0] = a->offset[0] = 0;
	fault_resume();
	e = core_job_new(core, &q, &job);
	if (!failed(e)) {
		if (drive(core, job, q.body))
			e = take(a, job);
		else
			a->status = 204;
	}
	job_free(job);
	if (a->is_signed) {
		fault_pause();
		signature_fields_clear(&proof);
		fault_resume();
	}
	return e;
}

/* ---- what must hold after all ---- */

static void has(struct asking *s, struct doc_id id)
{
	char target[128] = "/v1/documents/";
	struct forge_request q = {.method = "GET", .target = target};
	struct world_answer answer;

	doc_id_format(id, target + strlen(target));
	must_be(forge_ask(&s->alice, &q, &answer), &answer, 200);
}

static void found(void *self, const struct store_finding *f)
{
	if (f->grade == CHECK_FAULT)
		print_error("%s: %s\n", table_name(f->table), f->what);
}

static void passed(void *self, uint64_t records, uint64_t total)
{
}

void asking_settled(struct asking *s)
{
	struct forge_request verify = {.method = "GET",
				       .target = "/admin/v1/audit/verify"};
	struct store_check_order order = {.ring = s->gbr->core->ring,
					  .finding = found,
					  .progress = passed};
	struct store_check check = {0};
	struct world_answer answer;

	world_must(store_check(s->gbr->core->store, &order, &check));
	assert_int_equal(check.faults, 0);
	must_be(forge_ask(&s->auditor, &verify, &answer), &answer, 200);
	for (size_t i = 0; i < s->acked_count; i++)
		has(s, s->acked[i]);
	s->acked_count = 0;
	asking_acked(s, s->plan.m.id);
	asking_acked(s, s->book.m.id);
}
