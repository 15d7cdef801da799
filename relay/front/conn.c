#include "relay/front/conn.h"
#include "relay/child.h"
#include "relay/front/request.h"
#include "relay/log.h"

#include <netinet/in.h>
#include <stdlib.h>

enum { WRITE_MAX = 64 * 1024, READ_ROOM = 64 * 1024 };

/* ---- life ---- */

static void on_closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;
	struct front *f = c->front;

	if (--c->handles > 0)
		return;
	tls_free(c->tls);
	buf_clear(&c->out);
	free(c);
	front_conn_gone(f);
}

static void log_session(const struct conn *c)
{
	struct log_line l;
	char name[DIGEST_TEXT_LEN + 1];

	if (log_is_quiet())
		return;
	log_begin(&l, "session");
	log_str(&l, "listener", route_listener_name(c->listener));
	if (c->has_certificate) {
		digest_format(c->certificate, name);
		log_str(&l, "certificate", name);
	}
	log_u64(&l, "requests", c->requests);
	log_err(&l, c->why);
	log_u64(&l, "ms", child_now_ms() - c->began_ms);
	log_end(&l);
}

static void undirty(struct conn *c)
{
	struct conn **at = &c->front->dirty;

	if (!c->dirty)
		return;
	while (*at != c)
		at = &(*at)->dirty_next;
	*at = c->dirty_next;
	c->dirty = false;
}

static void known(struct conn *c)
{
	if (!c->stranger)
		return;
	c->stranger = false;
	front_stranger_left(c->front, c->source);
}

static void drain_events(struct conn *c);

void conn_close(struct conn *c, struct err why)
{
	struct front *f = c->front;

	if (c->closing)
		return;
	if (!failed(c->why))
		c->why = why;
	c->closing = true;
	if (c->h2) {
		/* Ends every stream; their H2_CLOSED free what they own. */
		h2_fail(c->h2, H2_NO_ERROR, why);
		drain_events(c);
		h2_free(c->h2);
		c->h2 = NULL;
	}
	undirty(c);
	known(c);
	log_session(c);
	if (c->before)
		c->before->next = c->next;
	else
		f->conns = c->next;
	if (c->next)
		c->next->before = c->before;
	f->conn_count--;
	uv_close((uv_handle_t *)&c->tcp, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

void conn_touch(struct conn *c)
{
	struct front *f = c->front;

	if (c->dirty || c->closing)
		return;
	c->dirty = true;
	c->dirty_next = f->dirty;
	f->dirty = c;
	if (!c->dirty_next)
		front_touched(f);
}

void conn_finish(struct conn *c)
{
	if (c->h2)
		h2_shutdown(c->h2);
	else
		conn_close(c, ERR_NONE);
	conn_touch(c);
}

/* ---- events ---- */

static void conn_event(struct conn *c, const struct h2_event *event)
{
	struct request *r = event->owner;

	switch (event->kind) {
	case H2_REQUEST:
		if (!c->closing)
			request_begin(c, event);
		return;
	case H2_DATA:
		if (r)
			request_data(r, event->data);
		else
			h2_consume(c->h2, event->stream, event->data.len);
		return;
	case H2_END:
		if (r)
			request_end(r);
		return;
	case H2_SLOW:
		if (r)
			request_slow(r, event->why);
		return;
	case H2_WRITABLE:
		if (r)
			request_writable(r);
		return;
	case H2_CLOSED:
		if (r)
			request_closed(r);
		return;
	case H2_FAILED:
		c->ending = true;
		if (!failed(c->why))
			c->why = event->why;
		return;
	case H2_DRAIN:
	case H2_GOAWAY:
	case H2_INFORM:
	case H2_RESPONSE:
		return;
	}
}

static void drain_events(struct conn *c)
{
	struct h2_event event;

	while (c->h2 && h2_next(c->h2, &event))
		conn_event(c, &event);
}

/* ---- bytes ---- */

static void on_written(uv_write_t *write, int status)
{
	struct conn *c = write->data;

	c->writing = false;
	buf_clear(&c->out);
	if (c->closing)
		return;
	if (status < 0)
		conn_close(c, err_make(ERR_IO, "write"));
	else
		conn_move(c);
}

/* What waits in HTTP/2 goes into TLS, up to a piece of the socket's. */
static struct err encrypt(struct conn *c)
{
	struct err e = ERR_NONE;

	while (c->h2 && tls_pending(c->tls).len < WRITE_MAX) {
		struct span plain = h2_pending(c->h2);
		size_t taken = 0;

		if (plain.len == 0)
			break;
		e = tls_write(c->tls, plain, &taken);
		if (failed(e) || taken == 0)
			break;
		h2_sent(c->h2, taken);
	}
	return e;
}

/* Hands bytes to the socket; what it does not take now, libuv keeps. */
static struct err put_out(struct conn *c)
{
	struct span bytes = span_sub(tls_pending(c->tls), 0, WRITE_MAX);
	uv_buf_t piece = uv_buf_init((char *)bytes.at, (unsigned)bytes.len);
	int n = uv_try_write((uv_stream_t *)&c->tcp, &piece, 1);

	if (n > 0) {
		tls_sent(c->tls, (size_t)n);
		c->moved_ms = child_now_ms();
		return ERR_NONE;
	}
	if (n != UV_EAGAIN && n != 0)
		return err_make(ERR_IO, "write");
	buf_put(&c->out, bytes);
	if (c->out.bad)
		return err_make(ERR_NO_MEMORY, "write");
	tls_sent(c->tls, bytes.len);
	piece = uv_buf_init((char *)c->out.at, (unsigned)c->out.len);
	c->write.data = c;
	c->writing = true;
	if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &piece, 1,
		     on_written)) {
		c->writing = false;
		return err_make(ERR_IO, "write");
	}
	return ERR_NONE;
}

/* close_notify, if the socket takes it: nobody waits for it. */
static void say_goodbye(struct conn *c)
{
	struct err e = tls_close(c->tls);

	if (!failed(e) && tls_pending(c->tls).len)
		e = put_out(c);
	(void)e;
}

static void on_timer(uv_timer_t *timer);

static void set_timer(struct conn *c)
{
	uint64_t now = child_now_ms();
	uint64_t due =
		c->h2 ? h2_deadline(c->h2) : c->began_ms + FRONT_HANDSHAKE_MS;

	if (due == UINT64_MAX)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(&c->timer, on_timer,
			       due > now ? due - now + 1 : 1, 0);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	static char room[READ_ROOM]; /* of the one loop of this process */

	*out = uv_buf_init(room, sizeof(room));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *room);

/* A client that does not read is not read from either. */
static void set_reading(struct conn *c)
{
	bool want = !c->ending && !(c->h2 && h2_congested(c->h2)) &&
		    !(c->writing && !c->h2);

	if (want == c->reading)
		return;
	c->reading = want;
	if (want)
		uv_read_start((uv_stream_t *)&c->tcp, on_room, on_read);
	else
		uv_read_stop((uv_stream_t *)&c->tcp);
}

void conn_move(struct conn *c)
{
	struct err e = ERR_NONE;

	if (c->closing)
		return;
	do {
		drain_events(c);
		if (c->closing)
			return;
		e = encrypt(c);
		if (failed(e) || c->writing || tls_pending(c->tls).len == 0)
			break;
		e = put_out(c);
	} while (!failed(e) && !c->writing);
	if (failed(e)) {
		conn_close(c, e);
		return;
	}
	if (!c->writing && (c->ending || (c->h2 && h2_done(c->h2)) ||
			    tls_state(c->tls) == TLS_FAILED)) {
		say_goodbye(c);
		conn_close(c, ERR_NONE);
		return;
	}
	set_reading(c);
	set_timer(c);
}

/* ---- TLS is open: who is it ---- */

/* One certificate has few connections: the most silent makes room. */
static void limit_certificate(struct conn *c)
{
	struct conn *stalest = NULL;
	unsigned count = 0;

	for (struct conn *o = c->front->conns; o; o = o->next) {
		if (!o->has_certificate || o->listener != c->listener ||
		    !digest_eq(o->certificate, c->certificate))
			continue;
		count++;
		if (o != c && (!stalest || o->moved_ms < stalest->moved_ms))
			stalest = o;
	}
	if (count > FRONT_PER_CERTIFICATE_MAX && stalest)
		conn_close(stalest,
			   err_make(ERR_RATE, "connections of a certificate"));
}

static struct err open_h2(struct conn *c)
{
	struct h2_limits limits = h2_server_limits();

	if (c->listener == ROUTE_PEER)
		limits.streams = 64;
	/* What request.h can hold of an upload, and no more. */
	limits.stream_window = CHANNEL_WINDOW;
	c->has_certificate = tls_peer_digest(c->tls, &c->certificate);
	if (c->has_certificate) {
		known(c);
		limit_certificate(c);
	}
	return h2_new_server(&limits, child_now_ms(), &c->h2);
}

/* The one way up: cipher bytes to plain bytes to events. */
static struct err take(struct conn *c, struct span cipher)
{
	struct span plain;
	struct err e = tls_recv(c->tls, cipher);

	while (!failed(e)) {
		e = tls_read(c->tls, &plain);
		if (failed(e))
			break;
		if (!c->h2 && tls_state(c->tls) == TLS_OPEN) {
			e = open_h2(c);
			if (failed(e))
				break;
		}
		if (plain.len == 0)
			break;
		e = h2_recv(c->h2, plain, child_now_ms());
		if (failed(e))
			break;
		drain_events(c);
		if (c->closing)
			return ERR_NONE;
	}
	if (!failed(e) && tls_state(c->tls) == TLS_PEER_CLOSED)
		c->ending = true;
	return e;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
	struct conn *c = stream->data;
	struct err e;

	if (n == 0 || c->closing)
		return;
	if (n < 0) {
		conn_close(c,
			   n == UV_EOF ? ERR_NONE : err_make(ERR_IO, "read"));
		return;
	}
	c->moved_ms = child_now_ms();
	e = take(c, span_of(room->base, (size_t)n));
	if (failed(e)) {
		/* An alert may be worth sending. */
		if (!failed(c->why))
			c->why = e;
		c->ending = true;
		conn_move(c);
		return;
	}
	if (!c->h2)
		conn_move(c); /* the handshake does not wait for a turn */
	else
		conn_touch(c);
}

static void on_timer(uv_timer_t *timer)
{
	struct conn *c = timer->data;

	if (c->closing)
		return;
	if (!c->h2) {
		conn_close(c, err_make(ERR_SLOW, "handshake"));
		return;
	}
	h2_expire(c->h2, child_now_ms());
	conn_move(c);
}

/* ---- accepting ---- */

static uint64_t source_of(const struct sockaddr_storage *a)
{
	uint64_t n = 0;

	if (a->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)a;

		return (UINT64_C(4) << 32) | in->sin_addr.s_addr;
	}
	/* One host has a whole /64. */
	memcpy(&n, &((const struct sockaddr_in6 *)a)->sin6_addr, sizeof(n));
	return n ? n : 1;
}

static bool admit(struct conn *c)
{
	struct front *f = c->front;
	struct sockaddr_storage address = {0};
	int len = sizeof(address);
	uintptr_t count;

	if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&address, &len))
		return false;
	c->source = source_of(&address);
	count = (uintptr_t)table_get(&f->sources, c->source);
	if (f->conn_count >= FRONT_CONNS_MAX ||
	    f->stranger_count >= FRONT_STRANGERS_MAX ||
	    count >= FRONT_PER_SOURCE_MAX)
		return false;
	if (failed(table_put(&f->sources, c->source, (void *)(count + 1))))
		return false;
	f->stranger_count++;
	c->stranger = true;
	return true;
}

void conn_accept(struct front *f, enum route_listener listener)
{
	struct conn *c = calloc(1, sizeof(*c));
	uint64_t now = child_now_ms();
	bool admitted;

	if (!c)
		return;
	c->front = f;
	c->listener = listener;
	c->began_ms = c->moved_ms = now;
	buf_init(&c->out, WRITE_MAX);
	uv_tcp_init(f->loop, &c->tcp);
	uv_timer_init(f->loop, &c->timer);
	c->tcp.data = c->timer.data = c;
	c->handles = 2;
	c->next = f->conns;
	if (f->conns)
		f->conns->before = c;
	f->conns = c;
	f->conn_count++;
	admitted = uv_accept((uv_stream_t *)&f->listeners[listener],
			     (uv_stream_t *)&c->tcp) == 0 &&
		   admit(c);
	if (!admitted ||
	    failed(tls_new_server(f->tls[listener], child_utc_ms(NULL) / 1000,
				  &c->tls))) {
		conn_close(c, err_make(ERR_RATE, "too many connections"));
		return;
	}
	uv_tcp_nodelay(&c->tcp, 1);
	set_reading(c);
	set_timer(c);
}
