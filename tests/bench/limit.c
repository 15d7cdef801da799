/* LMDB alone, and the arithmetic alone. */
#include "tests/bench/limit.h"

#include "proto/document/segment.h"
#include "proto/document/wrapped.h"
#include "proto/exchange/write.h"
#include "relay/guard/core/state.h"
#include "storage/record.h"
#include "tests/bench/figure.h"

#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

long limit_cores(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

/* ---- rows ---- */

struct row {
	size_t key_len, value_len;
	uint8_t key[KEY_MAX];
	uint8_t *value;
};

/* Of one commit: the row of the audit, and of the group. */
enum { OF_GROUP = 2 };

struct limit_rows {
	size_t documents, group;
	struct row *document, *feed;
	struct row of_group[OF_GROUP];
};

static void *must_alloc(size_t count, size_t len)
{
	void *at = calloc(count ? count : 1, len);

	if (!at) {
		perror("bench");
		exit(EXIT_FAILURE);
	}
	return at;
}

static void row_copy(struct row *out, const struct txn_row *row)
{
	out->key_len = row->key.len;
	memcpy(out->key, row->key.at, row->key.len);
	out->value_len = row->value.len + RECORD_MAC_LEN;
	out->value = must_alloc(1, out->value_len);
	memcpy(out->value, row->value.at, row->value.len);
	memset(out->value + row->value.len, 0xa5, RECORD_MAC_LEN);
}

/* The last `count` rows of a table under a prefix, oldest first. */
static void rows_last(struct txn *txn, enum table table, struct key prefix,
		      struct row *rows, size_t count)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;

	world_must(txn_cursor_open(txn, table, prefix, &cursor));
	while (count--) {
		world_must(txn_cursor_prev(cursor, &row));
		row_copy(&rows[count], &row);
	}
	txn_cursor_close(cursor);
}

struct limit_rows *limit_rows_read(struct place *p, size_t documents,
				   size_t group)
{
	/* Of a group's row: all but the leaves. */
	enum { GROUP_HEAD = 71 };
	struct limit_rows *r = must_alloc(1, sizeof(*r));
	struct txn *txn = NULL;
	size_t whole;

	r->documents = documents;
	r->group = group;
	r->document = must_alloc(documents, sizeof(*r->document));
	r->feed = must_alloc(documents, sizeof(*r->feed));
	world_must(txn_begin_read(p->relay->core->store, STORE_RECORDS, &txn));
	rows_last(txn, TABLE_DOCUMENTS, key_empty(), r->document, documents);
	rows_last(txn, TABLE_FEED, key_empty(), r->feed, documents);
	rows_last(txn, TABLE_AUDIT, key_empty(), &r->of_group[0], 1);
	rows_last(txn, TABLE_GROUPS, key_of_kind(KEY_GROUP_ROW),
		  &r->of_group[1], 1);
	txn_abort(&txn);
	/* Commits share a group; this one's part of it alone. */
	whole = GROUP_HEAD + group * DIGEST_LEN + RECORD_MAC_LEN;
	if (r->of_group[1].value_len > whole)
		r->of_group[1].value_len = whole;
	return r;
}

void limit_rows_free(struct limit_rows *r)
{
	for (size_t i = 0; i < r->documents; i++) {
		free(r->document[i].value);
		free(r->feed[i].value);
	}
	for (size_t i = 0; i < OF_GROUP; i++)
		free(r->of_group[i].value);
	free(r->document);
	free(r->feed);
	free(r);
}

/* ---- LMDB alone ---- */

static const char *const tables[] = {"documents", "feed", "audit", "groups"};
enum { TABLES = 4 };

struct limit_store {
	MDB_env *env;
	MDB_dbi dbi[TABLES];
	uint64_t groups;
};

static void mdb_must(int rc)
{
	if (!rc)
		return;
	fprintf(stderr, "bench: lmdb: %s\n", mdb_strerror(rc));
	exit(EXIT_FAILURE);
}

static struct limit_store *store_new(const char *folder, const char *name,
				     unsigned flags)
{
	struct limit_store *s = must_alloc(1, sizeof(*s));
	MDB_txn *txn;
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (mkdir(path, 0700) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	mdb_must(mdb_env_create(&s->env));
	mdb_must(mdb_env_set_mapsize(s->env, (size_t)1 << 40));
	mdb_must(mdb_env_set_maxdbs(s->env, TABLES));
	mdb_must(mdb_env_open(s->env, path, MDB_NOTLS | flags, 0600));
	mdb_must(mdb_txn_begin(s->env, NULL, 0, &txn));
	for (size_t i = 0; i < TABLES; i++)
		mdb_must(mdb_dbi_open(txn, tables[i], MDB_CREATE, &s->dbi[i]));
	mdb_must(mdb_txn_commit(txn));
	return s;
}

struct limit_store *limit_store_new(const char *folder, const char *name)
{
	return store_new(folder, name, 0);
}

struct limit_store *limit_store_new_unsynced(const char *folder,
					     const char *name)
{
	return store_new(folder, name, MDB_NOSYNC);
}

void limit_store_sync(struct limit_store *s)
{
	mdb_must(mdb_env_sync(s->env, 1));
}

static void put_record(struct buf *out, const struct row *row)
{
	buf_put_u32(out, (uint32_t)row->key_len);
	buf_put_u32(out, (uint32_t)row->value_len);
	buf_put(out, span_of(row->key, row->key_len));
	buf_put(out, span_of(row->value, row->value_len));
}

void limit_rows_record(const struct limit_rows *r, size_t first,
		       struct buf *out)
{
	size_t end = r->documents - first < r->group ? r->documents
						     : first + r->group;

	for (size_t i = first; i < end; i++) {
		put_record(out, &r->document[i]);
		put_record(out, &r->feed[i]);
	}
	for (size_t i = 0; i < OF_GROUP; i++)
		put_record(out, &r->of_group[i]);
}

void limit_store_free(struct limit_store *s)
{
	mdb_env_close(s->env);
	free(s);
}

static void raw_put(MDB_txn *txn, MDB_dbi dbi, const struct row *row)
{
	MDB_val key = {row->key_len, (void *)row->key};
	MDB_val value = {row->value_len, row->value};

	mdb_must(mdb_put(txn, dbi, &key, &value, 0));
}

/* Rows of a commit, under a key of their own. */
static void raw_put_group(struct limit_store *s, MDB_txn *txn,
			  const struct limit_rows *r)
{
	uint64_t number = ++s->groups;

	for (size_t i = 0; i < OF_GROUP; i++) {
		struct row row = r->of_group[i];

		for (size_t b = 0; b < 8 && b < row.key_len; b++)
			row.key[row.key_len - 1 - b] =
				(uint8_t)(number >> (8 * b));
		raw_put(txn, s->dbi[i == 0 ? 2 : 3], &row);
	}
}

/* Documents `from` to before `to`, in one commit. */
static void raw_commit(struct limit_store *s, const struct limit_rows *r,
		       size_t from, size_t to)
{
	MDB_txn *txn;

	mdb_must(mdb_txn_begin(s->env, NULL, 0, &txn));
	for (size_t i = from; i < to; i++) {
		raw_put(txn, s->dbi[0], &r->document[i]);
		raw_put(txn, s->dbi[1], &r->feed[i]);
	}
	raw_put_group(s, txn, r);
	mdb_must(mdb_txn_commit(txn));
}

double limit_store_commit(struct limit_store *s, const struct limit_rows *r,
			  size_t first)
{
	double began = figure_wall();

	raw_commit(s, r, first,
		   r->documents - first < r->group ? r->documents
						   : first + r->group);
	return figure_wall() - began;
}

double limit_store_write(struct limit_store *s, const struct limit_rows *r)
{
	double took = 0;

	for (size_t i = 0; i < r->documents; i += r->group)
		took += limit_store_commit(s, r, i);
	return took;
}

void limit_store_commits(struct limit_store *s, const struct limit_rows *r,
			 double *took)
{
	for (size_t i = 0; i < r->documents; i++) {
		double began = figure_wall();

		raw_commit(s, r, i, i + 1);
		took[i] = figure_wall() - began;
	}
}

/* ---- arithmetic ---- */

/* What each core does at once with the others. */
struct arithmetic {
	const struct crypto_public *author;
	const struct crypto_key *guard;
	const struct manifest *manifest;
	const struct write_key *key;
	pthread_barrier_t *start;
	struct limit_crypto took;
	pthread_t thread;
};

static void *do_arithmetic(void *arg)
{
	enum { TIMES = 2000 };
	struct arithmetic *a = arg;
	uint8_t key[CRYPTO_KEY_LEN];
	double began;

	pthread_barrier_wait(a->start);
	began = figure_thread_cpu();
	for (int i = 0; i < TIMES; i++)
		world_must(manifest_check_signature(a->author, a->manifest));
	a->took.verify_s = (figure_thread_cpu() - began) / TIMES;
	pthread_barrier_wait(a->start);
	began = figure_thread_cpu();
	for (int i = 0; i < TIMES; i++)
		world_must(wrapped_open(a->guard, &a->key->key, a->manifest->id,
					a->key->commitment, key));
	a->took.open_s = (figure_thread_cpu() - began) / TIMES;
	return NULL;
}

struct limit_crypto limit_crypto(struct place *p)
{
	const size_t cores = (size_t)limit_cores();
	struct arithmetic *all = must_alloc(cores, sizeof(*all));
	struct limit_crypto out = {0};
	struct write_request request;
	struct manifest manifest;
	struct place_put put;
	struct arena arena;
	pthread_barrier_t start;

	arena_init(&arena, 1 << 20);
	place_put(p, buf_span(&p->restricted), "GBR/ops", 1024, &put);
	world_must(write_request_decode(buf_span(&put.body), &arena, &request));
	world_must(manifest_decode(request.manifest, &arena, &manifest));
	pthread_barrier_init(&start, NULL, (unsigned)cores);
	for (size_t i = 0; i < cores; i++) {
		all[i] = (struct arithmetic){
			.author = crypto_key_public(
				engine_identity(p->writer->engine)->author),
			.guard = p->relay->core->guard_p256,
			.manifest = &manifest,
			.key = &request.keys[0],
			.start = &start,
		};
		if (pthread_create(&all[i].thread, NULL, do_arithmetic,
				   &all[i]))
			abort();
	}
	for (size_t i = 0; i < cores; i++) {
		pthread_join(all[i].thread, NULL);
		out.verify_s += all[i].took.verify_s / (double)cores;
		out.open_s += all[i].took.open_s / (double)cores;
	}
	pthread_barrier_destroy(&start);
	free(all);
	arena_clear(&arena);
	place_put_clear(&put);
	return out;
}

double limit_wrap_s(struct place *p)
{
	enum { TIMES = 20000 };
	const struct crypto_public *to =
		crypto_key_public(engine_identity(p->writer->engine)->wrapping);
	struct wrapped_sender *sender = NULL;
	uint8_t key[CRYPTO_KEY_LEN] = {1};
	struct digest commitment = {{2}};
	struct doc_id doc = {{3}};
	struct wrapped wrapped;
	double began = figure_thread_cpu();

	world_must(wrapped_sender_new(to, &p->w.random, &sender));
	for (int i = 0; i < TIMES; i++)
		world_must(wrapped_make(sender, doc, commitment, 1, key,
					&wrapped));
	wrapped_sender_free(sender);
	return (figure_thread_cpu() - began) / TIMES;
}
