/*
 * HTTP/2 connections against bytes from anywhere.  The first byte says which
 * side meets them, whether a preface goes before, and in how large pieces.
 */
#include "tests/fuzz/fuzz.h"

#include "proto/wire/h2.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
static const uint8_t settings[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};

enum { SERVER_PREFACE = 0, SERVER_RAW = 1, CLIENT = 2, EVENTS_MAX = 100000 };

/* What an honest client says: a request with a body, and its end. */
static void seed_server(void)
{
	const struct h2_field fields[] = {
		{span_str("content-type"), span_str("application/json")},
		{span_str("if-match"), span_str("*")},
	};
	const struct h2_head head = {
		.method = span_str("PUT"),
		.authority = span_str("relay.test"),
		.path = span_str("/v1/documents/x?a=b"),
		.fields = fields,
		.count = 2,
	};
	struct span pending;
	struct h2 *client;
	uint32_t stream;
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_put_u8(&b, SERVER_RAW);
	fuzz_ok(h2_new_client(NULL, 1, &client));
	fuzz_ok(h2_request(client, &head, true, NULL, &stream));
	fuzz_ok(h2_body_push(client, stream, span_str("{}")));
	fuzz_ok(h2_body_end(client, stream));
	while ((pending = h2_pending(client)).len) {
		buf_put(&b, pending);
		h2_sent(client, pending.len);
	}
	fuzz_seed(buf_span(&b));
	h2_free(client);
	buf_clear(&b);
}

void fuzz_seeds(void)
{
	static const uint8_t answer[] = {
		CLIENT, 0, 0, 0, 4, 0, 0, 0, 0, 0,    /* SETTINGS */
		0,	0, 1, 1, 4, 0, 0, 0, 1, 0x88, /* HEADERS, :status 200 */
		0,	0, 2, 0, 1, 0, 0, 0, 1, 'h',  'i'};
	static const uint8_t frames[] = {SERVER_PREFACE,
					 0,
					 0,
					 4,
					 8,
					 0,
					 0,
					 0,
					 0,
					 0,
					 0,
					 0,
					 1,
					 0,
					 0,
					 8,
					 6,
					 0,
					 0,
					 0,
					 0,
					 0,
					 1,
					 2,
					 3,
					 4,
					 5,
					 6,
					 7,
					 8,
					 0,
					 0,
					 4,
					 3,
					 0,
					 0,
					 0,
					 0,
					 1,
					 0,
					 0,
					 0,
					 8};

	seed_server();
	fuzz_seed(SPAN_OBJ(answer));
	fuzz_seed(SPAN_OBJ(frames));
}

static void answer(struct h2 *h, const struct h2_event *event)
{
	const struct h2_head head = {.status = 200};

	if (event->kind == H2_REQUEST &&
	    !failed(h2_respond(h, event->stream, &head, true))) {
		(void)!failed(h2_body_push(h, event->stream, span_str("ok")));
		(void)!failed(h2_body_end(h, event->stream));
	}
	if (event->kind == H2_DATA)
		h2_consume(h, event->stream, event->data.len);
}

static void drain(struct h2 *h, bool *over)
{
	struct h2_event event;
	unsigned n = 0;

	while (h2_next(h, &event)) {
		fuzz_check(!*over && ++n < EVENTS_MAX);
		if (event.kind == H2_FAILED)
			*over = true;
		else
			answer(h, &event);
	}
	for (struct span p; (p = h2_pending(h)).len && ++n < EVENTS_MAX;)
		h2_sent(h, p.len);
	while (h2_next(h, &event))
		if (event.kind == H2_FAILED)
			*over = true;
}

static void give(struct h2 *h, struct span bytes, uint64_t now, bool *over)
{
	if (*over)
		return;
	fuzz_ok(h2_recv(h, bytes, now));
	drain(h, over);
}

void fuzz_input(struct span bytes)
{
	const struct h2_head head = {.method = span_str("GET"),
				     .authority = span_str("relay.test"),
				     .path = span_str("/")};
	struct span_reader r = span_read(bytes);
	unsigned how = span_read_u8(&r);
	size_t step = how & 128 ? 1 + (how >> 2 & 15) : SIZE_MAX;
	uint64_t now = 1000;
	uint32_t stream;
	bool over = false;
	struct h2 *h;

	if ((how & 3) >= CLIENT) {
		fuzz_ok(h2_new_client(NULL, now, &h));
		fuzz_ok(h2_request(h, &head, false, NULL, &stream));
		drain(h, &over);
	} else {
		fuzz_ok(h2_new_server(NULL, now, &h));
		if ((how & 3) == SERVER_PREFACE) {
			give(h, span_str(preface), now, &over);
			give(h, SPAN_OBJ(settings), now, &over);
		}
	}
	for (size_t at = 0; at < r.left.len && !over;) {
		struct span part = span_sub(r.left, at, step);

		give(h, part, now += 3, &over);
		at += part.len;
	}
	if (!over && h2_deadline(h) != UINT64_MAX) {
		h2_expire(h, h2_deadline(h));
		drain(h, &over);
	}
	h2_free(h);
}
