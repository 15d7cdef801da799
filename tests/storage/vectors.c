/* The published store, and what lies on its disk. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "storage/file.h"
#include "storage/record.h"
#include "tests/storage/vectors.h"

int kept_setup(void **state)
{
	struct kept *k = calloc(1, sizeof(*k));

	if (!k)
		return -1;
	published_open(&k->vectors, "storage.json");
	published_store(&k->vectors, &k->temp);
	*state = k;
	return 0;
}

int kept_teardown(void **state)
{
	struct kept *k = *state;

	tempstore_free(&k->temp);
	published_close(&k->vectors);
	free(k);
	return 0;
}

/* ---- a record: what it says, its MAC, and where it lies ---- */

static enum table table_of(const struct json *record)
{
	struct span name = published_text(record, "table");

	for (int t = 0; t < TABLE_COUNT; t++)
		if (span_eq_str(name, table_name(t)))
			return t;
	fail_msg("no such table");
	return TABLE_COUNT;
}

static bool on_disk(struct tempstore *t, enum table table, struct span bytes)
{
	char path[2 * TEMPSTORE_PATH];
	struct buf file;
	bool there;

	must(file_join(path, sizeof(path), t->path,
		       table_env(table) == STORE_RECORDS
			       ? "records/data.mdb"
			       : "segments/data.mdb"));
	buf_init(&file, 64 << 20);
	must(file_read(path, &file));
	there = memmem(file.at, file.len, bytes.at, bytes.len) != NULL;
	buf_clear(&file);
	return there;
}

void kept_record(struct kept *k, const struct json *record)
{
	struct published *p = &k->vectors;
	enum table table = table_of(record);
	struct key key = key_raw(published_bytes(p, record, "key"));
	uint8_t mac_key[STORE_MAC_KEY_LEN], mac[RECORD_MAC_LEN];
	const struct store_header *h = store_header(k->temp.store);
	struct hmac_key *ready = NULL;
	struct hmac *work = NULL;
	struct buf bytes;
	struct txn *txn = NULL;
	struct span value;

	buf_init(&bytes, 1 << 16);
	must(txn_begin_read(k->temp.store, table_env(table), &txn));
	must(txn_get(txn, table, key, &value));
	assert_true(published_is(p, record, "value", value));
	ring_mac_key(k->temp.ring, mac_key);
	must(hmac_key_new(SPAN_OBJ(mac_key), &ready));
	must(hmac_new(&work));
	must(record_mac(work, ready, SPAN_OBJ(h->store_id), table_name(table),
			key_span(&key), value, mac));
	hmac_free(work);
	hmac_key_free(ready);
	assert_true(published_is(p, record, "mac", SPAN_OBJ(mac)));
	/* A leaf of LMDB has key and data side by side. */
	buf_put(&bytes, key_span(&key));
	buf_put(&bytes, value);
	buf_put(&bytes, SPAN_OBJ(mac));
	must(buf_check(&bytes));
	assert_true(on_disk(&k->temp, table, buf_span(&bytes)));
	txn_abort(&txn);
	buf_clear(&bytes);
}

void kept_file(struct kept *k, const char *folder, const char *name,
	       const struct json *row)
{
	char path[2 * TEMPSTORE_PATH];
	struct buf file;

	must(file_join(path, sizeof(path), folder, name));
	buf_init(&file, 1 << 20);
	must(file_read(path, &file));
	assert_true(published_is(&k->vectors, row, "file", buf_span(&file)));
	buf_clear(&file);
}
