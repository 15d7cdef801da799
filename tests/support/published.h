/*
 * The published vectors of tests/vectors/, for any test: rows by name, bytes
 * as base64url; and the one store that storage.json speaks of.
 *
 * Every fault of the support itself, a missing member too, ends the test
 * program.
 */
#ifndef TESTS_SUPPORT_PUBLISHED_H
#define TESTS_SUPPORT_PUBLISHED_H

#include "proto/base/arena.h"
#include "proto/base/json.h"
#include "proto/base/random.h"
#include "tests/support/tempstore.h"

enum { PUBLISHED_DRAWS = 8 };

struct published {
	struct arena arena;
	struct json *file;
	const struct json *rows;
	/* What published_random gives out, in this order. */
	struct span draws[PUBLISHED_DRAWS];
	size_t drawn, drawable;
};

/* `name` is "storage.json".  Owns: published_close. */
void published_open(struct published *p, const char *name);
void published_close(struct published *p);

const struct json *published_row(struct published *p, const char *name);
const struct json *published_object(const struct json *row, const char *name);
const struct json *published_list(const struct json *row, const char *name);
uint64_t published_u64(const struct json *row, const char *name);
struct span published_text(const struct json *row, const char *name);
/* Lives as long as `p`. */
struct span published_bytes(struct published *p, const struct json *row,
			    const char *name);
void published_fixed(const struct json *row, const char *name, void *out,
		     size_t len);
struct digest published_digest(const struct json *row, const char *name);
struct key_id published_key_id(const struct json *row, const char *name);
struct doc_id published_doc(const struct json *row, const char *name);
struct nation published_nation(const struct json *row, const char *name);
struct replica published_replica(const struct json *row);
/* Whether the member has exactly these bytes; if not, both are shown. */
bool published_is(struct published *p, const struct json *row, const char *name,
		  struct span bytes);

/* A random source that gives out what published_draw handed in, whole and in
 * order; a draw of another length fails.  The bytes are borrowed. */
struct random published_random(struct published *p);
void published_draw(struct published *p, struct span bytes);

/*
 * The store of storage.json: its ring and ring key files as published, opened
 * under its root key; a fresh store with its header.  tempstore_free it.
 */
void published_store(struct published *p, struct tempstore *t);
/* Moves the clock. */
void published_time(struct tempstore *t, uint64_t utc_s);

#endif
