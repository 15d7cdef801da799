/*
 * The changes feed on the wire: one page of `GET /v1/changes`, and the single
 * row of `GET /v1/documents/{id}` (docs/API.md).
 *
 * A row replaces what the reader holds of that document; a page and its
 * cursor are applied in one local transaction.  Devices and nations get the
 * same rows; a nation's carry the statements and the foreign seals too.
 *
 * Manifests and statements are compact JWS texts, seals are blobs; whoever
 * decodes a page reads those with proto/document.  Nothing is verified here.
 */
#ifndef PROTO_EXCHANGE_CHANGES_H
#define PROTO_EXCHANGE_CHANGES_H

#include "proto/base/json.h"
#include "proto/document/docid.h"
#include "proto/document/version.h"

enum {
	CHANGES_PAGE_BYTES = 256 * 1024, /* a page of more than one row */
	CHANGES_ROWS_MAX = 1000,
	CHANGES_BODY_MAX = 16 << 20, /* a page of one row may be larger */
	CHANGES_ARENA_MAX = 2 * CHANGES_BODY_MAX, /* enough to decode one */
	CHANGES_CURSOR_MAX = 512,		  /* of the cursor's text */
	CHANGES_FORGET_MAX = 65536,
	CHANGES_SHELVES_MAX = 65536,
	CHANGES_HEADS_MAX = 64,	      /* of a row */
	CHANGES_STATEMENTS_MAX = 256, /* of a row */
	CHANGES_EVIDENCE_MAX = 32,    /* of a head */
	CHANGES_LABELS_MAX = 64,      /* of a shelf */
	CHANGES_DIGESTS_MAX = 16,     /* statements of one number */
	CHANGES_WAIT_MAX_S = 55,
};

/* A foreign seal that a head's context rests on. */
struct changes_evidence {
	struct digest digest; /* of the manifest that it is about */
	struct key_id author;
	struct span seal; /* blob */
};

struct changes_head {
	struct span manifest; /* compact JWS */
	struct dot dot;
	struct span seal; /* blob; empty until the group is signed */
	struct digest shelf;
	uint64_t content; /* bytes of the content blob */
	bool winner;
	const struct changes_evidence *evidence; /* for nations */
	size_t evidence_count;
};

/* Statement 1 is the first manifest: `first`, and `jws` is a manifest. */
struct changes_statement {
	struct span jws;
	bool first;
	struct span seal; /* blob; empty until the group is signed */
};

struct changes_row {
	struct doc_id id;
	struct nation home;
	struct opening opening;
	uint64_t number;	      /* of the statement in force, from 1 */
	const struct digest *digests; /* and its digest; normally one */
	size_t digests_count;
	bool has_label;	     /* its label is one that the reader may see */
	struct digest label; /* what an edit is written under */
	const struct changes_head *heads; /* none: gone for this reader */
	size_t heads_count;
	const struct changes_statement *statements; /* for nations */
	size_t statements_count;
};

struct changes_shelf {
	struct digest shelf;
	struct span space;
	const struct digest *labels;
	size_t labels_count;
	uint64_t condition;
};

struct changes_page {
	struct span cursor;
	bool fresh; /* first page of a client that came without a cursor */
	bool more;
	const struct digest *forget; /* shelves, before the rows */
	size_t forget_count;
	const struct changes_row *rows;
	size_t rows_count;
	const struct changes_shelf *shelves; /* every one that rows name */
	size_t shelves_count;
};

/* ---- writing, row by row ---- */

/* A page on its way; zero it before changes_page_begin. */
struct changes_writer {
	struct buf *out;
	struct json_writer json;
	size_t start; /* bytes of `out` before the page */
	size_t rows;
};

/* Starts a page in `out`, after what it holds.  The buffer's cap is the
 * caller's: CHANGES_BODY_MAX is enough for every row that can exist. */
void changes_page_begin(struct changes_writer *w, struct buf *out);
/*
 * Adds a row.  False, and nothing added, if with it the page would pass
 * CHANGES_ROWS_MAX or CHANGES_PAGE_BYTES; a first row always fits.
 */
bool changes_page_row(struct changes_writer *w, const struct changes_row *row);
/* Bytes of the page so far. */
size_t changes_page_size(const struct changes_writer *w);
/* Adds everything of `page` but its rows, and ends it; then buf_check. */
void changes_page_end(struct changes_writer *w,
		      const struct changes_page *page);

/* A whole page at once, all its rows, whatever their size: for tests. */
void changes_page_encode(const struct changes_page *page, struct buf *out);

/* ---- reading ---- */

/* Strict: ERR_MALFORMED for unknown, missing or surplus members and for
 * counts beyond the caps; ERR_TOO_LARGE at the arena's cap.  Everything
 * lives in `arena`. */
struct err changes_page_decode(struct span body, struct arena *arena,
			       struct changes_page *out);

/* ---- one row: GET /v1/documents/{id} ---- */

void changes_document_encode(const struct changes_row *row,
			     const struct changes_shelf *shelves,
			     size_t shelves_count, struct buf *out);
/* `page` gets one row and its shelves. */
struct err changes_document_decode(struct span body, struct arena *arena,
				   struct changes_page *page);

#endif
