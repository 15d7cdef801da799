/* `entente label`: explain, check, marking, make.  No relay is asked. */
#ifndef CLIENT_CMD_LABEL_H
#define CLIENT_CMD_LABEL_H

struct cli;

int cmd_label_explain(struct cli *c);
int cmd_label_check(struct cli *c);
int cmd_label_marking(struct cli *c);
int cmd_label_make(struct cli *c);

#endif
