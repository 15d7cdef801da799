/*
 * One line of key=value per finished request, session or fault, to standard
 * error: who, what, which id, outcome, milliseconds; never content, titles or
 * keys.  With JSON lines if the daemon was started with --json.
 *
 *	time=2026-11-24T17:53:00.123Z role=guard what=request status=200 ms=3
 *
 * A line is built in place and written with one write, at most LOG_LINE_MAX
 * bytes; longer values are cut.  Bytes outside printable ASCII are written
 * as \xNN, so nobody can forge a line.  Safe from any thread.
 */
#ifndef RELAY_LOG_H
#define RELAY_LOG_H

#include "proto/base/err.h"
#include "proto/base/span.h"

enum { LOG_LINE_MAX = 2048 };

struct log_line {
	char at[LOG_LINE_MAX];
	size_t len;
};

/* Once, before threads: who speaks, and how. `role` is static text. */
void log_init(const char *role, bool json);
bool log_is_json(void);
/* No more than faults and life cycle: for tests and benches. */
void log_quiet(bool quiet);
bool log_is_quiet(void);

/* `what` is static text: "request". */
void log_begin(struct log_line *l, const char *what);
void log_str(struct log_line *l, const char *key, const char *value);
void log_span(struct log_line *l, const char *key, struct span value);
void log_u64(struct log_line *l, const char *key, uint64_t value);
/* error=name and detail=text; nothing if there is no error. */
void log_err(struct log_line *l, struct err e);
void log_end(struct log_line *l);

/* A whole line with one text. */
void log_note(const char *what, const char *key, const char *value);
void log_fault(const char *what, struct err e);

#endif
