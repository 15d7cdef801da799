/* What becomes of a document when a revision comes. */
#include "storage/record.h"
#include "storage/resolve_inside.h"

static const char *const outcome_names[] = {
	[RESOLVE_ACCEPTED] = "accepted",     [RESOLVE_KNOWN] = "known",
	[RESOLVE_COVERED] = "covered",	     [RESOLVE_HELD] = "held",
	[RESOLVE_STALE] = "stale-statement", [RESOLVE_CONFLICT] = "conflict",
	[RESOLVE_EXISTS] = "exists",	     [RESOLVE_NOT_THERE] = "not-there",
	[RESOLVE_REPLAYED] = "replayed",     [RESOLVE_TOO_MANY] = "too-many",
	[RESOLVE_TWO_FACES] = "two-faces",   [RESOLVE_RECALLED] = "recalled",
	[RESOLVE_LABEL] = "label",	     [RESOLVE_FOREIGN] = "foreign",
};

const char *resolve_outcome_name(enum resolve_outcome o)
{
	return outcome_names[o];
}

enum err_code resolve_outcome_code(enum resolve_outcome o)
{
	switch (o) {
	case RESOLVE_ACCEPTED:
	case RESOLVE_KNOWN:
	case RESOLVE_COVERED:
		return ERR_OK;
	case RESOLVE_HELD:
	case RESOLVE_STALE:
	case RESOLVE_CONFLICT:
	case RESOLVE_TOO_MANY:
	case RESOLVE_TWO_FACES:
		return ERR_CONFLICT;
	case RESOLVE_EXISTS:
		return ERR_EXISTS;
	case RESOLVE_NOT_THERE:
		return ERR_NOT_FOUND;
	case RESOLVE_REPLAYED:
		return ERR_REPLAYED;
	case RESOLVE_RECALLED:
		return ERR_GONE;
	case RESOLVE_LABEL:
		return ERR_LABEL;
	case RESOLVE_FOREIGN:
		return ERR_FOREIGN_ID;
	}
	return ERR_INTERNAL;
}

static struct err no_memory(void)
{
	return err_make(ERR_NO_MEMORY, "no memory to resolve a document");
}

/* ---- the document as it was, with room for one more of each ---- */

static struct err copy_lists(const struct document *old, struct arena *arena,
			     struct document *doc)
{
	doc->heads = resolve_copy(arena, old->heads, old->heads_count, 1,
				  sizeof(*doc->heads));
	doc->statements =
		resolve_copy(arena, old->statements, old->statements_count, 1,
			     sizeof(*doc->statements));
	doc->dots = resolve_copy(arena, old->dots, old->dots_count, 1,
				 sizeof(*doc->dots));
	doc->serials = resolve_copy(arena, old->serials, old->serials_count, 1,
				    sizeof(*doc->serials));
	return doc->heads && doc->statements && doc->dots && doc->serials
		       ? ERR_NONE
		       : no_memory();
}

static struct err start(const struct document *old, struct doc_id id,
			struct nation home, const struct opening *opening,
			uint64_t now, struct arena *arena, struct document *doc)
{
	static const struct document nothing;

	if (old) {
		*doc = *old;
		return copy_lists(old, arena, doc);
	}
	*doc = (struct document){.id = id,
				 .home = home,
				 .opening = *opening,
				 .first_time = now,
				 .state = DOCUMENT_LIVE};
	return copy_lists(&nothing, arena, doc);
}

static bool is_foreign(const struct document *old, struct doc_id id,
		       struct nation home, const struct opening *opening)
{
	return !doc_id_eq(old->id, id) || !nation_eq(old->home, home) ||
	       !span_eq(old->opening.space, opening->space) ||
	       !key_id_eq(old->opening.author, opening->author) ||
	       memcmp(old->opening.salt, opening->salt, DOCID_SALT_LEN) != 0;
}

/* By number, kind, digest. */
static int statement_cmp(const struct document_statement *a,
			 const struct document_statement *b)
{
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return digest_cmp(a->digest, b->digest);
}

static void add_statement(struct document *doc,
			  const struct document_statement *s)
{
	size_t at = 0;

	while (at < doc->statements_count &&
	       statement_cmp(&doc->statements[at], s) < 0)
		at++;
	memmove(&doc->statements[at + 1], &doc->statements[at],
		(doc->statements_count - at) * sizeof(*s));
	doc->statements[at] = *s;
	doc->statements_count++;
}

static const struct document_statement *statement_of(const struct document *doc,
						     struct digest digest)
{
	for (size_t i = 0; i < doc->statements_count; i++)
		if (digest_eq(doc->statements[i].digest, digest))
			return &doc->statements[i];
	return NULL;
}

static bool number_known(const struct document *doc, uint64_t number)
{
	for (size_t i = 0; i < doc->statements_count; i++)
		if (doc->statements[i].number == number)
			return true;
	return false;
}

/* Heads that are not there any more, for collection. */
static struct err fallen_init(const struct document *old, struct arena *arena,
			      struct resolve_result *out)
{
	size_t count = old ? old->heads_count : 0;

	out->fallen_count = 0;
	out->fallen = resolve_copy(arena, NULL, 0, count, DIGEST_LEN);
	out->fallen_tables = resolve_copy(arena, NULL, 0, count, DIGEST_LEN);
	return out->fallen && out->fallen_tables ? ERR_NONE : no_memory();
}

static void drop_head(struct document *doc, size_t i,
		      struct resolve_result *out)
{
	struct document_head *h = &doc->heads[i];

	out->fallen[out->fallen_count] = h->digest;
	out->fallen_tables[out->fallen_count++] = h->table;
	if (h->place == DOCUMENT_CONTENT_INLINE)
		doc->content = span_of(NULL, 0);
	memmove(h, h + 1, (doc->heads_count - i - 1) * sizeof(*h));
	doc->heads_count--;
}

/* ---- a revision ---- */

static struct err context_span(const struct version_context *c,
			       struct arena *arena, struct span *out)
{
	struct buf b;
	struct err e;

	buf_init(&b, 8192);
	version_context_encode(c, &b);
	e = buf_check(&b);
	*out = arena_copy(arena, buf_span(&b));
	buf_clear(&b);
	return failed(e) ? e : arena_check(arena);
}

/* A seal that came, as the record keeps it. */
static struct err seal_from(const struct seal *seal, struct span blob,
			    struct arena *arena, struct document_seal *out)
{
	*out = (struct document_seal){
		.dot = seal->word.dot,
		.statements_count = (uint8_t)seal->word.statements_count,
		.blob = blob,
	};
	memcpy(out->statements, seal->word.statements, sizeof(out->statements));
	return context_span(&seal->word.context, arena, &out->context);
}

/* The facts of the manifest. */
static struct err head_from(const struct resolve_revision *in,
			    struct arena *arena, struct document_head *h)
{
	const struct manifest *m = in->manifest;

	*h = (struct document_head){
		.digest = m->digest,
		.payload = m->payload,
		.signature = span_of(m->signature, MANIFEST_SIG_LEN),
		.author = m->author,
		.serial = m->serial,
		.statement = m->statement,
		.label = m->label,
		.size = m->size,
		.table = m->table,
		.priority = m->priority,
		.must_understand = m->must_understand,
		.parents = m->parents,
		.parents_count = (uint8_t)m->parents_count,
		.from = in->from,
		.place = in->place,
		.seals_count = 1,
		.evidence_count = (uint8_t)in->evidence_count,
		.keys_count = (uint8_t)in->keys_count,
	};
	h->seals = arena_array(arena, 1, sizeof(*h->seals));
	h->evidence = resolve_copy(arena, in->evidence, in->evidence_count, 0,
				   sizeof(*h->evidence));
	h->keys = resolve_copy(arena, in->keys, in->keys_count, 0,
			       sizeof(*h->keys));
	return h->seals && h->evidence && h->keys ? ERR_NONE : no_memory();
}

static bool seal_same(const struct document_seal *a,
		      const struct document_seal *b)
{
	return dot_eq(a->dot, b->dot) && span_eq(a->context, b->context) &&
	       a->statements_count == b->statements_count &&
	       memcmp(a->statements, b->statements,
		      a->statements_count * sizeof(a->statements[0])) == 0;
}

/*
 * Whether the dot was given to another leaf core: to another manifest, among
 * heads and the seals they rest on, or to this one in other words.
 */
static struct err two_faces(const struct document *old,
			    const struct document_head *h,
			    const struct document_seal *seal,
			    struct digest *other, bool *out)
{
	struct seal known;
	struct err e;

	*out = false;
	for (size_t i = 0; old && i < old->heads_count; i++) {
		const struct document_head *o = &old->heads[i];
		bool same = digest_eq(o->digest, h->digest);

		for (size_t j = 0; j < o->seals_count; j++)
			if (dot_eq(o->seals[j].dot, seal->dot) &&
			    !(same && seal_same(&o->seals[j], seal))) {
				*other = o->digest;
				*out = true;
				return ERR_NONE;
			}
		for (size_t j = 0; j < o->evidence_count; j++) {
			if (digest_eq(o->evidence[j].digest, h->digest))
				continue;
			e = seal_decode(o->evidence[j].blob, &known);
			if (failed(e))
				return err_blame(e, ERR_CORRUPT,
						 "a seal is malformed");
			if (dot_eq(known.word.dot, seal->dot)) {
				*other = o->evidence[j].digest;
				*out = true;
				return ERR_NONE;
			}
		}
	}
	return ERR_NONE;
}

/* ACCEPTED, or why the statement it was written under forbids it. */
static enum resolve_outcome check_statement(const struct document *doc,
					    const struct resolve_revision *in)
{
	const struct manifest *m = in->manifest;
	size_t first;
	bool labelled = false;

	/* What a label statement lists stands on its label alone: the one it
	 * was written under need not be known here. */
	if (!in->local && resolve_listed(doc, m->digest))
		return RESOLVE_ACCEPTED;
	if (!number_known(doc, m->statement))
		return in->local ? RESOLVE_STALE : RESOLVE_HELD;
	for (size_t i = 0; !in->local && i < in->seal->word.statements_count;
	     i++)
		if (!number_known(doc, in->seal->word.statements[i]))
			return RESOLVE_HELD;
	/* A late edit of a deleted document is kept; else a device writes
	 * under the statement in force. */
	if (in->local && document_in_force(doc, &first) &&
	    doc->statements[first].kind != STATEMENT_DELETE &&
	    m->statement != document_number(doc))
		return RESOLVE_STALE;
	for (size_t i = 0; i < doc->statements_count; i++) {
		const struct document_statement *s = &doc->statements[i];

		labelled |= s->number == m->statement &&
			    s->kind == STATEMENT_LABEL &&
			    digest_eq(s->label, m->label);
	}
	return labelled ? RESOLVE_ACCEPTED : RESOLVE_LABEL;
}

static enum resolve_outcome check_match(const struct document *old,
					const struct resolve_revision *in)
{
	const struct document_head *h;

	if (old && manifest_is_first(in->manifest))
		return RESOLVE_EXISTS;
	switch (in->match) {
	case RESOLVE_MATCH_ANY:
		return RESOLVE_ACCEPTED;
	case RESOLVE_MATCH_NONE:
		return old ? RESOLVE_EXISTS : RESOLVE_ACCEPTED;
	case RESOLVE_MATCH_HEAD:
		break;
	}
	h = old ? document_head(old, in->match_head) : NULL;
	if (!h || (in->sees && !view_has(in->sees, h->shelf)) ||
	    !manifest_has_parent(in->manifest, in->match_head))
		return RESOLVE_CONFLICT;
	return RESOLVE_ACCEPTED;
}

/* The author's serial rises; false if it does not. */
static enum resolve_outcome take_serial(struct document *doc,
					const struct manifest *m)
{
	for (size_t i = 0; i < doc->serials_count; i++) {
		if (!key_id_eq(doc->serials[i].author, m->author))
			continue;
		if (m->serial <= doc->serials[i].serial)
			return RESOLVE_REPLAYED;
		doc->serials[i].serial = m->serial;
		return RESOLVE_ACCEPTED;
	}
	if (doc->serials_count == DOCUMENT_SERIALS_MAX)
		return RESOLVE_TOO_MANY;
	doc->serials[doc->serials_count++] =
		(struct document_serial){m->author, m->serial};
	return RESOLVE_ACCEPTED;
}

/* The numbers it is kept under: its own, its seal's, its parents'. */
static bool take_bases(const struct document *old,
		       const struct resolve_revision *in,
		       struct document_head *h)
{
	bool fits = resolve_add_number(h->bases, &h->bases_count,
				       DOCUMENT_STANDS_MAX, h->statement);

	for (size_t i = 0; !in->local && i < in->seal->word.statements_count;
	     i++)
		fits &= resolve_add_number(h->bases, &h->bases_count,
					   DOCUMENT_STANDS_MAX,
					   in->seal->word.statements[i]);
	for (size_t i = 0; old && i < h->parents_count; i++) {
		const struct document_head *p =
			document_head(old, h->parents[i]);

		for (size_t j = 0; p && j < p->stands_count; j++)
			fits &= resolve_add_number(h->bases, &h->bases_count,
						   DOCUMENT_STANDS_MAX,
						   old->statements[p->stands[j]]
							   .number);
	}
	if (!in->local)
		return fits;
	if (h->bases_count > SEAL_STATEMENTS_MAX)
		return false;
	h->seals[0].statements_count = h->bases_count;
	memcpy(h->seals[0].statements, h->bases,
	       h->bases_count * sizeof(h->bases[0]));
	return fits;
}

/* Drops what falls because of the new head, or says COVERED. */
static struct err take_place(const struct document *old,
			     const struct resolve_revision *in,
			     struct document *doc,
			     const struct document_head *h, struct arena *arena,
			     struct resolve_result *out)
{
	struct nation nation = h->seals[0].dot.replica.nation;
	size_t same = 0;
	bool falls;
	struct err e;

	for (size_t i = 0; !in->local && old && i < old->heads_count; i++) {
		e = resolve_falls(h, &old->heads[i], arena, &falls);
		if (failed(e))
			return e;
		if (falls) {
			out->outcome = RESOLVE_COVERED;
			return ERR_NONE;
		}
	}
	for (size_t i = 0; i < doc->heads_count;) {
		e = resolve_falls(&doc->heads[i], h, arena, &falls);
		if (failed(e))
			return e;
		if (falls)
			drop_head(doc, i, out);
		else
			i++;
	}
	for (size_t i = 0; i < doc->heads_count; i++)
		same += nation_eq(doc->heads[i].seals[0].dot.replica.nation,
				  nation);
	if (same >= DOCUMENT_HEADS_NATION_MAX ||
	    doc->heads_count >= DOCUMENT_HEADS_MAX)
		out->outcome = RESOLVE_TOO_MANY;
	return ERR_NONE;
}

/* Inside the record, if the place is free. */
static void take_content(const struct resolve_revision *in,
			 struct document *doc, struct document_head *h,
			 struct resolve_result *out)
{
	out->content_inline = true;
	if (in->content.len == 0)
		return;
	if (doc->content.len || in->content.len > DOCUMENT_INLINE_MAX) {
		out->content_inline = false;
		h->place = DOCUMENT_CONTENT_SEGMENTS;
		return;
	}
	h->place = DOCUMENT_CONTENT_INLINE;
	doc->content = in->content;
}

/* The first manifest is statement 1. */
static void take_first(const struct resolve_revision *in, struct document *doc,
		       const struct document_head *h)
{
	struct document_statement s = {
		.number = 1,
		.kind = STATEMENT_LABEL,
		.evaluable = true,
		.digest = h->digest,
		.label = h->label,
		.author = h->author,
		.payload = h->payload,
		.signature = h->signature,
		.seal = h->seals[0],
		.from = in->from,
	};

	if (!statement_of(doc, h->digest))
		add_statement(doc, &s);
}

static struct err leaf_core(const struct document_seal *seal,
			    const struct seal_subject *subject,
			    struct digest *core)
{
	struct seal_word word;
	struct err e = document_word(seal, subject->kind, &word);

	return failed(e) ? e : seal_core(subject, &word, core);
}

/* The revision is here already: perhaps under a second dot. */
static struct err known(const struct document *old,
			const struct resolve_revision *in, struct arena *arena,
			const struct document_seal *seal,
			struct resolve_result *out)
{
	struct document *doc = &out->doc;
	struct document_head *h = NULL;
	struct document_seal *seals;

	out->digest = in->manifest->digest;
	for (size_t i = 0; i < doc->heads_count; i++)
		if (digest_eq(doc->heads[i].digest, out->digest))
			h = &doc->heads[i];
	if (!h)
		return err_make(ERR_INTERNAL, "a known head is not there");
	out->dot = h->seals[0].dot;
	out->outcome = RESOLVE_KNOWN;
	if (in->local)
		return ERR_NONE;
	for (size_t i = 0; i < h->seals_count; i++)
		if (dot_eq(h->seals[i].dot, seal->dot))
			return ERR_NONE;
	if (h->seals_count == DOCUMENT_SEALS_MAX) {
		out->outcome = RESOLVE_TOO_MANY;
		return ERR_NONE;
	}
	seals = resolve_copy(arena, h->seals, h->seals_count, 1,
			     sizeof(*seals));
	if (!seals)
		return no_memory();
	seals[h->seals_count++] = *seal;
	h->seals = seals;
	out->dot = seal->dot;
	if (!resolve_count_dot(doc, seal->dot)) {
		out->outcome = RESOLVE_TOO_MANY;
		return ERR_NONE;
	}
	resolve_stand(doc);
	out->outcome = RESOLVE_ACCEPTED;
	return ERR_NONE;
}

/* What stands before anything is built. */
static enum resolve_outcome check_old(const struct document *old,
				      const struct resolve_revision *in)
{
	const struct manifest *m = in->manifest;

	if (old && old->state == DOCUMENT_RECALLED)
		return RESOLVE_RECALLED;
	if (old && is_foreign(old, m->id, m->home, &in->opening))
		return RESOLVE_FOREIGN;
	if (!span_eq(m->space, in->opening.space))
		return RESOLVE_FOREIGN;
	if (in->evidence_count > VERSION_EVIDENCE_MAX ||
	    in->keys_count > MANIFEST_KEYS_MAX ||
	    (old && old->statements_count >= DOCUMENT_STATEMENTS_MAX &&
	     manifest_is_first(m)))
		return RESOLVE_TOO_MANY;
	if (!old && !manifest_is_first(m))
		return in->local ? RESOLVE_NOT_THERE : RESOLVE_HELD;
	return RESOLVE_ACCEPTED;
}

/* The rest of the way of a revision that is new here. */
static struct err take(const struct document *old,
		       const struct resolve_revision *in, struct arena *arena,
		       struct document_head *h, struct resolve_result *out)
{
	struct seal_subject subject = seal_subject_of_manifest(in->manifest);
	struct document *doc = &out->doc;
	bool fits;
	struct err e;

	if (manifest_is_first(in->manifest))
		take_first(in, doc, h);
	out->outcome = check_statement(doc, in);
	if (out->outcome == RESOLVE_ACCEPTED && in->local)
		out->outcome = take_serial(doc, in->manifest);
	if (out->outcome != RESOLVE_ACCEPTED)
		return ERR_NONE;
	if (in->local) {
		e = resolve_make_version(old, in->sees, in->replica, h, arena);
		if (failed(e))
			return e;
	}
	fits = take_bases(old, in, h) &&
	       resolve_count_dot(doc, h->seals[0].dot);
	if (!fits) {
		out->outcome = RESOLVE_TOO_MANY;
		return ERR_NONE;
	}
	e = take_place(old, in, doc, h, arena, out);
	if (failed(e) || out->outcome != RESOLVE_ACCEPTED)
		return e;
	take_content(in, doc, h, out);
	if (doc->slot == 0)
		doc->slot = in->slot;
	doc->heads[doc->heads_count++] = *h;
	doc->state = DOCUMENT_LIVE;
	resolve_stand(doc);
	out->unchanged_rows = doc->state != DOCUMENT_LIVE;
	out->digest = h->digest;
	out->dot = h->seals[0].dot;
	out->needs_leaf = in->local;
	return in->local ? leaf_core(&h->seals[0], &subject, &out->core)
			 : ERR_NONE;
}

struct err resolve_revision(const struct document *old,
			    const struct resolve_revision *in,
			    struct arena *arena, struct resolve_result *out)
{
	struct document_head h;
	bool here, faces = false;
	struct err e;

	*out = (struct resolve_result){.outcome = check_old(old, in),
				       .content_inline = true};
	if (out->outcome != RESOLVE_ACCEPTED)
		return ERR_NONE;
	here = old && document_head(old, in->manifest->digest);
	if (in->local && !here)
		out->outcome = check_match(old, in);
	if (out->outcome != RESOLVE_ACCEPTED)
		return ERR_NONE;
	e = start(old, in->manifest->id, in->manifest->home, &in->opening,
		  in->now, arena, &out->doc);
	if (!failed(e))
		e = fallen_init(old, arena, out);
	if (!failed(e))
		e = head_from(in, arena, &h);
	if (!failed(e) && !in->local)
		e = seal_from(in->seal, in->seal_blob, arena, &h.seals[0]);
	if (!failed(e) && !in->local)
		e = two_faces(old, &h, &h.seals[0], &out->other, &faces);
	if (failed(e))
		return e;
	if (faces) {
		out->outcome = RESOLVE_TWO_FACES;
		return ERR_NONE;
	}
	if (in->as_statement && manifest_is_first(in->manifest)) {
		if (here || statement_of(&out->doc, h.digest)) {
			out->outcome = RESOLVE_KNOWN;
			return ERR_NONE;
		}
		take_first(in, &out->doc, &h);
		out->digest = h.digest;
		resolve_stand(&out->doc);
		return ERR_NONE;
	}
	return here ? known(old, in, arena, &h.seals[0], out)
		    : take(old, in, arena, &h, out);
}

/* ---- a statement ---- */

static bool previous_eq(const struct document *doc, const struct statement *s)
{
	size_t first, count = document_latest(doc, &first);

	if (s->previous_count != count)
		return false;
	for (size_t i = 0; i < count; i++) {
		bool found = false;

		for (size_t j = 0; j < count; j++)
			found |= digest_eq(doc->statements[first + i].digest,
					   s->previous[j]);
		if (!found)
			return false;
	}
	return true;
}

static enum resolve_outcome
check_new_statement(const struct document *old,
		    const struct resolve_statement *in)
{
	const struct statement *s = in->statement;
	/* A recall always finds room. */
	size_t room = s->kind == STATEMENT_RECALL ? DOCUMENT_STATEMENTS_MAX
						  : DOCUMENT_STATEMENTS_MAX - 8;

	if (!old)
		return in->local ? RESOLVE_NOT_THERE : RESOLVE_ACCEPTED;
	if (statement_of(old, s->digest))
		return RESOLVE_KNOWN;
	if (old->state == DOCUMENT_RECALLED)
		return RESOLVE_RECALLED;
	if (is_foreign(old, s->id, s->home, &in->opening))
		return RESOLVE_FOREIGN;
	if (in->local &&
	    (s->number != document_number(old) + 1 || !previous_eq(old, s)))
		return RESOLVE_STALE;
	if (old->statements_count >= room)
		return RESOLVE_TOO_MANY;
	return RESOLVE_ACCEPTED;
}

/* Heads, content and keys go; statements and dots stay. */
static void empty_document(struct document *doc, struct resolve_result *out)
{
	out->purge = true;
	out->purge_slot = doc->slot;
	while (doc->heads_count)
		drop_head(doc, doc->heads_count - 1, out);
	doc->content = span_of(NULL, 0);
	doc->slot = 0;
}

static struct err statement_from(const struct resolve_statement *in,
				 struct arena *arena,
				 struct document_statement *out)
{
	static const struct version_context none;
	const struct statement *s = in->statement;

	*out = (struct document_statement){
		.number = s->number,
		.kind = (uint8_t)s->kind,
		.evaluable = in->evaluable && !s->must_understand,
		.digest = s->digest,
		.author = s->author,
		.payload = s->payload,
		.signature = span_of(s->signature, MANIFEST_SIG_LEN),
		.heads = s->heads,
		.heads_count = (uint8_t)s->heads_count,
		.from = in->from,
	};
	if (s->kind == STATEMENT_LABEL)
		out->label = s->label;
	if (!in->local)
		return seal_from(in->seal, in->seal_blob, arena, &out->seal);
	out->seal.dot = (struct dot){in->replica, 0};
	return context_span(&none, arena, &out->seal.context);
}

struct err resolve_statement(const struct document *old,
			     const struct resolve_statement *in,
			     struct arena *arena, struct resolve_result *out)
{
	struct seal_subject subject = seal_subject_of_statement(in->statement);
	struct document_statement s;
	struct err e;

	*out = (struct resolve_result){
		.outcome = check_new_statement(old, in),
		.digest = in->statement->digest,
		.content_inline = true,
	};
	if (out->outcome != RESOLVE_ACCEPTED)
		return ERR_NONE;
	e = start(old, in->statement->id, in->statement->home, &in->opening,
		  in->now, arena, &out->doc);
	if (!failed(e))
		e = fallen_init(old, arena, out);
	if (!failed(e))
		e = statement_from(in, arena, &s);
	if (failed(e))
		return e;
	out->fork = number_known(&out->doc, s.number);
	add_statement(&out->doc, &s);
	resolve_stand(&out->doc);
	if (out->doc.state == DOCUMENT_RECALLED)
		empty_document(&out->doc, out);
	out->needs_leaf = in->local;
	return in->local ? leaf_core(&s.seal, &subject, &out->core) : ERR_NONE;
}

/* ---- changes that nobody signed ---- */

static struct err change(const struct document *old, struct arena *arena,
			 struct resolve_result *out)
{
	struct err e;

	*out = (struct resolve_result){.outcome = RESOLVE_ACCEPTED,
				       .content_inline = true};
	e = start(old, old->id, old->home, &old->opening, 0, arena, &out->doc);
	return failed(e) ? e : fallen_init(old, arena, out);
}

struct err resolve_withdraw(const struct document *old, struct arena *arena,
			    struct resolve_result *out)
{
	struct err e = change(old, arena, out);

	if (failed(e))
		return e;
	if (old->state == DOCUMENT_RECALLED ||
	    old->state == DOCUMENT_WITHDRAWN) {
		out->outcome = RESOLVE_KNOWN;
		return ERR_NONE;
	}
	empty_document(&out->doc, out);
	out->doc.state = DOCUMENT_WITHDRAWN;
	resolve_stand(&out->doc);
	return ERR_NONE;
}

struct err resolve_shown(const struct document *old, const struct digest *shown,
			 size_t count, struct arena *arena,
			 struct resolve_result *out)
{
	struct err e = change(old, arena, out);
	struct document *doc = &out->doc;

	for (size_t i = 0; !failed(e) && i < doc->heads_count;) {
		bool stays = !nation_eq(doc->heads[i].from, doc->home);

		for (size_t n = 0; n < count; n++)
			stays |= digest_eq(doc->heads[i].digest, shown[n]);
		if (stays)
			i++;
		else
			drop_head(doc, i, out);
	}
	if (failed(e))
		return e;
	if (!out->fallen_count)
		out->outcome = RESOLVE_KNOWN;
	resolve_stand(doc);
	return ERR_NONE;
}

struct err resolve_condition(const struct document *old, uint64_t condition,
			     struct arena *arena, struct resolve_result *out)
{
	struct err e = change(old, arena, out);

	if (failed(e))
		return e;
	if (old->condition == condition)
		out->outcome = RESOLVE_KNOWN;
	out->doc.condition = condition;
	resolve_stand(&out->doc);
	return ERR_NONE;
}

struct err resolve_again(const struct document *old, const bool *evaluable,
			 struct arena *arena, struct resolve_result *out)
{
	struct err e = change(old, arena, out);
	bool changed = false;

	if (failed(e))
		return e;
	for (size_t i = 0; i < out->doc.statements_count; i++) {
		struct document_statement *s = &out->doc.statements[i];

		changed |= s->evaluable != evaluable[i];
		s->evaluable = evaluable[i];
	}
	if (!changed)
		out->outcome = RESOLVE_KNOWN;
	resolve_stand(&out->doc);
	return ERR_NONE;
}
