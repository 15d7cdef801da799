/* Peer nations. */
#include "storage/peer.h"
#include "storage/record.h"

enum { PEER_FORM = 1 };

void peer_profile_encode(const struct peer_profile *profile, struct buf *out)
{
	record_put_long(out, profile->clearance);
	buf_put_var(out, profile->ceiling);
	buf_put_u8(out, profile->all_spaces);
	buf_put_u16(out, (uint16_t)profile->space_count);
	for (size_t i = 0; i < profile->space_count; i++)
		buf_put_var(out, profile->spaces[i]);
}

void peer_profile_read(struct span_reader *r, struct arena *arena,
		       struct peer_profile *out)
{
	struct span *spaces;

	*out = (struct peer_profile){0};
	out->clearance = record_read_long(r);
	out->ceiling = span_read_var(r);
	out->all_spaces = span_read_u8(r);
	out->space_count = span_read_u16(r);
	if (out->space_count > PEER_SPACES_MAX)
		r->bad = true;
	if (r->bad)
		out->space_count = 0;
	spaces = arena_array(arena, out->space_count, sizeof(*spaces));
	for (size_t i = 0; spaces && i < out->space_count; i++)
		spaces[i] = span_read_var(r);
	out->spaces = spaces;
}

struct err peer_put(struct txn *txn, const struct peer *p)
{
	struct buf value;
	struct err e;

	buf_init(&value, RECORD_VALUE_MAX);
	buf_put_u8(&value, PEER_FORM);
	buf_put_u8(&value, (uint8_t)p->state);
	buf_put_var(&value, p->endpoint);
	buf_put_var(&value, p->ca);
	record_put_replica(&value, p->replica);
	peer_profile_encode(&p->profile, &value);
	buf_put_u64(&value, p->since);
	buf_put_var(&value, p->cursor);
	buf_put_u64(&value, p->pulled);
	buf_put_u64(&value, p->pulled_rows);
	buf_put_u64(&value, p->refused_rows);
	buf_put_u8(&value, p->more);
	e = buf_check(&value);
	if (!failed(e))
		e = txn_put(txn, TABLE_PEERS, key_peer(p->nation),
			    buf_span(&value));
	buf_clear(&value);
	return e;
}

static struct err decode(struct nation nation, struct span value,
			 struct arena *arena, struct peer *out)
{
	struct span_reader r = span_read(arena_copy(arena, value));
	struct peer p = {.nation = nation};

	if (arena->full)
		return arena_check(arena);
	if (span_read_u8(&r) != PEER_FORM)
		return err_make(ERR_VERSION, "a peer of an unknown form");
	p.state = (enum peer_state)span_read_u8(&r);
	p.endpoint = span_read_var(&r);
	p.ca = span_read_var(&r);
	p.replica = record_read_replica(&r);
	peer_profile_read(&r, arena, &p.profile);
	p.since = span_read_u64(&r);
	p.cursor = span_read_var(&r);
	p.pulled = span_read_u64(&r);
	p.pulled_rows = span_read_u64(&r);
	p.refused_rows = span_read_u64(&r);
	p.more = span_read_u8(&r);
	if (arena->full)
		return arena_check(arena);
	*out = p;
	return record_read_end(&r, "peers");
}

struct err peer_get(struct txn *txn, struct nation nation, struct arena *arena,
		    struct peer *out)
{
	struct span value;
	struct err e = txn_get(txn, TABLE_PEERS, key_peer(nation), &value);

	if (failed(e))
		return e;
	return decode(nation, value, arena, out);
}

struct err peer_next(struct txn *txn, struct arena *arena, struct peer *out)
{
	struct txn_cursor *cursor = NULL;
	struct key from = key_peer(out->nation);
	struct nation nation;
	struct txn_row row;
	struct err e;

	key_put_u8(&from, 0);
	e = txn_cursor_open(txn, TABLE_PEERS, key_empty(), &cursor);
	if (!failed(e))
		e = txn_cursor_seek(cursor, from, &row);
	if (!failed(e))
		e = nation_parse(row.key, &nation);
	if (!failed(e))
		e = decode(nation, row.value, arena, out);
	txn_cursor_close(cursor);
	return e;
}
