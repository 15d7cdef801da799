/* One blocking HTTP/2 connection over poll. */
#include "client/http.h"

#include "client/dial.h"
#include "client/system.h"
#include "proto/crypto/certificate.h"
#include "proto/wire/h2.h"
#include "proto/wire/tls.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* One call in hand, from send until its answer was given out. */
struct call {
	bool used, over, ending;
	uint64_t id;
	uint32_t stream;
	uint64_t deadline_ms;
	struct buf body; /* still to be sent */
	size_t sent;
	struct buf answer;
	struct arena arena; /* of the fields */
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t fields_count;
	int status;
	struct err why;
};

struct http_connection {
	int fd;
	struct tls_context *context;
	struct tls *tls;
	struct h2 *h2;
	char authority[300];
	struct call calls[HTTP_STREAMS_MAX];
	struct call *given; /* the answer that is borrowed now */
	struct err ended;   /* why nothing more will come */
};

static struct err make_context(const struct http_peer *peer,
			       struct tls_context **out)
{
	struct tls_config config = {
		.roots = peer->ca,
		.root_digest = peer->ca.len ? NULL : peer->ca_digest,
		.certificate = peer->certificate,
	};
	struct buf pem;
	struct err e = ERR_NONE;

	buf_init(&pem, CERTIFICATE_PEM_MAX);
	if (peer->certificate.len && peer->key) {
		e = certificate_key_to_pem(peer->key, &pem);
		config.key = buf_span(&pem);
	}
	if (!failed(e))
		e = tls_context_new_client(&config, out);
	buf_wipe(&pem);
	return e;
}

/* ---- moving bytes ---- */

static struct err flush(struct http_connection *c)
{
	for (;;) {
		struct span plain = h2_pending(c->h2), cipher;
		size_t taken = 0;
		struct err e = ERR_NONE;
		ssize_t n;

		if (plain.len && tls_state(c->tls) == TLS_OPEN)
			e = tls_write(c->tls, plain, &taken);
		if (failed(e))
			return e;
		h2_sent(c->h2, taken);
		cipher = tls_pending(c->tls);
		if (cipher.len == 0)
			return ERR_NONE;
		n = send(c->fd, cipher.at, cipher.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return ERR_NONE;
		if (n < 0)
			return err_make(ERR_UNREACHABLE,
					"the connection broke");
		tls_sent(c->tls, (size_t)n);
	}
}

static struct call *call_of(struct http_connection *c,
			    const struct h2_event *event)
{
	for (size_t i = 0; i < HTTP_STREAMS_MAX; i++)
		if (c->calls[i].used && !c->calls[i].over &&
		    c->calls[i].stream == event->stream)
			return &c->calls[i];
	return NULL;
}

static void push_body(struct http_connection *c, struct call *call)
{
	size_t taken = 0;

	if (call->ending)
		return;
	if (call->sent < call->body.len &&
	    failed(h2_body_push_some(c->h2, call->stream,
				     span_sub(buf_span(&call->body), call->sent,
					      SIZE_MAX),
				     &taken)))
		return;
	call->sent += taken;
	if (call->sent == call->body.len) {
		call->ending = true;
		(void)h2_body_end(c->h2, call->stream).code;
	}
}

static void take_head(struct call *call, const struct h2_head *head)
{
	call->status = head->status;
	call->fields_count = 0;
	for (size_t i = 0;
	     i < head->count && call->fields_count < HTTP_FIELDS_MAX; i++)
		call->fields[call->fields_count++] =
			(struct http_field){arena_copy(&call->arena,
						       head->fields[i].name),
					    arena_copy(&call->arena,
						       head->fields[i].value)};
}

static void on_event(struct http_connection *c, const struct h2_event *event)
{
	struct call *call = call_of(c, event);

	switch (event->kind) {
	case H2_RESPONSE:
		if (call)
			take_head(call, event->head);
		break;
	case H2_DATA:
		if (call) {
			buf_put(&call->answer, event->data);
			if (call->answer.bad && !failed(call->why)) {
				call->why = err_make(ERR_TOO_LARGE,
						     "the answer is too long");
				h2_reset(c->h2, event->stream, H2_CANCEL);
			}
		}
		h2_consume(c->h2, event->stream, event->data.len);
		break;
	case H2_SLOW:
	case H2_WRITABLE:
		if (call)
			push_body(c, call);
		break;
	case H2_CLOSED:
		if (!call)
			break;
		call->over = true;
		if (failed(event->why) && !failed(call->why))
			call->why = event->why;
		break;
	case H2_FAILED:
		c->ended = failed(event->why)
				   ? event->why
				   : err_make(ERR_UNREACHABLE,
					      "the relay ended the connection");
		break;
	case H2_GOAWAY:
		if (!failed(c->ended))
			c->ended =
				err_make(ERR_UNREACHABLE, "the relay closes");
		break;
	case H2_REQUEST:
	case H2_INFORM:
	case H2_END:
	case H2_DRAIN:
		break;
	}
}

static void events(struct http_connection *c)
{
	struct h2_event event;

	while (h2_next(c->h2, &event))
		on_event(c, &event);
}

static struct err take(struct http_connection *c)
{
	uint8_t bytes[32768];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);
	struct err e;

	if (n < 0 &&
	    (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
		return ERR_NONE;
	if (n <= 0)
		return err_make(ERR_UNREACHABLE,
				"the relay closed the connection");
	e = tls_recv(c->tls, span_of(bytes, (size_t)n));
	while (!failed(e)) {
		struct span plain;

		e = tls_read(c->tls, &plain);
		if (failed(e) || plain.len == 0)
			break;
		e = h2_recv(c->h2, plain, dial_now_ms());
		if (!failed(e))
			events(c);
	}
	if (!failed(e) && tls_state(c->tls) == TLS_PEER_CLOSED)
		e = err_make(ERR_UNREACHABLE,
			     "the relay closed the connection");
	return e;
}

/* What goes out makes room, and room is told as an event that makes more to
 * send: until there is none, or the socket takes no more. */
static struct err send_all(struct http_connection *c)
{
	struct err e;

	do {
		e = flush(c);
		if (!failed(e))
			events(c);
	} while (!failed(e) && !failed(c->ended) &&
		 tls_state(c->tls) == TLS_OPEN && !tls_pending(c->tls).len &&
		 h2_pending(c->h2).len);
	return e;
}

/* One turn: send what waits, wait for bytes until `until`, take them. */
static struct err turn(struct http_connection *c, uint64_t until)
{
	uint64_t now = dial_now_ms(), due = h2_deadline(c->h2);
	struct pollfd p = {c->fd, POLLIN, 0};
	struct err e = send_all(c);
	int wait;

	if (failed(e)) {
		/* What came before the break may say why. */
		struct err last = take(c);

		return failed(last) && last.code != ERR_UNREACHABLE ? last : e;
	}
	if (tls_pending(c->tls).len)
		p.events |= POLLOUT;
	due = due < until ? due : until;
	wait = due <= now ? 0 : (due - now > 60000 ? 60000 : (int)(due - now));
	if (poll(&p, 1, wait) < 0 && errno != EINTR)
		return err_make(ERR_IO, "poll");
	if (p.revents & (POLLIN | POLLHUP | POLLERR))
		e = take(c);
	h2_expire(c->h2, dial_now_ms());
	events(c);
	/* An alert of ours is worth sending. */
	if (failed(e))
		(void)flush(c).code;
	return e;
}

struct err http_connection_open(const struct http_peer *peer,
				struct http_connection **out)
{
	struct http_connection *c = calloc(1, sizeof(*c));
	struct clock clock = system_clock();
	uint64_t until = dial_now_ms() + HTTP_CONNECT_MS;
	char host[256], port[8];
	struct err e;

	if (!c)
		return err_make(ERR_NO_MEMORY, "a connection");
	c->fd = -1;
	snprintf(c->authority, sizeof(c->authority), "%s", peer->endpoint);
	e = dial_split(peer->endpoint, host, port);
	if (!failed(e))
		e = make_context(peer, &c->context);
	if (!failed(e))
		e = tls_new_client(c->context, host, clock_s(&clock), &c->tls);
	if (!failed(e))
		e = h2_new_client(NULL, dial_now_ms(), &c->h2);
	if (!failed(e))
		e = dial_open(host, port, HTTP_CONNECT_MS, &c->fd);
	while (!failed(e) && tls_state(c->tls) == TLS_HANDSHAKE) {
		e = turn(c, until);
		if (!failed(e) && tls_state(c->tls) == TLS_HANDSHAKE &&
		    dial_now_ms() >= until)
			e = err_make(ERR_UNREACHABLE,
				     "no TLS handshake in time");
	}
	if (failed(e)) {
		http_connection_close(c);
		return e;
	}
	*out = c;
	return ERR_NONE;
}

static void call_clear(struct call *call)
{
	if (!call->used)
		return;
	buf_wipe(&call->body);
	buf_wipe(&call->answer);
	arena_clear(&call->arena);
	memset(call, 0, sizeof(*call));
}

void http_connection_close(struct http_connection *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < HTTP_STREAMS_MAX; i++)
		call_clear(&c->calls[i]);
	if (c->h2 && c->tls && c->fd >= 0 && !failed(c->ended)) {
		h2_shutdown(c->h2);
		(void)flush(c).code;
		(void)tls_close(c->tls).code;
		(void)flush(c).code;
	}
	h2_free(c->h2);
	tls_free(c->tls);
	tls_context_free(c->context);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

/* ---- calls ---- */

size_t http_connection_calls(const struct http_connection *c)
{
	size_t n = 0;

	for (size_t i = 0; i < HTTP_STREAMS_MAX; i++)
		n += c->calls[i].used && &c->calls[i] != c->given;
	return n;
}

bool http_connection_ready(const struct http_connection *c)
{
	if (failed(c->ended))
		return false;
	for (size_t i = 0; i < HTTP_STREAMS_MAX; i++)
		if (!c->calls[i].used)
			return true;
	return false;
}

bool http_connection_ended(const struct http_connection *c)
{
	return failed(c->ended);
}

struct err http_connection_send(struct http_connection *c,
				const struct http_call *call)
{
	struct h2_field fields[HTTP_FIELDS_MAX];
	struct h2_head head = {
		.method = call->method,
		.authority = span_str(c->authority),
		.path = call->target,
		.fields = fields,
		.count = call->fields_count,
	};
	struct call *mine = NULL;
	struct err e;

	if (failed(c->ended))
		return c->ended;
	for (size_t i = 0; i < HTTP_STREAMS_MAX && !mine; i++)
		if (!c->calls[i].used)
			mine = &c->calls[i];
	if (!mine || call->fields_count > HTTP_FIELDS_MAX)
		return err_make(ERR_BUSY, "too many calls in hand");
	for (size_t i = 0; i < call->fields_count; i++)
		fields[i] = (struct h2_field){call->fields[i].name,
					      call->fields[i].value};
	*mine = (struct call){
		.used = true,
		.id = call->id,
		.deadline_ms = dial_now_ms() + HTTP_ANSWER_MS +
			       call->wait_s * UINT64_C(1000),
	};
	buf_init(&mine->body, call->body.len + 1);
	buf_init(&mine->answer, call->answer_max ? call->answer_max : 65536);
	arena_init(&mine->arena, 64 * 1024);
	buf_put(&mine->body, call->body);
	e = buf_check(&mine->body);
	if (!failed(e))
		e = h2_request(c->h2, &head, call->body.len > 0, mine,
			       &mine->stream);
	if (failed(e)) {
		call_clear(mine);
		return e;
	}
	if (call->body.len)
		push_body(c, mine);
	return ERR_NONE;
}

static struct call *finished(struct http_connection *c)
{
	uint64_t now = dial_now_ms();

	for (size_t i = 0; i < HTTP_STREAMS_MAX; i++) {
		struct call *call = &c->calls[i];

		if (!call->used)
			continue;
		if (!call->over && now >= call->deadline_ms) {
			call->why =
				err_make(ERR_UNREACHABLE, "no answer in time");
			call->over = true;
			h2_reset(c->h2, call->stream, H2_CANCEL);
		}
		if (call->over)
			return call;
	}
	return NULL;
}

void http_connection_give_back(struct http_connection *c)
{
	if (c->given)
		call_clear(c->given);
	c->given = NULL;
}

bool http_connection_wait(struct http_connection *c, struct http_answer *out)
{
	struct call *call;

	http_connection_give_back(c);
	if (http_connection_calls(c) == 0)
		return false;
	while (!(call = finished(c))) {
		uint64_t until = UINT64_MAX;
		struct err e;

		for (size_t i = 0; i < HTTP_STREAMS_MAX; i++)
			if (c->calls[i].used && c->calls[i].deadline_ms < until)
				until = c->calls[i].deadline_ms;
		e = turn(c, until);
		if (failed(e) && !failed(c->ended))
			c->ended = e;
		if (!failed(e))
			continue;
		for (size_t i = 0; i < HTTP_STREAMS_MAX; i++)
			if (c->calls[i].used && !c->calls[i].over) {
				c->calls[i].over = true;
				c->calls[i].why = e;
			}
	}
	c->given = call;
	*out = (struct http_answer){
		.id = call->id,
		.status = failed(call->why) ? 0 : call->status,
		.fields = {call->fields, call->fields_count},
		.body = failed(call->why) ? (struct span){0}
					  : buf_span(&call->answer),
		.why = call->why,
	};
	if (out->status == 0 && !failed(out->why))
		out->why = err_make(ERR_UNREACHABLE, "no answer came");
	return true;
}
