/*
 * What the offline nouns (`label`, `policy`) share: reading files, saying
 * what is wrong.  Messages go to stderr as "entente: what, where, mend".
 */
#ifndef CLIENT_CMD_FILES_H
#define CLIENT_CMD_FILES_H

#include "proto/base/buf.h"
#include "proto/label/label.h"
#include "proto/label/policy.h"

enum { CMD_DONE = 0, CMD_FAULT = 1, CMD_WITHHELD = 2, CMD_USAGE = 64 };

enum { CMD_REPEAT_MAX = 64 };

/* Reads a whole file of at most `max` bytes; false after a message. */
bool cmd_read(const char *path, size_t max, struct buf *out);

/* Loads policies, governing first.  False with `problem` text filled; the
 * text begins with the file's name. */
bool cmd_load_policy(const char *const *paths, size_t count,
		     struct label_problem *problem, struct policy **out,
		     bool *unreadable);

[[gnu::format(printf, 1, 2)]] void cmd_say(const char *fmt, ...);

#endif
