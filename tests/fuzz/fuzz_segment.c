/* Sealed segments, titles, tables, and a small document's whole blob. */
#include "tests/fuzz/fuzz.h"

#include "proto/document/package.h"

static const uint8_t content_key[CRYPTO_KEY_LEN] = {7};
static const struct doc_id id = {{1, 2, 3}};

static struct err fill(void *self, void *out, size_t len)
{
	memset(out, 7, len);
	return ERR_NONE;
}

static const struct random same = {fill, NULL};

/* Size of the plaintext (u16), then the blob. */
void fuzz_seeds(void)
{
	struct package_writer *w;
	struct manifest m = {.id = id};
	struct buf b;

	buf_init(&b, 1 << 16);
	buf_put_u16(&b, 5);
	fuzz_ok(package_writer_new(id, 5, &same, &w));
	fuzz_ok(package_seal_small(w, span_str("hello"), &b, &m));
	fuzz_seed(buf_span(&b));
	package_writer_free(w);
	buf_clear(&b);
}

void fuzz_input(struct span bytes)
{
	struct span_reader r = span_read(bytes);
	struct manifest m = {.id = id, .suite = SEGMENT_SUITE};
	struct package_reader *reader;
	struct segment_keys keys;
	struct digest commitment;
	struct span table;
	struct buf plain;
	uint64_t first, end;

	buf_init(&plain, 1 << 20);
	m.size = span_read_u16(&r);
	table = span_sub(r.left, 0, (size_t)segment_table_len(m.size));
	segment_span(m.size, 0, r.left.len, &first, &end);
	fuzz_check(first <= end && end <= segment_count(m.size));
	fuzz_ok(segment_commitment(content_key, id, &commitment));
	m.keys = &commitment;
	m.keys_count = 1;
	/* The digest that a manifest would name, so that the checks behind it
	 * are met too. */
	(void)!failed(segment_table_digest(table, &m.table));
	if (!failed(package_reader_new(&m, table, &reader))) {
		fuzz_ok(package_reader_key(reader, 0, content_key));
		if (!failed(package_reader_segment(reader, 0,
						   span_sub(r.left, table.len,
							    SIZE_MAX),
						   &plain)))
			fuzz_check(plain.len == m.size);
		package_reader_free(reader);
	}
	buf_reset(&plain);
	if (!failed(package_open_small(&m, r.left, content_key, &plain)))
		fuzz_check(plain.len == m.size);
	buf_reset(&plain);
	fuzz_ok(segment_keys_derive(content_key, id, &keys));
	(void)!failed(segment_title_open(&keys, id, r.left, &plain));
	buf_wipe(&plain);
}
