/* Long bodies over TLS and HTTP/2, blocking. */
#include "tests/bench/carrier.h"

#include "client/dial.h"
#include "client/system.h"
#include "proto/crypto/certificate.h"
#include "proto/wire/h2.h"
#include "proto/wire/tls.h"
#include "tests/guard/world.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM = 256 * 1024, WINDOW = 4 * 1024 * 1024 };

struct carrier {
	int fd;
	struct tls *tls;
	struct h2 *h2;
	bool ended;
	char authority[300];
	uint8_t room[ROOM];

	/* The request in hand. */
	const struct carrier_request *request;
	struct carrier_answer *answer;
	uint32_t stream;
	size_t pushed;
	bool over;
};

static void push(struct carrier *c)
{
	struct span body = c->request->body;
	size_t taken = 0;

	if (c->pushed == body.len ||
	    failed(h2_body_push_some(c->h2, c->stream,
				     span_sub(body, c->pushed, SIZE_MAX),
				     &taken)))
		return;
	c->pushed += taken;
	if (c->pushed == body.len && failed(h2_body_end(c->h2, c->stream)))
		c->over = true;
}

static void keep_location(struct carrier_answer *a, const struct h2_head *head)
{
	for (size_t i = 0; i < head->count; i++)
		if (span_eq_str(head->fields[i].name, "location"))
			snprintf(a->location, sizeof(a->location), "%.*s",
				 (int)head->fields[i].value.len,
				 (const char *)head->fields[i].value.at);
}

static void take_data(struct carrier *c, struct span data)
{
	struct carrier_answer *a = c->answer;
	struct span want =
		span_sub(c->request->want, (size_t)a->received, data.len);

	if (a->received == 0)
		snprintf(a->text, sizeof(a->text), "%.*s", (int)data.len,
			 (const char *)data.at);
	if (c->request->want.len && !span_eq(want, data))
		a->same = false;
	a->received += data.len;
}

static void on_event(struct carrier *c, const struct h2_event *e)
{
	switch (e->kind) {
	case H2_RESPONSE:
		c->answer->status = e->head->status;
		keep_location(c->answer, e->head);
		return;
	case H2_DATA:
		take_data(c, e->data);
		h2_consume(c->h2, e->stream, e->data.len);
		return;
	case H2_WRITABLE:
		push(c);
		return;
	case H2_CLOSED:
		if (failed(e->why))
			c->answer->status = 0;
		c->over = true;
		return;
	case H2_FAILED:
		c->ended = true;
		return;
	case H2_REQUEST:
	case H2_INFORM:
	case H2_END:
	case H2_GOAWAY:
	case H2_DRAIN:
	case H2_SLOW:
		return;
	}
}

static void events(struct carrier *c)
{
	struct h2_event e;

	while (h2_next(c->h2, &e))
		on_event(c, &e);
}

/* True if bytes are left that the socket does not take now. */
static bool flush(struct carrier *c)
{
	while (!c->ended) {
		struct span plain = h2_pending(c->h2), cipher;
		size_t taken = 0;
		ssize_t n;

		if (plain.len && tls_state(c->tls) == TLS_OPEN) {
			world_must(tls_write(c->tls, plain, &taken));
			h2_sent(c->h2, taken);
			events(c);
		}
		cipher = tls_pending(c->tls);
		/* Some records a call. */
		if (taken && cipher.len < 3 * TLS_RECORD_MAX)
			continue;
		if (cipher.len == 0)
			return false;
		n = send(c->fd, cipher.at, cipher.len, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (n < 0)
			c->ended = true;
		else
			tls_sent(c->tls, (size_t)n);
	}
	return false;
}

static void take(struct carrier *c)
{
	ssize_t n = recv(c->fd, c->room, sizeof(c->room), 0);
	struct span plain;

	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n <= 0) {
		c->ended = true;
		return;
	}
	world_must(tls_recv(c->tls, span_of(c->room, (size_t)n)));
	for (;;) {
		world_must(tls_read(c->tls, &plain));
		if (plain.len == 0)
			return;
		world_must(h2_recv(c->h2, plain, dial_now_ms()));
		events(c);
	}
}

static void turn(struct carrier *c)
{
	bool more = flush(c);
	struct pollfd p = {c->fd, (short)(POLLIN | (more ? POLLOUT : 0)), 0};

	if (c->ended || c->over)
		return;
	if (poll(&p, 1, 60 * 1000) == 0)
		c->ended = true;
	if (p.revents & (POLLIN | POLLHUP | POLLERR))
		take(c);
	events(c);
}

struct carrier *carrier_open(const struct http_peer *peer)
{
	struct carrier *c = calloc(1, sizeof(*c));
	struct h2_limits limits = h2_client_limits();
	struct clock clock = system_clock();
	struct tls_context *context = NULL;
	char host[256], port[8];
	struct buf pem;

	if (!c)
		abort();
	limits.stream_window = limits.connection_window = WINDOW;
	snprintf(c->authority, sizeof(c->authority), "%s", peer->endpoint);
	buf_init(&pem, CERTIFICATE_PEM_MAX);
	world_must(certificate_key_to_pem(peer->key, &pem));
	world_must(tls_context_new_client(
		&(struct tls_config){.roots = peer->ca,
				     .certificate = peer->certificate,
				     .key = buf_span(&pem)},
		&context));
	world_must(dial_split(peer->endpoint, host, port));
	world_must(tls_new_client(context, host, clock_s(&clock), &c->tls));
	world_must(h2_new_client(&limits, dial_now_ms(), &c->h2));
	world_must(dial_open(host, port, 10 * 1000, &c->fd));
	while (!c->ended && tls_state(c->tls) == TLS_HANDSHAKE)
		turn(c);
	buf_wipe(&pem);
	tls_context_free(context);
	return c;
}

void carrier_close(struct carrier *c)
{
	h2_free(c->h2);
	tls_free(c->tls);
	close(c->fd);
	free(c);
}

void carrier_ask(struct carrier *c, const struct carrier_request *request,
		 struct carrier_answer *out)
{
	struct h2_field fields[HTTP_FIELDS_MAX];
	struct h2_head head = {.method = span_str(request->method),
			       .authority = span_str(c->authority),
			       .path = span_str(request->target),
			       .fields = fields,
			       .count = request->fields_count};

	for (size_t i = 0; i < request->fields_count; i++)
		fields[i] = (struct h2_field){request->fields[i].name,
					      request->fields[i].value};
	*out = (struct carrier_answer){.same = true};
	c->request = request;
	c->answer = out;
	c->pushed = 0;
	c->over = false;
	world_must(h2_request(c->h2, &head, request->body.len > 0, NULL,
			      &c->stream));
	if (request->body.len)
		push(c);
	while (!c->over && !c->ended)
		turn(c);
	if (!c->over)
		out->status = 0;
}
