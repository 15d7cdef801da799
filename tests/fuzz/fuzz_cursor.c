/* The text of a cursor: none is accepted but the one that was sealed. */
#include "tests/fuzz/fuzz.h"

#include "storage/cursor.h"

static const uint8_t key[CRYPTO_SIV_KEY_LEN] = {4};
static const struct reader_name reader = {.kind = KEY_READER_NATION,
					  .nation = {{'D', 'E', 'U'}}};

static void make(struct span bytes, struct cursor *c)
{
	struct span_reader r = span_read(bytes);

	*c = (struct cursor){
		.incarnation = span_read_u64(&r),
		.seq = {span_read_u64(&r)},
		.complete = span_read_u32(&r),
		.target = span_read_u32(&r),
		.fill_shelf = span_read_u32(&r),
		.fill_seq = {span_read_u64(&r)},
		.fill_end = {span_read_u64(&r)},
		.loss = span_read_u32(&r),
		.shelves = span_read_u32(&r),
	};
}

void fuzz_seeds(void)
{
	static const uint8_t numbers[52] = {1, 2, 3, 4, 5};
	char text[CURSOR_TEXT_MAX];
	struct cursor c;

	fuzz_seed(SPAN_OBJ(numbers));
	make(SPAN_OBJ(numbers), &c);
	fuzz_ok(cursor_seal_with(key, 1, &reader, &c, text));
	fuzz_seed_str(text);
}

void fuzz_input(struct span bytes)
{
	char text[CURSOR_TEXT_MAX];
	struct cursor c, again;

	if (!failed(cursor_open_with(key, &reader, bytes, &c))) {
		uint8_t generation[3];

		fuzz_check(bytes.len < CURSOR_TEXT_MAX);
		memcpy(generation, bytes.at, sizeof(generation));
	}
	make(bytes, &c);
	fuzz_ok(cursor_seal_with(key, 1, &reader, &c, text));
	fuzz_ok(cursor_open_with(key, &reader, span_str(text), &again));
	fuzz_check(cursor_eq(&c, &again));
	if (bytes.len) {
		size_t at = bytes.at[0] % strlen(text);

		/* The first characters are the key's generation. */
		text[at] = text[at] == 'A' ? 'B' : 'A';
		if (at > 1)
			fuzz_check(failed(cursor_open_with(key, &reader,
							   span_str(text),
							   &again)));
	}
}
