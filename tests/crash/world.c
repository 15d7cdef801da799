/* A relay, its clients, and what must be so. */
#define _GNU_SOURCE
#include "tests/crash/world.h"

#include "proto/base/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

enum { CONTENT_MAX = 1 << 20, FREE_MS = 5000 };

static bool fault(const char *what, struct doc_id id, unsigned who,
		  uint32_t number)
{
	fprintf(stderr, "FAULT: %s: document ", what);
	for (size_t i = 0; i < sizeof(id.at); i++)
		fprintf(stderr, "%02x", id.at[i]);
	fprintf(stderr, " of writer %u, number %u\n", who, number);
	return false;
}

/* ---- its life ---- */

void world_new(struct world *w, const char *parent, uint64_t seed)
{
	char name[16];

	*w = (struct world){0};
	nation_daemon_new_at(&w->relay, "GBR", parent);
	nation_daemon_start(&w->relay);
	for (unsigned i = 0; i < WORLD_WRITERS; i++) {
		/* Equal changes of one officer differ in their second. */
		snprintf(name, sizeof(name), "writer%u", i);
		nation_daemon_subject(&w->relay, name, "gbr-restricted",
				      "GBR/ops");
		writer_start(&w->writers[i], i, &w->relay, name, seed);
	}
	nation_daemon_subject(&w->relay, "reader", "gbr-restricted", "GBR/ops");
	pad_new(&w->follower, &w->relay, "reader");
}

void world_free(struct world *w)
{
	for (unsigned i = 0; i < WORLD_WRITERS; i++)
		writer_stop(&w->writers[i]);
	pad_free(&w->follower);
	book_free(&w->book);
	nation_daemon_free(&w->relay);
}

void world_write(struct world *w)
{
	for (unsigned i = 0; i < WORLD_WRITERS; i++)
		writer_tell(&w->writers[i], WRITER_WRITE);
}

void world_settle(struct world *w)
{
	bool all = true;

	for (unsigned i = 0; i < WORLD_WRITERS; i++)
		writer_tell(&w->writers[i], WRITER_SETTLE);
	for (unsigned i = 0; i < WORLD_WRITERS; i++)
		all = writer_wait_settled(&w->writers[i]) && all;
	if (!all)
		exit(EXIT_FAILURE);
	for (unsigned i = 0; i < WORLD_WRITERS; i++)
		writer_tell(&w->writers[i], WRITER_REST);
	for (unsigned i = 0; i < WORLD_WRITERS; i++)
		(void)writer_wait_settled(&w->writers[i]);
}

void world_wait_free(struct world *w)
{
	uint64_t until = nation_daemon_now_ms() + FREE_MS;
	char path[NATION_DAEMON_PATH + 16];
	int fd, rc;

	snprintf(path, sizeof(path), "%s/store/lock", w->relay.folder);
	do {
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return;
		rc = flock(fd, LOCK_EX | LOCK_NB);
		close(fd);
		if (rc == 0)
			return;
		nation_daemon_sleep_ms(1);
	} while (nation_daemon_now_ms() < until);
	fprintf(stderr, "FAULT: the store is still held\n");
	exit(EXIT_FAILURE);
}

/* ---- content ---- */

static bool reads(struct pad *p, struct doc_id id, struct digest digest,
		  unsigned *who, uint32_t *number)
{
	struct buf room;
	struct err e;
	bool whole;

	buf_init(&room, CONTENT_MAX);
	e = pad_read_head(p, id, digest, &room);
	whole = !failed(e) &&
		writer_content_is_whole(buf_span(&room), who, number);
	if (failed(e))
		fprintf(stderr, "not readable: %s %s\n", err_row(e.code)->name,
			e.detail ? e.detail : "");
	buf_clear(&room);
	return whole;
}

/* Nothing is there by half: each head that a device sees is signed and
 * sealed, and each content that it has not read yet reads whole. */
static bool check_halves(struct pad *p)
{
	const struct journal *j = engine_journal(p->engine);
	bool good = true;

	for (size_t i = 0; i < j->documents_count && good; i++)
		for (size_t h = 0; h < j->documents[i].heads_count; h++) {
			struct doc_id id = j->documents[i].id;
			const struct journal_head *head =
				&j->documents[i].heads[h];
			struct digest digest = head->digest;
			uint32_t number = 0;
			unsigned who = 0;

			if (!head->verified)
				return fault("a head is not verified", id, who,
					     number);
			if (!engine_has_content(p->engine, id, digest) &&
			    !reads(p, id, digest, &who, &number))
				return fault("content is there by half", id,
					     who, number);
		}
	return good;
}

/* ---- what was acknowledged ---- */

static bool check_one(struct world *w, unsigned who, const struct written *one)
{
	const struct journal_document *d =
		journal_find_document(engine_journal(w->follower.engine),
				      one->id);
	struct digest digest;
	uint32_t number = 0;
	unsigned by = 0;

	if (one->state == WRITTEN_GONE)
		return !d || d->heads_count == 0 ||
		       fault("what was deleted is back", one->id, who,
			     one->number);
	if (!d || d->heads_count == 0)
		return one->state == WRITTEN_OPEN ||
		       fault("an acknowledged document is lost", one->id, who,
			     one->number);
	if (d->heads_count != 1)
		return fault("two heads of one writer", one->id, who,
			     one->number);
	digest = d->heads[0].digest;
	if (digest_eq(digest, one->digest) && !one->fresh)
		return true;
	if (!reads(&w->follower, one->id, digest, &by, &number))
		return fault("content is there by half", one->id, who,
			     one->number);
	/* An edit of the same writer that was in hand may have come through. */
	if (by != who || number < one->number ||
	    (number == one->number && !digest_eq(digest, one->digest)))
		return fault("an acknowledged revision is lost", one->id, who,
			     one->number);
	return true;
}

static bool check_acknowledged(struct world *w)
{
	for (unsigned i = 0; i < WORLD_WRITERS; i++) {
		struct writer *x = &w->writers[i];

		for (size_t k = 0; k < x->count; k++) {
			if (!check_one(w, i, &x->written[k]))
				return false;
			w->checked += x->written[k].fresh;
			x->written[k].fresh = false;
		}
	}
	return true;
}

/* ---- the feed ---- */

static bool same_heads(const struct journal *a, const struct journal *b)
{
	for (size_t i = 0; i < a->documents_count; i++) {
		const struct journal_document *x = &a->documents[i];
		const struct journal_document *y =
			journal_find_document(b, x->id);

		if ((y ? y->heads_count : 0) != x->heads_count)
			return fault("two devices see other heads", x->id, 0,
				     0);
		for (size_t h = 0; h < x->heads_count; h++)
			if (!journal_find_head(y, x->heads[h].digest))
				return fault("two devices see other heads",
					     x->id, 0, 0);
	}
	return true;
}

static bool same(struct pad *a, struct pad *b)
{
	const struct journal *x = engine_journal(a->engine);
	const struct journal *y = engine_journal(b->engine);

	return same_heads(x, y) && same_heads(y, x);
}

/* A connection may have gone with the relay: the next one stands. */
static void sync_now(struct pad *p)
{
	struct err e = ERR_NONE;

	for (int i = 0; i < 20; i++) {
		e = pad_sync(p);
		if (!failed(e))
			return;
		pad_leave(p);
		nation_daemon_sleep_ms(20);
	}
	must(e);
}

static bool check_feed(struct world *w, bool fresh)
{
	struct pad pad;
	bool good = true;

	sync_now(&w->follower);
	for (unsigned i = 0; i < WORLD_WRITERS && good; i++) {
		sync_now(&w->writers[i].pad);
		good = same(&w->follower, &w->writers[i].pad);
	}
	if (!good || !fresh)
		return good;
	pad_new(&pad, &w->relay, "reader");
	sync_now(&pad);
	good = same(&w->follower, &pad) && check_halves(&pad);
	pad_free(&pad);
	return good;
}

/* ---- the audit ---- */

static bool check_audit(struct world *w)
{
	if (!nation_daemon_audit_is_sound(&w->relay) ||
	    !book_read(&w->book, &w->relay))
		return false;
	for (unsigned i = 0; i < WORLD_WRITERS; i++) {
		struct writer *x = &w->writers[i];
		struct key_id reader = crypto_public_id(crypto_key_public(
			engine_identity(x->pad.engine)->author));

		for (size_t k = 0; k < x->owed_count; k++)
			if (!book_has(&w->book, reader, x->owed[k].doc,
				      x->owed[k].digest))
				return fault("a key or a write without its "
					     "record in the audit",
					     x->owed[k].doc, i, 0);
		w->keys_checked += x->owed_count;
		x->owed_count = 0;
	}
	return true;
}

bool world_check(struct world *w, bool fresh)
{
	return check_feed(w, fresh) && check_acknowledged(w) &&
	       check_halves(&w->follower) && check_audit(w);
}

bool world_check_store(struct world *w)
{
	struct json *json = NULL;
	struct buf said;
	uint64_t left = 0;
	bool sound = false;
	char program[512];
	int code;

	nation_daemon_program("entente", program);
	buf_init(&said, 8 << 20);
	code = nation_daemon_shell(&said, 60,
				   "'%s' store check '%s' --passphrase-file "
				   "'%s' --json",
				   program, w->relay.folder, w->relay.secret);
	if (failed(json_parse(buf_span(&said), &json)) ||
	    failed(json_get_bool(json, "sound", &sound)) ||
	    failed(json_get_u64(json, "left", &left)) || !sound || code != 0) {
		fprintf(stderr, "FAULT: store check, exit %d: %.4000s\n", code,
			buf_cstr(&said));
		sound = false;
	}
	w->left = left;
	if (left > w->left_max)
		w->left_max = left;
	json_free(json);
	buf_clear(&said);
	return sound;
}
