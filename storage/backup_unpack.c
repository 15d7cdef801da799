/* A relay's folder out of a backup. */
#define _GNU_SOURCE
#include "storage/backup_unpack.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "proto/document/replica.h"
#include "storage/audit.h"
#include "storage/certificate_store.h"
#include "storage/file.h"
#include "storage/hold.h"
#include "storage/record.h"
#include "storage/ring.h"
#include "storage/root_key.h"

enum {
	PATH_ROOM = 4096,
	BATCH_ROWS = 2000,
	BATCH_BYTES = 8 << 20,
	REPLICA_DAYS = 730,
	BACKDATE_S = 300,
};

struct unpacker {
	const struct backup_unpack_order *order;
	struct backup_in *in;
	struct backup_found found;
	char store_path[PATH_ROOM];
	struct key_provider provider;
	struct ring *ring;
	struct store *store;
	struct txn *txn;
	enum store_env env;
	size_t rows, bytes; /* of the transaction */
};

static struct err in_folder(const char *folder, const char *name,
			    char out[PATH_ROOM])
{
	return file_join(out, PATH_ROOM, folder, name);
}

/* ---- the root key, the provider, the ring ---- */

static struct err make_folder(struct unpacker *u, uint8_t root_key[32])
{
	const struct backup_unpack_order *o = u->order;
	char path[PATH_ROOM];
	struct err e = in_folder(o->folder, "keys", path);

	if (!failed(e) && mkdir(o->folder, 0700) != 0)
		e = errno == EEXIST
			    ? err_make(ERR_EXISTS,
				       "the folder is there already")
			    : err_make(ERR_IO, "the folder cannot be made");
	if (!failed(e))
		e = file_make_folder(path);
	if (!failed(e))
		e = in_folder(o->folder, "keys/root.key", path);
	if (!failed(e))
		e = root_key_create(path, o->passphrase, o->log2_n, &o->random,
				    root_key);
	if (!failed(e))
		e = in_folder(o->folder, "keys/ring", path);
	if (!failed(e))
		e = key_provider_file_open(path, root_key, &o->random,
					   &u->provider);
	if (!failed(e))
		e = in_folder(o->folder, "store", u->store_path);
	return e;
}

static struct err open_store(const char *path, struct ring *ring,
			     const struct random *random,
			     const struct clock *clock, struct store **out,
			     const struct replica *fresh)
{
	struct store_options options = {.path = path,
					.random = *random,
					.clock = *clock};
	struct err e = ERR_NONE;

	ring_store_id(ring, options.store_id);
	ring_mac_key(ring, options.mac_key);
	if (fresh)
		e = store_create(&options, *fresh);
	if (!failed(e))
		e = store_open(&options, out);
	wipe(&options, sizeof(options));
	return e;
}

static struct err take_ring(struct unpacker *u, struct span exported)
{
	const struct backup_unpack_order *o = u->order;
	uint8_t id[STORE_ID_LEN];
	struct err e;

	if (u->ring)
		return err_make(ERR_CORRUPT, "a backup with two rings");
	e = ring_import(u->store_path, &u->provider, &o->random, exported);
	if (!failed(e))
		e = ring_open(u->store_path, &u->provider, &o->random,
			      &o->clock, &u->ring);
	if (failed(e))
		return e;
	ring_store_id(u->ring, id);
	if (memcmp(id, u->found.head.store_id, sizeof(id)) != 0)
		return err_make(ERR_CORRUPT, "the ring is another store's");
	return open_store(u->store_path, u->ring, &o->random, &o->clock,
			  &u->store, &u->found.head.replica);
}

/* ---- files ---- */

/* A name below the folder: letters, digits, ".-_", one "/" inside; so nothing
 * in a backup leads out of it. */
static bool name_is_plain(struct span name)
{
	unsigned slashes = 0;

	if (name.len == 0 || name.len > 64 || name.at[0] == '/' ||
	    name.at[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.at[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

		slashes += c == '/';
		if (!letter && c != '.' && c != '-' && c != '/')
			return false;
		if (c == '/' && (i + 1 == name.len || name.at[i + 1] == '.'))
			return false;
	}
	return slashes <= 1;
}

static struct err take_file(struct unpacker *u, struct span payload)
{
	struct span_reader r = span_read(payload);
	struct span name = span_read_var(&r), bytes = record_read_long(&r);
	char text[80], path[PATH_ROOM], folder[PATH_ROOM];
	struct err e = record_read_end(&r, "a file of the backup is malformed");
	char *slash;

	if (!failed(e) && !name_is_plain(name))
		e = err_make(ERR_CORRUPT, "a file of the backup has no plain "
					  "name");
	if (failed(e))
		return e;
	snprintf(text, sizeof(text), "%.*s", (int)name.len,
		 (const char *)name.at);
	slash = strrchr(text, '/');
	if (slash) {
		*slash = 0;
		e = in_folder(u->order->folder, text, folder);
		*slash = '/';
		if (!failed(e))
			e = file_make_folder(folder);
	}
	if (!failed(e))
		e = in_folder(u->order->folder, text, path);
	if (!failed(e))
		e = file_write(path, bytes, true);
	u->found.files++;
	return e;
}

/* ---- rows ---- */

static bool table_of(struct span name, enum table *out)
{
	for (int t = 0; t < TABLE_COUNT; t++)
		if (span_eq_str(name, table_name(t))) {
			*out = (enum table)t;
			return true;
		}
	return false;
}

static struct err flush(struct unpacker *u)
{
	struct err e = u->txn ? txn_commit(&u->txn) : ERR_NONE;

	u->rows = u->bytes = 0;
	return e;
}

static struct err take_row(struct unpacker *u, struct span payload)
{
	struct span_reader r = span_read(payload);
	struct span name = span_read_var(&r), key = span_read_var(&r);
	struct span value = record_read_long(&r);
	enum table table = TABLE_COUNT;
	struct key k = key_empty();
	struct err e = record_read_end(&r, "a row of the backup is malformed");

	if (!failed(e) && !u->store)
		e = err_make(ERR_CORRUPT, "a backup without a ring");
	if (!failed(e) && (!table_of(name, &table) || key.len > KEY_MAX))
		e = err_make(ERR_CORRUPT, "a row of no table");
	if (failed(e))
		return e;
	if (u->rows == BATCH_ROWS || u->bytes > BATCH_BYTES ||
	    u->env != table_env(table))
		e = flush(u);
	if (!failed(e) && !u->txn) {
		u->env = table_env(table);
		e = txn_begin_reserve(u->store, u->env, &u->txn);
	}
	memcpy(k.at, key.at, key.len);
	k.len = (uint8_t)key.len;
	if (!failed(e))
		e = txn_put(u->txn, table, k, value);
	u->rows++;
	u->bytes += value.len;
	u->found.rows++;
	return e;
}

/* ---- all of it ---- */

static struct err take_head(struct unpacker *u, struct span payload)
{
	struct err e = backup_head_read(payload, &u->found.head);

	if (!failed(e) && u->found.head.version > STORE_VERSION)
		e = err_make(ERR_VERSION, "a newer build wrote this backup");
	return e;
}

static struct err take_end(struct unpacker *u, struct span payload)
{
	struct span_reader r = span_read(payload);
	uint64_t rows = span_read_u64(&r);
	struct err e = record_read_end(&r, "the backup's end is malformed");

	if (!failed(e) && rows != u->found.rows)
		e = err_make(ERR_CORRUPT, "the backup lacks rows");
	return failed(e) ? e : flush(u);
}

static struct err take(struct unpacker *u, enum backup_kind kind,
		       struct span payload, bool first)
{
	if (first != (kind == BACKUP_HEAD))
		return err_make(ERR_CORRUPT, "the backup's order is wrong");
	switch (kind) {
	case BACKUP_HEAD:
		return take_head(u, payload);
	case BACKUP_FILE:
		return take_file(u, payload);
	case BACKUP_RING:
		return take_ring(u, payload);
	case BACKUP_ROW:
		return take_row(u, payload);
	case BACKUP_END:
		return take_end(u, payload);
	}
	return err_make(ERR_CORRUPT, "an entry of no kind");
}

static struct err take_all(struct unpacker *u)
{
	enum backup_kind kind;
	struct span payload;
	bool first = true;
	struct err e = ERR_NONE;

	while (!failed(e)) {
		e = backup_in_next(u->in, &kind, &payload);
		if (failed(e))
			break;
		e = take(u, kind, payload, first);
		first = false;
		if (u->order->progress)
			u->order->progress(u->order->self,
					   backup_in_done(u->in),
					   backup_in_total(u->in));
	}
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

struct err backup_unpack(const struct backup_unpack_order *order,
			 uint8_t root_key[32], struct backup_found *out)
{
	struct unpacker u = {.order = order};
	struct err e = backup_in_open(order->file, order->recovery, &u.in);

	if (!failed(e))
		e = make_folder(&u, root_key);
	if (!failed(e))
		e = take_all(&u);
	if (!failed(e) && !u.store)
		e = err_make(ERR_CORRUPT, "a backup without a ring");
	txn_abort(&u.txn);
	store_close(u.store);
	ring_close(u.ring);
	if (u.provider.close)
		u.provider.close(u.provider.self);
	backup_in_close(u.in);
	if (!failed(e))
		*out = u.found;
	return e;
}

/* ---- another replica ---- */

static struct err sign(const struct backup_promote_order *o, struct ring *ring,
		       const struct store_header *h, struct buf *blob)
{
	const struct crypto_key *seal, *p256, *p384, *request;
	uint64_t now = clock_s(&o->clock);
	struct replica_draft draft = {
		.replica = {h->replica.nation, o->replica},
		.root = crypto_public_id(crypto_key_public(o->seal_root)),
		.issue = 1,
		.from = now - BACKDATE_S,
		.to = now + (uint64_t)REPLICA_DAYS * 24 * 3600,
	};
	struct err e = ring_private(ring, KEYFILE_SEAL, &seal);

	if (!failed(e))
		e = ring_private(ring, KEYFILE_GUARD_P256, &p256);
	if (!failed(e))
		e = ring_private(ring, KEYFILE_GUARD_P384, &p384);
	if (!failed(e))
		e = ring_private(ring, KEYFILE_REQUEST, &request);
	if (failed(e))
		return e;
	draft.seal = crypto_key_public(seal);
	draft.guard_p256 = crypto_key_public(p256);
	draft.guard_p384 = crypto_key_public(p384);
	draft.request = crypto_key_public(request);
	return replica_sign(o->seal_root, &draft, blob);
}

static struct err is_our_root(struct txn *txn, struct nation nation,
			      const struct crypto_key *seal_root)
{
	struct span pinned;
	struct err e = certificate_store_root(txn, nation, NULL, &pinned);

	if (!failed(e) &&
	    !span_eq(pinned, crypto_public_spki(crypto_key_public(seal_root))))
		e = err_make(ERR_UNAUTHENTICATED,
			     "this is not the nation's seal root");
	return e;
}

static struct err drop_tokens(struct txn *txn)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct err e = txn_cursor_open(txn, TABLE_TOKENS, key_empty(), &cursor);

	while (!failed(e)) {
		e = txn_cursor_next(cursor, &row);
		if (!failed(e))
			e = txn_cursor_del(cursor);
	}
	txn_cursor_close(cursor);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

/* Before anything is promoted: what a relay needs of it, in one commit. */
static struct err put_rows(const struct backup_promote_order *o,
			   struct store *store, struct span certificate)
{
	struct hold hold = {.held = true,
			    .since = clock_s(&o->clock),
			    .backup = o->backup_time};
	struct replica replica = {store_header(store)->replica.nation,
				  o->replica};
	struct txn *txn = NULL;
	struct digest digest;
	struct err e = txn_begin_reserve(store, STORE_RECORDS, &txn);

	if (!failed(e))
		e = is_our_root(txn, replica.nation, o->seal_root);
	if (!failed(e))
		e = hold_put(txn, &hold);
	if (!failed(e))
		e = certificate_store_put(txn, replica, 1, certificate,
					  &digest);
	if (!failed(e))
		e = drop_tokens(txn);
	if (!failed(e))
		e = txn_commit(&txn);
	txn_abort(&txn);
	return e;
}

/* On the record, by the new replica. */
static struct err put_audit(const struct backup_promote_order *o,
			    struct store *store)
{
	char detail[96];
	struct audit_entry entry = {.who = AUDIT_SYSTEM,
				    .who_id = span_str("restore"),
				    .what = span_str("restore")};
	struct txn *txn = NULL;
	uint64_t number;
	struct err e = txn_begin_reserve(store, STORE_RECORDS, &txn);

	snprintf(detail, sizeof(detail), "replica %llu, backup of %llu",
		 (unsigned long long)o->replica,
		 (unsigned long long)o->backup_time);
	entry.detail = span_str(detail);
	if (!failed(e))
		e = audit_append(txn, &entry, &number);
	if (!failed(e))
		e = txn_commit(&txn);
	txn_abort(&txn);
	return e;
}

struct err backup_promote(const struct backup_promote_order *o)
{
	struct key_provider provider = {0};
	char path[PATH_ROOM], keys[PATH_ROOM];
	struct ring *ring = NULL;
	struct store *store = NULL;
	struct replica replica;
	struct buf blob;
	struct err e = in_folder(o->folder, "keys/ring", keys);

	buf_init(&blob, REPLICA_BLOB_MAX);
	if (!failed(e))
		e = in_folder(o->folder, "store", path);
	if (!failed(e))
		e = key_provider_file_open(keys, o->root_key, &o->random,
					   &provider);
	if (!failed(e))
		e = ring_open(path, &provider, &o->random, &o->clock, &ring);
	if (!failed(e))
		e = open_store(path, ring, &o->random, &o->clock, &store, NULL);
	if (!failed(e))
		e = sign(o, ring, store_header(store), &blob);
	if (!failed(e) && o->replica <= store_header(store)->replica.number)
		e = err_make(ERR_CONFLICT, "a replica number only rises");
	if (!failed(e))
		e = put_rows(o, store, buf_span(&blob));
	/* Twice: the one before would still be good. */
	for (int i = 0; i < 2 && !failed(e); i++)
		e = ring_key_rotate(ring, RING_NONCE);
	if (!failed(e)) {
		replica = (struct replica){store_header(store)->replica.nation,
					   o->replica};
		e = store_promote(store, replica);
	}
	if (!failed(e))
		e = put_audit(o, store);
	if (!failed(e))
		e = in_folder(o->folder, "keys/replica", path);
	if (!failed(e))
		e = file_write(path, buf_span(&blob), false);
	store_close(store);
	ring_close(ring);
	if (provider.close)
		provider.close(provider.self);
	buf_clear(&blob);
	return e;
}
