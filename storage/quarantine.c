/* What was refused from a peer. */
#include <stdio.h>

#include "proto/base/buf.h"
#include "storage/quarantine.h"
#include "storage/record.h"

static void counter_name(struct nation from, char out[24])
{
	snprintf(out, 24, "quarantine.%.3s", from.code);
}

struct err quarantine_count(struct txn *txn, struct nation from, uint64_t *out)
{
	char name[24];

	counter_name(from, name);
	return txn_counter(txn, name, out);
}

struct err quarantine_put(struct txn *txn, const struct quarantined *q)
{
	struct key key = key_quarantine(q->from, q->digest);
	uint64_t count = 0;
	char name[24];
	struct buf value;
	bool known;
	struct err e = txn_has(txn, TABLE_QUARANTINE, key, &known);

	counter_name(q->from, name);
	if (!failed(e) && !known)
		e = txn_counter_next(txn, name, &count);
	if (failed(e) || count > QUARANTINE_MAX)
		return e;
	buf_init(&value, 1024);
	record_put_doc_id(&value, q->doc);
	buf_put_u16(&value, (uint16_t)q->code);
	buf_put_u64(&value, q->time);
	buf_put_var(&value, span_sub(q->detail, 0, QUARANTINE_DETAIL_MAX));
	e = buf_check(&value);
	if (!failed(e))
		e = txn_put(txn, TABLE_QUARANTINE, key, buf_span(&value));
	buf_clear(&value);
	return e;
}

struct err quarantine_next(struct txn *txn, struct arena *arena,
			   struct quarantined *out)
{
	struct key from = key_quarantine(out->from, out->digest);
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e;

	key_put_u8(&from, 0);
	e = txn_cursor_open(txn, TABLE_QUARANTINE, key_empty(), &cursor);
	if (!failed(e))
		e = txn_cursor_seek(cursor, from, &row);
	if (!failed(e)) {
		struct span_reader k = span_read(row.key);
		struct span_reader r = span_read(row.value);

		out->from = record_read_nation(&k);
		out->digest = record_read_digest(&k);
		out->doc = record_read_doc_id(&r);
		out->code = (enum err_code)span_read_u16(&r);
		out->time = span_read_u64(&r);
		out->detail = arena_copy(arena, span_read_var(&r));
		e = record_read_end(&r, "quarantine");
	}
	txn_cursor_close(cursor);
	return e;
}
