/* A backup of a store that is in use. */
#include "storage/backup_write.h"

#include "storage/file.h"
#include "storage/record.h"

enum { FILE_MAX = 1 << 20, PROGRESS_ROWS = 256, PATH_ROOM = 4096 };

struct writer {
	const struct backup_write_order *order;
	struct backup_out *out;
	struct buf entry;
	uint64_t rows;
};

/* Both snapshots, and the ring of that moment. */
static struct err begin(const struct backup_write_order *o,
			struct txn *txn[STORE_ENV_COUNT], struct buf *ring)
{
	struct txn *still = NULL;
	struct err e = txn_begin_reserve(o->store, STORE_SEGMENTS, &still);

	if (!failed(e))
		e = ring_export(o->ring, o->store, &txn[STORE_RECORDS], ring);
	if (!failed(e))
		e = txn_begin_read(o->store, STORE_SEGMENTS,
				   &txn[STORE_SEGMENTS]);
	txn_abort(&still);
	return e;
}

static struct err put(struct writer *w, enum backup_kind kind)
{
	struct err e = buf_check(&w->entry);

	if (!failed(e))
		e = backup_out_put(w->out, kind, buf_span(&w->entry));
	buf_reset(&w->entry);
	return e;
}

static struct err put_head(struct writer *w)
{
	const struct store_header *h = store_header(w->order->store);
	struct backup_head head = {
		.version = STORE_VERSION,
		.replica = h->replica,
		.time = clock_s(store_clock(w->order->store)),
	};

	memcpy(head.store_id, h->store_id, sizeof(head.store_id));
	backup_head_put(&head, &w->entry);
	return put(w, BACKUP_HEAD);
}

static struct err put_files(struct writer *w)
{
	struct err e = ERR_NONE;

	for (const char *const *name = w->order->files; *name && !failed(e);
	     name++) {
		char path[PATH_ROOM];
		struct buf bytes;

		buf_init(&bytes, FILE_MAX);
		e = file_join(path, sizeof(path), w->order->folder, *name);
		if (!failed(e))
			e = file_read(path, &bytes);
		if (e.code == ERR_NOT_FOUND) {
			e = ERR_NONE;
		} else if (!failed(e)) {
			buf_put_var(&w->entry, span_str(*name));
			record_put_long(&w->entry, buf_span(&bytes));
			e = put(w, BACKUP_FILE);
		}
		buf_wipe(&bytes);
	}
	return e;
}

static bool goes_on(struct writer *w)
{
	return !w->order->progress ||
	       w->order->progress(w->order->self, backup_out_bytes(w->out));
}

static struct err put_table(struct writer *w, struct txn *txn, enum table table)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e = txn_cursor_open(txn, table, key_empty(), &cursor);

	while (!failed(e)) {
		e = txn_cursor_next(cursor, &row);
		if (failed(e))
			break;
		buf_put_var(&w->entry, span_str(table_name(table)));
		buf_put_var(&w->entry, row.key);
		record_put_long(&w->entry, row.value);
		e = put(w, BACKUP_ROW);
		if (++w->rows % PROGRESS_ROWS == 0 && !failed(e) && !goes_on(w))
			e = err_make(ERR_GONE, "the backup was stopped");
	}
	txn_cursor_close(cursor);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err put_all(struct writer *w, struct txn *txn[STORE_ENV_COUNT],
			  struct span ring)
{
	struct err e = put_head(w);

	if (!failed(e))
		e = put_files(w);
	if (!failed(e))
		e = backup_out_put(w->out, BACKUP_RING, ring);
	for (int t = 0; t < TABLE_COUNT && !failed(e); t++)
		e = put_table(w, txn[table_env(t)], t);
	if (!failed(e)) {
		buf_put_u64(&w->entry, w->rows);
		e = put(w, BACKUP_END);
	}
	return failed(e) ? e : backup_out_end(w->out);
}

struct err backup_write(const struct backup_write_order *order, int fd,
			uint64_t *rows)
{
	struct txn *txn[STORE_ENV_COUNT] = {NULL};
	struct writer w = {.order = order};
	struct buf ring;
	struct err e;

	buf_init(&ring, BACKUP_ENTRY_MAX);
	buf_init(&w.entry, RECORD_VALUE_MAX + 4096);
	e = backup_out_new(fd, order->recovery, store_random(order->store),
			   &w.out);
	if (!failed(e))
		e = begin(order, txn, &ring);
	if (!failed(e))
		e = put_all(&w, txn, buf_span(&ring));
	if (!failed(e))
		*rows = w.rows;
	for (int i = 0; i < STORE_ENV_COUNT; i++)
		txn_abort(&txn[i]);
	backup_out_free(w.out);
	buf_wipe(&ring);
	buf_wipe(&w.entry);
	return e;
}
