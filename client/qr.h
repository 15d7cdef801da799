/* A QR code of text blocks on a terminal (libqrencode). */
#ifndef CLIENT_QR_H
#define CLIENT_QR_H

#include "proto/base/err.h"

/* Prints on stderr, so that stdout keeps the text alone.  ERR_TOO_LARGE for
 * what no code can hold. */
struct err qr_print(const char *text);

#endif
