/*
 * What `entente init` makes: a nation's authorities and one relay's folder.
 *
 *	entente.yaml	      the configuration
 *	keys/root.key	      the relay's root key, sealed under a passphrase
 *	keys/start	      guard keys, replica certificate, CA key, sealed
 *			      under the root key; gone after the first start
 *	tls/ca.pem	      the nation's CA
 *	tls/root.spki	      its seal root's public key
 *	tls/root.spki	      the public half of the nation's seal root
 *	tls/server.pem .key   the listeners' certificate, also for peers
 *	policy/NN-*.spif.xml  the policy, governing file first
 *	operator/<role>.pem .key   three officers: operator, security-officer,
 *			      auditor; ca.pem
 *	seal-root/	      root.key root.spki: to be taken offline
 *	keys/recovery.spki    the public key that backups are sealed to
 *	recovery/	      recovery.key, its private half: to be taken offline
 *
 * An officer's certificate has the role as its organisation and the officer's
 * name as its common name; a listener's has the nation.
 */
#ifndef CLIENT_NATION_H
#define CLIENT_NATION_H

#include "proto/base/clock.h"
#include "proto/base/random.h"
#include "proto/crypto/crypto.h"

enum {
	NATION_POLICIES_MAX = 32,
	NATION_TEXT_MAX = 255,
	NATION_POLICY_MAX = 8 << 20, /* of one file */
};

struct nation_policy {
	const char *name; /* "alliance.spif.xml" */
	struct span text;
};

struct nation_order {
	const char *folder;
	struct nation nation;
	const char *name; /* DNS name of the relay */
	const char *listen_device, *listen_peer, *listen_admin; /* host:port */
	const char *endpoint, *peer_endpoint; /* as reached; NULL: name and the
					       * listener's port */
	const char *ceiling;
	uint64_t quota_bytes;
	unsigned fronts;		      /* 0: the relay's default */
	const struct nation_policy *policies; /* governing first */
	size_t policies_count;
	struct span passphrase;
	unsigned scrypt_log2_n; /* 0: the default */
	struct clock clock;
	struct random random;
};

/* Makes everything.  ERR_EXISTS if the folder holds a relay already: nothing
 * is changed then.  ERR_MALFORMED for an address, with `where` telling
 * which. */
struct err nation_make(const struct nation_order *order, const char **where);

#endif
