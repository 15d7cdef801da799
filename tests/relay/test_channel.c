/* Messages on the channel: whole, byte by byte, cut short, and hostile. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "relay/channel.h"
#include "relay/table.h"

#include <stdlib.h>
#include <string.h>

static const struct channel_field fields[] = {
	{{(const uint8_t *)"if-match", 8}, {(const uint8_t *)"*", 1}},
	{{(const uint8_t *)"range", 5}, {(const uint8_t *)"bytes=0-", 8}},
};

/* One of each kind. */
static size_t samples(struct channel_message *m)
{
	size_t n = 0;

	m[n++] = (struct channel_message){.kind = CHANNEL_HELLO,
					  .amount = CHANNEL_VERSION};
	m[n++] = (struct channel_message){.kind = CHANNEL_REQUEST,
					  .id = 7,
					  .listener = 2,
					  .streams = true,
					  .amount = 65536,
					  .certificate = span_str("der"),
					  .method = span_str("PUT"),
					  .authority = span_str("relay:1"),
					  .target = span_str("/v1/x?y"),
					  .fields = fields,
					  .field_count = 2,
					  .body = span_str("{}")};
	m[n++] = (struct channel_message){.kind = CHANNEL_ANSWER,
					  .id = UINT64_MAX,
					  .status = 206,
					  .streams = true,
					  .amount = UINT64_C(1) << 40,
					  .fields = fields,
					  .field_count = 1,
					  .body = span_str("")};
	m[n++] = (struct channel_message){.kind = CHANNEL_CANCEL, .id = 1};
	m[n++] = (struct channel_message){.kind = CHANNEL_PIECE,
					  .id = 2,
					  .body = span_str("abc")};
	m[n++] = (struct channel_message){.kind = CHANNEL_END,
					  .id = 3,
					  .whole = true};
	m[n++] = (struct channel_message){.kind = CHANNEL_CREDIT,
					  .id = 4,
					  .amount = 65536};
	m[n++] = (struct channel_message){.kind = CHANNEL_CALL,
					  .id = 5,
					  .authority = span_str("fra:2"),
					  .digest = span_str("0123"),
					  .method = span_str("GET"),
					  .target = span_str("/")};
	return n;
}

static void assert_same(const struct channel_message *a,
			const struct channel_message *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->listener, b->listener);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->streams, b->streams);
	assert_int_equal(a->whole, b->whole);
	assert_int_equal(a->amount, b->amount);
	assert_true(span_eq(a->certificate, b->certificate));
	assert_true(span_eq(a->method, b->method));
	assert_true(span_eq(a->authority, b->authority));
	assert_true(span_eq(a->target, b->target));
	assert_true(span_eq(a->digest, b->digest));
	assert_true(span_eq(a->body, b->body));
	assert_int_equal(a->field_count, b->field_count);
	for (size_t i = 0; i < a->field_count; i++) {
		assert_true(span_eq(a->fields[i].name, b->fields[i].name));
		assert_true(span_eq(a->fields[i].value, b->fields[i].value));
	}
}

static struct buf encoded(void)
{
	struct channel_message m[16];
	size_t n = samples(m);
	struct buf b;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < n; i++)
		channel_encode(&m[i], &b);
	assert_false(failed(buf_check(&b)));
	return b;
}

/* Feeds `step` bytes at a time; each message comes once, in order. */
static void feed(size_t step)
{
	struct channel_message want[16], m;
	size_t n = samples(want), got = 0;
	struct buf b = encoded();
	struct channel c;
	bool have;

	channel_init(&c, CHANNEL_FRAME_MAX);
	for (size_t at = 0; at < b.len; at += step) {
		assert_false(failed(
			channel_recv(&c, span_sub(buf_span(&b), at, step))));
		for (;;) {
			assert_false(failed(channel_next(&c, &m, &have)));
			if (!have)
				break;
			assert_same(&m, &want[got++]);
		}
	}
	assert_int_equal(got, n);
	channel_clear(&c);
	buf_clear(&b);
}

static void messages_come_whole_however_they_are_cut(void **state)
{
	feed(1);
	feed(2);
	feed(7);
	feed(64);
	feed(1 << 20);
}

static void a_frame_with_any_byte_changed_does_no_harm(void **state)
{
	struct buf b = encoded();

	for (size_t i = 0; i < b.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			uint8_t *copy = malloc(b.len);
			struct channel c;
			struct channel_message m;
			bool have = true;

			memcpy(copy, b.at, b.len);
			copy[i] ^= (uint8_t)(1u << bit);
			channel_init(&c, CHANNEL_FRAME_MAX);
			assert_false(
				failed(channel_recv(&c, span_of(copy, b.len))));
			while (have && !failed(channel_next(&c, &m, &have)))
				;
			channel_clear(&c);
			free(copy);
		}
	}
	buf_clear(&b);
}

static void refuse(const void *bytes, size_t len, size_t frame_max)
{
	struct channel c;
	struct channel_message m;
	bool have;

	channel_init(&c, frame_max);
	assert_false(failed(channel_recv(&c, span_of(bytes, len))));
	assert_int_equal(channel_next(&c, &m, &have).code, ERR_MALFORMED);
	assert_false(have);
	/* And it stays refused. */
	assert_int_equal(channel_next(&c, &m, &have).code, ERR_MALFORMED);
	channel_clear(&c);
}

static void hostile_lengths_are_refused_at_once(void **state)
{
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff};
	static const uint8_t none[] = {0, 0, 0, 0};
	static const uint8_t kind[] = {0, 0, 0, 9, 99, 0, 0, 0, 0, 0, 0, 0, 1};
	static const uint8_t zero[] = {0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1};
	/* A piece whose body says more than its frame. */
	static const uint8_t piece[] = {0, 0, 0, 14, 5,	   0,	 0, 0, 0,
					0, 0, 0, 1,  0xff, 0xff, 0, 0, 'x'};
	/* Bytes after the last member. */
	static const uint8_t tail[] = {0, 0, 0, 10, 4, 0, 0,
				       0, 0, 0, 0,  0, 1, 'x'};
	uint8_t bulk[4] = {0, 1, 1, 0}; /* 65792: more than a piece */

	refuse(huge, sizeof(huge), CHANNEL_FRAME_MAX);
	refuse(none, sizeof(none), CHANNEL_FRAME_MAX);
	refuse(kind, sizeof(kind), CHANNEL_FRAME_MAX);
	refuse(zero, sizeof(zero), CHANNEL_FRAME_MAX);
	refuse(piece, sizeof(piece), CHANNEL_FRAME_MAX);
	refuse(tail, sizeof(tail), CHANNEL_FRAME_MAX);
	refuse(bulk, sizeof(bulk), CHANNEL_BULK_FRAME_MAX);
}

static void what_is_beyond_the_caps_is_not_sent(void **state)
{
	static uint8_t big[CHANNEL_BODY_MAX + 1];
	struct channel_field many[CHANNEL_FIELDS_MAX + 1] = {0};
	struct channel_message m = {.kind = CHANNEL_PIECE,
				    .id = 1,
				    .body = span_of(big,
						    CHANNEL_PIECE_MAX + 1)};
	struct buf b;

	buf_init(&b, 64 << 20);
	channel_encode(&m, &b);
	assert_true(failed(buf_check(&b)));
	buf_clear(&b);
	m = (struct channel_message){.kind = CHANNEL_ANSWER,
				     .body = span_of(big, sizeof(big))};
	channel_encode(&m, &b);
	assert_true(failed(buf_check(&b)));
	buf_clear(&b);
	m = (struct channel_message){.kind = CHANNEL_ANSWER,
				     .fields = many,
				     .field_count = CHANNEL_FIELDS_MAX + 1};
	channel_encode(&m, &b);
	assert_true(failed(buf_check(&b)));
	buf_clear(&b);
	m = (struct channel_message){.kind = CHANNEL_REQUEST,
				     .target = span_of(big, CHANNEL_HEAD_MAX)};
	channel_encode(&m, &b);
	assert_true(failed(buf_check(&b)));
	buf_clear(&b);
}

static void the_largest_message_passes(void **state)
{
	static uint8_t big[CHANNEL_BODY_MAX];
	struct channel_message m = {.kind = CHANNEL_ANSWER,
				    .id = 1,
				    .body = span_of(big, sizeof(big))};
	struct channel c;
	struct buf b;
	bool have = false;

	buf_init(&b, 64 << 20);
	channel_encode(&m, &b);
	assert_false(failed(buf_check(&b)));
	channel_init(&c, CHANNEL_FRAME_MAX);
	for (size_t at = 0; at < b.len && !have; at += 65536) {
		assert_false(failed(
			channel_recv(&c, span_sub(buf_span(&b), at, 65536))));
		assert_false(failed(channel_next(&c, &m, &have)));
	}
	assert_true(have);
	assert_int_equal(m.body.len, CHANNEL_BODY_MAX);
	channel_clear(&c);
	buf_clear(&b);
}

static void a_table_finds_what_it_was_given_and_no_more(void **state)
{
	enum { N = 5000 };
	static int values[N + 1];
	struct table t;

	table_init(&t);
	assert_null(table_get(&t, 1));
	for (uint64_t i = 1; i <= N; i++)
		assert_false(failed(table_put(&t, i * 977, &values[i])));
	for (uint64_t i = 1; i <= N; i += 2)
		assert_ptr_equal(table_take(&t, i * 977), &values[i]);
	for (uint64_t i = 1; i <= N; i++)
		assert_ptr_equal(table_get(&t, i * 977),
				 i % 2 ? NULL : &values[i]);
	assert_int_equal(t.count, N / 2);
	for (uint64_t i = 2; i <= N; i += 2)
		assert_non_null(table_take(&t, i * 977));
	assert_null(table_any(&t));
	assert_null(table_take(&t, 977));
	table_clear(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_whole_however_they_are_cut),
		cmocka_unit_test(a_frame_with_any_byte_changed_does_no_harm),
		cmocka_unit_test(hostile_lengths_are_refused_at_once),
		cmocka_unit_test(what_is_beyond_the_caps_is_not_sent),
		cmocka_unit_test(the_largest_message_passes),
		cmocka_unit_test(a_table_finds_what_it_was_given_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
