/*
 * host:port, as it stands in configuration, invitations and calls.
 */
#ifndef RELAY_ADDRESS_H
#define RELAY_ADDRESS_H

#include "proto/base/err.h"

#include <stdint.h>

enum { ADDRESS_TEXT_MAX = 255 };

struct address {
	char host[ADDRESS_TEXT_MAX + 1]; /* without brackets */
	uint16_t port;
};

/* host:port, [v6]:port. ERR_MALFORMED. */
struct err address_parse(const char *text, struct address *out);
/* The same back; `out` holds ADDRESS_TEXT_MAX + 1. */
void address_format(const struct address *a, char *out);

#endif
