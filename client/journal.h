/*
 * What a device knows: heads, shelves, keys with their `until`, cursor, and
 * what it still has to send.  Held in memory, kept in one append-only file.
 *
 * One record is one transaction: a page and its cursor stand in one record or
 * not at all.  A record is sealed (AES-256-GCM under the folder's key, with
 * its place in the file as associated data), so a torn end is seen and cut
 * off, and anything else that fails is ERR_CORRUPT.  When the file holds much
 * that is no longer true it is written anew beside and renamed.
 *
 *	<folder>/journal   "entente journal 1\n", 16 bytes that name this file,
 *	                   then records: u32 length, nonce12, ciphertext, tag16
 */
#ifndef CLIENT_JOURNAL_H
#define CLIENT_JOURNAL_H

#include "proto/base/random.h"
#include "proto/crypto/crypto.h"
#include "proto/document/docid.h"
#include "proto/document/version.h"

enum {
	JOURNAL_RECORD_MAX = 48 << 20,
	JOURNAL_COMPACT_BYTES = 4 << 20, /* not worth it below */
};

/* A head as the relay sent it. */
struct journal_head {
	struct digest digest; /* of the manifest */
	struct span manifest; /* compact JWS */
	struct span seal;     /* blob or empty */
	struct dot dot;
	struct digest shelf;
	uint64_t content; /* bytes of the content blob */
	bool winner;
	bool verified; /* the author's signature was checked */
};

struct journal_document {
	struct doc_id id;
	struct nation home;
	struct opening opening; /* its space lives here too */
	uint64_t number;	/* of the statement in force */
	struct digest *digests;
	size_t digests_count;
	bool has_label; /* its label, if this device may see it */
	struct digest label;
	struct journal_head *heads;
	size_t heads_count;
	uint64_t mark; /* of the sync that sent it last: mark and sweep */
	void *block;   /* the memory of all of it */
};

struct journal_shelf {
	struct digest shelf;
	struct span space;
	const struct digest *labels;
	size_t labels_count;
	uint64_t condition;
	void *block;
};

struct journal_key {
	struct doc_id document;
	struct digest commitment;
	uint8_t key[CRYPTO_KEY_LEN];
	uint64_t until; /* UTC seconds; 0 is none */
};

/* An author whose record was checked. */
struct journal_author {
	struct key_id id;
	uint8_t spki[CRYPTO_SPKI_MAX];
	size_t spki_len;
};

/* A label as fetched, to show its marking and to write under it again. */
struct journal_label {
	struct digest digest;
	struct span xml, color,
		marking; /* marking in English, else the first */
	void *block;
};

/* A revision or statement on its way out; kept until answered. */
struct journal_outgoing {
	struct digest digest; /* of the manifest or statement */
	struct doc_id document;
	bool statement;
	bool beside;	    /* If-Match: * */
	struct span body;   /* of the PUT or POST, ready to send */
	struct digest base; /* If-Match; zero with `create` */
	bool create;
	struct digest table; /* of content to be uploaded first */
	uint64_t size;	     /* its plaintext */
	bool upload;
	struct span location; /* of an upload begun: path, or empty */
	struct digest parent; /* head that this upload builds on, or zero */
	void *block;
};

/* A file of a synced folder, and the state it was last in. */
struct journal_file {
	struct span name;
	struct doc_id document;
	struct digest revision; /* head it was written from or sent as */
	struct digest plain;	/* SHA-256 of its bytes */
	void *block;
};

/* My own highest serial of a document. */
struct journal_serial {
	struct doc_id document;
	uint64_t serial;
};

/* Read freely; changed only by the functions below.  Arrays are sorted by
 * their first member. */
struct journal {
	struct journal_document *documents;
	size_t documents_count;
	struct journal_shelf *shelves;
	size_t shelves_count;
	struct journal_key *keys;
	size_t keys_count;
	struct journal_author *authors;
	size_t authors_count;
	struct journal_label *labels;
	size_t labels_count;
	struct journal_outgoing *outgoing; /* in the order they were made */
	size_t outgoing_count;
	struct journal_file *files;
	size_t files_count;
	struct journal_serial *serials;
	size_t serials_count;
	char *cursor;  /* "" before the first page */
	uint64_t mark; /* of what is put now */
	bool sweeping; /* since journal_put_mark, until journal_put_sweep */
	struct journal_disk *disk;
};

/*
 * Opens or makes the journal of `folder`.  ERR_SEALED if the key is not the
 * folder's, ERR_CORRUPT for damage before the end, ERR_BUSY if another
 * process has it.  `key` is copied.
 */
struct err journal_open(const char *folder, const uint8_t key[CRYPTO_KEY_LEN],
			const struct random *random, bool no_sync,
			struct journal **out);
void journal_close(struct journal *j);

/*
 * A transaction: changes are written down, and at commit appended, synced,
 * and only then applied to the memory.  One at a time.
 */
struct journal_txn;
struct err journal_begin(struct journal *j, struct journal_txn **out);
/* After a failure nothing has changed; the transaction ends either way. */
struct err journal_commit(struct journal_txn **txn);
void journal_abort(struct journal_txn **txn);

/* Replaces the document; without heads it is dropped, keys and all. The mark
 * is the journal's of the moment. */
void journal_put_document(struct journal_txn *txn,
			  const struct journal_document *d);
void journal_put_shelf(struct journal_txn *txn, const struct journal_shelf *s);
/* Drops every head that stands on that shelf. */
void journal_forget_shelf(struct journal_txn *txn, struct digest shelf);
void journal_put_cursor(struct journal_txn *txn, struct span cursor);
/* Mark: what is put from now on is new.  Sweep: drop what is not. */
void journal_put_mark(struct journal_txn *txn);
void journal_put_sweep(struct journal_txn *txn);
void journal_put_key(struct journal_txn *txn, const struct journal_key *key);
void journal_drop_key(struct journal_txn *txn, struct doc_id document,
		      struct digest commitment);
void journal_put_author(struct journal_txn *txn,
			const struct journal_author *author);
void journal_put_label(struct journal_txn *txn,
		       const struct journal_label *label);
/* Also replaces: for the location of an upload. */
void journal_put_outgoing(struct journal_txn *txn,
			  const struct journal_outgoing *o);
void journal_drop_outgoing(struct journal_txn *txn, struct digest digest);
void journal_put_file(struct journal_txn *txn, const struct journal_file *f);
void journal_drop_file(struct journal_txn *txn, struct span name);
void journal_put_serial(struct journal_txn *txn, struct doc_id document,
			uint64_t serial);

/* Writes the file anew if something was dropped since (what the old file
 * still held goes with it), or if it holds much that is no longer true. */
struct err journal_tidy(struct journal *j);

/* Each NULL if there is none. */
const struct journal_document *journal_find_document(const struct journal *j,
						     struct doc_id id);
const struct journal_head *journal_find_head(const struct journal_document *d,
					     struct digest digest);
/* The head to show: the relay's winner, else the first. */
const struct journal_head *journal_winner(const struct journal_document *d);
const struct journal_shelf *journal_find_shelf(const struct journal *j,
					       struct digest shelf);
const struct journal_key *journal_find_key(const struct journal *j,
					   struct doc_id document,
					   struct digest commitment);
const struct journal_author *journal_find_author(const struct journal *j,
						 struct key_id id);
const struct journal_label *journal_find_label(const struct journal *j,
					       struct digest digest);
const struct journal_outgoing *journal_find_outgoing(const struct journal *j,
						     struct digest digest);
const struct journal_file *journal_find_file(const struct journal *j,
					     struct span name);
uint64_t journal_serial_of(const struct journal *j, struct doc_id document);

#endif
