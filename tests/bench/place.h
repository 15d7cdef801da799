/*
 * One relay and its devices under the folder of the bench: the whole guard's
 * core on a real disk, with the machine's clock and random source.
 */
#ifndef TESTS_BENCH_PLACE_H
#define TESTS_BENCH_PLACE_H

#include "tests/guard/world.h"

#define PLACE_NAME_MAX 32

struct place {
	struct world w;
	struct world_relay *relay;
	struct world_device *writer;	     /* may read and write all of it */
	struct world_device *reader;	     /* unclassified alone */
	struct buf restricted, narrow, open; /* labels as XML */
};

/* `folder`/`name`, made anew. */
void place_new(struct place *p, const char *folder, const char *name);
void place_free(struct place *p);

/* One PUT, ready to be sent. */
struct place_put {
	char target[64];
	struct buf body;
};
/* A new document of `len` bytes by the writer, sealed and signed. */
void place_put(struct place *p, struct span label, const char *space,
	       size_t len, struct place_put *out);
/* Its key wrapped anew, by a sender of its own: what a device's first write
 * is, and what costs the guard a key agreement. */
void place_put_fresh(struct place *p, struct place_put *put);
void place_put_clear(struct place_put *put);

/* A request of a device as a job; `fields` may be NULL. */
struct job *place_job(struct place *p, struct world_device *d,
		      const char *method, const char *target,
		      const struct core_field *fields, size_t field_count,
		      struct span body);
/* The job of a PUT, checked and ready for core_write; ends the program if it
 * is refused. */
struct job *place_put_job(struct place *p, const struct place_put *put);
/* Ends the program unless the answer's status is `want` (0: any 2xx). */
void place_expect(const struct job *job, int want);
/* Makes, checks and writes `count` documents in groups of 256. */
void place_fill(struct place *p, struct span label, const char *space,
		size_t len, size_t count);
/* Signs and stores what is unsigned. */
void place_seal(struct place *p);

#endif
