/*
 * Proves storage/store_check.c and check_*.c on what real guards wrote: a
 * store that is sound is said to be, and each kind of damage is told by name.
 */
#define _GNU_SOURCE /* memmem */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "proto/document/segment.h"
#include "storage/audit.h"
#include "storage/file.h"
#include "storage/segment.h"
#include "tests/guard/damage.h"
#include "tests/guard/world.h"

enum {
	ALL = SUBJECT_WRITE | SUBJECT_LABEL | SUBJECT_DELETE | SUBJECT_RECALL,
	LONG = 300000, /* two segments */
};

static struct {
	struct world w;
	struct world_relay *gbr, *deu;
	struct doc_id small, large, edited, deleted, foreign;
	struct damage damage; /* of GBR's store */
} story;

static void file(const char *name, struct buf *out)
{
	char path[256];

	snprintf(path, sizeof(path), "docs/policy/%s.xml", name);
	world_file(path, out);
}

/* Two nations, and documents of every kind. */
static int begin(void **state)
{
	static const char *const spaces[] = {"GBR/ops"};
	struct buf gbr, deu, label, open;
	struct world_device *alice, *dora;
	uint8_t *plain = calloc(1, LONG);
	struct world *w = &story.w;
	struct doc_id recalled;

	world_new(w, 11);
	file("clearances/gbr-restricted", &gbr);
	file("clearances/deu-restricted", &deu);
	file("labels/restricted-rel-gbr-deu-fra", &label);
	file("labels/unclassified", &open);
	story.gbr = world_relay(w, "GBR");
	story.deu = world_relay(w, "DEU");
	world_subject(w, story.gbr, "alice", buf_span(&gbr), ALL, spaces, 1);
	world_subject(w, story.deu, "dora", buf_span(&deu), ALL, spaces, 1);
	alice = world_device(w, story.gbr, "alice");
	dora = world_device(w, story.deu, "dora");
	world_peer(w, story.gbr, buf_span(&gbr), story.deu, buf_span(&deu));
	plain[1] = 1;
	world_must(world_put(w, alice, "GBR/ops", buf_span(&label), "small",
			     span_str("small"), &story.small));
	world_must(world_put(w, alice, "GBR/ops", buf_span(&label), "large",
			     span_of(plain, LONG), &story.large));
	world_must(world_put(w, alice, "GBR/ops", buf_span(&label), "edited",
			     span_str("first"), &story.edited));
	world_must(world_put(w, alice, "GBR/ops", buf_span(&label), "deleted",
			     span_str("deleted"), &story.deleted));
	world_must(world_put(w, alice, "GBR/ops", buf_span(&label), "recalled",
			     span_str("recalled"), &recalled));
	world_must(world_put(w, alice, "GBR/ops", buf_span(&label), "foreign",
			     span_str("to be edited there"), &story.foreign));
	world_must(world_sync(w, alice));
	world_must(world_edit(w, alice, story.edited, span_str("second")));
	world_must(world_sync(w, alice));
	world_must(world_state(w, alice, story.edited, STATEMENT_LABEL,
			       buf_span(&open)));
	world_must(world_state(w, alice, story.deleted, STATEMENT_DELETE,
			       span_str("")));
	world_must(world_state(w, alice, recalled, STATEMENT_RECALL,
			       span_str("")));
	world_pump(w);
	world_must(world_sync(w, dora));
	world_must(world_edit(w, dora, story.foreign, span_str("by another")));
	world_pump(w);
	world_must(world_sync(w, alice));
	/* Once more: what the housekeeping of a start does is done. */
	world_close(w, story.gbr);
	world_open(w, story.gbr);
	story.damage.core = story.gbr->core;
	free(plain);
	buf_clear(&gbr);
	buf_clear(&deu);
	buf_clear(&label);
	buf_clear(&open);
	return 0;
}

static int end(void **state)
{
	world_free(&story.w);
	return 0;
}

/* ---- looking ---- */

/* The damage of before is told so, at this grade; without it, all is well. */
static void told_as(enum store_check_grade grade, enum table table,
		    const char *what)
{
	struct damage_said said = damage_look(story.gbr->core);

	assert_true(damage_says(&said, table, what));
	assert_true(grade == CHECK_LEFT ? said.found.left
					: said.found.faults > 0);
	damage_undo(&story.damage);
	said = damage_look(story.gbr->core);
	assert_int_equal(said.count, 0);
}

static void told(enum table table, const char *what)
{
	told_as(CHECK_FAULT, table, what);
}

static void flip(enum table table, struct key key, int at)
{
	damage_flip(&story.damage, table, key, at);
}

static void del(enum table table, struct key key)
{
	damage_del(&story.damage, table, key);
}

static void put(enum table table, struct key key, struct span value)
{
	damage_put(&story.damage, table, key, value);
}

static struct key first(enum table table, struct key prefix)
{
	return damage_first(story.gbr->core, table, prefix);
}

static struct key first_of(enum table table, enum key_kind kind)
{
	return first(table, key_of_kind(kind));
}

static void change(struct doc_id id, void (*how)(struct document *doc))
{
	damage_document(&story.damage, id, how);
}

/* ---- tests ---- */

static void a_store_that_guards_wrote_is_sound(void **state)
{
	for (size_t i = 0; i < story.w.relay_count; i++) {
		struct core *core = story.w.relays[i].core;
		struct damage_said said = damage_look(core);

		for (size_t k = 0; k < said.count; k++)
			print_message("%s: %s\n", table_name(said.at[k].table),
				      said.at[k].what);
		assert_int_equal(said.found.faults, 0);
		assert_true(said.found.documents >= 4);
		assert_true(said.found.feed_rows >= 4);
		assert_true(said.found.groups > 0);
		assert_int_equal(said.found.signatures, said.found.groups);
		assert_int_equal(said.found.segments, 2);
		assert_true(said.found.audit > 5);
	}
}

static void other_size(struct document *doc)
{
	doc->heads[0].size++;
}

static void other_payload(struct document *doc)
{
	uint8_t *at = (uint8_t *)doc->heads[0].payload.at;
	const uint8_t *serial =
		memmem(at, doc->heads[0].payload.len, "\"serial\":", 9);

	at[serial + 9 - at] ^= 2;
}

static void no_payload(struct document *doc)
{
	doc->heads[0].payload = span_str("{}");
}

static void other_opening(struct document *doc)
{
	doc->opening.salt[0] ^= 1;
}

static void other_content(struct document *doc)
{
	((uint8_t *)doc->content.at)[doc->content.len - 1] ^= 1;
}

static void other_leaf(struct document *doc)
{
	doc->heads[0].seals[0].dot.counter++;
}

static void other_group(struct document *doc)
{
	doc->heads[0].seals[0].group = 100000;
}

static void other_foreign_seal(struct document *doc)
{
	for (size_t i = 0; i < doc->heads_count; i++)
		for (size_t s = 0; s < doc->heads[i].seals_count; s++)
			if (doc->heads[i].seals[s].blob.len)
				((uint8_t *)doc->heads[i].seals[s].blob.at)
					[doc->heads[i].seals[s].blob.len - 1] ^=
					1;
}

static void other_statement(struct document *doc)
{
	for (size_t i = 0; i < doc->statements_count; i++)
		if (doc->statements[i].number > 1)
			doc->statements[i].digest.at[0] ^= 1;
}

static void a_document_is_held_against_what_was_signed(void **state)
{
	change(story.small, other_size);
	told(TABLE_DOCUMENTS, "the record says other things than its manifest");
	change(story.small, other_payload);
	told(TABLE_DOCUMENTS, "a manifest has not the digest that names it");
	change(story.small, no_payload);
	told(TABLE_DOCUMENTS, "a manifest is not of its form");
	change(story.small, other_opening);
	told(TABLE_DOCUMENTS, "its opening does not make its id");
	change(story.small, other_content);
	told(TABLE_DOCUMENTS, "the content is not what its manifest says");
	change(story.small, other_leaf);
	told(TABLE_DOCUMENTS, "the group that seals it has another leaf");
	change(story.small, other_group);
	told(TABLE_DOCUMENTS, "the group that seals it is missing");
	change(story.foreign, other_foreign_seal);
	told(TABLE_DOCUMENTS, "a foreign seal does not fit its revision");
	change(story.edited, other_statement);
	told(TABLE_DOCUMENTS, "a statement has not the digest that names it");
	flip(TABLE_DOCUMENTS, key_document(story.small), 0);
	told(TABLE_DOCUMENTS, "the record is not of its form");
	del(TABLE_LABELS, first(TABLE_LABELS, key_empty()));
	told(TABLE_DOCUMENTS, "a label that it stands under is not kept");
	del(TABLE_AUTHORS, first(TABLE_AUTHORS, key_empty()));
	told(TABLE_DOCUMENTS, "the record of an author is not kept");
}

static void other_key(struct document *doc)
{
	doc->heads[0].keys[0].wrapped[0] ^= 1;
}

static void other_slot(struct document *doc)
{
	doc->slot = 100000;
}

static void keys_are_held_against_the_ring(void **state)
{
	struct key doc = first_of(TABLE_SLOTS, KEY_SLOT_DOCUMENT);
	struct key other = doc;

	change(story.small, other_key);
	told(TABLE_DOCUMENTS, "a key at rest does not open under its slot");
	change(story.small, other_slot);
	told(TABLE_DOCUMENTS, "the slot of its keys is not in the ring");
	change(story.small, other_slot);
	told(TABLE_SLOTS, "a slot that its document has left");
	del(TABLE_SLOTS, doc);
	told(TABLE_DOCUMENTS, "the slot of its keys does not name it");
	other.at[other.len - 1] ^= 1;
	put(TABLE_SLOTS, other, span_str(""));
	told(TABLE_SLOTS, "a slot of a document that is not kept");
	put(TABLE_SLOTS, key_slot(100000), span_of("\0\1", 2));
	told(TABLE_SLOTS, "the slot is not in the ring");
	put(TABLE_SLOTS, key_slot_purging(1), span_str(""));
	told_as(CHECK_LEFT, TABLE_SLOTS, "a slot waits to be destroyed");
}

static void other_row(struct document *doc)
{
	doc->rows[0].seq.n += 100000;
}

static void gone_row(struct document *doc)
{
	doc->rows[0].gone = true;
	doc->rows[0].time = 5;
}

static void other_shelf(struct document *doc)
{
	doc->heads[0].shelf++;
}

static void no_heads_shelf(struct document *doc)
{
	doc->heads[0].shelf = SHELF_NONE;
}

static void the_feed_is_held_against_the_documents(void **state)
{
	struct key row = first(TABLE_FEED, key_empty());
	uint8_t value[DOC_ID_LEN + 9] = {9};
	uint32_t shelf;
	struct seq seq;

	world_must(key_feed_decode(key_span(&row), &shelf, &seq));
	change(story.small, other_row);
	told(TABLE_DOCUMENTS, "a row of the feed is missing");
	change(story.small, other_row);
	told(TABLE_FEED, "a row that no document has");
	change(story.small, gone_row);
	told(TABLE_DOCUMENTS,
	     "a row of the feed says other things than the record");
	change(story.small, other_shelf);
	told(TABLE_DOCUMENTS,
	     "a head stands on a shelf that is not its labels'");
	change(story.small, other_shelf);
	told(TABLE_DOCUMENTS, "a head stands on a shelf without a row");
	change(story.small, no_heads_shelf);
	told(TABLE_DOCUMENTS, "a row of the feed stands without a head");
	del(TABLE_FEED, row);
	told(TABLE_DOCUMENTS, "a row of the feed is missing");
	put(TABLE_FEED, key_feed(shelf, (struct seq){100000}), SPAN_OBJ(value));
	told(TABLE_FEED, "a sequence beyond the counter");
	put(TABLE_FEED, key_feed(shelf + 1, seq), SPAN_OBJ(value));
	told(TABLE_FEED, "a sequence stands twice");
	put(TABLE_FEED, key_feed(100000, (struct seq){1}), SPAN_OBJ(value));
	told(TABLE_FEED, "a row on a shelf that was never made");
	put(TABLE_FEED, row, span_str("x"));
	told(TABLE_FEED, "a row is not of its form");
}

static void groups_are_built_again(void **state)
{
	uint8_t number[8] = {0, 0, 0, 0, 0, 1, 0, 0};
	struct key row = key_group(1), signature = key_group_signature(1);
	struct digest root = {{7}};

	flip(TABLE_GROUPS, row, -1);
	told(TABLE_GROUPS, "its leaves do not make its root");
	flip(TABLE_GROUPS, row, -1);
	told(TABLE_DOCUMENTS, "the group that seals it has another leaf");
	flip(TABLE_GROUPS, signature, -1);
	told(TABLE_GROUPS, "its signature is not the seal key's");
	flip(TABLE_GROUPS, signature, 0);
	told(TABLE_GROUPS, "its root does not lead back to it");
	del(TABLE_GROUPS, signature);
	told(TABLE_GROUPS, "it is not signed, and nothing says so");
	del(TABLE_GROUPS, row);
	told(TABLE_GROUPS, "the row is missing");
	del(TABLE_GROUPS, row);
	told(TABLE_GROUPS, "it names a group that is missing");
	put(TABLE_GROUPS, key_group_root(root), SPAN_OBJ(number));
	told(TABLE_GROUPS, "it names a group that is missing");
	put(TABLE_GROUPS, key_group_unsigned(1), span_str(""));
	told(TABLE_GROUPS, "it is signed and waits to be");
	flip(TABLE_GROUPS, first_of(TABLE_GROUPS, KEY_GROUP_LEAF), -1);
	told(TABLE_GROUPS, "the way of a leaf is not the tree's");
	put(TABLE_GROUPS, key_group(100000), span_str(""));
	told(TABLE_GROUPS, "the row or its signature cannot be read");
	/* A group that a crash left unsigned is no fault. */
	del(TABLE_GROUPS, signature);
	put(TABLE_GROUPS, key_group_unsigned(1), span_str(""));
	told_as(CHECK_LEFT, TABLE_GROUPS, "it is not signed yet");
}

static void content_is_held_against_its_digests(void **state)
{
	struct key segment = first(TABLE_SEGMENTS, key_segments(story.large));
	struct key table =
		first(TABLE_SEGMENT_TABLES, key_segments(story.large));
	uint8_t entry[SEGMENT_ENTRY_LEN] = {0};
	struct doc_id nobody = {{9}};
	struct digest digest;
	struct key second;

	flip(TABLE_SEGMENTS, segment, 20);
	told(TABLE_SEGMENTS, "a segment has not the digest that names it");
	del(TABLE_SEGMENTS, segment);
	told(TABLE_SEGMENTS, "a segment that a table lists is missing");
	/* Both of them: then the walk does not come by the document. */
	del(TABLE_SEGMENTS, segment);
	second = first(TABLE_SEGMENTS, key_segments(story.large));
	del(TABLE_SEGMENTS, second);
	told(TABLE_SEGMENTS, "a segment that a table lists is missing");
	del(TABLE_SEGMENT_TABLES, table);
	told(TABLE_DOCUMENTS, "the table of its content is missing");
	flip(TABLE_SEGMENT_TABLES, table, 0);
	told(TABLE_SEGMENT_TABLES, "a table has not the digest that names it");
	flip(TABLE_SEGMENT_TABLES, table, 0);
	told(TABLE_DOCUMENTS, "the table of its content is not the manifest's");
	/* What an upload left is no fault. */
	world_must(crypto_sha256(span_str("left"), &digest));
	put(TABLE_SEGMENTS, key_segment(nobody, digest), span_str("left"));
	told_as(CHECK_LEFT, TABLE_SEGMENTS, "a segment that no document names");
	put(TABLE_SEGMENTS, key_segment(story.small, digest), span_str("left"));
	told_as(CHECK_LEFT, TABLE_SEGMENTS, "a segment that no document names");
	world_must(segment_table_digest(SPAN_OBJ(entry), &digest));
	put(TABLE_SEGMENT_TABLES, key_segment_table(nobody, digest),
	    SPAN_OBJ(entry));
	told_as(CHECK_LEFT, TABLE_SEGMENT_TABLES,
		"a table that no document names");
}

static void the_chain_of_the_audit_is_followed(void **state)
{
	struct digest link;
	struct txn *txn = NULL;
	uint64_t last;

	world_must(txn_begin_read(story.gbr->core->store, STORE_RECORDS, &txn));
	world_must(audit_head(txn, &last, &link));
	txn_abort(&txn);
	flip(TABLE_AUDIT, key_audit(2), -1);
	told(TABLE_AUDIT, "the record, or the link to it, was changed");
	del(TABLE_AUDIT, key_audit(2));
	told(TABLE_AUDIT, "the record is missing");
	del(TABLE_AUDIT, key_audit(last));
	told(TABLE_AUDIT, "the records from here on are missing");
}

static void small_rows_are_held_against_each_other(void **state)
{
	uint8_t eight[8] = {0, 0, 0, 0, 0, 1, 0, 0}, four[4] = {0, 1, 0, 0};
	struct digest nobody = {{7}};
	struct key key;

	key = first(TABLE_LABELS, key_empty());
	flip(TABLE_LABELS, key, 10);
	told(TABLE_LABELS, "a label has not the digest that names it");
	key = first(TABLE_AUTHORS, key_empty());
	key.at[0] ^= 1;
	put(TABLE_AUTHORS, key, span_str("x"));
	told(TABLE_AUTHORS, "a row is not of its form");
	flip(TABLE_POLICIES, first_of(TABLE_POLICIES, KEY_POLICY_FILE), 5);
	told(TABLE_POLICIES, "a policy file has not its digest");
	del(TABLE_POLICIES, first_of(TABLE_POLICIES, KEY_POLICY_FILE));
	told(TABLE_POLICIES, "it names what is not kept");
	del(TABLE_POLICIES, key_policy_version(1));
	told(TABLE_POLICIES, "the row is missing");
	flip(TABLE_CERTIFICATES,
	     first_of(TABLE_CERTIFICATES, KEY_CERTIFICATE_DIGEST), 5);
	told(TABLE_CERTIFICATES, "a certificate has not its digest");
	del(TABLE_CERTIFICATES,
	    first_of(TABLE_CERTIFICATES, KEY_CERTIFICATE_DIGEST));
	told(TABLE_CERTIFICATES, "it names what is not kept");
	del(TABLE_SHELVES, first_of(TABLE_SHELVES, KEY_SHELF_NAME));
	told(TABLE_SHELVES, "its name does not lead back to it");
	del(TABLE_SHELVES, first_of(TABLE_SHELVES, KEY_SHELF_LABEL));
	told(TABLE_SHELVES, "a label of it does not lead to it");
	put(TABLE_SHELVES, key_shelf_name(nobody), SPAN_OBJ(four));
	told(TABLE_SHELVES, "it names what is not kept");
	del(TABLE_VIEWS, first_of(TABLE_VIEWS, KEY_VIEW_CONTENT));
	told(TABLE_VIEWS, "its content does not lead back to it");
	del(TABLE_VIEWS, key_view(1));
	told(TABLE_VIEWS, "the row is missing");
	put(TABLE_DEVICES, key_device_certificate(nobody), SPAN_OBJ(nobody.at));
	told(TABLE_DEVICES, "it names what is not kept");
	del(TABLE_DEVICES, first_of(TABLE_DEVICES, KEY_DEVICE_CERTIFICATE));
	told(TABLE_DEVICES, "nothing leads back to it");
	put(TABLE_COUNTERS, key_counter("feed"), span_str("x"));
	told(TABLE_COUNTERS, "a row is not of its form");
	put(TABLE_COUNTERS, key_counter("group"), SPAN_OBJ(eight));
	told(TABLE_GROUPS, "the row is missing");
	put(TABLE_COUNTERS, key_counter("views"), SPAN_OBJ(((uint8_t[8]){0})));
	told(TABLE_VIEWS, "there are more rows than their counter says");
}

/* Opening the ring destroys every ring key but its own: of a guard that was
 * started by mistake it would be the wrong one. */
static void a_second_guard_is_refused_and_touches_nothing(void **state)
{
	struct core_config config = {
		.folder = story.gbr->folder,
		.nation = story.gbr->nation,
		.ceiling = "RESTRICTED",
		.endpoint = story.gbr->endpoint,
		.peer_endpoint = story.gbr->peer_endpoint,
		.root_key = story.gbr->root_key,
		.clock = story.w.clock,
		.random = story.w.random,
	};
	char path[WORLD_PATH + 80];
	struct core *second = NULL;
	struct buf found;

	snprintf(path, sizeof(path),
		 "%s/keys/ring/ring-00112233445566778899aabbccddeeff.key",
		 story.gbr->folder);
	world_must(file_write(path, span_str("another ring key"), true));
	assert_int_equal(core_open(&config, &second).code, ERR_BUSY);
	buf_init(&found, 1024);
	world_must(file_read(path, &found));
	buf_clear(&found);
	/* The one owner does so, when it starts. */
	world_close(&story.w, story.gbr);
	world_open(&story.w, story.gbr);
	story.damage.core = story.gbr->core;
	assert_int_equal(file_read(path, &found).code, ERR_NOT_FOUND);
	buf_clear(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_that_guards_wrote_is_sound),
		cmocka_unit_test(a_document_is_held_against_what_was_signed),
		cmocka_unit_test(keys_are_held_against_the_ring),
		cmocka_unit_test(the_feed_is_held_against_the_documents),
		cmocka_unit_test(groups_are_built_again),
		cmocka_unit_test(content_is_held_against_its_digests),
		cmocka_unit_test(the_chain_of_the_audit_is_followed),
		cmocka_unit_test(small_rows_are_held_against_each_other),
		cmocka_unit_test(a_second_guard_is_refused_and_touches_nothing),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
