/* HTTP/2 connections: made and freed; start values; the library's memory. */
#include <stdlib.h>

#include <nghttp2/nghttp2.h>

#include "proto/wire/h2_session.h"

enum { PREFACE_LEN = 24, ACKS_MAX = 100 }; /* RFC 9113 s.3.4 */

/* ---- memory of nghttp2: counted, with a cap ---- */

union block {
	size_t len;
	max_align_t align;
};

static void *mem_realloc(void *at, size_t len, void *arg)
{
	struct h2 *h2 = arg;
	union block *b = at ? (union block *)at - 1 : NULL;
	size_t had = b ? b->len : 0;

	if (len > h2->limits.memory_max ||
	    h2->memory - had > h2->limits.memory_max - len)
		return NULL;
	b = realloc(b, sizeof(*b) + len);
	if (!b)
		return NULL;
	b->len = len;
	h2->memory = h2->memory - had + len;
	return b + 1;
}

static void *mem_malloc(size_t len, void *arg)
{
	return mem_realloc(NULL, len, arg);
}

static void *mem_calloc(size_t count, size_t size, void *arg)
{
	size_t len;
	void *at;

	if (__builtin_mul_overflow(count, size, &len))
		return NULL;
	at = mem_realloc(NULL, len, arg);
	if (at)
		memset(at, 0, len);
	return at;
}

static void mem_free(void *at, void *arg)
{
	struct h2 *h2 = arg;
	union block *b = at ? (union block *)at - 1 : NULL;

	if (!b)
		return;
	h2->memory -= b->len;
	free(b);
}

/* ---- start values ---- */

struct h2_limits h2_server_limits(void)
{
	return (struct h2_limits){
		.streams = 32,
		.header_bytes = 16 * 1024,
		.header_fields = 64,
		.uri_bytes = 2048,
		.stream_window = 64 * 1024,
		.connection_window = 1024 * 1024,
		.body_buffer = 128 * 1024,
		.out_buffer = 128 * 1024,
		.memory_max = 2 * 1024 * 1024,
		.glitch_burst = 100,
		.glitch_per_s = 1,
		.waste_bytes = 1024 * 1024,
		.settings_ms = 10 * 1000,
		.header_ms = 10 * 1000,
		.body_idle_ms = 30 * 1000,
		.body_rate = 1024,
		.stalled_ms = 30 * 1000,
		.idle_ms = 5 * 60 * 1000,
		.age_ms = 60 * 60 * 1000,
		.requests = 10000,
	};
}

struct h2_limits h2_client_limits(void)
{
	struct h2_limits l = h2_server_limits();

	l.stream_window = 1024 * 1024;
	l.connection_window = 4 * 1024 * 1024;
	l.idle_ms = l.age_ms = l.requests = 0;
	/* An answer that streams may be quiet for as long as it likes; PING
	 * shows that somebody is there. */
	l.body_idle_ms = 0;
	l.ping_ms = 30 * 1000;
	l.pong_ms = 15 * 1000;
	return l;
}

/* ---- life ---- */

static nghttp2_option *options_new(const struct h2_limits *l)
{
	nghttp2_option *o;

	if (nghttp2_option_new(&o) != 0)
		return NULL;
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_option_set_no_closed_streams(o, 1);
	nghttp2_option_set_max_outbound_ack(o, ACKS_MAX);
	/* Ours is stricter and answers ENHANCE_YOUR_CALM; this stands behind. */
	nghttp2_option_set_stream_reset_rate_limit(o, 2 * l->glitch_burst + 1,
						   l->glitch_per_s + 1);
	nghttp2_option_set_max_deflate_dynamic_table_size(o, 4096);
	return o;
}

static int submit_settings(struct h2 *h2)
{
	const nghttp2_settings_entry server[] = {
		{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, h2->limits.streams},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
		 h2->limits.stream_window},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
		 h2->limits.header_bytes},
		{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
	};
	const nghttp2_settings_entry client[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
		 h2->limits.stream_window},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
		 h2->limits.header_bytes},
		{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
	};
	int rv = nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE,
					 h2->server ? server : client, 4);

	if (rv == 0)
		rv = nghttp2_session_set_local_window_size(
			h2->session, NGHTTP2_FLAG_NONE, 0,
			(int32_t)h2->limits.connection_window);
	return rv;
}

static int session_new(struct h2 *h2)
{
	nghttp2_mem mem = {h2, mem_malloc, mem_free, mem_calloc, mem_realloc};
	nghttp2_session_callbacks *callbacks = h2_callbacks_new();
	nghttp2_option *option = options_new(&h2->limits);
	int rv = NGHTTP2_ERR_NOMEM;

	if (callbacks && option)
		rv = (h2->server ? nghttp2_session_server_new3
				 : nghttp2_session_client_new3)(&h2->session,
								callbacks, h2,
								option, &mem);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	return rv;
}

static struct err h2_new(const struct h2_limits *limits, bool server,
			 uint64_t now_ms, struct h2 **out)
{
	struct h2 *h2 = calloc(1, sizeof(*h2));
	struct err e = err_make(ERR_NO_MEMORY, "an HTTP/2 connection");

	if (!h2)
		return e;
	h2->server = server;
	h2->limits = *limits;
	h2->now_ms = h2->born_ms = h2->idle_ms = h2->heard_ms = now_ms;
	h2->preface_left = server ? PREFACE_LEN : 0;
	queue_init(&h2->out, (size_t)limits->out_buffer + H2_OUT_SLACK);
	h2_account_init(&h2->account, limits->glitch_burst,
			limits->glitch_per_s, limits->waste_bytes, now_ms);
	if (session_new(h2) != 0 || submit_settings(h2) != 0)
		goto out;
	*out = h2;
	h2 = NULL;
	e = ERR_NONE;
out:
	h2_free(h2); /* does nothing after success */
	return e;
}

struct err h2_new_server(const struct h2_limits *limits, uint64_t now_ms,
			 struct h2 **out)
{
	struct h2_limits start = h2_server_limits();

	return h2_new(limits ? limits : &start, true, now_ms, out);
}

struct err h2_new_client(const struct h2_limits *limits, uint64_t now_ms,
			 struct h2 **out)
{
	struct h2_limits start = h2_client_limits();

	return h2_new(limits ? limits : &start, false, now_ms, out);
}

void h2_free(struct h2 *h2)
{
	if (!h2)
		return;
	nghttp2_session_del(h2->session);
	while (h2->streams)
		h2_stream_free(h2, h2->streams);
	queue_clear(&h2->out);
	free(h2);
}
