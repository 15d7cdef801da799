/* Proves federation/trust.c: whose word counts. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "tests/federation/forge.h"

struct scene {
	struct tempstore t;
	struct trust *trust;
	struct txn *txn;
	struct forge deu, fra;
};

static int begin(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	uint64_t now;

	tempstore_new(&s->t, false);
	now = clock_s(&s->t.clock);
	forge_new(&s->deu, "DEU", now);
	forge_new(&s->fra, "FRA", now);
	must(trust_new(&s->trust));
	must(txn_begin_write(s->t.store, STORE_RECORDS, &s->txn));
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct scene *s = *state;

	txn_abort(&s->txn);
	trust_free(s->trust);
	forge_free(&s->deu);
	forge_free(&s->fra);
	tempstore_free(&s->t);
	free(s);
	return 0;
}

static void a_root_is_pinned_once_and_for_its_nation(void **state)
{
	struct scene *s = *state;
	const struct replica_certificate *c = NULL;

	assert_int_equal(trust_keep(s->trust, s->txn, s->deu.nation,
				    buf_span(&s->deu.certificate))
				 .code,
			 ERR_UNAUTHENTICATED);
	assert_int_equal(trust_certificate(s->trust, s->txn, s->deu.replica, &c)
				 .code,
			 ERR_NOT_FOUND);
	must(trust_pin(s->trust, s->txn, s->deu.nation, forge_root(&s->deu),
		       buf_span(&s->deu.certificate)));
	must(trust_certificate(s->trust, s->txn, s->deu.replica, &c));
	assert_true(replica_eq(c->draft.replica, s->deu.replica));
	/* The same again is nothing; another root is refused. */
	must(trust_pin(s->trust, s->txn, s->deu.nation, forge_root(&s->deu),
		       buf_span(&s->deu.certificate)));
	assert_int_equal(trust_pin(s->trust, s->txn, s->deu.nation,
				   forge_root(&s->fra),
				   buf_span(&s->deu.certificate))
				 .code,
			 ERR_CONFLICT);
}

static void nothing_is_pinned_by_a_certificate_of_another_root(void **state)
{
	struct scene *s = *state;
	struct span root;
	struct buf b;

	forge_certificate(&s->deu, s->fra.root, 1, &b);
	assert_int_equal(trust_pin(s->trust, s->txn, s->deu.nation,
				   forge_root(&s->deu), buf_span(&b))
				 .code,
			 ERR_UNAUTHENTICATED);
	/* And one of another nation. */
	assert_int_equal(trust_pin(s->trust, s->txn, s->deu.nation,
				   forge_root(&s->fra),
				   buf_span(&s->fra.certificate))
				 .code,
			 ERR_UNAUTHENTICATED);
	assert_int_equal(
		certificate_store_root(s->txn, s->deu.nation, NULL, &root).code,
		ERR_NOT_FOUND);
	buf_clear(&b);
}

static void a_lower_issue_is_refused_and_a_higher_one_counts(void **state)
{
	struct scene *s = *state;
	const struct replica_certificate *c;
	struct buf three, two;

	forge_certificate(&s->deu, s->deu.root, 3, &three);
	forge_certificate(&s->deu, s->deu.root, 2, &two);
	forge_pin(&s->deu, s->trust, s->txn);
	must(trust_keep(s->trust, s->txn, s->deu.nation, buf_span(&three)));
	assert_int_equal(trust_keep(s->trust, s->txn, s->deu.nation,
				    buf_span(&two))
				 .code,
			 ERR_REPLAYED);
	must(trust_certificate(s->trust, s->txn, s->deu.replica, &c));
	assert_int_equal(c->draft.issue, 3);
	buf_clear(&three);
	buf_clear(&two);
}

static void
a_changed_certificate_is_refused_wherever_it_is_changed(void **state)
{
	struct scene *s = *state;
	struct span root = forge_root(&s->deu);

	for (size_t i = 0; i < s->deu.certificate.len; i += 7) {
		struct buf b;

		buf_init(&b, REPLICA_BLOB_MAX);
		buf_put(&b, buf_span(&s->deu.certificate));
		b.at[i] ^= 1;
		assert_true(failed(trust_pin(s->trust, s->txn, s->deu.nation,
					     root, buf_span(&b))));
		b.at[i] ^= 1;
		b.len = i;
		assert_true(failed(trust_pin(s->trust, s->txn, s->deu.nation,
					     root, buf_span(&b))));
		buf_clear(&b);
	}
}

static void a_seal_counts_under_a_known_replica_alone(void **state)
{
	struct scene *s = *state;
	struct digest label = {{1}};
	struct forge_head h, other;
	struct seal_subject subject;
	struct arena arena;
	struct seal *seal = malloc(sizeof(*seal));

	arena_init(&arena, 4 << 20);
	forge_revision(&s->deu, NULL, NULL, 1, label, 1, &arena, &h);
	forge_revision(&s->deu, NULL, NULL, 1, label, 2, &arena, &other);
	must(seal_decode(h.seal, seal));
	subject = seal_subject_of_manifest(&h.m);
	assert_int_equal(trust_seal(s->trust, s->txn, seal, &subject).code,
			 ERR_UNAUTHENTICATED);
	forge_pin(&s->deu, s->trust, s->txn);
	must(trust_seal(s->trust, s->txn, seal, &subject));
	/* Another replica of the nation is another signer. */
	seal->word.dot.replica.number = 2;
	assert_int_equal(trust_seal(s->trust, s->txn, seal, &subject).code,
			 ERR_UNAUTHENTICATED);
	/* And it speaks of one revision. */
	must(seal_decode(h.seal, seal));
	subject = seal_subject_of_manifest(&other.m);
	assert_int_equal(trust_seal(s->trust, s->txn, seal, &subject).code,
			 ERR_DIGEST);
	free(seal);
	arena_clear(&arena);
}

static void what_was_kept_is_found_by_a_trust_that_starts_anew(void **state)
{
	struct scene *s = *state;
	const struct replica_certificate *c, *again;

	forge_pin(&s->deu, s->trust, s->txn);
	trust_free(s->trust);
	must(trust_new(&s->trust));
	must(trust_certificate(s->trust, s->txn, s->deu.replica, &c));
	must(trust_certificate(s->trust, s->txn, s->deu.replica, &again));
	assert_ptr_equal(c, again);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_root_is_pinned_once_and_for_its_nation),
		T(nothing_is_pinned_by_a_certificate_of_another_root),
		T(a_lower_issue_is_refused_and_a_higher_one_counts),
		T(a_changed_certificate_is_refused_wherever_it_is_changed),
		T(a_seal_counts_under_a_known_replica_alone),
		T(what_was_kept_is_found_by_a_trust_that_starts_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
