/* One client and its record. */
#include "tests/crash/writer.h"

#include "proto/exchange/keys.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	SETTLE_MS = 30 * 1000,
	RETRY_MS = 15,
	REST_MS = 2,
	DOCUMENTS_KEPT = 24, /* live ones of a writer; then it deletes */
};

/* ---- content ---- */

static size_t content_len(uint32_t number)
{
	if (number % 9 == 0)
		return WRITER_LARGE_MAX;
	if (number % 5 == 0)
		return 20 * 1000; /* uploaded, one segment */
	return 60 + number % 2000;
}

void writer_content(unsigned who, uint32_t number, struct buf *out)
{
	size_t len = content_len(number);

	buf_init(out, WRITER_LARGE_MAX + 64);
	buf_printf(out, "writer %u number %u\n", who, number);
	while (out->len < len)
		buf_printf(out, "%u.", number);
}

bool writer_content_is_whole(struct span content, unsigned *who,
			     uint32_t *number)
{
	struct buf want, head;
	bool same = false;

	buf_init(&head, 64);
	buf_put(&head, span_sub(content, 0, 60));
	if (sscanf(buf_cstr(&head), "writer %u number %u\n", who, number) ==
	    2) {
		writer_content(*who, *number, &want);
		same = span_eq(buf_span(&want), content);
		buf_clear(&want);
	}
	buf_clear(&head);
	return same;
}

/* ---- the record ---- */

static void owe(struct writer *w, struct doc_id doc, struct digest digest)
{
	if (w->owed_count == w->owed_room) {
		w->owed_room = w->owed_room ? 2 * w->owed_room : 1024;
		w->owed = realloc(w->owed, w->owed_room * sizeof(*w->owed));
		if (!w->owed)
			abort();
	}
	w->owed[w->owed_count++] = (struct owed){doc, digest};
}

/* Keys as they came over the wire, whatever the engine makes of them. */
static void on_answer(void *self, const char *target, int status,
		      struct span body)
{
	const struct keys_grant *grants;
	struct writer *w = self;
	struct arena arena;
	size_t count;

	if (status != 200 || strcmp(target, "/v1/keys") != 0)
		return;
	arena_init(&arena, 8 << 20);
	if (!failed(keys_answer_decode(body, &arena, &grants, &count)))
		for (size_t i = 0; i < count; i++)
			if (grants[i].granted) {
				owe(w, grants[i].want.document,
				    grants[i].want.commitment);
				w->keys++;
			}
	arena_clear(&arena);
}

static struct written *find(struct writer *w, struct doc_id id)
{
	for (size_t i = w->count; i-- > 0;)
		if (doc_id_eq(w->written[i].id, id))
			return &w->written[i];
	return NULL;
}

static void acknowledge(struct writer *w, struct doc_id id,
			struct digest digest, uint32_t number)
{
	struct written *one = find(w, id);

	if (!one)
		one = &w->written[w->count++];
	*one = (struct written){id, digest, number, WRITTEN, true};
	owe(w, id, digest);
	w->acknowledged++;
}

/* ---- what it does ---- */

/* A live document of its own, or NULL. */
static struct written *pick(struct writer *w)
{
	for (int tries = 0; tries < 8 && w->count; tries++) {
		struct written *one =
			&w->written[w->count - 1 -
				    rng_below(&w->rng,
					      w->count < DOCUMENTS_KEPT
						      ? (unsigned)w->count
						      : DOCUMENTS_KEPT)];

		if (one->state == WRITTEN)
			return one;
	}
	return NULL;
}

static struct err put(struct writer *w, struct written *one)
{
	uint32_t number = ++w->number;
	struct doc_id id = {0};
	struct digest digest;
	struct buf content;
	char title[32];
	struct err e;

	snprintf(title, sizeof(title), "%u-%u", w->who, number);
	writer_content(w->who, number, &content);
	if (one) {
		id = one->id;
		e = pad_edit(&w->pad, id, buf_span(&content), &digest);
	} else {
		e = pad_put(&w->pad, "GBR/ops", "restricted-rel-gbr-deu-fra",
			    title, buf_span(&content), &id, &digest);
	}
	buf_clear(&content);
	if (!failed(e))
		acknowledge(w, id, digest, number);
	return e;
}

static struct err end(struct writer *w, struct written *one,
		      enum statement_kind kind)
{
	struct err e;

	one->state = WRITTEN_OPEN;
	one->fresh = true;
	e = pad_state(&w->pad, one->id, kind, NULL);
	if (failed(e))
		return e;
	one->state = WRITTEN_GONE;
	owe(w, one->id, w->pad.digest);
	w->acknowledged++;
	w->recalls += kind == STATEMENT_RECALL;
	return ERR_NONE;
}

static struct err act(struct writer *w)
{
	unsigned choice = rng_below(&w->rng, 100);
	struct written *one = choice < 50 ? pick(w) : NULL;

	if (w->recalling && (one || (one = pick(w))))
		return end(w, one, STATEMENT_RECALL);
	if (w->count == WRITER_DOCUMENTS_MAX)
		return pad_sync(&w->pad);
	if (one && choice < 10)
		return end(w, one, STATEMENT_DELETE);
	if (one && choice < 15)
		return end(w, one, STATEMENT_RECALL);
	if (one && choice < 50)
		return put(w, one);
	if (choice < 85)
		return put(w, NULL);
	return pad_sync(&w->pad);
}

static void settle(struct writer *w)
{
	uint64_t until = nation_daemon_now_ms() + SETTLE_MS;
	struct err e;

	while (failed(e = pad_resume(&w->pad))) {
		/* What the relay refuses for good is not asked for again. */
		if (nation_daemon_now_ms() > until) {
			fprintf(stderr, "writer %u does not settle: %s %s\n",
				w->who, err_row(e.code)->name,
				e.detail ? e.detail : "");
			w->failed = true;
			break;
		}
		nation_daemon_sleep_ms(RETRY_MS);
	}
}

static void *run(void *arg)
{
	struct writer *w = arg;

	for (;;) {
		switch (w->phase) {
		case WRITER_END:
			return NULL;
		case WRITER_REST:
			w->settled = true;
			nation_daemon_sleep_ms(REST_MS);
			break;
		case WRITER_SETTLE:
			if (!w->settled)
				settle(w);
			w->settled = true;
			nation_daemon_sleep_ms(REST_MS);
			break;
		case WRITER_WRITE:
			w->settled = false;
			if (failed(act(w))) {
				w->refused++;
				nation_daemon_sleep_ms(RETRY_MS);
				(void)pad_resume(&w->pad).code;
			}
			break;
		}
	}
}

/* ---- its life ---- */

void writer_start(struct writer *w, unsigned who, const struct nation_daemon *d,
		  const char *subject, uint64_t seed)
{
	*w = (struct writer){.who = who, .rng = {seed + who}};
	w->written = calloc(WRITER_DOCUMENTS_MAX, sizeof(*w->written));
	pad_new(&w->pad, d, subject);
	w->pad.watch = (struct pad_watch){on_answer, w};
	must(pad_sync(&w->pad));
	if (!w->written || pthread_create(&w->thread, NULL, run, w))
		exit(EXIT_FAILURE);
}

void writer_stop(struct writer *w)
{
	w->phase = WRITER_END;
	pthread_join(w->thread, NULL);
	pad_free(&w->pad);
	free(w->written);
	free(w->owed);
	w->written = NULL;
	w->owed = NULL;
}

void writer_tell(struct writer *w, enum writer_phase phase)
{
	w->settled = false;
	w->phase = phase;
}

bool writer_wait_settled(struct writer *w)
{
	uint64_t until = nation_daemon_now_ms() + 2 * SETTLE_MS;

	while (!w->settled && nation_daemon_now_ms() < until)
		nation_daemon_sleep_ms(1);
	return w->settled && !w->failed;
}
