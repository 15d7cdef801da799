/*
 * entented-store: what is done with a relay's folder while no relay runs in
 * it.  `entente` starts it (key rotate-root, backup verify, backup restore);
 * it needs the store, which the command does not know.
 *
 * With --json stdout carries exactly one JSON document, also after a failure,
 * as the command's; progress and words for people go to stderr.
 */
#ifndef RELAY_STORE_TOOL_H
#define RELAY_STORE_TOOL_H

#include "proto/base/json.h"
#include "proto/crypto/keyfile.h"

struct tool {
	const char *verb;
	const char *path; /* the folder, or the backup */
	const char *to, *passphrase_file, *new_passphrase_file, *recovery_key,
		*seal_root;
	uint64_t replica; /* 0: not given */
	bool json;
	bool terminal; /* stderr is one */
};

struct tool_verb {
	const char *name;
	int (*run)(const struct tool *t);
};

extern const struct tool_verb tool_verbs[];

/* What failed, where, and the mend; returns the exit code. */
[[gnu::format(printf, 4, 5)]] int tool_fail(const struct tool *t, struct err e,
					    const char *mend, const char *where,
					    ...);
/* A result: as JSON on stdout, or the words. */
[[gnu::format(printf, 3, 4)]] int
tool_done(const struct tool *t, struct buf *json, const char *words, ...);
/* Long work, at most a few times a second: a line on a terminal, redrawn;
 * else a line now and then.  `done` of `total` bytes; total 0 ends it. */
void tool_progress(const struct tool *t, const char *what, uint64_t done,
		   uint64_t total);

/* ---- the verbs ---- */
int rotate_run(const struct tool *t);
int restore_run(const struct tool *t);
int verify_run(const struct tool *t);

#endif
