/*
 * Opens the listening sockets, which fronts then share.
 */
#ifndef RELAY_LISTEN_H
#define RELAY_LISTEN_H

#include "relay/config.h"

/* Binds and listens on `want`, non-blocking, closed on exec. `got` is the
 * address with the port that it has. ERR_IO, and errno says why. */
struct err listen_open(const struct address *want, int *fd,
		       struct address *got);

#endif
