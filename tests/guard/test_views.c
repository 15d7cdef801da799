/*
 * Views that change: clearance gained and lost, label changed, policy
 * replaced, a peer's profile narrowed, space joined and left.  After each row
 * of a table every reader holds exactly what a model gives that decides
 * document by document (views.h).
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/guard/views.h"

static int begin(void **state)
{
	struct views *v = views_new();

	views_check(v, "at first");
	*state = v;
	return 0;
}

static int end(void **state)
{
	views_free(*state);
	return 0;
}

/* Everybody but `late`, who comes after two rows. */
static void after(struct views *v, const char *table, size_t row,
		  struct views_reader *late)
{
	char when[64];

	snprintf(when, sizeof(when), "%s, row %zu", table, row);
	late->late = row % 3 != 2;
	views_settle(v);
	views_check(v, when);
}

static void all_together(struct views *v, struct views_reader *late)
{
	late->late = false;
	views_settle(v);
	views_check(v, "at the end");
}

/* ---- clearance ---- */

struct clearance_row {
	unsigned reader;
	const char *clearance;
};

static void run_clearances(struct views *v, const char *table,
			   const struct clearance_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct views_reader *r = &v->readers[rows[i].reader];

		views_clear(v, r, rows[i].clearance, r->spaces);
		after(v, table, i, &v->readers[1]);
	}
	all_together(v, &v->readers[1]);
}

static void clearance_gained(void **state)
{
	static const struct clearance_row lower[] = {{0, "fra-unclassified"},
						     {1, "gbr-unclassified"},
						     {2, "deu-unclassified"},
						     {3, "fra-unclassified"}};
	static const struct clearance_row rows[] =
		{{0, "gbr-unclassified"},     {0, "gbr-restricted"},
		 {0, "gbr-restricted-orion"}, {1, "gbr-restricted"},
		 {1, "gbr-restricted-orion"}, {2, "deu-restricted"},
		 {2, "deu-restricted-orion"}, {3, "deu-unclassified"},
		 {3, "deu-restricted-orion"}};
	struct views *v = *state;

	for (int i = 0; i < 4; i++)
		views_clear(v, &v->readers[lower[i].reader], lower[i].clearance,
			    v->readers[lower[i].reader].spaces);
	views_settle(v);
	views_check(v, "before anything was gained");
	run_clearances(v, "clearance gained", rows,
		       sizeof(rows) / sizeof(rows[0]));
}

static void clearance_lost(void **state)
{
	static const struct clearance_row rows[] =
		{{0, "gbr-unclassified"},
		 {1, "gbr-restricted"},
		 {1, "gbr-unclassified"},
		 {2, "deu-restricted"},
		 {2, "deu-unclassified"},
		 {1, "fra-restricted"},
		 {0, "fra-unclassified"},
		 {2, "fra-restricted-orion"},
		 /* Lost and found again: it comes again. */
		 {1, "gbr-restricted-orion"},
		 {1, "gbr-unclassified"},
		 {1, "gbr-restricted-orion"}};

	run_clearances(*state, "clearance lost", rows,
		       sizeof(rows) / sizeof(rows[0]));
}

/* ---- label ---- */

static void label_changed(void **state)
{
	struct views *v = *state;
	size_t row = 0;

	/* From every label to every other, in turn over the documents. */
	for (unsigned from = 0; from < VIEWS_LABELS; from++)
		for (unsigned to = 0; to < VIEWS_LABELS; to++) {
			struct views_doc *d = NULL;

			for (unsigned i = 0; i < VIEWS_DOCS && !d; i++)
				if (v->docs[(row + i) % VIEWS_DOCS].label ==
				    from)
					d = &v->docs[(row + i) % VIEWS_DOCS];
			if (from == to || !d)
				continue;
			views_relabel(v, d, to);
			after(v, "label changed", row++, &v->readers[0]);
		}
	assert_true(row >= 12);
	all_together(v, &v->readers[0]);
}

static void deleted_and_recalled(void **state)
{
	struct views *v = *state;

	for (unsigned i = 0; i < 4; i++) {
		world_must(
			world_state(&v->w, v->alice, v->docs[i].id,
				    i % 2 ? STATEMENT_DELETE : STATEMENT_RECALL,
				    span_str("")));
		v->docs[i].gone = true;
		after(v, "deleted and recalled", i, &v->readers[1]);
	}
	all_together(v, &v->readers[1]);
}

/* ---- policy ---- */

static void policy_replaced(void **state)
{
	static const unsigned rows[] = {1, 0, 2, 3, 1, 2, 0};
	struct views *v = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(views_policy(v, rows[i]), 200);
		after(v, "policy replaced", i, &v->readers[0]);
	}
	all_together(v, &v->readers[0]);
}

/* Readers beside the one writer, as the guard's workers are. */
enum { ASKERS = 3, REPLACED = 12 };

struct asker {
	struct views *v;
	struct world_device *device;
	pthread_mutex_t *writer;
	atomic_bool *over;
	unsigned asked, refused;
};

static int ask_once(struct asker *a)
{
	struct core *core = a->v->gbr->core;
	struct core_request request = {
		.listener = CORE_DEVICE,
		.certificate = engine_trust(a->device->engine).certificate,
		.method = span_str("GET"),
		.authority = span_str(a->v->gbr->endpoint),
		.target = span_str("/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA"),
	};
	struct job *job = NULL;
	int status;

	world_must(core_job_new(core, &request, &job));
	if (core_check(job) == CORE_NEXT_WRITE) {
		pthread_mutex_lock(a->writer);
		core_write(core, &job, 1);
		pthread_mutex_unlock(a->writer);
	}
	status = core_answer(job)->status;
	job_free(job);
	return status;
}

static void *ask_all_the_time(void *self)
{
	struct asker *a = self;

	while (!atomic_load(a->over)) {
		a->asked++;
		a->refused += ask_once(a) != 200;
	}
	return NULL;
}

static void a_policy_is_replaced_and_no_reader_is_refused(void **state)
{
	pthread_mutex_t writer = PTHREAD_MUTEX_INITIALIZER;
	struct views *v = *state;
	struct world_device *devices[ASKERS] = {v->alice, v->readers[0].device,
						v->readers[1].device};
	struct asker askers[ASKERS];
	pthread_t threads[ASKERS];
	atomic_bool over = false;

	for (int i = 0; i < ASKERS; i++) {
		askers[i] = (struct asker){v, devices[i], &writer, &over, 0, 0};
		assert_int_equal(pthread_create(&threads[i], NULL,
						ask_all_the_time, &askers[i]),
				 0);
	}
	for (unsigned i = 1; i <= REPLACED; i++) {
		/* The officer's own write, among theirs. */
		pthread_mutex_lock(&writer);
		assert_int_equal(views_policy(v, i % VIEWS_POLICIES), 200);
		pthread_mutex_unlock(&writer);
		usleep(20000);
	}
	atomic_store(&over, true);
	for (int i = 0; i < ASKERS; i++) {
		pthread_join(threads[i], NULL);
		assert_true(askers[i].asked > REPLACED);
		assert_int_equal(askers[i].refused, 0);
	}
	views_settle(v);
	views_check(v, "after policies were replaced among requests");
}

/* ---- a peer's profile ---- */

static void a_peers_profile_narrowed(void **state)
{
	static const struct views_profile rows[] = {
		{"deu-restricted", "RESTRICTED", 3},
		{"deu-unclassified", "RESTRICTED", 3},
		{"deu-restricted-orion", "RESTRICTED", 3}, /* and widened */
		{"deu-restricted-orion", "UNCLASSIFIED", 3},
		{"deu-restricted-orion", "RESTRICTED", 1},
		{"deu-restricted-orion", "RESTRICTED", 2},
		{"fra-restricted", "RESTRICTED", 2},
		{"deu-restricted-orion", "RESTRICTED", 0},
		{"deu-restricted-orion", "RESTRICTED", 3},
	};
	struct views *v = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		views_narrow(v, rows[i]);
		after(v, "a peer's profile narrowed", i, &v->readers[3]);
	}
	all_together(v, &v->readers[3]);
}

/* ---- spaces ---- */

struct space_row {
	unsigned reader, spaces;
};

static void run_spaces(struct views *v, const char *table,
		       const struct space_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct views_reader *r = &v->readers[rows[i].reader];

		views_clear(v, r, r->clearance, rows[i].spaces);
		after(v, table, i, &v->readers[1]);
	}
	all_together(v, &v->readers[1]);
}

static void space_joined(void **state)
{
	static const struct space_row rows[] = {{0, 3}, {1, 1}, {1, 3},
						{2, 2}, {2, 3}, {3, 3}};
	struct views *v = *state;

	for (int i = 0; i < VIEWS_READERS; i++)
		views_clear(v, &v->readers[i], v->readers[i].clearance, 0);
	views_settle(v);
	views_check(v, "before anything was joined");
	run_spaces(v, "space joined", rows, sizeof(rows) / sizeof(rows[0]));
}

static void space_left(void **state)
{
	static const struct space_row rows[] =
		{{0, 0},
		 {1, 1},
		 {1, 0},
		 {2, 2},
		 {2, 0},
		 {3, 0},
		 /* In exchange for another, and back. */
		 {1, 1},
		 {1, 2},
		 {1, 1},
		 {2, 1},
		 {2, 2}};

	run_spaces(*state, "space left", rows, sizeof(rows) / sizeof(rows[0]));
}

#define table(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		table(clearance_gained),
		table(clearance_lost),
		table(label_changed),
		table(deleted_and_recalled),
		table(policy_replaced),
		table(a_peers_profile_narrowed),
		table(a_policy_is_replaced_and_no_reader_is_refused),
		table(space_joined),
		table(space_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
