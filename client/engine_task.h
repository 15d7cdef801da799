/*
 * Inside the engine: tasks, the request that each has in hand, and what the
 * files engine_*.c share.  Nothing else includes this.
 */
#ifndef CLIENT_ENGINE_TASK_H
#define CLIENT_ENGINE_TASK_H

#include "client/engine.h"
#include "proto/exchange/changes.h"
#include "proto/exchange/enrol.h"
#include "proto/exchange/signature.h"

enum {
	ENGINE_FIELDS_MAX = 8,
	ENGINE_EVENTS_MAX = 4096, /* beyond it the oldest CHANGED go */
	ENGINE_PIECE = 4 << 20,	  /* of content, up or down */
	ENGINE_RETRIES = 3,	  /* of one request, for want of a nonce */
	ENGINE_BUSY_RETRIES = 4,  /* in a row, where the relay is busy */
	ENGINE_BUSY_MAX_S = 60,	  /* longer is not waited for */
	/* One key agreement with the guard serves so many writes, so long. */
	ENGINE_SENDER_KEYS = 1000,
	ENGINE_SENDER_MS = 10 * 60 * 1000,
};

struct task;

/* What a kind of task does.  `prepare` builds the next request with the
 * functions below, or ends the task; `answer` takes what came. */
struct task_kind {
	void (*prepare)(struct engine *e, struct task *t);
	void (*answer)(struct engine *e, struct task *t,
		       const struct http_response *r);
	void (*clear)(struct task *t);
};

struct task {
	struct task *next;
	const struct task_kind *kind;
	uint64_t id;
	int step; /* of the kind */
	bool in_hand, given, over, is_signed;
	bool had_nonce, nonce_retried; /* of the request in hand */
	unsigned retries, busy;
	uint64_t not_before_ms; /* the relay was busy: no request before */

	struct engine_call call;
	char method[8];
	struct buf target, body;
	struct http_field fields[ENGINE_FIELDS_MAX];
	struct buf values[ENGINE_FIELDS_MAX];
	struct signature_fields signature;

	/* Of pulls. */
	unsigned wait_s;
	uint8_t ask[PAGE_ASK_LEN];
	struct buf since;
	struct arena arena; /* of the page in hand */
	struct changes_page page;
	struct key_id *authors; /* to be fetched for it */
	size_t authors_count, authors_at;
	bool acknowledge;	  /* a page was applied since the last `keys` */
	struct doc_id keys_after; /* documents up to it were asked for */
	bool keys_begun;
	struct keys_want *wants;
	size_t wants_count;

	/* Of fetches, writes and statements. */
	struct doc_id document;
	struct digest digest;
	struct digest table;
	uint64_t size, offset;
	size_t keys_count;
	bool repeated; /* what may be tried twice was */

	/* Of uploads. */
	struct files_upload upload;
	struct digest parent; /* head that it builds on, or zero */
	uint64_t total;	      /* bytes of the upload */
	bool whole;	      /* builds on nothing: the relay has it not */

	/* Of enrolment. */
	struct enrol_token *token;
	struct identity made;
	uint8_t request_mac[32];
};

struct engine {
	char folder[FILES_PATH_MAX];
	struct clock clock;
	struct random random;
	uint8_t folder_key[CRYPTO_KEY_LEN];
	bool enrolled;
	struct identity identity;
	struct replica_certificate *replica; /* of the identity, decoded */
	struct crypto_public *root;
	struct journal *journal;
	struct enrol_token token; /* while enrolling: whom to call */
	bool enrolling;
	bool greeted;	      /* the relay was asked who it is */
	struct digest policy; /* as it said: its pages are signed under it */
	bool has_nonce;
	struct nonce nonce;
	/* Wraps keys for the guard (engine_put.c); NULL before the first. */
	struct wrapped_sender *sender;
	struct key_id sender_to;
	unsigned sender_keys;
	uint64_t sender_ms;
	struct task *tasks;
	uint64_t task_count;
	struct engine_event *events;
	size_t events_count, events_at;
	struct arena problem; /* texts of the event given out */
	struct problem words;
	struct task *refused; /* whose problem `words` is */
};

/* A task of that kind, at its first step. */
struct err engine_task_new(struct engine *e, const struct task_kind *kind,
			   struct task **out);
/* Its event DONE or FAILED. */
void engine_task_done(struct engine *e, struct task *t, struct digest digest,
		      struct dot dot);
void engine_task_fail(struct engine *e, struct task *t, struct err why);
/* FAILED, with the relay's words. */
void engine_task_refused(struct engine *e, struct task *t,
			 const struct http_response *r);
void engine_tell(struct engine *e, const struct engine_event *event);

/* Building the request in hand: begin, put to t->target and t->body, fields,
 * then ready. */
void engine_call_begin(struct task *t, const char *method);
void engine_call_field(struct task *t, const char *name, struct span value);
void engine_call_ready(struct engine *e, struct task *t, size_t answer_max,
		       bool sign);

/* The steps of a pull, each in a file that its functions begin with: a page
 * into the journal; then keys, a nonce before where none is at hand. */
enum { PULL_HELLO, PULL_PAGE, PULL_AUTHORS, PULL_NONCE, PULL_KEYS };
struct err engine_page_apply(struct engine *e, struct task *t);
void engine_keys_prepare(struct engine *e, struct task *t);
void engine_keys_answer(struct engine *e, struct task *t,
			const struct http_response *r);
void engine_nonce_answer(struct engine *e, struct task *t,
			 const struct http_response *r);

/* A task that sends what the journal holds. */
struct err engine_send(struct engine *e, const struct journal_outgoing *o,
		       uint64_t *task);
/* For qsort: lists in manifests and statements are sorted. */
int engine_compare_digests(const void *a, const void *b);

/* Takes a replica certificate if it is newer than what is known and stands
 * under the pinned root; keeps it. */
struct err engine_take_replica(struct engine *e, struct span blob);

/* The manifest of a head, decoded into `arena`. */
struct err engine_manifest(const struct journal_head *head, struct arena *arena,
			   struct manifest *out);
/* Document and head that are known here; ERR_NOT_FOUND. */
struct err engine_find(struct engine *e, struct doc_id document,
		       struct digest revision,
		       const struct journal_document **d,
		       const struct journal_head **h);
/* The segment keys of a manifest, in its order; wipe.  ERR_MISSING_KEY if one
 * is not here or its time is over. */
struct err engine_keys(struct engine *e, const struct manifest *m,
		       struct segment_keys keys[MANIFEST_KEYS_MAX]);
/* Removes content that no head and nothing outgoing names. */
void engine_sweep(struct engine *e);

#endif
