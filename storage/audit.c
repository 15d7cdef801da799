/* The audit: chained records. */
#include "storage/audit.h"

#include "proto/crypto/crypto.h"
#include "proto/crypto/domain.h"
#include "storage/record.h"

enum {
	VERSION = 1,
	LINK_MAX = 256,
	/* Clocks step; a search by time looks a day further back. */
	CLOCK_STEP_S = 86400,
};

static const char counter_head[] = "audit";

/* ---- bytes ---- */

/* The public names, but "not-found" is two codes to the public and kept apart
 * here.  Names, not numbers: those may change between builds. */
static const char not_releasable[] = "not-releasable";

static const char *outcome_name(enum err_code code)
{
	switch (code) {
	case ERR_OK:
		return "ok";
	case ERR_NOT_RELEASABLE:
		return not_releasable;
	case ERR_NOT_FOUND:
		return "not-found";
	default:
		return err_row(code)->name;
	}
}

static void put_outcome(struct buf *b, enum err_code code)
{
	buf_put_var(b, span_str(outcome_name(code)));
}

static enum err_code read_outcome(struct span_reader *r)
{
	struct span name = span_read_var(r);
	char text[64];

	if (span_eq_str(name, "ok"))
		return ERR_OK;
	if (span_eq_str(name, not_releasable))
		return ERR_NOT_RELEASABLE;
	if (span_eq_str(name, "not-found"))
		return ERR_NOT_FOUND;
	if (name.len >= sizeof(text))
		return ERR_INTERNAL;
	if (name.len)
		memcpy(text, name.at, name.len);
	text[name.len] = '\0';
	return err_by_name(text);
}

static struct err check_caps(const struct audit_entry *e)
{
	if (e->who_id.len > AUDIT_WHO_MAX || e->what.len > AUDIT_WHAT_MAX ||
	    e->rule.len > AUDIT_RULE_MAX || e->detail.len > AUDIT_DETAIL_MAX ||
	    e->count > AUDIT_ITEMS_MAX)
		return err_make(ERR_TOO_LARGE, "an audit record too long");
	for (size_t i = 0; i < e->count; i++)
		if (e->items[i].rule.len > AUDIT_RULE_MAX)
			return err_make(ERR_TOO_LARGE,
					"an audit record too long");
	return ERR_NONE;
}

static void put_record(struct buf *b, const struct audit_entry *e)
{
	buf_put_u8(b, VERSION);
	buf_put_u64(b, e->time);
	buf_put_u8(b, (uint8_t)e->who);
	buf_put_var(b, e->who_id);
	buf_put_var(b, e->what);
	record_put_digest(b, e->proof);
	record_put_digest(b, e->policy);
	put_outcome(b, e->outcome);
	buf_put_var(b, e->rule);
	buf_put_var(b, e->detail);
	buf_put_u16(b, (uint16_t)e->count);
	for (size_t i = 0; i < e->count; i++) {
		record_put_doc_id(b, e->items[i].doc);
		record_put_digest(b, e->items[i].digest);
		put_outcome(b, e->items[i].outcome);
		buf_put_var(b, e->items[i].rule);
	}
}

/* What stands on disk: the link, the replica, then the record. */
struct stored {
	struct digest link;
	struct replica replica;
	struct span record;
};

static struct err read_stored(struct span value, struct stored *out)
{
	struct span_reader r = span_read(value);

	out->link = record_read_digest(&r);
	out->replica = record_read_replica(&r);
	out->record = r.left;
	if (r.bad)
		return err_make(ERR_CORRUPT, "an audit record is malformed");
	return ERR_NONE;
}

static struct err decode(uint64_t number, struct span value,
			 struct arena *arena, struct audit_entry *out)
{
	struct audit_entry a = {.number = number};
	struct stored stored;
	struct span_reader r;
	struct err e;

	e = read_stored(value, &stored);
	if (failed(e))
		return e;
	a.replica = stored.replica;
	r = span_read(arena_copy(arena, stored.record));
	e = arena_check(arena);
	if (failed(e))
		return e;
	if (span_read_u8(&r) != VERSION)
		return err_make(ERR_VERSION, "an audit record of another "
					     "version");
	a.time = span_read_u64(&r);
	a.who = span_read_u8(&r);
	a.who_id = span_read_var(&r);
	a.what = span_read_var(&r);
	a.proof = record_read_digest(&r);
	a.policy = record_read_digest(&r);
	a.outcome = read_outcome(&r);
	a.rule = span_read_var(&r);
	a.detail = span_read_var(&r);
	a.count = span_read_u16(&r);
	if (r.bad || a.count > AUDIT_ITEMS_MAX || a.who > AUDIT_OFFICER)
		return err_make(ERR_CORRUPT, "an audit record is malformed");
	a.items = arena_array(arena, a.count ? a.count : 1, sizeof(*a.items));
	e = arena_check(arena);
	if (failed(e))
		return e;
	for (size_t i = 0; i < a.count; i++) {
		a.items[i].doc = record_read_doc_id(&r);
		a.items[i].digest = record_read_digest(&r);
		a.items[i].outcome = read_outcome(&r);
		a.items[i].rule = span_read_var(&r);
	}
	e = record_read_end(&r, "an audit record is malformed");
	if (!failed(e))
		*out = a;
	return e;
}

/* ---- the chain ---- */

/* The link before the first record names the store: the part of its header
 * that never changes. */
static struct err first_link(const struct store *store, struct digest *out)
{
	const struct store_header *h = store_header(store);
	struct buf b;
	struct err e;

	buf_init(&b, 64);
	buf_put_u32(&b, h->format);
	buf_put(&b, SPAN_OBJ(h->store_id));
	e = buf_check(&b);
	if (!failed(e))
		e = crypto_sha256(buf_span(&b), out);
	buf_clear(&b);
	return e;
}

static struct err make_link(const struct store *store, struct replica replica,
			    uint64_t number, struct digest previous,
			    struct span record, struct digest *out)
{
	struct digest of_record;
	struct buf b;
	struct err e;

	buf_init(&b, LINK_MAX);
	e = crypto_sha256(record, &of_record);
	if (failed(e))
		return e;
	encode_domain(&b, DOMAIN_AUDIT);
	buf_put(&b, SPAN_OBJ(store_header(store)->store_id));
	record_put_replica(&b, replica);
	buf_put_u64(&b, number);
	record_put_digest(&b, previous);
	record_put_digest(&b, of_record);
	e = buf_check(&b);
	if (!failed(e))
		e = crypto_sha256(buf_span(&b), out);
	buf_clear(&b);
	return e;
}

struct err audit_head(struct txn *txn, uint64_t *number, struct digest *link)
{
	struct span_reader r;
	struct span value;
	uint64_t n;
	struct digest d;
	struct err e;

	e = txn_get(txn, TABLE_COUNTERS, key_counter(counter_head), &value);
	if (e.code == ERR_NOT_FOUND) {
		*number = 0;
		return first_link(txn_store(txn), link);
	}
	if (failed(e))
		return e;
	r = span_read(value);
	n = span_read_u64(&r);
	d = record_read_digest(&r);
	e = record_read_end(&r, "the audit's head is malformed");
	if (!failed(e)) {
		*number = n;
		*link = d;
	}
	return e;
}

static struct err put_head(struct txn *txn, uint64_t number, struct digest link)
{
	struct buf b;
	struct err e;

	buf_init(&b, 64);
	buf_put_u64(&b, number);
	record_put_digest(&b, link);
	e = buf_check(&b);
	if (!failed(e))
		e = txn_put(txn, TABLE_COUNTERS, key_counter(counter_head),
			    buf_span(&b));
	buf_clear(&b);
	return e;
}

struct err audit_chain_append(struct audit_chain *chain, struct txn *txn,
			      const struct audit_entry *entry, uint64_t *number)
{
	struct store *store = txn_store(txn);
	struct audit_entry a = *entry;
	struct digest link;
	struct buf record, value;
	struct err e;

	buf_init(&record, AUDIT_RECORD_MAX);
	buf_init(&value, AUDIT_RECORD_MAX + 64);
	a.time = clock_s(store_clock(store));
	a.replica = store_header(store)->replica;
	e = check_caps(&a);
	if (!failed(e) && !chain->begun)
		e = audit_head(txn, &chain->number, &chain->link);
	if (failed(e))
		goto out;
	chain->begun = true;
	a.number = chain->number + 1;
	put_record(&record, &a);
	e = buf_check(&record);
	if (!failed(e))
		e = make_link(store, a.replica, a.number, chain->link,
			      buf_span(&record), &link);
	if (failed(e))
		goto out;
	record_put_digest(&value, link);
	record_put_replica(&value, a.replica);
	buf_put(&value, buf_span(&record));
	e = buf_check(&value);
	if (!failed(e))
		e = txn_put_new(txn, TABLE_AUDIT, key_audit(a.number),
				buf_span(&value));
	if (failed(e))
		goto out;
	chain->number = a.number;
	chain->link = link;
	*number = a.number;
out:
	buf_clear(&record);
	buf_clear(&value);
	return e;
}

struct err audit_chain_end(struct audit_chain *chain, struct txn *txn)
{
	return chain->begun ? put_head(txn, chain->number, chain->link)
			    : ERR_NONE;
}

struct err audit_append(struct txn *txn, const struct audit_entry *entry,
			uint64_t *number)
{
	struct audit_chain chain = {0};
	struct err e = audit_chain_append(&chain, txn, entry, number);

	return failed(e) ? e : audit_chain_end(&chain, txn);
}

/* ---- reading ---- */

struct err audit_get(struct txn *txn, uint64_t number, struct arena *arena,
		     struct audit_entry *out)
{
	struct span value;
	struct err e = txn_get(txn, TABLE_AUDIT, key_audit(number), &value);

	return failed(e) ? e : decode(number, value, arena, out);
}

static bool matches(const struct audit_filter *f, const struct audit_entry *a)
{
	bool named = !f->by_doc, refused = a->outcome != ERR_OK;

	if (a->time < f->from || (f->to && a->time > f->to))
		return false;
	if (f->by_who && (a->who != f->who ||
			  (f->who_id.len && !span_eq(a->who_id, f->who_id))))
		return false;
	if (f->what.len) {
		bool prefix = f->what.at[f->what.len - 1] == '.';
		struct span what =
			prefix ? span_sub(a->what, 0, f->what.len) : a->what;

		if (!span_eq(what, f->what))
			return false;
	}
	for (size_t i = 0; i < a->count; i++) {
		if (f->by_doc && doc_id_eq(a->items[i].doc, f->doc))
			named = true;
		if (a->items[i].outcome != ERR_OK)
			refused = true;
	}
	return named && (refused || !f->refused_only);
}

enum look { LOOK_PASS, LOOK_HIT, LOOK_TOO_OLD };

/* What the filter says of one record, in memory of its own: what is passed
 * over must not fill the caller's arena. */
static struct err look(struct txn *txn, const struct audit_filter *filter,
		       uint64_t number, enum look *out)
{
	struct audit_entry a;
	struct arena scratch;
	struct err e;

	arena_init(&scratch, 2 * AUDIT_RECORD_MAX);
	e = audit_get(txn, number, &scratch, &a);
	if (e.code == ERR_NOT_FOUND)
		e = err_make(ERR_CORRUPT, "an audit record is gone");
	if (failed(e))
		goto out;
	if (filter->from > CLOCK_STEP_S && a.time < filter->from - CLOCK_STEP_S)
		*out = LOOK_TOO_OLD;
	else
		*out = matches(filter, &a) ? LOOK_HIT : LOOK_PASS;
out:
	arena_clear(&scratch);
	return e;
}

struct err audit_prev(struct txn *txn, const struct audit_filter *filter,
		      uint64_t *before, unsigned *budget, struct arena *arena,
		      struct audit_entry *out)
{
	enum look found;
	struct digest link;
	uint64_t at = *before;
	struct err e;

	if (at == 0) {
		e = audit_head(txn, &at, &link);
		if (failed(e))
			return e;
		at++;
	}
	while (at > 1) {
		if (*budget == 0) {
			*before = at;
			return err_make(ERR_BUSY, "looked at enough records");
		}
		--*budget;
		e = look(txn, filter, --at, &found);
		if (failed(e))
			return e;
		if (found == LOOK_TOO_OLD)
			break;
		if (found == LOOK_PASS)
			continue;
		e = audit_get(txn, at, arena, out);
		if (!failed(e))
			*before = at;
		return e;
	}
	return err_make(ERR_NOT_FOUND, "no more audit records");
}

/* ---- verification ---- */

/* The link a record bears, and whether it follows from `previous`. */
static struct err follow(struct txn *txn, uint64_t number,
			 struct digest *previous, enum audit_fault *fault)
{
	struct stored stored;
	struct digest want;
	struct span value;
	struct err e;

	e = txn_get(txn, TABLE_AUDIT, key_audit(number), &value);
	if (!failed(e))
		e = read_stored(value, &stored);
	if (e.code == ERR_NOT_FOUND || e.code == ERR_CORRUPT) {
		*fault = e.code == ERR_CORRUPT ? AUDIT_CHANGED : AUDIT_DROPPED;
		return ERR_NONE;
	}
	if (!failed(e))
		e = make_link(txn_store(txn), stored.replica, number, *previous,
			      stored.record, &want);
	if (failed(e))
		return e;
	*fault = digest_eq(want, stored.link) ? AUDIT_SOUND : AUDIT_CHANGED;
	*previous = want;
	return ERR_NONE;
}

/* Whether any record stands after `number`. */
static struct err any_after(struct txn *txn, uint64_t number, bool *out)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e;

	e = txn_cursor_open(txn, TABLE_AUDIT, key_empty(), &cursor);
	if (!failed(e))
		e = txn_cursor_seek(cursor, key_audit(number + 1), &row);
	txn_cursor_close(cursor);
	if (failed(e) && e.code != ERR_NOT_FOUND && e.code != ERR_CORRUPT)
		return e;
	*out = e.code != ERR_NOT_FOUND;
	return ERR_NONE;
}

static struct err verify(struct txn *txn, uint64_t from, struct digest link,
			 struct audit_verdict *out)
{
	struct audit_verdict v = {.fault = AUDIT_SOUND};
	struct digest head_link;
	uint64_t head;
	bool more;
	struct err e;

	e = audit_head(txn, &head, &head_link);
	if (e.code == ERR_CORRUPT) {
		*out = (struct audit_verdict){AUDIT_CHANGED, 0, {{0}}};
		return ERR_NONE;
	}
	for (uint64_t n = from; !failed(e) && n <= head; n++) {
		e = follow(txn, n, &link, &v.fault);
		if (failed(e))
			return e;
		if (v.fault == AUDIT_SOUND)
			continue;
		v.number = n;
		if (v.fault == AUDIT_DROPPED) {
			/* With nothing behind it, it is the end that went. */
			e = any_after(txn, n, &more);
			if (failed(e))
				return e;
			if (!more)
				v.fault = AUDIT_TRUNCATED;
		}
		*out = v;
		return ERR_NONE;
	}
	if (failed(e))
		return e;
	v.number = head;
	v.link = link;
	if (!digest_eq(link, head_link))
		v.fault = AUDIT_CHANGED;
	e = any_after(txn, head, &more);
	if (failed(e))
		return e;
	/* A record beyond the head: the head was put back. */
	if (v.fault == AUDIT_SOUND && more) {
		v.fault = AUDIT_CHANGED;
		v.number = head + 1;
	}
	*out = v;
	return ERR_NONE;
}

struct err audit_verify(struct txn *txn, struct audit_verdict *out)
{
	return audit_verify_from(txn, 1, out);
}

struct err audit_verify_from(struct txn *txn, uint64_t from,
			     struct audit_verdict *out)
{
	struct stored stored;
	struct digest link;
	struct span value;
	struct err e;

	if (from <= 1) {
		e = first_link(txn_store(txn), &link);
		return failed(e) ? e : verify(txn, 1, link, out);
	}
	e = txn_get(txn, TABLE_AUDIT, key_audit(from - 1), &value);
	if (!failed(e))
		e = read_stored(value, &stored);
	return failed(e) ? e : verify(txn, from, stored.link, out);
}
