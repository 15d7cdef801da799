#include "relay/front/dial.h"
#include "relay/child.h"
#include "relay/log.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

enum { WRITE_MAX = 64 * 1024, READ_ROOM = 64 * 1024 };

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
void dial_close(struct link_dial *d, struct err why)
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
			call_keep_head(c, event->head);
		return;
	case H2_DATA:
		if (c)
			buf_put(&c->answer, event->data);
		h2_consume(d->h2, event->stream, event->data.len);
		if (c && c->answer.bad)
			h2_reset(d->h2, event->stream, H2_CANCEL);
		return;
	case H2_SLOW:
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

void dial_move(struct link_dial *d)
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

struct link_dial *dial_find(struct link *l, const struct channel_message *m)
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

struct err dial_new(struct link *l, const struct channel_message *m,
		    struct link_dial **out)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct link_dial *d;
	char port[8];
	const char *host;
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
	/* RFC 6761 s.6.3: the loopback, whatever a hosts file says. */
	host = strcmp(d->address.host, "localhost") == 0 ? NULL
							 : d->address.host;
	if (uv_getaddrinfo(l->loop, &d->lookup, on_found, host, port, &hints)) {
		d->looking = false;
		dial_close(d, err_make(ERR_UNREACHABLE, "no look-up"));
		return err_make(ERR_UNREACHABLE, "no look-up");
	}
	*out = d;
	return ERR_NONE;
}

void dial_drop_waiting(struct link_dial *d, struct call *c)
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
