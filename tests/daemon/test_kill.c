/*
 * Every role is killed while devices write.  What was acknowledged is there
 * afterwards, from the devices' own record; nothing is there by half; a
 * nation that pulls meanwhile ends with the same.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/daemon/pad.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	WRITERS = 3,
	WRITTEN_MAX = 4096,
	LARGE = 300 * 1000, /* uploaded before it is written: two segments */
	LOAD_MS = 1000,	    /* between two kills */
};

/* What one writer knows of a document that the relay said yes to. */
struct written {
	struct doc_id id;
	struct digest digest; /* acknowledged last */
	uint32_t number;      /* the content's, acknowledged last */
};

struct writer {
	struct pad pad;
	pthread_t thread;
	unsigned who;
	uint32_t number;
	struct written written[WRITTEN_MAX];
	size_t count, acknowledged, refused;
};

static struct nation_daemon gbr, deu;
static struct writer writers[WRITERS];
static _Atomic bool stop_writing;
static bool writing; /* there are threads */
static _Atomic size_t acknowledged;

/* Content that tells its writer and number, and whether it is whole. */
static void make_content(unsigned who, uint32_t number, struct buf *out)
{
	size_t len = number % 7 == 0 ? LARGE : 200;

	buf_init(out, LARGE + 64);
	buf_printf(out, "writer %u number %u\n", who, number);
	while (out->len < len)
		buf_printf(out, "%u.", number);
}

static bool is_whole(struct span content)
{
	unsigned who, number;
	struct buf want, head;
	bool same;

	buf_init(&head, 64);
	buf_put(&head, span_sub(content, 0, 60));
	if (sscanf(buf_cstr(&head), "writer %u number %u\n", &who, &number) !=
	    2) {
		buf_clear(&head);
		return false;
	}
	make_content(who, number, &want);
	same = span_eq(buf_span(&want), content);
	buf_clear(&want);
	buf_clear(&head);
	return same;
}

/* ---- writers ---- */

static void remember(struct writer *w, struct doc_id id, struct digest digest,
		     uint32_t number)
{
	size_t i = 0;

	while (i < w->count && !doc_id_eq(w->written[i].id, id))
		i++;
	if (i == w->count)
		w->count++;
	w->written[i] = (struct written){id, digest, number};
	w->acknowledged++;
	acknowledged++;
}

static struct err write_one(struct writer *w, struct buf *content)
{
	uint32_t number = ++w->number;
	struct digest digest;
	struct doc_id id;
	char title[32];
	struct err e;

	snprintf(title, sizeof(title), "%u-%u", w->who, number);
	make_content(w->who, number, content);
	if (number % 3 == 0 && w->count) { /* of one that it knows */
		id = w->written[w->count - 1].id;
		e = pad_edit(&w->pad, id, buf_span(content), &digest);
	} else {
		e = pad_put(&w->pad, "GBR/ops", "restricted-rel-gbr-deu-fra",
			    title, buf_span(content), &id, &digest);
	}
	if (!failed(e))
		remember(w, id, digest, number);
	return e;
}

/* Writes until told to stop; after a refusal it asks again for what it had
 * begun, as a device does. */
static void *run_writer(void *arg)
{
	struct writer *w = arg;

	while (!stop_writing && w->count < WRITTEN_MAX) {
		struct buf content;
		struct err e = write_one(w, &content);

		buf_clear(&content);
		if (!failed(e)) {
			/* An edit wants its parent in the journal. */
			if (w->number % 3 == 2)
				(void)pad_sync(&w->pad).code;
			continue;
		}
		w->refused++;
		nation_daemon_sleep_ms(20);
		(void)pad_resume(&w->pad).code;
	}
	return NULL;
}

static void start_writers(void)
{
	writing = true;
	for (unsigned i = 0; i < WRITERS; i++)
		if (pthread_create(&writers[i].thread, NULL, run_writer,
				   &writers[i]))
			exit(EXIT_FAILURE);
}

static void stop_writers(void)
{
	if (!writing)
		return;
	writing = false;
	stop_writing = true;
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
}

/* Lets them write; what came through meanwhile. */
static size_t load(void)
{
	uint64_t until = nation_daemon_now_ms() + 10000;
	size_t before = acknowledged;

	nation_daemon_sleep_ms(LOAD_MS);
	while (acknowledged == before && nation_daemon_now_ms() < until)
		nation_daemon_sleep_ms(20);
	return acknowledged - before;
}

/* ---- what must be so afterwards ---- */

static bool reads(struct pad *p, struct doc_id id, struct digest digest,
		  struct span *out, struct buf *room)
{
	struct err e;

	buf_init(room, 16 << 20);
	e = pad_read_head(p, id, digest, room);
	*out = buf_span(room);
	if (failed(e))
		fprintf(stderr, "not readable: %s %s\n", err_row(e.code)->name,
			e.detail ? e.detail : "");
	return !failed(e);
}

/* The acknowledged revision is a head, or an edit of the same writer that was
 * in hand at a death superseded it. */
static void check_written(struct pad *p, const struct writer *w,
			  const struct written *one)
{
	const struct journal_document *d =
		journal_find_document(engine_journal(p->engine), one->id);
	bool there = false;

	if (!d)
		fail_msg("writer %u number %u is lost", w->who, one->number);
	for (size_t i = 0; i < d->heads_count && !there; i++) {
		unsigned who = 0, number = 0;
		struct span content;
		struct buf room;

		assert_true(
			reads(p, one->id, d->heads[i].digest, &content, &room));
		there = digest_eq(d->heads[i].digest, one->digest) ||
			(sscanf(buf_cstr(&room), "writer %u number %u", &who,
				&number) == 2 &&
			 who == w->who && number > one->number);
		buf_clear(&room);
	}
	if (!there)
		fail_msg("writer %u number %u: its revision is lost", w->who,
			 one->number);
}

static void check_all_written(struct pad *p)
{
	size_t count = 0;

	for (unsigned i = 0; i < WRITERS; i++)
		for (size_t k = 0; k < writers[i].count; k++, count++)
			check_written(p, &writers[i], &writers[i].written[k]);
	printf("%zu documents acknowledged, all there\n", count);
}

/* Whatever a device sees is signed, sealed, and reads whole. */
static void check_nothing_by_half(struct pad *p)
{
	const struct journal *j = engine_journal(p->engine);

	for (size_t i = 0; i < j->documents_count; i++)
		for (size_t h = 0; h < j->documents[i].heads_count; h++) {
			const struct journal_head *head =
				&j->documents[i].heads[h];
			struct span content;
			struct buf room;

			assert_true(head->verified);
			assert_true(reads(p, j->documents[i].id, head->digest,
					  &content, &room));
			assert_true(is_whole(content));
			buf_clear(&room);
		}
}

static bool same_heads(const struct journal *a, const struct journal *b)
{
	if (a->documents_count != b->documents_count)
		return false;
	for (size_t i = 0; i < a->documents_count; i++) {
		const struct journal_document *x = &a->documents[i];
		const struct journal_document *y =
			journal_find_document(b, x->id);

		if (!y || x->heads_count != y->heads_count)
			return false;
		for (size_t h = 0; h < x->heads_count; h++)
			if (!journal_find_head(y, x->heads[h].digest))
				return false;
	}
	return true;
}

/* A device that followed all along and one that is new see the same. */
static void check_feed(struct pad *old, struct pad *new)
{
	must(pad_sync(old));
	must(pad_sync(new));
	assert_true(same_heads(engine_journal(old->engine),
			       engine_journal(new->engine)));
}

/* ---- the story ---- */

static int start(void **state)
{
	nation_daemon_new(&gbr, "GBR");
	nation_daemon_start(&gbr);
	nation_daemon_new(&deu, "DEU");
	nation_daemon_start(&deu);
	nation_daemon_peer(&gbr, &deu);
	nation_daemon_subject(&gbr, "alice", "gbr-restricted", "GBR/ops");
	nation_daemon_subject(&deu, "dora", "deu-restricted", "GBR/ops");
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i].who = i;
		pad_new(&writers[i].pad, &gbr, "alice");
		must(pad_sync(&writers[i].pad));
	}
	return 0;
}

static int stop(void **state)
{
	stop_writers();
	for (unsigned i = 0; i < WRITERS; i++)
		pad_free(&writers[i].pad);
	nation_daemon_free(&gbr);
	nation_daemon_free(&deu);
	return 0;
}

static void kill_and_load(enum nation_daemon_role role)
{
	uint64_t began = nation_daemon_now_ms(), back;
	size_t through;

	nation_daemon_kill_role(&gbr, role);
	back = nation_daemon_now_ms() - began;
	through = load();
	printf("%s killed: back after %llu ms, then %zu writes\n",
	       nation_daemon_role_name(role), (unsigned long long)back,
	       through);
	assert_true(through > 0);
}

static void whatever_is_killed_what_was_acknowledged_stays(void **state)
{
	struct pad new, dora;
	uint64_t until;
	size_t refused = 0;

	start_writers();
	assert_true(load() > 0);
	for (int i = 0; i < 3; i++)
		kill_and_load(ROLE_GUARD);
	kill_and_load(ROLE_FRONT);
	kill_and_load(ROLE_LINK);
	/* The supervisor takes its children along: nation_daemon_kill waits
	 * for it, and a new start finds folder and ports free. */
	nation_daemon_kill(&gbr);
	nation_daemon_start(&gbr);
	assert_true(load() > 0);
	nation_daemon_kill_role(&gbr, ROLE_GUARD);
	stop_writers();
	for (unsigned i = 0; i < WRITERS; i++) {
		/* What was in hand is written once, or not at all. */
		must(pad_resume(&writers[i].pad));
		refused += writers[i].refused;
	}
	printf("%zu writes acknowledged, %zu refused meanwhile\n",
	       (size_t)acknowledged, refused);

	pad_new(&new, &gbr, "alice");
	check_feed(&writers[0].pad, &new);
	check_all_written(&new);
	check_nothing_by_half(&new);
	assert_true(nation_daemon_audit_is_sound(&gbr));

	/* The other nation, too. */
	pad_new(&dora, &deu, "dora");
	until = nation_daemon_now_ms() + 20000;
	do
		must(pad_sync(&dora));
	while (!same_heads(engine_journal(new.engine),
			   engine_journal(dora.engine)) &&
	       nation_daemon_now_ms() < until);
	assert_true(same_heads(engine_journal(new.engine),
			       engine_journal(dora.engine)));
	check_all_written(&dora);
	check_nothing_by_half(&dora);
	assert_true(nation_daemon_audit_is_sound(&deu));
	pad_free(&new);
	pad_free(&dora);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			whatever_is_killed_what_was_acknowledged_stays),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
