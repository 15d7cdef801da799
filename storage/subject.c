/* Subjects: clearance, rights and spaces. */
#include "storage/record.h"
#include "storage/subject.h"

enum { SUBJECT_FORM = 1 };

struct err subject_name_check(struct span name)
{
	if (name.len == 0 || name.len > SUBJECT_NAME_MAX)
		return err_make(ERR_MALFORMED,
				"a subject's name has 1 to 64 bytes");
	for (size_t i = 0; i < name.len; i++)
		if (name.at[i] <= 0x20 || name.at[i] == 0x7f ||
		    name.at[i] == '/')
			return err_make(ERR_MALFORMED,
					"a subject's name is printable, "
					"without blank or slash");
	return ERR_NONE;
}

struct err subject_put(struct txn *txn, const struct subject *subject)
{
	struct buf value;
	struct err e = subject_name_check(subject->name);

	if (failed(e))
		return e;
	if (subject->space_count > SUBJECT_SPACES_MAX ||
	    subject->clearance.len > SUBJECT_CLEARANCE_MAX)
		return err_make(ERR_TOO_LARGE, "a subject is too large");
	buf_init(&value, RECORD_VALUE_MAX);
	buf_put_u8(&value, SUBJECT_FORM);
	buf_put_u8(&value, (uint8_t)subject->rights);
	record_put_long(&value, subject->clearance);
	buf_put_u16(&value, (uint16_t)subject->space_count);
	for (size_t i = 0; i < subject->space_count; i++)
		buf_put_var(&value, subject->spaces[i]);
	e = buf_check(&value);
	if (!failed(e))
		e = txn_put(txn, TABLE_SUBJECTS, key_subject(subject->name),
			    buf_span(&value));
	buf_clear(&value);
	return e;
}

static struct err decode(struct span name, struct span value,
			 struct arena *arena, struct subject *out)
{
	struct span_reader r = span_read(arena_copy(arena, value));
	struct subject s = {.name = arena_copy(arena, name)};
	struct span *spaces;

	if (arena->full)
		return arena_check(arena);
	if (span_read_u8(&r) != SUBJECT_FORM)
		return err_make(ERR_VERSION, "a subject of an unknown form");
	s.rights = span_read_u8(&r);
	s.clearance = record_read_long(&r);
	s.space_count = span_read_u16(&r);
	spaces = arena_array(arena, s.space_count, sizeof(*spaces));
	for (size_t i = 0; spaces && i < s.space_count; i++)
		spaces[i] = span_read_var(&r);
	s.spaces = spaces;
	if (arena->full)
		return arena_check(arena);
	*out = s;
	return record_read_end(&r, "subjects");
}

struct err subject_get(struct txn *txn, struct span name, struct arena *arena,
		       struct subject *out)
{
	struct span value;
	struct err e = txn_get(txn, TABLE_SUBJECTS, key_subject(name), &value);

	if (failed(e))
		return e;
	return decode(name, value, arena, out);
}

struct err subject_del(struct txn *txn, struct span name)
{
	return txn_del(txn, TABLE_SUBJECTS, key_subject(name));
}

struct err subject_next(struct txn *txn, struct arena *arena,
			struct subject *out)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct key from = key_empty();
	struct err e;

	/* Just behind the last one: its key and a zero byte. */
	if (out->name.len) {
		from = key_subject(out->name);
		key_put_u8(&from, 0);
	}
	e = txn_cursor_open(txn, TABLE_SUBJECTS, key_empty(), &cursor);
	if (!failed(e))
		e = txn_cursor_seek(cursor, from, &row);
	if (!failed(e))
		e = decode(row.key, row.value, arena, out);
	txn_cursor_close(cursor);
	return e;
}
