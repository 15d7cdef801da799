/* Officers. */
#include "storage/officer.h"
#include "storage/record.h"

enum { OFFICER_FORM = 1 };

static const char *const roles[] = {
	[OFFICER_OPERATOR] = "operator",
	[OFFICER_SECURITY] = "security-officer",
	[OFFICER_AUDITOR] = "auditor",
};

bool officer_role_parse(struct span text, enum officer_role *out)
{
	for (int i = OFFICER_OPERATOR; i <= OFFICER_AUDITOR; i++)
		if (span_eq_str(text, roles[i])) {
			*out = (enum officer_role)i;
			return true;
		}
	return false;
}

const char *officer_role_text(enum officer_role role)
{
	return roles[role];
}

struct err officer_put(struct txn *txn, const struct officer *o)
{
	struct buf value;
	struct err e;

	buf_init(&value, RECORD_VALUE_MAX);
	buf_put_u8(&value, OFFICER_FORM);
	buf_put_u8(&value, (uint8_t)o->role);
	record_put_digest(&value, o->certificate);
	buf_put_var(&value, o->spki);
	e = buf_check(&value);
	if (!failed(e))
		e = txn_put(txn, TABLE_OFFICERS, key_officer(o->name),
			    buf_span(&value));
	buf_clear(&value);
	return e;
}

/* A relay has a handful of officers: a walk is the look-up. */
struct err officer_by_certificate(struct txn *txn, struct digest certificate,
				  struct arena *arena, struct officer *out)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e =
		txn_cursor_open(txn, TABLE_OFFICERS, key_empty(), &cursor);

	while (!failed(e)) {
		struct officer o;
		struct span_reader r;

		e = txn_cursor_next(cursor, &row);
		if (failed(e))
			break;
		r = span_read(row.value);
		if (span_read_u8(&r) != OFFICER_FORM) {
			e = err_make(ERR_VERSION,
				     "an officer of an unknown form");
			break;
		}
		o.role = (enum officer_role)span_read_u8(&r);
		o.certificate = record_read_digest(&r);
		o.spki = span_read_var(&r);
		e = record_read_end(&r, "officers");
		if (failed(e) || !digest_eq(o.certificate, certificate))
			continue;
		o.name = arena_copy(arena, row.key);
		o.spki = arena_copy(arena, o.spki);
		e = arena_check(arena);
		if (!failed(e))
			*out = o;
		break;
	}
	txn_cursor_close(cursor);
	return e;
}
