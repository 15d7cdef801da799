/* `entente policy`: check.  `argv[0]` is the noun; returns the exit code.
 * Prints its own help and errors. */
#ifndef CLIENT_CMD_POLICY_H
#define CLIENT_CMD_POLICY_H

int cmd_policy(int argc, char **argv);

#endif
