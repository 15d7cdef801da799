/*
 * What is not released and what is not there answer alike: the same status,
 * fields and bytes but for the reference's letters, after the same number of
 * reads of the store.
 */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/guard/refusal.h"

/* ---- LMDB's reads, counted on their way ---- */

static unsigned gets, seeks;

typedef int get_fn(void *txn, unsigned dbi, void *key, void *data);
typedef int cursor_get_fn(void *cursor, void *key, void *data, int op);

get_fn mdb_get;
cursor_get_fn mdb_cursor_get;

int mdb_get(void *txn, unsigned dbi, void *key, void *data)
{
	static get_fn *real;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "mdb_get");
	gets++;
	return real(txn, dbi, key, data);
}

int mdb_cursor_get(void *cursor, void *key, void *data, int op)
{
	static cursor_get_fn *real;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "mdb_cursor_get");
	seeks++;
	return real(cursor, key, data, op);
}

/* ---- asking twice ---- */

struct seen {
	int status;
	unsigned gets, seeks;
	struct buf body; /* without the reference's letters */
};

static void look(struct forge *f, struct forge_request *q, bool sign,
		 struct seen *out)
{
	static const char name[] = "\"reference\":\"";
	struct world_answer answer;
	struct span body;

	*out = (struct seen){0};
	buf_init(&out->body, 1 << 20);
	gets = seeks = 0;
	out->status = sign ? forge_ask_signed(f, q, &answer)
			   : forge_ask(f, q, &answer);
	out->gets = gets;
	out->seeks = seeks;
	body = buf_span(&answer.body);
	for (size_t i = 0; i < body.len; i++) {
		buf_put_u8(&out->body, body.at[i]);
		if (i + 1 >= sizeof(name) - 1 &&
		    memcmp(body.at + i + 2 - sizeof(name), name,
			   sizeof(name) - 1) == 0)
			while (i + 1 < body.len && body.at[i + 1] != '"') {
				buf_put_u8(&out->body, '*');
				i++;
			}
	}
	assert_string_equal(answer.etag, "");
	assert_string_equal(answer.location, "");
	world_answer_clear(&answer);
}

/* `hidden` and `absent` are ids, or texts of one length. */
static void alike(struct forge *f, const char *method, const char *target,
		  const char *body, const char *hidden, const char *absent,
		  bool sign)
{
	const char *names[] = {hidden, absent, hidden, absent};
	struct seen seen[4];

	for (int i = 0; i < 4; i++) {
		char where[512], what[512];
		struct forge_request q = {.method = method, .target = where};

		snprintf(where, sizeof(where), target, names[i]);
		snprintf(what, sizeof(what), body, names[i]);
		q.body = span_str(what);
		look(f, &q, sign, &seen[i]);
	}
	assert_int_equal(seen[2].status, seen[3].status);
	/* A name that was asked for is in the answer to keys. */
	if (!sign) {
		assert_int_equal(seen[2].status, 404);
		assert_true(span_eq(buf_span(&seen[2].body),
				    buf_span(&seen[3].body)));
	}
	assert_int_equal(seen[2].body.len, seen[3].body.len);
	assert_int_equal(seen[2].gets + seen[2].seeks,
			 seen[3].gets + seen[3].seeks);
	for (int i = 0; i < 4; i++)
		buf_clear(&seen[i].body);
}

/* An id like that of `r`, that nobody made. */
static void absent_id(const struct forge_revision *r, int before,
		      char out[DOC_ID_TEXT_LEN + 1])
{
	struct doc_id id = r->m.id;

	/* In front of it, behind it: with the store's other documents. */
	id.at[5] = (uint8_t)(id.at[5] + (before ? -1 : 1));
	doc_id_format(id, out);
}

static void documents_content_and_keys_answer_alike(void **state)
{
	struct refusal_scene *s = *state;
	char hidden[DOC_ID_TEXT_LEN + 1], absent[DOC_ID_TEXT_LEN + 1];
	char name[DIGEST_TEXT_LEN + 1], body[256];

	refusal_serves(s); /* others, after the plan */
	doc_id_format(s->plan.m.id, hidden);
	digest_format(s->plan.keys[0], name);
	snprintf(body, sizeof(body),
		 "{\"keys\":[{\"commitment\":\"%s\",\"document\":\"%%s\"}]}",
		 name);
	for (int before = 0; before < 2; before++) {
		absent_id(&s->plan, before, absent);
		alike(&s->bob, "GET", "/v1/documents/%s", "", hidden, absent,
		      false);
		alike(&s->bob, "GET", "/v1/documents/%s/content", "", hidden,
		      absent, false);
		alike(&s->bob, "HEAD", "/v1/documents/%s/content", "", hidden,
		      absent, false);
		alike(&s->bob, "POST", "/v1/keys", body, hidden, absent, true);
	}
}

static void labels_answer_alike(void **state)
{
	struct refusal_scene *s = *state;
	char hidden[DIGEST_TEXT_LEN + 1], absent[DIGEST_TEXT_LEN + 1];
	struct digest digest = s->plan.m.label;

	digest_format(digest, hidden);
	digest.at[0] ^= 1;
	digest_format(digest, absent);
	alike(&s->bob, "GET", "/v1/labels/%s", "", hidden, absent, false);
}

/* An edit or statement over what its author does not see: the same words as
 * over what is not there.  (The document is there for one only.) */
static void writes_answer_alike(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_revision absent, over[2], edit;
	struct forge_statement st;
	struct world_answer answer;
	struct problem p[4];
	struct arena arena;

	arena_init(&arena, 1 << 20);
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &absent);
	forge_sign(&s->alice, &absent);
	over[0] = s->plan;
	over[1] = absent;
	for (int i = 0; i < 2; i++) {
		forge_edit(&s->bob, &over[i], span_str("two"), &edit);
		edit.label = buf_span(&s->open);
		edit.with_label = true;
		world_must(crypto_sha256(edit.label, &edit.m.label));
		edit.brought = 0;
		forge_put(&s->bob, &edit, &answer);
		world_must(problem_parse(buf_span(&answer.body), 0, &arena,
					 &p[i]));
		refusal_is(s, &answer, i ? ERR_NOT_FOUND : ERR_NOT_RELEASABLE);
		forge_revision_clear(&edit);
		forge_statement(&s->bob, &over[i], STATEMENT_DELETE,
				span_str(""), &st);
		forge_state(&s->bob, &st, &answer);
		world_must(problem_parse(buf_span(&answer.body), 0, &arena,
					 &p[2 + i]));
		refusal_is(s, &answer, i ? ERR_NOT_FOUND : ERR_NOT_RELEASABLE);
	}
	for (int i = 0; i < 4; i += 2) {
		assert_string_equal(p[i].name, p[i + 1].name);
		assert_string_equal(p[i].detail, p[i + 1].detail);
		assert_string_equal(p[i].mend, p[i + 1].mend);
		assert_int_equal(strlen(p[i].reference),
				 strlen(p[i + 1].reference));
	}
	arena_clear(&arena);
	forge_revision_clear(&absent);
}

#define scene(f) cmocka_unit_test_setup_teardown(f, refusal_begin, refusal_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene(documents_content_and_keys_answer_alike),
		scene(labels_answer_alike),
		scene(writes_answer_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
