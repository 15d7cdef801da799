/* The hold of a restored store. */
#include "storage/hold.h"

#include "storage/record.h"

enum { FORM = 1 };

struct err hold_get(struct txn *txn, struct hold *out)
{
	struct hold hold = {0};
	struct span_reader r;
	struct span value, officer;
	uint8_t form, held;
	struct err e = txn_get(txn, TABLE_HEADER, key_hold(), &value);

	if (failed(e))
		return e;
	r = span_read(value);
	form = span_read_u8(&r);
	held = span_read_u8(&r);
	hold.since = span_read_u64(&r);
	hold.backup = span_read_u64(&r);
	officer = span_read_var(&r);
	e = record_read_end(&r, "the hold is malformed");
	if (!failed(e) && (form != FORM || officer.len > HOLD_NAME_MAX))
		e = err_make(ERR_CORRUPT, "the hold is malformed");
	if (failed(e))
		return e;
	hold.held = held != 0;
	memcpy(hold.officer, officer.at, officer.len);
	*out = hold;
	return ERR_NONE;
}

struct err hold_put(struct txn *txn, const struct hold *hold)
{
	struct buf b;
	struct err e;

	buf_init(&b, 256);
	buf_put_u8(&b, FORM);
	buf_put_u8(&b, hold->held);
	buf_put_u64(&b, hold->since);
	buf_put_u64(&b, hold->backup);
	buf_put_var(&b, span_str(hold->officer));
	e = buf_check(&b);
	if (!failed(e))
		e = txn_put(txn, TABLE_HEADER, key_hold(), buf_span(&b));
	buf_clear(&b);
	return e;
}
