#include "relay/front/link.h"
#include "proto/wire/h2.h"
#include "proto/wire/tls.h"
#include "relay/child.h"
#include "relay/address.h"
#include "relay/log.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	WRITE_MAX = 64 * 1024,
	READ_ROOM = 64 * 1024,
	HEAD_MAX = 32 * 1024,
	PEM_MAX = 128 * 1024,
};

struct call {
	uint64_t id;
	struct link_dial *dial;
	struct call *next; /* of those that wait */
	struct buf bytes;  /* of the message; the spans lie in it */
	struct span method, authority, target, body;
	struct h2_field fields[CHANNEL_FIELDS_MAX];
	size_t field_count;
	size_t answer_max;
	uint64_t began_ms;
	uint32_t stream; /* 0: waits */
	size_t pushed;	 /* bytes of the body */

	int status;
	struct buf head; /* names and values, each with a u16 length */
	size_t head_count;
	struct buf answer;
};

struct link_dial {
	struct link *link;
	struct link_dial *next;
	char endpoint[ADDRESS_TEXT_MAX + 1];
	struct address address;
	struct buf ca; /* DER, or empty: then the digest counts */
	struct digest ca_digest;

	uv_getaddrinfo_t lookup;
	struct addrinfo *found, *trying;
	uv_connect_t connect;
	uv_tcp_t tcp;
	uv_write_t write;
	bool tcp_open, looking, writing, closing, draining, moving;
	struct tls *tls;
	struct h2 *h2;
	struct buf out;
	struct call *waiting, **waiting_last;
	size_t active, queued;
	uint64_t began_ms, used_ms;
};

/* ---- calls ---- */

static void call_free(struct call *c)
{
	buf_clear(&c->bytes);
	buf_clear(&c->head);
	buf_clear(&c->answer);
	free(c);
}

/* Tells the guard, and forgets the call. */
static void call_over(struct link *l, struct call *c, int status)
{
	struct channel_field fields[CHANNEL_FIELDS_MAX];
	struct channel_message m = {.kind = CHANNEL_ANSWER,
				    .id = c->id,
				    .status = (uint16_t)status,
				    .fields = fields};
	struct span_reader r = span_read(buf_span(&c->head));

	if (status) {
		for (size_t i = 0; i < c->head_count; i++) {
			fields[i].name = span_read_var(&r);
			fields[i].value = span_read_var(&r);
		}
		m.field_count = c->head_count;
		m.body = buf_span(&c->answer);
	}
	table_take(&l->calls, c->id);
	if (l->guard)
		lanes_send(l->guard, LANE_REQUESTS, &m);
	if (!log_is_quiet()) {
		struct log_line line;

		log_begin(&line, "call");
		log_str(&line, "peer", c->dial ? c->dial->endpoint : "");
		log_span(&line, "method", c->method);
		log_u64(&line, "status", (uint64_t)status);
		log_u64(&line, "ms", child_now_ms() - c->began_ms);
		log_end(&line);
	}
	call_free(c);
}

/* Copies what the message borrows. */
static struct err call_new(const struct channel_message *m, struct call **out)
{
	struct call *c = calloc(1, sizeof(*c));
	const uint8_t *at;

	if (!c)
		return err_make(ERR_NO_MEMORY, "call");
	c->id = m->id;
	c->answer_max = (size_t)m->amount;
	c->began_ms = child_now_ms();
	buf_init(&c->bytes, CHANNEL_FRAME_MAX);
	buf_init(&c->head, HEAD_MAX);
	buf_init(&c->answer, c->answer_max);
	buf_put(&c->bytes, m->method);
	buf_put(&c->bytes, m->authority);
	buf_put(&c->bytes, m->target);
	for (size_t i = 0; i < m->field_count; i++) {
		buf_put(&c->bytes, m->fields[i].name);
		buf_put(&c->bytes, m->fields[i].value);
	}
	buf_put(&c->bytes, m->body);
	if (c->bytes.bad || m->amount > CHANNEL_BODY_MAX) {
		call_free(c);
		return err_make(ERR_TOO_LARGE, "call");
	}
	at = c->bytes.at;
#define TAKE(len) ((at += (len)), span_of(at - (len), (len)))
	c->method = TAKE(m->method.len);
	c->authority = TAKE(m->authority.len);
	c->target = TAKE(m->target.len);
	for (size_t i = 0; i < m->field_count; i++) {
		c->fields[i].name = TAKE(m->fields[i].name.len);
		c->fields[i].value = TAKE(m->fields[i].value.len);
	}
	c->field_count = m->field_count;
	c->body = TAKE(m->body.len);
#undef TAKE
	*out = c;
	return ERR_NONE;
}

static void keep_head(struct call *c, const struct h2_head *head)
{
	c->status = head->status;
	buf_reset(&c->head);
	c->head_count = 0;
	for (size_t i = 0;
	     i < head->count && c->head_count < CHANNEL_FIELDS_MAX; i++) {
		if (c->head.len + head->fields[i].name.len +
			    head->fields[i].value.len + 4 >
		    HEAD_MAX)
			break;
		buf_put_var(&c->head, head->fields[i].name);
		buf_put_var(&c->head, head->fields[i].value);
		c->head_count++;
	}
}

/* ---- a connection's end ---- */

static void dial_free_if_done(struct link_dial *d)
{
	struct link *l = d->link;
	struct link_dial **at = &l->dials;

	if (!d->closing || d->tcp_open || d->looking)
		return;
	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	l->dial_count--;
	if (d->found)
		uv_freeaddrinfo(d->found);
	tls_free(d->tls);
	buf_clear(&d->ca);
	buf_clear(&d->out);
	free(d);
}

static void on_closed(uv_handle_t *handle)
{
	struct link_dial *d = handle->data;

	d->tcp_open = false;
	dial_free_if_done(d);
}

static void dial_events(struct link_dial *d);

/* Calls that wait or run are unreachable. */
static void dial_close(struct link_dial *d, struct err why)
{
	struct log_line line;
	struct call *c;

	if (d->closing)
		return;
	d->closing = true;
	if (failed(why)) {
		log_begin(&line, "peer-lost");
		log_str(&line, "peer", d->endpoint);
		log_err(&line, why);
		log_end(&line);
	}
	if (d->h2) {
		h2_fail(d->h2, H2_NO_ERROR, why);
		dial_events(d);
		h2_free(d->h2);
		d->h2 = NULL;
	}
	while ((c = d->waiting)) {
		d->waiting = c->next;
		call_over(d->link, c, 0);
	}
	if (d->looking)
		uv_cancel((uv_req_t *)&d->lookup);
	if (d->tcp_open)
		uv_close((uv_handle_t *)&d->tcp, on_closed);
	else
		dial_free_if_done(d);
}

/* ---- events ---- */

static void push_body(struct link_dial *d, struct call *c)
{
	size_t taken = 0;
	struct err e;

	if (c->pushed == c->body.len)
		return;
	e = h2_body_push_some(d->h2, c->stream,
			      span_sub(c->body, c->pushed, SIZE_MAX), &taken);
	if (failed(e))
		return; /* its H2_CLOSED comes */
	c->pushed += taken;
	if (c->pushed == c->body.len)
		e = h2_body_end(d->h2, c->stream);
	(void)e;
}

static void closed(struct link_dial *d, struct call *c,
		   const struct h2_event *event)
{
	bool whole = !failed(event->why) && c->status >= 200 && !c->answer.bad;

	d->active--;
	d->used_ms = child_now_ms();
	call_over(d->link, c, whole ? c->status : 0);
}

static void dial_event(struct link_dial *d, const struct h2_event *event)
{
	struct call *c = event->owner;

	switch (event->kind) {
	case H2_RESPONSE:
		if (c)
			keep_head(c, event->head);
		return;
	case H2_DATA:
		if (c)
			buf_put(&c->answer, event->data);
		h2_consume(d->h2, event->stream, event->data.len);
		if (c && c->answer.bad)
			h2_reset(d->h2, event->stream, H2_CANCEL);
		return;
	case H2_WRITABLE:
		if (c)
			push_body(d, c);
		return;
	case H2_CLOSED:
		if (c)
			closed(d, c, event);
		return;
	case H2_GOAWAY:
	case H2_DRAIN:
	case H2_FAILED:
		d->draining = true;
		return;
	case H2_END:
	case H2_INFORM:
	case H2_REQUEST:
		return;
	}
}

static void dial_events(struct link_dial *d)
{
	struct h2_event event;

	while (d->h2 && h2_next(d->h2, &event))
		dial_event(d, &event);
}

/* Starts what waits, as far as the peer allows. */
static void start_calls(struct link_dial *d)
{
	while (d->waiting && d->h2 && !d->draining &&
	       d->active < LINK_CALLS_AT_ONCE) {
		struct call *c = d->waiting;
		struct h2_head head = {.method = c->method,
				       .authority = span_str(d->endpoint),
				       .path = c->target,
				       .fields = c->fields,
				       .count = c->field_count};
		struct err e = h2_request(d->h2, &head, c->body.len > 0, c,
					  &c->stream);

		if (e.code == ERR_BUSY)
			return;
		d->waiting = c->next;
		if (!d->waiting)
			d->waiting_last = &d->waiting;
		d->queued--;
		if (failed(e)) {
			call_over(d->link, c, 0);
			continue;
		}
		d->active++;
		push_body(d, c);
	}
}

/* ---- bytes ---- */

static void dial_move(struct link_dial *d);

static void on_written(uv_write_t *write, int status)
{
	struct link_dial *d = write->data;

	d->writing = false;
	buf_reset(&d->out);
	if (d->closing)
		return;
	if (status < 0)
		dial_close(d, err_make(ERR_UNREACHABLE, "write"));
	else
		dial_move(d);
}

static struct err put_out(struct link_dial *d)
{
	struct err e = ERR_NONE;
	struct span bytes;
	uv_buf_t piece;

	if (!d->tls)
		return ERR_NONE; /* not connected yet */
	while (d->h2 && tls_pending(d->tls).len < WRITE_MAX) {
		struct span plain = h2_pending(d->h2);
		size_t taken = 0;

		if (plain.len == 0)
			break;
		e = tls_write(d->tls, plain, &taken);
		if (failed(e))
			return e;
		if (!taken)
			break;
		h2_sent(d->h2, taken);
	}
	bytes = span_sub(tls_pending(d->tls), 0, WRITE_MAX);
	if (d->writing || bytes.len == 0)
		return ERR_NONE;
	buf_put(&d->out, bytes);
	if (d->out.bad)
		return err_make(ERR_NO_MEMORY, "write");
	tls_sent(d->tls, bytes.len);
	piece = uv_buf_init((char *)d->out.at, (unsigned)d->out.len);
	d->write.data = d;
	d->writing = true;
	if (uv_write(&d->write, (uv_stream_t *)&d->tcp, &piece, 1,
		     on_written)) {
		d->writing = false;
		return err_make(ERR_UNREACHABLE, "write");
	}
	return ERR_NONE;
}

static void dial_move(struct link_dial *d)
{
	struct err e;

	if (d->closing)
		return;
	dial_events(d);
	start_calls(d);
	dial_events(d);
	e = put_out(d);
	if (failed(e))
		dial_close(d, e);
	else if (d->h2 && h2_done(d->h2))
		dial_close(d, err_make(ERR_UNREACHABLE, "the peer ended"));
}

static struct err take(struct link_dial *d, struct span cipher)
{
	struct h2_limits limits = h2_client_limits();
	struct span plain;
	struct err e = tls_recv(d->tls, cipher);

	while (!failed(e)) {
		e = tls_read(d->tls, &plain);
		if (failed(e))
			break;
		if (!d->h2 && tls_state(d->tls) == TLS_OPEN)
			e = h2_new_client(&limits, child_now_ms(), &d->h2);
		if (failed(e) || plain.len == 0)
			break;
		e = h2_recv(d->h2, plain, child_now_ms());
		if (failed(e))
			break;
		dial_events(d);
	}
	if (!failed(e) && tls_state(d->tls) == TLS_PEER_CLOSED)
		e = err_make(ERR_UNREACHABLE, "the peer closed");
	return e;
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	static char room[READ_ROOM]; /* of the one loop of this process */

	*out = uv_buf_init(room, sizeof(room));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
	struct link_dial *d = stream->data;
	struct err e;

	if (n == 0 || d->closing)
		return;
	if (n < 0)
		e = err_make(ERR_UNREACHABLE, "the peer closed");
	else
		e = take(d, span_of(room->base, (size_t)n));
	if (failed(e))
		dial_close(d, e);
	else
		dial_move(d);
}

/* ---- dialling ---- */

static struct err begin_tls(struct link_dial *d)
{
	struct tls_config config = {.certificate =
					    buf_span(&d->link->certificate),
				    .key = buf_span(&d->link->key),
				    .roots = buf_span(&d->ca),
				    .root_digest =
					    d->ca.len ? NULL : &d->ca_digest};
	struct tls_context *context = NULL;
	struct err e = tls_context_new_client(&config, &context);

	if (!failed(e))
		e = tls_new_client(context, d->address.host,
				   child_utc_ms(NULL) / 1000, &d->tls);
	tls_context_free(context);
	return e;
}

static void try_next(struct link_dial *d);

static void on_connected(uv_connect_t *connect, int status)
{
	struct link_dial *d = connect->data;
	struct err e;

	if (d->closing)
		return;
	if (status < 0) {
		d->trying = d->trying->ai_next;
		try_next(d);
		return;
	}
	uv_tcp_nodelay(&d->tcp, 1);
	e = begin_tls(d);
	if (!failed(e) &&
	    uv_read_start((uv_stream_t *)&d->tcp, on_room, on_read))
		e = err_make(ERR_UNREACHABLE, "read");
	if (failed(e))
		dial_close(d, e);
	else
		dial_move(d);
}

static void on_try_closed(uv_handle_t *handle)
{
	struct link_dial *d = handle->data;

	d->tcp_open = false;
	if (d->closing)
		dial_free_if_done(d);
	else
		try_next(d);
}

/* The next address of the name; a socket is good for one attempt. */
static void try_next(struct link_dial *d)
{
	if (d->closing)
		return;
	if (d->tcp_open) {
		uv_close((uv_handle_t *)&d->tcp, on_try_closed);
		return;
	}
	for (; d->trying; d->trying = d->trying->ai_next) {
		uv_tcp_init(d->link->loop, &d->tcp);
		d->tcp.data = d;
		d->connect.data = d;
		d->tcp_open = true;
		if (uv_tcp_connect(&d->connect, &d->tcp, d->trying->ai_addr,
				   on_connected) == 0)
			return;
		d->trying = d->trying->ai_next;
		uv_close((uv_handle_t *)&d->tcp, on_try_closed);
		return;
	}
	dial_close(d, err_make(ERR_UNREACHABLE, "no address answers"));
}

static void on_found(uv_getaddrinfo_t *lookup, int status,
		     struct addrinfo *found)
{
	struct link_dial *d = lookup->data;

	d->looking = false;
	d->found = found;
	if (d->closing) {
		dial_free_if_done(d);
		return;
	}
	d->trying = status < 0 ? NULL : found;
	try_next(d);
}

static struct link_dial *find_dial(struct link *l,
				   const struct channel_message *m)
{
	for (struct link_dial *d = l->dials; d; d = d->next) {
		if (d->closing || d->draining ||
		    !span_eq_str(m->authority, d->endpoint))
			continue;
		if (d->ca.len ? span_eq(m->certificate, buf_span(&d->ca))
			      : m->certificate.len == 0 &&
					span_eq(m->digest,
						SPAN_OBJ(d->ca_digest)))
			return d;
	}
	return NULL;
}

static struct err dial_new(struct link *l, const struct channel_message *m,
			   struct link_dial **out)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct link_dial *d;
	char port[8];
	struct err e;

	if (l->dial_count >= LINK_DIALS_MAX)
		return err_make(ERR_BUSY, "too many peers");
	if (m->authority.len == 0 || m->authority.len > ADDRESS_TEXT_MAX ||
	    (m->certificate.len == 0 && m->digest.len != DIGEST_LEN))
		return err_make(ERR_MALFORMED, "call");
	d = calloc(1, sizeof(*d));
	if (!d)
		return err_make(ERR_NO_MEMORY, "dial");
	memcpy(d->endpoint, m->authority.at, m->authority.len);
	e = address_parse(d->endpoint, &d->address);
	buf_init(&d->ca, CHANNEL_HEAD_MAX);
	buf_put(&d->ca, m->certificate);
	if (!failed(e))
		e = buf_check(&d->ca);
	if (failed(e)) {
		buf_clear(&d->ca);
		free(d);
		return e;
	}
	if (m->digest.len == DIGEST_LEN)
		memcpy(d->ca_digest.at, m->digest.at, DIGEST_LEN);
	buf_init(&d->out, WRITE_MAX);
	d->link = l;
	d->waiting_last = &d->waiting;
	d->began_ms = d->used_ms = child_now_ms();
	d->next = l->dials;
	l->dials = d;
	l->dial_count++;
	d->lookup.data = d;
	snprintf(port, sizeof(port), "%u", d->address.port);
	d->looking = true;
	if (uv_getaddrinfo(l->loop, &d->lookup, on_found, d->address.host, port,
			   &hints)) {
		d->looking = false;
		dial_close(d, err_make(ERR_UNREACHABLE, "no look-up"));
		return err_make(ERR_UNREACHABLE, "no look-up");
	}
	*out = d;
	return ERR_NONE;
}

/* ---- the guard ---- */

static void call_came(struct link *l, const struct channel_message *m)
{
	struct channel_message no = {.kind = CHANNEL_ANSWER, .id = m->id};
	struct link_dial *d = find_dial(l, m);
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

static void unlink_waiting(struct link_dial *d, struct call *c)
{
	struct call **at = &d->waiting;

	while (*at && *at != c)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = c->next;
	if (!*at)
		d->waiting_last = at;
	d->queued--;
}

static void call_cancel(struct link *l, struct call *c)
{
	if (c->stream) {
		h2_reset(c->dial->h2, c->stream, H2_CANCEL);
	} else {
		unlink_waiting(c->dial, c);
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
