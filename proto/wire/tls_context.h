/*
 * What tls.c needs of a TLS context; not for others.
 *
 * A context is counted: sessions hold it, so its owner may free it first.
 */
#ifndef PROTO_WIRE_TLS_CONTEXT_H
#define PROTO_WIRE_TLS_CONTEXT_H

#include "proto/wire/tls.h"

struct tls_context {
	size_t holders;
	bool server;
	void *ssl_ctx;	  /* SSL_CTX */
	void *bio_method; /* BIO_METHOD of the sessions */
	bool by_digest;
	struct digest root_digest;
	uint64_t client_grace_s;
};

/* Takes hold of the context for a session; tls_context_free lets go. */
struct tls_context *tls_context_hold(struct tls_context *context);

/* What certificate verification asks of the session it runs in; it is the
 * app data of the session's SSL. */
struct tls_verify {
	const struct tls_context *context;
	uint64_t now_s;
	bool expired; /* the peer's certificate was taken by grace */
};

#endif
