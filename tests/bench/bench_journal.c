/*
 * What a write-ahead journal would bring: LMDB as it is, two flushes a commit,
 * against one preallocated file with one checksummed record and one flush a
 * group, LMDB behind it without sync and a checkpoint each CHECKPOINT bytes.
 * Both write the rows of real puts, one commit of each in turns.
 *
 * A probe, not a store: docs/PERFORMANCE.md says what it would take to bring
 * LMDB back to its last checkpoint, and why there is no journal.
 */
#include "tests/bench/bench.h"
#include "tests/bench/figure.h"
#include "tests/bench/limit.h"

#include "proto/crypto/crypto.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	CONTENT = 1024,
	DOCUMENTS = 1024, /* of one turn */
	ALONE = 120,
	TURNS = 4,
	FILE_LEN = 64 << 20,
	CHECKPOINT = 48 << 20,
	RECORD_MAX = 8 << 20,
};

struct ahead {
	int fd;
	uint64_t at, number;
	struct limit_store *behind;
	struct buf record;
	double synced, applied, checkpoints;
};

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void ahead_open(struct ahead *j, const char *folder)
{
	static uint8_t zeros[1 << 20];
	char path[300];

	*j = (struct ahead){0};
	snprintf(path, sizeof(path), "%s/journal", folder);
	j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (j->fd < 0)
		fail(path);
	/* Written once: a flush then changes no length and no extent. */
	for (off_t at = 0; at < FILE_LEN; at += (off_t)sizeof(zeros))
		if (pwrite(j->fd, zeros, sizeof(zeros), at) !=
		    (ssize_t)sizeof(zeros))
			fail(path);
	if (fsync(j->fd))
		fail(path);
	buf_init(&j->record, RECORD_MAX);
	j->behind = limit_store_new_unsynced(folder, "behind");
}

static void ahead_close(struct ahead *j)
{
	limit_store_free(j->behind);
	buf_clear(&j->record);
	close(j->fd);
}

/* Number, length, SHA-256, rows: durable when this returns. */
static void ahead_put(struct ahead *j, const struct limit_rows *rows,
		      size_t first)
{
	double began = figure_wall();
	struct digest sum;
	struct buf body;

	buf_init(&body, RECORD_MAX);
	limit_rows_record(rows, first, &body);
	world_must(crypto_sha256(buf_span(&body), &sum));
	buf_reset(&j->record);
	buf_put_u64(&j->record, ++j->number);
	buf_put_u32(&j->record, (uint32_t)body.len);
	buf_put(&j->record, SPAN_OBJ(sum));
	buf_put(&j->record, buf_span(&body));
	world_must(buf_check(&j->record));
	if (pwrite(j->fd, j->record.at, j->record.len, (off_t)j->at) !=
		    (ssize_t)j->record.len ||
	    fdatasync(j->fd))
		fail("journal");
	j->at += j->record.len;
	buf_clear(&body);
	j->synced += figure_wall() - began;
}

/* Behind the answer, by the same thread. */
static void ahead_apply(struct ahead *j, const struct limit_rows *rows,
			size_t first)
{
	double began = figure_wall();

	j->applied += limit_store_commit(j->behind, rows, first);
	if (j->at < CHECKPOINT)
		return;
	began = figure_wall();
	limit_store_sync(j->behind);
	j->at = 0;
	j->checkpoints += figure_wall() - began;
}

static void put_figures(size_t group, double documents, double plain,
			const struct ahead *j)
{
	double all = j->synced + j->applied + j->checkpoints;
	char name[64];

	snprintf(name, sizeof(name), "journal.puts.group%zu/lmdb", group);
	figure_put(name, documents / all, "puts/s", documents / plain);
	snprintf(name, sizeof(name), "journal.ack.group%zu/lmdb", group);
	figure_put(name, j->synced / documents * (double)group * 1e6,
		   "us/group", plain / documents * (double)group * 1e6);
}

void bench_journal(const char *folder)
{
	static const size_t groups[] = {1, 16, 64};
	struct limit_store *plain = limit_store_new(folder, "plain");
	struct ahead j;
	struct place p;

	place_new(&p, folder, "journal-rows");
	ahead_open(&j, folder);
	for (size_t g = 0; g < 3; g++) {
		size_t n = groups[g] == 1 ? ALONE : DOCUMENTS;
		double theirs = 0;

		j.synced = j.applied = j.checkpoints = 0;
		for (int turn = 0; turn < TURNS; turn++) {
			struct limit_rows *rows;

			place_fill(&p, buf_span(&p.restricted), "GBR/ops",
				   CONTENT, n);
			rows = limit_rows_read(&p, n, groups[g]);
			for (size_t i = 0; i < n; i += groups[g]) {
				theirs += limit_store_commit(plain, rows, i);
				ahead_put(&j, rows, i);
				ahead_apply(&j, rows, i);
			}
			limit_rows_free(rows);
		}
		/* What waits for the next checkpoint is paid for here. */
		{
			double began = figure_wall();

			limit_store_sync(j.behind);
			j.at = 0;
			j.checkpoints += figure_wall() - began;
		}
		put_figures(groups[g], (double)(n * TURNS), theirs, &j);
	}
	ahead_close(&j);
	limit_store_free(plain);
	place_free(&p);
}
