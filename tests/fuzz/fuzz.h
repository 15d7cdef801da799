/*
 * What every fuzz target stands on.  A target, fuzz_<decoder>.c, hands bytes
 * from anywhere to one decoder and checks what must hold of whatever the
 * decoder takes: most often that it encodes to the same bytes again.
 *
 * `make fuzz` builds each with libFuzzer and the sanitizers and lets it run
 * for FUZZ_SECONDS.  Seeds are made by the target itself, from published
 * vectors and from our own encoders.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/id.h"
#include "proto/base/random.h"
#include "proto/crypto/crypto.h"

/* ---- of each target ---- */

/* One input. Anything wrong ends the process. */
void fuzz_input(struct span bytes);
/* Hands seeds to fuzz_seed. */
void fuzz_seeds(void);

/* ---- seeds ---- */

void fuzz_seed(struct span bytes);
void fuzz_seed_str(const char *text);
/* Every file below the folder whose name ends so; a missing one is nothing. */
void fuzz_seed_folder(const char *path, const char *end);
/* Member `member` of each row of tests/vectors/documents.json whose name
 * begins with `row`: as text, or as the bytes that it is base64url of. */
void fuzz_seed_vector(const char *row, const char *member, bool bytes);

/* ---- for targets ---- */

/* Ends the process unless it holds. */
#define fuzz_check(holds)                                                      \
	do {                                                                   \
		if (!(holds))                                                  \
			fuzz_fail(#holds, __FILE__, __LINE__);                 \
	} while (0)
#define fuzz_ok(e) fuzz_check(!failed(e))
_Noreturn void fuzz_fail(const char *what, const char *file, int line);

bool fuzz_same(const struct buf *a, const struct buf *b);
bool fuzz_is(const struct buf *a, struct span b);
/* The input's next line, without its end; empty at the end. */
struct span fuzz_line(struct span *left);
/* The same key each time; borrowed. */
const struct crypto_key *fuzz_key(enum crypto_curve curve);
/* A whole file; ends the process if it is missing. `out` has its cap. */
void fuzz_file(const char *path, struct buf *out);

#endif
