/* What every refusal must be. */
#define _GNU_SOURCE /* memmem */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/guard/refusal.h"

static const char *const spaces[] = {"GBR/ops"};

static void file(const char *name, struct buf *out)
{
	char path[256];

	snprintf(path, sizeof(path), "docs/policy/%s.xml", name);
	world_file(path, out);
}

int refusal_begin(void **state)
{
	struct refusal_scene *s = calloc(1, sizeof(*s));
	struct world *w = &s->w;
	struct world_answer answer;

	world_new(w, 23);
	file("clearances/gbr-restricted", &s->restricted);
	file("clearances/gbr-unclassified", &s->unclassified);
	file("labels/restricted-rel-gbr", &s->rel_gbr);
	file("labels/restricted-rel-gbr-deu-fra", &s->rel_all);
	file("labels/unclassified", &s->open);
	file("labels/confidential-rel-gbr-deu-fra", &s->secret);
	file("labels/restricted-orion", &s->orion);
	file("labels/restricted-rel-deu-fra", &s->deu_fra);
	s->gbr = world_relay(w, "GBR");
	world_subject(w, s->gbr, "alice", buf_span(&s->restricted), REFUSAL_ALL,
		      spaces, 1);
	world_subject(w, s->gbr, "bob", buf_span(&s->unclassified), REFUSAL_ALL,
		      spaces, 1);
	world_subject(w, s->gbr, "walt", buf_span(&s->restricted),
		      SUBJECT_WRITE, spaces, 1);
	s->devices[0] = world_device(w, s->gbr, "alice");
	s->devices[1] = world_device(w, s->gbr, "bob");
	s->devices[2] = world_device(w, s->gbr, "walt");
	s->alice = forge_device(w, s->devices[0]);
	s->bob = forge_device(w, s->devices[1]);
	s->walt = forge_device(w, s->devices[2]);
	s->officer = forge_officer(w, s->gbr);
	forge_first(&s->alice, "GBR/ops", buf_span(&s->rel_gbr),
		    span_str("the plan"), &s->plan);
	if (forge_put(&s->alice, &s->plan, &answer) != 201)
		abort();
	world_answer_clear(&answer);
	*state = s;
	return 0;
}

int refusal_end(void **state)
{
	struct refusal_scene *s = *state;
	struct buf *bufs[] = {&s->restricted, &s->unclassified, &s->rel_gbr,
			      &s->rel_all,    &s->open,		&s->secret,
			      &s->orion,      &s->deu_fra};

	forge_revision_clear(&s->plan);
	world_free(&s->w);
	for (size_t i = 0; i < sizeof(bufs) / sizeof(*bufs); i++)
		buf_clear(bufs[i]);
	free(s);
	return 0;
}

bool refusal_says(const struct world_answer *answer, const char *text)
{
	return memmem(answer->body.at, answer->body.len, text, strlen(text)) !=
	       NULL;
}

void refusal_draft(struct forge *f, struct span label,
		   struct forge_revision *out)
{
	forge_first(f, "GBR/ops", label, span_str("a draft"), out);
}

void refusal_serves(struct refusal_scene *s)
{
	char target[128] = "/v1/documents/";
	struct forge_request get = {.method = "GET", .target = target};
	struct world_answer answer;
	struct forge_revision r;

	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	assert_int_equal(forge_put(&s->alice, &r, &answer), 201);
	world_answer_clear(&answer);
	doc_id_format(r.m.id, target + strlen(target));
	assert_int_equal(forge_ask(&s->alice, &get, &answer), 200);
	world_answer_clear(&answer);
	forge_revision_clear(&r);
}

/* Operators open the reference: it says the same. */
static void opens(struct refusal_scene *s, const char *reference,
		  enum err_code code)
{
	char target[512];
	struct forge_request q = {.method = "GET", .target = target};
	struct world_answer answer;
	struct json *json = NULL;
	struct span outcome;

	snprintf(target, sizeof(target), "/admin/v1/references/%s", reference);
	assert_int_equal(forge_ask(&s->officer, &q, &answer), 200);
	world_must(json_parse(buf_span(&answer.body), &json));
	world_must(json_get_string(json, "outcome", &outcome));
	assert_true(span_eq_str(outcome, code == ERR_NOT_RELEASABLE
						 ? "not-releasable"
						 : err_row(code)->name));
	json_free(json);
	world_answer_clear(&answer);
}

void refusal_shows(struct refusal_scene *s, struct world_answer *answer,
		   enum err_code code)
{
	const struct err_row *row = err_row(code);
	struct problem p;
	struct arena arena;

	arena_init(&arena, PROBLEM_MAX);
	if (answer->status != row->status)
		print_error("%.*s\n", (int)answer->body.len,
			    (const char *)answer->body.at);
	assert_int_equal(answer->status, row->status);
	world_must(problem_parse(buf_span(&answer->body), answer->status,
				 &arena, &p));
	if (strcmp(p.name, row->name) != 0)
		print_error("%.*s\n", (int)answer->body.len,
			    (const char *)answer->body.at);
	assert_string_equal(p.name, row->name);
	assert_int_equal(p.status, row->status);
	assert_true(*p.title);
	assert_string_equal(p.mend, row->mend);
	assert_true(*p.mend);
	/* What would tell "not there" from "not for you" stays unsaid. */
	if (row->status == 404 || row->status == 500)
		assert_string_equal(p.detail, "");
	else
		assert_true(*p.detail);
	if (row->status == 401)
		assert_true(answer->nonce[0] || code == ERR_UNAUTHENTICATED ||
			    code == ERR_SIGNATURE);
	assert_true(*p.reference);
	opens(s, p.reference, code);
	arena_clear(&arena);
	world_answer_clear(answer);
}

void refusal_is(struct refusal_scene *s, struct world_answer *answer,
		enum err_code code)
{
	refusal_shows(s, answer, code);
	refusal_serves(s);
}

void refusal_of_put(struct refusal_scene *s, struct forge *f,
		    struct forge_revision *r, enum err_code code)
{
	struct world_answer answer;

	forge_put(f, r, &answer);
	refusal_is(s, &answer, code);
	forge_revision_clear(r);
}
