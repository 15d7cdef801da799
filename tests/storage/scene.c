/* A scene for tests of documents and the feed. */
#include "tests/storage/scene.h"

void scene_new(struct scene *s, struct tempstore *temp)
{
	*s = (struct scene){.temp = temp, .group = 1};
	must(shelf_index_open(temp->store, &s->index));
	must(txn_begin_write(temp->store, STORE_RECORDS, &s->txn));
}

void scene_free(struct scene *s)
{
	txn_abort(&s->txn);
	shelf_index_close(s->index);
}

void scene_commit(struct scene *s)
{
	must(txn_commit(&s->txn));
	must(txn_begin_write(s->temp->store, STORE_RECORDS, &s->txn));
}

struct nation scene_nation(const char *code)
{
	struct nation n;

	memcpy(n.code, code, NATION_LEN);
	return n;
}

struct digest scene_digest(uint64_t n)
{
	struct digest d = {{0xd1}};

	for (int i = 0; i < 8; i++)
		d.at[24 + i] = (uint8_t)(n >> (56 - 8 * i));
	return d;
}

struct doc_id scene_doc(uint64_t n)
{
	struct doc_id id = {{0x01, 0x90}};

	for (int i = 0; i < 8; i++)
		id.at[8 + i] = (uint8_t)(n >> (56 - 8 * i));
	return id;
}

struct digest scene_label(unsigned n)
{
	struct digest d = {{0x1a, 0xbe, 0x11}};

	d.at[31] = (uint8_t)n;
	return d;
}

struct opening scene_opening(void)
{
	return (struct opening){.space = span_str("GBR/ops"),
				.author = {{7}},
				.salt = {5}};
}

struct manifest scene_manifest(struct scene *s, struct doc_id id,
			       const struct digest *parents, size_t count,
			       uint64_t statement, unsigned label)
{
	static const struct digest commitment = {{9}};

	s->names++;
	return (struct manifest){
		.id = id,
		.home = scene_nation("GBR"),
		.space = span_str("GBR/ops"),
		.author = {{7}},
		.serial = s->names,
		.parents = parents,
		.parents_count = count,
		.statement = statement,
		.label = scene_label(label),
		.suite = 1,
		.size = 5,
		.table = scene_digest(s->names + 1000000),
		.keys = &commitment,
		.keys_count = 1,
		.time = 1,
		.payload = span_str("{\"payload\":1}"),
		.digest = scene_digest(s->names),
	};
}

struct statement scene_statement(struct scene *s, struct doc_id id,
				 enum statement_kind kind, uint64_t number,
				 const struct digest *previous, unsigned label,
				 const struct digest *heads, size_t count)
{
	s->names++;
	return (struct statement){
		.id = id,
		.home = scene_nation("GBR"),
		.kind = kind,
		.number = number,
		.previous = previous,
		.previous_count = 1,
		.author = {{7}},
		.label = scene_label(label),
		.heads = heads,
		.heads_count = count,
		.time = 1,
		.payload = span_str("{\"statement\":1}"),
		.digest = scene_digest(s->names),
	};
}

/* What resolve said, written. */
static enum resolve_outcome keep(struct scene *s, const struct document *old,
				 struct resolve_result *r)
{
	struct document_writer w;

	if (r->outcome != RESOLVE_ACCEPTED)
		return r->outcome;
	document_writer_begin(&w, s->index, s->group++);
	must(document_apply(&w, s->txn, old, r, 1000, NULL));
	must(document_writer_end(&w, s->txn));
	return RESOLVE_ACCEPTED;
}

static bool read_old(struct scene *s, struct doc_id id, struct arena *arena,
		     struct document *old)
{
	struct err e = document_read_internal(s->txn, id, arena, old);

	if (e.code == ERR_NOT_FOUND)
		return false;
	must(e);
	return true;
}

enum resolve_outcome scene_put(struct scene *s, const struct manifest *m)
{
	struct document_key key = {.commitment = m->keys[0], .present = true};
	struct resolve_revision in = {
		.manifest = m,
		.opening = scene_opening(),
		.from = scene_nation("GBR"),
		.now = 1000,
		.local = true,
		.replica = {scene_nation("GBR"), 1},
		.keys = &key,
		.keys_count = 1,
		.slot = 1,
		.content = span_str("sealed"),
	};
	enum resolve_outcome outcome;
	struct resolve_result r;
	struct document old;
	struct arena arena;
	bool there;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	there = read_old(s, m->id, &arena, &old);
	must(resolve_revision(there ? &old : NULL, &in, &arena, &r));
	outcome = keep(s, there ? &old : NULL, &r);
	arena_clear(&arena);
	return outcome;
}

enum resolve_outcome scene_state(struct scene *s, const struct statement *st)
{
	struct resolve_statement in = {
		.statement = st,
		.opening = scene_opening(),
		.from = scene_nation("GBR"),
		.now = 1000,
		.evaluable = true,
		.local = true,
		.replica = {scene_nation("GBR"), 1},
	};
	enum resolve_outcome outcome;
	struct resolve_result r;
	struct document old;
	struct arena arena;
	bool there;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	there = read_old(s, st->id, &arena, &old);
	must(resolve_statement(there ? &old : NULL, &in, &arena, &r));
	outcome = keep(s, there ? &old : NULL, &r);
	arena_clear(&arena);
	return outcome;
}

struct document scene_read(struct scene *s, struct doc_id id,
			   struct arena *arena)
{
	struct document doc;

	must(document_read_internal(s->txn, id, arena, &doc));
	return doc;
}

static bool within(void *self, const struct shelf_row *shelf)
{
	unsigned labels = *(unsigned *)self;

	for (size_t i = 0; i < shelf->labels_count; i++)
		if (!(labels >> shelf->labels[i].at[31] & 1))
			return false;
	return true;
}

struct view *scene_view(struct scene *s, unsigned labels)
{
	struct view_decider decider = {within, &labels, NULL};
	struct digest profile = {{(uint8_t)labels}};
	struct view *view;

	must(view_new_decided(s->index, s->txn, profile, NULL, &decider,
			      &view));
	return view;
}
