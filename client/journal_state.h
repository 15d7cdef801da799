/*
 * Inside the journal: a record's plaintext as operations, and the memory that
 * they change.  Only journal*.c include this.
 */
#ifndef CLIENT_JOURNAL_STATE_H
#define CLIENT_JOURNAL_STATE_H

#include "client/journal.h"

enum journal_op {
	JOURNAL_DOCUMENT = 1,
	JOURNAL_SHELF,
	JOURNAL_FORGET,
	JOURNAL_CURSOR,
	JOURNAL_MARK, /* twice the mark, and 1 while a sweep is under way */
	JOURNAL_SWEEP,
	JOURNAL_KEY,
	JOURNAL_KEY_DROP,
	JOURNAL_AUTHOR,
	JOURNAL_LABEL,
	JOURNAL_OUTGOING,
	JOURNAL_OUTGOING_DROP,
	JOURNAL_FILE,
	JOURNAL_FILE_DROP,
	JOURNAL_SERIAL,
};

/* Appends one operation. */
void journal_write_document(struct buf *b, const struct journal_document *d);
void journal_write_shelf(struct buf *b, const struct journal_shelf *s);
void journal_write_digest(struct buf *b, enum journal_op op, struct digest d);
void journal_write_text(struct buf *b, enum journal_op op, struct span text);
void journal_write_number(struct buf *b, enum journal_op op, uint64_t n);
void journal_write_key(struct buf *b, const struct journal_key *k);
void journal_write_key_drop(struct buf *b, struct doc_id document,
			    struct digest commitment);
void journal_write_author(struct buf *b, const struct journal_author *a);
void journal_write_label(struct buf *b, const struct journal_label *l);
void journal_write_outgoing(struct buf *b, const struct journal_outgoing *o);
void journal_write_file(struct buf *b, const struct journal_file *f);
void journal_write_serial(struct buf *b, const struct journal_serial *s);

/*
 * Applies the operations of one record.  ERR_CORRUPT for what was never
 * written, ERR_NO_MEMORY; then the memory is not to be used.  `dropped` is
 * set if a key or document went.
 */
struct err journal_apply(struct journal *j, struct span ops, bool *dropped);
/* Releases and wipes the memory. */
void journal_state_clear(struct journal *j);

#endif
