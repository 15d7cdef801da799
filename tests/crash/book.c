/* The audit, read through the admin interface. */
#include "tests/crash/book.h"

#include "proto/base/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAGE = 400, PAGE_BYTES = 32 << 20 };

/* ---- the set ---- */

static uint64_t mix(uint64_t h, const void *at, size_t len)
{
	const uint8_t *p = at;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t hash_of(struct key_id reader, struct doc_id doc,
			struct digest digest)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	h = mix(h, reader.at, sizeof(reader.at));
	h = mix(h, doc.at, sizeof(doc.at));
	h = mix(h, digest.at, sizeof(digest.at));
	return h ? h : 1;
}

static size_t place(const struct book *b, uint64_t hash)
{
	size_t at = hash & (b->room - 1);

	while (b->set[at] && b->set[at] != hash)
		at = (at + 1) & (b->room - 1);
	return at;
}

static void add(struct book *b, uint64_t hash)
{
	size_t at;

	if (2 * b->count >= b->room) {
		struct book next = {.room = b->room ? 2 * b->room : 1 << 16,
				    .count = b->count,
				    .last = b->last};

		next.set = calloc(next.room, sizeof(*next.set));
		if (!next.set)
			abort();
		for (size_t i = 0; i < b->room; i++)
			if (b->set[i])
				next.set[place(&next, b->set[i])] = b->set[i];
		free(b->set);
		*b = next;
	}
	at = place(b, hash);
	b->count += !b->set[at];
	b->set[at] = hash;
}

void book_free(struct book *b)
{
	free(b->set);
	*b = (struct book){0};
}

bool book_has(const struct book *b, struct key_id reader, struct doc_id doc,
	      struct digest digest)
{
	return b->room && b->set[place(b, hash_of(reader, doc, digest))];
}

/* ---- reading ---- */

static void add_items(struct book *b, const struct json *record)
{
	const struct json *items;
	struct key_id reader;

	if (failed(json_get_fixed(record, "reader", reader.at,
				  sizeof(reader.at))) ||
	    failed(json_get_array(record, "items", &items)))
		return; /* not a device's, or of no document */
	for (size_t i = 0; i < json_count(items); i++) {
		const struct json *item = json_at(items, i);
		struct doc_id doc;
		struct digest digest;
		struct span outcome;

		if (!failed(json_get_doc_id(item, "document", &doc)) &&
		    !failed(json_get_digest(item, "digest", &digest)) &&
		    !failed(json_get_string(item, "outcome", &outcome)) &&
		    span_eq_str(outcome, "ok"))
			add(b, hash_of(reader, doc, digest));
	}
}

/* One page, newest first, above `b->last`: false at a fault; `*before` is
 * where to go on, 0 when all is read. */
static bool read_page(struct book *b, const struct nation_daemon *d,
		      uint64_t *before, uint64_t *newest)
{
	const struct json *records;
	struct json *json = NULL;
	struct buf said;
	char from[48] = "";
	uint64_t number = 0;
	bool good = false;

	buf_init(&said, PAGE_BYTES);
	if (*before)
		snprintf(from, sizeof(from), "--before %llu",
			 (unsigned long long)*before);
	if (nation_daemon_entente(d, &said,
				  "audit list --folder @ --json --limit %d %s",
				  PAGE, from) != 0 ||
	    failed(json_parse(buf_span(&said), &json)) ||
	    failed(json_get_array(json, "records", &records))) {
		fprintf(stderr, "the audit cannot be read: %.400s\n",
			buf_cstr(&said));
		goto out;
	}
	for (size_t i = 0; i < json_count(records); i++) {
		const struct json *record = json_at(records, i);

		if (failed(json_get_u64(record, "number", &number)) ||
		    (*before && number != *before - 1)) {
			fprintf(stderr, "the audit has a hole at %llu\n",
				(unsigned long long)*before);
			goto out;
		}
		*before = number;
		if (number > *newest)
			*newest = number;
		if (number <= b->last)
			break;
		add_items(b, record);
	}
	if (json_count(records) == 0 || number <= b->last + 1)
		*before = 0;
	good = true;
out:
	json_free(json);
	buf_clear(&said);
	return good;
}

bool book_read(struct book *b, const struct nation_daemon *d)
{
	uint64_t before = 0, newest = 0;

	do {
		if (!read_page(b, d, &before, &newest))
			return false;
	} while (before);
	if (newest < b->last) {
		fprintf(stderr, "the audit ends at %llu, and was at %llu\n",
			(unsigned long long)newest,
			(unsigned long long)b->last);
		return false;
	}
	b->last = newest;
	return true;
}
