/* The document record: encode and decode. */
#include "storage/document.h"
#include "storage/record.h"

enum { FORM = 1 };

/* Bits of a head's flags. */
enum { HEAD_MUST_UNDERSTAND = 1 };
/* Bits of a statement's flags. */
enum {
	STATEMENT_EVALUABLE = 1,
	STATEMENT_IS_HEAD = 2, /* number 1: payload, signature and seal are
				  those of a head */
};

static struct err corrupt(void)
{
	return err_make(ERR_CORRUPT, "a document's record is malformed");
}

/* ---- encode ---- */

static void put_seal(struct buf *b, const struct document_seal *s)
{
	record_put_replica(b, s->dot.replica);
	buf_put_u64(b, s->dot.counter);
	buf_put_var(b, s->context);
	buf_put_u8(b, s->statements_count);
	for (size_t i = 0; i < s->statements_count; i++)
		buf_put_u64(b, s->statements[i]);
	buf_put_u64(b, s->group);
	if (s->group)
		buf_put_u16(b, s->leaf);
	else
		buf_put_var(b, s->blob);
}

static void put_digests(struct buf *b, const struct digest *d, size_t count)
{
	for (size_t i = 0; i < count; i++)
		record_put_digest(b, d[i]);
}

static void put_head(struct buf *b, const struct document_head *h)
{
	record_put_digest(b, h->digest);
	buf_put_var(b, h->payload);
	buf_put(b, h->signature);
	record_put_key_id(b, h->author);
	buf_put_u64(b, h->serial);
	buf_put_u64(b, h->statement);
	record_put_digest(b, h->label);
	buf_put_u64(b, h->size);
	record_put_digest(b, h->table);
	buf_put_u8(b, h->priority);
	buf_put_u8(b, h->must_understand ? HEAD_MUST_UNDERSTAND : 0);
	buf_put_u8(b, h->parents_count);
	put_digests(b, h->parents, h->parents_count);
	buf_put_u8(b, h->seals_count);
	for (size_t i = 0; i < h->seals_count; i++)
		put_seal(b, &h->seals[i]);
	buf_put_u8(b, h->evidence_count);
	for (size_t i = 0; i < h->evidence_count; i++) {
		record_put_digest(b, h->evidence[i].digest);
		record_put_key_id(b, h->evidence[i].author);
		buf_put_var(b, h->evidence[i].blob);
	}
	record_put_nation(b, h->from);
	buf_put_u8(b, h->bases_count);
	for (size_t i = 0; i < h->bases_count; i++)
		buf_put_u64(b, h->bases[i]);
	buf_put_u8(b, h->stands_count);
	for (size_t i = 0; i < h->stands_count; i++)
		buf_put_u16(b, h->stands[i]);
	buf_put_u32(b, h->shelf);
	buf_put_u8(b, h->keys_count);
	for (size_t i = 0; i < h->keys_count; i++) {
		record_put_digest(b, h->keys[i].commitment);
		buf_put_u8(b, h->keys[i].present);
		if (h->keys[i].present)
			buf_put(b, SPAN_OBJ(h->keys[i].wrapped));
	}
	buf_put_u8(b, (uint8_t)h->place);
}

static bool is_head(const struct document *doc,
		    const struct document_statement *s)
{
	return s->number == 1 && document_head(doc, s->digest);
}

static void put_statement(struct buf *b, const struct document *doc,
			  const struct document_statement *s)
{
	bool head = is_head(doc, s);

	buf_put_u64(b, s->number);
	buf_put_u8(b, s->kind);
	buf_put_u8(b, (uint8_t)((s->evaluable ? STATEMENT_EVALUABLE : 0) |
				(head ? STATEMENT_IS_HEAD : 0)));
	record_put_digest(b, s->digest);
	record_put_digest(b, s->label);
	record_put_key_id(b, s->author);
	if (!head) {
		buf_put_var(b, s->payload);
		buf_put(b, s->signature);
		put_seal(b, &s->seal);
	}
	buf_put_u8(b, s->heads_count);
	put_digests(b, s->heads, s->heads_count);
	record_put_nation(b, s->from);
}

static bool within_caps(const struct document *doc)
{
	if (doc->heads_count > DOCUMENT_HEADS_MAX ||
	    doc->statements_count > DOCUMENT_STATEMENTS_MAX ||
	    doc->rows_count > DOCUMENT_ROWS_MAX ||
	    doc->dots_count > DOCUMENT_DOTS_MAX ||
	    doc->serials_count > DOCUMENT_SERIALS_MAX ||
	    doc->content.len > DOCUMENT_INLINE_MAX)
		return false;
	for (size_t i = 0; i < doc->heads_count; i++) {
		const struct document_head *h = &doc->heads[i];

		if (h->seals_count == 0 ||
		    h->seals_count > DOCUMENT_SEALS_MAX ||
		    h->parents_count > MANIFEST_PARENTS_MAX ||
		    h->keys_count > MANIFEST_KEYS_MAX ||
		    h->evidence_count > VERSION_EVIDENCE_MAX ||
		    h->bases_count > DOCUMENT_STANDS_MAX ||
		    h->stands_count > DOCUMENT_STANDS_MAX ||
		    h->payload.len > MANIFEST_PAYLOAD_MAX ||
		    h->signature.len != MANIFEST_SIG_LEN)
			return false;
	}
	for (size_t i = 0; i < doc->statements_count; i++)
		if (doc->statements[i].heads_count > STATEMENT_HEADS_MAX ||
		    doc->statements[i].signature.len != MANIFEST_SIG_LEN)
			return false;
	return true;
}

struct err document_encode(const struct document *doc, struct buf *out)
{
	if (!within_caps(doc))
		return err_make(ERR_TOO_LARGE, "a document beyond a cap");
	buf_put_u8(out, FORM);
	record_put_doc_id(out, doc->id);
	record_put_nation(out, doc->home);
	docid_opening_encode(&doc->opening, out);
	buf_put_u64(out, doc->first_time);
	buf_put_u8(out, (uint8_t)doc->state);
	buf_put_u64(out, doc->condition);
	buf_put_u64(out, doc->slot);
	buf_put_u8(out, (uint8_t)doc->heads_count);
	for (size_t i = 0; i < doc->heads_count; i++)
		put_head(out, &doc->heads[i]);
	buf_put_u16(out, (uint16_t)doc->statements_count);
	for (size_t i = 0; i < doc->statements_count; i++)
		put_statement(out, doc, &doc->statements[i]);
	buf_put_u16(out, (uint16_t)doc->rows_count);
	for (size_t i = 0; i < doc->rows_count; i++) {
		buf_put_u32(out, doc->rows[i].shelf);
		buf_put_u8(out, doc->rows[i].gone);
		buf_put_u64(out, doc->rows[i].seq.n);
		if (doc->rows[i].gone)
			buf_put_u64(out, doc->rows[i].time);
	}
	buf_put_u16(out, (uint16_t)doc->dots_count);
	for (size_t i = 0; i < doc->dots_count; i++) {
		record_put_replica(out, doc->dots[i].replica);
		buf_put_u64(out, doc->dots[i].counter);
	}
	buf_put_u16(out, (uint16_t)doc->serials_count);
	for (size_t i = 0; i < doc->serials_count; i++) {
		record_put_key_id(out, doc->serials[i].author);
		buf_put_u64(out, doc->serials[i].serial);
	}
	record_put_long(out, doc->content);
	if (out->len > DOCUMENT_RECORD_MAX)
		return err_make(ERR_TOO_LARGE, "a document beyond its cap");
	return buf_check(out);
}

/* ---- decode: `r->bad` is asked once at the end of each part ---- */

/* A count within its cap, and an array for it. */
static void *read_array(struct span_reader *r, struct arena *a, size_t count,
			size_t max, size_t size)
{
	void *at;

	if (count > max)
		r->bad = true;
	if (r->bad || count == 0)
		return NULL;
	at = arena_array(a, count, size);
	if (!at)
		r->bad = true;
	return at;
}

static const struct digest *read_digests(struct span_reader *r, struct arena *a,
					 size_t count, size_t max)
{
	struct digest *d = read_array(r, a, count, max, sizeof(*d));

	for (size_t i = 0; d && i < count; i++)
		d[i] = record_read_digest(r);
	return d;
}

static void read_seal(struct span_reader *r, struct document_seal *s)
{
	s->dot.replica = record_read_replica(r);
	s->dot.counter = span_read_u64(r);
	s->context = span_read_var(r);
	s->statements_count = span_read_u8(r);
	if (s->statements_count > SEAL_STATEMENTS_MAX)
		r->bad = true;
	for (size_t i = 0; !r->bad && i < s->statements_count; i++)
		s->statements[i] = span_read_u64(r);
	s->group = span_read_u64(r);
	if (s->group)
		s->leaf = span_read_u16(r);
	else
		s->blob = span_read_var(r);
}

static void read_keys(struct span_reader *r, struct arena *a,
		      struct document_head *h)
{
	h->keys_count = span_read_u8(r);
	h->keys = read_array(r, a, h->keys_count, MANIFEST_KEYS_MAX,
			     sizeof(*h->keys));
	for (size_t i = 0; !r->bad && i < h->keys_count; i++) {
		uint8_t present;

		h->keys[i].commitment = record_read_digest(r);
		present = span_read_u8(r);
		if (present > 1)
			r->bad = true;
		h->keys[i].present = present;
		if (present)
			span_read_into(r, h->keys[i].wrapped,
				       CRYPTO_WRAPPED_LEN);
	}
}

static void read_evidence(struct span_reader *r, struct arena *a,
			  struct document_head *h)
{
	h->evidence_count = span_read_u8(r);
	h->evidence = read_array(r, a, h->evidence_count, VERSION_EVIDENCE_MAX,
				 sizeof(*h->evidence));
	for (size_t i = 0; !r->bad && i < h->evidence_count; i++) {
		h->evidence[i].digest = record_read_digest(r);
		h->evidence[i].author = record_read_key_id(r);
		h->evidence[i].blob = span_read_var(r);
	}
}

static void read_standing(struct span_reader *r, struct document_head *h)
{
	h->bases_count = span_read_u8(r);
	if (h->bases_count > DOCUMENT_STANDS_MAX)
		r->bad = true;
	for (size_t i = 0; !r->bad && i < h->bases_count; i++)
		h->bases[i] = span_read_u64(r);
	h->stands_count = span_read_u8(r);
	if (h->stands_count > DOCUMENT_STANDS_MAX)
		r->bad = true;
	for (size_t i = 0; !r->bad && i < h->stands_count; i++)
		h->stands[i] = span_read_u16(r);
	h->shelf = span_read_u32(r);
}

static void read_head(struct span_reader *r, struct arena *a,
		      struct document_head *h)
{
	uint8_t flags, place;

	h->digest = record_read_digest(r);
	h->payload = span_read_var(r);
	h->signature = span_read_raw(r, MANIFEST_SIG_LEN);
	h->author = record_read_key_id(r);
	h->serial = span_read_u64(r);
	h->statement = span_read_u64(r);
	h->label = record_read_digest(r);
	h->size = span_read_u64(r);
	h->table = record_read_digest(r);
	h->priority = span_read_u8(r);
	flags = span_read_u8(r);
	h->must_understand = flags & HEAD_MUST_UNDERSTAND;
	h->parents_count = span_read_u8(r);
	h->parents = read_digests(r, a, h->parents_count, MANIFEST_PARENTS_MAX);
	h->seals_count = span_read_u8(r);
	h->seals = read_array(r, a, h->seals_count, DOCUMENT_SEALS_MAX,
			      sizeof(*h->seals));
	for (size_t i = 0; !r->bad && i < h->seals_count; i++)
		read_seal(r, &h->seals[i]);
	read_evidence(r, a, h);
	h->from = record_read_nation(r);
	read_standing(r, h);
	read_keys(r, a, h);
	place = span_read_u8(r);
	h->place = place;
	if (flags & ~HEAD_MUST_UNDERSTAND || h->seals_count == 0 ||
	    place > DOCUMENT_CONTENT_ABSENT)
		r->bad = true;
}

static void read_statement(struct span_reader *r, struct arena *a,
			   const struct document *doc,
			   struct document_statement *s)
{
	const struct document_head *head;
	uint8_t flags;

	s->number = span_read_u64(r);
	s->kind = span_read_u8(r);
	flags = span_read_u8(r);
	s->evaluable = flags & STATEMENT_EVALUABLE;
	s->digest = record_read_digest(r);
	s->label = record_read_digest(r);
	s->author = record_read_key_id(r);
	head = s->number == 1 ? document_head(doc, s->digest) : NULL;
	if (!(flags & STATEMENT_IS_HEAD) != !head)
		r->bad = true;
	if (r->bad)
		return;
	if (head) {
		s->payload = head->payload;
		s->signature = head->signature;
		s->seal = head->seals[0];
	} else {
		s->payload = span_read_var(r);
		s->signature = span_read_raw(r, MANIFEST_SIG_LEN);
		read_seal(r, &s->seal);
	}
	s->heads_count = span_read_u8(r);
	s->heads = read_digests(r, a, s->heads_count, STATEMENT_HEADS_MAX);
	s->from = record_read_nation(r);
	if (s->number == 0 || s->kind < STATEMENT_LABEL ||
	    s->kind > STATEMENT_RECALL ||
	    flags & ~(STATEMENT_EVALUABLE | STATEMENT_IS_HEAD))
		r->bad = true;
}

static void read_lists(struct span_reader *r, struct arena *a,
		       struct document *doc)
{
	uint8_t gone;

	doc->rows_count = span_read_u16(r);
	doc->rows = read_array(r, a, doc->rows_count, DOCUMENT_ROWS_MAX,
			       sizeof(*doc->rows));
	for (size_t i = 0; !r->bad && i < doc->rows_count; i++) {
		doc->rows[i].shelf = span_read_u32(r);
		gone = span_read_u8(r);
		doc->rows[i].gone = gone;
		doc->rows[i].seq.n = span_read_u64(r);
		if (gone)
			doc->rows[i].time = span_read_u64(r);
		if (gone > 1)
			r->bad = true;
	}
	doc->dots_count = span_read_u16(r);
	doc->dots = read_array(r, a, doc->dots_count, DOCUMENT_DOTS_MAX,
			       sizeof(*doc->dots));
	for (size_t i = 0; !r->bad && i < doc->dots_count; i++) {
		doc->dots[i].replica = record_read_replica(r);
		doc->dots[i].counter = span_read_u64(r);
	}
	doc->serials_count = span_read_u16(r);
	doc->serials = read_array(r, a, doc->serials_count,
				  DOCUMENT_SERIALS_MAX, sizeof(*doc->serials));
	for (size_t i = 0; !r->bad && i < doc->serials_count; i++) {
		doc->serials[i].author = record_read_key_id(r);
		doc->serials[i].serial = span_read_u64(r);
	}
}

static bool opening_read(struct span_reader *r, struct opening *out)
{
	out->space = span_read_var(r);
	out->author = record_read_key_id(r);
	span_read_into(r, out->salt, DOCID_SALT_LEN);
	return !r->bad && out->space.len <= SPACE_NAME_MAX;
}

/* Indices lie inside, and one head at most is placed inline. */
static bool consistent(const struct document *doc)
{
	size_t inlined = 0;

	for (size_t i = 0; i < doc->heads_count; i++) {
		const struct document_head *h = &doc->heads[i];

		inlined += h->place == DOCUMENT_CONTENT_INLINE;
		for (size_t j = 0; j < h->stands_count; j++)
			if (h->stands[j] >= doc->statements_count)
				return false;
	}
	return inlined == (doc->content.len > 0);
}

struct err document_decode(struct span record, struct arena *arena,
			   struct document *out)
{
	struct span_reader r = span_read(record);
	struct document doc = {0};
	uint8_t state;

	if (span_read_u8(&r) != FORM)
		return corrupt();
	doc.id = record_read_doc_id(&r);
	doc.home = record_read_nation(&r);
	if (!opening_read(&r, &doc.opening))
		return corrupt();
	doc.first_time = span_read_u64(&r);
	state = span_read_u8(&r);
	doc.state = state;
	doc.condition = span_read_u64(&r);
	doc.slot = span_read_u64(&r);
	doc.heads_count = span_read_u8(&r);
	doc.heads = read_array(&r, arena, doc.heads_count, DOCUMENT_HEADS_MAX,
			       sizeof(*doc.heads));
	for (size_t i = 0; !r.bad && i < doc.heads_count; i++)
		read_head(&r, arena, &doc.heads[i]);
	doc.statements_count = span_read_u16(&r);
	doc.statements =
		read_array(&r, arena, doc.statements_count,
			   DOCUMENT_STATEMENTS_MAX, sizeof(*doc.statements));
	for (size_t i = 0; !r.bad && i < doc.statements_count; i++)
		read_statement(&r, arena, &doc, &doc.statements[i]);
	read_lists(&r, arena, &doc);
	doc.content = record_read_long(&r);
	if (arena->full)
		return err_make(ERR_NO_MEMORY, "no memory for a document");
	if (!span_read_done(&r) || state < DOCUMENT_LIVE ||
	    state > DOCUMENT_WITHDRAWN ||
	    doc.content.len > DOCUMENT_INLINE_MAX || !consistent(&doc))
		return corrupt();
	*out = doc;
	return ERR_NONE;
}
