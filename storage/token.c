/* One-time tokens. */
#include "storage/record.h"
#include "storage/token.h"

enum { TOKEN_FORM = 1 };

struct err token_put(struct txn *txn, const struct token *t)
{
	struct buf value;
	struct err e;

	buf_init(&value, RECORD_VALUE_MAX);
	buf_put_u8(&value, TOKEN_FORM);
	buf_put_u8(&value, (uint8_t)t->kind);
	buf_put_u64(&value, t->expires);
	buf_put_var(&value, t->secret);
	buf_put_var(&value, t->subject);
	record_put_nation(&value, t->nation);
	peer_profile_encode(&t->profile, &value);
	buf_put_var(&value, t->endpoint);
	record_put_digest(&value, t->ca);
	record_put_digest(&value, t->root);
	e = buf_check(&value);
	if (!failed(e))
		e = txn_put(txn, TABLE_TOKENS, key_token(t->id),
			    buf_span(&value));
	buf_clear(&value);
	return e;
}

static struct err decode(struct span id, struct span value, struct arena *arena,
			 struct token *out)
{
	struct span_reader r = span_read(arena_copy(arena, value));
	struct token t = {0};

	if (id.len != LEASE_ID_LEN)
		return err_make(ERR_CORRUPT, "tokens: key");
	memcpy(t.id, id.at, LEASE_ID_LEN);
	if (arena->full)
		return arena_check(arena);
	if (span_read_u8(&r) != TOKEN_FORM)
		return err_make(ERR_VERSION, "a token of an unknown form");
	t.kind = (enum token_kind)span_read_u8(&r);
	t.expires = span_read_u64(&r);
	t.secret = span_read_var(&r);
	t.subject = span_read_var(&r);
	t.nation = record_read_nation(&r);
	peer_profile_read(&r, arena, &t.profile);
	t.endpoint = span_read_var(&r);
	t.ca = record_read_digest(&r);
	t.root = record_read_digest(&r);
	if (arena->full)
		return arena_check(arena);
	*out = t;
	return record_read_end(&r, "tokens");
}

struct err token_get(struct txn *txn, const uint8_t id[LEASE_ID_LEN],
		     struct arena *arena, struct token *out)
{
	struct span value;
	struct err e = txn_get(txn, TABLE_TOKENS, key_token(id), &value);

	if (failed(e))
		return e;
	return decode(span_of(id, LEASE_ID_LEN), value, arena, out);
}

struct err token_del(struct txn *txn, const uint8_t id[LEASE_ID_LEN])
{
	return txn_del(txn, TABLE_TOKENS, key_token(id));
}

struct err token_next(struct txn *txn, struct arena *arena, struct token *out)
{
	struct txn_cursor *cursor = NULL;
	struct key from = key_token(out->id);
	struct txn_row row;
	struct err e;

	key_put_u8(&from, 0);
	e = txn_cursor_open(txn, TABLE_TOKENS, key_empty(), &cursor);
	if (!failed(e))
		e = txn_cursor_seek(cursor, from, &row);
	if (!failed(e))
		e = decode(row.key, row.value, arena, out);
	txn_cursor_close(cursor);
	return e;
}
