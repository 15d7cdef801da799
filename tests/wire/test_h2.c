/*
 * HTTP/2 connections: client and server joined in memory.
 * Proves every proto/wire/h2*.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "proto/wire/h2.h"
#include "proto/wire/tls.h"
#include "tests/support/pki.h"

/* What happened, as text: one line of words for each event. */
struct ends {
	struct h2 *client, *server;
	struct buf client_saw, server_saw;
	size_t step;
	uint64_t now;
	bool hold;     /* the server consumes nothing */
	uint32_t held; /* bytes it holds */
	uint32_t request;
	struct err request_why; /* the last stream the server saw */
	struct h2_event failed; /* of the server */
};

static struct h2_head get(const char *path)
{
	return (struct h2_head){.method = span_str("GET"),
				.authority = span_str("relay.test"),
				.path = span_str(path)};
}

static struct h2_head status(int n)
{
	return (struct h2_head){.status = n};
}

static void ends_open(struct ends *e, const struct h2_limits *server)
{
	*e = (struct ends){.step = SIZE_MAX, .now = 1000};
	buf_init(&e->client_saw, 1 << 20);
	buf_init(&e->server_saw, 1 << 20);
	assert_false(failed(h2_new_server(server, e->now, &e->server)));
	assert_false(failed(h2_new_client(NULL, e->now, &e->client)));
}

static void ends_free(struct ends *e)
{
	h2_free(e->client);
	h2_free(e->server);
	buf_clear(&e->client_saw);
	buf_clear(&e->server_saw);
}

static void tell(struct buf *out, const struct h2_event *v)
{
	switch (v->kind) {
	case H2_REQUEST:
		buf_printf(out, "request %u %.*s %.*s%s;", v->stream,
			   (int)v->head->method.len, v->head->method.at,
			   (int)v->head->path.len, v->head->path.at,
			   v->end ? " end" : "");
		break;
	case H2_INFORM:
		buf_printf(out, "inform %u %d;", v->stream, v->head->status);
		break;
	case H2_RESPONSE:
		buf_printf(out, "response %u %d%s;", v->stream, v->head->status,
			   v->end ? " end" : "");
		break;
	case H2_DATA:
		buf_printf(out, "data %u %zu;", v->stream, v->data.len);
		break;
	case H2_END:
		buf_printf(out, "end %u;", v->stream);
		break;
	case H2_SLOW:
		buf_printf(out, "slow %u;", v->stream);
		break;
	case H2_WRITABLE:
		buf_printf(out, "writable %u;", v->stream);
		break;
	case H2_CLOSED:
		buf_printf(out, "closed %u %u;", v->stream, v->code);
		break;
	case H2_GOAWAY:
		buf_printf(out, "goaway %u;", v->code);
		break;
	case H2_DRAIN:
		buf_put_str(out, "drain;");
		break;
	case H2_FAILED:
		buf_printf(out, "failed %s;",
			   v->why.code == ERR_RATE   ? "rate"
			   : v->why.code == ERR_SLOW ? "slow"
						     : "other");
		break;
	}
}

static void server_events(struct ends *e)
{
	struct h2_event v;

	while (h2_next(e->server, &v)) {
		tell(&e->server_saw, &v);
		if (v.kind == H2_REQUEST) {
			e->request = v.stream;
			e->request_why = v.why;
		}
		if (v.kind == H2_FAILED)
			e->failed = v;
		if (v.kind != H2_DATA)
			continue;
		if (e->hold)
			e->held += (uint32_t)v.data.len;
		else
			h2_consume(e->server, v.stream, v.data.len);
	}
}

static void client_events(struct ends *e)
{
	struct h2_event v;

	while (h2_next(e->client, &v)) {
		tell(&e->client_saw, &v);
		if (v.kind == H2_DATA)
			h2_consume(e->client, v.stream, v.data.len);
	}
}

/* Hand over at most `step` bytes; false if there are none. */
static bool carry(struct ends *e, bool up)
{
	struct h2 *from = up ? e->client : e->server;
	struct h2 *to = up ? e->server : e->client;
	struct span bytes = span_sub(h2_pending(from), 0, e->step);
	uint8_t *copy;
	size_t len = bytes.len;

	if (!len)
		return false;
	/* A buffer of its own, so that a reader beyond it is seen. */
	copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, bytes.at, len);
	h2_sent(from, len);
	assert_false(failed(h2_recv(to, span_of(copy, len), e->now)));
	if (up)
		server_events(e);
	else
		client_events(e);
	free(copy);
	return true;
}

static void ends_run(struct ends *e)
{
	while (carry(e, true) | carry(e, false))
		;
	server_events(e);
	client_events(e);
}

static void assert_saw(struct buf *saw, const char *text)
{
	assert_string_equal(buf_cstr(saw), text);
	buf_reset(saw);
}

/* ---- requests and responses ---- */

static void a_request_meets_its_response(void **state)
{
	static const size_t steps[] = {SIZE_MAX, 1, 10};

	for (size_t i = 0; i < 3; i++) {
		struct h2_field fields[] = {
			{span_str("etag"), span_str("\"x\"")}};
		struct h2_head answer = status(200), head = get("/v1/me?x=1");
		struct ends e;
		uint32_t id;

		ends_open(&e, NULL);
		e.step = steps[i];
		assert_false(
			failed(h2_request(e.client, &head, false, NULL, &id)));
		ends_run(&e);
		assert_saw(&e.server_saw, "request 1 GET /v1/me?x=1 end;");
		assert_false(
			failed(h2_inform(e.server, id,
					 &(struct h2_head){.status = 104})));
		answer.fields = fields;
		answer.count = 1;
		assert_false(failed(h2_respond(e.server, id, &answer, true)));
		assert_int_equal(h2_respond(e.server, id, &answer, true).code,
				 ERR_USAGE);
		assert_false(
			failed(h2_body_push(e.server, id, span_str("hello"))));
		assert_false(failed(h2_body_end(e.server, id)));
		ends_run(&e);
		assert_saw(&e.server_saw, "closed 1 0;");
		if (e.step == SIZE_MAX)
			assert_saw(&e.client_saw,
				   "inform 1 104;response 1 200;data 1 5;"
				   "end 1;closed 1 0;");
		else
			assert_non_null(strstr(buf_cstr(&e.client_saw),
					       "end 1;closed 1 0;"));
		assert_int_equal(h2_streams(e.client), 0);
		assert_int_equal(h2_streams(e.server), 0);
		assert_int_equal(h2_respond(e.server, id, &answer, true).code,
				 ERR_GONE);
		ends_free(&e);
	}
}

static void fields_and_owners_come_with_events(void **state)
{
	struct h2_field fields[] = {{span_str("if-match"), span_str("\"a\"")},
				    {span_str("content-type"),
				     span_str("application/json")}};
	struct h2_head head = get("/");
	struct h2_event v;
	struct ends e;
	uint32_t id;
	int mark;

	head.method = span_str("PUT");
	head.fields = fields;
	head.count = 2;
	ends_open(&e, NULL);
	assert_false(failed(h2_request(e.client, &head, true, &mark, &id)));
	assert_false(failed(h2_recv(e.server, h2_pending(e.client), e.now)));
	assert_true(h2_next(e.server, &v));
	assert_int_equal(v.kind, H2_REQUEST);
	assert_false(v.end);
	assert_int_equal(v.head->count, 2);
	assert_true(span_eq_str(v.head->authority, "relay.test"));
	assert_true(span_eq_str(v.head->fields[0].name, "if-match"));
	assert_true(span_eq_str(v.head->fields[1].value, "application/json"));
	assert_null(v.owner);
	h2_set_owner(e.server, id, &e);
	h2_reset(e.server, id, H2_CANCEL);
	assert_false(h2_next(e.server, &v));
	h2_pending(e.server);
	assert_true(h2_next(e.server, &v));
	assert_int_equal(v.kind, H2_CLOSED);
	assert_ptr_equal(v.owner, &e);
	/* A name that is none, and a value with a line end. */
	fields[0].name = span_str("Bad");
	assert_int_equal(h2_request(e.client, &head, false, NULL, &id).code,
			 ERR_USAGE);
	fields[0] = (struct h2_field){span_str("x"), span_str("a\r\nb: c")};
	assert_int_equal(h2_request(e.client, &head, false, NULL, &id).code,
			 ERR_USAGE);
	ends_free(&e);
}

static void a_body_waits_for_its_owner(void **state)
{
	struct h2_limits limits = h2_server_limits();
	struct h2_head head = get("/up");
	uint8_t bytes[16384] = {0};
	size_t sent = 0, taken;
	struct ends e;
	uint32_t id;

	head.method = span_str("POST");
	ends_open(&e, &limits);
	e.hold = true;
	assert_false(failed(h2_request(e.client, &head, true, NULL, &id)));
	for (int i = 0; i < 100; i++) {
		assert_false(
			failed(h2_body_push_some(e.client, id, SPAN_OBJ(bytes),
						 &taken)));
		sent += taken;
		ends_run(&e);
	}
	/* The window is full and the client's own buffer behind it. */
	assert_int_equal(e.held, limits.stream_window);
	assert_int_equal(sent, limits.stream_window + limits.body_buffer);
	assert_int_equal(h2_body_room(e.client, id), 0);
	assert_int_equal(h2_body_push(e.client, id, SPAN_OBJ(bytes)).code,
			 ERR_BUSY);
	buf_reset(&e.client_saw);
	/* What is consumed lets as much come, and says so. */
	h2_consume(e.server, id, e.held);
	e.held = 0;
	ends_run(&e);
	assert_int_equal(e.held, limits.stream_window);
	assert_non_null(strstr(buf_cstr(&e.client_saw), "writable 1;"));
	e.hold = false;
	h2_consume(e.server, id, e.held);
	assert_false(failed(h2_body_end(e.client, id)));
	ends_run(&e);
	assert_non_null(strstr(buf_cstr(&e.server_saw), "end 1;"));
	ends_free(&e);
}

static void an_early_answer_ends_the_request(void **state)
{
	struct h2_head head = get("/up"), answer = status(413);
	struct ends e;
	uint32_t id;

	head.method = span_str("POST");
	ends_open(&e, NULL);
	assert_false(failed(h2_request(e.client, &head, true, NULL, &id)));
	assert_false(failed(h2_body_push(e.client, id, span_str("start"))));
	ends_run(&e);
	buf_reset(&e.server_saw);
	assert_false(failed(h2_respond(e.server, id, &answer, false)));
	ends_run(&e);
	assert_saw(&e.server_saw, "closed 1 0;");
	assert_saw(&e.client_saw, "response 1 413 end;closed 1 0;");
	ends_free(&e);
}

static void a_graceful_end_lets_streams_finish(void **state)
{
	struct h2_head head = get("/"), answer = status(204);
	struct ends e;
	uint32_t id, other;

	ends_open(&e, NULL);
	assert_false(failed(h2_request(e.client, &head, false, NULL, &id)));
	ends_run(&e);
	h2_shutdown(e.server);
	ends_run(&e);
	assert_non_null(strstr(buf_cstr(&e.client_saw), "goaway 0;"));
	assert_int_equal(h2_request(e.client, &head, false, NULL, &other).code,
			 ERR_GONE);
	e.now += 1000;
	h2_expire(e.server, e.now);
	ends_run(&e);
	assert_false(h2_done(e.server));
	assert_false(failed(h2_respond(e.server, id, &answer, false)));
	ends_run(&e);
	assert_true(h2_done(e.server));
	assert_true(h2_done(e.client));
	ends_free(&e);
}

static void a_limit_of_requests_ends_gracefully(void **state)
{
	struct h2_limits limits = h2_server_limits();
	struct h2_head head = get("/"), answer = status(204);
	struct ends e;
	uint32_t id;

	limits.requests = 2;
	ends_open(&e, &limits);
	for (int i = 0; i < 2; i++) {
		assert_false(
			failed(h2_request(e.client, &head, false, NULL, &id)));
		ends_run(&e);
		assert_false(failed(h2_respond(e.server, id, &answer, false)));
		ends_run(&e);
	}
	assert_non_null(strstr(buf_cstr(&e.server_saw), "drain;"));
	e.now += 1000;
	h2_expire(e.server, e.now);
	ends_run(&e);
	assert_true(h2_done(e.server));
	ends_free(&e);
}

static void a_failed_connection_closes_every_stream_first(void **state)
{
	struct h2_head head = get("/");
	struct ends e;
	uint32_t id;

	ends_open(&e, NULL);
	for (int i = 0; i < 3; i++)
		assert_false(
			failed(h2_request(e.client, &head, false, NULL, &id)));
	ends_run(&e);
	buf_reset(&e.server_saw);
	h2_fail(e.server, H2_INTERNAL_ERROR, err_make(ERR_IO, "a test"));
	ends_run(&e);
	assert_saw(&e.server_saw, "closed 5 2;closed 3 2;closed 1 2;"
				  "failed other;");
	assert_true(h2_done(e.server));
	assert_non_null(strstr(buf_cstr(&e.client_saw), "goaway 2;"));
	ends_free(&e);
}

/* ---- raw frames: what a hostile client sends ---- */

struct raw {
	struct buf out;
};

static void frame(struct buf *b, uint8_t type, uint8_t flags, uint32_t stream,
		  struct span payload)
{
	buf_put_u8(b, (uint8_t)(payload.len >> 16));
	buf_put_u16(b, (uint16_t)payload.len);
	buf_put_u8(b, type);
	buf_put_u8(b, flags);
	buf_put_u32(b, stream);
	buf_put(b, payload);
}

/* HPACK without compression: a literal never indexed, new name. */
static void literal(struct buf *b, const char *name, const char *value)
{
	buf_put_u8(b, 0x10);
	buf_put_u8(b, (uint8_t)strlen(name));
	buf_put_str(b, name);
	assert_true(strlen(value) < 127);
	buf_put_u8(b, (uint8_t)strlen(value));
	buf_put_str(b, value);
}

static void block(struct buf *b, const char *method)
{
	literal(b, ":method", method);
	literal(b, ":scheme", "https");
	literal(b, ":authority", "relay.test");
	literal(b, ":path", "/");
}

static void headers(struct buf *b, uint32_t stream, bool end)
{
	struct buf h;

	buf_init(&h, 1024);
	block(&h, end ? "GET" : "POST");
	frame(b, 1, (uint8_t)(4 | end), stream, buf_span(&h));
	buf_clear(&h);
}

static void greet(struct buf *b, bool ack)
{
	buf_put_str(b, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	frame(b, 4, 0, 0, span_of(NULL, 0));
	if (ack)
		frame(b, 4, 1, 0, span_of(NULL, 0));
}

/* One flood: what is sent in each round. */
struct flood {
	const char *name;
	void (*round)(struct buf *b, uint32_t i);
	unsigned bound; /* rounds after which it must have ended */
};

static uint32_t stream_of(uint32_t i)
{
	return 2 * i + 1;
}

static void rapid_reset(struct buf *b, uint32_t i)
{
	static const uint8_t cancel[4] = {0, 0, 0, 8};

	headers(b, stream_of(i), true);
	frame(b, 3, 0, stream_of(i), SPAN_OBJ(cancel));
}

/* MadeYouReset: the server is made to send the RST_STREAM. */
static void made_you_reset_overflow(struct buf *b, uint32_t i)
{
	static const uint8_t huge[4] = {0x7f, 0xff, 0xff, 0xff};

	headers(b, stream_of(i), true);
	frame(b, 8, 0, stream_of(i), SPAN_OBJ(huge));
}

static void made_you_reset_zero(struct buf *b, uint32_t i)
{
	static const uint8_t zero[4] = {0};

	headers(b, stream_of(i), true);
	frame(b, 8, 0, stream_of(i), SPAN_OBJ(zero));
}

static void made_you_reset_data(struct buf *b, uint32_t i)
{
	headers(b, stream_of(i), true);
	frame(b, 0, 0, stream_of(i), span_str("x"));
}

static void made_you_reset_length(struct buf *b, uint32_t i)
{
	struct buf h;

	buf_init(&h, 1024);
	block(&h, "POST");
	literal(&h, "content-length", "1");
	frame(b, 1, 4, stream_of(i), buf_span(&h));
	frame(b, 0, 1, stream_of(i), span_str("two"));
	buf_clear(&h);
}

static void malformed_header(struct buf *b, uint32_t i)
{
	struct buf h;

	buf_init(&h, 1024);
	block(&h, "GET");
	literal(&h, "Upper", "case");
	frame(b, 1, 5, stream_of(i), buf_span(&h));
	buf_clear(&h);
}

static void too_many_fields(struct buf *b, uint32_t i)
{
	struct buf h;

	buf_init(&h, 4096);
	block(&h, "GET");
	for (int n = 0; n < 70; n++)
		literal(&h, "a", "");
	frame(b, 1, 5, stream_of(i), buf_span(&h));
	buf_clear(&h);
}

static void many_streams(struct buf *b, uint32_t i)
{
	headers(b, stream_of(i), true);
}

static void pings(struct buf *b, uint32_t i)
{
	frame(b, 6, 0, 0, span_of("12345678", 8));
}

static void ping_answers(struct buf *b, uint32_t i)
{
	frame(b, 6, 1, 0, span_of("12345678", 8));
}

static void settings(struct buf *b, uint32_t i)
{
	frame(b, 4, 0, 0, span_of(NULL, 0));
}

static void empty_data(struct buf *b, uint32_t i)
{
	if (i == 0)
		headers(b, 1, false);
	frame(b, 0, 0, 1, span_of(NULL, 0));
}

static void priorities(struct buf *b, uint32_t i)
{
	static const uint8_t p[5] = {0, 0, 0, 1, 7};

	frame(b, 2, 0, 3, SPAN_OBJ(p));
}

static void window_updates(struct buf *b, uint32_t i)
{
	static const uint8_t one[4] = {0, 0, 0, 1};

	frame(b, 8, 0, 0, SPAN_OBJ(one));
}

static void unknown_frames(struct buf *b, uint32_t i)
{
	frame(b, 0xbe, 0, 0, span_str("?"));
}

static void continuations(struct buf *b, uint32_t i)
{
	struct buf h;

	buf_init(&h, 1024);
	if (i == 0) {
		block(&h, "GET");
		frame(b, 1, 1, 1, buf_span(&h));
	}
	frame(b, 9, 0, 1, span_of(NULL, 0));
	buf_clear(&h);
}

/* HPACK bomb: one field in the table, named by one byte each. */
static void bomb(struct buf *b, uint32_t i)
{
	struct buf h;

	buf_init(&h, 32 * 1024);
	block(&h, "GET");
	buf_put_u8(&h, 0x40);
	buf_put_u8(&h, 6);
	buf_put_str(&h, "cookie");
	buf_put_u8(&h, 1);
	buf_put_str(&h, "x");
	for (int n = 0; n < 3000; n++)
		buf_put_u8(&h, 0x80 | 62);
	frame(b, 1, 5, stream_of(i), buf_span(&h));
	buf_clear(&h);
}

static void big_padding(struct buf *b, uint32_t i)
{
	static uint8_t padded[256];

	if (i == 0)
		headers(b, 1, false);
	padded[0] = 255; /* all of it is padding */
	frame(b, 0, 8, 1, SPAN_OBJ(padded));
}

static void pushes(struct buf *b, uint32_t i)
{
	frame(b, 5, 4, 1, span_of("\0\0\0\2", 4));
}

static void flood_ends(const struct flood *f, bool ack, size_t step)
{
	struct h2_event v, last = {.kind = H2_DRAIN};
	struct buf b;
	struct h2 *h2;
	size_t memory = 0, out = 0, requests = 0, closed = 0;
	unsigned round = 0;

	buf_init(&b, 1 << 20);
	assert_false(failed(h2_new_server(NULL, 0, &h2)));
	greet(&b, ack);
	for (; round < 100000 && last.kind != H2_FAILED; round++) {
		f->round(&b, round);
		for (size_t at = 0; at < b.len; at += step) {
			assert_false(failed(
				h2_recv(h2, span_sub(buf_span(&b), at, step),
					5)));
			while (h2_next(h2, &v)) {
				last = v;
				requests += v.kind == H2_REQUEST;
				closed += v.kind == H2_CLOSED;
			}
			out = h2_pending(h2).len;
			h2_sent(h2, out);
		}
		if (h2_memory(h2) > memory)
			memory = h2_memory(h2);
		buf_reset(&b);
	}
	while (h2_next(h2, &v))
		last = v;
	if (last.kind != H2_FAILED || round > f->bound)
		fail_msg("%s: %u rounds, last event %d", f->name, round,
			 last.kind);
	if (memory > 256 * 1024)
		fail_msg("%s: %zu bytes", f->name, memory);
	assert_int_equal(requests, closed);
	h2_free(h2);
	buf_clear(&b);
}

static void every_flood_ends_within_its_bound(void **state)
{
	static const struct flood floods[] = {
		{"rapid reset", rapid_reset, 105},
		{"made you reset, overflow", made_you_reset_overflow, 105},
		{"made you reset, zero", made_you_reset_zero, 2},
		{"made you reset, data", made_you_reset_data, 2},
		{"made you reset, length", made_you_reset_length, 105},
		{"malformed header", malformed_header, 105},
		{"too many fields", too_many_fields, 105},
		{"many streams", many_streams, 140},
		{"pings", pings, 105},
		{"ping answers", ping_answers, 105},
		{"settings", settings, 105},
		{"empty data", empty_data, 105},
		{"priorities", priorities, 105},
		{"window updates", window_updates, 125},
		{"unknown frames", unknown_frames, 105},
		{"continuations", continuations, 6},
		{"header bomb", bomb, 1},
		{"padding", big_padding, 40000},
		{"push promise", pushes, 2},
	};

	for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
		flood_ends(&floods[i], true, SIZE_MAX / 2);
		flood_ends(&floods[i], false, SIZE_MAX / 2);
		if (floods[i].bound < 1000)
			flood_ends(&floods[i], true, 1);
	}
}

static void a_flood_is_told_to_calm_down(void **state)
{
	struct buf b;
	struct h2_event v;
	struct h2 *h2;
	struct span out;

	buf_init(&b, 1 << 20);
	assert_false(failed(h2_new_server(NULL, 0, &h2)));
	greet(&b, true);
	for (uint32_t i = 0; i < 200; i++)
		pings(&b, i);
	assert_false(failed(h2_recv(h2, buf_span(&b), 0)));
	while (h2_next(h2, &v))
		;
	assert_int_equal(v.kind, H2_FAILED);
	assert_int_equal(v.why.code, ERR_RATE);
	out = h2_pending(h2);
	assert_true(out.len >= 17);
	assert_memory_equal(out.at + out.len - 17, "\0\0\x08\x07", 4);
	assert_int_equal(out.at[out.len - 1], H2_ENHANCE_YOUR_CALM);
	h2_sent(h2, out.len);
	assert_true(h2_done(h2));
	h2_free(h2);
	/* The bucket fills again: one a second is no flood. */
	assert_false(failed(h2_new_server(NULL, 0, &h2)));
	buf_reset(&b);
	greet(&b, true);
	for (uint32_t i = 0; i < 500; i++) {
		pings(&b, i);
		assert_false(
			failed(h2_recv(h2, buf_span(&b), (uint64_t)i * 1000)));
		assert_false(h2_next(h2, &v));
		h2_sent(h2, h2_pending(h2).len);
		buf_reset(&b);
	}
	h2_free(h2);
	buf_clear(&b);
}

static void answers_that_nobody_reads_end_it(void **state)
{
	struct h2_limits limits = h2_server_limits();
	struct h2_event v = {0};
	struct buf b;
	struct h2 *h2;

	limits.glitch_burst = 1000000;
	limits.out_buffer = 0; /* as if the socket took nothing */
	buf_init(&b, 1 << 20);
	assert_false(failed(h2_new_server(&limits, 0, &h2)));
	greet(&b, true);
	for (uint32_t i = 0; i < 1000; i++)
		pings(&b, i);
	assert_false(failed(h2_recv(h2, buf_span(&b), 0)));
	while (h2_next(h2, &v))
		;
	assert_int_equal(v.kind, H2_FAILED);
	assert_int_equal(v.why.code, ERR_RATE);
	h2_free(h2);
	buf_clear(&b);
}

/* The owner is told why, and answers. */
static void refusal_is(const struct h2_head *head, enum err_code want)
{
	struct h2_field type = {span_str("content-type"), span_str("text/x")};
	struct h2_head answer = {.status = 400, .fields = &type, .count = 1};
	struct ends e;
	uint32_t id;

	ends_open(&e, NULL);
	assert_false(failed(h2_request(e.client, head, false, NULL, &id)));
	ends_run(&e);
	assert_int_equal(e.request_why.code, want);
	assert_false(failed(h2_respond(e.server, e.request, &answer, false)));
	ends_run(&e);
	assert_saw(&e.client_saw, "response 1 400 end;closed 1 0;");
	assert_int_equal(h2_streams(e.server), 0);
	ends_free(&e);
}

static void requests_beyond_the_limits_are_told_as_such(void **state)
{
	struct h2_field many[80];
	struct h2_head head = get("/");
	char path[3000], value[6000];

	for (int i = 0; i < 80; i++)
		many[i] = (struct h2_field){span_str("x"), span_str("y")};
	head.fields = many;
	head.count = 80;
	refusal_is(&head, ERR_HEAD_TOO_LARGE);
	memset(value, 'v', sizeof(value));
	for (int i = 0; i < 4; i++)
		many[i].value = span_of(value, sizeof(value));
	head.count = 4;
	refusal_is(&head, ERR_HEAD_TOO_LARGE);
	memset(path, '/', sizeof(path));
	head = get("/");
	head.path = span_of(path, sizeof(path));
	refusal_is(&head, ERR_URI_TOO_LONG);
	head = get("/");
	head.authority = span_str("user@relay.test");
	refusal_is(&head, ERR_MALFORMED);
	head = get("/");
	many[0] = (struct h2_field){span_str("host"), span_str("other.test")};
	head.fields = many;
	head.count = 1;
	refusal_is(&head, ERR_MALFORMED);
}

/* ---- deadlines ---- */

static void expire_until(struct ends *e, uint64_t until)
{
	for (;;) {
		uint64_t due = h2_deadline(e->server);

		if (due > until)
			break;
		assert_true(due >= e->now);
		e->now = due;
		h2_expire(e->server, due);
		server_events(e);
	}
	e->now = until;
}

static void silence_after_the_handshake_ends_it(void **state)
{
	struct ends e;

	ends_open(&e, NULL);
	assert_int_equal(h2_deadline(e.server), 11000);
	expire_until(&e, 11000);
	assert_saw(&e.server_saw, "failed slow;");
	ends_free(&e);
	/* Our SETTINGS is never acknowledged. */
	ends_open(&e, NULL);
	assert_true(carry(&e, true));
	expire_until(&e, 11000);
	assert_saw(&e.server_saw, "failed slow;");
	ends_free(&e);
}

static void a_header_block_must_come_in_time(void **state)
{
	struct ends e;
	struct buf b;

	ends_open(&e, NULL);
	ends_run(&e);
	buf_init(&b, 1024);
	headers(&b, 1, true);
	assert_false(failed(
		h2_recv(e.server, span_sub(buf_span(&b), 0, 20), e.now)));
	server_events(&e);
	assert_int_equal(h2_deadline(e.server), e.now + 10000);
	expire_until(&e, e.now + 10000);
	assert_saw(&e.server_saw, "failed slow;");
	buf_clear(&b);
	ends_free(&e);
}

static void an_idle_connection_ends_gracefully(void **state)
{
	struct ends e;

	ends_open(&e, NULL);
	ends_run(&e);
	expire_until(&e, e.now + 5 * 60 * 1000);
	assert_saw(&e.server_saw, "drain;");
	ends_run(&e);
	expire_until(&e, e.now + 1000);
	ends_run(&e);
	assert_true(h2_done(e.server));
	ends_free(&e);
}

static void dribble(struct ends *e, int seconds)
{
	struct h2_head head = get("/up");
	uint32_t id;

	head.method = span_str("POST");
	ends_open(e, NULL);
	assert_false(failed(h2_request(e->client, &head, true, NULL, &id)));
	ends_run(e);
	buf_reset(&e->server_saw);
	buf_reset(&e->client_saw);
	for (int i = 0; i < seconds; i++) {
		expire_until(e, e->now + 1000);
		if (failed(h2_body_push(e->client, id, span_str("x"))))
			break;
		ends_run(e);
	}
}

static void a_body_that_dribbles_is_told_then_reset(void **state)
{
	const char *slow, *closed;
	struct ends e;

	dribble(&e, 130);
	slow = strstr(buf_cstr(&e.server_saw), "slow 1;");
	closed = strstr(buf_cstr(&e.server_saw), "closed 1 8;");
	assert_true(slow && closed && slow < closed);
	assert_null(strstr(buf_cstr(&e.server_saw), "failed"));
	ends_free(&e);
}

static void a_body_that_dribbles_can_be_answered(void **state)
{
	struct h2_head answer = status(408);
	struct ends e;

	dribble(&e, 65);
	assert_non_null(strstr(buf_cstr(&e.server_saw), "slow 1;"));
	assert_false(failed(h2_respond(e.server, 1, &answer, false)));
	ends_run(&e);
	assert_non_null(strstr(buf_cstr(&e.client_saw), "response 1 408 end;"));
	ends_free(&e);
}

static void a_body_that_its_owner_holds_is_not_reset(void **state)
{
	struct h2_head head = get("/up");
	uint8_t bytes[65536] = {0};
	struct ends e;
	uint32_t id;

	head.method = span_str("POST");
	ends_open(&e, NULL);
	e.hold = true;
	assert_false(failed(h2_request(e.client, &head, true, NULL, &id)));
	assert_false(failed(h2_body_push(e.client, id, SPAN_OBJ(bytes))));
	ends_run(&e);
	expire_until(&e, e.now + 200 * 1000);
	assert_null(strstr(buf_cstr(&e.server_saw), "closed"));
	ends_free(&e);
}

static void a_response_that_nobody_reads_is_reset(void **state)
{
	struct h2_head head = get("/"), answer = status(200);
	uint8_t bytes[65536] = {0};
	struct h2_event v;
	struct ends e;
	uint32_t id;
	size_t out = 0;

	/* A client with its start window of 64 KiB that consumes nothing. */
	ends_open(&e, NULL);
	assert_false(failed(h2_request(e.client, &head, false, NULL, &id)));
	ends_run(&e);
	buf_reset(&e.server_saw);
	assert_false(failed(h2_respond(e.server, id, &answer, true)));
	for (int i = 0; i < 100; i++) {
		struct span s;
		size_t taken;

		assert_false(
			failed(h2_body_push_some(e.server, id, SPAN_OBJ(bytes),
						 &taken)));
		s = h2_pending(e.server);
		out += s.len;
		assert_false(failed(h2_recv(e.client, s, e.now)));
		while (h2_next(e.client, &v))
			;
		h2_sent(e.server, s.len);
	}
	assert_true(out < 1100 * 1024);
	expire_until(&e, e.now + 61 * 1000);
	h2_pending(e.server);
	server_events(&e);
	assert_non_null(strstr(buf_cstr(&e.server_saw), "closed 1 8;"));
	/* And one that reads nothing at all loses the connection. */
	expire_until(&e, e.now + 61 * 1000);
	assert_non_null(strstr(buf_cstr(&e.server_saw), "failed slow;"));
	ends_free(&e);
}

static void a_client_asks_whether_somebody_is_there(void **state)
{
	struct h2_head head = get("/stream");
	struct h2_event v;
	struct ends e;
	uint32_t id;

	ends_open(&e, NULL);
	assert_false(failed(h2_request(e.client, &head, false, NULL, &id)));
	ends_run(&e);
	assert_int_equal(h2_deadline(e.client), e.now + 30000);
	e.now += 30000;
	h2_expire(e.client, e.now);
	ends_run(&e);
	assert_int_equal(h2_deadline(e.client), e.now + 30000);
	e.now += 30000;
	h2_expire(e.client, e.now);
	h2_sent(e.client, h2_pending(e.client).len);
	assert_int_equal(h2_deadline(e.client), e.now + 15000);
	h2_expire(e.client, e.now + 15000);
	assert_true(h2_next(e.client, &v));
	assert_int_equal(v.kind, H2_CLOSED);
	assert_true(h2_next(e.client, &v));
	assert_int_equal(v.kind, H2_FAILED);
	assert_int_equal(v.why.code, ERR_UNREACHABLE);
	ends_free(&e);
}

/* ---- nonsense ---- */

static void nonsense_and_cut_streams_do_no_harm(void **state)
{
	struct h2_event v;
	struct h2 *h2;
	struct buf b;
	uint32_t seed = 12345;

	buf_init(&b, 1 << 16);
	greet(&b, true);
	headers(&b, 1, false);
	frame(&b, 0, 0, 1, span_str("some body"));
	headers(&b, 3, true);
	frame(&b, 0, 1, 1, span_str("its end"));
	for (size_t cut = 0; cut <= b.len; cut++) {
		assert_false(failed(h2_new_server(NULL, 0, &h2)));
		assert_false(
			failed(h2_recv(h2, span_sub(buf_span(&b), 0, cut), 0)));
		while (h2_next(h2, &v))
			assert_int_not_equal(v.kind, H2_FAILED);
		h2_free(h2);
	}
	for (int i = 0; i < 3000; i++) {
		uint8_t copy[512];

		memcpy(copy, b.at, b.len);
		for (int n = 0; n < 3; n++) {
			seed = seed * 1664525 + 1013904223;
			copy[24 + (seed >> 8) % (b.len - 24)] ^=
				(uint8_t)(seed >> 24 | 1);
		}
		assert_false(failed(h2_new_server(NULL, 0, &h2)));
		assert_false(failed(h2_recv(h2, span_of(copy, b.len), 0)));
		while (h2_next(h2, &v))
			if (v.kind == H2_REQUEST)
				(void)!failed(h2_respond(h2, v.stream,
							 &(struct h2_head){
								 .status = 200},
							 false));
		h2_pending(h2);
		while (h2_next(h2, &v))
			;
		h2_free(h2);
	}
	buf_clear(&b);
}

/* ---- speed, through TLS ---- */

struct end {
	struct tls *tls;
	struct h2 *h2;
};

/* Move what is pending from one end to the other; false if nothing was. */
static bool pump(struct end *from, struct end *to, struct buf *wire)
{
	struct span out;
	size_t taken;
	bool moved = false;

	out = h2_pending(from->h2);
	assert_false(failed(tls_write(from->tls, out, &taken)));
	h2_sent(from->h2, taken);
	out = tls_pending(from->tls);
	if (out.len) {
		moved = true;
		buf_reset(wire);
		buf_put(wire, span_sub(out, 0, 65536));
		tls_sent(from->tls, wire->len);
		assert_false(failed(tls_recv(to->tls, buf_span(wire))));
	}
	return moved;
}

static void a_large_body_streams_in_little_memory(void **state)
{
	static uint8_t chunk[65536];
	const size_t total =
		getenv("ENTENTE_SLOW") ? (size_t)256 << 20 : (size_t)32 << 20;
	struct h2_head head = get("/big"), answer = status(200);
	struct pki ca, cert;
	struct tls_config sc = {0}, cc = {0};
	struct tls_context *s, *c;
	struct end client, server;
	size_t pushed = 0, got = 0, memory = 0;
	struct timeval a, z;
	struct buf wire;
	uint32_t id, stream = 0;
	bool done = false;
	double seconds;

	pki_ca(&ca, "CA");
	pki_server(&cert, &ca);
	sc.certificate = buf_span(&cert.pem);
	sc.key = buf_span(&cert.key_pem);
	cc.roots = buf_span(&ca.pem);
	buf_init(&wire, 1 << 20);
	assert_false(failed(tls_context_new_server(&sc, &s)));
	assert_false(failed(tls_context_new_client(&cc, &c)));
	assert_false(failed(tls_new_server(s, PKI_NOW, &server.tls)));
	assert_false(
		failed(tls_new_client(c, "relay.test", PKI_NOW, &client.tls)));
	assert_false(failed(h2_new_server(NULL, 0, &server.h2)));
	assert_false(failed(h2_new_client(NULL, 0, &client.h2)));
	assert_false(failed(h2_request(client.h2, &head, false, NULL, &id)));
	gettimeofday(&a, NULL);
	while (!done) {
		struct h2_event v;
		struct span plain;
		size_t taken;

		pump(&client, &server, &wire);
		do {
			assert_false(failed(tls_read(server.tls, &plain)));
			assert_false(failed(h2_recv(server.h2, plain, 0)));
			while (h2_next(server.h2, &v))
				if (v.kind == H2_REQUEST) {
					stream = v.stream;
					assert_false(failed(
						h2_respond(server.h2, stream,
							   &answer, true)));
				}
		} while (plain.len);
		while (stream && pushed < total) {
			assert_false(failed(h2_body_push_some(server.h2, stream,
							      SPAN_OBJ(chunk),
							      &taken)));
			pushed += taken;
			if (pushed >= total)
				assert_false(
					failed(h2_body_end(server.h2, stream)));
			if (taken < sizeof(chunk))
				break;
		}
		pump(&server, &client, &wire);
		do {
			assert_false(failed(tls_read(client.tls, &plain)));
			assert_false(failed(h2_recv(client.h2, plain, 0)));
			while (h2_next(client.h2, &v)) {
				assert_int_not_equal(v.kind, H2_FAILED);
				if (v.kind == H2_DATA) {
					got += v.data.len;
					h2_consume(client.h2, v.stream,
						   v.data.len);
				}
				done |= v.kind == H2_CLOSED;
			}
		} while (plain.len);
		if (h2_memory(server.h2) > memory)
			memory = h2_memory(server.h2);
	}
	gettimeofday(&z, NULL);
	seconds = (double)(z.tv_sec - a.tv_sec) +
		  (double)(z.tv_usec - a.tv_usec) / 1e6;
	assert_int_equal(got, pushed);
	assert_true(memory < 256 * 1024);
	printf("note: %.0f MB/s through TLS and HTTP/2, both ends\n",
	       (double)got / 1e6 / seconds);
	tls_free(client.tls);
	tls_free(server.tls);
	h2_free(client.h2);
	h2_free(server.h2);
	tls_context_free(s);
	tls_context_free(c);
	pki_clear(&ca);
	pki_clear(&cert);
	buf_clear(&wire);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_meets_its_response),
		cmocka_unit_test(fields_and_owners_come_with_events),
		cmocka_unit_test(a_body_waits_for_its_owner),
		cmocka_unit_test(an_early_answer_ends_the_request),
		cmocka_unit_test(a_graceful_end_lets_streams_finish),
		cmocka_unit_test(a_limit_of_requests_ends_gracefully),
		cmocka_unit_test(a_failed_connection_closes_every_stream_first),
		cmocka_unit_test(every_flood_ends_within_its_bound),
		cmocka_unit_test(a_flood_is_told_to_calm_down),
		cmocka_unit_test(answers_that_nobody_reads_end_it),
		cmocka_unit_test(requests_beyond_the_limits_are_told_as_such),
		cmocka_unit_test(silence_after_the_handshake_ends_it),
		cmocka_unit_test(a_header_block_must_come_in_time),
		cmocka_unit_test(an_idle_connection_ends_gracefully),
		cmocka_unit_test(a_body_that_dribbles_is_told_then_reset),
		cmocka_unit_test(a_body_that_dribbles_can_be_answered),
		cmocka_unit_test(a_body_that_its_owner_holds_is_not_reset),
		cmocka_unit_test(a_response_that_nobody_reads_is_reset),
		cmocka_unit_test(a_client_asks_whether_somebody_is_there),
		cmocka_unit_test(nonsense_and_cut_streams_do_no_harm),
		cmocka_unit_test(a_large_body_streams_in_little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
