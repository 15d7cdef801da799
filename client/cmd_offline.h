/*
 * Verbs that need a relay's store while the relay is stopped: the program
 * entented-store, which lies beside this one, does them.
 */
#ifndef CLIENT_CMD_OFFLINE_H
#define CLIENT_CMD_OFFLINE_H

struct cli;

/* Becomes entented-store with the verb's own arguments and options. */
int cmd_offline(struct cli *c);

#endif
