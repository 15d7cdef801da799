/* `entente init FOLDER`. */
#ifndef CLIENT_CMD_INIT_H
#define CLIENT_CMD_INIT_H

struct cli;
int cmd_init(struct cli *c);

#endif
