/*
 * An officer at a relay's admin listener: certificate, signed changes.
 *
 * Who: --operator DIR holds <role>.pem, <role>.key and ca.pem, as `entente
 * init` made them; the role is that of the verb, unless --as names another.  Where: --relay host:port.
 * With --folder FOLDER both come from a relay's folder on this machine.  The
 * variables ENTENTE_OPERATOR and ENTENTE_RELAY stand in for options.
 */
#ifndef CLIENT_ADMIN_H
#define CLIENT_ADMIN_H

#include "client/cli.h"
#include "client/http.h"

/* The options that every verb of an officer has. */
#define ADMIN_OPTIONS "relay=HOST:PORT operator=DIR folder=FOLDER as=ROLE"

enum { ADMIN_ANSWER_MAX = 16 << 20 };

struct admin;

/* Connects.  Prints its own failure and gives the exit code. */
int admin_open(const struct cli *c, struct admin **out);
void admin_close(struct admin *a);

/*
 * One request; a change (anything but GET) is signed.  `answer` gets the body
 * of a success.  Prints a failure, and returns the exit code; 0 if done.
 */
int admin_call(struct admin *a, const char *method, const char *target,
	       struct span body, struct buf *answer);

/* The whole of most verbs: open, call, show the answer (or `done` where it is
 * empty), close. */
int admin_do(const struct cli *c, const char *method, const char *target,
	     struct span body, const char *done);

/* The same of a list: every page of it, as one answer.  `array` names the
 * rows; `path` has no query. */
int admin_list(const struct cli *c, const char *path, const char *array);

/* Shows a JSON answer: with --json as it is, else as lines and tables. */
int admin_show(const struct cli *c, struct span json);

#endif
