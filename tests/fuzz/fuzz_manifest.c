/* A manifest, as a JWS and as stored: payload and text are canonical, so what
 * decodes encodes to the same bytes. */
#include "tests/fuzz/fuzz.h"

#include "proto/document/manifest.h"

enum { ARENA = 256 << 10 };

void fuzz_seeds(void)
{
	fuzz_seed_vector("manifest", "jws", false);
	fuzz_seed_vector("manifest", "payload", false);
}

static void check(const struct manifest *m, struct span jws)
{
	struct buf b;

	buf_init(&b, MANIFEST_JWS_MAX);
	fuzz_ok(manifest_encode(m, &b));
	fuzz_check(fuzz_is(&b, m->payload));
	buf_reset(&b);
	manifest_format(m, &b);
	if (jws.len)
		fuzz_check(fuzz_is(&b, jws));
	fuzz_ok(buf_check(&b));
	buf_clear(&b);
	if (manifest_is_first(m)) {
		struct opening o = manifest_opening(m);

		fuzz_ok(manifest_check_id(m, &o));
	}
	fuzz_check(m->keys_count >= 1);
}

void fuzz_input(struct span bytes)
{
	static const uint8_t sig[MANIFEST_SIG_LEN];
	struct manifest m;
	struct arena arena;

	arena_init(&arena, ARENA);
	if (!failed(manifest_decode(bytes, &arena, &m)))
		check(&m, bytes);
	arena_clear(&arena);
	arena_init(&arena, ARENA);
	if (!failed(manifest_decode_stored(bytes, SPAN_OBJ(sig), &arena, &m)))
		check(&m, span_of(NULL, 0));
	arena_clear(&arena);
}
