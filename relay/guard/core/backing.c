/* A backup, made beside the work of the guard. */
#define _GNU_SOURCE
#include "relay/guard/core/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/guard/core/state.h"
#include "storage/backup_write.h"
#include "storage/file.h"

enum { PATH_ROOM = 4096 };

/* What a relay needs beside its store; the root key and the replica's
 * certificate are made anew. */
static const char *const files[] = {
	"entente.yaml",
	"tls/ca.pem",
	"tls/root.spki",
	"tls/server.pem",
	"tls/server.key",
	"keys/recovery.spki",
	NULL,
};

struct backing {
	pthread_mutex_t lock;
	struct backing_seen seen;
	atomic_bool stop;
	char folder[PATH_ROOM], fresh[PATH_ROOM], ready[PATH_ROOM];
};

struct err backing_open(struct core *core)
{
	struct backing *b = calloc(1, sizeof(*b));
	struct err e;

	if (!b)
		return err_make(ERR_NO_MEMORY, "backing");
	pthread_mutex_init(&b->lock, NULL);
	core->backing = b;
	e = file_join(b->folder, sizeof(b->folder), core->folder, "backup");
	if (!failed(e))
		e = file_join(b->fresh, sizeof(b->fresh), core->folder,
			      "backup/backup.new");
	if (!failed(e))
		e = file_join(b->ready, sizeof(b->ready), core->folder,
			      "backup/backup");
	if (failed(e))
		return e;
	unlink(b->fresh);
	unlink(b->ready);
	return ERR_NONE;
}

void backing_close(struct core *core)
{
	if (!core->backing)
		return;
	pthread_mutex_destroy(&core->backing->lock);
	free(core->backing);
	core->backing = NULL;
}

void backing_look(struct core *core, struct backing_seen *out)
{
	pthread_mutex_lock(&core->backing->lock);
	*out = core->backing->seen;
	pthread_mutex_unlock(&core->backing->lock);
}

static bool busy(enum backing_state state)
{
	return state == BACKING_DUE || state == BACKING_RUNNING;
}

static struct err read_recovery(struct core *core, struct crypto_public **out)
{
	char path[PATH_ROOM];
	struct buf spki;
	struct err e = file_join(path, sizeof(path), core->folder,
				 "keys/recovery.spki");

	buf_init(&spki, CRYPTO_SPKI_MAX);
	if (!failed(e))
		e = file_read(path, &spki);
	if (e.code == ERR_NOT_FOUND)
		e = err_make(ERR_CONFLICT, "there is no keys/recovery.spki: "
					   "docs/OPERATING.md, Backup");
	if (!failed(e))
		e = crypto_public_from_spki(buf_span(&spki), out);
	buf_clear(&spki);
	return e;
}

struct err backing_may_begin(struct core *core)
{
	struct crypto_public *recovery = NULL;
	struct backing_seen seen;
	struct err e;

	backing_look(core, &seen);
	if (busy(seen.state))
		return err_make(ERR_CONFLICT, "a backup is being made");
	e = read_recovery(core, &recovery);
	crypto_public_free(recovery);
	return e;
}

void backing_begin(struct core *core)
{
	struct backing *b = core->backing;

	pthread_mutex_lock(&b->lock);
	if (!busy(b->seen.state))
		b->seen = (struct backing_seen){.state = BACKING_DUE,
						.time = core_now_s(core)};
	pthread_mutex_unlock(&b->lock);
}

/* ---- on its own thread ---- */

bool core_backup_due(const struct core *core)
{
	bool due;

	pthread_mutex_lock(&core->backing->lock);
	due = core->backing->seen.state == BACKING_DUE;
	pthread_mutex_unlock(&core->backing->lock);
	return due;
}

void core_backup_stop(struct core *core)
{
	atomic_store(&core->backing->stop, true);
}

static bool on_progress(void *self, uint64_t bytes)
{
	struct backing *b = self;

	pthread_mutex_lock(&b->lock);
	b->seen.bytes = bytes;
	pthread_mutex_unlock(&b->lock);
	return !atomic_load(&b->stop);
}

static struct err write_file(struct core *core, uint64_t *rows)
{
	struct backing *b = core->backing;
	struct backup_write_order order = {.store = core->store,
					   .ring = core->ring,
					   .folder = core->folder,
					   .files = files,
					   .progress = on_progress,
					   .self = b};
	struct crypto_public *recovery = NULL;
	int fd = -1;
	struct err e = read_recovery(core, &recovery);

	if (!failed(e))
		e = file_make_folder(b->folder);
	if (!failed(e)) {
		fd = open(b->fresh,
			  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
			  0600);
		if (fd < 0)
			e = err_make(ERR_IO, "backup/ cannot be written");
	}
	order.recovery = recovery;
	if (!failed(e))
		e = backup_write(&order, fd, rows);
	if (fd >= 0 && close(fd) != 0 && !failed(e))
		e = err_make(ERR_IO, "backup/ cannot be written");
	if (!failed(e) && rename(b->fresh, b->ready) != 0)
		e = err_make(ERR_IO, "backup/ cannot be written");
	if (failed(e))
		unlink(b->fresh);
	crypto_public_free(recovery);
	return e;
}

void core_backup_run(struct core *core)
{
	struct backing *b = core->backing;
	struct store_usage usage = {0};
	uint64_t rows = 0;
	struct stat st;
	struct err e = store_usage(core->store, &usage);

	pthread_mutex_lock(&b->lock);
	b->seen.state = BACKING_RUNNING;
	b->seen.estimate = usage.used;
	pthread_mutex_unlock(&b->lock);
	if (!failed(e))
		e = write_file(core, &rows);
	pthread_mutex_lock(&b->lock);
	b->seen.why = e;
	b->seen.rows = rows;
	b->seen.state = failed(e) ? BACKING_FAILED : BACKING_READY;
	if (!failed(e) && stat(b->ready, &st) == 0)
		b->seen.bytes = b->seen.estimate = (uint64_t)st.st_size;
	pthread_mutex_unlock(&b->lock);
}

/* ---- fetching ---- */

struct err backing_read(struct core *core, uint64_t offset, size_t max,
			struct buf *out)
{
	struct backing_seen seen;
	uint8_t *room;
	ssize_t n;
	int fd;

	backing_look(core, &seen);
	if (seen.state != BACKING_READY)
		return err_make(ERR_NOT_FOUND, "no backup is ready");
	if (offset > seen.bytes)
		return err_make(ERR_RANGE, "beyond the backup's end");
	room = buf_grow(out, max);
	if (!room)
		return buf_check(out);
	out->len -= max;
	fd = open(core->backing->ready, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	n = fd < 0 ? -1 : pread(fd, room, max, (off_t)offset);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return err_make(ERR_IO, "the backup cannot be read");
	out->len += (size_t)n;
	return ERR_NONE;
}

struct err backing_drop(struct core *core)
{
	struct backing *b = core->backing;
	struct err e = ERR_NONE;

	pthread_mutex_lock(&b->lock);
	if (busy(b->seen.state)) {
		e = err_make(ERR_CONFLICT, "a backup is being made");
	} else {
		if (unlink(b->ready) != 0 && errno != ENOENT)
			e = err_make(ERR_IO, "the backup cannot be removed");
		else
			b->seen = (struct backing_seen){0};
	}
	pthread_mutex_unlock(&b->lock);
	return e;
}
