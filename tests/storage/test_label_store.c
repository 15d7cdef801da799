/* Proves storage/label_store.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "proto/crypto/crypto.h"
#include "storage/label_store.h"
#include "tests/support/tempstore.h"

static int setup(void **state)
{
	struct tempstore *t = calloc(1, sizeof(*t));

	tempstore_new(t, false);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	tempstore_free(*state);
	free(*state);
	return 0;
}

static void a_label_is_kept_byte_for_byte_under_its_digest(void **state)
{
	struct tempstore *t = *state;
	struct digest d, wrong = {{1}}, walk = {{0}};
	struct span xml, canonical, none = span_str("");
	struct txn *txn = NULL;

	must(crypto_sha256(span_str("<label/>"), &d));
	must(txn_begin_write(t->store, STORE_RECORDS, &txn));
	assert_int_equal(label_store_put(txn, wrong, span_str("<label/>"), none)
				 .code,
			 ERR_DIGEST);
	must(label_store_put(txn, d, span_str("<label/>"), none));
	must(label_store_put(txn, d, span_str("<label/>"), span_str("c")));
	must(label_store_get(txn, d, &xml, &canonical));
	assert_true(span_eq_str(xml, "<label/>"));
	assert_true(span_eq_str(canonical, "c"));
	must(label_store_get(txn, d, NULL, NULL));
	assert_int_equal(label_store_get(txn, wrong, &xml, NULL).code,
			 ERR_NOT_FOUND);
	must(label_store_next(txn, &walk));
	assert_true(digest_eq(walk, d));
	assert_int_equal(label_store_next(txn, &walk).code, ERR_NOT_FOUND);
	txn_abort(&txn);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_label_is_kept_byte_for_byte_under_its_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
