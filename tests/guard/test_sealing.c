/* Proves relay/guard/core/sealing.c: which commits share a group, and that
 * what was signed is what was committed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/engine.h"
#include "relay/guard/core/state.h"
#include "tests/guard/world.h"

struct story {
	struct world w;
	struct world_relay *gbr;
	struct world_device *alice;
	struct buf label;
};

static int begin(void **state)
{
	static const char *const spaces[] = {"GBR/ops"};
	struct story *s = calloc(1, sizeof(*s));
	struct buf clearance;

	world_new(&s->w, 5);
	world_file("docs/policy/clearances/gbr-restricted.xml", &clearance);
	world_file("docs/policy/labels/restricted-rel-gbr.xml", &s->label);
	s->gbr = world_relay(&s->w, "GBR");
	world_subject(&s->w, s->gbr, "alice", buf_span(&clearance),
		      SUBJECT_WRITE, spaces, 1);
	s->alice = world_device(&s->w, s->gbr, "alice");
	buf_clear(&clearance);
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct story *s = *state;

	world_free(&s->w);
	buf_clear(&s->label);
	free(s);
	return 0;
}

/* The job of a PUT, ready for the writer. */
static struct job *job_of(struct story *s, struct doc_id *id)
{
	struct engine_put put = {.space = span_str("GBR/ops"),
				 .label = buf_span(&s->label),
				 .title = span_str("plan"),
				 .content = {.bytes = span_str("text")}};
	struct core_field any = {span_str("if-none-match"), span_str("*")};
	char target[64], text[DOC_ID_TEXT_LEN + 1];
	struct core_request request;
	struct digest digest;
	struct job *job = NULL;
	struct buf body;

	buf_init(&body, 64 << 10);
	world_must(engine_seal(s->alice->engine, &put, id, &digest, &body));
	doc_id_format(*id, text);
	snprintf(target, sizeof(target), "/v1/documents/%s", text);
	request = (struct core_request){
		.listener = CORE_DEVICE,
		.certificate = engine_trust(s->alice->engine).certificate,
		.method = span_str("PUT"),
		.authority = span_str(s->gbr->endpoint),
		.target = span_str(target),
		.fields = &any,
		.field_count = 1,
		.body = buf_span(&body),
	};
	world_must(core_job_new(s->gbr->core, &request, &job));
	assert_int_equal(core_check(job), CORE_NEXT_WRITE);
	buf_clear(&body);
	return job;
}

/* One commit of `count` new documents; the last one's id. */
static struct doc_id commit(struct story *s, size_t count)
{
	struct job *jobs[CORE_BATCH_MAX];
	struct doc_id id = {{0}};

	for (size_t i = 0; i < count; i++)
		jobs[i] = job_of(s, &id);
	core_write(s->gbr->core, jobs, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(core_answer(jobs[i])->status, 201);
		job_free(jobs[i]);
	}
	return id;
}

/* The group of the document, and its leaf. */
static uint64_t group_of(struct story *s, struct doc_id id, uint16_t *leaf)
{
	struct document *doc = NULL;
	struct txn *txn = NULL;
	struct arena arena;
	uint64_t group;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	world_must(txn_begin_read(s->gbr->core->store, STORE_RECORDS, &txn));
	world_must(record_copy(txn, id, &arena, &doc));
	txn_abort(&txn);
	assert_non_null(doc);
	group = doc->heads[0].seals[0].group;
	*leaf = doc->heads[0].seals[0].leaf;
	arena_clear(&arena);
	return group;
}

static bool is_signed(struct story *s, uint64_t group, size_t *leaves)
{
	struct group_row row;
	struct txn *txn = NULL;
	bool out;

	world_must(txn_begin_read(s->gbr->core->store, STORE_RECORDS, &txn));
	world_must(group_get(txn, group, &row));
	*leaves = row.leaves.len / DIGEST_LEN;
	out = row.is_signed;
	txn_abort(&txn);
	return out;
}

static void seal(struct story *s)
{
	assert_true(core_seal(s->gbr->core));
	core_write(s->gbr->core, NULL, 0);
}

/* Its seal is the relay's word on this very revision. */
static void assert_sealed(struct story *s, struct doc_id id)
{
	struct core *core = s->gbr->core;
	struct document *doc = NULL;
	struct manifest manifest;
	struct seal_subject subject;
	const struct replica_certificate *certificate;
	struct txn *txn = NULL;
	struct seal made;
	struct arena arena;
	struct buf blob;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	buf_init(&blob, 64 << 10);
	world_must(txn_begin_read(core->store, STORE_RECORDS, &txn));
	world_must(record_copy(txn, id, &arena, &doc));
	world_must(document_seal_blob(txn, &doc->heads[0].seals[0],
				      SEAL_REVISION, &blob));
	world_must(manifest_decode_stored(doc->heads[0].payload,
					  doc->heads[0].signature, &arena,
					  &manifest));
	world_must(trust_certificate(core->trust, txn, core->replica,
				     &certificate));
	txn_abort(&txn);
	world_must(seal_decode(buf_span(&blob), &made));
	subject = seal_subject_of_manifest(&manifest);
	world_must(seal_check(&made, &subject, certificate));
	buf_clear(&blob);
	arena_clear(&arena);
}

static void commits_in_a_row_share_a_group(void **state)
{
	struct story *s = *state;
	struct doc_id first = commit(s, 1), second = commit(s, 3), later;
	uint16_t leaf, next;
	uint64_t group = group_of(s, first, &leaf);
	size_t leaves;

	assert_int_equal(group_of(s, second, &next), group);
	assert_int_equal(leaf, 0);
	assert_int_equal(next, 3);
	testclock_forward(&s->w.time, 25);
	later = commit(s, 1);
	assert_int_equal(group_of(s, later, &leaf), group + 1);
	seal(s);
	assert_true(is_signed(s, group, &leaves));
	assert_int_equal(leaves, 4);
	assert_true(is_signed(s, group + 1, &leaves));
	assert_int_equal(leaves, 1);
	assert_sealed(s, first);
	assert_sealed(s, second);
	assert_sealed(s, later);
	assert_false(core_seal(s->gbr->core));
}

static void what_is_signed_takes_no_more(void **state)
{
	struct story *s = *state;
	struct doc_id first = commit(s, 1), second;
	uint16_t leaf;
	uint64_t group = group_of(s, first, &leaf);

	/* Signed, and not yet written. */
	assert_true(core_seal(s->gbr->core));
	second = commit(s, 1);
	assert_int_equal(group_of(s, second, &leaf), group + 1);
	seal(s);
	assert_sealed(s, first);
	assert_sealed(s, second);
}

static void a_group_in_hand_is_not_signed(void **state)
{
	struct story *s = *state;
	struct core *core = s->gbr->core;
	struct doc_id first = commit(s, 1), second;
	struct batch batch;
	uint16_t leaf;
	uint64_t group = group_of(s, first, &leaf);
	size_t leaves;

	world_must(batch_begin(core, false, 1, &batch));
	assert_false(core_seal(core));
	batch_abort(&batch);
	second = commit(s, 1);
	assert_int_equal(group_of(s, second, &leaf), group);
	assert_int_equal(leaf, 1);
	/* One that began a group of its own holds up no other. */
	testclock_forward(&s->w.time, 25);
	world_must(batch_begin(core, false, 1, &batch));
	assert_true(core_seal(core));
	world_must(batch_commit(&batch));
	core_write(core, NULL, 0);
	assert_true(is_signed(s, group, &leaves));
	assert_int_equal(leaves, 2);
	assert_sealed(s, first);
	assert_sealed(s, second);
}

static void a_group_that_would_overflow_is_left_behind(void **state)
{
	struct story *s = *state;
	struct doc_id first = commit(s, 250), second = commit(s, 6), third;
	uint16_t leaf;
	uint64_t group = group_of(s, first, &leaf);
	size_t leaves;

	assert_int_equal(group_of(s, second, &leaf), group);
	assert_int_equal(leaf, 255);
	third = commit(s, 1);
	assert_int_equal(group_of(s, third, &leaf), group + 1);
	assert_int_equal(leaf, 0);
	seal(s);
	assert_true(is_signed(s, group, &leaves));
	assert_int_equal(leaves, GROUP_LEAVES_MAX);
	assert_sealed(s, second);
	assert_sealed(s, third);
}

static void a_clock_set_back_ends_the_group(void **state)
{
	struct story *s = *state;
	struct doc_id first = commit(s, 1), second;
	uint16_t leaf;
	uint64_t group = group_of(s, first, &leaf);

	testclock_forward(&s->w.time, (uint64_t)-1000);
	second = commit(s, 1);
	assert_int_equal(group_of(s, second, &leaf), group + 1);
}

static void after_a_restart_the_open_group_is_signed_and_closed(void **state)
{
	struct story *s = *state;
	struct doc_id first = commit(s, 1), second;
	uint16_t leaf;
	uint64_t group = group_of(s, first, &leaf);
	size_t leaves;

	world_close(&s->w, s->gbr);
	world_open(&s->w, s->gbr);
	assert_true(is_signed(s, group, &leaves));
	second = commit(s, 1);
	assert_int_equal(group_of(s, second, &leaf), group + 1);
	seal(s);
	assert_sealed(s, first);
	assert_sealed(s, second);
}

static void *run_sealer(void *arg)
{
	struct story *s = arg;

	for (int i = 0; i < 60; i++)
		(void)core_seal(s->gbr->core);
	return NULL;
}

static void beside_a_sealer_every_document_gets_its_seal(void **state)
{
	enum { COMMITS = 80 };
	struct story *s = *state;
	struct job *jobs[COMMITS];
	struct doc_id ids[COMMITS];
	pthread_t sealer;

	for (int i = 0; i < COMMITS; i++)
		jobs[i] = job_of(s, &ids[i]);
	assert_int_equal(pthread_create(&sealer, NULL, run_sealer, s), 0);
	for (int i = 0; i < COMMITS; i++) {
		core_write(s->gbr->core, &jobs[i], 1);
		testclock_forward(&s->w.time, 3);
	}
	pthread_join(sealer, NULL);
	(void)core_seal(s->gbr->core);
	core_write(s->gbr->core, NULL, 0);
	for (int i = 0; i < COMMITS; i++) {
		assert_int_equal(core_answer(jobs[i])->status, 201);
		job_free(jobs[i]);
		assert_sealed(s, ids[i]);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(commits_in_a_row_share_a_group),
		T(what_is_signed_takes_no_more),
		T(a_group_in_hand_is_not_signed),
		T(a_group_that_would_overflow_is_left_behind),
		T(a_clock_set_back_ends_the_group),
		T(after_a_restart_the_open_group_is_signed_and_closed),
		T(beside_a_sealer_every_document_gets_its_seal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
