/*
 * Requests made by hand, with the keys of an enrolled device: revisions,
 * statements, signatures and enrolments whose every member the test may set
 * wrong before they are signed and sent.
 *
 * Every fault of the support itself ends the test program.
 */
#ifndef TESTS_GUARD_FORGE_H
#define TESTS_GUARD_FORGE_H

#include "proto/document/segment.h"
#include "proto/exchange/enrol.h"
#include "proto/exchange/signature.h"
#include "proto/exchange/write.h"
#include "tests/guard/world.h"

/* Who asks: a device, an officer, a nation's relay.  All borrowed. */
struct forge {
	struct world *w;
	struct world_relay *relay;
	struct random *random;
	enum core_listener listener;
	struct span certificate;
	const struct crypto_key *key; /* signs manifests and requests */
	char nonce[64];		      /* of the last answer that had one */
};

struct forge forge_device(struct world *w, const struct world_device *d);
/* The operator of a relay. */
struct forge forge_officer(struct world *w, struct world_relay *r);

/* ---- requests ---- */

/* What is asked; zeroed members are left out. */
struct forge_request {
	const char *method, *target;
	struct span body;
	struct core_field field;	/* one more */
	struct signature_fields *proof; /* sent as it is */
};

/* Returns the status; the answer is the caller's. */
int forge_ask(struct forge *f, const struct forge_request *q,
	      struct world_answer *out);
/* Signs `q` under the nonce, as made at `created`. */
void forge_sign_request(struct forge *f, const struct forge_request *q,
			const char *nonce, uint64_t created,
			struct signature_fields *out);
/* Asks for a nonce (GET /v1/me, or the 401 of an officer), signs, asks. */
int forge_ask_signed(struct forge *f, struct forge_request *q,
		     struct world_answer *out);

/* ---- revisions ---- */

/* The key of the relay's guard that devices wrap content keys for. */
const struct crypto_public *forge_guard(const struct forge *f);

/* One revision.  Change what shall be wrong, then sign and send. */
struct forge_revision {
	struct manifest m;
	struct opening opening;
	struct digest parents[MANIFEST_PARENTS_MAX];
	struct digest keys[MANIFEST_KEYS_MAX];
	uint8_t content_key[CRYPTO_KEY_LEN];
	struct segment_keys segment_keys;
	struct buf blob; /* table and segments */
	struct buf jws;
	struct digest digest; /* once signed */
	struct span label;    /* XML; borrowed */

	struct write_key wrapped[2];
	size_t brought; /* of `wrapped` */
	bool with_opening, with_label, with_content;
	const char *precondition; /* "if-none-match", "if-match" or NULL */
	char tag[HTTP_ETAG_TEXT_LEN + 1];
};

/* The first of a document, of that content, unsigned. */
void forge_first(struct forge *f, const char *space, struct span label,
		 struct span content, struct forge_revision *out);
/* An edit over `parent`. */
void forge_edit(struct forge *f, const struct forge_revision *parent,
		struct span content, struct forge_revision *out);
void forge_revision_clear(struct forge_revision *r);
/* Signs with f->key, whoever the manifest names. */
void forge_sign(struct forge *f, struct forge_revision *r);
/* Signs any payload as a manifest. */
void forge_sign_payload(struct forge *f, struct forge_revision *r,
			struct span payload);
/* Wraps r->content_key as `commitment` for a guard key, as the i-th. */
void forge_wrap(struct forge *f, struct forge_revision *r, size_t i,
		const struct crypto_public *guard, struct digest commitment);
/* The body of its PUT. */
void forge_body(const struct forge_revision *r, struct buf *out);
/* Sends what was signed. */
int forge_send(struct forge *f, const struct forge_revision *r,
	       struct world_answer *out);
/* Signs and sends. */
int forge_put(struct forge *f, struct forge_revision *r,
	      struct world_answer *out);

/* A statement over `r`, number 2 unless `number` says otherwise. */
struct forge_statement {
	struct statement s;
	struct opening opening;
	struct digest previous[1], heads[1];
	struct span label;
	bool with_label;
	struct digest digest; /* once sent */
};
void forge_statement(struct forge *f, const struct forge_revision *r,
		     enum statement_kind kind, struct span label,
		     struct forge_statement *out);
int forge_state(struct forge *f, struct forge_statement *s,
		struct world_answer *out);

/* ---- enrolment ---- */

/* A token of the operator for that subject. */
void forge_token(struct forge *officer, const char *subject,
		 struct enrol_token *out);
/* The request of a device with these keys, under these facts of a token. */
void forge_enrolment(const struct enrol_token *token,
		     const struct crypto_key *tls,
		     const struct crypto_key *author,
		     const struct crypto_key *wrapping,
		     struct enrol_request *request, struct buf *csr);

#endif
