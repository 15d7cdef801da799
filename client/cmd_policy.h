/* `entente policy`: check files, and show or replace the policy of a relay. */
#ifndef CLIENT_CMD_POLICY_H
#define CLIENT_CMD_POLICY_H

struct cli;

int cmd_policy_check(struct cli *c); /* asks no relay */
int cmd_policy_show(struct cli *c);
int cmd_policy_put(struct cli *c);

#endif
