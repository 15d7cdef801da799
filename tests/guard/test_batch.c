/* Proves relay/guard/core/write.c and account.c: several writes, one commit. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "relay/guard/core/state.h"
#include "tests/guard/world.h"

enum { JOBS = 6 };

/* An ETag that no head has. */
static const char no_head[] = "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"";

struct story {
	struct world w;
	struct world_relay *gbr;
	struct world_device *alice, *bob;
	struct buf clearance, label;
};

static int begin(void **state)
{
	static const char *const spaces[] = {"GBR/ops"};
	struct story *s = calloc(1, sizeof(*s));

	world_new(&s->w, 11);
	world_file("docs/policy/clearances/gbr-restricted.xml", &s->clearance);
	world_file("docs/policy/labels/restricted-rel-gbr.xml", &s->label);
	s->gbr = world_relay(&s->w, "GBR");
	world_subject(&s->w, s->gbr, "alice", buf_span(&s->clearance),
		      SUBJECT_WRITE, spaces, 1);
	world_subject(&s->w, s->gbr, "bob", buf_span(&s->clearance),
		      SUBJECT_WRITE, spaces, 1);
	s->alice = world_device(&s->w, s->gbr, "alice");
	s->bob = world_device(&s->w, s->gbr, "bob");
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

/* One write, checked and not written yet. */
struct write {
	struct job *job;
	struct doc_id id;
	struct digest digest;
	struct key_id author;
};

static void make(struct story *s, struct world_device *d,
		 const struct engine_put *put, const char *match,
		 struct write *out)
{
	bool create = strcmp(match, "none") == 0;
	struct core_field field = {span_str(create ? "if-none-match"
						   : "if-match"),
				   span_str(create ? "*" : match)};
	char id[DOC_ID_TEXT_LEN + 1], target[64];
	struct core_request request = {
		.listener = CORE_DEVICE,
		.certificate = engine_trust(d->engine).certificate,
		.method = span_str("PUT"),
		.authority = span_str(s->gbr->endpoint),
		.fields = &field,
		.field_count = 1,
	};
	struct buf body;

	buf_init(&body, 64 << 10);
	world_must(engine_seal(d->engine, put, &out->id, &out->digest, &body));
	doc_id_format(out->id, id);
	snprintf(target, sizeof(target), "/v1/documents/%s", id);
	request.target = span_str(target);
	request.body = buf_span(&body);
	world_must(core_job_new(s->gbr->core, &request, &out->job));
	assert_int_equal(core_check(out->job), CORE_NEXT_WRITE);
	out->author = out->job->asker.key;
	buf_clear(&body);
}

static void make_new(struct story *s, struct world_device *d, const char *text,
		     struct write *out)
{
	struct engine_put put = {.space = span_str("GBR/ops"),
				 .label = buf_span(&s->label),
				 .title = span_str("new"),
				 .content = {.bytes = span_str(text)}};

	make(s, d, &put, "none", out);
}

static void make_edit(struct story *s, struct world_device *d, struct doc_id id,
		      const char *text, const char *match, struct write *out)
{
	struct engine_put put = {.edit = true,
				 .id = id,
				 .title = span_str("edited"),
				 .content = {.bytes = span_str(text)}};

	make(s, d, &put, match, out);
}

static void write_all(struct story *s, struct write *writes, size_t count)
{
	struct job *jobs[JOBS];

	for (size_t i = 0; i < count; i++)
		jobs[i] = writes[i].job;
	core_write(s->gbr->core, jobs, count);
	while (core_seal(s->gbr->core))
		core_write(s->gbr->core, NULL, 0);
}

static int status_of(struct write *w)
{
	int status = core_answer(w->job)->status;

	job_free(w->job);
	w->job = NULL;
	return status;
}

static uint64_t audit_last(struct story *s)
{
	struct txn *txn = NULL;
	struct digest link;
	uint64_t n = 0;

	world_must(txn_begin_read(s->gbr->core->store, STORE_RECORDS, &txn));
	world_must(audit_head(txn, &n, &link));
	txn_abort(&txn);
	return n;
}

/* The newest record that the filter lets through. */
static struct audit_entry audit_find(struct story *s, struct arena *arena,
				     const struct audit_filter *filter)
{
	struct audit_entry entry = {0};
	struct txn *txn = NULL;
	unsigned budget = 1000;
	uint64_t before = 0;

	world_must(txn_begin_read(s->gbr->core->store, STORE_RECORDS, &txn));
	world_must(audit_prev(txn, filter, &before, &budget, arena, &entry));
	txn_abort(&txn);
	return entry;
}

static void audit_is_whole(struct story *s)
{
	struct audit_verdict verdict = {.fault = AUDIT_CHANGED};
	struct txn *txn = NULL;

	world_must(txn_begin_read(s->gbr->core->store, STORE_RECORDS, &txn));
	world_must(audit_verify(txn, &verdict));
	txn_abort(&txn);
	assert_int_equal(verdict.fault, AUDIT_SOUND);
}

static void writes_of_one_asker_in_one_commit_are_one_record(void **state)
{
	struct story *s = *state;
	uint64_t before = audit_last(s);
	struct audit_filter filter = {.by_doc = true};
	struct audit_entry entry;
	struct write w[4];
	struct arena arena;

	arena_init(&arena, 1 << 20);
	make_new(s, s->alice, "one", &w[0]);
	make_new(s, s->bob, "two", &w[1]);
	make_new(s, s->alice, "three", &w[2]);
	make_new(s, s->alice, "four", &w[3]);
	write_all(s, w, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(status_of(&w[i]), 201);
	assert_int_equal(audit_last(s), before + 2);
	for (size_t i = 0; i < 4; i++) {
		bool found = false;

		filter.doc = w[i].id;
		entry = audit_find(s, &arena, &filter);
		assert_true(span_eq_str(entry.what, "document.put"));
		assert_int_equal(entry.count, i == 1 ? 1 : 3);
		assert_true(span_eq(entry.who_id, SPAN_OBJ(w[i].author.at)));
		/* Each with what its author signed, and the rule. */
		for (size_t k = 0; k < entry.count; k++)
			found |=
				doc_id_eq(entry.items[k].doc, w[i].id) &&
				digest_eq(entry.items[k].digest, w[i].digest) &&
				entry.items[k].rule.len &&
				span_eq(entry.items[k].rule, entry.rule);
		assert_true(found);
		/* The proof of a single one is the record's, too. */
		assert_int_equal(digest_eq(entry.proof, w[i].digest), i == 1);
	}
	audit_is_whole(s);
	arena_clear(&arena);
}

static void one_that_is_refused_leaves_the_record_of_the_others(void **state)
{
	struct story *s = *state;
	struct audit_filter filter = {.what = span_str("document.put")};
	struct audit_entry entry;
	struct write w[3];
	struct arena arena;
	struct doc_id id;

	arena_init(&arena, 1 << 20);
	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->label),
			     "t", span_str("text"), &id));
	world_must(world_sync(&s->w, s->alice));
	make_new(s, s->alice, "one", &w[0]);
	make_edit(s, s->alice, id, "an edit", no_head, &w[1]);
	make_new(s, s->alice, "two", &w[2]);
	write_all(s, w, 3);
	assert_int_equal(status_of(&w[0]), 201);
	assert_int_not_equal(status_of(&w[1]) / 100, 2);
	assert_int_equal(status_of(&w[2]), 201);
	filter.by_doc = true;
	filter.doc = w[0].id;
	entry = audit_find(s, &arena, &filter);
	assert_int_equal(entry.count, 2);
	audit_is_whole(s);
	arena_clear(&arena);
}

/* A document that the device knows, and the ETag of its head. */
static struct doc_id known(struct story *s, char etag[80])
{
	struct arena arena;
	struct document *doc = NULL;
	struct txn *txn = NULL;
	struct doc_id id;
	char text[DIGEST_TEXT_LEN + 1];

	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->label),
			     "t", span_str("text"), &id));
	world_must(world_sync(&s->w, s->alice));
	world_must(world_sync(&s->w, s->bob));
	arena_init(&arena, 1 << 20);
	world_must(txn_begin_read(s->gbr->core->store, STORE_RECORDS, &txn));
	world_must(record_copy(txn, id, &arena, &doc));
	txn_abort(&txn);
	digest_format(doc->heads[0].digest, text);
	snprintf(etag, 80, "\"%s\"", text);
	arena_clear(&arena);
	return id;
}

/* Each is worked out before the first is written. */
static void two_edits_of_one_head_in_one_commit_do_not_both_win(void **state)
{
	struct story *s = *state;
	struct write w[2];
	char etag[80];
	struct doc_id id = known(s, etag);

	make_edit(s, s->alice, id, "by alice", etag, &w[0]);
	make_edit(s, s->bob, id, "by bob", etag, &w[1]);
	write_all(s, w, 2);
	assert_int_equal(status_of(&w[0]), 200);
	assert_int_equal(status_of(&w[1]), 412);
	world_must(world_sync(&s->w, s->alice));
	assert_int_equal(world_heads(s->alice, id), 1);
}

static void
an_edit_beside_another_of_its_commit_gets_a_dot_of_its_own(void **state)
{
	struct story *s = *state;
	struct arena arena;
	struct document *doc = NULL;
	struct txn *txn = NULL;
	struct write w[2];
	char etag[80];
	struct doc_id id = known(s, etag);

	make_edit(s, s->alice, id, "by alice", "*", &w[0]);
	make_edit(s, s->bob, id, "by bob", "*", &w[1]);
	write_all(s, w, 2);
	assert_int_equal(status_of(&w[0]), 200);
	assert_int_equal(status_of(&w[1]), 200);
	arena_init(&arena, 1 << 20);
	world_must(txn_begin_read(s->gbr->core->store, STORE_RECORDS, &txn));
	world_must(record_copy(txn, id, &arena, &doc));
	txn_abort(&txn);
	assert_int_equal(doc->heads_count, 2);
	assert_int_not_equal(doc->heads[0].seals[0].dot.counter,
			     doc->heads[1].seals[0].dot.counter);
	assert_int_not_equal(doc->heads[0].seals[0].leaf,
			     doc->heads[1].seals[0].leaf);
	arena_clear(&arena);
}

static void what_changed_since_the_check_is_worked_out_anew(void **state)
{
	struct story *s = *state;
	struct write early, w;
	char etag[80];
	struct doc_id id = known(s, etag);

	make_edit(s, s->alice, id, "early", etag, &early);
	make_edit(s, s->bob, id, "first", etag, &w);
	write_all(s, &w, 1);
	assert_int_equal(status_of(&w), 200);
	write_all(s, &early, 1);
	assert_int_equal(status_of(&early), 412);
}

static uint64_t slot_of(struct story *s, struct doc_id id)
{
	struct arena arena;
	struct document *doc = NULL;
	struct txn *txn = NULL;
	uint64_t slot;

	arena_init(&arena, 1 << 20);
	world_must(txn_begin_read(s->gbr->core->store, STORE_RECORDS, &txn));
	world_must(record_copy(txn, id, &arena, &doc));
	txn_abort(&txn);
	slot = doc->slot;
	arena_clear(&arena);
	return slot;
}

/* Keys are wrapped before the writer gives the slot.  More are checked here
 * than go into one slot, and written the other way round. */
static void a_key_opens_whatever_slot_its_document_was_given(void **state)
{
	enum { MANY = RING_SLOT_DOCUMENTS + 20 };
	static struct write w[MANY];
	struct story *s = *state;
	struct job *jobs[MANY];
	size_t in_first = 0;
	struct buf text;

	for (size_t i = 0; i < MANY; i++) {
		make_new(s, s->alice, "text", &w[i]);
		jobs[MANY - 1 - i] = w[i].job;
	}
	for (size_t i = 0; i < MANY; i += 46)
		core_write(s->gbr->core, &jobs[i],
			   MANY - i < 46 ? MANY - i : 46);
	while (core_seal(s->gbr->core))
		core_write(s->gbr->core, NULL, 0);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(status_of(&w[i]), 201);
	for (size_t i = 0; i < MANY; i++)
		in_first += slot_of(s, w[i].id) == slot_of(s, w[0].id);
	assert_true(in_first > 0 && in_first <= RING_SLOT_DOCUMENTS);
	world_must(world_sync(&s->w, s->bob));
	buf_init(&text, 64);
	for (size_t i = 0; i < MANY; i += 25) {
		buf_reset(&text);
		world_must(world_read(&s->w, s->bob, w[i].id, &text));
		assert_true(span_eq_str(buf_span(&text), "text"));
	}
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			writes_of_one_asker_in_one_commit_are_one_record, begin,
			end),
		cmocka_unit_test_setup_teardown(
			one_that_is_refused_leaves_the_record_of_the_others,
			begin, end),
		cmocka_unit_test_setup_teardown(
			two_edits_of_one_head_in_one_commit_do_not_both_win,
			begin, end),
		cmocka_unit_test_setup_teardown(
			an_edit_beside_another_of_its_commit_gets_a_dot_of_its_own,
			begin, end),
		cmocka_unit_test_setup_teardown(
			what_changed_since_the_check_is_worked_out_anew, begin,
			end),
		cmocka_unit_test_setup_teardown(
			a_key_opens_whatever_slot_its_document_was_given, begin,
			end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
