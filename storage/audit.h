/*
 * The audit: chained records, committed with what they speak of.  A record is
 * about one asker and one verb, and has an item for each document: so all the
 * puts of one device in one commit are one record, as is a `keys` answer.
 *
 * Each record's link is H(E("entente audit v1", store id, replica, number,
 * previous link, H(record))); the first names the store header; the last
 * link is kept apart, so that a changed, a dropped and a truncated record is
 * found.  Never content, titles or keys.
 */
#ifndef STORAGE_AUDIT_H
#define STORAGE_AUDIT_H

#include "proto/base/arena.h"
#include "storage/txn.h"

enum {
	AUDIT_WHO_MAX = 80,
	AUDIT_WHAT_MAX = 40,
	AUDIT_RULE_MAX = 200,
	AUDIT_DETAIL_MAX = 300,
	AUDIT_ITEMS_MAX = 1024,
	AUDIT_RECORD_MAX = 256 << 10,
};

enum audit_who {
	AUDIT_SYSTEM = 0,  /* id: what part, "tick" */
	AUDIT_DEVICE = 1,  /* id: author key, 32 bytes */
	AUDIT_NATION = 2,  /* id: three letters */
	AUDIT_OFFICER = 3, /* id: name */
};

/* One document that a record speaks of. */
struct audit_item {
	struct doc_id doc;
	struct digest digest; /* manifest, statement or commitment; or zero */
	enum err_code outcome;
	struct span rule; /* what decided; may be empty */
};

struct audit_entry {
	uint64_t number;	/* given by audit_append, from 1 */
	uint64_t time;		/* UTC seconds, given by audit_append */
	struct replica replica; /* given by audit_append */
	enum audit_who who;
	struct span who_id;
	struct span what;     /* "document.put", "keys", "label.set": verbs */
	struct digest proof;  /* of what the asker signed; or zero */
	struct digest policy; /* in force; or zero */
	enum err_code outcome;
	struct span rule;   /* may be empty */
	struct span detail; /* short; may be empty */
	size_t count;	    /* of items; 0 where no document is meant */
	struct audit_item *items;
};

/* In the writer's transaction (records): it is durable with its cause. */
struct err audit_append(struct txn *txn, const struct audit_entry *entry,
			uint64_t *number);

/*
 * Several records in one transaction: the chain's head is read with the first
 * and written by audit_chain_end, once.  Zeroed at first; between the two
 * nothing else may append in that transaction.
 */
struct audit_chain {
	bool begun;
	uint64_t number;
	struct digest link;
};
struct err audit_chain_append(struct audit_chain *chain, struct txn *txn,
			      const struct audit_entry *entry,
			      uint64_t *number);
/* Before the commit; nothing if nothing was appended. */
struct err audit_chain_end(struct audit_chain *chain, struct txn *txn);

/* The last number and link; 0 and the first link of an empty audit. */
struct err audit_head(struct txn *txn, uint64_t *number, struct digest *link);

/* One record; parts live in `arena`.  ERR_NOT_FOUND. */
struct err audit_get(struct txn *txn, uint64_t number, struct arena *arena,
		     struct audit_entry *out);

/* What to show: a member that is not set does not narrow. */
struct audit_filter {
	uint64_t from, to; /* UTC seconds, both included; `to` 0 is none */
	bool by_who;
	enum audit_who who;
	struct span who_id; /* empty: any of that kind */
	struct span what;   /* empty: any; "document." any that begins so */
	bool by_doc;
	struct doc_id doc;
	bool refused_only;
};

/*
 * Backwards from the record before `before` (0: from the last), the next that
 * the filter lets through; looks at no more than `*budget` records and takes
 * off what it looked at.  ERR_NOT_FOUND at the beginning, ERR_BUSY when the
 * budget is spent, with `*before` where to go on.  On success `*before` is
 * the number of `out`.
 */
struct err audit_prev(struct txn *txn, const struct audit_filter *filter,
		      uint64_t *before, unsigned *budget, struct arena *arena,
		      struct audit_entry *out);

enum audit_fault {
	AUDIT_SOUND,
	AUDIT_CHANGED,	 /* record `number` is not what was written */
	AUDIT_DROPPED,	 /* record `number` is missing */
	AUDIT_TRUNCATED, /* records from `number` on are missing */
};

struct audit_verdict {
	enum audit_fault fault;
	uint64_t number;    /* first fault; or the last record */
	struct digest link; /* of the last record, when sound */
};

/* Walk the whole chain; an unsound one is a verdict, not an error. */
struct err audit_verify(struct txn *txn, struct audit_verdict *out);
/* The same from record `from` on, trusting the link of the one before. */
struct err audit_verify_from(struct txn *txn, uint64_t from,
			     struct audit_verdict *out);

#endif
