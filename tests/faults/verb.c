/* Verbs as rows. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/exchange/keys.h"
#include "tests/faults/verb.h"

struct running {
	struct asking *s;
	const struct verb *verb;
	struct asked asked;
};

static void prepare(void *self)
{
	struct running *r = self;
	struct forge *who = (struct forge *)((uint8_t *)r->s + r->verb->who);

	asked_clear(&r->asked);
	asked_init(&r->asked, r->s, who, r->verb->method);
	snprintf(r->asked.target, sizeof(r->asked.target), "%s",
		 r->verb->target);
	r->asked.is_signed = r->verb->is_signed;
	if (r->verb->make)
		r->verb->make(&r->asked);
}

static struct err act(void *self)
{
	struct running *r = self;

	return asked_ask(&r->asked);
}

static void after(void *self, struct err e)
{
	struct running *r = self;

	asking_revive(r->s);
	/* What was answered in spite of it must be whole. */
	if (!failed(e) && r->verb->end)
		r->verb->end(&r->asked);
	if (r->verb->again)
		r->verb->again(&r->asked);
}

static void end(void *self)
{
	struct running *r = self;

	if (r->verb->end)
		r->verb->end(&r->asked);
}

void verb_run(struct asking *s, const struct verb *verbs, size_t count)
{
	const char *only = getenv("FAULTS_ONLY");

	for (size_t i = 0; i < count; i++) {
		struct running r = {.s = s, .verb = &verbs[i]};
		struct each each = {verbs[i].name, &r,	  prepare,
				    act,	   after, end};

		if (only && !strstr(verbs[i].name, only))
			continue;
		asked_init(&r.asked, s, &s->alice, "GET");
		each_call(&each);
		asked_clear(&r.asked);
		asking_settled(s);
	}
	assert_int_equal(each_wrong(), 0);
}

int verb_begin(void **state)
{
	struct asking *s = calloc(1, sizeof(*s));

	asking_new(s);
	*state = s;
	return 0;
}

int verb_finish(void **state)
{
	asking_free(*state);
	free(*state);
	each_tell();
	return 0;
}

/* ---- what rows are made of ---- */

void verb_add(struct asked *a, const char *text)
{
	size_t len = strlen(a->target);

	snprintf(a->target + len, sizeof(a->target) - len, "%s", text);
}

void verb_add_doc(struct asked *a, const struct forge_revision *r,
		  const char *rest)
{
	char id[DOC_ID_TEXT_LEN + 1];

	doc_id_format(r->m.id, id);
	verb_add(a, id);
	verb_add(a, rest);
}

void verb_field(struct asked *a, const char *name, const char *value)
{
	a->fields[a->field_count++] =
		(struct core_field){span_str(name), span_str(value)};
}

void verb_of_plan(struct asked *a)
{
	verb_add_doc(a, &a->s->plan, "");
}

void verb_of_book(struct asked *a)
{
	verb_add_doc(a, &a->s->book, "/content");
}

void verb_of_book_range(struct asked *a)
{
	verb_of_book(a);
	verb_field(a, "range", "bytes=200000-280000");
}

static void add_digest(struct asked *a, const uint8_t *at)
{
	char text[DIGEST_TEXT_LEN + 1];
	struct digest d;

	memcpy(d.at, at, DIGEST_LEN);
	digest_format(d, text);
	verb_add(a, text);
}

void verb_of_label(struct asked *a)
{
	add_digest(a, a->s->plan.m.label.at);
}

void verb_of_author(struct asked *a)
{
	add_digest(a, a->s->plan.m.author.at);
}

void verb_keys_of_both(struct asked *a)
{
	struct keys_want wants[2] = {
		{a->s->plan.m.id, a->s->plan.keys[0]},
		{a->s->book.m.id, a->s->book.keys[0]},
	};
	struct keys_request request = {.wants = wants, .count = 2};

	keys_request_encode(&request, &a->body);
}

void verb_keys_are_granted(struct asked *a)
{
	const struct keys_grant *grants;
	struct arena arena;
	size_t count;

	arena_init(&arena, 1 << 20);
	world_must(keys_answer_decode(buf_span(&a->answer), &arena, &grants,
				      &count));
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++)
		assert_true(grants[i].granted);
	arena_clear(&arena);
}

void verb_both_are_there(struct asked *a)
{
	struct forge_revision *r[] = {&a->s->plan, &a->s->book};
	char id[DOC_ID_TEXT_LEN + 1];

	for (int i = 0; i < 2; i++) {
		doc_id_format(r[i]->m.id, id);
		assert_non_null(strstr(buf_cstr(&a->answer), id));
	}
}

void verb_book_is_whole(struct asked *a)
{
	struct span blob = buf_span(&a->s->book.blob);

	if (a->field_count)
		blob = span_sub(blob, 200000, 80001);
	assert_int_equal(a->status, a->field_count ? 206 : 200);
	assert_true(span_eq(buf_span(&a->answer), blob));
}
