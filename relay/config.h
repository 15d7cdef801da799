/*
 * The relay's configuration: `entente.yaml` in its folder (YAML 1.1, libyaml).
 *
 * Strict: an unknown or repeated key, a wrong type or a value out of range is
 * refused, with the line and what to do about it.
 *
 *	nation: GBR                    # ISO 3166-1 alpha-3
 *	name: relay.gbr.example        # in the server's certificate
 *	listen:
 *	  device: 0.0.0.0:8443         # host:port; IPv6 in brackets; port 0:
 *	  peer: 0.0.0.0:8444           # any free one
 *	  admin: 127.0.0.1:8445
 *	endpoint: relay.gbr.example:8443       # as devices reach it
 *	peer_endpoint: relay.gbr.example:8444  # as other nations reach it
 *	ceiling: RESTRICTED            # a classification of the policy
 *	quota_bytes: 1000000000000     # of the store; 0 or none: no quota
 *	fronts: 2                      # processes; default: cores, at most 4
 */
#ifndef RELAY_CONFIG_H
#define RELAY_CONFIG_H

#include "proto/base/buf.h"
#include "proto/base/id.h"
#include "relay/address.h"
#include "relay/route.h"

enum {
	CONFIG_TEXT_MAX = ADDRESS_TEXT_MAX,
	CONFIG_FILE_MAX = 64 * 1024,
	CONFIG_FRONTS_MAX = 16,
};

#define CONFIG_FILE "entente.yaml"

struct config {
	char folder[4096];
	struct nation nation;
	char name[CONFIG_TEXT_MAX + 1];
	struct address listen[ROUTE_LISTENERS];
	char endpoint[CONFIG_TEXT_MAX + 1]; /* "": that of the listener */
	char peer_endpoint[CONFIG_TEXT_MAX + 1];
	char ceiling[CONFIG_TEXT_MAX + 1];
	uint64_t quota_bytes;
	unsigned fronts;
};

/* What is wrong, where, and what to do about it: for people. */
struct config_fault {
	unsigned line; /* 0: the file as a whole */
	char text[256];
};

/* Reads `folder`/entente.yaml. ERR_IO, ERR_TOO_LARGE, ERR_MALFORMED; then
 * `fault` says more. */
struct err config_read(const char *folder, struct config *out,
		       struct config_fault *fault);
/* The same of a text; `folder` stays empty. */
struct err config_parse(struct span text, struct config *out,
			struct config_fault *fault);

#endif
