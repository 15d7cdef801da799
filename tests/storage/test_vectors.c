/*
 * Records on the disk are those of tests/vectors/storage.json, byte for byte:
 * header, audit, groups, shelves, feed, cursors, and every table's keys.
 * Of tables whose values may change only the keys are here; their values have
 * tests of their modules' names.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "storage/audit.h"
#include "storage/cursor.h"
#include "storage/group.h"
#include "tests/storage/scene.h"
#include "tests/storage/vectors.h"

static void a_fresh_store_has_the_published_header(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	const struct json *row = published_row(p, "header");
	const struct store_header *h = store_header(k->temp.store);

	assert_int_equal(h->format, 1);
	assert_true(published_is(p, row, "store_id", SPAN_OBJ(h->store_id)));
	assert_true(replica_eq(h->replica, published_replica(row)));
	assert_int_equal(h->created, published_u64(row, "created"));
	kept_record(k, row);
	kept_record(k, published_row(p, "segment_header"));
}

static void another_store_or_a_changed_bit_has_another_mac(void **state)
{
	struct kept *k = *state;
	struct store_options o = tempstore_options(&k->temp);
	struct store *other = NULL;

	store_close(k->temp.store);
	k->temp.store = NULL;
	o.mac_key[0] ^= 1;
	assert_int_equal(store_open(&o, &other).code, ERR_CORRUPT);
	o.mac_key[0] ^= 1;
	o.store_id[15] ^= 1;
	assert_int_equal(store_open(&o, &other).code, ERR_CORRUPT);
	o.store_id[15] ^= 1;
	must(store_open(&o, &k->temp.store));
}

/* ---- audit ---- */

static enum err_code outcome_of(const struct json *row)
{
	struct span name = published_text(row, "outcome");

	if (span_eq_str(name, "ok"))
		return ERR_OK;
	if (span_eq_str(name, "not-releasable"))
		return ERR_NOT_RELEASABLE;
	if (span_eq_str(name, "not-found"))
		return ERR_NOT_FOUND;
	assert_true(span_eq_str(name, "forbidden"));
	return ERR_FORBIDDEN;
}

static struct audit_entry entry_of(struct published *p, const struct json *row)
{
	const struct json *items = published_list(row, "items");
	struct audit_entry a = {
		.who = published_u64(row, "who"),
		.who_id = published_bytes(p, row, "who_id"),
		.what = published_text(row, "what"),
		.proof = published_digest(row, "proof"),
		.policy = published_digest(row, "policy"),
		.outcome = outcome_of(row),
		.rule = published_text(row, "rule"),
		.detail = published_text(row, "detail"),
		.count = json_count(items),
	};

	a.items = arena_array(&p->arena, a.count + 1, sizeof(*a.items));
	assert_non_null(a.items);
	for (size_t i = 0; i < a.count; i++) {
		const struct json *item = json_at(items, i);

		a.items[i] = (struct audit_item){
			.doc = published_doc(item, "document"),
			.digest = published_digest(item, "digest"),
			.outcome = outcome_of(item),
			.rule = published_text(item, "rule"),
		};
	}
	return a;
}

static void assert_entry(const struct audit_entry *got,
			 const struct audit_entry *want)
{
	assert_int_equal(got->who, want->who);
	assert_true(span_eq(got->who_id, want->who_id));
	assert_true(span_eq(got->what, want->what));
	assert_true(digest_eq(got->proof, want->proof));
	assert_true(digest_eq(got->policy, want->policy));
	assert_int_equal(got->outcome, want->outcome);
	assert_true(span_eq(got->rule, want->rule));
	assert_true(span_eq(got->detail, want->detail));
	assert_int_equal(got->count, want->count);
	for (size_t i = 0; i < got->count; i++) {
		assert_true(doc_id_eq(got->items[i].doc, want->items[i].doc));
		assert_true(
			digest_eq(got->items[i].digest, want->items[i].digest));
		assert_int_equal(got->items[i].outcome, want->items[i].outcome);
		assert_true(span_eq(got->items[i].rule, want->items[i].rule));
	}
}

static void
three_audit_records_and_their_links_are_the_published_ones(void **state)
{
	static const uint8_t incarnation[8] = {9};
	struct kept *k = *state;
	struct published *p = &k->vectors;
	const struct json *rows;
	struct audit_verdict verdict;
	struct audit_entry want, got;
	struct txn *txn = NULL;
	struct digest link;
	uint64_t number;

	must(json_get_array(p->rows, "audit", &rows));
	must(txn_begin_read(k->temp.store, STORE_RECORDS, &txn));
	must(audit_head(txn, &number, &link));
	assert_true(published_is(p, json_at(rows, 0), "first_link",
				 SPAN_OBJ(link.at)));
	txn_abort(&txn);
	for (size_t i = 1; i < json_count(rows); i++) {
		const struct json *row = json_at(rows, i);
		struct replica replica = published_replica(row);

		if (!replica_eq(store_header(k->temp.store)->replica,
				replica)) {
			published_draw(p, SPAN_OBJ(incarnation));
			must(store_promote(k->temp.store, replica));
		}
		published_time(&k->temp, published_u64(row, "time"));
		want = entry_of(p, row);
		must(txn_begin_write(k->temp.store, STORE_RECORDS, &txn));
		must(audit_append(txn, &want, &number));
		assert_int_equal(number, published_u64(row, "number"));
		must(txn_commit(&txn));
		kept_record(k, published_object(row, "stored"));
		kept_record(k, published_object(row, "head"));
		must(txn_begin_read(k->temp.store, STORE_RECORDS, &txn));
		must(audit_head(txn, &number, &link));
		assert_true(published_is(p, row, "link", SPAN_OBJ(link.at)));
		must(audit_get(txn, number, &p->arena, &got));
		assert_entry(&got, &want);
		assert_true(replica_eq(got.replica, replica));
		assert_int_equal(got.time, published_u64(row, "time"));
		must(audit_verify(txn, &verdict));
		assert_int_equal(verdict.fault, AUDIT_SOUND);
		assert_true(digest_eq(verdict.link, link));
		txn_abort(&txn);
	}
	assert_int_equal(number, 3);
}

/* ---- groups, shelves, feed ---- */

static void a_group_is_the_published_one(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	const struct json *v = published_row(p, "group");
	uint8_t signature[GROUP_SIG_LEN];
	struct txn *txn = NULL;
	uint64_t number;
	struct group_row row = {
		.replica = published_replica(v),
		.time = published_u64(v, "time"),
		.first = {published_u64(v, "first")},
		.last = {published_u64(v, "last")},
		.leaves = published_bytes(p, v, "leaves"),
	};

	published_fixed(v, "secret", row.secret, sizeof(row.secret));
	published_fixed(v, "signature", signature, sizeof(signature));
	must(txn_begin_write(k->temp.store, STORE_RECORDS, &txn));
	must(group_put(txn, &row, &number));
	assert_int_equal(number, 1);
	must(txn_commit(&txn));
	kept_record(k, published_object(v, "row"));
	kept_record(k, published_object(v, "unsigned"));
	must(txn_begin_write(k->temp.store, STORE_RECORDS, &txn));
	must(group_sign_row(txn, number, published_digest(v, "root"),
			    signature));
	must(txn_commit(&txn));
	kept_record(k, published_object(v, "signed"));
	kept_record(k, published_object(v, "by_root"));
}

static void a_leafs_way_is_the_published_one(void **state)
{
	struct kept *k = *state;
	const struct json *v = published_row(&k->vectors, "group_leaf");
	struct group_leaf way = {.time = published_u64(v, "time"),
				 .place = (uint8_t)published_u64(v, "place")};
	struct txn *txn = NULL;

	published_fixed(v, "salt", way.salt, sizeof(way.salt));
	published_fixed(v, "path", way.path, sizeof(way.path));
	must(txn_begin_write(k->temp.store, STORE_RECORDS, &txn));
	must(group_leaf_put(txn, published_u64(v, "number"),
			    (uint16_t)published_u64(v, "leaf"), &way));
	must(txn_commit(&txn));
	kept_record(k, published_object(v, "row"));
}

static void a_shelf_is_the_published_one(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	const struct json *v = published_row(p, "shelf");
	const struct json *labels = published_list(v, "labels");
	const struct json *by_label = published_list(v, "by_label");
	struct digest backwards[2];
	struct scene s;
	uint32_t number;

	must(json_as_digest(json_at(labels, 1), &backwards[0]));
	must(json_as_digest(json_at(labels, 0), &backwards[1]));
	scene_new(&s, &k->temp);
	must(shelf_intern(s.txn, s.index, published_text(v, "space"), backwards,
			  2, published_u64(v, "condition"), &number));
	assert_int_equal(number, published_u64(v, "number"));
	assert_true(published_is(p, v, "name",
				 SPAN_OBJ(shelf_get(s.index, number)->name)));
	scene_commit(&s);
	kept_record(k, published_object(v, "row"));
	kept_record(k, published_object(v, "by_name"));
	for (size_t i = 0; i < json_count(by_label); i++)
		kept_record(k, json_at(by_label, i));
	must(shelf_raise_floor(s.txn, s.index, number,
			       (struct seq){published_u64(v, "floor")}));
	scene_commit(&s);
	kept_record(k, published_object(v, "raised"));
	scene_free(&s);
}

static void rows_of_the_feed_are_the_published_ones(void **state)
{
	struct kept *k = *state;
	const struct json *v = published_row(&k->vectors, "feed");
	struct doc_id doc = published_doc(v, "document");
	struct manifest m;
	struct statement gone;
	struct scene s;

	scene_new(&s, &k->temp);
	m = scene_manifest(&s, doc, NULL, 0, 1, 1);
	assert_int_equal(scene_put(&s, &m), RESOLVE_ACCEPTED);
	scene_commit(&s);
	kept_record(k, published_object(v, "live"));
	gone = scene_statement(&s, doc, STATEMENT_DELETE, 2, &m.digest, 0, NULL,
			       0);
	assert_int_equal(scene_state(&s, &gone), RESOLVE_ACCEPTED);
	scene_commit(&s);
	kept_record(k, published_object(v, "gone"));
	scene_free(&s);
}

/* ---- cursors ---- */

static void assert_cursor(struct kept *k, const char *name,
			  const struct reader_name *reader)
{
	struct published *p = &k->vectors;
	const struct json *v = published_row(p, name);
	struct span_reader r = span_read(published_bytes(p, v, "incarnation"));
	uint8_t bytes[CURSOR_READER_LEN];
	char text[CURSOR_TEXT_MAX];
	struct cursor back;
	struct cursor c = {
		.incarnation = span_read_u64(&r),
		.seq = {published_u64(v, "seq")},
		.complete = published_u64(v, "complete"),
		.target = published_u64(v, "target"),
		.fill_shelf = (uint32_t)published_u64(v, "fill_shelf"),
		.fill_seq = {published_u64(v, "fill_seq")},
		.fill_end = {published_u64(v, "fill_end")},
		.loss = published_u64(v, "loss"),
		.shelves = (uint32_t)published_u64(v, "shelves"),
	};

	cursor_reader_bytes(reader, bytes);
	assert_true(published_is(p, v, "reader", SPAN_OBJ(bytes)));
	assert_int_equal(ring_key_generation(k->temp.ring, RING_CURSOR),
			 published_u64(v, "generation"));
	must(cursor_seal(k->temp.ring, reader, &c, text));
	assert_true(span_eq(span_str(text), published_text(v, "text")));
	/* Of the store's own incarnation. */
	must(cursor_open(k->temp.ring, reader,
			 store_header(k->temp.store)->incarnation,
			 span_str(text), &back));
	assert_true(cursor_eq(&c, &back));
}

static void cursors_are_the_published_ones(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	struct reader_name device = reader_device(
		published_key_id(published_row(p, "cursor"), "device"));
	struct reader_name nation = reader_nation(
		published_nation(published_row(p, "cursor_nation"), "nation"));

	assert_cursor(k, "cursor", &device);
	assert_cursor(k, "cursor_nation", &nation);
}

/* ---- keys of every table ---- */

static void keys_of_every_table_are_the_published_ones(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	const struct json *v = published_row(p, "keys");
	const struct json *want = published_object(v, "keys");
	const uint64_t n = UINT64_C(0x0102030405060708);
	const uint32_t n32 = 0x01020304;
	struct doc_id doc = published_doc(v, "document");
	struct digest digest = published_digest(v, "digest");
	struct key_id author = published_key_id(v, "author");
	struct nation fra = scene_nation("FRA");
	struct replica of = {fra, 7};
	struct reader_name device = reader_device(author);
	struct reader_name nation = reader_nation(fra);
	struct span kim = span_str("kim"), space = span_str("GBR/ops");
	uint8_t id[LEASE_ID_LEN];
	const struct json *other;
	const char *name;
	size_t seen = 0;

	published_fixed(v, "id", id, sizeof(id));
	const struct {
		const char *name;
		struct key key;
	} got[] = {
		{"header", key_header()},
		{"counter", key_counter("feed")},
		{"document", key_document(doc)},
		{"feed", key_feed(n32, (struct seq){n})},
		{"group", key_group(n)},
		{"group_root", key_group_root(digest)},
		{"group_unsigned", key_group_unsigned(n)},
		{"group_signature", key_group_signature(n)},
		{"group_leaf", key_group_leaf(n, 0x0102)},
		{"audit", key_audit(n)},
		{"label", key_label(digest)},
		{"author", key_author(author)},
		{"shelf", key_shelf(n32)},
		{"shelf_name", key_shelf_name(digest)},
		{"shelf_label", key_shelf_label(digest, n32)},
		{"view", key_view(n)},
		{"view_content", key_view_content(digest)},
		{"ledger_device", key_ledger(&device)},
		{"ledger_nation", key_ledger(&nation)},
		{"ledger_loss", key_ledger_loss(&device, n32)},
		{"subject", key_subject(kim)},
		{"officer", key_officer(kim)},
		{"device", key_device(author)},
		{"device_certificate", key_device_certificate(digest)},
		{"device_key", key_device_key(author)},
		{"device_subject", key_device_subject(kim, author)},
		{"space", key_space(space)},
		{"space_member", key_space_member(space, kim)},
		{"peer", key_peer(fra)},
		{"rule", key_rule(n)},
		{"statement", key_statement(doc, n, digest)},
		{"slot", key_slot(n)},
		{"slot_document", key_slot_document(n, doc)},
		{"slot_purging", key_slot_purging(n)},
		{"upload", key_upload(id)},
		{"token", key_token(id)},
		{"quarantine", key_quarantine(fra, digest)},
		{"nonce", key_nonce(n, digest)},
		{"policy_file", key_policy_file(digest)},
		{"policy_set", key_policy_set(digest)},
		{"policy_version", key_policy_version(n)},
		{"receipt", key_receipt(doc, of)},
		{"tick", key_tick(of, n)},
		{"certificate", key_certificate(digest)},
		{"certificate_replica", key_certificate_replica(of, n)},
		{"certificate_root", key_certificate_root(fra)},
		{"segment", key_segment(doc, digest)},
		{"segment_table", key_segment_table(doc, digest)},
		{"returning", key_document(doc)},
	};
	for (; seen < sizeof(got) / sizeof(got[0]); seen++)
		assert_true(published_is(p, want, got[seen].name,
					 key_span(&got[seen].key)));
	/* And there is no other. */
	assert_false(json_member(want, seen, &name, &other));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kept_setup, kept_teardown)
	const struct CMUnitTest tests[] = {
		T(a_fresh_store_has_the_published_header),
		T(another_store_or_a_changed_bit_has_another_mac),
		T(three_audit_records_and_their_links_are_the_published_ones),
		T(a_group_is_the_published_one),
		T(a_leafs_way_is_the_published_one),
		T(a_shelf_is_the_published_one),
		T(rows_of_the_feed_are_the_published_ones),
		T(cursors_are_the_published_ones),
		T(keys_of_every_table_are_the_published_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
