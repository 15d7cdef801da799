/* What each reader was answered and what it lost. */
#include "storage/faults.h"
#include "storage/ledger.h"
#include "storage/record.h"

enum { ROW_LEN = 4 * 8 };

struct err ledger_get(struct txn *txn, const struct reader_name *reader,
		      struct ledger *out)
{
	struct ledger ledger = {0};
	struct span_reader r;
	struct span value;
	struct err e;

	e = txn_get(txn, TABLE_LEDGERS, key_ledger(reader), &value);
	if (e.code == ERR_NOT_FOUND) {
		*out = ledger;
		return ERR_NONE;
	}
	if (failed(e))
		return e;
	r = span_read(value);
	ledger.answered = span_read_u64(&r);
	ledger.losses = span_read_u64(&r);
	ledger.told = span_read_u64(&r);
	ledger.version = span_read_u64(&r);
	e = record_read_end(&r, "a ledger is malformed");
	if (!failed(e))
		*out = ledger;
	return e;
}

static struct err ledger_put(struct txn *txn, const struct reader_name *reader,
			     const struct ledger *ledger)
{
	struct buf b;
	struct err e;

	buf_init(&b, ROW_LEN);
	buf_put_u64(&b, ledger->answered);
	buf_put_u64(&b, ledger->losses);
	buf_put_u64(&b, ledger->told);
	buf_put_u64(&b, ledger->version);
	e = buf_check(&b);
	if (!failed(e))
		e = txn_put(txn, TABLE_LEDGERS, key_ledger(reader),
			    buf_span(&b));
	buf_clear(&b);
	return e;
}

/* The prefix of a reader's losses: a loss's key without its shelf. */
static struct key losses_prefix(const struct reader_name *reader)
{
	struct key k = key_ledger_loss(reader, 0);

	k.len -= 4;
	return k;
}

static struct err loss_decode(const struct txn_row *row, size_t prefix_len,
			      uint32_t *shelf, uint64_t *number)
{
	struct span_reader k = span_read(span_sub(row->key, prefix_len, 4));
	struct span_reader v = span_read(row->value);

	*shelf = span_read_u32(&k);
	*number = span_read_u64(&v);
	if (!span_read_done(&k) || row->key.len != prefix_len + 4)
		return err_make(ERR_CORRUPT, "a loss is malformed");
	return record_read_end(&v, "a loss is malformed");
}

struct err ledger_lost_since(struct txn *txn, const struct reader_name *reader,
			     uint64_t number, struct shelf_set *out)
{
	struct key prefix = losses_prefix(reader);
	struct txn_cursor *c = NULL;
	struct txn_row row;
	uint32_t shelf;
	uint64_t n;
	struct err e;

	e = txn_cursor_open(txn, TABLE_LEDGERS, prefix, &c);
	while (!failed(e)) {
		e = txn_cursor_next(c, &row);
		/* The reader's own row stands under the prefix too. */
		if (failed(e) || row.key.len == prefix.len)
			continue;
		e = loss_decode(&row, prefix.len, &shelf, &n);
		if (!failed(e) && n > number)
			shelf_set_add(out, shelf);
	}
	txn_cursor_close(c);
	return e.code == ERR_NOT_FOUND ? shelf_set_check(out) : e;
}

void ledger_change_clear(struct ledger_change *change)
{
	shelf_set_clear(&change->answer);
	shelf_set_clear(&change->lost);
	shelf_set_clear(&change->complete);
	shelf_set_clear(&change->target);
	*change = (struct ledger_change){0};
}

static bool ledger_eq(const struct ledger *a, const struct ledger *b)
{
	return a->answered == b->answered && a->losses == b->losses;
}

static struct err put_losses(struct txn *txn, const struct ledger_change *c,
			     uint64_t number)
{
	uint8_t at[8];
	struct err e = ERR_NONE;

	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(number >> (56 - 8 * i));
	for (uint32_t n = 0; !failed(e) && (n = shelf_set_next(&c->lost, n));) {
		struct key key = key_ledger_loss(&c->reader, n);

		if (!FAULT(loss_first_kept)) {
			e = txn_put(txn, TABLE_LEDGERS, key, SPAN_OBJ(at));
		} else {
			e = txn_put_new(txn, TABLE_LEDGERS, key, SPAN_OBJ(at));
			if (e.code == ERR_EXISTS)
				e = ERR_NONE;
		}
	}
	return e;
}

struct err ledger_apply(struct txn *txn, const struct ledger_change *change,
			struct cursor *cursor)
{
	struct cursor made = *cursor;
	struct ledger now;
	struct err e;

	e = ledger_get(txn, &change->reader, &now);
	if (failed(e))
		return e;
	if (!ledger_eq(&now, &change->before) && !FAULT(conflict_unseen))
		return err_make(ERR_CONFLICT, "the ledger has moved");
	e = view_number_make(txn, &change->complete, &made.complete);
	if (!failed(e))
		e = view_number_make(txn, &change->target, &made.target);
	if (failed(e))
		return e;
	if (change->answers || !shelf_set_empty(&change->lost)) {
		if (!FAULT(answered_stays) || !now.answered)
			e = view_number_make(txn, &change->answer,
					     &now.answered);
		if (!failed(e) && !shelf_set_empty(&change->lost))
			e = put_losses(txn, change, ++now.losses);
		now.version++;
		if (!failed(e))
			e = ledger_put(txn, &change->reader, &now);
		if (failed(e))
			return e;
		made.loss = now.losses;
	}
	*cursor = made;
	return ERR_NONE;
}

struct err ledger_confirm(struct txn *txn, const struct reader_name *reader,
			  const struct cursor *cursor, bool *changed)
{
	struct ledger ledger;
	struct err e = ledger_get(txn, reader, &ledger);

	if (failed(e))
		return e;
	if (cursor->loss <= ledger.told || cursor->loss > ledger.losses) {
		*changed = false;
		return ERR_NONE;
	}
	*changed = true;
	if (!txn_writes(txn))
		return ERR_NONE;
	ledger.told = FAULT(told_all) ? ledger.losses : cursor->loss;
	ledger.version++;
	return ledger_put(txn, reader, &ledger);
}

struct err ledger_may_hold(struct txn *txn, const struct reader_name *reader,
			   struct shelf_set *out)
{
	struct ledger ledger;
	struct err e = ledger_get(txn, reader, &ledger);

	if (!failed(e))
		e = view_by_number(txn, ledger.answered, out);
	if (!failed(e))
		e = ledger_lost_since(txn, reader, ledger.told, out);
	return e;
}

/* The rows of single losses. */
static struct err drop_losses(struct txn *txn, const struct reader_name *reader)
{
	struct key prefix = losses_prefix(reader);
	struct txn_cursor *c = NULL;
	struct txn_row row;
	struct err e;

	e = txn_cursor_open(txn, TABLE_LEDGERS, prefix, &c);
	while (!failed(e)) {
		e = txn_cursor_next(c, &row);
		if (!failed(e) && row.key.len != prefix.len)
			e = txn_cursor_del(c);
	}
	txn_cursor_close(c);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

struct err ledger_forget(struct txn *txn, const struct reader_name *reader)
{
	struct ledger ledger;
	struct err e = ledger_get(txn, reader, &ledger);

	if (!failed(e))
		e = drop_losses(txn, reader);
	if (failed(e))
		return e;
	/* Numbers go on, so that an old cursor cannot hide a later loss. */
	ledger.answered = 0;
	ledger.told = ledger.losses;
	ledger.version++;
	return ledger_put(txn, reader, &ledger);
}
