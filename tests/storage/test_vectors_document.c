/*
 * The document record is the one of tests/vectors/storage.json: every member
 * comes out as published, goes back to the same bytes, and lies so on disk.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/storage/scene.h"
#include "tests/storage/vectors.h"

static void assert_digests(const struct json *list, const struct digest *got,
			   size_t count)
{
	struct digest want;

	assert_int_equal(json_count(list), count);
	for (size_t i = 0; i < count; i++) {
		must(json_as_digest(json_at(list, i), &want));
		assert_true(digest_eq(want, got[i]));
	}
}

static void assert_numbers(const struct json *list, const uint64_t *got,
			   size_t count)
{
	uint64_t want;

	assert_int_equal(json_count(list), count);
	for (size_t i = 0; i < count; i++) {
		must(json_as_u64(json_at(list, i), &want));
		assert_int_equal(want, got[i]);
	}
}

static void assert_seal(struct published *p, const struct json *v,
			const struct document_seal *s)
{
	struct version_context context;

	assert_true(replica_eq(s->dot.replica, published_replica(v)));
	assert_int_equal(s->dot.counter, published_u64(v, "counter"));
	assert_true(published_is(p, v, "context", s->context));
	must(document_context(s, &context));
	assert_numbers(published_list(v, "statements"), s->statements,
		       s->statements_count);
	assert_int_equal(s->group, published_u64(v, "group"));
	if (s->group)
		assert_int_equal(s->leaf, published_u64(v, "leaf"));
	else
		assert_true(published_is(p, v, "blob", s->blob));
}

static void assert_keys(struct published *p, const struct json *list,
			const struct document_head *h)
{
	assert_int_equal(json_count(list), h->keys_count);
	for (size_t i = 0; i < h->keys_count; i++) {
		const struct json *v = json_at(list, i);

		assert_true(published_is(p, v, "commitment",
					 SPAN_OBJ(h->keys[i].commitment.at)));
		assert_int_equal(h->keys[i].present, json_has(v, "wrapped"));
		if (h->keys[i].present)
			assert_true(published_is(p, v, "wrapped",
						 SPAN_OBJ(h->keys[i].wrapped)));
	}
}

static void assert_head(struct published *p, const struct json *v,
			const struct document_head *h)
{
	const struct json *seals = published_list(v, "seals");
	const struct json *evidence = published_list(v, "evidence");
	uint64_t stands[DOCUMENT_STANDS_MAX];

	assert_true(published_is(p, v, "digest", SPAN_OBJ(h->digest.at)));
	assert_true(span_eq(h->payload, published_text(v, "payload")));
	assert_true(published_is(p, v, "signature", h->signature));
	assert_true(published_is(p, v, "author", SPAN_OBJ(h->author.at)));
	assert_int_equal(h->serial, published_u64(v, "serial"));
	assert_int_equal(h->statement, published_u64(v, "statement"));
	assert_true(published_is(p, v, "label", SPAN_OBJ(h->label.at)));
	assert_int_equal(h->size, published_u64(v, "size"));
	assert_true(published_is(p, v, "table", SPAN_OBJ(h->table.at)));
	assert_int_equal(h->priority, published_u64(v, "priority"));
	assert_int_equal(h->must_understand, published_u64(v, "flags"));
	assert_digests(published_list(v, "parents"), h->parents,
		       h->parents_count);
	assert_int_equal(json_count(seals), h->seals_count);
	for (size_t i = 0; i < h->seals_count; i++)
		assert_seal(p, json_at(seals, i), &h->seals[i]);
	assert_int_equal(json_count(evidence), h->evidence_count);
	for (size_t i = 0; i < h->evidence_count; i++) {
		const struct json *e = json_at(evidence, i);

		assert_true(published_is(p, e, "digest",
					 SPAN_OBJ(h->evidence[i].digest.at)));
		assert_true(published_is(p, e, "author",
					 SPAN_OBJ(h->evidence[i].author.at)));
		assert_true(published_is(p, e, "blob", h->evidence[i].blob));
	}
	assert_true(nation_eq(h->from, published_nation(v, "from")));
	assert_numbers(published_list(v, "numbers"), h->bases, h->bases_count);
	for (size_t i = 0; i < h->stands_count; i++)
		stands[i] = h->stands[i];
	assert_numbers(published_list(v, "stands"), stands, h->stands_count);
	assert_int_equal(h->shelf, published_u64(v, "shelf"));
	assert_keys(p, published_list(v, "keys"), h);
	assert_int_equal(h->place, published_u64(v, "place"));
}

static void assert_statement(struct published *p, const struct json *v,
			     const struct document *doc,
			     const struct document_statement *s)
{
	uint64_t flags = published_u64(v, "flags");

	assert_int_equal(s->number, published_u64(v, "number"));
	assert_int_equal(s->kind, published_u64(v, "kind"));
	assert_int_equal(s->evaluable, flags & 1);
	assert_true(published_is(p, v, "digest", SPAN_OBJ(s->digest.at)));
	assert_true(published_is(p, v, "label", SPAN_OBJ(s->label.at)));
	assert_true(published_is(p, v, "author", SPAN_OBJ(s->author.at)));
	if (flags & 2) {
		assert_true(span_eq(s->payload, doc->heads[0].payload));
		assert_true(span_eq(s->signature, doc->heads[0].signature));
	} else {
		assert_true(span_eq(s->payload, published_text(v, "payload")));
		assert_true(published_is(p, v, "signature", s->signature));
		assert_seal(p, published_object(v, "seal"), &s->seal);
	}
	assert_digests(published_list(v, "heads"), s->heads, s->heads_count);
	assert_true(nation_eq(s->from, published_nation(v, "from")));
}

static void assert_lists(struct published *p, const struct json *v,
			 const struct document *doc)
{
	const struct json *rows = published_list(v, "rows");
	const struct json *dots = published_list(v, "dots");
	const struct json *serials = published_list(v, "serials");

	assert_int_equal(json_count(rows), doc->rows_count);
	for (size_t i = 0; i < doc->rows_count; i++) {
		const struct json *r = json_at(rows, i);
		const struct document_row *got = &doc->rows[i];

		assert_int_equal(got->shelf, published_u64(r, "shelf"));
		assert_int_equal(got->gone, published_u64(r, "gone"));
		assert_int_equal(got->seq.n, published_u64(r, "seq"));
		assert_int_equal(got->time,
				 got->gone ? published_u64(r, "time") : 0);
	}
	assert_int_equal(json_count(dots), doc->dots_count);
	for (size_t i = 0; i < doc->dots_count; i++) {
		const struct json *d = json_at(dots, i);

		assert_true(
			replica_eq(doc->dots[i].replica, published_replica(d)));
		assert_int_equal(doc->dots[i].counter,
				 published_u64(d, "counter"));
	}
	assert_int_equal(json_count(serials), doc->serials_count);
	for (size_t i = 0; i < doc->serials_count; i++) {
		const struct json *s = json_at(serials, i);

		assert_true(published_is(p, s, "author",
					 SPAN_OBJ(doc->serials[i].author.at)));
		assert_int_equal(doc->serials[i].serial,
				 published_u64(s, "serial"));
	}
}

static void a_document_record_is_the_published_one(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	const struct json *v = published_row(p, "document");
	const struct json *row = published_object(v, "row");
	const struct json *heads = published_list(v, "heads");
	const struct json *statements = published_list(v, "statements");
	struct document doc;
	struct arena arena;
	struct buf again;
	struct scene s;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	buf_init(&again, 1 << 16);
	must(document_decode(published_bytes(p, row, "value"), &arena, &doc));
	assert_true(published_is(p, v, "document", SPAN_OBJ(doc.id.at)));
	assert_true(nation_eq(doc.home, published_nation(v, "home")));
	assert_true(span_eq(doc.opening.space, published_text(v, "space")));
	assert_true(
		published_is(p, v, "author", SPAN_OBJ(doc.opening.author.at)));
	assert_true(published_is(p, v, "salt", SPAN_OBJ(doc.opening.salt)));
	assert_int_equal(doc.first_time, published_u64(v, "first_time"));
	assert_int_equal(doc.state, published_u64(v, "state"));
	assert_int_equal(doc.condition, published_u64(v, "condition"));
	assert_int_equal(doc.slot, published_u64(v, "slot"));
	assert_int_equal(json_count(heads), doc.heads_count);
	for (size_t i = 0; i < doc.heads_count; i++)
		assert_head(p, json_at(heads, i), &doc.heads[i]);
	assert_int_equal(json_count(statements), doc.statements_count);
	for (size_t i = 0; i < doc.statements_count; i++)
		assert_statement(p, json_at(statements, i), &doc,
				 &doc.statements[i]);
	assert_lists(p, v, &doc);
	assert_true(published_is(p, v, "content", doc.content));
	must(document_encode(&doc, &again));
	assert_true(published_is(p, row, "value", buf_span(&again)));
	scene_new(&s, &k->temp);
	must(document_put_internal(s.txn, &doc));
	scene_commit(&s);
	kept_record(k, row);
	scene_free(&s);
	buf_clear(&again);
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_document_record_is_the_published_one, kept_setup,
			kept_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
