/*
 * The command in this process, and a relay of one nation in processes of its
 * own: the programs stand in the build's folder above the test.
 */
#ifndef TESTS_CLIENT_COMMAND_H
#define TESTS_CLIENT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { COMMAND_ROOM = 1 << 20 };

/* What the last command printed. */
extern char command_out[COMMAND_ROOM], command_err[COMMAND_ROOM];

/* Runs the words, up to NULL, behind "entente"; the exit code. */
int command(const char *const *words);
#define COMMAND(...) command((const char *const[]){__VA_ARGS__, NULL})

/* The string member of the JSON document that was printed, which must be one
 * and no more; good until the next call. */
const char *command_member(const char *name);
/* The printed line, without its end. */
const char *command_line(void);

struct command_relay {
	char folder[128]; /* of the test: relay in <folder>/gbr */
	char gbr[160];
	char admin[64], device[64]; /* host:port */
	pid_t pid;
};

/* False if daemons cannot be run here; prints why. */
bool command_relay_start(struct command_relay *r);
void command_relay_stop(struct command_relay *r);
/* "<folder>/<name>", in memory of its own that is reused after 16 calls. */
const char *command_path(const struct command_relay *r, const char *name);
/* Writes a file of the test's folder. */
void command_write(const struct command_relay *r, const char *name,
		   const void *bytes, size_t len);
/* Makes the subject known and enrols <folder>/<subject>. */
void command_enrol(const struct command_relay *r, const char *subject,
		   const char *rights);

#endif
