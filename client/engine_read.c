/* What is here: titles, plaintext; and content that nothing names any more. */
#include "client/engine_task.h"

#include <stdlib.h>

/* The title of the JSON of title and properties. */
static struct err read_title(struct span json, struct buf *out)
{
	struct json *value = NULL;
	struct span title;
	struct err err = json_parse(json, &value);

	if (!failed(err))
		err = json_get_string(value, "title", &title);
	if (!failed(err)) {
		buf_put(out, title);
		err = buf_check(out);
	}
	json_free(value);
	return err;
}

/* A head that may be opened: verified, its manifest and keys.  Wipe `keys`. */
static struct err open_head(struct engine *e, struct doc_id document,
			    struct digest revision, struct arena *arena,
			    struct manifest *m,
			    struct segment_keys keys[MANIFEST_KEYS_MAX])
{
	const struct journal_document *d;
	const struct journal_head *h;
	struct err err = engine_find(e, document, revision, &d, &h);

	if (!failed(err) && !h->verified)
		err = err_make(ERR_SIGNATURE, "its author is not verified");
	if (!failed(err))
		err = engine_manifest(h, arena, m);
	if (!failed(err))
		err = engine_keys(e, m, keys);
	return err;
}

struct err engine_title(struct engine *e, struct doc_id document,
			struct digest revision, struct buf *out)
{
	struct segment_keys keys[MANIFEST_KEYS_MAX];
	struct manifest m;
	struct arena arena;
	struct buf json;
	struct err err;

	arena_init(&arena, 256 * 1024);
	buf_init(&json, MANIFEST_SEALED_MAX);
	err = open_head(e, document, revision, &arena, &m, keys);
	if (!failed(err) && m.sealed.len) {
		err = segment_title_open(&keys[0], document, m.sealed, &json);
		if (!failed(err))
			err = read_title(buf_span(&json), out);
	}
	wipe(keys, sizeof(keys));
	buf_wipe(&json);
	arena_clear(&arena);
	return err;
}

bool engine_has_content(struct engine *e, struct doc_id document,
			struct digest revision)
{
	const struct journal_document *d;
	const struct journal_head *h;
	struct manifest m;
	struct arena arena;
	bool has;

	arena_init(&arena, 256 * 1024);
	has = !failed(engine_find(e, document, revision, &d, &h)) &&
	      !failed(engine_manifest(h, &arena, &m)) &&
	      files_has_content(e->folder, m.table);
	arena_clear(&arena);
	return has;
}

struct err engine_read(struct engine *e, struct doc_id document,
		       struct digest revision, const char *path,
		       struct buf *out)
{
	struct segment_keys keys[MANIFEST_KEYS_MAX];
	struct manifest m;
	struct arena arena;
	struct err err;

	arena_init(&arena, 256 * 1024);
	err = open_head(e, document, revision, &arena, &m, keys);
	if (!failed(err))
		err = files_open(e->folder, m.table, m.size, document, keys,
				 m.keys_count, path, out);
	wipe(keys, sizeof(keys));
	arena_clear(&arena);
	return err;
}

struct err engine_plain_digest(struct engine *e, struct doc_id document,
			       struct digest revision, struct digest *out)
{
	struct segment_keys keys[MANIFEST_KEYS_MAX];
	struct manifest m;
	struct arena arena;
	struct err err;

	arena_init(&arena, 256 * 1024);
	err = open_head(e, document, revision, &arena, &m, keys);
	if (!failed(err))
		err = files_open_digest(e->folder, m.table, m.size, document,
					keys, m.keys_count, out);
	wipe(keys, sizeof(keys));
	arena_clear(&arena);
	return err;
}

struct err engine_size(struct engine *e, struct doc_id document,
		       struct digest revision, uint64_t *out)
{
	const struct journal_document *d;
	const struct journal_head *h;
	struct manifest m;
	struct arena arena;
	struct err err = engine_find(e, document, revision, &d, &h);

	arena_init(&arena, 256 * 1024);
	if (!failed(err))
		err = engine_manifest(h, &arena, &m);
	if (!failed(err))
		*out = m.size;
	arena_clear(&arena);
	return err;
}

/* ---- content that nothing names ---- */

struct named {
	struct digest *tables;
	size_t count;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, DIGEST_LEN);
}

static bool is_named(void *self, struct digest table)
{
	const struct named *n = self;

	return bsearch(&table, n->tables, n->count, sizeof(table), compare) !=
	       NULL;
}

void engine_sweep(struct engine *e)
{
	const struct journal *j = e->journal;
	size_t room = j->outgoing_count;
	struct named named = {0};

	for (size_t i = 0; i < j->documents_count; i++)
		room += j->documents[i].heads_count;
	named.tables = calloc(room + 1, sizeof(*named.tables));
	if (!named.tables)
		return;
	for (size_t i = 0; i < j->documents_count; i++)
		for (size_t h = 0; h < j->documents[i].heads_count; h++) {
			struct manifest m;
			struct arena arena;

			arena_init(&arena, 256 * 1024);
			if (!failed(engine_manifest(&j->documents[i].heads[h],
						    &arena, &m)))
				named.tables[named.count++] = m.table;
			arena_clear(&arena);
		}
	for (size_t i = 0; i < j->outgoing_count; i++)
		named.tables[named.count++] = j->outgoing[i].table;
	/* A write being prepared stands in `outgoing` before it is sent. */
	qsort(named.tables, named.count, sizeof(*named.tables), compare);
	files_sweep_content(e->folder, is_named, &named);
	free(named.tables);
}
