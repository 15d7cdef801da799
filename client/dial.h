/* A TCP connection to host and port, of any address family. */
#ifndef CLIENT_DIAL_H
#define CLIENT_DIAL_H

#include "proto/base/err.h"

#include <stdint.h>

/* Milliseconds of a clock that nobody sets. */
uint64_t dial_now_ms(void);
/* "host:port", also "[::1]:port"; ERR_USAGE for what is neither. */
struct err dial_split(const char *endpoint, char host[256], char port[8]);
/* Tries each address of the host, `most_ms` in all.  ERR_UNREACHABLE.  Owns:
 * a socket that does not block. */
struct err dial_open(const char *host, const char *port, unsigned most_ms,
		     int *out);

#endif
