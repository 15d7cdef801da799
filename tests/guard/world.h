/*
 * Relays and devices joined in memory: whole guards on throw-away folders,
 * client engines as devices, a clock that the test moves.  Requests between
 * them are function calls; everything else is the real thing.
 *
 * Every fault of the support itself ends the test program.
 */
#ifndef TESTS_GUARD_WORLD_H
#define TESTS_GUARD_WORLD_H

#include "client/engine.h"
#include "relay/guard/core/core.h"
#include "storage/subject.h"
#include "tests/support/testclock.h"
#include "tests/support/testrandom.h"

enum {
	WORLD_RELAYS_MAX = 4,
	WORLD_DEVICES_MAX = 12,
	WORLD_PARKED_MAX = 32,
	WORLD_PATH = 128,
};

struct world_relay {
	char folder[WORLD_PATH];
	char endpoint[64], peer_endpoint[64];
	struct nation nation;
	struct core *core;	/* NULL: down */
	struct buf certificate; /* DER of tls/server.pem */
	struct buf officer;	/* DER of the operator's */
	struct crypto_key *officer_key;
	uint8_t root_key[32];
	bool cut;    /* no call reaches it or leaves it */
	bool hidden; /* it reaches others, and none reaches it */
	bool still;  /* nothing is done that only time asks for */
};

struct world_device {
	char folder[WORLD_PATH];
	struct engine *engine;
	struct world_relay *home;
	bool cut;
};

struct world_parked {
	struct job *job; /* NULL: free */
	struct world_relay *from, *to;
	uint64_t call, epoch;
};

struct world {
	char folder[WORLD_PATH];
	struct testrandom source;
	struct testclock time;
	struct random random;
	struct clock clock;
	size_t relay_count, device_count;
	struct world_relay relays[WORLD_RELAYS_MAX];
	struct world_device devices[WORLD_DEVICES_MAX];
	struct world_parked parked[WORLD_PARKED_MAX];
};

void world_new(struct world *w, uint64_t seed);
void world_free(struct world *w);

/* A relay with the example policies and the ceiling RESTRICTED. */
struct world_relay *world_relay(struct world *w, const char *nation);
void world_close(struct world *w, struct world_relay *r);
void world_open(struct world *w, struct world_relay *r);

/* The clearance of docs/policy/clearances/<name>.xml, or another file. */
void world_file(const char *path, struct buf *out);

void world_subject(struct world *w, struct world_relay *r, const char *name,
		   struct span clearance, unsigned rights,
		   const char *const *spaces, size_t space_count);
/* Enrols a device of that subject. */
struct world_device *world_device(struct world *w, struct world_relay *r,
				  const char *subject);
/* Makes `a` and `b` peers, by invitation of `a`; each profile is a clearance
 * as XML. */
void world_peer(struct world *w, struct world_relay *a, struct span a_profile,
		struct world_relay *b, struct span b_profile);

/* One answer of a relay, whole. */
struct world_answer {
	int status;
	struct buf body;
	char nonce[64]; /* of Entente-Nonce, or "" */
	char etag[64];
	char location[128];
	char offset[32];
	char page[256];
	char allow[64];
	char retry_after[16];
};
void world_answer_clear(struct world_answer *a);

struct world_request {
	enum core_listener listener;
	struct span certificate;
	const char *method, *target;
	const struct core_field *fields;
	size_t field_count;
	struct span body;
};
/* Drives one request to its end; a long poll is not waited for. */
void world_ask(struct world *w, struct world_relay *r,
	       const struct world_request *request, struct world_answer *out);
/* A request that may park, and what is done when its relay has moved or its
 * time is up: true if it is answered, and over. */
struct job *world_begin(struct world_relay *r,
			const struct world_request *request);
bool world_look_again(struct world_relay *r, struct job **job,
		      struct world_answer *out);

/* Drives a device until it is idle; the error of the last task that failed. */
struct err world_drive(struct world *w, struct world_device *d);
/* Sync: pull until nothing more. */
struct err world_sync(struct world *w, struct world_device *d);
/* Federation: calls between relays until nothing moves. */
void world_pump(struct world *w);

/* A new document; the label is XML. */
struct err world_put(struct world *w, struct world_device *d, const char *space,
		     struct span label, const char *title, struct span content,
		     struct doc_id *id);
struct err world_edit(struct world *w, struct world_device *d, struct doc_id id,
		      struct span content);
struct err world_state(struct world *w, struct world_device *d,
		       struct doc_id id, enum statement_kind kind,
		       struct span label);
/* What the device shows of the document, decrypted; ERR_NOT_FOUND. */
struct err world_read(struct world *w, struct world_device *d, struct doc_id id,
		      struct buf *out);
/* How many heads the device holds of it. */
size_t world_heads(struct world_device *d, struct doc_id id);

void world_check(struct err e, const char *file, int line);
#define world_must(e) world_check((e), __FILE__, __LINE__)

#endif
