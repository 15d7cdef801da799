/*
 * Memory for libraries that do not tell its want from faults of what they were
 * given: a signature "does not verify", XML "is not well-formed".
 *
 * OpenSSL, libxml2 and jansson allocate here.  Whoever is about to blame what
 * was sent asks memory_ran_out first.
 */
#ifndef PROTO_BASE_MEMORY_H
#define PROTO_BASE_MEMORY_H

#include "proto/base/err.h"

#include <stddef.h>

/* As malloc, realloc, strdup and free; NULL is remembered for the thread. */
void *memory_get(size_t len);
void *memory_resize(void *at, size_t len);
char *memory_text(const char *text);
void memory_drop(void *at);

/* True if one of them gave NULL on this thread since this was last asked. */
bool memory_ran_out(void);
/* An error `code`, or ERR_NO_MEMORY if it was that. */
static inline struct err memory_blame(enum err_code code, const char *detail)
{
	return err_make(memory_ran_out() ? ERR_NO_MEMORY : code, detail);
}

#endif
