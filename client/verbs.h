/* The verbs of the `entente` command: one table, each with its help and an
 * example (cli.h). */
#ifndef CLIENT_VERBS_H
#define CLIENT_VERBS_H

/* Runs the command line; `argv` may be cut up.  The exit code. */
int verbs_run(int argc, char **argv);

#endif
