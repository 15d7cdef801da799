/*
 * A purge is real: after a recall nothing that anybody copied of the store
 * before, and no old page of it now, opens the content keys with the ring key
 * that is left.  Proves storage/ring_slot.c, key_provider.c and
 * relay/guard/core/housekeeping.c together.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "relay/guard/core/state.h"
#include "storage/file.h"
#include "tests/guard/step.h"
#include "tests/guard/thief.h"
#include "tests/guard/world.h"

enum { STEPS_MAX = 400 };

struct story {
	struct world w;
	struct world_relay *gbr;
	struct world_device *alice;
	struct buf clearance, label;
	char store[300], keys[300], kept[300];
	struct doc_id id, other;
	struct thief_target first, last; /* of two revisions of `id` */
};

/* The key of the document's first head, opened. */
static void target_of(struct story *s, struct doc_id id,
		      struct thief_target *out)
{
	struct core *core = s->gbr->core;
	struct document *doc = NULL;
	struct txn *txn = NULL;
	struct arena arena;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	world_must(txn_begin_read(core->store, STORE_RECORDS, &txn));
	world_must(record_copy(txn, id, &arena, &doc));
	txn_abort(&txn);
	assert_true(doc->heads[0].keys[0].present);
	out->doc = id;
	out->commitment = doc->heads[0].keys[0].commitment;
	memcpy(out->wrapped, doc->heads[0].keys[0].wrapped,
	       sizeof(out->wrapped));
	world_must(ring_unwrap(core->ring, doc->slot, id, out->commitment,
			       out->wrapped, out->key));
	arena_clear(&arena);
}

static void run(const char *fmt, const char *a, const char *b)
{
	char line[1024];

	snprintf(line, sizeof(line), fmt, a, b);
	assert_int_equal(system(line), 0);
}

/* A document with two revisions, and one that shares its slot. */
static int begin(void **state)
{
	static const char *const spaces[] = {"GBR/ops"};
	struct story *s = calloc(1, sizeof(*s));
	size_t len = 300000;
	uint8_t *plain = calloc(1, len);

	world_new(&s->w, 5);
	world_file("docs/policy/clearances/gbr-restricted.xml", &s->clearance);
	world_file("docs/policy/labels/restricted-rel-gbr.xml", &s->label);
	s->gbr = world_relay(&s->w, "GBR");
	snprintf(s->store, sizeof(s->store), "%s/store", s->gbr->folder);
	snprintf(s->keys, sizeof(s->keys), "%s/keys/ring", s->gbr->folder);
	snprintf(s->kept, sizeof(s->kept), "%s/kept", s->w.folder);
	world_subject(&s->w, s->gbr, "alice", buf_span(&s->clearance),
		      SUBJECT_WRITE | SUBJECT_RECALL, spaces, 1);
	s->alice = world_device(&s->w, s->gbr, "alice");
	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->label),
			     "plan", span_str("secret"), &s->id));
	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->label),
			     "other", span_str("stays"), &s->other));
	world_must(world_sync(&s->w, s->alice));
	target_of(s, s->id, &s->first);
	world_must(world_edit(&s->w, s->alice, s->id, span_of(plain, len)));
	world_must(world_sync(&s->w, s->alice));
	target_of(s, s->id, &s->last);
	assert_memory_not_equal(s->first.key, s->last.key, CRYPTO_KEY_LEN);
	free(plain);
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

static void recall(struct story *s)
{
	world_must(world_state(&s->w, s->alice, s->id, STATEMENT_RECALL,
			       span_str("")));
}

/* What the thief gets out with the ring keys that are left in `folder`. */
static bool opens(struct story *s, struct thief *t, const char *folder,
		  const struct thief_target *target, unsigned *found)
{
	struct key_provider provider;
	bool out;

	world_must(key_provider_file_open(folder, s->gbr->root_key,
					  &s->w.random, &provider));
	(void)thief_open_rings(t, &provider);
	out = thief_opens(t, target, found);
	provider.close(provider.self);
	return out;
}

static unsigned key_files(const struct story *s)
{
	char pattern[320];
	unsigned n;
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/*", s->keys);
	n = glob(pattern, 0, NULL, &g) == 0 ? (unsigned)g.gl_pathc : 0;
	globfree(&g);
	return n;
}

static void nothing_copied_before_a_purge_opens_the_content_key(void **state)
{
	struct story *s = *state;
	struct thief *t = thief_new(), *with_old_key;
	struct thief_target other;
	unsigned found;

	/* Control: before, the same thief gets the keys of both revisions. */
	thief_take(t, s->store);
	assert_true(opens(s, t, s->keys, &s->first, NULL));
	assert_true(opens(s, t, s->keys, &s->last, &found));
	assert_true(found > 0);
	thief_free(t);
	t = thief_new();
	thief_take(t, s->store);
	run("cp -a %s %s", s->keys, s->kept);

	recall(s);
	core_tick(s->gbr->core);
	thief_take(t, s->store); /* and everything that is there now */
	with_old_key = thief_copy(t);
	assert_int_equal(key_files(s), 1);
	assert_false(opens(s, t, s->keys, &s->first, NULL));
	assert_false(opens(s, t, s->keys, &s->last, &found));
	assert_true(found > 0); /* the copies have the wrapped key */
	/* He did open the ring of today: what stays, he reads. */
	assert_true(t->slot_count > 0);
	target_of(s, s->other, &other);
	assert_true(thief_opens(t, &other, NULL));

	/* What the key provider's own old file leaves (docs/SECURITY.md): with
	 * it and the root key, the old ring opens, and the key with it. */
	assert_true(opens(s, with_old_key, s->kept, &s->first, NULL));
	assert_true(opens(s, with_old_key, s->kept, &s->last, NULL));
	thief_free(with_old_key);
	thief_free(t);
}

/* A start: whatever was cut short is finished. */
static void start(void *with)
{
	struct story *s = with;

	world_open(&s->w, s->gbr);
}

static void
a_purge_cut_off_at_any_step_is_finished_at_the_next_start(void **state)
{
	struct story *s = *state;
	struct thief *before = thief_new();
	struct thief_target other;
	unsigned at = 0;
	bool died = true;
	char folder[700];

	thief_take(before, s->store);
	recall(s); /* no tick: the purge is for the next start */
	world_close(&s->w, s->gbr);
	run("mkdir %s", s->kept, "");
	run("cp -a %s/. %s/", s->gbr->folder, s->kept);
	while (died) {
		struct thief *t = thief_copy(before);
		uint8_t waste;

		assert_true(++at < STEPS_MAX);
		snprintf(folder, sizeof(folder), "%s/store %s/keys",
			 s->gbr->folder, s->gbr->folder);
		run("rm -rf %s", folder, "");
		snprintf(folder, sizeof(folder), "%s/store %s/keys", s->kept,
			 s->kept);
		run("cp -a %s %s", folder, s->gbr->folder);
		died = step_dies(at, start, s);
		thief_take(t, s->store);
		/* The child drew from a copy of this source. */
		world_must(random_fill(&s->w.random, &waste, 1));
		world_open(&s->w, s->gbr);
		thief_take(t, s->store);
		assert_int_equal(key_files(s), 1);
		assert_false(opens(s, t, s->keys, &s->first, NULL));
		assert_false(thief_opens(t, &s->last, NULL));
		assert_true(t->slot_count > 0);
		target_of(s, s->other, &other);
		assert_true(thief_opens(t, &other, NULL));
		world_close(&s->w, s->gbr);
		thief_free(t);
	}
	print_message("steps: %u\n", at - 1);
	/* There were steps, and the purge was among them. */
	assert_true(at > 10);
	world_open(&s->w, s->gbr);
	thief_free(before);
}

#define story(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(nothing_copied_before_a_purge_opens_the_content_key),
		story(a_purge_cut_off_at_any_step_is_finished_at_the_next_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
