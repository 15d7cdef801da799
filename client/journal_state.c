/* The journal's memory, and the operations that change it. */
#include "client/journal_state.h"

#include <stdlib.h>

/* ---- sorted lists of structs whose first bytes are their key ---- */

static bool list_find(const void *base, size_t count, size_t size,
		      const void *key, size_t key_len, size_t *at)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = memcmp((const char *)base + mid * size, key, key_len);

		if (c == 0) {
			*at = mid;
			return true;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*at = low;
	return false;
}

/* A zeroed place at `at`; NULL without memory.  Room doubles at powers of
 * two. */
static void *list_insert(void **base, size_t *count, size_t size, size_t at)
{
	size_t n = *count;
	char *moved = *base;

	if ((n & (n - 1)) == 0) {
		moved = realloc(*base, (n ? 2 * n : 1) * size);
		if (!moved)
			return NULL;
		*base = moved;
	}
	memmove(moved + (at + 1) * size, moved + at * size, (n - at) * size);
	memset(moved + at * size, 0, size);
	*count = n + 1;
	return moved + at * size;
}

static void list_remove(void *base, size_t *count, size_t size, size_t at)
{
	char *b = base;

	memmove(b + at * size, b + (at + 1) * size, (*count - at - 1) * size);
	*count -= 1;
	wipe(b + *count * size, size);
}

/* ---- finding ---- */

#define FIND(list, key, len)                                                   \
	size_t at;                                                             \
	return list_find(j->list, j->list##_count, sizeof(*j->list), key, len, \
			 &at)                                                  \
		       ? &j->list[at]                                          \
		       : NULL

const struct journal_document *journal_find_document(const struct journal *j,
						     struct doc_id id)
{
	FIND(documents, id.at, DOC_ID_LEN);
}

const struct journal_shelf *journal_find_shelf(const struct journal *j,
					       struct digest shelf)
{
	FIND(shelves, shelf.at, DIGEST_LEN);
}

const struct journal_author *journal_find_author(const struct journal *j,
						 struct key_id id)
{
	FIND(authors, id.at, DIGEST_LEN);
}

const struct journal_label *journal_find_label(const struct journal *j,
					       struct digest digest)
{
	FIND(labels, digest.at, DIGEST_LEN);
}

enum { KEY_NAME_LEN = DOC_ID_LEN + DIGEST_LEN };

static void key_name(struct doc_id document, struct digest commitment,
		     uint8_t out[KEY_NAME_LEN])
{
	memcpy(out, document.at, DOC_ID_LEN);
	memcpy(out + DOC_ID_LEN, commitment.at, DIGEST_LEN);
}

const struct journal_key *journal_find_key(const struct journal *j,
					   struct doc_id document,
					   struct digest commitment)
{
	uint8_t name[KEY_NAME_LEN];

	key_name(document, commitment, name);
	FIND(keys, name, KEY_NAME_LEN);
}

uint64_t journal_serial_of(const struct journal *j, struct doc_id document)
{
	size_t at;

	return list_find(j->serials, j->serials_count, sizeof(*j->serials),
			 document.at, DOC_ID_LEN, &at)
		       ? j->serials[at].serial
		       : 0;
}

const struct journal_outgoing *journal_find_outgoing(const struct journal *j,
						     struct digest digest)
{
	for (size_t i = 0; i < j->outgoing_count; i++)
		if (digest_eq(j->outgoing[i].digest, digest))
			return &j->outgoing[i];
	return NULL;
}

const struct journal_file *journal_find_file(const struct journal *j,
					     struct span name)
{
	for (size_t i = 0; i < j->files_count; i++)
		if (span_eq(j->files[i].name, name))
			return &j->files[i];
	return NULL;
}

const struct journal_head *journal_find_head(const struct journal_document *d,
					     struct digest digest)
{
	for (size_t i = 0; i < d->heads_count; i++)
		if (digest_eq(d->heads[i].digest, digest))
			return &d->heads[i];
	return NULL;
}

const struct journal_head *journal_winner(const struct journal_document *d)
{
	for (size_t i = 0; i < d->heads_count; i++)
		if (d->heads[i].winner)
			return &d->heads[i];
	return d->heads_count ? &d->heads[0] : NULL;
}

/* ---- reading operations ---- */

static struct span read_long(struct span_reader *r)
{
	return span_read_raw(r, span_read_u32(r));
}

/* An operation's variable bytes move into one block that its struct owns. */
struct block {
	uint8_t *at;
	size_t used, room;
};

static bool block_new(struct block *b, size_t room)
{
	*b = (struct block){malloc(room ? room : 1), 0, room};
	return b->at != NULL;
}

static struct span block_put(struct block *b, struct span bytes)
{
	uint8_t *to = b->at + b->used;

	if (bytes.len == 0 || bytes.len > b->room - b->used)
		return (struct span){0};
	memcpy(to, bytes.at, bytes.len);
	b->used += bytes.len;
	return span_of(to, bytes.len);
}

static const struct err no_memory = {ERR_NO_MEMORY, "the journal"};
static const struct err corrupt = {ERR_CORRUPT, "a journal record"};

static void drop_keys(struct journal *j, struct doc_id document)
{
	uint8_t first[KEY_NAME_LEN];
	size_t at;

	/* The first that is not less: all keys of the document follow. */
	key_name(document, (struct digest){0}, first);
	(void)list_find(j->keys, j->keys_count, sizeof(*j->keys), first,
			KEY_NAME_LEN, &at);
	while (at < j->keys_count && doc_id_eq(j->keys[at].document, document))
		list_remove(j->keys, &j->keys_count, sizeof(*j->keys), at);
}

static void drop_document(struct journal *j, size_t at)
{
	drop_keys(j, j->documents[at].id);
	free(j->documents[at].block);
	list_remove(j->documents, &j->documents_count, sizeof(*j->documents),
		    at);
}

static void read_head(struct span_reader *r, struct journal_head *h,
		      struct block *b)
{
	uint8_t flags;

	span_read_into(r, h->digest.at, DIGEST_LEN);
	h->manifest = block_put(b, span_read_var(r));
	h->seal = block_put(b, span_read_var(r));
	span_read_into(r, h->dot.replica.nation.code, NATION_LEN);
	h->dot.replica.number = span_read_u64(r);
	h->dot.counter = span_read_u64(r);
	span_read_into(r, h->shelf.at, DIGEST_LEN);
	h->content = span_read_u64(r);
	flags = span_read_u8(r);
	h->winner = flags & 1;
	h->verified = flags >> 1 & 1;
}

/* The length of a head's texts; passes over it. */
static size_t skip_head(struct span_reader *r)
{
	size_t len;

	(void)span_read_raw(r, DIGEST_LEN);
	len = span_read_var(r).len;
	len += span_read_var(r).len;
	(void)span_read_raw(r, NATION_LEN + 8 + 8 + DIGEST_LEN + 8 + 1);
	return len;
}

static struct err apply_document(struct journal *j, struct span_reader *r,
				 bool *dropped)
{
	struct journal_document d = {.mark = j->mark};
	struct span space, digests;
	struct span_reader ahead;
	struct block b;
	size_t at, texts;
	void *place;

	span_read_into(r, d.id.at, DOC_ID_LEN);
	span_read_into(r, d.home.code, NATION_LEN);
	space = span_read_var(r);
	span_read_into(r, d.opening.author.at, DIGEST_LEN);
	span_read_into(r, d.opening.salt, DOCID_SALT_LEN);
	d.number = span_read_u64(r);
	d.digests_count = span_read_u16(r);
	digests = span_read_raw(r, d.digests_count * DIGEST_LEN);
	d.has_label = span_read_u8(r);
	span_read_into(r, d.label.at, DIGEST_LEN);
	d.heads_count = span_read_u16(r);
	if (r->bad)
		return corrupt;
	ahead = *r;
	texts = 0;
	for (size_t i = 0; i < d.heads_count; i++)
		texts += skip_head(&ahead);
	if (ahead.bad)
		return corrupt;
	if (!block_new(&b, d.heads_count * sizeof(*d.heads) + digests.len +
				   space.len + texts))
		return no_memory;
	d.block = b.at;
	d.heads = (struct journal_head *)(void *)b.at;
	b.used = d.heads_count * sizeof(*d.heads);
	memset(b.at, 0, b.used);
	d.digests = (struct digest *)(void *)(b.at + b.used);
	(void)block_put(&b, digests);
	d.opening.space = block_put(&b, space);
	for (size_t i = 0; i < d.heads_count; i++)
		read_head(r, &d.heads[i], &b);
	if (r->bad) {
		free(b.at);
		return corrupt;
	}
	if (list_find(j->documents, j->documents_count, sizeof(d), d.id.at,
		      DOC_ID_LEN, &at)) {
		if (d.heads_count == 0) {
			drop_document(j, at);
			free(b.at);
			*dropped = true;
			return ERR_NONE;
		}
		free(j->documents[at].block);
		j->documents[at] = d;
	} else if (d.heads_count == 0) {
		free(b.at);
	} else {
		place = list_insert((void **)&j->documents, &j->documents_count,
				    sizeof(d), at);
		if (!place) {
			free(b.at);
			return no_memory;
		}
		j->documents[at] = d;
	}
	return ERR_NONE;
}

static struct err apply_shelf(struct journal *j, struct span_reader *r)
{
	struct journal_shelf s = {0};
	struct span space, labels;
	struct block b;
	size_t at;

	span_read_into(r, s.shelf.at, DIGEST_LEN);
	space = span_read_var(r);
	s.condition = span_read_u64(r);
	s.labels_count = span_read_u16(r);
	labels = span_read_raw(r, s.labels_count * DIGEST_LEN);
	if (r->bad)
		return corrupt;
	if (!block_new(&b, labels.len + space.len))
		return no_memory;
	s.block = b.at;
	s.labels = (const struct digest *)(const void *)b.at;
	(void)block_put(&b, labels);
	s.space = block_put(&b, space);
	if (list_find(j->shelves, j->shelves_count, sizeof(s), s.shelf.at,
		      DIGEST_LEN, &at)) {
		free(j->shelves[at].block);
	} else if (!list_insert((void **)&j->shelves, &j->shelves_count,
				sizeof(s), at)) {
		free(b.at);
		return no_memory;
	}
	j->shelves[at] = s;
	return ERR_NONE;
}

static void forget(struct journal *j, struct digest shelf, bool *dropped)
{
	for (size_t i = j->documents_count; i-- > 0;) {
		struct journal_document *d = &j->documents[i];
		size_t kept = 0;

		for (size_t k = 0; k < d->heads_count; k++)
			if (!digest_eq(d->heads[k].shelf, shelf))
				d->heads[kept++] = d->heads[k];
		if (kept == d->heads_count)
			continue;
		*dropped = true;
		d->heads_count = kept;
		if (kept == 0)
			drop_document(j, i);
	}
}

static void sweep(struct journal *j, bool *dropped)
{
	for (size_t i = j->documents_count; i-- > 0;)
		if (j->documents[i].mark < j->mark) {
			drop_document(j, i);
			*dropped = true;
		}
}

static struct err apply_key(struct journal *j, struct span_reader *r)
{
	struct journal_key k = {0};
	uint8_t name[KEY_NAME_LEN];
	size_t at;

	span_read_into(r, k.document.at, DOC_ID_LEN);
	span_read_into(r, k.commitment.at, DIGEST_LEN);
	span_read_into(r, k.key, sizeof(k.key));
	k.until = span_read_u64(r);
	key_name(k.document, k.commitment, name);
	if (r->bad)
		return corrupt;
	if (!list_find(j->keys, j->keys_count, sizeof(k), name, KEY_NAME_LEN,
		       &at) &&
	    !list_insert((void **)&j->keys, &j->keys_count, sizeof(k), at))
		return no_memory;
	j->keys[at] = k;
	wipe(&k, sizeof(k));
	return ERR_NONE;
}

static void apply_key_drop(struct journal *j, struct span_reader *r,
			   bool *dropped)
{
	struct span name = span_read_raw(r, KEY_NAME_LEN);
	size_t at;

	if (r->bad || !list_find(j->keys, j->keys_count, sizeof(*j->keys),
				 name.at, KEY_NAME_LEN, &at))
		return;
	list_remove(j->keys, &j->keys_count, sizeof(*j->keys), at);
	*dropped = true;
}

static struct err apply_author(struct journal *j, struct span_reader *r)
{
	struct journal_author a = {0};
	struct span spki;
	size_t at;

	span_read_into(r, a.id.at, DIGEST_LEN);
	spki = span_read_var(r);
	if (r->bad || spki.len > sizeof(a.spki))
		return corrupt;
	memcpy(a.spki, spki.at, spki.len);
	a.spki_len = spki.len;
	if (!list_find(j->authors, j->authors_count, sizeof(a), a.id.at,
		       DIGEST_LEN, &at) &&
	    !list_insert((void **)&j->authors, &j->authors_count, sizeof(a),
			 at))
		return no_memory;
	j->authors[at] = a;
	return ERR_NONE;
}

static struct err apply_label(struct journal *j, struct span_reader *r)
{
	struct journal_label l = {0};
	struct span xml, color, marking;
	struct block b;
	size_t at;

	span_read_into(r, l.digest.at, DIGEST_LEN);
	xml = read_long(r);
	color = read_long(r);
	marking = read_long(r);
	if (r->bad)
		return corrupt;
	if (!block_new(&b, xml.len + color.len + marking.len))
		return no_memory;
	l.block = b.at;
	l.xml = block_put(&b, xml);
	l.color = block_put(&b, color);
	l.marking = block_put(&b, marking);
	if (list_find(j->labels, j->labels_count, sizeof(l), l.digest.at,
		      DIGEST_LEN, &at)) {
		free(j->labels[at].block);
	} else if (!list_insert((void **)&j->labels, &j->labels_count,
				sizeof(l), at)) {
		free(b.at);
		return no_memory;
	}
	j->labels[at] = l;
	return ERR_NONE;
}

static struct err apply_outgoing(struct journal *j, struct span_reader *r)
{
	struct journal_outgoing o = {0};
	struct span location, body;
	struct block b;
	uint8_t flags;
	size_t at = 0;

	span_read_into(r, o.digest.at, DIGEST_LEN);
	span_read_into(r, o.document.at, DOC_ID_LEN);
	flags = span_read_u8(r);
	o.statement = flags & 1;
	o.beside = flags >> 1 & 1;
	o.create = flags >> 2 & 1;
	o.upload = flags >> 3 & 1;
	span_read_into(r, o.base.at, DIGEST_LEN);
	span_read_into(r, o.table.at, DIGEST_LEN);
	o.size = span_read_u64(r);
	if (flags >> 4 & 1)
		span_read_into(r, o.parent.at, DIGEST_LEN);
	location = read_long(r);
	body = read_long(r);
	if (r->bad)
		return corrupt;
	if (!block_new(&b, location.len + body.len))
		return no_memory;
	o.block = b.at;
	o.location = block_put(&b, location);
	o.body = block_put(&b, body);
	while (at < j->outgoing_count &&
	       !digest_eq(j->outgoing[at].digest, o.digest))
		at++;
	if (at < j->outgoing_count) {
		free(j->outgoing[at].block);
	} else if (!list_insert((void **)&j->outgoing, &j->outgoing_count,
				sizeof(o), at)) {
		free(b.at);
		return no_memory;
	}
	j->outgoing[at] = o;
	return ERR_NONE;
}

static void drop_outgoing(struct journal *j, struct digest digest)
{
	for (size_t i = 0; i < j->outgoing_count; i++) {
		if (!digest_eq(j->outgoing[i].digest, digest))
			continue;
		free(j->outgoing[i].block);
		list_remove(j->outgoing, &j->outgoing_count,
			    sizeof(*j->outgoing), i);
		return;
	}
}

/* Where `name` stands among the files, or should. */
static bool find_file(const struct journal *j, struct span name, size_t *at)
{
	size_t i = 0;

	while (i < j->files_count && span_cmp(j->files[i].name, name) < 0)
		i++;
	*at = i;
	return i < j->files_count && span_eq(j->files[i].name, name);
}

static struct err apply_file(struct journal *j, struct span_reader *r)
{
	struct journal_file f = {0};
	struct span name = span_read_var(r);
	struct block b;
	size_t at;

	span_read_into(r, f.document.at, DOC_ID_LEN);
	span_read_into(r, f.revision.at, DIGEST_LEN);
	span_read_into(r, f.plain.at, DIGEST_LEN);
	if (r->bad)
		return corrupt;
	if (!block_new(&b, name.len))
		return no_memory;
	f.block = b.at;
	f.name = block_put(&b, name);
	if (find_file(j, name, &at)) {
		free(j->files[at].block);
	} else if (!list_insert((void **)&j->files, &j->files_count, sizeof(f),
				at)) {
		free(b.at);
		return no_memory;
	}
	j->files[at] = f;
	return ERR_NONE;
}

static void drop_file(struct journal *j, struct span name)
{
	size_t at;

	if (!find_file(j, name, &at))
		return;
	free(j->files[at].block);
	list_remove(j->files, &j->files_count, sizeof(*j->files), at);
}

static struct err apply_serial(struct journal *j, struct span_reader *r)
{
	struct journal_serial s = {0};
	size_t at;

	span_read_into(r, s.document.at, DOC_ID_LEN);
	s.serial = span_read_u64(r);
	if (r->bad)
		return corrupt;
	if (!list_find(j->serials, j->serials_count, sizeof(s), s.document.at,
		       DOC_ID_LEN, &at) &&
	    !list_insert((void **)&j->serials, &j->serials_count, sizeof(s),
			 at))
		return no_memory;
	j->serials[at] = s;
	return ERR_NONE;
}

static struct err apply_cursor(struct journal *j, struct span_reader *r)
{
	struct span text = span_read_var(r);
	char *copy = malloc(text.len + 1);

	if (!copy)
		return no_memory;
	if (text.len)
		memcpy(copy, text.at, text.len);
	copy[text.len] = 0;
	free(j->cursor);
	j->cursor = copy;
	return r->bad ? corrupt : ERR_NONE;
}

static struct err apply_one(struct journal *j, struct span_reader *r,
			    bool *dropped)
{
	struct digest digest;

	switch ((enum journal_op)span_read_u8(r)) {
	case JOURNAL_DOCUMENT:
		return apply_document(j, r, dropped);
	case JOURNAL_SHELF:
		return apply_shelf(j, r);
	case JOURNAL_FORGET:
		span_read_into(r, digest.at, DIGEST_LEN);
		forget(j, digest, dropped);
		return ERR_NONE;
	case JOURNAL_CURSOR:
		return apply_cursor(j, r);
	case JOURNAL_MARK:
		j->mark = span_read_u64(r);
		j->sweeping = j->mark & 1;
		j->mark >>= 1;
		return ERR_NONE;
	case JOURNAL_SWEEP:
		(void)span_read_u64(r);
		sweep(j, dropped);
		j->sweeping = false;
		return ERR_NONE;
	case JOURNAL_KEY:
		return apply_key(j, r);
	case JOURNAL_KEY_DROP:
		apply_key_drop(j, r, dropped);
		return ERR_NONE;
	case JOURNAL_AUTHOR:
		return apply_author(j, r);
	case JOURNAL_LABEL:
		return apply_label(j, r);
	case JOURNAL_OUTGOING:
		return apply_outgoing(j, r);
	case JOURNAL_OUTGOING_DROP:
		span_read_into(r, digest.at, DIGEST_LEN);
		drop_outgoing(j, digest);
		return ERR_NONE;
	case JOURNAL_FILE:
		return apply_file(j, r);
	case JOURNAL_FILE_DROP:
		drop_file(j, span_read_var(r));
		return ERR_NONE;
	case JOURNAL_SERIAL:
		return apply_serial(j, r);
	}
	return corrupt;
}

struct err journal_apply(struct journal *j, struct span ops, bool *dropped)
{
	struct span_reader r = span_read(ops);
	struct err e = ERR_NONE;

	while (!failed(e) && !r.bad && r.left.len > 0)
		e = apply_one(j, &r, dropped);
	return !failed(e) && r.bad ? corrupt : e;
}

#define FREE_BLOCKS(list)                                                      \
	for (size_t i = 0; i < j->list##_count; i++)                           \
		free(j->list[i].block);                                        \
	free(j->list);                                                         \
	j->list = NULL;                                                        \
	j->list##_count = 0

void journal_state_clear(struct journal *j)
{
	FREE_BLOCKS(documents);
	FREE_BLOCKS(shelves);
	FREE_BLOCKS(labels);
	FREE_BLOCKS(outgoing);
	FREE_BLOCKS(files);
	if (j->keys)
		wipe(j->keys, j->keys_count * sizeof(*j->keys));
	free(j->keys);
	free(j->authors);
	free(j->serials);
	free(j->cursor);
	j->keys = NULL;
	j->authors = NULL;
	j->serials = NULL;
	j->cursor = NULL;
	j->keys_count = j->authors_count = j->serials_count = 0;
}
