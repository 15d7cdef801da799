/*
 * The guard's operations, without a loop, a socket or a thread of their own.
 *
 * The same core runs under the daemon, the tests and the simulation.  Clock,
 * random source and store are handed in.  A request becomes a job; a job is
 * checked (signatures, decisions, reading; on any worker thread), written
 * where it changes anything or must be on the record (on the one writer
 * thread, many jobs in one commit), and only then answered.
 *
 *	core_job_new -> core_check -+-> core_write (a batch) -+-> core_answer
 *	                            +-------------------------+
 *
 * After commits, core_seal signs their group; it runs beside the next ones.
 */
#ifndef RELAY_GUARD_CORE_CORE_H
#define RELAY_GUARD_CORE_CORE_H

#include "proto/base/buf.h"
#include "proto/base/clock.h"
#include "proto/base/id.h"
#include "proto/base/random.h"

struct core; /* one guard: store, ring, policy, readers in memory */
struct job;  /* one request on its way through */

enum core_listener {
	CORE_DEVICE,
	CORE_PEER,
	CORE_ADMIN,
	CORE_INTERNAL, /* the guard's own pulls and housekeeping */
};

/* One request as a front hands it on.  Spans are copied by core_job_new. */
struct core_request {
	enum core_listener listener;
	struct span certificate; /* DER of the client's, empty if none */
	struct span method;	 /* "GET" */
	struct span authority;	 /* "relay.example:8443" */
	struct span target;	 /* path and query: "/v1/changes?since=" */
	const struct core_field
		*fields; /* lower-case names, no pseudo-fields */
	size_t field_count;
	struct span body; /* whole, unless the route streams its body */
	/* Refused already, by the front: the core finds out who asked, and
	 * writes the answer with its reference. */
	struct err refused;
};

struct core_field {
	struct span name;
	struct span value;
};

/* How the front treats a request's body and how large an answer may be stands
 * in relay/route.h: route_find. */

/* What leaves.  Lives in the job, until job_free. */
struct core_answer {
	int status;
	struct core_field fields[12];
	size_t field_count;
	struct span body;
	/* A long body instead of `body`: read with core_read. */
	bool body_streams;
	uint64_t body_len;
};

struct core_config {
	const char *folder; /* the relay's folder */
	struct nation nation;
	const char *ceiling;  /* a classification of the governing policy */
	const char *endpoint; /* host:port of the device listener */
	const char *peer_endpoint; /* host:port of the peer listener */
	uint64_t quota_bytes;	   /* of the store; 0: none */
	const uint8_t *root_key;   /* 32 bytes; wiped by the caller */
	struct clock clock;
	struct random random;
	struct store_faults
		*faults; /* of storage/store.h, for tests; or NULL */
};

/* Opens store and ring; at first start makes them and takes the start file's
 * keys in.  Finishes what a crash left: unsigned groups, purges, garbage. */
struct err core_open(const struct core_config *config, struct core **out);
void core_close(struct core *core);

struct err core_job_new(struct core *core, const struct core_request *request,
			struct job **out);
void job_free(struct job *job);

enum core_next {
	CORE_NEXT_WRITE,  /* hand it to core_write */
	CORE_NEXT_ANSWER, /* core_answer is ready */
	CORE_NEXT_WAIT,	  /* long poll: park until core_epoch changes or the
			   * job's deadline, then core_check again */
	CORE_NEXT_BODY,	  /* an upload: feed core_body and core_body_store, then
			   * core_body_end */
};

/* Any thread; never blocks on the disk but for page faults. */
enum core_next core_check(struct job *job);
/* When a parked job must be checked again at the latest, milliseconds. */
uint64_t core_deadline_ms(const struct job *job);
/* Rises with each commit that may concern a parked reader. */
uint64_t core_epoch(const struct core *core);

/* The writer thread only: one transaction for all of them (at most 256), one
 * commit; afterwards core_answer is ready for each.  A job that fails its
 * precondition fails alone.  Without jobs it writes the signatures that
 * core_seal made, if they are not written yet. */
enum { CORE_BATCH_MAX = 256 };
void core_write(struct core *core, struct job **jobs, size_t count);

/* Sign the groups committed so far, but for one that a transaction under way
 * may add to: that is for a later call.  Commits share a group for 25 ms, so
 * to call it at once after each is dear.  One thread at a time, not the
 * writer's.  Returns true if something was signed. */
bool core_seal(struct core *core);

/* Valid after CORE_NEXT_ANSWER or core_write. */
const struct core_answer *core_answer(const struct job *job);

/* The daemon itself refuses the job, which no thread has in hand: core_answer
 * is ready then. */
void core_refuse(struct job *job, struct err why);
/* The problem document, with its reference, of a request that never became a
 * job. */
void core_problem(struct core *core, struct err why, struct buf *out);

/* A long body: up to `out`'s room from `offset`; each piece in a short read
 * transaction of its own.  ERR_CORRUPT ends the stream. */
struct err core_read(struct job *job, uint64_t offset, size_t max,
		     struct buf *out);

/* An upload's body, in order; any thread.  Adds to `ready` the bytes that this
 * piece made ready for core_body_store: whole segments, checked. */
struct err core_body(struct job *job, struct span piece, size_t *ready);
/* Stores of what is ready up to CORE_COMMIT_MAX in one commit; on the segment
 * writer's thread, also while core_body has the job.  `stored` are the bytes
 * that are not held any more, durable or not. */
struct err core_body_store(struct job *job, size_t *stored);
enum { CORE_COMMIT_MAX = 1024 * 1024 };
/* The body is at its end (complete) or the stream was cut (not complete); what
 * is ready is stored.  Alone, on the segment writer's thread; afterwards
 * core_check again. */
struct err core_body_end(struct job *job, bool complete);

/*
 * The requests that the guard itself has for other nations (pull).  The
 * daemon hands each to `link`, tests to the other core.
 */
struct core_call {
	uint64_t id;
	struct nation nation;
	char endpoint[264];
	struct span ca;		    /* DER of the CA to pin; or */
	struct span ca_digest;	    /* its SHA-256, at first contact */
	struct span method, target; /* in the call's arena */
	struct core_field fields[12];
	size_t field_count;
	struct span body;
	size_t answer_max;
};
/* The next call that is due, or false.  Owned until core_call_done. */
bool core_call_next(struct core *core, const struct core_call **out);
/* Its outcome; status 0: unreachable.  Copies what it keeps.  The writer's
 * thread only: it may write. */
void core_call_done(struct core *core, uint64_t id, int status,
		    const struct core_field *fields, size_t field_count,
		    struct span body);
/* When the next call is due at the latest, milliseconds. */
uint64_t core_call_deadline_ms(const struct core *core);

/* True after the disk failed a commit: nothing more is served, and the process
 * must end, so that the next one looks at what is really there. */
bool core_dead(const struct core *core);

/* True while a backup was asked for and is not begun. */
bool core_backup_due(const struct core *core);
/* Makes it, on a thread of its own, to the end; it may take long. */
void core_backup_run(struct core *core);
/* Ends one that is being made, soon: before the core is closed. */
void core_backup_stop(struct core *core);

/* Housekeeping that is due (leases, garbage); call each few seconds. */
void core_tick(struct core *core);

#endif
