/*
 * Proves federation/import.c: what a peer may say, and what is quarantined
 * and why.  Rows are made of real keys and forged one fact at a time.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "proto/document/segment.h"
#include "storage/quarantine.h"
#include "tests/federation/forge.h"

/* We are GBR; DEU is the peer; FRA and ITA are others whose roots are
 * pinned. */
struct scene {
	struct tempstore t;
	struct shelf_index *index;
	struct trust *trust;
	struct txn *txn;
	struct document_writer writer;
	struct import in;
	struct forge gbr, deu, fra, ita;
	struct arena arena;
	struct forge_head first; /* of a document of DEU */
	struct changes_row row;	 /* that brings it */
	struct changes_head head;
	struct changes_statement statements[2];
};

static const struct digest good = {{1}}, above = {{2}}, invalid = {{3}},
			   foreign = {{4}}, absent = {{5}};

static struct err judge(void *self, struct txn *txn, struct digest label)
{
	switch (label.at[0]) {
	case 1:
		return ERR_NONE;
	case 2:
		return err_make(ERR_ABOVE_CEILING, "above");
	case 3:
		return err_make(ERR_LABEL, "invalid");
	case 4:
		return err_make(ERR_FOREIGN_POLICY, "foreign");
	default:
		return err_make(ERR_NOT_FOUND, "absent");
	}
}

/* The row brings `h` as its only head, under what it has of statements. */
static void bring(struct scene *s, const struct forge_head *h)
{
	s->head = (struct changes_head){.manifest = h->jws,
					.dot = h->word.dot,
					.seal = h->seal,
					.content = segment_blob_len(h->m.size),
					.winner = true};
	s->row.heads = &s->head;
	s->row.heads_count = 1;
}

static void open_row(struct scene *s, const struct forge_head *first)
{
	s->statements[0] =
		(struct changes_statement){first->jws, true, first->seal};
	s->row = (struct changes_row){.id = first->m.id,
				      .home = first->m.home,
				      .opening = manifest_opening(&first->m),
				      .number = 1,
				      .digests = &first->m.digest,
				      .digests_count = 1,
				      .statements = s->statements,
				      .statements_count = 1};
	bring(s, first);
}

static int begin(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct forge *all[] = {&s->gbr, &s->deu, &s->fra, &s->ita};
	const char *names[] = {"GBR", "DEU", "FRA", "ITA"};
	uint64_t now;

	tempstore_new(&s->t, false);
	now = clock_s(&s->t.clock);
	arena_init(&s->arena, 64 << 20);
	must(shelf_index_open(s->t.store, &s->index));
	must(trust_new(&s->trust));
	must(ring_reserve_slots(s->t.ring, s->t.store, 64));
	must(txn_begin_write(s->t.store, STORE_RECORDS, &s->txn));
	for (int i = 0; i < 4; i++) {
		forge_new(all[i], names[i], now);
		forge_pin(all[i], s->trust, s->txn);
	}
	document_writer_begin(&s->writer, s->index, 1);
	s->in = (struct import){.txn = s->txn,
				.writer = &s->writer,
				.trust = s->trust,
				.ring = s->t.ring,
				.judge = {judge, NULL},
				.self = s->gbr.nation,
				.from = s->deu.nation,
				.now = now};
	forge_revision(&s->deu, NULL, NULL, 1, good, 1, &s->arena, &s->first);
	open_row(s, &s->first);
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct scene *s = *state;

	txn_abort(&s->txn);
	shelf_index_close(s->index);
	trust_free(s->trust);
	forge_free(&s->gbr);
	forge_free(&s->deu);
	forge_free(&s->fra);
	forge_free(&s->ita);
	arena_clear(&s->arena);
	tempstore_free(&s->t);
	free(s);
	return 0;
}

static struct document *stored(struct scene *s, struct doc_id id)
{
	struct document *doc = arena_alloc(&s->arena, sizeof(*doc));
	struct span record;
	struct err e =
		txn_get(s->txn, TABLE_DOCUMENTS, key_document(id), &record);

	if (e.code == ERR_NOT_FOUND)
		return NULL;
	must(e);
	must(document_decode(arena_copy(&s->arena, record), &s->arena, doc));
	return doc;
}

static bool stands(struct scene *s, const struct forge_head *h)
{
	struct document *doc = stored(s, h->m.id);

	return doc && document_head(doc, h->m.digest);
}

static void take(struct scene *s)
{
	must(import_row(&s->in, &s->row));
}

/* The row is refused for `code`, under `digest`; nothing else is. */
static void refused(struct scene *s, struct digest digest, enum err_code code)
{
	struct quarantined q = {0};
	uint64_t before = s->in.refused;

	take(s);
	assert_true(s->in.refused > before);
	while (!failed(quarantine_next(s->txn, &s->arena, &q)))
		if (digest_eq(q.digest, digest)) {
			assert_int_equal(q.code, code);
			assert_true(nation_eq(q.from, s->deu.nation));
			assert_true(doc_id_eq(q.doc, s->row.id));
			return;
		}
	fail();
}

static void an_honest_row_is_taken_and_again_is_nothing(void **state)
{
	struct scene *s = *state;

	take(s);
	assert_true(stands(s, &s->first));
	assert_int_equal(s->in.refused, 0);
	assert_int_equal(s->in.taken, 1);
	take(s);
	assert_int_equal(s->in.taken, 1);
	assert_int_equal(s->in.refused, 0);
}

static void a_third_nations_document_is_refused(void **state)
{
	struct scene *s = *state;
	struct forge_head h;
	struct digest none = {0};

	forge_revision(&s->fra, NULL, NULL, 1, good, 1, &s->arena, &h);
	open_row(s, &h);
	refused(s, none, ERR_FORBIDDEN);
	assert_null(stored(s, h.m.id));
}

static void a_home_that_the_id_does_not_name_is_refused(void **state)
{
	struct scene *s = *state;
	struct digest none = {0};

	/* FRA's document under a row that says DEU. */
	forge_revision(&s->fra, NULL, NULL, 1, good, 1, &s->arena, &s->first);
	open_row(s, &s->first);
	s->row.home = s->deu.nation;
	refused(s, none, ERR_FOREIGN_ID);
	assert_null(stored(s, s->first.m.id));
}

static void an_opening_that_is_not_the_ids_is_refused(void **state)
{
	struct scene *s = *state;
	struct digest none = {0};

	s->row.opening.salt[3] ^= 1;
	refused(s, none, ERR_FOREIGN_ID);
	assert_null(stored(s, s->first.m.id));
}

static void a_statement_that_its_home_did_not_seal_is_refused(void **state)
{
	struct scene *s = *state;
	struct digest digest;

	s->statements[1] =
		forge_statement(&s->deu, &s->fra, &s->first, STATEMENT_RECALL,
				2, s->first.m.digest, good, NULL, 0, &s->arena,
				&digest);
	s->row.statements_count = 2;
	refused(s, digest, ERR_FORBIDDEN);
	/* The rest of the row is taken. */
	assert_true(stands(s, &s->first));
}

static void a_statement_by_an_author_of_another_nation_is_refused(void **state)
{
	struct scene *s = *state;
	struct digest digest;

	s->statements[1] =
		forge_statement(&s->fra, &s->deu, &s->first, STATEMENT_DELETE,
				2, s->first.m.digest, good, NULL, 0, &s->arena,
				&digest);
	s->row.statements_count = 2;
	refused(s, digest, ERR_UNAUTHENTICATED);
	assert_true(stands(s, &s->first));
}

static void a_recall_of_its_home_empties_the_document(void **state)
{
	struct scene *s = *state;
	struct digest digest;

	take(s);
	s->statements[1] =
		forge_statement(&s->deu, &s->deu, &s->first, STATEMENT_RECALL,
				2, s->first.m.digest, good, NULL, 0, &s->arena,
				&digest);
	s->row.statements_count = 2;
	s->row.heads_count = 0;
	take(s);
	assert_int_equal(stored(s, s->first.m.id)->state, DOCUMENT_RECALLED);
	assert_true(s->in.purges);
	/* And what comes late changes nothing. */
	s->row.heads_count = 1;
	take(s);
	assert_int_equal(stored(s, s->first.m.id)->heads_count, 0);
	assert_int_equal(s->in.refused, 0);
}

static void a_seal_that_is_of_something_else_is_refused(void **state)
{
	struct scene *s = *state;
	struct forge_head other, edit;

	take(s);
	forge_revision(&s->deu, &s->first, &s->first, 1, good, 2, &s->arena,
		       &edit);
	forge_revision(&s->deu, &s->first, &s->first, 1, good, 2, &s->arena,
		       &other);
	bring(s, &edit);
	s->head.seal = other.seal;
	refused(s, edit.m.digest, ERR_DIGEST);
	assert_false(stands(s, &edit));
	assert_true(stands(s, &s->first));
}

static void a_seal_by_another_key_is_refused(void **state)
{
	struct scene *s = *state;
	struct forge liar;
	struct forge_head edit;
	struct seal_subject subject;

	forge_new(&liar, "DEU", s->in.now);
	take(s);
	forge_revision(&s->deu, &s->first, &s->first, 1, good, 2, &s->arena,
		       &edit);
	subject = seal_subject_of_manifest(&edit.m);
	bring(s, &edit);
	s->head.seal = forge_seal(&liar, &subject, &edit.word, &s->arena);
	refused(s, edit.m.digest, ERR_SIGNATURE);
	assert_false(stands(s, &edit));
	forge_free(&liar);
}

static void a_seal_of_a_nation_unknown_here_is_refused(void **state)
{
	struct scene *s = *state;
	struct forge esp;
	struct forge_head edit;

	forge_new(&esp, "ESP", s->in.now);
	take(s);
	forge_revision(&esp, &s->first, &s->first, 1, good, 1, &s->arena,
		       &edit);
	bring(s, &edit);
	refused(s, edit.m.digest, ERR_UNAUTHENTICATED);
	forge_free(&esp);
}

static void a_forged_signature_of_the_author_is_refused(void **state)
{
	struct scene *s = *state;
	struct forge_head edit;
	uint8_t *jws;

	take(s);
	forge_revision(&s->deu, &s->first, &s->first, 1, good, 2, &s->arena,
		       &edit);
	/* Another letter in the middle of the signature, which the digest does
	 * not cover. */
	jws = (uint8_t *)edit.jws.at;
	jws[edit.jws.len - 40] = jws[edit.jws.len - 40] == 'A' ? 'B' : 'A';
	bring(s, &edit);
	refused(s, edit.m.digest, ERR_SIGNATURE);
	assert_false(stands(s, &edit));
}

static void an_author_of_another_nation_than_the_seal_is_refused(void **state)
{
	struct scene *s = *state;
	struct seal_subject subject;
	struct forge_head edit;

	take(s);
	forge_revision(&s->fra, &s->first, &s->first, 1, good, 2, &s->arena,
		       &edit);
	subject = seal_subject_of_manifest(&edit.m);
	edit.word.dot.replica = s->deu.replica;
	edit.seal = forge_seal(&s->deu, &subject, &edit.word, &s->arena);
	bring(s, &edit);
	refused(s, edit.m.digest, ERR_UNAUTHENTICATED);
}

static void a_label_that_may_not_be_here_is_refused(void **state)
{
	struct scene *s = *state;
	static const struct {
		const struct digest *label;
		enum err_code code;
	} cases[] = {{&above, ERR_ABOVE_CEILING},
		     {&invalid, ERR_LABEL},
		     {&foreign, ERR_FOREIGN_POLICY},
		     {&absent, ERR_NOT_FOUND}};

	for (size_t i = 0; i < 4; i++) {
		forge_revision(&s->deu, NULL, NULL, 1, *cases[i].label, 1,
			       &s->arena, &s->first);
		open_row(s, &s->first);
		refused(s, s->first.m.digest, cases[i].code);
		assert_false(stands(s, &s->first));
	}
}

static void a_label_other_than_its_statements_is_refused(void **state)
{
	struct scene *s = *state;
	struct digest other = {{1, 1}};
	struct forge_head edit;

	take(s);
	forge_revision(&s->deu, &s->first, &s->first, 1, other, 2, &s->arena,
		       &edit);
	bring(s, &edit);
	refused(s, edit.m.digest, ERR_LABEL);
	assert_false(stands(s, &edit));
}

static void another_dot_than_the_seals_is_refused(void **state)
{
	struct scene *s = *state;
	struct forge_head edit;

	take(s);
	forge_revision(&s->deu, &s->first, &s->first, 1, good, 2, &s->arena,
		       &edit);
	bring(s, &edit);
	s->head.dot.counter = 3;
	refused(s, edit.m.digest, ERR_SIGNATURE);
}

static void content_of_another_digest_is_refused(void **state)
{
	struct scene *s = *state;
	size_t len = segment_blob_len(s->first.m.size);
	struct import_content content = {s->first.m.digest,
					 span_of(arena_alloc(&s->arena, len),
						 len)};

	s->in.contents = &content;
	s->in.content_count = 1;
	refused(s, s->first.m.digest, ERR_DIGEST);
	assert_false(stands(s, &s->first));
	content.blob.len--;
	refused(s, s->first.m.digest, ERR_DIGEST);
}

static void false_evidence_is_refused_and_none_covers_nothing(void **state)
{
	struct scene *s = *state;
	struct forge_head fra, edit, bare;
	struct seal_subject subject;
	struct changes_evidence evidence;
	struct dot dot;

	take(s);
	/* FRA's edit stands beside; then DEU's, whose context says that it
	 * covers it. */
	forge_revision(&s->fra, &s->first, &s->first, 1, good, 1, &s->arena,
		       &fra);
	bring(s, &fra);
	take(s);
	assert_true(stands(s, &fra));
	dot = fra.word.dot;
	forge_revision(&s->deu, &s->first, &s->first, 1, good, 2, &s->arena,
		       &edit);
	must(version_context_insert(&edit.word.context, dot));
	subject = seal_subject_of_manifest(&edit.m);
	edit.seal = forge_seal(&s->deu, &subject, &edit.word, &s->arena);
	bring(s, &edit);
	evidence = (struct changes_evidence){fra.m.digest, s->fra.author_id,
					     s->first.seal};
	s->head.evidence = &evidence;
	s->head.evidence_count = 1;
	refused(s, edit.m.digest, ERR_DIGEST);
	assert_false(stands(s, &edit));
	/* Without evidence the word on FRA's dot is worth nothing: it is
	 * taken, and FRA's stands beside. */
	forge_revision(&s->ita, &s->first, &s->first, 1, good, 1, &s->arena,
		       &bare);
	must(version_context_insert(&bare.word.context, dot));
	subject = seal_subject_of_manifest(&bare.m);
	bare.seal = forge_seal(&s->ita, &subject, &bare.word, &s->arena);
	open_row(s, &s->first);
	bring(s, &bare);
	s->row.home = s->deu.nation;
	{
		struct changes_head both[2] = {s->head, s->head};

		both[0].manifest = fra.jws;
		both[0].seal = fra.seal;
		both[0].dot = fra.word.dot;
		s->row.heads = both;
		s->row.heads_count = 2;
		take(s);
	}
	assert_true(stands(s, &fra));
	assert_true(stands(s, &bare));
}

static void a_head_without_its_key_stands_and_asks_again(void **state)
{
	struct scene *s = *state;
	struct document *doc;

	take(s);
	doc = stored(s, s->first.m.id);
	assert_false(doc->heads[0].keys[0].present);
	assert_int_equal(doc->heads[0].place, DOCUMENT_CONTENT_ABSENT);
	assert_false(import_has_head(doc, s->first.m.digest));
}

static void a_key_that_comes_later_completes_its_head(void **state)
{
	struct scene *s = *state;
	struct import_key key = {.key = {9}};
	uint8_t opened[CRYPTO_KEY_LEN];
	struct document *doc;

	take(s);
	key.commitment = s->first.m.keys[0];
	s->in.keys = &key;
	s->in.key_count = 1;
	take(s);
	doc = stored(s, s->first.m.id);
	assert_int_equal(doc->heads_count, 1);
	assert_true(doc->heads[0].keys[0].present);
	must(ring_unwrap(s->in.ring, doc->slot, doc->id, key.commitment,
			 doc->heads[0].keys[0].wrapped, opened));
	assert_memory_equal(opened, key.key, sizeof(opened));
}

static void our_own_word_that_we_do_not_know_is_refused(void **state)
{
	struct scene *s = *state;
	struct forge_head edit, ours;

	/* Of a foreign document. */
	take(s);
	forge_revision(&s->gbr, &s->first, &s->first, 1, good, 1, &s->arena,
		       &edit);
	bring(s, &edit);
	refused(s, edit.m.digest, ERR_REPLAYED);
	assert_false(stands(s, &edit));
	/* Of one of ours that this store never had. */
	forge_revision(&s->gbr, NULL, NULL, 1, good, 1, &s->arena, &ours);
	open_row(s, &ours);
	refused(s, ours.m.digest, ERR_REPLAYED);
	assert_null(stored(s, ours.m.id));
}

static void one_dot_for_two_revisions_is_two_faces(void **state)
{
	struct scene *s = *state;
	struct forge_head one, two;

	take(s);
	forge_revision(&s->fra, &s->first, &s->first, 1, good, 1, &s->arena,
		       &one);
	forge_revision(&s->fra, &s->first, &s->first, 1, good, 1, &s->arena,
		       &two);
	bring(s, &one);
	take(s);
	assert_true(stands(s, &one));
	{
		struct changes_head both[2] = {s->head};

		bring(s, &two);
		both[1] = s->head;
		s->row.heads = both;
		s->row.heads_count = 2;
		refused(s, two.m.digest, ERR_CONFLICT);
	}
	assert_true(stands(s, &one));
	assert_false(stands(s, &two));
}

static void an_edit_under_a_statement_unknown_here_is_held(void **state)
{
	struct scene *s = *state;
	struct forge_head edit;

	take(s);
	forge_revision(&s->deu, &s->first, &s->first, 2, good, 2, &s->arena,
		       &edit);
	bring(s, &edit);
	refused(s, edit.m.digest, ERR_CONFLICT);
	assert_false(stands(s, &edit));
}

static void what_is_no_manifest_is_refused_at_any_length(void **state)
{
	struct scene *s = *state;
	struct span whole = s->first.jws, seal = s->first.seal;

	for (size_t i = 0; i < whole.len; i += 31) {
		s->head.manifest = span_sub(whole, 0, i);
		s->statements[0].jws = s->head.manifest;
		take(s);
	}
	s->head.manifest = s->statements[0].jws = whole;
	for (size_t i = 0; i < seal.len; i += 31) {
		s->head.seal = s->statements[0].seal = span_sub(seal, 0, i);
		take(s);
	}
	assert_null(stored(s, s->first.m.id));
	s->head.seal = s->statements[0].seal = seal;
	take(s);
	assert_true(stands(s, &s->first));
}

static void gone_from_home_withdraws_and_from_another_does_not(void **state)
{
	struct scene *s = *state;
	struct document *doc;

	take(s);
	s->row.heads_count = 0;
	s->row.statements_count = 0;
	s->in.from = s->fra.nation;
	take(s);
	assert_true(stands(s, &s->first));
	s->in.from = s->deu.nation;
	take(s);
	doc = stored(s, s->first.m.id);
	assert_int_equal(doc->state, DOCUMENT_WITHDRAWN);
	assert_int_equal(doc->heads_count, 0);
	assert_int_equal(doc->statements_count, 1);
	assert_true(s->in.purges);
	/* It may come again. */
	open_row(s, &s->first);
	take(s);
	assert_true(stands(s, &s->first));
}

static void heads_that_home_no_longer_shows_are_dropped(void **state)
{
	struct scene *s = *state;
	struct forge_head stranger, beside;
	struct changes_head both[2];

	take(s);
	forge_revision(&s->fra, &s->first, &s->first, 1, good, 1, &s->arena,
		       &stranger);
	forge_revision(&s->fra, &s->first, &stranger, 1, good, 2, &s->arena,
		       &beside);
	both[0] = s->head;
	bring(s, &beside);
	both[1] = s->head;
	s->row.heads = both;
	s->row.heads_count = 2;
	take(s);
	assert_true(stands(s, &s->first));
	assert_true(stands(s, &beside));
	bring(s, &beside);
	take(s);
	assert_true(stands(s, &beside));
	assert_false(stands(s, &s->first));
	assert_int_equal(s->in.refused, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_honest_row_is_taken_and_again_is_nothing),
		T(a_third_nations_document_is_refused),
		T(a_home_that_the_id_does_not_name_is_refused),
		T(an_opening_that_is_not_the_ids_is_refused),
		T(a_statement_that_its_home_did_not_seal_is_refused),
		T(a_statement_by_an_author_of_another_nation_is_refused),
		T(a_recall_of_its_home_empties_the_document),
		T(a_seal_that_is_of_something_else_is_refused),
		T(a_seal_by_another_key_is_refused),
		T(a_seal_of_a_nation_unknown_here_is_refused),
		T(a_forged_signature_of_the_author_is_refused),
		T(an_author_of_another_nation_than_the_seal_is_refused),
		T(a_label_that_may_not_be_here_is_refused),
		T(a_label_other_than_its_statements_is_refused),
		T(another_dot_than_the_seals_is_refused),
		T(content_of_another_digest_is_refused),
		T(false_evidence_is_refused_and_none_covers_nothing),
		T(a_head_without_its_key_stands_and_asks_again),
		T(a_key_that_comes_later_completes_its_head),
		T(our_own_word_that_we_do_not_know_is_refused),
		T(one_dot_for_two_revisions_is_two_faces),
		T(an_edit_under_a_statement_unknown_here_is_held),
		T(what_is_no_manifest_is_refused_at_any_length),
		T(gone_from_home_withdraws_and_from_another_does_not),
		T(heads_that_home_no_longer_shows_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
