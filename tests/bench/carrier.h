/*
 * A device's connection for long bodies, with as little work of its own as
 * TLS and HTTP/2 allow: bytes leave from where they lie and answers are
 * compared as they come.  One request at a time.
 */
#ifndef TESTS_BENCH_CARRIER_H
#define TESTS_BENCH_CARRIER_H

#include "client/http.h"

struct carrier;

/* Ends the program if the relay cannot be reached. */
struct carrier *carrier_open(const struct http_peer *peer);
void carrier_close(struct carrier *c);

struct carrier_answer {
	int status; /* 0: the connection or the stream broke */
	uint64_t received;
	bool same; /* as `want`, as far as it came */
	char location[128];
	char text[512]; /* the body's beginning, for people */
};

struct carrier_request {
	const char *method, *target;
	const struct http_field *fields;
	size_t fields_count;
	struct span body;
	struct span want; /* what the answer's body should be; or empty */
};

void carrier_ask(struct carrier *c, const struct carrier_request *request,
		 struct carrier_answer *out);

#endif
