/* Two and three relays in memory, with real devices: who holds what. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/guard/world.h"

enum { ALL = SUBJECT_WRITE | SUBJECT_LABEL | SUBJECT_DELETE | SUBJECT_RECALL };

struct story {
	struct world w;
	struct world_relay *gbr, *deu, *fra;
	struct world_device *alice, *bob; /* GBR: restricted, unclassified */
	struct world_device *dora, *emil; /* DEU */
	struct world_device *fleur;	  /* FRA */
	struct buf gbr_r, gbr_u, deu_r, deu_u, fra_r;
	struct buf rel_all, rel_two, rel_gbr, open, secret;
};

static const char *const spaces[] = {"GBR/ops", "DEU/ops"};

static void file(const char *name, struct buf *out)
{
	char path[256];

	snprintf(path, sizeof(path), "docs/policy/%s.xml", name);
	world_file(path, out);
}

static int begin(void **state)
{
	struct story *s = calloc(1, sizeof(*s));
	struct world *w = &s->w;

	world_new(w, 7);
	file("clearances/gbr-restricted", &s->gbr_r);
	file("clearances/gbr-unclassified", &s->gbr_u);
	file("clearances/deu-restricted", &s->deu_r);
	file("clearances/deu-unclassified", &s->deu_u);
	file("clearances/fra-restricted", &s->fra_r);
	file("labels/restricted-rel-gbr-deu-fra", &s->rel_all);
	file("labels/restricted-rel-deu-fra", &s->rel_two);
	file("labels/restricted-rel-gbr", &s->rel_gbr);
	file("labels/unclassified", &s->open);
	file("labels/confidential-rel-gbr-deu-fra", &s->secret);
	s->gbr = world_relay(w, "GBR");
	s->deu = world_relay(w, "DEU");
	s->fra = world_relay(w, "FRA");
	world_subject(w, s->gbr, "alice", buf_span(&s->gbr_r), ALL, spaces, 2);
	world_subject(w, s->gbr, "bob", buf_span(&s->gbr_u), ALL, spaces, 2);
	world_subject(w, s->deu, "dora", buf_span(&s->deu_r), ALL, spaces, 2);
	world_subject(w, s->deu, "emil", buf_span(&s->deu_u), ALL, spaces, 2);
	world_subject(w, s->fra, "fleur", buf_span(&s->fra_r), ALL, spaces, 2);
	s->alice = world_device(w, s->gbr, "alice");
	s->bob = world_device(w, s->gbr, "bob");
	s->dora = world_device(w, s->deu, "dora");
	s->emil = world_device(w, s->deu, "emil");
	s->fleur = world_device(w, s->fra, "fleur");
	world_peer(w, s->gbr, buf_span(&s->gbr_r), s->deu, buf_span(&s->deu_r));
	world_peer(w, s->gbr, buf_span(&s->gbr_r), s->fra, buf_span(&s->fra_r));
	world_peer(w, s->deu, buf_span(&s->deu_r), s->fra, buf_span(&s->fra_r));
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct story *s = *state;
	struct buf *bufs[] = {&s->gbr_r, &s->gbr_u,   &s->deu_r,   &s->deu_u,
			      &s->fra_r, &s->rel_all, &s->rel_two, &s->rel_gbr,
			      &s->open,	 &s->secret};

	world_free(&s->w);
	for (size_t i = 0; i < sizeof(bufs) / sizeof(*bufs); i++)
		buf_clear(bufs[i]);
	free(s);
	return 0;
}

static void settle(struct story *s)
{
	world_pump(&s->w);
	for (size_t i = 0; i < s->w.device_count; i++)
		world_must(world_sync(&s->w, &s->w.devices[i]));
}

/* The device shows exactly this; NULL: it holds nothing of it. */
static void shows(struct story *s, struct world_device *d, struct doc_id id,
		  const char *want)
{
	struct buf out;
	struct err e;

	buf_init(&out, 64 << 20);
	e = world_read(&s->w, d, id, &out);
	if (!want) {
		assert_int_equal(e.code, ERR_NOT_FOUND);
	} else {
		world_must(e);
		assert_true(span_eq_str(buf_span(&out), want));
	}
	buf_clear(&out);
}

static void a_document_reaches_exactly_whom_its_label_releases(void **state)
{
	struct story *s = *state;
	struct doc_id all, two, one, open;

	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->rel_all),
			     "plan", span_str("for all three"), &all));
	world_must(world_put(&s->w, s->dora, "DEU/ops", buf_span(&s->rel_two),
			     "memo", span_str("for two"), &two));
	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->rel_gbr),
			     "note", span_str("for one"), &one));
	world_must(world_put(&s->w, s->bob, "GBR/ops", buf_span(&s->open),
			     "menu", span_str("for everybody"), &open));
	settle(s);
	shows(s, s->alice, all, "for all three");
	shows(s, s->dora, all, "for all three");
	shows(s, s->fleur, all, "for all three");
	shows(s, s->bob, all, NULL);
	shows(s, s->emil, all, NULL);
	shows(s, s->dora, two, "for two");
	shows(s, s->fleur, two, "for two");
	shows(s, s->alice, two, NULL);
	shows(s, s->alice, one, "for one");
	shows(s, s->dora, one, NULL);
	shows(s, s->fleur, one, NULL);
	for (size_t i = 0; i < s->w.device_count; i++)
		shows(s, &s->w.devices[i], open, "for everybody");
}

static void a_label_above_the_ceiling_is_refused(void **state)
{
	struct story *s = *state;
	struct doc_id id;

	assert_int_equal(world_put(&s->w, s->alice, "GBR/ops",
				   buf_span(&s->secret), "no",
				   span_str("too much"), &id)
				 .code,
			 ERR_ABOVE_CEILING);
	/* And the relay serves the next request. */
	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->rel_gbr),
			     "yes", span_str("fine"), &id));
}

static void a_foreign_edit_flows_home_and_on(void **state)
{
	struct story *s = *state;
	struct doc_id id;

	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->rel_all),
			     "plan", span_str("one"), &id));
	settle(s);
	world_must(world_edit(&s->w, s->dora, id, span_str("two")));
	settle(s);
	shows(s, s->alice, id, "two");
	shows(s, s->dora, id, "two");
	shows(s, s->fleur, id, "two");
	assert_int_equal(world_heads(s->alice, id), 1);
	world_must(world_edit(&s->w, s->alice, id, span_str("three")));
	settle(s);
	shows(s, s->fleur, id, "three");
	assert_int_equal(world_heads(s->fleur, id), 1);
}

static void concurrent_edits_are_kept_as_conflicts_everywhere(void **state)
{
	struct story *s = *state;
	struct doc_id id;

	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->rel_all),
			     "plan", span_str("one"), &id));
	settle(s);
	world_must(world_edit(&s->w, s->alice, id, span_str("by alice")));
	world_must(world_edit(&s->w, s->dora, id, span_str("by dora")));
	settle(s);
	assert_int_equal(world_heads(s->alice, id), 2);
	assert_int_equal(world_heads(s->dora, id), 2);
	assert_int_equal(world_heads(s->fleur, id), 2);
	/* The same winner on every side, and a merge ends it. */
	shows(s, s->alice, id, "by alice");
	shows(s, s->dora, id, "by alice");
	shows(s, s->fleur, id, "by alice");
	world_must(world_edit(&s->w, s->dora, id, span_str("merged")));
	settle(s);
	shows(s, s->alice, id, "merged");
	shows(s, s->fleur, id, "merged");
	assert_int_equal(world_heads(s->alice, id), 1);
	assert_int_equal(world_heads(s->fleur, id), 1);
}

static void a_narrowed_label_takes_the_document_back(void **state)
{
	struct story *s = *state;
	struct doc_id id;

	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->rel_all),
			     "plan", span_str("one"), &id));
	settle(s);
	shows(s, s->fleur, id, "one");
	world_must(world_state(&s->w, s->alice, id, STATEMENT_LABEL,
			       buf_span(&s->rel_gbr)));
	settle(s);
	shows(s, s->alice, id, "one");
	shows(s, s->dora, id, NULL);
	shows(s, s->fleur, id, NULL);
	/* Widened again, it comes again. */
	world_must(world_state(&s->w, s->alice, id, STATEMENT_LABEL,
			       buf_span(&s->rel_all)));
	settle(s);
	shows(s, s->dora, id, "one");
	shows(s, s->fleur, id, "one");
}

static void delete_and_recall_reach_everyone_who_held_it(void **state)
{
	struct story *s = *state;
	struct doc_id gone, back;

	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->rel_all),
			     "a", span_str("a"), &gone));
	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->rel_all),
			     "b", span_str("b"), &back));
	settle(s);
	shows(s, s->fleur, gone, "a");
	shows(s, s->dora, back, "b");
	world_must(world_state(&s->w, s->alice, gone, STATEMENT_DELETE,
			       span_str("")));
	world_must(world_state(&s->w, s->alice, back, STATEMENT_RECALL,
			       span_str("")));
	settle(s);
	for (size_t i = 0; i < s->w.device_count; i++) {
		shows(s, &s->w.devices[i], gone, NULL);
		shows(s, &s->w.devices[i], back, NULL);
	}
}

static void a_foreign_edit_crossing_a_relabel_fails_closed(void **state)
{
	struct story *s = *state;
	struct doc_id id;

	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->rel_all),
			     "plan", span_str("one"), &id));
	settle(s);
	/* The link is cut; both sides go on. */
	s->deu->cut = true;
	world_must(world_state(&s->w, s->alice, id, STATEMENT_LABEL,
			       buf_span(&s->open)));
	world_must(world_edit(&s->w, s->dora, id, span_str("two")));
	s->deu->cut = false;
	testclock_forward(&s->w.time, 60000);
	settle(s);
	testclock_forward(&s->w.time, 60000);
	settle(s);
	/* The edit stands under both labels: whoever lacks one of them does
	 * not see it, but sees what it was made over. */
	shows(s, s->alice, id, "two");
	shows(s, s->fleur, id, "two");
	shows(s, s->dora, id, "two");
	shows(s, s->bob, id, NULL);
	/* The next edit is under the label in force, and under both until a
	 * statement is made over it. */
	world_must(world_edit(&s->w, s->alice, id, span_str("three")));
	settle(s);
	shows(s, s->dora, id, "three");
	shows(s, s->bob, id, NULL);
	world_must(world_state(&s->w, s->alice, id, STATEMENT_LABEL,
			       buf_span(&s->open)));
	settle(s);
	shows(s, s->bob, id, "three");
	shows(s, s->emil, id, "three");
}

static void an_edit_crossing_its_withdrawal_is_not_lost(void **state)
{
	struct story *s = *state;
	struct doc_id id;

	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->rel_all),
			     "plan", span_str("one"), &id));
	settle(s);
	s->deu->cut = true;
	world_must(world_state(&s->w, s->alice, id, STATEMENT_LABEL,
			       buf_span(&s->rel_gbr)));
	world_must(world_edit(&s->w, s->dora, id, span_str("two")));
	s->deu->cut = false;
	for (int i = 0; i < 4; i++) {
		testclock_forward(&s->w.time, 60000);
		settle(s);
	}
	/* It stands under both labels, so only its home sees it. */
	shows(s, s->alice, id, "two");
	shows(s, s->dora, id, NULL);
	shows(s, s->fleur, id, NULL);
}

/* The same CA issued both: the device must not pass for its nation. */
static void a_peers_device_is_no_nation(void **state)
{
	struct story *s = *state;
	struct world_request q = {
		.listener = CORE_PEER,
		.certificate = engine_trust(s->alice->engine).certificate,
		.method = "GET",
		.target = "/v1/me",
	};
	struct world_answer answer;

	world_ask(&s->w, s->deu, &q, &answer);
	assert_int_equal(answer.status, 401);
	world_answer_clear(&answer);
	q.certificate = buf_span(&s->gbr->certificate);
	world_ask(&s->w, s->deu, &q, &answer);
	assert_int_equal(answer.status, 200);
	world_answer_clear(&answer);
}

static void large_content_comes_by_segments(void **state)
{
	struct story *s = *state;
	size_t len = 3 * 262144 + 1000;
	uint8_t *plain = malloc(len);
	struct doc_id id;
	struct buf out;

	for (size_t i = 0; i < len; i++)
		plain[i] = (uint8_t)(i * 31 + i / 255);
	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->rel_all),
			     "big", span_of(plain, len), &id));
	settle(s);
	buf_init(&out, 64 << 20);
	world_must(world_read(&s->w, s->fleur, id, &out));
	assert_true(span_eq(buf_span(&out), span_of(plain, len)));
	buf_clear(&out);
	free(plain);
}

static void a_lowered_clearance_takes_documents_back(void **state)
{
	struct story *s = *state;
	struct doc_id id;

	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->rel_all),
			     "plan", span_str("one"), &id));
	settle(s);
	shows(s, s->dora, id, "one");
	world_subject(&s->w, s->deu, "dora", buf_span(&s->deu_u), ALL, spaces,
		      2);
	settle(s);
	shows(s, s->dora, id, NULL);
	shows(s, s->fleur, id, "one");
	world_subject(&s->w, s->deu, "dora", buf_span(&s->deu_r), ALL, spaces,
		      2);
	settle(s);
	shows(s, s->dora, id, "one");
}

static void everything_is_there_after_a_restart(void **state)
{
	struct story *s = *state;
	struct doc_id id;

	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->rel_all),
			     "plan", span_str("one"), &id));
	world_close(&s->w, s->gbr);
	world_open(&s->w, s->gbr);
	testclock_forward(&s->w.time, 60000);
	settle(s);
	shows(s, s->alice, id, "one");
	shows(s, s->fleur, id, "one");
}

#define story(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(a_document_reaches_exactly_whom_its_label_releases),
		story(a_label_above_the_ceiling_is_refused),
		story(a_foreign_edit_flows_home_and_on),
		story(concurrent_edits_are_kept_as_conflicts_everywhere),
		story(a_narrowed_label_takes_the_document_back),
		story(delete_and_recall_reach_everyone_who_held_it),
		story(a_foreign_edit_crossing_a_relabel_fails_closed),
		story(an_edit_crossing_its_withdrawal_is_not_lost),
		story(a_peers_device_is_no_nation),
		story(large_content_comes_by_segments),
		story(a_lowered_clearance_takes_documents_back),
		story(everything_is_there_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
