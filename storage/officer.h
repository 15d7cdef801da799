/*
 * Officers: who may use the admin interface, and as what.
 */
#ifndef STORAGE_OFFICER_H
#define STORAGE_OFFICER_H

#include "proto/base/arena.h"
#include "storage/txn.h"

enum officer_role {
	OFFICER_OPERATOR = 1,
	OFFICER_SECURITY = 2,
	OFFICER_AUDITOR = 3,
};

struct officer {
	struct span name;
	enum officer_role role;
	struct digest certificate; /* SHA-256 of DER */
	struct span spki;	   /* signs admin changes */
};

/* "operator", "security-officer", "auditor"; false for another word. */
bool officer_role_parse(struct span text, enum officer_role *out);
const char *officer_role_text(enum officer_role role);

/* Makes or replaces, by name. */
struct err officer_put(struct txn *txn, const struct officer *officer);
/* Copied into `arena`.  ERR_NOT_FOUND. */
struct err officer_by_certificate(struct txn *txn, struct digest certificate,
				  struct arena *arena, struct officer *out);

#endif
