/* Content in segments: bytes against digests, and who names them. */
#include <stdlib.h>

#include "proto/document/segment.h"
#include "storage/check_inside.h"
#include "storage/record.h"
#include "storage/segment.h"
#include "storage/upload.h"

static const char missing[] = "a segment that a table lists is missing";

/* ---- what the heads of a document name ---- */

static int by_digest(const void *a, const void *b)
{
	return memcmp(a, b, DIGEST_LEN);
}

static struct err name_all(struct check *c, struct span table)
{
	size_t more = table.len / SEGMENT_ENTRY_LEN;
	struct digest *at = realloc(c->named, (c->named_count + more + 1) *
						      sizeof(*c->named));

	if (!at)
		return err_make(ERR_NO_MEMORY, "the check");
	c->named = at;
	for (size_t i = 0; i < more; i++)
		at[c->named_count++] = segment_table_at(table, i).digest;
	return ERR_NONE;
}

static void drop_doubles(struct check *c)
{
	size_t n = 0;

	if (c->named_count)
		qsort(c->named, c->named_count, sizeof(*c->named), by_digest);
	for (size_t i = 0; i < c->named_count; i++)
		if (n == 0 || !digest_eq(c->named[n - 1], c->named[i]))
			c->named[n++] = c->named[i];
	c->named_count = n;
}

struct err check_gather(struct check *c, const struct document *doc)
{
	struct err e = ERR_NONE;

	c->named_count = c->named_at = 0;
	for (size_t i = 0; i < doc->heads_count && !failed(e); i++) {
		struct span table;

		if (doc->heads[i].place == DOCUMENT_CONTENT_SEGMENTS &&
		    check_find(c, TABLE_SEGMENT_TABLES,
			       key_segment_table(doc->id, doc->heads[i].table),
			       &table) == CHECK_THERE)
			e = name_all(c, table);
	}
	drop_doubles(c);
	return e;
}

static bool read_document(struct check *c, struct doc_id id,
			  struct document *out)
{
	struct span value;

	return check_find(c, TABLE_DOCUMENTS, key_document(id), &value) ==
		       CHECK_THERE &&
	       !failed(document_decode(value, &c->arena, out));
}

/* ---- the walk, document by document, digest by digest ---- */

static void tell_missing(struct check *c, struct digest named)
{
	struct key key = key_segment(c->segments_of, named);

	check_fault(c, TABLE_SEGMENTS, key_span(&key), missing);
	c->segments_met++;
}

void check_segments_end(struct check *c)
{
	while (c->named_at < c->named_count)
		tell_missing(c, c->named[c->named_at++]);
	c->named_count = c->named_at = 0;
}

static struct err begin_document(struct check *c, struct doc_id id)
{
	struct document doc;

	if (c->segments_begun && doc_id_eq(c->segments_of, id))
		return ERR_NONE;
	check_segments_end(c);
	c->segments_begun = true;
	c->segments_of = id;
	return read_document(c, id, &doc) ? check_gather(c, &doc) : ERR_NONE;
}

static bool is_named(struct check *c, struct digest d)
{
	while (c->named_at < c->named_count &&
	       digest_cmp(c->named[c->named_at], d) < 0)
		tell_missing(c, c->named[c->named_at++]);
	if (c->named_at == c->named_count ||
	    !digest_eq(c->named[c->named_at], d))
		return false;
	c->named_at++;
	c->segments_met++;
	return true;
}

/* An upload keeps what it brought until its time is over. */
static bool is_leased(struct check *c, struct doc_id doc)
{
	struct upload u = {0};

	while (!failed(upload_next(c->txn[STORE_RECORDS], &u)))
		if (doc_id_eq(u.doc, doc))
			return true;
	return false;
}

static void read_key(struct span key, struct doc_id *doc, struct digest *d)
{
	struct span_reader r = span_read(key);

	*doc = record_read_doc_id(&r);
	*d = record_read_digest(&r);
}

struct err check_segment_broken(struct check *c, struct span key)
{
	struct digest d;
	struct doc_id id;
	struct err e;

	if (key.len != DOC_ID_LEN + DIGEST_LEN)
		return ERR_NONE;
	read_key(key, &id, &d);
	e = begin_document(c, id);
	if (!failed(e))
		(void)is_named(c, d);
	return e;
}

struct err check_segment(struct check *c, const struct txn_row *row)
{
	struct digest d, is;
	struct doc_id id;
	struct err e;

	c->found.segments++;
	c->found.bytes += row->value.len;
	if (row->key.len != DOC_ID_LEN + DIGEST_LEN) {
		check_fault(c, TABLE_SEGMENTS, row->key,
			    "a row is not of its form");
		return ERR_NONE;
	}
	read_key(row->key, &id, &d);
	e = begin_document(c, id);
	if (!failed(e))
		e = crypto_sha256(row->value, &is);
	if (failed(e))
		return e;
	if (!digest_eq(d, is))
		check_fault(c, TABLE_SEGMENTS, row->key,
			    "a segment has not the digest that names it");
	if (!is_named(c, d) && !is_leased(c, id))
		check_say(c, CHECK_LEFT, TABLE_SEGMENTS, row->key,
			  "a segment that no document names", check_start);
	return ERR_NONE;
}

struct err check_segment_table(struct check *c, const struct txn_row *row)
{
	struct document doc;
	struct digest d, is;
	struct doc_id id;
	bool named = false;

	if (row->key.len != DOC_ID_LEN + DIGEST_LEN ||
	    row->value.len % SEGMENT_ENTRY_LEN) {
		check_fault(c, TABLE_SEGMENT_TABLES, row->key,
			    "a row is not of its form");
		return ERR_NONE;
	}
	read_key(row->key, &id, &d);
	if (failed(segment_table_digest(row->value, &is)) || !digest_eq(d, is))
		check_fault(c, TABLE_SEGMENT_TABLES, row->key,
			    "a table has not the digest that names it");
	if (read_document(c, id, &doc))
		for (size_t i = 0; i < doc.heads_count; i++)
			named = named || digest_eq(doc.heads[i].table, d);
	if (!named && !is_leased(c, id))
		check_say(c, CHECK_LEFT, TABLE_SEGMENT_TABLES, row->key,
			  "a table that no document names", check_start);
	return ERR_NONE;
}

/* ---- documents of which not one segment is there ---- */

struct err check_segments_again(struct check *c)
{
	struct txn *records = c->txn[STORE_RECORDS];
	struct doc_id id = {0};
	struct err e = ERR_NONE;

	if (c->segments_named == c->segments_met ||
	    !c->readable[TABLE_SEGMENTS] || !c->readable[TABLE_DOCUMENTS])
		return ERR_NONE;
	while (!failed(e) && !failed(document_next_internal(records, &id))) {
		struct digest first = {0};
		struct document doc;
		struct err any =
			segment_next(c->txn[STORE_SEGMENTS], id, &first);

		if (any.code == ERR_NOT_FOUND && read_document(c, id, &doc)) {
			c->segments_of = id;
			e = check_gather(c, &doc);
			check_segments_end(c);
		}
		arena_clear(&c->arena);
	}
	return e;
}
