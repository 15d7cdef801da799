/* `entente tick ...`: ticks of a relay and its peers, and their evidence. */
#ifndef CLIENT_CMD_TICK_H
#define CLIENT_CMD_TICK_H

#include "client/cli.h"

int cmd_tick_list(struct cli *c);
int cmd_tick_evidence(struct cli *c);
int cmd_tick_verify(struct cli *c);

#endif
