/*
 * What the guard's core holds, and what one request is while it passes.  For
 * relay/guard/core alone.
 */
#ifndef RELAY_GUARD_CORE_STATE_H
#define RELAY_GUARD_CORE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "federation/trust.h"
#include "proto/exchange/http.h"
#include "proto/exchange/nonce.h"
#include "relay/guard/core/agreements.h"
#include "relay/guard/core/core.h"
#include "relay/guard/core/keycache.h"
#include "relay/guard/core/policing.h"
#include "storage/audit.h"
#include "storage/device.h"
#include "storage/document_apply.h"
#include "storage/feed.h"
#include "storage/group.h"
#include "storage/officer.h"
#include "storage/peer.h"
#include "storage/ring.h"

enum {
	JOB_ARENA_MAX = 24 << 20, /* of what one request makes */
	JOB_KEPT_MAX = 8 << 20,	  /* of one request */
	JOB_BODY_MAX = 20 << 20,  /* of one whole answer */
	CORE_REFUSALS_MAX = 4096, /* on their way to the audit */
	CORE_GARBAGE_MAX = 4096,  /* documents whose segments may be dropped */
	CORE_SPARE_SLOTS = 64,
	CORE_TREES_MAX = 64, /* trees of groups on their way to the store */
	CORE_KEY_LIFE_S = 30 * 24 * 3600, /* `until` of a device's keys */
	CORE_SKEW_S = 600,		  /* `created` of a signed request */
	CORE_INLINE_MAX = 16384,
};

/* A group signed beside the commits, waiting to be written. */
struct sealed_group {
	struct sealed_group *next;
	uint64_t number;
	size_t leaves; /* that the root is made over */
	struct digest root;
	uint8_t signature[GROUP_SIG_LEN];
	/* For the ways of its leaves; owned.  NULL beyond CORE_TREES_MAX: then
	 * whoever reads them builds it. */
	struct seal_group *tree;
};

/* The group that commits add to: sealing.c. */
struct open_group {
	uint64_t number; /* 0: none, the next commit begins one */
	uint16_t leaves;
	uint64_t began_ms;
	bool in_hand;	 /* a transaction may be adding to it */
	uint64_t newest; /* the last one committed */
};

/* A refusal on its way to the audit. */
struct refusal {
	enum audit_who who;
	uint8_t who_id[AUDIT_WHO_MAX];
	uint8_t who_len;
	const char *what;
	enum err_code outcome;
	bool has_doc;
	struct doc_id doc;
	char rule[80];
	char detail[80];
};

struct pulls;	/* the pulls of all peers: pulls.c */
struct backing; /* a backup being made: backing.c */

struct core {
	struct nation nation;
	struct replica replica;
	char *folder, *ceiling, *endpoint, *peer_endpoint;
	struct clock clock;
	struct random random;
	uint64_t started_s;

	struct key_provider provider;
	struct ring *ring;
	struct store *store;
	struct shelf_index *shelves;
	struct keycache *keys;
	struct agreements *agreements;
	struct trust *trust;

	/* Who the relay is; borrowed from the ring or owned below. */
	const struct crypto_key *seal_key, *request_key, *guard_p256,
		*guard_p384, *ca_key;
	struct buf ca;		/* DER */
	struct buf root;	/* SPKI of the seal root */
	struct buf certificate; /* replica certificate blob */

	pthread_rwlock_t policing_lock;
	struct policing *policing;

	atomic_uint_fast64_t epoch;	/* for parked readers */
	atomic_uint_fast64_t commits;	/* since the start */
	atomic_uint_fast64_t authority; /* commits that changed who may what */
	uint64_t tick_minute;		/* of our newest; the writer's */
	atomic_bool put_back; /* peers saw ticks of ours that are not here */

	int folder_lock;      /* of store_lock */
	pthread_mutex_t lock; /* the rest */
	struct sealed_group *sealed, **sealed_end;
	uint64_t sealed_upto; /* the sealer's own */
	struct open_group group;
	size_t trees;
	struct refusal *refusals;
	size_t refusal_count, refusals_lost;
	struct doc_id *garbage;
	size_t garbage_count;
	bool purge_due;
	struct feed_expiry expiry;

	struct pulls *pulls;
	struct backing *backing;
	atomic_bool held; /* restored: nothing is released (storage/hold.h) */
	/* Opens references of the time without a guard. */
	uint8_t standing_key[CRYPTO_SIV_KEY_LEN];
};

enum asker_kind {
	ASKER_NOBODY = 1,
	ASKER_DEVICE = 2,
	ASKER_NATION = 4,
	ASKER_OFFICER = 8,
};

/* Who asks, as the store knows him. */
struct asker {
	enum asker_kind kind;
	struct reader_name name;
	struct device device;
	struct subject subject;
	struct peer peer;
	struct officer officer;
	struct key_id key;	    /* that signs his requests */
	struct crypto_public *sign; /* the same; may be owned */
	bool sign_owned;
};

struct operation;

struct job {
	struct core *core;
	const struct operation *op;
	struct arena kept;  /* the request, for its whole life */
	struct arena arena; /* what one check makes */
	enum core_listener listener;
	struct span certificate;
	struct http_request http;
	struct http_path path;
	struct http_query query;
	struct asker asker;
	struct policing *policing;	/* kept */
	struct policing_reader *reader; /* held */
	struct policing_label *label;	/* brought, not stored; owned */
	bool is_signed;
	struct digest proof;
	uint64_t nonce_slot;
	uint64_t seen_commits; /* core->commits when it was checked */
	uint64_t seen_authority;
	uint64_t wait_until_ms;
	bool writes; /* check asks for core_write */
	bool waits;  /* check asks to be parked */
	bool takes_body;
	bool body_taken; /* and the write is what remains */
	bool stale;	 /* something moved since: check again */
	struct err
		refused; /* before its check: by the front, or for its form */
	bool done;
	unsigned again; /* how often it was checked */
	void *state;	/* of the operation; in the arena */

	/* For the audit and the reference of a refusal. */
	bool has_doc;
	struct doc_id doc;
	char rule[80];
	char detail[LABEL_PROBLEM_MAX]; /* for the asker, beside err.detail */
	struct buf members; /* further members of a problem document */

	struct buf body;
	struct core_answer answer;
};

/* What a job did to one document, on its way to the audit. */
struct batch_line {
	const struct job *job;
	struct audit_item item;
};

/* One batch of the writer. */
struct batch {
	struct core *core;
	struct txn *txn;
	struct document_writer writer;
	uint64_t group_ms; /* when its group began */
	struct ring_fills fills;
	struct audit_chain chain;
	size_t line_count;
	struct batch_line lines[CORE_BATCH_MAX];
	uint64_t now_s;
	bool wakes;	/* parked readers must look again */
	bool authority; /* who may what has changed in it */
};

/* How a request must be proved. */
enum proof { PROOF_CERTIFICATE, PROOF_SIGNED, PROOF_SINGLE_USE };

/*
 * One operation of an interface.  `check` reads and decides, on any thread;
 * it fills the answer, or sets job->writes.  `confirm` looks again inside the
 * writer's transaction and may refuse, having written nothing; `apply`
 * writes, and its failure ends the whole batch; `finish` fills the answer
 * after the commit.  `body` takes an upload's pieces, `body_store` keeps what
 * they made ready.  Absent steps are NULL.
 */
struct operation {
	const char *name; /* the audit's and the log's word */
	const char *method;
	const char *path;   /* segments; `{}` takes any one */
	unsigned listeners; /* bits 1 << enum core_listener */
	unsigned askers;    /* bits of enum asker_kind */
	enum proof proof;
	unsigned rights;   /* of a device's subject, all needed */
	unsigned roles;	   /* of an officer: bits 1 << role; 0: any */
	bool beyond_quota; /* its writes go on when the store is full */
	bool held;	   /* goes on in a restored relay that is held */
	bool open;	   /* whoever the certificate names is not looked up */
	struct err (*check)(struct job *job);
	struct err (*confirm)(struct job *job, struct batch *batch);
	struct err (*apply)(struct job *job, struct batch *batch);
	struct err (*finish)(struct job *job);
	struct err (*body)(struct job *job, struct span piece, size_t *ready);
	struct err (*body_store)(struct job *job, size_t *stored);
	struct err (*body_end)(struct job *job, bool complete);
	struct err (*read)(struct job *job, uint64_t offset, size_t max,
			   struct buf *out);
	void (*clear)(struct job *job);
};

/* The lists of operations: ops/ and admin/, NULL-terminated. */
extern const struct operation *const core_operations[];

/* ---- asker.c ---- */
struct err asker_find(struct job *job, struct txn *txn);
/* The reader that the asker is, bound to the policy in force. */
struct err asker_reader(struct job *job);
void asker_clear(struct asker *asker);
/* For the audit. */
void asker_audit(const struct asker *asker, enum audit_who *who,
		 struct span *id);

/* ---- proof.c ---- */
/* Checks the request's own signature. */
struct err proof_check(struct job *job);
/* Marks a single-use proof as used; ERR_NONCE if it was. */
struct err proof_spend(struct job *job, struct txn *txn);
/* A nonce for this asker, as a field of the answer. */
void proof_offer(struct job *job);

/* ---- answer.c ---- */
/* The answer is `status` with job->body as JSON (if not empty). */
void answer_json(struct job *job, int status);
void answer_field(struct job *job, const char *name, struct span value);
/* Whether what was made of the answer is whole: ERR_NO_MEMORY. */
struct err answer_check(const struct job *job);
/* The problem document of `e`, with a reference; the refusal is queued for
 * the audit. */
void answer_refuse(struct job *job, struct err e);
/* The reference of a refusal. */
struct err answer_reference(struct job *job, struct err e, struct buf *out);

/* ---- core.c ---- */
/* The policing in force; release it. */
struct policing *core_policing(struct core *core);
/* A new policy takes its place. Takes `policing`. */
void core_policing_set(struct core *core, struct policing *policing);
void core_wake(struct core *core);
/* The document's segments may have become garbage. */
void core_garbage(struct core *core, struct doc_id doc);
uint64_t core_now_s(const struct core *core);

/* ---- job.c ---- */
/* The methods of the request's path, as the field Allow lists them. */
void job_methods(const struct job *job, struct buf *out);
/* Allocate the operation's state; NULL at the cap. */
void *job_state(struct job *job, size_t len);

/* ---- account.c: what a batch tells the audit ---- */
/* An audit record, in the batch's transaction. */
struct err batch_audit(struct batch *batch, const struct audit_entry *entry);
/* A record of its own about this job. */
struct err job_audit(struct job *job, struct batch *batch,
		     struct audit_item *items, size_t count);
/* This job's one item, in one record with those of the same asker and
 * operation in this batch; the item's digest is of what he signed.  The job
 * must live until the commit. */
struct err job_audit_item(const struct job *job, struct batch *batch,
			  const struct audit_item *item);
/* Writes what job_audit_item gathered, and the head of the chain. */
struct err batch_audit_end(struct batch *batch);

/* ---- write.c ---- */
/* One transaction for these jobs; used by pulls too (no jobs). */
void write_jobs(struct core *core, struct job **jobs, size_t count);
/* `leaves`: the most that it can give; 0: not known. */
struct err batch_begin(struct core *core, bool beyond_quota, size_t leaves,
		       struct batch *out);
struct err batch_commit(struct batch *batch);
void batch_abort(struct batch *batch);

/* ---- sealing.c ---- */
/* At the start: groups from before are closed. */
struct err sealing_open(struct core *core);
/* The group of a batch, for the batch alone until sealing_end. */
struct err sealing_begin(struct batch *batch, size_t leaves);
/* Before the commit: its leaves, unsigned. */
struct err sealing_put(struct batch *batch);
void sealing_end(struct batch *batch, bool committed);
struct err sealing_put_signatures(struct batch *batch,
				  const struct sealed_group *list);
/* A list of signed groups, all of it; its trees are wiped. */
void sealed_groups_free(struct core *core, struct sealed_group *list);

/* ---- record.c ---- */
/* The document, copied into `arena`, so that it outlives the next put; *out
 * is NULL if there is none. */
struct err record_copy(struct txn *txn, struct doc_id id, struct arena *arena,
		       struct document **out);

#endif
