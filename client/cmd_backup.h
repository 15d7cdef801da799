/* A backup of a relay that serves, and the word that a restored one may. */
#ifndef CLIENT_CMD_BACKUP_H
#define CLIENT_CMD_BACKUP_H

struct cli;

int cmd_backup_create(struct cli *c);
int cmd_release(struct cli *c);

#endif
