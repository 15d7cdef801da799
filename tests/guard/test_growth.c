/*
 * What many edits of the same documents leave behind.  Proves
 * relay/guard/core/housekeeping.c: revisions that fell and their content are
 * reclaimed, in small transactions, and freed pages are used again.
 *
 * EDITS (1500) sets how many.  The audit and the groups are for ever and grow
 * with the edits: their bytes are told, and counted apart.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "relay/guard/core/state.h"
#include "tests/guard/world.h"

enum { DOCUMENTS = 10, CONTENT_MAX = 40000, TICK_EVERY = 20 };

struct story {
	struct world w;
	struct world_relay *gbr;
	struct world_device *alice;
	struct buf clearance, label;
	struct doc_id ids[DOCUMENTS];
	uint8_t *content;
};

static unsigned edits(void)
{
	const char *text = getenv("EDITS");

	return text ? (unsigned)strtoul(text, NULL, 10) : 1500;
}

/* Every third is small enough to stand inside its record. */
static struct span content_of(struct story *s, unsigned n)
{
	memset(s->content, (int)(n % 251), CONTENT_MAX);
	return span_of(s->content, n % 3 ? CONTENT_MAX : 500);
}

static int begin(void **state)
{
	static const char *const spaces[] = {"GBR/ops"};
	struct story *s = calloc(1, sizeof(*s));

	world_new(&s->w, 9);
	s->content = calloc(1, CONTENT_MAX);
	world_file("docs/policy/clearances/gbr-restricted.xml", &s->clearance);
	world_file("docs/policy/labels/restricted-rel-gbr.xml", &s->label);
	s->gbr = world_relay(&s->w, "GBR");
	world_subject(&s->w, s->gbr, "alice", buf_span(&s->clearance),
		      SUBJECT_WRITE, spaces, 1);
	s->alice = world_device(&s->w, s->gbr, "alice");
	for (unsigned i = 0; i < DOCUMENTS; i++) {
		world_must(world_put(&s->w, s->alice, "GBR/ops",
				     buf_span(&s->label), "plan",
				     content_of(s, i), &s->ids[i]));
		world_must(world_sync(&s->w, s->alice));
	}
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct story *s = *state;

	world_free(&s->w);
	buf_clear(&s->clearance);
	buf_clear(&s->label);
	free(s->content);
	free(s);
	return 0;
}

/* Keys and values; the audit and groups apart. */
struct held {
	uint64_t live, audit, groups, rows;
};

static void count(struct story *s, struct held *out)
{
	*out = (struct held){0};
	for (int t = 0; t < TABLE_COUNT; t++) {
		struct txn_cursor *cursor = NULL;
		struct txn *txn = NULL;
		struct txn_row row;

		world_must(txn_begin_read(s->gbr->core->store, table_env(t),
					  &txn));
		world_must(txn_cursor_open(txn, t, key_empty(), &cursor));
		while (!failed(txn_cursor_next(cursor, &row))) {
			uint64_t len = row.key.len + row.value.len;

			if (t == TABLE_AUDIT)
				out->audit += len;
			else if (t == TABLE_GROUPS)
				out->groups += len;
			else
				out->live += len;
			out->rows += t != TABLE_AUDIT && t != TABLE_GROUPS;
		}
		txn_cursor_close(cursor);
		txn_abort(&txn);
	}
}

static uint64_t file_size(struct story *s, const char *name)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%s/store/%s", s->gbr->folder, name);
	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

static void many_edits_of_the_same_documents_keep_the_store_small(void **state)
{
	struct story *s = *state;
	struct held before, after;
	uint64_t folder;
	unsigned n = edits();

	core_tick(s->gbr->core);
	count(s, &before);
	for (unsigned i = 0; i < n; i++) {
		world_must(world_edit(&s->w, s->alice, s->ids[i % DOCUMENTS],
				      content_of(s, i / DOCUMENTS + i)));
		world_must(world_sync(&s->w, s->alice));
		if (i % TICK_EVERY == 0)
			core_tick(s->gbr->core);
	}
	core_tick(s->gbr->core);
	count(s, &after);
	folder = file_size(s, "records/data.mdb") +
		 file_size(s, "segments/data.mdb");
	print_message("%u edits: live %llu bytes in %llu rows (%llu in %llu), "
		      "audit %llu, groups %llu, files %llu\n",
		      n, (unsigned long long)after.live,
		      (unsigned long long)after.rows,
		      (unsigned long long)before.live,
		      (unsigned long long)before.rows,
		      (unsigned long long)after.audit,
		      (unsigned long long)after.groups,
		      (unsigned long long)folder);
	/* What fell is gone: as many rows as before, but for a handful
	 * (nonces, slots). */
	assert_true(after.rows <= before.rows + 60);
	assert_true(after.live <= 2 * before.live);
	/* And its pages were used again. */
	assert_true(folder <=
		    3 * (after.live + after.audit + after.groups) + (1 << 20));
}

#define story(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(many_edits_of_the_same_documents_keep_the_store_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
