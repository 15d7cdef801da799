/* The bytes of an upload: a blob, less the segments that the relay has. */
#include "client/files_fd.h"

#include <fcntl.h>
#include <unistd.h>

/* Both tables; that of the revision before is empty if there is none. */
struct tables {
	struct buf now, before;
};

static struct err read_one(const char *folder, struct digest table,
			   uint64_t size, struct buf *out)
{
	buf_init(out, (size_t)segment_table_len(size));
	return files_read_content(folder, table, 0,
				  (size_t)segment_table_len(size), out);
}

static struct err tables_read(const char *folder, const struct files_upload *u,
			      struct tables *t)
{
	struct err e;

	*t = (struct tables){0};
	e = read_one(folder, u->table, u->size, &t->now);
	if (!failed(e) && u->over)
		e = read_one(folder, u->over_table, u->over_size, &t->before);
	return e;
}

static void tables_clear(struct tables *t)
{
	buf_clear(&t->now);
	buf_clear(&t->before);
}

/* The relay takes an equal entry at the same index as brought already. */
static bool is_left_out(const struct tables *t, uint64_t i)
{
	return (i + 1) * SEGMENT_ENTRY_LEN <= t->before.len &&
	       digest_eq(segment_table_at(buf_span(&t->now), i).digest,
			 segment_table_at(buf_span(&t->before), i).digest);
}

struct err files_upload_len(const char *folder, const struct files_upload *u,
			    uint64_t *out)
{
	struct tables t;
	uint64_t len = segment_table_len(u->size);
	struct err e = tables_read(folder, u, &t);

	for (uint64_t i = 0; !failed(e) && i < segment_count(u->size); i++)
		if (!is_left_out(&t, i))
			len += segment_sealed_len(u->size, i);
	tables_clear(&t);
	if (!failed(e))
		*out = len;
	return e;
}

/* What of [from, to) lies in the `len` bytes that stand at `at` of the
 * upload and at `place` of the blob. */
static struct err take(const char *folder, const struct files_upload *u,
		       uint64_t from, uint64_t to, uint64_t at, uint64_t len,
		       uint64_t place, struct buf *out)
{
	uint64_t first = from > at ? from : at;
	uint64_t end = to < at + len ? to : at + len;

	if (first >= end)
		return ERR_NONE;
	return files_read_content(folder, u->table, place + (first - at),
				  (size_t)(end - first), out);
}

struct err files_upload_read(const char *folder, const struct files_upload *u,
			     uint64_t offset, size_t len, struct buf *out)
{
	struct tables t;
	uint64_t at = segment_table_len(u->size);
	uint64_t to = offset + len;
	struct err e = tables_read(folder, u, &t);

	if (!failed(e))
		e = take(folder, u, offset, to, 0, at, 0, out);
	for (uint64_t i = 0;
	     !failed(e) && at < to && i < segment_count(u->size); i++) {
		size_t sealed = segment_sealed_len(u->size, i);

		if (is_left_out(&t, i))
			continue;
		e = take(folder, u, offset, to, at, sealed,
			 segment_offset(u->size, i), out);
		at += sealed;
	}
	tables_clear(&t);
	return e;
}
