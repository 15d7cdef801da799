/*
 * What the offline nouns (`label`, `policy`) share: reading files, options,
 * saying what is wrong.  Messages go to stderr as "entente: what, where, mend".
 */
#ifndef CLIENT_CMD_FILES_H
#define CLIENT_CMD_FILES_H

#include "proto/base/buf.h"
#include "proto/label/label.h"
#include "proto/label/policy.h"

enum { CMD_DONE = 0, CMD_FAULT = 1, CMD_WITHHELD = 2, CMD_USAGE = 64 };

/* One option of a noun: "--policy FILE" or "--json". */
struct cmd_option {
	const char *name;
	bool flag;	     /* takes no value */
	size_t max;	     /* how often, at most CMD_REPEAT_MAX */
	const char **values; /* room for max */
	size_t count;	     /* how often it was given */
};

enum { CMD_REPEAT_MAX = 64 };

/* Reads argv[from..]; what is no option goes to `rest` (room for rest_max).
 * False after a message about a usage error. */
bool cmd_options(int argc, char **argv, int from, struct cmd_option *options,
		 size_t option_count, const char **rest, size_t rest_max,
		 size_t *rest_count);

/* Reads a whole file of at most `max` bytes; false after a message. */
bool cmd_read(const char *path, size_t max, struct buf *out);

/* Loads policies, governing first.  False with `problem` text filled; the
 * text begins with the file's name. */
bool cmd_load_policy(const char *const *paths, size_t count,
		     struct label_problem *problem, struct policy **out,
		     bool *unreadable);

[[gnu::format(printf, 1, 2)]] void cmd_say(const char *fmt, ...);

#endif
