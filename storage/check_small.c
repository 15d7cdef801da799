/* The small tables, each row against its own form and against what it names;
 * and the counts. */
#include "proto/document/author.h"
#include "storage/check_inside.h"
#include "storage/device.h"
#include "storage/quarantine.h"
#include "storage/record.h"
#include "storage/shelf.h"
#include "storage/upload.h"
#include "storage/view.h"

enum { NAMED_MAX = 16 }; /* missing numbers that are told one by one */

static const char form[] = "a row is not of its form";
static const char nowhere[] = "it names what is not kept";

/* One row of a small table. */
struct small {
	struct check *c;
	enum table table;
	struct span key;
	struct span_reader k, v; /* key and value, read in order */
	uint8_t kind;		 /* where the table has kinds */
};

static void fault(const struct small *s, const char *what)
{
	check_fault(s->c, s->table, s->key, what);
}

static void must_have(const struct small *s, enum table table, struct key key)
{
	if (!check_has(s->c, table, key))
		fault(s, nowhere);
}

/* Key and value must have been read to their ends. */
static bool ended(const struct small *s)
{
	if (span_read_done(&s->k) && span_read_done(&s->v))
		return true;
	fault(s, form);
	return false;
}

static bool has_digest(struct span bytes, struct digest want)
{
	struct digest is;

	return !failed(crypto_sha256(bytes, &is)) && digest_eq(is, want);
}

/* ---- labels, authors, policies, certificates ---- */

static void check_label(struct small *s)
{
	struct digest name = record_read_digest(&s->k);
	struct span xml = record_read_long(&s->v);

	record_read_long(&s->v);
	if (ended(s) && !has_digest(xml, name))
		fault(s, "a label has not the digest that names it");
}

static void check_author(struct small *s)
{
	struct key_id name = record_read_key_id(&s->k);
	struct author_record *author = NULL;

	if (failed(author_decode(s->v.left, &author)))
		fault(s, form);
	else if (!key_id_eq(author->id, name))
		fault(s, "it is the record of another author");
	author_free(author);
}

static void check_policy(struct small *s)
{
	struct digest name;

	switch (s->kind) {
	case KEY_POLICY_FILE:
		name = record_read_digest(&s->k);
		if (!has_digest(s->v.left, name))
			fault(s, "a policy file has not its digest");
		break;
	case KEY_POLICY_SET:
		name = record_read_digest(&s->k);
		while (s->v.left.len && !s->v.bad) {
			struct digest file = record_read_digest(&s->v);

			if (!s->v.bad)
				must_have(s, TABLE_POLICIES,
					  key_policy_file(file));
		}
		(void)ended(s);
		break;
	case KEY_POLICY_VERSION:
		span_read_u64(&s->k);
		s->c->policies_seen++;
		name = record_read_digest(&s->v);
		span_read_u64(&s->v);
		if (ended(s))
			must_have(s, TABLE_POLICIES, key_policy_set(name));
		break;
	default:
		fault(s, form);
	}
}

static void check_certificate(struct small *s)
{
	struct digest name;

	if (s->kind == KEY_CERTIFICATE_DIGEST) {
		name = record_read_digest(&s->k);
		if (!has_digest(s->v.left, name))
			fault(s, "a certificate has not its digest");
	} else if (s->kind == KEY_CERTIFICATE_REPLICA) {
		record_read_replica(&s->k);
		span_read_u64(&s->k);
		name = record_read_digest(&s->v);
		if (ended(s))
			must_have(s, TABLE_CERTIFICATES, key_certificate(name));
	} else if (s->kind != KEY_CERTIFICATE_ROOT) {
		fault(s, form);
	}
}

/* ---- shelves, views, ledgers ---- */

static void check_shelf_row(struct small *s)
{
	struct digest labels[SHELF_LABELS_MAX], name;
	uint32_t number = span_read_u32(&s->k), known = 0;
	struct span space = span_read_var(&s->v);
	size_t count = span_read_u16(&s->v);
	uint64_t condition, floor;
	struct err e;

	if (count > SHELF_LABELS_MAX) {
		fault(s, form);
		return;
	}
	for (size_t i = 0; i < count; i++)
		labels[i] = record_read_digest(&s->v);
	condition = span_read_u64(&s->v);
	floor = span_read_u64(&s->v);
	if (!ended(s))
		return;
	e = shelf_row_name(space, labels, count, condition, &name);
	if (!failed(e))
		e = shelf_by_name(s->c->txn[STORE_RECORDS], name, &known);
	if (e.code != ERR_CORRUPT && known != number)
		fault(s, "its name does not lead back to it");
	for (size_t i = 0; i < count; i++)
		if (!check_has(s->c, TABLE_SHELVES,
			       key_shelf_label(labels[i], number)))
			fault(s, "a label of it does not lead to it");
	if (number == 0 || number > s->c->shelves || floor > s->c->sequence)
		fault(s, "it lies beyond a counter");
}

static void check_shelf(struct small *s)
{
	uint32_t number;

	switch (s->kind) {
	case KEY_SHELF_NUMBER:
		check_shelf_row(s);
		return;
	case KEY_SHELF_NAME:
		record_read_digest(&s->k);
		number = span_read_u32(&s->v);
		break;
	case KEY_SHELF_LABEL:
		record_read_digest(&s->k);
		number = span_read_u32(&s->k);
		break;
	default:
		fault(s, form);
		return;
	}
	if (ended(s))
		must_have(s, TABLE_SHELVES, key_shelf(number));
}

static void check_view(struct small *s)
{
	struct digest content;
	struct span value;

	if (s->kind == KEY_VIEW_NUMBER) {
		s->c->views_seen++;
		if (!failed(crypto_sha256(s->v.left, &content)) &&
		    check_find(s->c, TABLE_VIEWS, key_view_content(content),
			       &value) == CHECK_MISSING)
			fault(s, "its content does not lead back to it");
	} else if (s->kind == KEY_VIEW_CONTENT) {
		record_read_digest(&s->k);
		content = (struct digest){0};
		must_have(s, TABLE_VIEWS, key_view(span_read_u64(&s->v)));
		(void)ended(s);
	} else {
		fault(s, form);
	}
}

static void check_ledger(struct small *s)
{
	uint64_t set;

	span_read_raw(&s->k,
		      s->kind == KEY_READER_DEVICE ? DIGEST_LEN : NATION_LEN);
	if (s->k.left.len == 4) { /* a loss */
		span_read_u32(&s->k);
		span_read_u64(&s->v);
		(void)ended(s);
		return;
	}
	set = span_read_u64(&s->v);
	for (int i = 0; i < 3; i++)
		span_read_u64(&s->v);
	if (ended(s) && set)
		must_have(s, TABLE_VIEWS, key_view(set));
}

/* ---- devices, slots, uploads, the rest ---- */

static void check_device(struct small *s)
{
	struct key_id author;
	struct device device;

	switch (s->kind) {
	case KEY_DEVICE_AUTHOR:
		author = record_read_key_id(&s->k);
		if (failed(device_get(s->c->txn[STORE_RECORDS], author,
				      &s->c->arena, &device)))
			fault(s, form);
		else if (!check_has(s->c, TABLE_DEVICES,
				    key_device_certificate(
					    device.certificate)) ||
			 !check_has(s->c, TABLE_DEVICES,
				    key_device_subject(device.subject, author)))
			fault(s, "nothing leads back to it");
		break;
	case KEY_DEVICE_CERTIFICATE:
	case KEY_DEVICE_KEY:
		span_read_raw(&s->k, DIGEST_LEN);
		author = record_read_key_id(&s->v);
		if (ended(s))
			must_have(s, TABLE_DEVICES, key_device(author));
		break;
	case KEY_DEVICE_SUBJECT:
		if (s->k.left.len < DIGEST_LEN)
			fault(s, form);
		span_read_raw(&s->k, s->k.left.len - DIGEST_LEN);
		author = record_read_key_id(&s->k);
		must_have(s, TABLE_DEVICES, key_device(author));
		break;
	default:
		fault(s, form);
	}
}

static void check_slot(struct small *s)
{
	struct ring *ring = s->c->order->ring;
	uint64_t slot = span_read_u64(&s->k);
	bool purging = check_has(s->c, TABLE_SLOTS, key_slot_purging(slot));

	switch (s->kind) {
	case KEY_SLOT_ROW:
		if (span_read_u16(&s->v) > RING_SLOT_DOCUMENTS) {
			fault(s, "it was given to too many documents");
			return;
		}
		if (ended(s) && ring && !purging && !ring_has_slot(ring, slot))
			fault(s, "the slot is not in the ring");
		break;
	case KEY_SLOT_DOCUMENT:
		s->c->slots_seen++;
		record_read_doc_id(&s->k);
		(void)ended(s);
		break;
	case KEY_SLOT_PURGING:
		if (ended(s))
			check_say(s->c, CHECK_LEFT, TABLE_SLOTS, s->key,
				  "a slot waits to be destroyed", check_start);
		break;
	default:
		fault(s, form);
	}
}

static void check_upload(struct small *s)
{
	record_read_doc_id(&s->v);
	record_read_key_id(&s->v);
	record_read_digest(&s->v);
	span_read_u64(&s->v);
	record_read_digest(&s->v);
	for (int i = 0; i < 3; i++)
		span_read_u64(&s->v);
	span_read_raw(&s->k, LEASE_ID_LEN);
	(void)ended(s);
}

static void check_counter(struct small *s)
{
	bool audit = span_eq_str(s->key, "audit");

	if (s->v.left.len != (audit ? 8 + DIGEST_LEN : 8))
		fault(s, form);
}

static void check_returning(struct small *s)
{
	struct doc_id id = record_read_doc_id(&s->k);

	record_read_nation(&s->v);
	span_read_u64(&s->v);
	if (ended(s))
		must_have(s, TABLE_DOCUMENTS, key_document(id));
}

struct err check_small(struct check *c, enum table table,
		       const struct txn_row *row)
{
	struct small s = {.c = c,
			  .table = table,
			  .key = row->key,
			  .k = span_read(row->key),
			  .v = span_read(row->value)};

	switch (table) {
	case TABLE_POLICIES:
	case TABLE_CERTIFICATES:
	case TABLE_SHELVES:
	case TABLE_VIEWS:
	case TABLE_LEDGERS:
	case TABLE_DEVICES:
	case TABLE_SLOTS:
		s.kind = span_read_u8(&s.k);
		break;
	default:
		break;
	}
	switch (table) {
	case TABLE_LABELS:
		check_label(&s);
		break;
	case TABLE_AUTHORS:
		check_author(&s);
		break;
	case TABLE_POLICIES:
		check_policy(&s);
		break;
	case TABLE_CERTIFICATES:
		check_certificate(&s);
		break;
	case TABLE_SHELVES:
		check_shelf(&s);
		break;
	case TABLE_VIEWS:
		check_view(&s);
		break;
	case TABLE_LEDGERS:
		check_ledger(&s);
		break;
	case TABLE_DEVICES:
		check_device(&s);
		break;
	case TABLE_SLOTS:
		check_slot(&s);
		break;
	case TABLE_UPLOADS:
		check_upload(&s);
		break;
	case TABLE_COUNTERS:
		check_counter(&s);
		break;
	case TABLE_RETURNING:
		check_returning(&s);
		break;
	default: /* the MAC is all that is looked at */
		break;
	}
	return ERR_NONE;
}

/* ---- counts ---- */

/* Rows of a kind, numbered from 1 without a hole, against their counter. */
static void check_numbers(struct check *c, enum table table, uint64_t seen,
			  const char *counter, struct key (*key_of)(uint64_t))
{
	uint64_t last = 0;
	unsigned told = 0;

	if (!c->readable[table] ||
	    failed(txn_counter(c->txn[STORE_RECORDS], counter, &last)) ||
	    last == seen)
		return;
	for (uint64_t n = 1; n <= last && told < NAMED_MAX; n++) {
		struct key key = key_of(n);

		if (check_has(c, table, key))
			continue;
		check_fault(c, table, key_span(&key), "the row is missing");
		told++;
	}
	if (seen > last)
		check_fault(c, table, span_of(NULL, 0),
			    "there are more rows than their counter says");
}

/* Rows of the feed that their document does not know. */
static struct err feed_again(struct check *c)
{
	struct txn *txn = c->txn[STORE_RECORDS];
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e = txn_cursor_open(txn, TABLE_FEED, key_empty(), &cursor);

	while (!failed(e)) {
		struct span_reader r;
		struct document doc;
		uint32_t shelf;
		struct seq seq;
		bool known = false;
		struct span value;

		e = txn_cursor_next(cursor, &row);
		if (e.code == ERR_CORRUPT && row.key.len) {
			e = ERR_NONE;
			continue;
		}
		if (failed(e) || failed(key_feed_decode(row.key, &shelf, &seq)))
			continue;
		r = span_read(row.value);
		switch (check_find(c, TABLE_DOCUMENTS,
				   key_document(record_read_doc_id(&r)),
				   &value)) {
		case CHECK_UNREADABLE:
			known = true;
			break;
		case CHECK_MISSING:
			break;
		case CHECK_THERE:
			/* One of a broken form is told already. */
			known = failed(document_decode(value, &c->arena, &doc));
			for (size_t i = 0; !known && i < doc.rows_count; i++)
				known = doc.rows[i].shelf == shelf &&
					doc.rows[i].seq.n == seq.n;
		}
		if (!known)
			check_fault(c, TABLE_FEED, row.key,
				    "a row that no document has");
		arena_clear(&c->arena);
	}
	txn_cursor_close(cursor);
	return e.code == ERR_NOT_FOUND || e.code == ERR_CORRUPT ? ERR_NONE : e;
}

static struct err slots_again(struct check *c)
{
	struct txn *txn = c->txn[STORE_RECORDS];
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e = txn_cursor_open(txn, TABLE_SLOTS,
				       key_of_kind(KEY_SLOT_DOCUMENT), &cursor);

	while (!failed(e)) {
		struct span_reader r;
		struct document doc;
		struct span value;
		uint64_t slot;
		struct doc_id id;

		e = txn_cursor_next(cursor, &row);
		if (e.code == ERR_CORRUPT && row.key.len) {
			e = ERR_NONE;
			continue;
		}
		if (failed(e))
			break;
		r = span_read(span_sub(row.key, 1, SIZE_MAX));
		slot = span_read_u64(&r);
		id = record_read_doc_id(&r);
		switch (check_find(c, TABLE_DOCUMENTS, key_document(id),
				   &value)) {
		case CHECK_UNREADABLE:
			break;
		case CHECK_MISSING:
			check_fault(c, TABLE_SLOTS, row.key,
				    "a slot of a document that is not kept");
			break;
		case CHECK_THERE:
			if (!failed(document_decode(value, &c->arena, &doc)) &&
			    doc.slot != slot)
				check_fault(c, TABLE_SLOTS, row.key,
					    "a slot that its document has "
					    "left");
		}
		arena_clear(&c->arena);
	}
	txn_cursor_close(cursor);
	return e.code == ERR_NOT_FOUND || e.code == ERR_CORRUPT ? ERR_NONE : e;
}

struct err check_counts(struct check *c)
{
	struct err e = ERR_NONE;

	check_segments_end(c);
	e = check_segments_again(c);
	check_numbers(c, TABLE_GROUPS, c->found.groups, "group", key_group);
	check_numbers(c, TABLE_VIEWS, c->views_seen, "views", key_view);
	check_numbers(c, TABLE_POLICIES, c->policies_seen, "policy",
		      key_policy_version);
	if (!failed(e) && c->rows_named != c->rows_seen)
		e = feed_again(c);
	if (!failed(e) && c->slots_named != c->slots_seen)
		e = slots_again(c);
	return e;
}
