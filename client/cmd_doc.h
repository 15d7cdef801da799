/* `entente doc ...` and `entente sync`: documents of a device's folder. */
#ifndef CLIENT_CMD_DOC_H
#define CLIENT_CMD_DOC_H

struct cli;

int cmd_doc_list(struct cli *c);
int cmd_doc_put(struct cli *c);
int cmd_doc_get(struct cli *c);
int cmd_doc_state(struct cli *c); /* rm, recall, relabel */
int cmd_doc_seal(struct cli *c);
int cmd_sync(struct cli *c);

#endif
