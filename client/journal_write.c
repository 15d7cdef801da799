/* A record's plaintext: operations, written. */
#include "client/journal_state.h"

static void put_long(struct buf *b, struct span bytes)
{
	buf_put_u32(b, (uint32_t)bytes.len);
	buf_put(b, bytes);
}

static void put_digests(struct buf *b, const struct digest *list, size_t n)
{
	buf_put_u16(b, (uint16_t)n);
	for (size_t i = 0; i < n; i++)
		buf_put(b, SPAN_OBJ(list[i].at));
}

void journal_write_document(struct buf *b, const struct journal_document *d)
{
	buf_put_u8(b, JOURNAL_DOCUMENT);
	buf_put(b, SPAN_OBJ(d->id.at));
	buf_put(b, span_of(d->home.code, NATION_LEN));
	buf_put_var(b, d->opening.space);
	buf_put(b, SPAN_OBJ(d->opening.author.at));
	buf_put(b, SPAN_OBJ(d->opening.salt));
	buf_put_u64(b, d->number);
	put_digests(b, d->digests, d->digests_count);
	buf_put_u8(b, d->has_label);
	buf_put(b, SPAN_OBJ(d->label.at));
	buf_put_u16(b, (uint16_t)d->heads_count);
	for (size_t i = 0; i < d->heads_count; i++) {
		const struct journal_head *h = &d->heads[i];

		buf_put(b, SPAN_OBJ(h->digest.at));
		buf_put_var(b, h->manifest);
		buf_put_var(b, h->seal);
		buf_put(b, span_of(h->dot.replica.nation.code, NATION_LEN));
		buf_put_u64(b, h->dot.replica.number);
		buf_put_u64(b, h->dot.counter);
		buf_put(b, SPAN_OBJ(h->shelf.at));
		buf_put_u64(b, h->content);
		buf_put_u8(b, (uint8_t)(h->winner | h->verified << 1));
	}
}

void journal_write_shelf(struct buf *b, const struct journal_shelf *s)
{
	buf_put_u8(b, JOURNAL_SHELF);
	buf_put(b, SPAN_OBJ(s->shelf.at));
	buf_put_var(b, s->space);
	buf_put_u64(b, s->condition);
	put_digests(b, s->labels, s->labels_count);
}

void journal_write_digest(struct buf *b, enum journal_op op, struct digest d)
{
	buf_put_u8(b, (uint8_t)op);
	buf_put(b, SPAN_OBJ(d.at));
}

void journal_write_text(struct buf *b, enum journal_op op, struct span text)
{
	buf_put_u8(b, (uint8_t)op);
	buf_put_var(b, text);
}

void journal_write_number(struct buf *b, enum journal_op op, uint64_t n)
{
	buf_put_u8(b, (uint8_t)op);
	buf_put_u64(b, n);
}

void journal_write_key(struct buf *b, const struct journal_key *k)
{
	buf_put_u8(b, JOURNAL_KEY);
	buf_put(b, SPAN_OBJ(k->document.at));
	buf_put(b, SPAN_OBJ(k->commitment.at));
	buf_put(b, SPAN_OBJ(k->key));
	buf_put_u64(b, k->until);
}

void journal_write_key_drop(struct buf *b, struct doc_id document,
			    struct digest commitment)
{
	buf_put_u8(b, JOURNAL_KEY_DROP);
	buf_put(b, SPAN_OBJ(document.at));
	buf_put(b, SPAN_OBJ(commitment.at));
}

void journal_write_author(struct buf *b, const struct journal_author *a)
{
	buf_put_u8(b, JOURNAL_AUTHOR);
	buf_put(b, SPAN_OBJ(a->id.at));
	buf_put_var(b, span_of(a->spki, a->spki_len));
}

void journal_write_label(struct buf *b, const struct journal_label *l)
{
	buf_put_u8(b, JOURNAL_LABEL);
	buf_put(b, SPAN_OBJ(l->digest.at));
	put_long(b, l->xml);
	put_long(b, l->color);
	put_long(b, l->marking);
}

void journal_write_outgoing(struct buf *b, const struct journal_outgoing *o)
{
	bool over = !digest_eq(o->parent, (struct digest){0});

	buf_put_u8(b, JOURNAL_OUTGOING);
	buf_put(b, SPAN_OBJ(o->digest.at));
	buf_put(b, SPAN_OBJ(o->document.at));
	buf_put_u8(b, (uint8_t)(o->statement | o->beside << 1 | o->create << 2 |
				o->upload << 3 | over << 4));
	buf_put(b, SPAN_OBJ(o->base.at));
	buf_put(b, SPAN_OBJ(o->table.at));
	buf_put_u64(b, o->size);
	if (over)
		buf_put(b, SPAN_OBJ(o->parent.at));
	put_long(b, o->location);
	put_long(b, o->body);
}

void journal_write_file(struct buf *b, const struct journal_file *f)
{
	buf_put_u8(b, JOURNAL_FILE);
	buf_put_var(b, f->name);
	buf_put(b, SPAN_OBJ(f->document.at));
	buf_put(b, SPAN_OBJ(f->revision.at));
	buf_put(b, SPAN_OBJ(f->plain.at));
}

void journal_write_serial(struct buf *b, const struct journal_serial *s)
{
	buf_put_u8(b, JOURNAL_SERIAL);
	buf_put(b, SPAN_OBJ(s->document.at));
	buf_put_u64(b, s->serial);
}
