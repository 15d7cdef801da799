/*
 * The operations of the device and peer interface (docs/API.md): one constant
 * each, listed in relay/guard/core/operations.c.
 */
#ifndef RELAY_GUARD_CORE_OPS_OPS_H
#define RELAY_GUARD_CORE_OPS_OPS_H

#include "proto/exchange/page.h"
#include "relay/guard/core/state.h"

extern const struct operation op_relay, op_me, op_policy, op_label, op_author;
extern const struct operation op_changes;
extern const struct operation op_keys;
extern const struct operation op_document_get, op_document_put;
extern const struct operation op_statement;
extern const struct operation op_content_get, op_content_head;
extern const struct operation op_upload_new, op_upload_head, op_upload_patch,
	op_upload_drop;
extern const struct operation op_enrol;
extern const struct operation op_peer_invitation, op_peer_certificates;
extern const struct operation op_peer_ticks, op_peer_witness;

/* Signs job->body as a page (exchange/page.h) into the answer's fields. */
struct err ops_page_sign(struct job *job, const uint8_t ask[PAGE_ASK_LEN],
			 struct span since);

/*
 * The label of a write: known or brought, valid, not above the ceiling, and
 * releasing its own author in that space.  Sets job->rule and, for the asker,
 * job->detail.
 */
struct err ops_check_label(struct job *job, struct txn *txn, bool brought,
			   struct span xml, struct digest digest,
			   struct span space,
			   const struct policing_label **out);
/* Keep it, if the store does not yet. */
struct err ops_store_label(struct txn *txn, const struct policing_label *l);

#endif
