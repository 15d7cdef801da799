/*
 * The sync machine of a device, without sockets: it says which request is
 * next and takes the answer.
 *
 * Whoever drives it sends what engine_next gives over HTTP/2 to the relay
 * that engine_trust names, as many at once as it likes, and hands each answer
 * to engine_answer; then takes events until there are none.  Work is a task:
 * started by one of the functions below, ended by one event ENGINE_DONE or
 * ENGINE_FAILED.  Memory and folder change only inside these calls; a process
 * killed at any point finds its folder whole.
 *
 * Trust: nothing is forgotten, dropped or shown but on a page signed by the
 * request key of the replica certificate under the pinned seal root; no
 * content but under a manifest that its author signed, with a key that the
 * manifest commits to.
 */
#ifndef CLIENT_ENGINE_H
#define CLIENT_ENGINE_H

#include "client/files.h"
#include "client/identity.h"
#include "client/journal.h"
#include "proto/base/clock.h"
#include "proto/document/manifest.h"
#include "proto/document/statement.h"
#include "proto/exchange/http.h"
#include "proto/exchange/problem.h"

struct engine;

struct engine_config {
	const char *folder;	/* made if it is not there */
	struct span passphrase; /* of the folder's key; empty: a plain key */
	struct clock clock;
	struct random random;
	bool no_sync; /* tests on throw-away folders only */
};

/* ERR_SEALED for a wrong passphrase, ERR_BUSY if another process works in the
 * folder.  A folder without a device is fine: engine_enrolled says. */
struct err engine_open(const struct engine_config *config, struct engine **out);
void engine_close(struct engine *e);

/* ---- whom to call ---- */

bool engine_enrolled(const struct engine *e);
const struct identity *engine_identity(const struct engine *e);
/* Borrowed; all good until the engine changes. */
struct engine_trust {
	const char *endpoint; /* host:port */
	struct span ca;	      /* DER, or empty: pin by ca_digest */
	struct digest ca_digest;
	struct span certificate;      /* DER, empty before enrolment */
	const struct crypto_key *key; /* of that certificate, or NULL */
};
struct engine_trust engine_trust(const struct engine *e);

/* ---- requests and answers ---- */

struct engine_call {
	uint64_t id;
	struct span method, target; /* "GET", "/v1/changes?since=..." */
	const struct http_field *fields;
	size_t fields_count;
	struct span body;
	size_t answer_max; /* a longer body is cut off: ERR_TOO_LARGE */
	unsigned wait_s;   /* how long the relay may hold the answer */
};

/* The next request that is ready, or false.  Borrowed until engine_answer
 * with its id. */
bool engine_next(struct engine *e, const struct engine_call **out);
/* Where engine_next gave nothing and nothing is in hand, but engine_busy is
 * true: milliseconds until a request is ready that a busy relay (503 with
 * Retry-After) put off; 0 if none is put off. */
uint64_t engine_wait_ms(const struct engine *e);
/* Its answer; status 0: the relay could not be reached, and `why` tells. */
void engine_answer(struct engine *e, uint64_t id, int status,
		   struct http_fields fields, struct span body, struct err why);

enum engine_event_kind {
	ENGINE_CHANGED,	 /* `document` is new or changed */
	ENGINE_DROPPED,	 /* `document` is gone for this device */
	ENGINE_PROGRESS, /* `done` of `total` bytes of a task */
	ENGINE_DONE,	 /* the task is over; `document`, `digest` of writes */
	ENGINE_FAILED,	 /* the task is over: `why`, and the relay's words */
};

struct engine_event {
	enum engine_event_kind kind;
	uint64_t task;
	struct doc_id document;
	struct digest digest;
	struct dot dot; /* of a revision accepted */
	uint64_t done, total;
	struct err why;
	/* "" if the relay said nothing; good until the next engine_event. */
	const char *detail, *mend, *reference;
};

/* The next event, or false. */
bool engine_event(struct engine *e, struct engine_event *out);
/* True while any task is not over. */
bool engine_busy(const struct engine *e);

/* ---- tasks ---- */

/* First contact: keys are made, the answer's MACs checked, CA, seal root and
 * replica certificate pinned.  ERR_EXISTS if enrolled. */
struct err engine_enrol(struct engine *e, struct span token, uint64_t *task);

/*
 * Everything that changed: pages until there are no more, authors of heads
 * that are new, keys for every head, and the acknowledgement of the cursor.
 * `wait_s`: hold the first answer so long until there is something new.
 */
struct err engine_pull(struct engine *e, unsigned wait_s, uint64_t *task);

/* The content blob of a head, by ranges; goes on where it stopped. */
struct err engine_fetch(struct engine *e, struct doc_id document,
			struct digest revision, uint64_t *task);
/* A label's XML and marking, into the journal. */
struct err engine_fetch_label(struct engine *e, struct digest label,
			      uint64_t *task);

struct engine_put {
	/* An edit: a document that is known here. */
	bool edit;
	struct doc_id id;
	/* Parents, heads that are known here; none: all of them. */
	const struct digest *parents;
	size_t parents_count;
	/* Keep it beside if the parents are no longer heads; then they need
	 * not be known here. */
	bool beside;
	/* A new document: */
	struct span space;
	struct span label; /* XML */
	/* Both: */
	struct span title; /* UTF-8 */
	struct files_plain content;
	uint8_t priority; /* enum manifest_priority */
};

/* Seals, signs and keeps the revision (it survives a crash), uploads what is
 * larger than 16 KiB in pieces, and writes it.  `document` and `digest` are
 * known at once. */
struct err engine_put(struct engine *e, const struct engine_put *put,
		      struct doc_id *document, struct digest *digest,
		      uint64_t *task);
/* Tasks for what an earlier process did not finish sending; `count` of
 * them. */
struct err engine_resume(struct engine *e, size_t *count);

/* A label, delete or recall statement over what is known here. */
struct err engine_state(struct engine *e, struct doc_id document,
			enum statement_kind kind, struct span label,
			uint64_t *task);

/* ---- reading ---- */

const struct journal *engine_journal(const struct engine *e);
struct journal *engine_journal_change(struct engine *e);
/* Appends the title of a head; ERR_MISSING_KEY until its key is here,
 * ERR_SIGNATURE for a head whose author is not verified. */
struct err engine_title(struct engine *e, struct doc_id document,
			struct digest revision, struct buf *out);
/* True if the head's content was fetched. */
bool engine_has_content(struct engine *e, struct doc_id document,
			struct digest revision);
/* The plaintext: to `path`, or appended to `out` where path is NULL.
 * ERR_MISSING_CONTENT until it was fetched. */
struct err engine_read(struct engine *e, struct doc_id document,
		       struct digest revision, const char *path,
		       struct buf *out);
/* The SHA-256 of the plaintext, without showing it. */
struct err engine_plain_digest(struct engine *e, struct doc_id document,
			       struct digest revision, struct digest *out);
/* The plaintext's length of a head, as its manifest says. */
struct err engine_size(struct engine *e, struct doc_id document,
		       struct digest revision, uint64_t *out);
/* The body of a PUT for `put`, appended as JSON, and its document: what curl
 * can send.  Content up to 16 KiB only. */
struct err engine_seal(struct engine *e, const struct engine_put *put,
		       struct doc_id *document, struct digest *digest,
		       struct buf *out);

#endif
