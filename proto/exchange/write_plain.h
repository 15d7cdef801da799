/*
 * A write as our own client writes it: members in the order of RFC 8785, no
 * space, no escapes.
 *
 * A reader that expects each byte costs a tenth of a JSON parser, which would
 * else be the dearest part of a put after its two curve operations.  It
 * accepts less than write_request_decode and never anything else: whatever
 * it does not know is left to the parser, whose word holds.
 */
#ifndef PROTO_EXCHANGE_WRITE_PLAIN_H
#define PROTO_EXCHANGE_WRITE_PLAIN_H

#include "proto/exchange/write.h"

/* False, and nothing written, unless the body is of that form. */
bool write_plain_decode(struct span body, struct arena *arena,
			struct write_request *out);

#endif
