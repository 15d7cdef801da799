/*
 * The client's side: on a page that is unsigned, altered, replayed or cut a
 * device keeps what it holds, whatever the page and its status say.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/guard/refusal.h"

/* What somebody between relay and device does to an answer of `changes`. */
enum meddling {
	NOTHING,
	UNSIGNED,
	BODY_ALTERED,
	BODY_CUT,
	SIGNATURE_ALTERED,
	TIME_ALTERED,
	SIGNATURE_OF_ANOTHER,
	REPLAYED, /* an earlier answer, whole */
	INVENTED, /* a page that forgets everything, of no relay */
	NOT_FOUND,
	FORBIDDEN,
	GONE,
	FAULT,
	EMPTY,
	MEDDLINGS,
};

struct between {
	struct refusal_scene *s;
	struct forge device;
	struct engine *engine;
	/* An earlier answer. */
	struct buf old_body;
	char old_page[256];
	unsigned pages; /* that came by */
};

static void meddle(struct between *b, enum meddling how, struct world_answer *a)
{
	static const char invented[] =
		"{\"cursor\":\"AAAA\",\"forget\":[],\"fresh\":false,"
		"\"more\":false,\"rows\":[],\"shelves\":[]}";
	char *sig = strstr(a->page, "sig=:"), *time = a->page + 5;

	switch (how) {
	case NOTHING:
	case MEDDLINGS:
		return;
	case UNSIGNED:
		a->page[0] = 0;
		return;
	case BODY_ALTERED:
		a->body.at[a->body.len / 2] ^= 1;
		return;
	case BODY_CUT:
		a->body.len /= 2;
		return;
	case SIGNATURE_ALTERED:
		sig[10] = sig[10] == 'A' ? 'B' : 'A';
		return;
	case TIME_ALTERED:
		*time = *time == '1' ? '2' : '1';
		return;
	case SIGNATURE_OF_ANOTHER:
		strcpy(a->page, b->old_page);
		return;
	case REPLAYED:
		strcpy(a->page, b->old_page);
		buf_reset(&a->body);
		buf_put(&a->body, buf_span(&b->old_body));
		return;
	case INVENTED:
		buf_reset(&a->body);
		buf_put_str(&a->body, invented);
		return;
	case NOT_FOUND:
		a->status = 404;
		return;
	case FORBIDDEN:
		a->status = 403;
		return;
	case GONE:
		a->status = 410;
		a->page[0] = 0;
		return;
	case FAULT:
		a->status = 500;
		return;
	case EMPTY:
		a->status = 204;
		buf_reset(&a->body);
		return;
	}
}

static void carry(struct between *b, const struct engine_call *call,
		  enum meddling how, bool keep)
{
	char method[16], target[2048];
	struct core_field fields[16];
	struct http_field back[3];
	struct world_request q = {.listener = CORE_DEVICE,
				  .certificate = b->device.certificate,
				  .method = method,
				  .target = target,
				  .fields = fields,
				  .field_count = call->fields_count,
				  .body = call->body};
	struct world_answer answer;
	size_t n = 0;
	uint64_t id = call->id;

	snprintf(method, sizeof(method), "%.*s", (int)call->method.len,
		 (const char *)call->method.at);
	snprintf(target, sizeof(target), "%.*s", (int)call->target.len,
		 (const char *)call->target.at);
	for (size_t i = 0; i < call->fields_count; i++)
		fields[i] = (struct core_field){call->fields[i].name,
						call->fields[i].value};
	world_ask(&b->s->w, b->s->gbr, &q, &answer);
	if (strncmp(target, "/v1/changes", 11) == 0 && answer.status == 200) {
		if (keep && !b->old_body.len) {
			buf_put(&b->old_body, buf_span(&answer.body));
			strcpy(b->old_page, answer.page);
		}
		meddle(b, how, &answer);
		b->pages++;
	}
	if (answer.page[0])
		back[n++] = (struct http_field){span_str("entente-page"),
						span_str(answer.page)};
	if (answer.nonce[0])
		back[n++] = (struct http_field){span_str("entente-nonce"),
						span_str(answer.nonce)};
	engine_answer(b->engine, id, answer.status,
		      (struct http_fields){back, n}, buf_span(&answer.body),
		      ERR_NONE);
	world_answer_clear(&answer);
}

/* A pull with somebody in between; true if it was done, false if it failed. */
static bool pull(struct between *b, enum meddling how, bool keep)
{
	const struct engine_call *call;
	struct engine_event event;
	bool done = false;
	uint64_t task;

	world_must(engine_pull(b->engine, 0, &task));
	for (int i = 0; i < 60; i++) {
		while (engine_event(b->engine, &event))
			done |= event.kind == ENGINE_DONE;
		if (!engine_next(b->engine, &call))
			break;
		carry(b, call, how, keep);
	}
	/* One that would ask for ever is told that the relay is away. */
	while (engine_next(b->engine, &call))
		engine_answer(b->engine, call->id, 0, (struct http_fields){0},
			      span_str(""),
			      err_make(ERR_UNREACHABLE, "by the test"));
	while (engine_event(b->engine, &event))
		done |= event.kind == ENGINE_DONE;
	return done;
}

/* The device shows the plan. */
static void holds(struct between *b)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	assert_int_equal(world_heads(b->s->devices[0], b->s->plan.m.id), 1);
	world_must(engine_read(b->engine, b->s->plan.m.id, b->s->plan.digest,
			       NULL, &out));
	assert_true(span_eq_str(buf_span(&out), "the plan"));
	buf_clear(&out);
}

static void an_altered_page_takes_nothing_away(void **state)
{
	struct refusal_scene *s = *state;
	struct between b = {.s = s,
			    .device = s->alice,
			    .engine = s->devices[0]->engine};
	struct world_answer answer;
	struct forge_statement st;
	struct buf out;

	buf_init(&b.old_body, 1 << 20);
	buf_init(&out, 1 << 20);
	assert_true(pull(&b, NOTHING, true));
	assert_true(b.old_body.len > 0);
	world_must(world_read(&s->w, s->devices[0], s->plan.m.id, &out));
	holds(&b);
	/* The relay takes it away. */
	forge_statement(&s->alice, &s->plan, STATEMENT_DELETE, span_str(""),
			&st);
	assert_int_equal(forge_state(&s->alice, &st, &answer), 200);
	world_answer_clear(&answer);
	for (int how = UNSIGNED; how < MEDDLINGS; how++) {
		unsigned before = b.pages;
		bool done = pull(&b, (enum meddling)how, false);

		assert_true(b.pages > before);
		/* "Nothing new" says nothing, and takes nothing. */
		assert_true(how == EMPTY || !done);
		holds(&b);
	}
	/* And on its own word. */
	assert_true(pull(&b, NOTHING, false));
	assert_int_equal(world_heads(s->devices[0], s->plan.m.id), 0);
	buf_clear(&out);
	buf_clear(&b.old_body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_altered_page_takes_nothing_away, refusal_begin,
			refusal_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
