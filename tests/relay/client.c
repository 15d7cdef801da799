#include "tests/relay/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t client_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void end(struct client *c, struct err why)
{
	c->ended = true;
	if (!failed(c->failed))
		c->failed = why;
}

static void copy_field(const struct h2_head *head, const char *name, char *out,
		       size_t room)
{
	for (size_t i = 0; i < head->count; i++)
		if (span_eq_str(head->fields[i].name, name))
			snprintf(out, room, "%.*s",
				 (int)head->fields[i].value.len,
				 head->fields[i].value.at);
}

static void upload(struct client *c, struct exchange *x)
{
	static uint8_t ones[16384];

	memset(ones, 1, sizeof(ones));
	while (x->upload_left) {
		size_t n = x->upload_left < sizeof(ones)
				   ? (size_t)x->upload_left
				   : sizeof(ones);
		size_t taken = 0;

		if (failed(h2_body_push_some(c->h2, x->stream, span_of(ones, n),
					     &taken)))
			return;
		x->upload_left -= taken;
		x->uploaded += taken;
		if (taken < n)
			return;
	}
	if (failed(h2_body_end(c->h2, x->stream)))
		return;
}

static void event(struct client *c, const struct h2_event *e)
{
	struct exchange *x = e->owner;

	if (e->kind == H2_FAILED) {
		end(c, e->why);
		return;
	}
	if (!x) {
		if (e->kind == H2_DATA)
			h2_consume(c->h2, e->stream, e->data.len);
		return;
	}
	switch (e->kind) {
	case H2_RESPONSE:
		x->status = e->head->status;
		copy_field(e->head, "retry-after", x->retry_after,
			   sizeof(x->retry_after));
		copy_field(e->head, "content-length", x->content_length,
			   sizeof(x->content_length));
		x->answer_whole |= e->end;
		return;
	case H2_DATA:
		x->received += e->data.len;
		if (x->answer.len < 32768)
			buf_put(&x->answer, span_sub(e->data, 0, 32768));
		if (x->read_slowly)
			x->unconsumed += e->data.len;
		else
			h2_consume(c->h2, e->stream, e->data.len);
		return;
	case H2_END:
		x->answer_whole = true;
		return;
	case H2_SLOW:
	case H2_WRITABLE:
		if (x->upload_left)
			upload(c, x);
		return;
	case H2_CLOSED:
		x->over = true;
		x->why = e->why;
		return;
	case H2_INFORM:
	case H2_GOAWAY:
	case H2_DRAIN:
	case H2_REQUEST:
	case H2_FAILED:
		return;
	}
}

static void drain(struct client *c)
{
	struct h2_event e;

	while (c->h2 && h2_next(c->h2, &e))
		event(c, &e);
}

static bool put_out(struct client *c)
{
	struct span bytes;
	ssize_t n;

	for (;;) {
		while (c->h2 && tls_pending(c->tls).len < 65536) {
			struct span plain = h2_pending(c->h2);
			size_t taken = 0;

			if (!plain.len)
				break;
			if (failed(tls_write(c->tls, plain, &taken)) || !taken)
				break;
			h2_sent(c->h2, taken);
		}
		bytes = tls_pending(c->tls);
		if (!bytes.len)
			return false;
		n = send(c->fd, bytes.at, bytes.len,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0) {
			end(c, err_make(ERR_IO, "send"));
			return false;
		}
		tls_sent(c->tls, (size_t)n);
	}
}

static void take(struct client *c, struct span cipher)
{
	struct h2_limits limits = h2_client_limits();
	struct span plain;
	struct err e = tls_recv(c->tls, cipher);

	while (!failed(e)) {
		e = tls_read(c->tls, &plain);
		if (!failed(e) && !c->h2 && tls_state(c->tls) == TLS_OPEN)
			e = h2_new_client(&limits, client_now_ms(), &c->h2);
		if (failed(e) || !plain.len)
			break;
		e = h2_recv(c->h2, plain, client_now_ms());
		drain(c);
	}
	if (failed(e))
		end(c, e);
}

static void step(struct client *c, int ms)
{
	static uint8_t room[65536];
	struct pollfd p = {c->fd, POLLIN, 0};
	ssize_t n;
	bool more;

	/* What goes out makes events, and they make more to send. */
	do {
		more = put_out(c);
		drain(c);
	} while (!more && !c->ended && c->h2 && h2_pending(c->h2).len);
	p.events |= more ? POLLOUT : 0;
	if (c->ended || poll(&p, 1, ms) <= 0 || !(p.revents & ~POLLOUT))
		return;
	n = recv(c->fd, room, sizeof(room), MSG_DONTWAIT);
	if (n == 0)
		end(c, err_make(ERR_IO, "closed"));
	else if (n < 0 && errno != EAGAIN)
		end(c, err_make(ERR_IO, "recv"));
	else if (n > 0)
		take(c, span_of(room, (size_t)n));
	drain(c);
}

bool client_open(struct client *c, uint16_t port, struct span ca,
		 struct span certificate, struct span key)
{
	struct tls_config config = {.certificate = certificate,
				    .key = key,
				    .roots = ca};
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct tls_context *context = NULL;
	uint64_t until = client_now_ms() + 15000;

	*c = (struct client){0};
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(c->fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		return false;
	if (failed(tls_context_new_client(&config, &context)) ||
	    failed(tls_new_client(context, "127.0.0.1", (uint64_t)time(NULL),
				  &c->tls))) {
		tls_context_free(context);
		return false;
	}
	tls_context_free(context);
	while (!c->h2 && !c->ended && client_now_ms() < until)
		step(c, 100);
	return c->h2 && !c->ended;
}

void client_close(struct client *c)
{
	h2_free(c->h2);
	tls_free(c->tls);
	if (c->fd > 0)
		close(c->fd);
	*c = (struct client){0};
}

bool client_ask(struct client *c, struct exchange *x, const char *method,
		const char *target, struct span body, uint64_t size)
{
	struct h2_head head = {.method = span_str(method),
			       .authority = span_str("relay.test"),
			       .path = span_str(target)};
	bool has_body = body.len || size;

	buf_init(&x->answer, 65536);
	if (failed(h2_request(c->h2, &head, has_body, x, &x->stream)))
		return false;
	if (body.len && (failed(h2_body_push(c->h2, x->stream, body)) ||
			 failed(h2_body_end(c->h2, x->stream))))
		return false;
	x->upload_left = size;
	if (size)
		upload(c, x);
	return true;
}

bool client_run(struct client *c, struct exchange *x, int ms)
{
	uint64_t until = client_now_ms() + (uint64_t)ms;

	while (!c->ended && !(x && x->over)) {
		uint64_t now = client_now_ms();

		if (now >= until)
			break;
		step(c, until - now > 50 ? 50 : (int)(until - now));
	}
	drain(c);
	return x && x->over;
}

int client_get(struct client *c, const char *target, struct exchange *x)
{
	*x = (struct exchange){0};
	if (c->ended || !client_ask(c, x, "GET", target, span_str(""), 0))
		return 0;
	client_run(c, x, 15000);
	return x->over && !failed(x->why) ? x->status : 0;
}

void exchange_clear(struct exchange *x)
{
	buf_clear(&x->answer);
}
