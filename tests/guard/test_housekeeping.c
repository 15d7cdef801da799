/* Proves relay/guard/core/housekeeping.c: what the guard does by itself. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "relay/guard/core/state.h"
#include "storage/file.h"
#include "storage/segment.h"
#include "storage/upload.h"
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

	world_new(&s->w, 3);
	world_file("docs/policy/clearances/gbr-restricted.xml", &s->clearance);
	world_file("docs/policy/labels/restricted-rel-gbr.xml", &s->label);
	s->gbr = world_relay(&s->w, "GBR");
	world_subject(&s->w, s->gbr, "alice", buf_span(&s->clearance),
		      SUBJECT_WRITE | SUBJECT_RECALL, spaces, 1);
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

static struct document *document_of(struct story *s, struct doc_id id,
				    struct arena *arena)
{
	struct document *doc = NULL;
	struct txn *txn = NULL;

	world_must(txn_begin_read(s->gbr->core->store, STORE_RECORDS, &txn));
	world_must(record_copy(txn, id, arena, &doc));
	txn_abort(&txn);
	return doc;
}

static bool has_segment(struct story *s, struct doc_id id, struct digest d)
{
	struct txn *txn = NULL;
	bool has = false;

	world_must(txn_begin_read(s->gbr->core->store, STORE_SEGMENTS, &txn));
	world_must(segment_has(txn, id, d, &has));
	txn_abort(&txn);
	return has;
}

static void put(struct story *s, struct span content, struct doc_id *id)
{
	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->label),
			     "plan", content, id));
	world_must(world_sync(&s->w, s->alice));
}

static void segments_that_a_crash_left_are_collected_at_start(void **state)
{
	struct story *s = *state;
	struct digest orphan = {{1}}, kept = {{0}};
	struct doc_id nobody = {{2}}, id;
	struct txn *txn = NULL;
	size_t len = 300000;
	uint8_t *plain = calloc(1, len);

	put(s, span_of(plain, len), &id);
	world_must(txn_begin_write(s->gbr->core->store, STORE_SEGMENTS, &txn));
	world_must(segment_next(txn, id, &kept));
	/* Of a document that never came, and beside one that did. */
	world_must(segment_put(txn, nobody, orphan, span_str("left")));
	world_must(segment_table_put(txn, nobody, orphan, span_str("left")));
	world_must(segment_put(txn, id, orphan, span_str("left")));
	world_must(txn_commit(&txn));
	world_close(&s->w, s->gbr);
	world_open(&s->w, s->gbr);
	assert_false(has_segment(s, nobody, orphan));
	assert_false(has_segment(s, id, orphan));
	assert_true(has_segment(s, id, kept));
	free(plain);
}

/* The ring as a file, beside another store's folder. */
static void copy(const char *from, const char *to)
{
	struct buf b;

	buf_init(&b, 64 << 20);
	world_must(file_read(from, &b));
	world_must(file_write(to, buf_span(&b), false));
	buf_wipe(&b);
}

static void after_a_recall_an_old_copy_opens_nothing(void **state)
{
	struct story *s = *state;
	struct world_relay *r = s->gbr;
	char ring[300], old[300], old_ring[300], keys[300];
	struct key_provider provider;
	struct doc_id id, other;
	struct document_key key;
	struct document *doc;
	struct ring *opened = NULL;
	uint8_t plain[CRYPTO_KEY_LEN];
	struct arena arena;
	uint64_t slot;
	struct err e;

	put(s, span_str("secret"), &id);
	put(s, span_str("stays"), &other);
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	doc = document_of(s, id, &arena);
	slot = doc->slot;
	key = doc->heads[0].keys[0];
	assert_true(key.present);
	world_must(ring_unwrap(r->core->ring, slot, id, key.commitment,
			       key.wrapped, plain));
	/* Ring and records of before. */
	snprintf(ring, sizeof(ring), "%s/store/ring", r->folder);
	snprintf(old, sizeof(old), "%s/old", r->folder);
	snprintf(old_ring, sizeof(old_ring), "%s/old/ring", r->folder);
	snprintf(keys, sizeof(keys), "%s/keys/ring", r->folder);
	assert_int_equal(mkdir(old, 0700), 0);
	copy(ring, old_ring);

	world_must(world_state(&s->w, s->alice, id, STATEMENT_RECALL,
			       span_str("")));
	core_tick(r->core);
	assert_true(failed(ring_unwrap(r->core->ring, slot, id, key.commitment,
				       key.wrapped, plain)));
	/* What shared the slot was moved, and opens as before. */
	doc = document_of(s, other, &arena);
	assert_int_not_equal(doc->slot, slot);
	world_must(ring_unwrap(r->core->ring, doc->slot, other,
			       doc->heads[0].keys[0].commitment,
			       doc->heads[0].keys[0].wrapped, plain));
	/* The old ring is sealed under a ring key that is no more. */
	world_close(&s->w, r);
	world_must(key_provider_file_open(keys, r->root_key, &s->w.random,
					  &provider));
	e = ring_open(old, &provider, &s->w.random, &s->w.clock, &opened);
	assert_true(failed(e));
	provider.close(provider.self);
	world_open(&s->w, r);
	doc = document_of(s, other, &arena);
	world_must(ring_unwrap(r->core->ring, doc->slot, other,
			       doc->heads[0].keys[0].commitment,
			       doc->heads[0].keys[0].wrapped, plain));
	arena_clear(&arena);
}

static void a_purge_that_a_crash_cut_off_is_finished_at_start(void **state)
{
	struct story *s = *state;
	uint8_t plain[CRYPTO_KEY_LEN];
	struct document_key key;
	struct document *doc;
	struct arena arena;
	struct doc_id id;
	uint64_t slot;

	put(s, span_str("secret"), &id);
	arena_init(&arena, DOCUMENT_ARENA_MAX);
	doc = document_of(s, id, &arena);
	slot = doc->slot;
	key = doc->heads[0].keys[0];
	world_must(world_state(&s->w, s->alice, id, STATEMENT_RECALL,
			       span_str("")));
	/* No tick: the process ends first. */
	world_close(&s->w, s->gbr);
	world_open(&s->w, s->gbr);
	assert_true(failed(ring_unwrap(s->gbr->core->ring, slot, id,
				       key.commitment, key.wrapped, plain)));
	arena_clear(&arena);
}

/* A crash leaves the lease and what came so far: both are kept, for the device
 * goes on, and go when its time is over. */
static void half_an_upload_goes_when_its_time_is_over(void **state)
{
	struct story *s = *state;
	struct upload upload = {.id = {4},
				.doc = {{5}},
				.author = {{6}},
				.size = 300000,
				.total = 300056,
				.offset = 262172,
				.time = clock_s(&s->w.clock)};
	struct digest came = {{7}};
	struct txn *txn = NULL;
	struct err e;

	world_must(txn_begin_write(s->gbr->core->store, STORE_SEGMENTS, &txn));
	world_must(segment_put(txn, upload.doc, came, span_str("came")));
	world_must(txn_commit(&txn));
	world_must(txn_begin_write(s->gbr->core->store, STORE_RECORDS, &txn));
	world_must(upload_put(txn, &upload));
	world_must(txn_commit(&txn));
	world_close(&s->w, s->gbr);
	world_open(&s->w, s->gbr);
	assert_true(has_segment(s, upload.doc, came));
	testclock_forward(&s->w.time, (24 * 3600 + 1) * 1000);
	world_close(&s->w, s->gbr);
	world_open(&s->w, s->gbr);
	core_tick(s->gbr->core);
	assert_false(has_segment(s, upload.doc, came));
	world_must(txn_begin_read(s->gbr->core->store, STORE_RECORDS, &txn));
	e = upload_get(txn, upload.id, &upload);
	assert_int_equal(e.code, ERR_NOT_FOUND);
	txn_abort(&txn);
}

static off_t ring_len(struct story *s)
{
	char path[300];
	struct stat st;

	world_must(file_join(path, sizeof(path), s->gbr->folder, "store/ring"));
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* Slots that a crash left unused are given to those who come next. */
static void starts_gather_no_spare_slots(void **state)
{
	struct story *s = *state;
	off_t len;

	world_close(&s->w, s->gbr);
	world_open(&s->w, s->gbr);
	len = ring_len(s);
	for (int i = 0; i < 5; i++) {
		world_close(&s->w, s->gbr);
		world_open(&s->w, s->gbr);
	}
	assert_int_equal(ring_len(s), len);
}

/* A writing of the ring that was cut off: nothing reads it. */
static void half_a_ring_is_not_read(void **state)
{
	struct story *s = *state;
	char path[300];
	struct doc_id id;

	world_must(file_join(path, sizeof(path), s->gbr->folder,
			     "store/ring.new"));
	world_close(&s->w, s->gbr);
	world_must(file_write(path, span_str("half a ring"), false));
	world_open(&s->w, s->gbr);
	put(s, span_str("goes on"), &id);
}

#define story(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(segments_that_a_crash_left_are_collected_at_start),
		story(after_a_recall_an_old_copy_opens_nothing),
		story(half_an_upload_goes_when_its_time_is_over),
		story(starts_gather_no_spare_slots),
		story(half_a_ring_is_not_read),
		story(a_purge_that_a_crash_cut_off_is_finished_at_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
