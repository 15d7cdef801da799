/*
 * One operation, once for each call that can fail in it.
 *
 * It is counted first; then the n-th call fails, once and from then on, for
 * every n (or a seeded choice of them, printed, where there are many; all of
 * them with FAULTS_ALL in the environment).  Whatever fails, the operation
 * must say so by an error of ours, never by one of the asker's; asked again
 * without a fault it must succeed.
 */
#ifndef TESTS_FAULTS_EACH_H
#define TESTS_FAULTS_EACH_H

#include "proto/base/err.h"
#include "tests/faults/fault.h"

struct each {
	const char *name;
	void *self;
	/* What the operation needs, made anew for each n; or NULL. */
	void (*prepare)(void *self);
	/* The operation.  It may pause the fault for what is the test's. */
	struct err (*act)(void *self);
	/* After one that failed, before it is asked again: reopens what has
	 * died; looks at what must still be there.  Or NULL. */
	void (*after)(void *self, struct err e);
	/* After the one that succeeded; or NULL. */
	void (*end)(void *self);
};

/* Every kind of failure.  What goes wrong is printed and counted: see
 * each_wrong.  Returns how many there were. */
unsigned each_call(const struct each *each);
/* The same for some kinds (bits of enum fault_kind). */
unsigned each_call_of(const struct each *each, unsigned kinds);
/* How many went wrong so far; a test ends with 0. */
unsigned each_wrong(void);
/* What was run so far, as one line. */
void each_tell(void);

#endif
