/* `entente store check FOLDER`: what needs the store itself is done by
 * `entented` in the role `store`, which this becomes. */
#ifndef CLIENT_CMD_STORE_H
#define CLIENT_CMD_STORE_H

struct cli;
int cmd_store_check(struct cli *c);

#endif
