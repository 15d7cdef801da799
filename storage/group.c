/* Rows of commit groups. */
#include "storage/group.h"

#include "storage/record.h"

enum {
	GROUP_ROW_MAX = 256 + GROUP_LEAVES_MAX * DIGEST_LEN,
	LEAF_ROW_LEN = 8 + 1 + DIGEST_LEN + GROUP_LEVELS * DIGEST_LEN,
};

static const char counter_group[] = "group";

static void number_bytes(uint64_t n, uint8_t out[8])
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(n >> (56 - 8 * i));
}

/* `more`: leaves behind those of the row. */
static struct err write_row(const struct group_row *row, struct span more,
			    struct buf *out)
{
	size_t len = row->leaves.len + more.len;

	if (len % DIGEST_LEN || len > GROUP_LEAVES_MAX * DIGEST_LEN)
		return err_make(ERR_TOO_LARGE, "a group of too many leaves");
	record_put_replica(out, row->replica);
	buf_put_u64(out, row->time);
	buf_put(out, SPAN_OBJ(row->secret));
	buf_put_u64(out, row->first.n);
	buf_put_u64(out, row->last.n);
	buf_put_u32(out, (uint32_t)len);
	buf_put(out, row->leaves);
	buf_put(out, more);
	return buf_check(out);
}

struct err group_put(struct txn *txn, const struct group_row *row,
		     uint64_t *number)
{
	uint64_t n = 0;
	struct buf b;
	struct err e;

	buf_init(&b, GROUP_ROW_MAX);
	e = write_row(row, span_str(""), &b);
	if (!failed(e))
		e = txn_counter_next(txn, counter_group, &n);
	if (!failed(e))
		e = txn_put_new(txn, TABLE_GROUPS, key_group(n), buf_span(&b));
	if (!failed(e))
		e = txn_put_new(txn, TABLE_GROUPS, key_group_unsigned(n),
				span_str(""));
	if (!failed(e))
		*number = n;
	buf_wipe(&b);
	return e;
}

static struct err read_row(struct span value, struct group_row *out)
{
	struct span_reader r = span_read(value);

	out->replica = record_read_replica(&r);
	out->time = span_read_u64(&r);
	span_read_into(&r, out->secret, sizeof(out->secret));
	out->first.n = span_read_u64(&r);
	out->last.n = span_read_u64(&r);
	out->leaves = record_read_long(&r);
	if (out->leaves.len % DIGEST_LEN)
		r.bad = true;
	return record_read_end(&r, "a group's record is malformed");
}

struct err group_get(struct txn *txn, uint64_t number, struct group_row *out)
{
	struct group_row row = {.number = number};
	struct span value;
	struct err e;

	e = txn_get(txn, TABLE_GROUPS, key_group(number), &value);
	if (!failed(e))
		e = read_row(value, &row);
	if (failed(e))
		return e;
	e = group_signature(txn, number, &row.root, row.signature);
	if (failed(e) && e.code != ERR_NOT_FOUND)
		return e;
	row.is_signed = !failed(e);
	*out = row;
	return ERR_NONE;
}

struct err group_signature(struct txn *txn, uint64_t number,
			   struct digest *root,
			   uint8_t signature[GROUP_SIG_LEN])
{
	struct span_reader r;
	struct span value;
	struct err e;

	e = txn_get(txn, TABLE_GROUPS, key_group_signature(number), &value);
	if (failed(e))
		return e;
	r = span_read(value);
	*root = record_read_digest(&r);
	span_read_into(&r, signature, GROUP_SIG_LEN);
	return record_read_end(&r, "a group's signature is malformed");
}

struct err group_leaf_put(struct txn *txn, uint64_t number, uint16_t leaf,
			  const struct group_leaf *way)
{
	struct buf b;
	struct err e;

	buf_init(&b, LEAF_ROW_LEN);
	buf_put_u64(&b, way->time);
	buf_put_u8(&b, way->place);
	buf_put(&b, SPAN_OBJ(way->salt));
	for (size_t i = 0; i < GROUP_LEVELS; i++)
		record_put_digest(&b, way->path[i]);
	e = buf_check(&b);
	if (!failed(e))
		e = txn_put(txn, TABLE_GROUPS, key_group_leaf(number, leaf),
			    buf_span(&b));
	buf_clear(&b);
	return e;
}

struct err group_leaf_get(struct txn *txn, uint64_t number, uint16_t leaf,
			  struct group_leaf *out)
{
	struct group_leaf way;
	struct span_reader r;
	struct span value;
	struct err e;

	e = txn_get(txn, TABLE_GROUPS, key_group_leaf(number, leaf), &value);
	if (failed(e))
		return e;
	r = span_read(value);
	way.time = span_read_u64(&r);
	way.place = span_read_u8(&r);
	span_read_into(&r, way.salt, sizeof(way.salt));
	for (size_t i = 0; i < GROUP_LEVELS; i++)
		way.path[i] = record_read_digest(&r);
	e = record_read_end(&r, "a leaf's way is malformed");
	if (!failed(e))
		*out = way;
	return e;
}

struct err group_extend(struct txn *txn, uint64_t number,
			const struct group_row *more)
{
	struct group_row row;
	struct buf b;
	struct err e = group_get(txn, number, &row);

	if (!failed(e) && row.is_signed)
		e = err_make(ERR_EXISTS, "a signed group takes no more leaves");
	if (failed(e))
		return e;
	if (more->last.n) {
		if (!row.first.n)
			row.first = more->first;
		row.last = more->last;
	}
	buf_init(&b, GROUP_ROW_MAX);
	e = write_row(&row, more->leaves, &b);
	if (!failed(e))
		e = txn_put(txn, TABLE_GROUPS, key_group(number), buf_span(&b));
	buf_wipe(&b);
	wipe(&row, sizeof(row));
	return e;
}

struct err group_by_root(struct txn *txn, struct digest root, uint64_t *number)
{
	struct span_reader r;
	struct span value;
	uint64_t n;
	struct err e;

	e = txn_get(txn, TABLE_GROUPS, key_group_root(root), &value);
	if (failed(e))
		return e;
	r = span_read(value);
	n = span_read_u64(&r);
	e = record_read_end(&r, "a group's root is malformed");
	if (!failed(e))
		*number = n;
	return e;
}

struct err group_unsigned(struct txn *txn, uint64_t after,
			  struct group_row *out)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	uint64_t number = 0;
	struct err e;

	if (after == UINT64_MAX)
		return err_make(ERR_NOT_FOUND, "no unsigned group");
	e = txn_cursor_open(txn, TABLE_GROUPS, key_of_kind(KEY_GROUP_UNSIGNED),
			    &cursor);
	if (!failed(e))
		e = txn_cursor_seek(cursor, key_group_unsigned(after + 1),
				    &row);
	if (!failed(e)) {
		struct span_reader r = span_read(row.key);

		span_read_u8(&r);
		number = span_read_u64(&r);
		e = record_read_end(&r, "a group's key is malformed");
	}
	txn_cursor_close(cursor);
	return failed(e) ? e : group_get(txn, number, out);
}

struct err group_sign_row(struct txn *txn, uint64_t number, struct digest root,
			  const uint8_t signature[GROUP_SIG_LEN])
{
	uint8_t value[DIGEST_LEN + GROUP_SIG_LEN], at[8];
	bool known, is_signed;
	struct err e;

	e = txn_has(txn, TABLE_GROUPS, key_group(number), &known);
	if (!failed(e))
		e = txn_has(txn, TABLE_GROUPS, key_group_signature(number),
			    &is_signed);
	if (failed(e))
		return e;
	if (!known)
		return err_make(ERR_NOT_FOUND, "no such group");
	if (is_signed)
		return ERR_NONE;
	memcpy(value, root.at, DIGEST_LEN);
	memcpy(value + DIGEST_LEN, signature, GROUP_SIG_LEN);
	number_bytes(number, at);
	e = txn_put_new(txn, TABLE_GROUPS, key_group_root(root), SPAN_OBJ(at));
	if (!failed(e))
		e = txn_put_new(txn, TABLE_GROUPS, key_group_signature(number),
				SPAN_OBJ(value));
	if (!failed(e))
		e = txn_del(txn, TABLE_GROUPS, key_group_unsigned(number));
	return e;
}

struct err group_last(struct txn *txn, uint64_t *number)
{
	return txn_counter(txn, counter_group, number);
}

struct err group_last_signed(struct txn *txn, struct seq *out)
{
	struct group_row row;
	struct err e = group_unsigned(txn, 0, &row);

	if (e.code == ERR_NOT_FOUND) {
		out->n = UINT64_MAX;
		return ERR_NONE;
	}
	if (!failed(e))
		out->n = row.first.n ? row.first.n - 1 : 0;
	return e;
}
