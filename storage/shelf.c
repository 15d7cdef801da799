/* Shelves: rows, the memory index, names. */
#include <stdatomic.h>
#include <stdlib.h>

#include "proto/base/buf.h"
#include "proto/crypto/domain.h"
#include "proto/crypto/crypto.h"
#include "storage/faults.h"
#include "storage/record.h"
#include "storage/shelf.h"

enum {
	CHUNK = 1024, /* entries that are allocated at once and never move */
	CHUNKS = SHELF_MAX / CHUNK + 1,
	ROW_MAX = 2 + SPACE_NAME_MAX + 2 + SHELF_LABELS_MAX * DIGEST_LEN + 16,
};

static const char sequence_counter[] = "feed";
static const char number_counter[] = "shelves";

struct entry {
	struct shelf_row row;
	_Atomic uint64_t last;
	_Atomic uint64_t floor;
};

struct shelf_index {
	_Atomic(struct entry *) chunks[CHUNKS];
	_Atomic uint32_t count;	   /* numbers ever given */
	_Atomic uint64_t sequence; /* the last given */
};

static struct entry *entry_of(const struct shelf_index *index, uint32_t number)
{
	struct entry *chunk;

	if (number == SHELF_NONE ||
	    number > atomic_load_explicit(&index->count, memory_order_acquire))
		return NULL;
	chunk = atomic_load_explicit(&index->chunks[number / CHUNK],
				     memory_order_acquire);
	if (!chunk || chunk[number % CHUNK].row.number != number)
		return NULL;
	return &chunk[number % CHUNK];
}

/* Room for an entry; the writer alone, or while opening. */
static struct err entry_make(struct shelf_index *index, uint32_t number,
			     struct entry **out)
{
	struct entry *chunk;

	if (number > SHELF_MAX)
		return err_make(ERR_TOO_LARGE, "too many shelves");
	chunk = atomic_load(&index->chunks[number / CHUNK]);
	if (!chunk) {
		chunk = calloc(CHUNK, sizeof(*chunk));
		if (!chunk)
			return err_make(ERR_NO_MEMORY, "no memory for shelves");
		atomic_store_explicit(&index->chunks[number / CHUNK], chunk,
				      memory_order_release);
	}
	*out = &chunk[number % CHUNK];
	return ERR_NONE;
}

const struct shelf_row *shelf_get(const struct shelf_index *index,
				  uint32_t number)
{
	const struct entry *entry = entry_of(index, number);

	return entry ? &entry->row : NULL;
}

bool shelf_row_has_label(const struct shelf_row *row, struct digest label)
{
	bool has = false;

	for (size_t i = 0; i < row->labels_count; i++)
		has |= digest_eq(row->labels[i], label);
	return has;
}

struct seq shelf_last(const struct shelf_index *index, uint32_t number)
{
	const struct entry *e = entry_of(index, number);

	return (struct seq){
		e ? atomic_load_explicit(&e->last, memory_order_acquire) : 0};
}

struct seq shelf_floor(const struct shelf_index *index, uint32_t number)
{
	const struct entry *e = entry_of(index, number);

	return (struct seq){
		e ? atomic_load_explicit(&e->floor, memory_order_acquire) : 0};
}

/* ---- rows ---- */

static void row_encode(const struct shelf_row *row, uint64_t floor,
		       struct buf *b)
{
	buf_put_var(b, span_of(row->space, row->space_len));
	buf_put_u16(b, (uint16_t)row->labels_count);
	for (size_t i = 0; i < row->labels_count; i++)
		record_put_digest(b, row->labels[i]);
	buf_put_u64(b, row->condition);
	buf_put_u64(b, floor);
}

static struct err row_decode(struct span value, struct shelf_row *row,
			     uint64_t *floor)
{
	struct span_reader r = span_read(value);
	struct span space = span_read_var(&r);
	size_t count = span_read_u16(&r);
	struct err e;

	if (space.len > SPACE_NAME_MAX || count > SHELF_LABELS_MAX)
		return err_make(ERR_CORRUPT, "a shelf is malformed");
	memcpy(row->space, space.at, space.len);
	row->space[space.len] = 0;
	row->space_len = (uint8_t)space.len;
	row->labels_count = count;
	for (size_t i = 0; i < count; i++)
		row->labels[i] = record_read_digest(&r);
	row->condition = span_read_u64(&r);
	*floor = span_read_u64(&r);
	e = record_read_end(&r, "a shelf is malformed");
	if (failed(e))
		return e;
	return shelf_row_name(space, row->labels, count, row->condition,
			      &row->name);
}

static struct err row_put(struct txn *txn, const struct shelf_row *row,
			  uint64_t floor)
{
	struct buf b;
	struct err e;

	buf_init(&b, ROW_MAX);
	row_encode(row, floor, &b);
	e = buf_check(&b);
	if (!failed(e))
		e = txn_put(txn, TABLE_SHELVES, key_shelf(row->number),
			    buf_span(&b));
	buf_clear(&b);
	return e;
}

struct err shelf_row_name(struct span space, const struct digest *labels,
			  size_t count, uint64_t condition, struct digest *out)
{
	struct buf b;
	struct err e;

	buf_init(&b, ROW_MAX + 64);
	encode_domain(&b, DOMAIN_SHELF);
	buf_put_var(&b, space);
	buf_put_u16(&b, (uint16_t)count);
	for (size_t i = 0; i < count; i++)
		record_put_digest(&b, labels[i]);
	buf_put_u64(&b, condition);
	e = buf_check(&b);
	if (!failed(e))
		e = crypto_sha256(buf_span(&b), out);
	buf_clear(&b);
	return e;
}

/* ---- open ---- */

/* The last sequence on a shelf, from the feed itself. */
static struct err last_of(struct txn *txn, uint32_t number, uint64_t *out)
{
	struct txn_cursor *c = NULL;
	struct txn_row row;
	struct seq seq = {0};
	uint32_t shelf;
	struct err e;

	e = txn_cursor_open(txn, TABLE_FEED, key_feed_shelf(number), &c);
	if (!failed(e))
		e = txn_cursor_last(c, &row);
	if (!failed(e))
		e = key_feed_decode(row.key, &shelf, &seq);
	txn_cursor_close(c);
	if (failed(e) && e.code != ERR_NOT_FOUND)
		return e;
	*out = seq.n;
	return ERR_NONE;
}

static struct err load_row(struct txn *txn, struct shelf_index *index,
			   const struct txn_row *row)
{
	struct span_reader r = span_read(row->key);
	struct entry *entry;
	uint64_t floor, last;
	uint32_t number;
	struct err e;

	span_read_u8(&r);
	number = span_read_u32(&r);
	e = record_read_end(&r, "a shelf's key is malformed");
	if (failed(e) || number == SHELF_NONE)
		return err_make(ERR_CORRUPT, "a shelf's key is malformed");
	e = entry_make(index, number, &entry);
	if (failed(e))
		return e;
	e = row_decode(row->value, &entry->row, &floor);
	if (!failed(e))
		e = last_of(txn, number, &last);
	if (failed(e))
		return e;
	entry->row.number = number;
	atomic_store(&entry->floor, floor);
	atomic_store(&entry->last, FAULT(last_unloaded) ? 0 : last);
	if (last > atomic_load(&index->sequence))
		atomic_store(&index->sequence, last);
	if (number > atomic_load(&index->count))
		atomic_store(&index->count, number);
	return ERR_NONE;
}

struct err shelf_index_open(struct store *store, struct shelf_index **out)
{
	struct shelf_index *index = calloc(1, sizeof(*index));
	struct txn_cursor *c = NULL;
	struct txn *txn = NULL;
	struct txn_row row;
	struct seq seq;
	uint32_t count;
	struct err e;

	if (!index)
		return err_make(ERR_NO_MEMORY, "no memory for shelves");
	e = txn_begin_read(store, STORE_RECORDS, &txn);
	if (failed(e))
		goto out;
	e = shelf_sequence(txn, &seq);
	if (!failed(e))
		e = shelf_count(txn, &count);
	if (failed(e))
		goto out;
	atomic_store(&index->sequence, seq.n);
	atomic_store(&index->count, count);
	e = txn_cursor_open(txn, TABLE_SHELVES, key_of_kind(KEY_SHELF_NUMBER),
			    &c);
	while (!failed(e)) {
		e = txn_cursor_next(c, &row);
		if (!failed(e))
			e = load_row(txn, index, &row);
	}
	if (e.code != ERR_NOT_FOUND)
		goto out;
	e = ERR_NONE;
	*out = index;
	index = NULL;
out:
	txn_cursor_close(c);
	txn_abort(&txn);
	shelf_index_close(index);
	return e;
}

void shelf_index_close(struct shelf_index *index)
{
	if (!index)
		return;
	for (size_t i = 0; i < CHUNKS; i++)
		free(atomic_load(&index->chunks[i]));
	free(index);
}

/* ---- numbers ---- */

struct err shelf_count(struct txn *txn, uint32_t *out)
{
	uint64_t n;
	struct err e = txn_counter(txn, number_counter, &n);

	if (failed(e))
		return e;
	if (n > SHELF_MAX)
		return err_make(ERR_CORRUPT, "a counter is out of range");
	*out = (uint32_t)n;
	return ERR_NONE;
}

struct err shelf_by_name(struct txn *txn, struct digest name, uint32_t *number)
{
	struct span_reader r;
	struct span value;
	uint32_t n;
	struct err e;

	e = txn_get(txn, TABLE_SHELVES, key_shelf_name(name), &value);
	if (failed(e))
		return e;
	r = span_read(value);
	n = span_read_u32(&r);
	e = record_read_end(&r, "a shelf's name is malformed");
	if (!failed(e))
		*number = n;
	return e;
}

/* Sorts and drops doubles; the new count, or 0 if they are too many. */
static size_t labels_normalise(const struct digest *labels, size_t count,
			       struct digest out[SHELF_LABELS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		size_t at = 0;

		while (at < n && digest_cmp(out[at], labels[i]) < 0)
			at++;
		if (at < n && digest_eq(out[at], labels[i]))
			continue;
		if (n == SHELF_LABELS_MAX)
			return 0;
		memmove(&out[at + 1], &out[at], (n - at) * sizeof(out[0]));
		out[at] = labels[i];
		n++;
	}
	return n;
}

static struct err shelf_make(struct txn *txn, struct shelf_index *index,
			     const struct shelf_row *draft, uint32_t *number)
{
	struct entry *entry;
	uint8_t at[4];
	uint32_t n, known;
	struct err e;

	/* Never a number that was given before, even by an aborted
	 * transaction: a reader may have decided over what it named. */
	e = shelf_count(txn, &n);
	if (failed(e))
		return e;
	known = atomic_load(&index->count);
	n = (n > known ? n : known) + 1;
	e = entry_make(index, n, &entry);
	if (failed(e))
		return e;
	entry->row = *draft;
	entry->row.number = n;
	atomic_store_explicit(&index->count, n, memory_order_release);
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(n >> (24 - 8 * i));
	e = row_put(txn, &entry->row, 0);
	if (!failed(e))
		e = txn_put(txn, TABLE_SHELVES, key_shelf_name(draft->name),
			    SPAN_OBJ(at));
	for (size_t i = 0; !failed(e) && i < draft->labels_count; i++)
		e = txn_put(txn, TABLE_SHELVES,
			    key_shelf_label(draft->labels[i], n),
			    span_of(at, 0));
	if (!failed(e))
		e = txn_counter_set(txn, number_counter, n);
	if (!failed(e))
		*number = n;
	return e;
}

/* The row that such a shelf has, but for its number. */
static struct err draft_of(struct span space, const struct digest *labels,
			   size_t count, uint64_t condition,
			   struct shelf_row *draft)
{
	*draft = (struct shelf_row){.condition = condition};
	if (count == 0 || space.len == 0 || space.len > SPACE_NAME_MAX)
		return err_make(ERR_MALFORMED,
				"a shelf without label or space");
	draft->labels_count = labels_normalise(labels, count, draft->labels);
	if (draft->labels_count == 0)
		return err_make(ERR_TOO_LARGE, "a shelf of too many labels");
	memcpy(draft->space, space.at, space.len);
	draft->space_len = (uint8_t)space.len;
	return shelf_row_name(space, draft->labels, draft->labels_count,
			      condition, &draft->name);
}

struct err shelf_intern(struct txn *txn, struct shelf_index *index,
			struct span space, const struct digest *labels,
			size_t count, uint64_t condition, uint32_t *number)
{
	struct shelf_row draft;
	struct err e = draft_of(space, labels, count, condition, &draft);

	if (failed(e))
		return e;
	e = shelf_by_name(txn, draft.name, number);
	if (e.code != ERR_NOT_FOUND)
		return e;
	return shelf_make(txn, index, &draft, number);
}

struct err shelf_find(struct txn *txn, struct span space,
		      const struct digest *labels, size_t count,
		      uint64_t condition, uint32_t *number)
{
	struct shelf_row draft;
	struct err e = draft_of(space, labels, count, condition, &draft);

	return failed(e) ? e : shelf_by_name(txn, draft.name, number);
}

struct err shelf_of_label_next(struct txn *txn, struct digest label,
			       uint32_t *number)
{
	struct txn_cursor *c = NULL;
	struct span_reader r;
	struct txn_row row;
	struct err e;

	if (*number == UINT32_MAX)
		return err_make(ERR_NOT_FOUND, "no more shelves");
	e = txn_cursor_open(txn, TABLE_SHELVES, key_shelf_label_prefix(label),
			    &c);
	if (!failed(e))
		e = txn_cursor_seek(c, key_shelf_label(label, *number + 1),
				    &row);
	if (!failed(e)) {
		r = span_read(span_sub(row.key, row.key.len - 4, 4));
		*number = span_read_u32(&r);
	}
	txn_cursor_close(c);
	return e;
}

/* ---- sequences and floors ---- */

struct seq shelf_next_seq(struct shelf_index *index, uint32_t number)
{
	uint64_t n = atomic_fetch_add(&index->sequence, 1) + 1;
	struct entry *entry = entry_of(index, number);

	if (entry && !FAULT(last_unraised))
		atomic_store_explicit(&entry->last, n, memory_order_release);
	return (struct seq){n};
}

struct err shelf_sequence(struct txn *txn, struct seq *out)
{
	return txn_counter(txn, sequence_counter, &out->n);
}

struct err shelf_sequence_put(struct txn *txn, struct shelf_index *index)
{
	return txn_counter_set(txn, sequence_counter,
			       atomic_load(&index->sequence));
}

struct err shelf_raise_floor(struct txn *txn, struct shelf_index *index,
			     uint32_t number, struct seq floor)
{
	struct entry *entry = entry_of(index, number);

	if (!entry)
		return err_make(ERR_CORRUPT, "a row on an unknown shelf");
	if (floor.n <= atomic_load(&entry->floor) || FAULT(floor_unraised))
		return ERR_NONE;
	atomic_store_explicit(&entry->floor, floor.n, memory_order_release);
	return row_put(txn, &entry->row, floor.n);
}
