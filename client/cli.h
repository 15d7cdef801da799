/*
 * The `entente` command's own: one table of verbs, options, help, errors.
 *
 * With --json stdout carries exactly one JSON document, also after a failure
 * ({"error":{...}}); everything for people goes to stderr.  Exit codes: 0
 * done or released, 1 fault, 2 withheld or sealed, 64 usage, 69 unreachable,
 * 77 not allowed (the table of proto/base/err).
 */
#ifndef CLIENT_CLI_H
#define CLIENT_CLI_H

#include "proto/base/buf.h"
#include "proto/base/json.h"
#include "proto/exchange/problem.h"

enum { CLI_OPTIONS_MAX = 64, CLI_ARGS_MAX = 64, CLI_FILE_MAX = 8 << 20 };

struct cli;

struct cli_verb {
	const char *noun;
	const char *verb; /* NULL: the noun is the verb */
	const char *args; /* "FOLDER", for the help */
	int args_min, args_max;
	const char *options; /* "label=FILE title=TEXT beside": = takes one */
	const char *summary; /* one sentence */
	const char *example; /* a whole command line */
	int (*run)(struct cli *c);
	/* Of an officer's verb: the role that it needs, where --as says no
	 * other; else NULL. */
	const char *role;
};

struct cli {
	const struct cli_verb *verb;
	const char *args[CLI_ARGS_MAX];
	int args_count;
	struct {
		const char *name, *value;
	} options[CLI_OPTIONS_MAX];
	int options_count;
	bool json;
	bool progress; /* stderr is a terminal */
	bool *told;    /* a JSON document was printed: there is but one */
};

/* Finds the verb, checks arguments and options, runs it. */
int cli_main(const struct cli_verb *verbs, size_t count, int argc, char **argv);

/* The value of an option, or NULL; the last one counts. */
const char *cli_option(const struct cli *c, const char *name);
bool cli_flag(const struct cli *c, const char *name);
/* Every value of an option, in order; how many. */
size_t cli_options(const struct cli *c, const char *name, const char **out,
		   size_t max);
/* The value, split at commas, in `text` (a copy to cut). */
size_t cli_list(const char *value, char *text, size_t room, const char **out,
		size_t max);

/* What failed, where, and the mend; returns the exit code. */
[[gnu::format(printf, 3, 4)]] int cli_fail(const struct cli *c, struct err e,
					   const char *where, ...);
/* The same of a relay's refusal. */
[[gnu::format(printf, 3, 4)]] int cli_refused(const struct cli *c,
					      const struct problem *p,
					      const char *where, ...);
/* A wrong command line: says the usage; 64. */
[[gnu::format(printf, 2, 3)]] int cli_usage(const struct cli *c,
					    const char *fmt, ...);

/* A line for people: to stdout, or with --json to stderr. */
[[gnu::format(printf, 2, 3)]] void cli_say(const struct cli *c, const char *fmt,
					   ...);
/* Prints a JSON text and a newline on stdout. */
int cli_print_json(const struct cli *c, struct buf *json);
/* Long work: redraws one line on a terminal; `total` 0 ends it. */
void cli_progress(const struct cli *c, const char *what, uint64_t done,
		  uint64_t total);

/* A whole file, "-" is stdin.  Prints its own failure; false then. */
bool cli_read(const struct cli *c, const char *path, struct buf *out,
	      int *code);
/*
 * The passphrase of --passphrase-file (one line), of the variable
 * ENTENTE_PASSPHRASE_FILE, or, if `ask`, typed on the terminal (twice where
 * `twice`).  Empty if there is none.  Wipe it.
 */
bool cli_passphrase(const struct cli *c, bool ask, bool twice, struct buf *out,
		    int *code);
/* Text as a person may see it: what is no UTF-8, and characters that move the
 * cursor or turn the direction of writing, become '?'. */
void cli_clean(struct span text, struct buf *out);

#endif
