/* Author records, ticks and receipts: blobs under a seal key. */
#include "tests/fuzz/fuzz.h"

#include "proto/document/author.h"
#include "proto/document/receipt.h"
#include "proto/document/tick.h"

void fuzz_seeds(void)
{
	fuzz_seed_vector("author", "blob", true);
	fuzz_seed_vector("tick", "blob", true);
	fuzz_seed_vector("receipt", "blob", true);
}

/* The blob that our own encoder makes, but for its signature. */
static void check_signed(const struct buf *again, struct span bytes)
{
	size_t tbs = bytes.len - CRYPTO_SIG_P384_LEN;

	fuzz_check(bytes.len > CRYPTO_SIG_P384_LEN);
	fuzz_check(span_eq(span_sub(buf_span(again), 0, tbs),
			   span_sub(bytes, 0, tbs)));
	fuzz_check(again->len == bytes.len);
}

void fuzz_input(struct span bytes)
{
	const struct crypto_key *key = fuzz_key(CRYPTO_P384);
	struct author_record *a;
	struct receipt receipt;
	struct tick tick;
	struct buf b;

	buf_init(&b, 4096);
	if (!failed(author_decode(bytes, &a))) {
		fuzz_check(span_eq(a->blob, bytes));
		fuzz_ok(author_sign(key, a->replica, a->key, a->from, &b));
		check_signed(&b, bytes);
		author_free(a);
	}
	buf_reset(&b);
	if (!failed(tick_decode(bytes, &tick))) {
		fuzz_ok(tick_sign(key, &tick, &b));
		check_signed(&b, bytes);
	}
	buf_reset(&b);
	if (!failed(receipt_decode(bytes, &receipt))) {
		fuzz_ok(receipt_sign(key, &receipt, &b));
		check_signed(&b, bytes);
	}
	buf_clear(&b);
}
