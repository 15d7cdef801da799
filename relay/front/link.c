#include "relay/front/link.h"
#include "relay/child.h"
#include "relay/front/dial.h"
#include "relay/log.h"

#include <stdio.h>

enum { PEM_MAX = 128 * 1024 };

/* ---- the guard ---- */

static void call_came(struct link *l, const struct channel_message *m)
{
	struct channel_message no = {.kind = CHANNEL_ANSWER, .id = m->id};
	struct link_dial *d = dial_find(l, m);
	struct call *c = NULL;
	struct err e = call_new(m, &c);

	if (!failed(e) && !d)
		e = dial_new(l, m, &d);
	if (!failed(e))
		e = table_put(&l->calls, m->id, c);
	if (failed(e)) {
		log_fault("call", e);
		if (c)
			call_free(c);
		lanes_send(l->guard, LANE_REQUESTS, &no);
		return;
	}
	c->dial = d;
	*d->waiting_last = c;
	d->waiting_last = &c->next;
	d->queued++;
	dial_move(d);
}

static void call_cancel(struct link *l, struct call *c)
{
	if (c->stream) {
		h2_reset(c->dial->h2, c->stream, H2_CANCEL);
	} else {
		dial_drop_waiting(c->dial, c);
		call_over(l, c, 0);
	}
}

static void on_message(void *owner, struct lanes *lanes, enum lane_name lane,
		       const struct channel_message *m)
{
	struct link *l = owner;
	struct call *c = table_get(&l->calls, m->id);

	if (m->kind == CHANNEL_CALL && !c && m->id) {
		call_came(l, m);
	} else if (m->kind == CHANNEL_CANCEL && c) {
		struct link_dial *d = c->dial;

		call_cancel(l, c);
		dial_move(d);
	}
}

static void drop_all(struct link *l)
{
	struct link_dial *next;

	for (struct link_dial *d = l->dials; d; d = next) {
		next = d->next;
		dial_close(d, ERR_NONE);
	}
}

static void on_gone(void *owner, struct lanes *lanes, struct err why)
{
	struct link *l = owner;

	log_fault("guard-gone", why);
	l->guard = NULL;
	drop_all(l); /* nobody waits for their answers */
}

static const struct lane_events guard_events = {on_message, on_gone, NULL};

void link_set_guard(struct link *l, int requests, int bulk)
{
	struct err e;

	lanes_close(l->guard);
	l->guard = NULL;
	drop_all(l);
	e = lanes_open(l->loop, requests, bulk, &guard_events, l, &l->guard);
	if (failed(e))
		log_fault("lanes", e);
}

/* ---- time ---- */

static void expire_calls(struct link *l, uint64_t now)
{
	for (size_t i = 0; i < l->calls.room; i++) {
		struct call *c = table_at(&l->calls, i);

		if (!c || now - c->began_ms < LINK_CALL_MS)
			continue;
		call_cancel(l, c);
		return; /* the table has moved; the rest at the next beat */
	}
}

static void on_beat(uv_timer_t *timer)
{
	struct link *l = timer->data;
	uint64_t now = child_now_ms();
	struct link_dial *next;

	expire_calls(l, now);
	for (struct link_dial *d = l->dials; d; d = next) {
		next = d->next;
		if (d->closing)
			continue;
		if (!d->h2 && now - d->began_ms > LINK_CONNECT_MS) {
			dial_close(d, err_make(ERR_UNREACHABLE, "no answer"));
			continue;
		}
		if (d->active == 0 && d->queued == 0 &&
		    (d->draining || now - d->used_ms > LINK_IDLE_MS)) {
			dial_close(d, ERR_NONE);
			continue;
		}
		if (d->h2 && h2_deadline(d->h2) <= now)
			h2_expire(d->h2, now);
		dial_move(d);
	}
}

/* ---- start and stop ---- */

static struct err read_pem(const char *folder, const char *name,
			   struct buf *out)
{
	char path[4400];
	FILE *file;
	uint8_t *room;

	buf_init(out, PEM_MAX);
	snprintf(path, sizeof(path), "%s/tls/%s", folder, name);
	file = fopen(path, "re");
	if (!file)
		return err_make(ERR_IO, "a file in tls/ cannot be read");
	setvbuf(file, NULL, _IONBF, 0);
	room = buf_grow(out, PEM_MAX);
	if (room)
		out->len = fread(room, 1, PEM_MAX, file);
	fclose(file);
	return room ? ERR_NONE : err_make(ERR_NO_MEMORY, "tls file");
}

struct err link_start(struct link *l, uv_loop_t *loop, const char *folder)
{
	struct err e;

	*l = (struct link){.loop = loop};
	table_init(&l->calls);
	uv_timer_init(loop, &l->beat);
	l->beat.data = l;
	e = read_pem(folder, "server.pem", &l->certificate);
	if (!failed(e))
		e = read_pem(folder, "server.key", &l->key);
	if (!failed(e))
		uv_timer_start(&l->beat, on_beat, LINK_BEAT_MS, LINK_BEAT_MS);
	return e;
}

void link_stop(struct link *l)
{
	if (l->stopping)
		return;
	l->stopping = true;
	drop_all(l);
	lanes_close(l->guard);
	l->guard = NULL;
	uv_close((uv_handle_t *)&l->beat, NULL);
}

void link_clear(struct link *l)
{
	table_clear(&l->calls);
	buf_clear(&l->certificate);
	buf_wipe(&l->key);
}
