/* Replica certificates and successions of the root. */
#include "tests/fuzz/fuzz.h"

#include "proto/document/replica.h"

void fuzz_seeds(void)
{
	fuzz_seed_vector("replica", "blob", true);
	fuzz_seed_vector("root", "blob", true);
}

void fuzz_input(struct span bytes)
{
	struct replica_certificate *c;
	struct replica_succession s;

	if (!failed(replica_decode(bytes, &c))) {
		const struct replica_draft *d = &c->draft;

		fuzz_check(span_eq(c->blob, bytes));
		fuzz_check(c->tbs.len + c->signature.len == bytes.len);
		fuzz_check(crypto_public_curve(d->seal) == CRYPTO_P384 &&
			   crypto_public_curve(d->guard_p256) == CRYPTO_P256 &&
			   crypto_public_curve(d->guard_p384) == CRYPTO_P384 &&
			   crypto_public_curve(d->request) == CRYPTO_P256);
		fuzz_check(d->from <= d->to);
		fuzz_check(d->ends_count <= REPLICA_ENDS_MAX);
		for (size_t i = 0; i < d->ends_count; i++)
			fuzz_check(replica_find_end(c, d->ends[i].replica) ==
				   &d->ends[i]);
		replica_free(c);
	}
	if (!failed(replica_succession_decode(bytes, &s)))
		fuzz_check(s.tbs.len + s.signature.len == bytes.len);
}
