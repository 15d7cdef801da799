/*
 * What an officer does at a relay: subjects, devices, spaces, peers, explain,
 * audit, status.  Each returns the exit code.
 */
#ifndef CLIENT_CMD_OFFICER_H
#define CLIENT_CMD_OFFICER_H

struct cli;

int cmd_status(struct cli *c);
int cmd_subject_add(struct cli *c);
int cmd_subject_list(struct cli *c);
int cmd_subject_rm(struct cli *c);
int cmd_device_invite(struct cli *c);
int cmd_device_list(struct cli *c);
int cmd_device_change(struct cli *c); /* freeze, resume, revoke */
int cmd_space_list(struct cli *c);
int cmd_space_set(struct cli *c);
int cmd_peer_invite(struct cli *c);
int cmd_peer_accept(struct cli *c);
int cmd_peer_list(struct cli *c);
int cmd_peer_quarantine(struct cli *c);
int cmd_peer_change(struct cli *c); /* suspend, resume */
int cmd_explain(struct cli *c);
int cmd_doc_why(struct cli *c);
int cmd_audit_list(struct cli *c);
int cmd_audit_verify(struct cli *c);

#endif
