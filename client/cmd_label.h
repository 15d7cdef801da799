/* `entente label`: explain, check, marking, make.  `argv[0]` is the noun;
 * returns the exit code.  Prints its own help and errors. */
#ifndef CLIENT_CMD_LABEL_H
#define CLIENT_CMD_LABEL_H

int cmd_label(int argc, char **argv);

#endif
