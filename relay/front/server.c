#include "relay/front/server.h"
#include "relay/child.h"
#include "relay/front/conn.h"
#include "relay/front/request.h"
#include "relay/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PEM_MAX = 128 * 1024 };

/* Devices come back with a certificate that ended: they renew it. */
static const uint64_t grace_s = UINT64_C(180) * 24 * 3600;

/* ---- dirty connections ---- */

static void on_turn(uv_idle_t *turn)
{
	struct front *f = turn->data;
	struct conn *c;

	uv_idle_stop(turn);
	while ((c = f->dirty)) {
		f->dirty = c->dirty_next;
		c->dirty = false;
		conn_move(c);
	}
}

void front_touched(struct front *f)
{
	uv_idle_start(&f->turn, on_turn);
}

/* ---- the guard ---- */

static void on_message(void *owner, struct lanes *lanes, enum lane_name lane,
		       const struct channel_message *m)
{
	request_message(owner, m);
}

static void lose_guard(struct front *f)
{
	struct request *r;

	f->guard = NULL;
	while ((r = table_any(&f->requests)))
		request_guard_lost(r); /* takes itself out */
}

static void on_gone(void *owner, struct lanes *lanes, struct err why)
{
	log_fault("guard-gone", why);
	lose_guard(owner);
}

static const struct lane_events guard_events = {on_message, on_gone, NULL};

void front_set_guard(struct front *f, int requests, int bulk)
{
	struct lanes *lanes = NULL;
	struct err e;

	lanes_close(f->guard);
	lose_guard(f);
	e = lanes_open(f->loop, requests, bulk, &guard_events, f, &lanes);
	if (failed(e))
		log_fault("lanes", e);
	else
		f->guard = lanes;
}

void front_set_reference(struct front *f, const char *reference)
{
	snprintf(f->reference, sizeof(f->reference), "%s", reference);
}

/* ---- certificates ---- */

static struct err read_file(const char *folder, const char *name,
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
	setvbuf(file, NULL, _IONBF, 0); /* no second copy of a key */
	room = buf_grow(out, PEM_MAX);
	if (room)
		out->len = fread(room, 1, PEM_MAX, file);
	fclose(file);
	return room ? ERR_NONE : err_make(ERR_NO_MEMORY, "tls file");
}

static struct err make_contexts(struct front *f, const char *folder)
{
	struct buf ca, certificate, key;
	struct tls_config config = {.client = TLS_CLIENT_ANY};
	struct err e, e2, e3;

	e = read_file(folder, "ca.pem", &ca);
	e2 = read_file(folder, "server.pem", &certificate);
	e3 = read_file(folder, "server.key", &key);
	e = failed(e) ? e : failed(e2) ? e2 : e3;
	if (failed(e))
		goto out;
	config.certificate = buf_span(&certificate);
	config.key = buf_span(&key);
	e = tls_context_new_server(&config, &f->tls[ROUTE_PEER]);
	if (failed(e))
		goto out;
	/* Who shows a certificate here must have it from this relay. */
	config.client = TLS_CLIENT_OPTIONAL;
	config.roots = buf_span(&ca);
	e = tls_context_new_server(&config, &f->tls[ROUTE_ADMIN]);
	if (failed(e))
		goto out;
	config.client_grace_s = grace_s;
	e = tls_context_new_server(&config, &f->tls[ROUTE_DEVICE]);
out:
	buf_clear(&ca);
	buf_clear(&certificate);
	buf_wipe(&key);
	return e;
}

/* ---- listeners ---- */

static void on_connection(uv_stream_t *listener, int status)
{
	struct front *f = listener->data;

	if (status < 0 || f->stopping)
		return;
	conn_accept(f,
		    (enum route_listener)((uv_tcp_t *)listener - f->listeners));
}

struct err front_start(struct front *f, uv_loop_t *loop, const char *folder,
		       const int fds[ROUTE_LISTENERS])
{
	struct err e;

	*f = (struct front){.loop = loop};
	table_init(&f->requests);
	table_init(&f->sources);
	uv_idle_init(loop, &f->turn);
	uv_timer_init(loop, &f->stop_timer);
	f->turn.data = f->stop_timer.data = f;
	e = make_contexts(f, folder);
	if (failed(e))
		return e;
	for (int i = 0; i < ROUTE_LISTENERS; i++) {
		uv_tcp_init(loop, &f->listeners[i]);
		f->listeners[i].data = f;
		if (uv_tcp_open(&f->listeners[i], fds[i]) ||
		    uv_listen((uv_stream_t *)&f->listeners[i], FRONT_BACKLOG,
			      on_connection))
			return err_make(ERR_IO, "listener");
	}
	f->listening = true;
	return ERR_NONE;
}

void front_stranger_left(struct front *f, uint64_t source)
{
	uintptr_t count = (uintptr_t)table_get(&f->sources, source);
	struct err e = ERR_NONE;

	f->stranger_count--;
	if (count > 1)
		e = table_put(&f->sources, source, (void *)(count - 1));
	else
		table_take(&f->sources, source);
	(void)e; /* replacing what is there takes no memory */
}

static void finish(struct front *f)
{
	if (!f->stopping || f->conns || !f->listening)
		return;
	f->listening = false;
	uv_close((uv_handle_t *)&f->stop_timer, NULL);
	uv_close((uv_handle_t *)&f->turn, NULL);
	lanes_close(f->guard);
	f->guard = NULL;
}

void front_conn_gone(struct front *f)
{
	finish(f);
}

static void on_stop_late(uv_timer_t *timer)
{
	struct front *f = timer->data;

	while (f->conns)
		conn_close(f->conns, ERR_NONE);
}

void front_stop(struct front *f)
{
	struct conn *next;

	if (f->stopping)
		return;
	f->stopping = true;
	for (int i = 0; i < ROUTE_LISTENERS; i++)
		uv_close((uv_handle_t *)&f->listeners[i], NULL);
	for (struct conn *c = f->conns; c; c = next) {
		next = c->next;
		conn_finish(c);
	}
	uv_timer_start(&f->stop_timer, on_stop_late, FRONT_STOP_MS, 0);
	finish(f);
}

void front_clear(struct front *f)
{
	for (int i = 0; i < ROUTE_LISTENERS; i++)
		tls_context_free(f->tls[i]);
	table_clear(&f->requests);
	table_clear(&f->sources);
}
