/* Ticks, ours and others'. */
#include "storage/tick_store.h"

#include "storage/record.h"

static struct key key_break(struct replica of, uint64_t minute,
			    struct digest digest)
{
	struct key k = key_tick(of, minute);

	key_put(&k, SPAN_OBJ(digest));
	return k;
}

static size_t chain_key_len(struct replica of)
{
	struct key k = key_tick(of, 0);

	return k.len;
}

static struct err encode(const struct tick_row *row, struct buf *out)
{
	if (row->witness_count > TICK_WITNESSES_MAX ||
	    row->blob.len > TICK_STORE_BLOB_MAX)
		return err_make(ERR_TOO_LARGE, "ticks: row");
	record_put_long(out, row->blob);
	buf_put_u64(out, row->received);
	buf_put_u8(out, row->own);
	if (row->own) {
		buf_put(out, SPAN_OBJ(row->secret));
		buf_put(out, SPAN_OBJ(row->salt));
		buf_put_u64(out, row->group_first);
		buf_put_u64(out, row->group_last);
		buf_put_u64(out, row->audit);
	}
	buf_put_u16(out, (uint16_t)row->witness_count);
	for (size_t i = 0; i < row->witness_count; i++)
		buf_put_var(out, row->witnesses[i]);
	return buf_check(out);
}

static struct err decode(const struct txn_row *row, struct arena *arena,
			 struct tick_row *out)
{
	struct span_reader k = span_read(row->key), r = span_read(row->value);

	*out = (struct tick_row){.of = record_read_replica(&k),
				 .minute = span_read_u64(&k)};
	out->blob = arena_copy(arena, record_read_long(&r));
	out->received = span_read_u64(&r);
	out->own = span_read_u8(&r) == 1;
	if (out->own) {
		span_read_into(&r, out->secret, sizeof(out->secret));
		span_read_into(&r, out->salt, sizeof(out->salt));
		out->group_first = span_read_u64(&r);
		out->group_last = span_read_u64(&r);
		out->audit = span_read_u64(&r);
	}
	out->witness_count = span_read_u16(&r);
	if (out->witness_count > TICK_WITNESSES_MAX)
		return err_make(ERR_CORRUPT, "ticks: witnesses");
	for (size_t i = 0; i < out->witness_count; i++)
		out->witnesses[i] = arena_copy(arena, span_read_var(&r));
	if (arena->full)
		return arena_check(arena);
	return record_read_end(&r, "ticks");
}

static struct err put(struct txn *txn, struct key key,
		      const struct tick_row *row)
{
	struct buf value;
	struct err e;

	buf_init(&value, TICK_STORE_BLOB_MAX + (32 << 10));
	e = encode(row, &value);
	if (!failed(e))
		e = txn_put(txn, TABLE_TICKS, key, buf_span(&value));
	buf_wipe(&value);
	return e;
}

struct err tick_put(struct txn *txn, const struct tick_row *row)
{
	return put(txn, key_tick(row->of, row->minute), row);
}

struct err tick_get(struct txn *txn, struct replica of, uint64_t minute,
		    struct arena *arena, struct tick_row *out)
{
	struct key key = key_tick(of, minute);
	struct txn_row row = {.key = key_span(&key)};
	struct err e = txn_get(txn, TABLE_TICKS, key, &row.value);

	return failed(e) ? e : decode(&row, arena, out);
}

/* From `from` on or back, the first row of the chain, or of the breaks. */
static struct err walk(struct txn *txn, struct replica of, struct key from,
		       bool back, bool breaks, struct arena *arena,
		       struct digest *digest, struct tick_row *out)
{
	size_t chain = chain_key_len(of);
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e =
		txn_cursor_open(txn, TABLE_TICKS, key_ticks(of), &cursor);

	if (!failed(e))
		e = back ? txn_cursor_seek_before(cursor, from, &row)
			 : txn_cursor_seek(cursor, from, &row);
	while (!failed(e) && (row.key.len != chain) != breaks)
		e = back ? txn_cursor_prev(cursor, &row)
			 : txn_cursor_next(cursor, &row);
	if (!failed(e))
		e = decode(&row, arena, out);
	if (!failed(e) && digest)
		memcpy(digest->at, row.key.at + chain, DIGEST_LEN);
	txn_cursor_close(cursor);
	return e;
}

struct err tick_last(struct txn *txn, struct replica of, struct arena *arena,
		     struct tick_row *out)
{
	return walk(txn, of, key_after_prefix(key_ticks(of)), true, false,
		    arena, NULL, out);
}

struct err tick_next(struct txn *txn, struct replica of, uint64_t minute,
		     struct arena *arena, struct tick_row *out)
{
	return walk(txn, of, key_tick(of, minute + 1), false, false, arena,
		    NULL, out);
}

struct err tick_before(struct txn *txn, struct replica of, uint64_t minute,
		       struct arena *arena, struct tick_row *out)
{
	return walk(txn, of, key_tick(of, minute), true, false, arena, NULL,
		    out);
}

struct err tick_break_next(struct txn *txn, struct replica of,
			   struct arena *arena, struct digest *digest,
			   struct tick_row *out)
{
	struct key from = key_break(of, out->minute, *digest);

	key_put_u8(&from, 0);
	return walk(txn, of, from, false, true, arena, digest, out);
}

static struct err count_breaks(struct txn *txn, struct replica of,
			       size_t *count)
{
	struct tick_row row = {0};
	struct digest digest = {0};
	struct arena arena;
	struct err e = ERR_NONE;

	arena_init(&arena, (TICK_BREAKS_MAX + 1) * TICK_STORE_BLOB_MAX);
	for (*count = 0; !failed(e); *count += !failed(e))
		e = tick_break_next(txn, of, &arena, &digest, &row);
	arena_clear(&arena);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

struct err tick_break_put(struct txn *txn, const struct tick_row *row,
			  struct digest digest)
{
	struct key key = key_break(row->of, row->minute, digest);
	size_t count = 0;
	bool known = false;
	struct err e = txn_has(txn, TABLE_TICKS, key, &known);

	if (!failed(e) && !known)
		e = count_breaks(txn, row->of, &count);
	if (failed(e) || known || count >= TICK_BREAKS_MAX)
		return e;
	return put(txn, key, row);
}

struct err tick_expire(struct txn *txn, struct replica of, uint64_t minute,
		       unsigned budget)
{
	size_t chain = chain_key_len(of);
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct tick_row last;
	struct arena arena;
	struct err e;

	arena_init(&arena, 1 << 20);
	e = tick_last(txn, of, &arena, &last);
	if (!failed(e) && minute > last.minute)
		minute = last.minute;
	if (!failed(e))
		e = txn_cursor_open(txn, TABLE_TICKS, key_ticks(of), &cursor);
	for (unsigned i = 0; !failed(e) && i < budget; i++) {
		struct span_reader k;

		e = txn_cursor_next(cursor, &row);
		if (failed(e))
			break;
		k = span_read(row.key);
		record_read_replica(&k);
		if (span_read_u64(&k) >= minute)
			break;
		if (row.key.len == chain)
			e = txn_cursor_del(cursor);
	}
	txn_cursor_close(cursor);
	arena_clear(&arena);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}
