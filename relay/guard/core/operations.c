/* Every operation of every interface. */
#include "relay/guard/core/admin/admin.h"
#include "relay/guard/core/ops/ops.h"

const struct operation *const core_operations[] = {
	/* device and peer */
	&op_relay,
	&op_me,
	&op_policy,
	&op_label,
	&op_author,
	&op_changes,
	&op_keys,
	&op_document_get,
	&op_document_put,
	&op_statement,
	&op_content_get,
	&op_content_head,
	&op_upload_new,
	&op_upload_head,
	&op_upload_patch,
	&op_upload_drop,
	&op_enrol,
	&op_peer_invitation,
	&op_peer_certificates,
	/* admin */
	NULL,
};
