/* Proves what relay/guard/core/write.c keeps of a group's tree. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "relay/guard/core/state.h"
#include "tests/guard/world.h"

struct story {
	struct world w;
	struct world_relay *gbr;
	struct world_device *alice;
	struct buf clearance, label;
};

static int begin(void **state)
{
	static const char *const spaces[] = {"GBR/ops"};
	struct story *s = calloc(1, sizeof(*s));

	world_new(&s->w, 5);
	world_file("docs/policy/clearances/gbr-restricted.xml", &s->clearance);
	world_file("docs/policy/labels/restricted-rel-gbr.xml", &s->label);
	s->gbr = world_relay(&s->w, "GBR");
	world_subject(&s->w, s->gbr, "alice", buf_span(&s->clearance),
		      SUBJECT_WRITE, spaces, 1);
	s->alice = world_device(&s->w, s->gbr, "alice");
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

/* One document in a group of its own; the group's number. */
static uint64_t put(struct story *s, struct doc_id *id)
{
	struct txn *txn = NULL;
	uint64_t group;

	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->label),
			     "plan", span_str("content"), id));
	world_must(txn_begin_read(s->gbr->core->store, STORE_RECORDS, &txn));
	world_must(group_last(txn, &group));
	txn_abort(&txn);
	return group;
}

static bool has_way(struct story *s, uint64_t group)
{
	struct txn *txn = NULL;
	struct group_leaf way;
	struct err e;

	world_must(txn_begin_read(s->gbr->core->store, STORE_RECORDS, &txn));
	e = group_leaf_get(txn, group, 0, &way);
	txn_abort(&txn);
	if (e.code != ERR_NOT_FOUND)
		world_must(e);
	return !failed(e);
}

/* The device has it with its nation's seal, and found it good. */
static bool has_sealed(struct story *s, struct doc_id id)
{
	const struct journal_document *doc;

	world_must(world_sync(&s->w, s->alice));
	doc = journal_find_document(engine_journal(s->alice->engine), id);
	return doc && doc->heads_count == 1 && journal_winner(doc)->verified &&
	       journal_winner(doc)->seal.len > 0;
}

static void the_way_of_a_leaf_is_kept_with_the_signature(void **state)
{
	struct story *s = *state;
	struct doc_id id;

	assert_true(has_way(s, put(s, &id)));
	assert_int_equal(s->gbr->core->trees, 0);
	assert_true(has_sealed(s, id));
}

static void beyond_the_cap_no_tree_waits_and_the_seal_is_there(void **state)
{
	struct story *s = *state;
	struct doc_id id;

	s->gbr->core->trees = CORE_TREES_MAX;
	assert_false(has_way(s, put(s, &id)));
	assert_int_equal(s->gbr->core->trees, CORE_TREES_MAX);
	s->gbr->core->trees = 0;
	assert_true(has_sealed(s, id));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(the_way_of_a_leaf_is_kept_with_the_signature),
		T(beyond_the_cap_no_tree_waits_and_the_seal_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
