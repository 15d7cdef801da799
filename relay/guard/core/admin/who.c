/* Whoever a record speaks of. */
#include "relay/guard/core/admin/text.h"
#include "relay/guard/core/admin/who.h"

static const char *kind_text(enum audit_who who)
{
	switch (who) {
	case AUDIT_SYSTEM:
		return "system";
	case AUDIT_DEVICE:
		return "device";
	case AUDIT_NATION:
		return "nation";
	case AUDIT_OFFICER:
		return "officer";
	}
	return "unknown";
}

void admin_who_write(struct json_writer *w, enum audit_who who, struct span id)
{
	json_member_str(w, "kind", kind_text(who));
	if (who == AUDIT_DEVICE)
		json_member_bytes(w, "reader", id);
	else
		admin_text_member(w, "reader", id);
}

const char *admin_outcome(enum err_code code)
{
	return code == ERR_NOT_RELEASABLE ? "not-releasable"
					  : err_row(code)->name;
}
