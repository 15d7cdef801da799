/*
 * The operations of the admin interface (docs/API.md, "Admin verbs"): one
 * constant each, listed in relay/guard/core/operations.c.
 *
 * Reading needs an officer's certificate, every change its signature and a
 * single-use nonce besides; each change writes its own audit record.
 */
#ifndef RELAY_GUARD_CORE_ADMIN_ADMIN_H
#define RELAY_GUARD_CORE_ADMIN_ADMIN_H

#include "relay/guard/core/state.h"

extern const struct operation admin_status;
extern const struct operation admin_subjects, admin_subject_put,
	admin_subject_del;
extern const struct operation admin_spaces, admin_space_put;
extern const struct operation admin_devices, admin_device, admin_device_invite,
	admin_device_freeze, admin_device_resume, admin_device_revoke;
extern const struct operation admin_quarantine;
extern const struct operation admin_peers, admin_peer_invite, admin_peer_accept,
	admin_peer_suspend, admin_peer_resume;
extern const struct operation admin_documents, admin_document;
extern const struct operation admin_policy, admin_policy_put;
extern const struct operation admin_audit, admin_audit_verify;
extern const struct operation admin_explain;
extern const struct operation admin_reference;
extern const struct operation admin_ticks, admin_tick_evidence;
extern const struct operation admin_backup, admin_backup_begin,
	admin_backup_fetch, admin_backup_drop;
extern const struct operation admin_release;

/* Who may: bits of struct operation's `roles`. */
enum {
	ADMIN_OPERATOR = 1u << OFFICER_OPERATOR,
	ADMIN_SECURITY = 1u << OFFICER_SECURITY,
	ADMIN_AUDITOR = 1u << OFFICER_AUDITOR,
};

#endif
