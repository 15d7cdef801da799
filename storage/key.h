/*
 * The bytes of every key, table by table.
 *
 * Integers are big-endian, so that rows stand in numeric order and grow at
 * the end.  Where a table has more than one kind of row, the first byte tells
 * them apart (KEY_*).  Variable text stands last, or has a zero byte after it.
 */
#ifndef STORAGE_KEY_H
#define STORAGE_KEY_H

#include "proto/base/id.h"

enum { KEY_MAX = 192, KEY_TEXT_MAX = 80, LEASE_ID_LEN = 16 };

struct key {
	uint8_t at[KEY_MAX];
	size_t len;
	bool bad; /* did not fit: every use is ERR_TOO_LARGE */
};

static inline struct span key_span(const struct key *k)
{
	return span_of(k->at, k->len);
}

/* The first byte, in tables with several kinds of rows. */
enum key_kind {
	/* groups */
	KEY_GROUP_ROW = 0,
	KEY_GROUP_ROOT = 1,
	KEY_GROUP_UNSIGNED = 2,
	KEY_GROUP_SIGNATURE = 3,
	KEY_GROUP_LEAF = 4,
	/* shelves */
	KEY_SHELF_NUMBER = 0,
	KEY_SHELF_NAME = 1,
	KEY_SHELF_LABEL = 2,
	/* views */
	KEY_VIEW_NUMBER = 0,
	KEY_VIEW_CONTENT = 1,
	/* devices */
	KEY_DEVICE_AUTHOR = 0,
	KEY_DEVICE_CERTIFICATE = 1,
	KEY_DEVICE_KEY = 2,
	KEY_DEVICE_SUBJECT = 3,
	/* spaces */
	KEY_SPACE_ROW = 0,
	KEY_SPACE_MEMBER = 1,
	/* slots */
	KEY_SLOT_ROW = 0,
	KEY_SLOT_DOCUMENT = 1,
	KEY_SLOT_PURGING = 2,
	/* policies */
	KEY_POLICY_FILE = 0,
	KEY_POLICY_SET = 1,
	KEY_POLICY_VERSION = 2,
	/* certificates */
	KEY_CERTIFICATE_DIGEST = 0,
	KEY_CERTIFICATE_REPLICA = 1,
	KEY_CERTIFICATE_ROOT = 2,
	/* readers, in ledgers and wherever a reader is named */
	KEY_READER_DEVICE = 0,
	KEY_READER_NATION = 1,
	/* segments */
	KEY_SEGMENT_PART = 1,
};

/* ---- building blocks, for prefixes and for tables of one's own ---- */

struct key key_empty(void);
void key_put(struct key *k, struct span bytes);
void key_put_u8(struct key *k, uint8_t v);
void key_put_u32(struct key *k, uint32_t v);
void key_put_u64(struct key *k, uint64_t v);
/* The bytes as they are: for a key that a cursor gave. */
struct key key_raw(struct span bytes);
/* A kind alone: the prefix of all rows of that kind. */
struct key key_of_kind(enum key_kind kind);
/* The smallest key greater than all that begin with `prefix`. */
struct key key_after_prefix(struct key prefix);

/* ---- header, counters ---- */
struct key key_header(void);
struct key key_version(void); /* of the header's table */
struct key key_hold(void);
struct key key_counter(const char *name);

/* ---- documents: one record each ---- */
struct key key_document(struct doc_id doc);

/* ---- feed: (shelf number, sequence) to document ---- */
struct key key_feed(uint32_t shelf, struct seq seq);
struct key key_feed_shelf(uint32_t shelf); /* prefix */
struct err key_feed_decode(struct span key, uint32_t *shelf, struct seq *seq);

/* ---- groups ---- */
struct key key_group(uint64_t number);
struct key key_group_root(struct digest root);
struct key key_group_unsigned(uint64_t number);
struct key key_group_signature(uint64_t number);
struct key key_group_leaf(uint64_t number, uint16_t leaf);

/* ---- audit ---- */
struct key key_audit(uint64_t number);

/* ---- labels, authors ---- */
struct key key_label(struct digest label);
struct key key_author(struct key_id author);

/* ---- shelves: by number, by name (digest), by label (which shelves name
 * this label) ---- */
struct key key_shelf(uint32_t number);
struct key key_shelf_name(struct digest name);
struct key key_shelf_label(struct digest label, uint32_t number);
struct key key_shelf_label_prefix(struct digest label);

/* ---- views: by number, by content (digest of its shelves) ---- */
struct key key_view(uint64_t number);
struct key key_view_content(struct digest content);

/* ---- readers ---- */
struct reader_name {
	enum key_kind kind;   /* KEY_READER_DEVICE or KEY_READER_NATION */
	struct key_id device; /* author key */
	struct nation nation;
};
struct reader_name reader_device(struct key_id author);
struct reader_name reader_nation(struct nation nation);
bool reader_name_eq(const struct reader_name *a, const struct reader_name *b);

/* ---- ledgers: one row per reader; and one per shelf lost ---- */
struct key key_ledger(const struct reader_name *reader);
struct key key_ledger_loss(const struct reader_name *reader, uint32_t shelf);

/* ---- subjects (people, by text of at most 64), officers ---- */
struct key key_subject(struct span name);
struct key key_officer(struct span name);

/* ---- devices: by author key; by TLS certificate; every key ever
 * registered; by subject ---- */
struct key key_device(struct key_id author);
struct key key_device_certificate(struct digest certificate);
struct key key_device_key(struct key_id key);
struct key key_device_subject(struct span subject, struct key_id author);
struct key key_device_subject_prefix(struct span subject);

/* ---- spaces, and their members ---- */
struct key key_space(struct span space);
struct key key_space_member(struct span space, struct span subject);
struct key key_space_members(struct span space); /* prefix */

/* ---- peers, rules ---- */
struct key key_peer(struct nation nation);
struct key key_rule(uint64_t number);

/* ---- statements: (document, number, digest) ---- */
struct key key_statement(struct doc_id doc, uint64_t number,
			 struct digest digest);
struct key key_statements(struct doc_id doc); /* prefix */
struct key key_statements_number(struct doc_id doc, uint64_t number);

/* ---- slots of the ring ---- */
struct key key_slot(uint64_t slot);
struct key key_slot_document(uint64_t slot, struct doc_id doc);
struct key key_slot_documents(uint64_t slot); /* prefix */
struct key key_slot_purging(uint64_t slot);

/* ---- uploads, tokens, quarantine, nonces ---- */
struct key key_upload(const uint8_t id[LEASE_ID_LEN]);
struct key key_token(const uint8_t id[LEASE_ID_LEN]);
struct key key_quarantine(struct nation from, struct digest digest);
struct key key_nonce(uint64_t slot, struct digest base);
struct key key_nonce_slot(uint64_t slot); /* prefix */

/* ---- policies: files and sets by digest, versions by number ---- */
struct key key_policy_file(struct digest digest);
struct key key_policy_set(struct digest digest);
struct key key_policy_version(uint64_t number);

/* ---- receipts: (document, nation, replica); ticks: (nation, replica,
 * minute) ---- */
struct key key_receipt(struct doc_id doc, struct replica from);
struct key key_receipts(struct doc_id doc); /* prefix */
struct key key_tick(struct replica of, uint64_t minute);
struct key key_ticks(struct replica of); /* prefix */

/* ---- certificates: by digest; (nation, replica, issue); pinned root ---- */
struct key key_certificate(struct digest digest);
struct key key_certificate_replica(struct replica of, uint64_t issue);
struct key key_certificate_replica_prefix(struct replica of);
struct key key_certificate_root(struct nation nation);

/* ---- segments environment: (document, digest) ---- */
struct key key_segment(struct doc_id doc, struct digest segment);
struct key key_segments(struct doc_id doc); /* prefix */
struct key key_segment_table(struct doc_id doc, struct digest table);

#endif
