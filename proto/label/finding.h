/*
 * Making a label_problem: one sentence, printable, cut at a whole character.
 */
#ifndef PROTO_LABEL_FINDING_H
#define PROTO_LABEL_FINDING_H

#include "proto/label/label.h"

/* Fills `problem` (may be NULL) and returns the error; `detail` is static.
 * Where line is not 0 the text begins "line <n>, ". */
[[gnu::format(printf, 5, 6)]] struct err
finding_make(struct label_problem *problem, enum err_code code,
	     const char *detail, unsigned line, const char *fmt, ...);

/* For %.*s with a span. */
#define FINDING_SPAN(s)                                                        \
	(int)((s).len > 80 ? 80 : (s).len),                                    \
		(const char *)((s).len ? (s).at : (const uint8_t *)"")

#endif
