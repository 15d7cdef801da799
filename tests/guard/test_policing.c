/* Proves what relay/guard/core/policing.c keeps: each view worked out once,
 * and no more memory held than is said. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/guard/core/state.h"
#include "tests/guard/world.h"

enum { SPACES = 16, THREADS = 8 };

struct story {
	struct world w;
	struct world_relay *gbr;
	struct world_device *alice;
	struct buf clearance, label;
	char spaces[SPACES][24];
};

/* A document in each space: as many shelves. */
static int begin(void **state)
{
	struct story *s = calloc(1, sizeof(*s));
	const char *list[SPACES];
	struct doc_id id;

	world_new(&s->w, 7);
	world_file("docs/policy/clearances/gbr-restricted.xml", &s->clearance);
	world_file("docs/policy/labels/restricted-rel-gbr.xml", &s->label);
	s->gbr = world_relay(&s->w, "GBR");
	for (int i = 0; i < SPACES; i++) {
		snprintf(s->spaces[i], sizeof(s->spaces[i]), "GBR/s%02d", i);
		list[i] = s->spaces[i];
	}
	world_subject(&s->w, s->gbr, "alice", buf_span(&s->clearance),
		      SUBJECT_WRITE, list, SPACES);
	s->alice = world_device(&s->w, s->gbr, "alice");
	for (int i = 0; i < SPACES; i++)
		world_must(world_put(&s->w, s->alice, s->spaces[i],
				     buf_span(&s->label), "plan",
				     span_str("content"), &id));
	/* Without what alice's own requests have worked out. */
	world_close(&s->w, s->gbr);
	world_open(&s->w, s->gbr);
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct story *s = *state;

	world_free(&s->w);
	buf_clear(&s->clearance);
	buf_clear(&s->label);
	free(s);
	return 0;
}

/* The reader who is a member of space `i` alone. */
static struct policing_reader *reader(struct story *s, struct policing *p,
				      int i)
{
	struct span space = span_str(s->spaces[i]);
	struct reader_spec spec = {.kind = READER_DEVICE,
				   .spaces = &space,
				   .space_count = 1,
				   .in_posture = true};
	struct policing_reader *r = NULL;

	world_must(
		policing_reader(p, buf_span(&s->clearance), &spec, NULL, &r));
	return r;
}

/* Shelves that he sees; asked for anew. */
static size_t sees(struct story *s, struct policing *p, int i)
{
	struct policing_reader *r = reader(s, p, i);
	struct txn *txn = NULL;
	struct view *view = NULL;
	size_t n;

	world_must(txn_begin_read(s->gbr->core->store, STORE_RECORDS, &txn));
	world_must(policing_view(p, r, txn, &view));
	n = view_size(view);
	view_free(view);
	txn_abort(&txn);
	policing_reader_release(r);
	return n;
}

struct asking {
	struct story *s;
	struct policing *p;
	pthread_barrier_t *start;
	size_t seen;
};

static void *ask_for_all(void *arg)
{
	struct asking *a = arg;

	pthread_barrier_wait(a->start);
	for (int i = 0; i < SPACES; i++)
		a->seen += sees(a->s, a->p, i);
	return NULL;
}

static void who_asks_together_gets_one_decision_a_shelf(void **state)
{
	struct story *s = *state;
	struct policing *p = core_policing(s->gbr->core);
	struct asking asking[THREADS];
	pthread_t threads[THREADS];
	pthread_barrier_t start;
	struct policing_counts counts;

	pthread_barrier_init(&start, NULL, THREADS);
	for (int t = 0; t < THREADS; t++) {
		asking[t] = (struct asking){s, p, &start, 0};
		assert_false(pthread_create(&threads[t], NULL, ask_for_all,
					    &asking[t]));
	}
	for (int t = 0; t < THREADS; t++) {
		pthread_join(threads[t], NULL);
		assert_int_equal(asking[t].seen, SPACES);
	}
	pthread_barrier_destroy(&start);
	counts = policing_counts(p);
	assert_int_equal(counts.decisions, SPACES * SPACES);
	assert_int_equal(counts.held.readers, SPACES);
	policing_release(p);
}

static void a_shelf_made_later_is_decided_on_alone(void **state)
{
	struct story *s = *state;
	struct policing *p = core_policing(s->gbr->core);
	struct buf open;
	uint64_t before;
	struct doc_id id;

	assert_int_equal(sees(s, p, 3), 1);
	/* The writer's own requests are readers too: they come first. */
	world_must(world_sync(&s->w, s->alice));
	before = policing_counts(p).decisions;
	world_file("docs/policy/labels/unclassified.xml", &open);
	world_must(world_put(&s->w, s->alice, s->spaces[3], buf_span(&open),
			     "plan", span_str("content"), &id));
	buf_clear(&open);
	assert_int_equal(sees(s, p, 3), 2);
	assert_int_equal(sees(s, p, 3), 2);
	assert_true(policing_counts(p).decisions - before <= 2);
	policing_release(p);
}

static void no_more_is_held_than_the_cap(void **state)
{
	struct story *s = *state;
	struct policing *p = core_policing(s->gbr->core);
	struct policing_reader *first = reader(s, p, 0);
	struct policing_counts counts;
	size_t each;

	assert_int_equal(sees(s, p, 0), 1);
	each = policing_counts(p).held.bytes;
	policing_cap(p, 5 * each);
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < SPACES; i++) {
			assert_int_equal(sees(s, p, i), 1);
			counts = policing_counts(p);
			assert_true(counts.held.bytes <= 5 * each);
			assert_true(counts.held.readers <= 5);
		}
	assert_true(counts.held.dropped > 0);
	/* The one that stayed is the one asked for last: no new decision. */
	counts = policing_counts(p);
	assert_int_equal(sees(s, p, SPACES - 1), 1);
	assert_int_equal(policing_counts(p).decisions, counts.decisions);
	/* One that went costs all of its decisions again. */
	assert_int_equal(sees(s, p, 0), 1);
	assert_int_equal(policing_counts(p).decisions,
			 counts.decisions + SPACES);
	/* Whoever held one that went still has it. */
	assert_non_null(policing_reader_bound(first));
	policing_reader_release(first);
	/* A cap below a single one leaves that one. */
	policing_cap(p, 1);
	assert_int_equal(policing_counts(p).held.readers, 1);
	assert_int_equal(sees(s, p, 5), 1);
	assert_int_equal(policing_counts(p).held.readers, 1);
	policing_release(p);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(who_asks_together_gets_one_decision_a_shelf),
		T(a_shelf_made_later_is_decided_on_alone),
		T(no_more_is_held_than_the_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
