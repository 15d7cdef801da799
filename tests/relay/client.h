/*
 * A blocking HTTP/2 client over TLS for tests, on our own machines: many
 * streams at once, as slow as the test wants.
 */
#ifndef TESTS_RELAY_CLIENT_H
#define TESTS_RELAY_CLIENT_H

#include "proto/wire/h2.h"
#include "proto/wire/tls.h"

struct client {
	int fd;
	struct tls *tls;
	struct h2 *h2;
	struct err failed; /* the connection's end */
	bool ended;
};

/* One exchange; `answer` holds at most 64 KiB of the body. */
struct exchange {
	uint32_t stream;
	int status;	   /* 0 until a head came */
	uint64_t received; /* bytes of body */
	bool answer_whole; /* END came */
	bool over;	   /* H2_CLOSED came */
	struct err why;
	struct buf answer;
	char retry_after[16];
	char content_length[24];
	uint64_t unconsumed; /* where the client reads slowly */
	bool read_slowly;

	uint64_t upload_left, uploaded;
};

/* Connects to 127.0.0.1:`port`; certificate and key may be empty. Returns
 * false if the server does not let it in. */
bool client_open(struct client *c, uint16_t port, struct span ca,
		 struct span certificate, struct span key);
void client_close(struct client *c);

/* Sends a request; `upload` bytes of body follow as client_run goes on, or
 * `body` at once. */
bool client_ask(struct client *c, struct exchange *x, const char *method,
		const char *target, struct span body, uint64_t upload);
/* Moves bytes until `x` is over, or `ms` have passed (then false). NULL: for
 * that long. */
bool client_run(struct client *c, struct exchange *x, int ms);
/* All at once: asks, runs, returns the status or 0. */
int client_get(struct client *c, const char *target, struct exchange *x);
void exchange_clear(struct exchange *x);

uint64_t client_now_ms(void);

#endif
