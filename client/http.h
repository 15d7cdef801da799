/*
 * The command's own way to a relay: one blocking HTTP/2 connection, many
 * requests on it (proto/wire/tls, proto/wire/h2).  Not part of the library.
 *
 * The relay's certificate must chain to the pinned CA, given whole or by its
 * digest, and carry the host of the endpoint.  Nothing is retried here but a
 * connection that ended before a request was sent.
 */
#ifndef CLIENT_HTTP_H
#define CLIENT_HTTP_H

#include "proto/base/arena.h"
#include "proto/crypto/crypto.h"
#include "proto/exchange/http.h"

enum {
	HTTP_CONNECT_MS = 10 * 1000,
	HTTP_ANSWER_MS = 60 * 1000,
	HTTP_FIELDS_MAX = 16,
	HTTP_STREAMS_MAX = 16, /* in hand at once */
};

struct http_peer {
	const char *endpoint; /* host:port */
	struct span ca;	      /* DER or PEM; or empty, and */
	const struct digest *ca_digest;
	struct span certificate; /* DER or PEM; empty: none is shown */
	const struct crypto_key *key;
};

struct http_call {
	struct span method, target;
	const struct http_field *fields; /* lower-case names */
	size_t fields_count;
	struct span body;
	size_t answer_max;
	unsigned wait_s; /* the relay may hold the answer so long */
	uint64_t id;	 /* of the caller: comes back with the answer */
};

struct http_answer {
	uint64_t id;
	int status; /* 0: none came, and `why` tells */
	struct http_fields fields;
	struct span body;
	struct err why;
};

struct http_connection;

/* Connects and shakes hands.  ERR_UNREACHABLE, or what tls says of the
 * certificate.  Owns: http_connection_close. */
struct err http_connection_open(const struct http_peer *peer,
				struct http_connection **out);
void http_connection_close(struct http_connection *c);

/* True if one more call can be sent now. */
bool http_connection_ready(const struct http_connection *c);
size_t http_connection_calls(const struct http_connection *c);
/* True when the connection has ended: answers may still wait, then close. */
bool http_connection_ended(const struct http_connection *c);

/* Sends; everything in `call` is copied. ERR_BUSY if not ready. */
struct err http_connection_send(struct http_connection *c,
				const struct http_call *call);
/* Waits for the next answer, in any order; borrowed until the next call.
 * False if no call is in hand. */
bool http_connection_wait(struct http_connection *c, struct http_answer *out);
/* Gives the answer back before that, so that its place is free for a call. */
void http_connection_give_back(struct http_connection *c);

#endif
