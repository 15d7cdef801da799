/* Work on a store that no guard has open. */
#include "relay/guard/core/store_role.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/json.h"
#include "proto/crypto/crypto.h"
#include "relay/child.h"
#include "relay/confine.h"
#include "storage/file.h"
#include "storage/store_check.h"

enum {
	PATH_ROOM = 4200,
	TOLD_MAX = 1000, /* findings that are told one by one */
	JSON_MAX = 4 << 20,
	HEX_MAX = 2 * KEY_MAX + 1,
};

struct store_role {
	const struct control_start *start;
	struct random random;
	struct clock clock;
	struct key_provider provider;
	struct ring *ring;
	struct store *store;
	int lock;
	/* What a check has told so far. */
	uint64_t began_ms, shown_ms, told;
	bool terminal;
	struct buf json;
	struct json_writer writer;
};

/* ---- opening, as a guard does, but nothing is made or destroyed ---- */

static struct err open_ring(struct store_role *o, const char *store)
{
	char keys[PATH_ROOM];
	struct err e =
		file_join(keys, sizeof(keys), o->start->folder, "keys/ring");

	if (!failed(e))
		e = key_provider_file_open(keys, o->start->root_key, &o->random,
					   &o->provider);
	if (!failed(e))
		e = ring_look(store, &o->provider, &o->random, &o->clock,
			      &o->ring);
	if (e.code == ERR_NOT_FOUND)
		e = err_make(ERR_NOT_FOUND,
			     "there is no ring: the relay never started");
	return e;
}

static struct err open_all(struct store_role *o)
{
	struct store_options options = {.random = o->random, .clock = o->clock};
	char path[PATH_ROOM];
	struct err e = file_join(path, sizeof(path), o->start->folder, "store");

	if (!failed(e) && !store_exists(path))
		e = err_make(ERR_NOT_FOUND,
			     "there is no store: the relay never started");
	if (!failed(e))
		e = store_lock(path, &o->lock);
	if (!failed(e))
		e = open_ring(o, path);
	if (failed(e))
		return e;
	options.path = path;
	options.lock = o->lock;
	ring_store_id(o->ring, options.store_id);
	ring_mac_key(o->ring, options.mac_key);
	e = store_open(&options, &o->store);
	wipe(&options, sizeof(options));
	return e;
}

static void close_all(struct store_role *o)
{
	store_close(o->store);
	ring_close(o->ring);
	if (o->provider.close)
		o->provider.close(o->provider.self);
	store_unlock(o->lock);
	buf_clear(&o->json);
}

/* ---- what is said ---- */

static void to_hex(struct span key, char out[HEX_MAX])
{
	size_t n = 0;

	out[0] = 0;
	for (size_t i = 0; i < key.len && n + 3 <= HEX_MAX; i++)
		n += (size_t)snprintf(out + n, 3, "%02x", key.at[i]);
}

static const char *grade_name(enum store_check_grade grade)
{
	return grade == CHECK_FAULT ? "fault" : "left";
}

static void clear_progress(struct store_role *o)
{
	if (o->terminal && o->shown_ms)
		fputs("\r\033[K", stderr);
}

static void on_finding(void *self, const struct store_finding *f)
{
	struct store_role *o = self;
	char hex[HEX_MAX];

	if (o->told++ >= TOLD_MAX)
		return;
	to_hex(f->key, hex);
	if (o->start->json) {
		json_open_object(&o->writer);
		json_member_str(&o->writer, "grade", grade_name(f->grade));
		json_member_str(&o->writer, "key", hex);
		json_member_str(&o->writer, "mend", f->mend);
		json_member_str(&o->writer, "table", table_name(f->table));
		json_member_str(&o->writer, "what", f->what);
		json_close_object(&o->writer);
		return;
	}
	clear_progress(o);
	printf("%s: %s%s%s: %s\n  %s\n", grade_name(f->grade),
	       table_name(f->table), hex[0] ? " " : "", hex, f->what, f->mend);
}

/* One line on a terminal, redrawn at most ten times a second. */
static void on_progress(void *self, uint64_t records, uint64_t total)
{
	struct store_role *o = self;
	uint64_t now = child_now_ms();

	if (!o->terminal || now < o->shown_ms + 100)
		return;
	o->shown_ms = now;
	fprintf(stderr,
		"\r\033[K%" PRIu64 " of %" PRIu64 " records (%" PRIu64 "%%)",
		records, total, total ? records * 100 / total : 100);
}

static void say_counts(struct store_role *o, const struct store_check *c)
{
	uint64_t ms = child_now_ms() - o->began_ms;

	if (o->start->json) {
		json_close_array(&o->writer);
		json_member_u64(&o->writer, "audit", c->audit);
		json_member_u64(&o->writer, "bytes", c->bytes);
		json_member_u64(&o->writer, "documents", c->documents);
		json_member_u64(&o->writer, "faults", c->faults);
		json_member_u64(&o->writer, "feed", c->feed_rows);
		json_member_u64(&o->writer, "groups", c->groups);
		json_member_u64(&o->writer, "left", c->left);
		json_member_u64(&o->writer, "milliseconds", ms);
		json_member_u64(&o->writer, "records", c->records);
		json_member_u64(&o->writer, "segments", c->segments);
		json_member_u64(&o->writer, "signatures", c->signatures);
		json_member_bool(&o->writer, "sound", c->faults == 0);
		json_close_object(&o->writer);
		printf("%s\n", buf_cstr(&o->json));
		return;
	}
	clear_progress(o);
	if (o->told > TOLD_MAX)
		printf("and %" PRIu64 " more\n", o->told - TOLD_MAX);
	printf("%s: %" PRIu64 " records in %" PRIu64 ".%03" PRIu64
	       " s: %" PRIu64 " documents, %" PRIu64 " rows of the feed, "
	       "%" PRIu64 " groups with %" PRIu64 " signatures, %" PRIu64
	       " segments, %" PRIu64 " audit records; %" PRIu64
	       " faults, %" PRIu64 " left by a crash\n",
	       c->faults ? "NOT SOUND" : "sound", c->records, ms / 1000,
	       ms % 1000, c->documents, c->feed_rows, c->groups, c->signatures,
	       c->segments, c->audit, c->faults, c->left);
}

static struct err run_check(struct store_role *o, int *status)
{
	struct store_check_order order = {.ring = o->ring,
					  .finding = on_finding,
					  .progress = on_progress,
					  .self = o};
	struct store_check found = {0};
	struct err e;

	buf_init(&o->json, JSON_MAX);
	o->writer = json_write(&o->json);
	json_open_object(&o->writer);
	json_put_name(&o->writer, "findings");
	json_open_array(&o->writer);
	o->began_ms = child_now_ms();
	o->terminal = !o->start->json && isatty(STDERR_FILENO);
	e = store_check(o->store, &order, &found);
	if (failed(e))
		return e;
	say_counts(o, &found);
	if (fflush(stdout) != 0)
		return err_make(ERR_IO, "standard output");
	*status = found.faults ? STORE_FAULTS : STORE_SOUND;
	return ERR_NONE;
}

static const char *mend_of(struct err e)
{
	switch (e.code) {
	case ERR_BUSY:
		return "Stop the relay that works in this folder; a store has "
		       "one owner.";
	case ERR_NOT_FOUND:
		return "Name the folder of a relay that was started once.";
	case ERR_CORRUPT:
		return "Restore the relay's folder from a backup.";
	default:
		return err_row(e.code)->mend;
	}
}

/* 2 says that the store is not sound, and nothing else does. */
static int status_of(struct err e)
{
	switch (e.code) {
	case ERR_CORRUPT:
		return STORE_FAULTS;
	case ERR_BUSY:
	case ERR_USAGE:
		return err_row(e.code)->exit_code;
	default:
		return EXIT_FAILURE;
	}
}

static int say_failed(const struct store_role *o, struct err e)
{
	const struct err_row *row = err_row(e.code);
	const char *detail = e.detail ? e.detail : row->title;
	struct json_writer w;
	struct buf json;

	fprintf(stderr, "entented: %s/store: %s\n  %s\n", o->start->folder,
		detail, mend_of(e));
	if (!o->start->json)
		return status_of(e);
	buf_init(&json, 65536);
	w = json_write(&json);
	json_open_object(&w);
	json_put_name(&w, "error");
	json_open_object(&w);
	json_member_str(&w, "detail", detail);
	json_member_str(&w, "mend", mend_of(e));
	json_member_str(&w, "name", row->name);
	json_member_str(&w, "reference", "");
	json_member_str(&w, "title", row->title);
	json_member_str(&w, "where", o->start->folder);
	json_close_object(&w);
	json_close_object(&w);
	printf("%s\n", buf_cstr(&json));
	fflush(stdout);
	buf_clear(&json);
	return status_of(e);
}

int store_role_run(struct control_start *start, const char *verb)
{
	struct store_role o = {.start = start,
			       .random = {crypto_random_fill, NULL},
			       .clock = {child_utc_ms, NULL}};
	struct confine_applied applied;
	int status = EXIT_FAILURE;
	struct err e = ERR_NONE;

	if (strcmp(verb, "check") != 0)
		e = err_make(ERR_USAGE, "there is no such verb");
	if (!failed(e))
		e = confine_files(CONFINE_GUARD, start->folder, &applied);
	if (!failed(e))
		e = open_all(&o);
	wipe(start->root_key, sizeof(start->root_key));
	if (!failed(e))
		e = confine_calls(CONFINE_GUARD, &applied);
	if (!failed(e))
		e = run_check(&o, &status);
	if (failed(e))
		status = say_failed(&o, e);
	close_all(&o);
	return status;
}
