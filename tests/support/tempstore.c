/* A store with its ring in a temporary folder. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/file.h"
#include "tests/support/tempstore.h"

void tempstore_check(struct err e, const char *file, int line)
{
	if (!failed(e))
		return;
	fprintf(stderr, "%s:%d: %s: %s\n", file, line, err_row(e.code)->name,
		e.detail ? e.detail : "");
	abort();
}

static void make_keys(struct keyfile_start *start)
{
	static const struct {
		enum keyfile_key purpose;
		enum crypto_curve curve;
	} wanted[] = {
		{KEYFILE_SEAL, CRYPTO_P384},
		{KEYFILE_GUARD_P256, CRYPTO_P256},
		{KEYFILE_GUARD_P384, CRYPTO_P384},
		{KEYFILE_REQUEST, CRYPTO_P256},
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct crypto_key *key = NULL;

		must(crypto_key_generate(wanted[i].curve, &key));
		must(keyfile_start_add(start, wanted[i].purpose, key));
		crypto_key_free(key);
	}
}

struct store_options tempstore_options(struct tempstore *t)
{
	struct store_options o = {
		.path = t->path,
		.random = t->random,
		.clock = t->clock,
		.quota = t->quota,
		.faults = &t->faults,
	};

	ring_store_id(t->ring, o.store_id);
	ring_mac_key(t->ring, o.mac_key);
	return o;
}

void tempstore_new(struct tempstore *t, bool with_keys)
{
	struct keyfile_start start = {0};
	struct replica replica = {{{'G', 'B', 'R'}}, 1};
	struct store_options o;

	memset(t, 0, sizeof(*t));
	testrandom_init(&t->source, 1);
	testclock_init(&t->time);
	t->random = testrandom(&t->source);
	t->clock = testclock(&t->time);
	/* Thousands of commits: in memory where there is such a folder. */
	snprintf(t->folder, sizeof(t->folder), "%s/entente-test-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(t->folder))
		abort();
	must(file_join(t->path, sizeof(t->path), t->folder, "store"));
	must(file_join(t->keys, sizeof(t->keys), t->folder, "keys"));
	must(random_fill(&t->random, t->root_key, sizeof(t->root_key)));
	if (with_keys)
		make_keys(&start);
	must(key_provider_file_open(t->keys, t->root_key, &t->random,
				    &t->provider));
	must(ring_create(t->path, &t->provider, &t->random, &start));
	must(ring_open(t->path, &t->provider, &t->random, &t->clock, &t->ring));
	o = tempstore_options(t);
	must(store_create(&o, replica));
	must(store_open(&o, &t->store));
	keyfile_start_wipe(&start);
}

void tempstore_close(struct tempstore *t)
{
	store_close(t->store);
	t->store = NULL;
	ring_close(t->ring);
	t->ring = NULL;
	if (t->provider.close)
		t->provider.close(t->provider.self);
	t->provider = (struct key_provider){0};
}

void tempstore_open(struct tempstore *t)
{
	struct store_options o;

	must(key_provider_file_open(t->keys, t->root_key, &t->random,
				    &t->provider));
	must(ring_open(t->path, &t->provider, &t->random, &t->clock, &t->ring));
	o = tempstore_options(t);
	must(store_open(&o, &t->store));
}

static int remove_one(const char *path, const struct stat *st, int kind,
		      struct FTW *at)
{
	return remove(path);
}

void tempstore_free(struct tempstore *t)
{
	tempstore_close(t);
	if (t->folder[0])
		nftw(t->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	t->folder[0] = '\0';
}

void tempstore_put(struct tempstore *t, enum table table, struct key key,
		   struct span value)
{
	struct txn *txn = NULL;

	must(txn_begin_write(t->store, table_env(table), &txn));
	must(txn_put(txn, table, key, value));
	must(txn_commit(&txn));
}

unsigned tempstore_flip(struct tempstore *t, const char *file,
			struct span needle)
{
	char path[2 * TEMPSTORE_PATH];
	unsigned changed = 0;
	struct stat st;
	uint8_t *bytes;
	size_t len;
	int fd;

	must(file_join(path, sizeof(path), t->path, file));
	fd = open(path, O_RDWR);
	if (fd < 0 || fstat(fd, &st) != 0)
		abort();
	len = (size_t)st.st_size;
	bytes = malloc(len);
	if (!bytes || pread(fd, bytes, len, 0) != (ssize_t)len)
		abort();
	for (uint8_t *at = bytes;;) {
		at = memmem(at, len - (size_t)(at - bytes), needle.at,
			    needle.len);
		if (!at)
			break;
		at += needle.len - 1;
		*at ^= 1;
		if (pwrite(fd, at, 1, at - bytes) != 1)
			abort();
		changed++;
	}
	free(bytes);
	close(fd);
	return changed;
}
