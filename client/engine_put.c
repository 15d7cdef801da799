/*
 * Writing: a revision is sealed, signed and kept in the journal before the
 * first byte leaves, so a crash at any point repeats the same bytes.
 */
#include "client/engine_task.h"
#include "proto/exchange/write.h"

#include <stdlib.h>

/* On its way; draft_clear wipes the secrets. */
struct draft {
	struct arena arena;
	struct manifest m;
	struct opening opening;
	struct digest parents[MANIFEST_PARENTS_MAX];
	struct digest base;
	struct package_writer *writer; /* of the content; has its key */
	struct buf sealed, jws, body, blob;
	bool upload;
};

static void draft_init(struct draft *d)
{
	*d = (struct draft){0};
	arena_init(&d->arena, 1 << 20);
	buf_init(&d->sealed, MANIFEST_SEALED_MAX);
	buf_init(&d->jws, MANIFEST_JWS_MAX);
	buf_init(&d->body, WRITE_BODY_MAX);
	buf_init(&d->blob, 32 * 1024);
}

static void draft_clear(struct draft *d)
{
	arena_clear(&d->arena);
	buf_clear(&d->sealed);
	buf_clear(&d->jws);
	buf_clear(&d->body);
	buf_clear(&d->blob);
	package_writer_free(d->writer);
}

/* A new document: its id, and statement 1. */
static struct err draft_first(struct engine *e, const struct engine_put *put,
			      struct draft *d)
{
	struct manifest *m = &d->m;
	struct err err = space_check(put->space);

	if (!failed(err))
		err = random_fill(&e->random, d->opening.salt,
				  sizeof(d->opening.salt));
	if (failed(err))
		return err;
	d->opening.space = put->space;
	d->opening.author = m->author;
	memcpy(m->salt, d->opening.salt, sizeof(m->salt));
	m->home = e->identity.nation;
	m->space = put->space;
	m->statement = 1;
	err = docid_make(&d->opening, m->home, clock_ms(&e->clock), &m->id);
	return failed(err) ? err : crypto_sha256(put->label, &m->label);
}

/* The label that an edit stands on: that of the head it was made over. */
static struct err draft_edit(struct engine *e, const struct engine_put *put,
			     struct draft *d)
{
	const struct journal_document *known =
		journal_find_document(e->journal, put->id);
	const struct journal_head *winner;
	struct manifest *m = &d->m, over;
	struct err err;

	if (!known)
		return err_make(ERR_NOT_FOUND,
				"not among what this device has");
	winner = journal_winner(known);
	for (size_t i = 0; i < known->heads_count; i++) {
		bool wanted = put->parents_count == 0;

		for (size_t k = 0; k < put->parents_count; k++)
			wanted = wanted || digest_eq(known->heads[i].digest,
						     put->parents[k]);
		if (wanted && m->parents_count < MANIFEST_PARENTS_MAX)
			d->parents[m->parents_count++] = known->heads[i].digest;
		if (wanted && put->parents_count)
			winner = &known->heads[i];
	}
	/* An edit over what is no head any more stands beside: its parent is
	 * named all the same, so that nobody takes it for more. */
	for (size_t k = 0; put->beside && k < put->parents_count; k++)
		if (!journal_find_head(known, put->parents[k]) &&
		    m->parents_count < MANIFEST_PARENTS_MAX)
			d->parents[m->parents_count++] = put->parents[k];
	if (m->parents_count == 0)
		return err_make(ERR_NOT_FOUND, "no such head is here");
	qsort(d->parents, m->parents_count, sizeof(d->parents[0]),
	      engine_compare_digests);
	d->base = winner->digest;
	d->opening = known->opening;
	d->opening.space = arena_copy(&d->arena, known->opening.space);
	m->id = known->id;
	m->home = known->home;
	m->space = d->opening.space;
	m->parents = d->parents;
	m->statement = known->number;
	err = arena_check(&d->arena);
	if (!failed(err))
		err = engine_manifest(winner, &d->arena, &over);
	if (!failed(err))
		m->label = over.label;
	return err;
}

/*
 * An edit's label must be that of the statement in force, which a later
 * label statement may have changed: the relay says which, to whoever may see
 * it.  (Whoever may not cannot write under it: the relay refuses.)
 */
static void draft_label(struct engine *e, struct draft *d)
{
	const struct journal_document *known =
		journal_find_document(e->journal, d->m.id);

	if (known && known->has_label)
		d->m.label = known->label;
}

static struct err draft_title(struct engine *e, const struct engine_put *put,
			      struct draft *d)
{
	struct json_writer w;
	struct buf json;
	struct err err;

	buf_init(&json, MANIFEST_SEALED_MAX);
	w = json_write(&json);
	json_open_object(&w);
	json_put_name(&w, "properties");
	json_put_raw(&w, span_str("{}"));
	json_member_string(&w, "title", put->title);
	json_close_object(&w);
	err = buf_check(&json);
	if (!failed(err))
		err = package_writer_title(d->writer, buf_span(&json),
					   &d->sealed);
	d->m.sealed = buf_span(&d->sealed);
	buf_wipe(&json);
	return err;
}

/* The head that an edit was made over, if its content can be read here: what
 * did not change keeps its bytes. */
static bool draft_parent(struct engine *e, struct draft *d, struct manifest *m,
			 struct segment_keys keys[MANIFEST_KEYS_MAX])
{
	const struct journal_document *known;
	const struct journal_head *head;

	return !failed(engine_find(e, d->m.id, d->base, &known, &head)) &&
	       head->verified && !failed(engine_manifest(head, &d->arena, m)) &&
	       m->suite == SEGMENT_SUITE && !failed(engine_keys(e, m, keys));
}

static struct err draft_content(struct engine *e, const struct engine_put *put,
				struct draft *d)
{
	struct segment_keys keys[MANIFEST_KEYS_MAX];
	struct manifest over;
	struct files_parent parent = {&over, keys};
	struct manifest *m = &d->m;
	bool has_parent = put->edit && draft_parent(e, d, &over, keys);
	struct err err = files_seal(e->folder, &put->content, m->id, &e->random,
				    has_parent ? &parent : NULL, &d->writer, m);

	wipe(keys, sizeof(keys));
	if (failed(err))
		return err;
	d->upload = m->size > WRITE_INLINE_MAX;
	if (!d->upload)
		err = files_read_content(e->folder, m->table, 0,
					 (size_t)segment_blob_len(m->size),
					 &d->blob);
	return failed(err) ? err : draft_title(e, put, d);
}

/* An agreement costs as much as a signature, so it is kept for further
 * writes: for the same key of the guard alone, and not for ever. */
static struct err sender_ready(struct engine *e)
{
	const struct crypto_public *guard = e->replica->draft.guard_p256;
	struct key_id to = crypto_public_point_id(guard);
	uint64_t now = clock_ms(&e->clock);
	struct wrapped_sender *fresh = NULL;
	struct err err;

	if (e->sender && key_id_eq(e->sender_to, to) &&
	    e->sender_keys < ENGINE_SENDER_KEYS && now >= e->sender_ms &&
	    now - e->sender_ms < ENGINE_SENDER_MS) {
		e->sender_keys++;
		return ERR_NONE;
	}
	err = wrapped_sender_new(guard, &e->random, &fresh);
	if (failed(err))
		return err;
	wrapped_sender_free(e->sender);
	e->sender = fresh;
	e->sender_to = to;
	e->sender_keys = 1;
	e->sender_ms = now;
	return ERR_NONE;
}

/* The content key for the guard, and the whole body. */
static struct err draft_body(struct engine *e, const struct engine_put *put,
			     struct draft *d)
{
	struct write_key key = {.commitment = d->m.keys[0]};
	struct write_request request = {
		.manifest = buf_span(&d->jws),
		.has_opening = put->edit,
		.opening = d->opening,
		.has_label = !put->edit,
		.label = put->label,
		.has_content = !d->upload,
		.content = buf_span(&d->blob),
		.keys = &key,
		.keys_count = 1,
	};
	struct err err = sender_ready(e);

	if (!failed(err))
		err = wrapped_make(e->sender, d->m.id, d->m.keys[0], 0,
				   package_writer_key(d->writer), &key.key);
	return failed(err) ? err : write_request_encode(&request, &d->body);
}

static struct err draft_make(struct engine *e, const struct engine_put *put,
			     struct draft *d, struct digest *digest)
{
	struct manifest read;
	struct err err;

	d->m.author = crypto_public_id(crypto_key_public(e->identity.author));
	d->m.priority = put->priority;
	d->m.time = clock_s(&e->clock);
	err = put->edit ? draft_edit(e, put, d) : draft_first(e, put, d);
	if (failed(err))
		return err;
	if (put->edit)
		draft_label(e, d);
	d->m.serial = journal_serial_of(e->journal, d->m.id) + 1;
	err = draft_content(e, put, d);
	if (!failed(err))
		err = manifest_sign(e->identity.author, &d->m, &d->jws);
	if (!failed(err))
		err = manifest_decode(buf_span(&d->jws), &d->arena, &read);
	if (!failed(err))
		err = draft_body(e, put, d);
	if (!failed(err))
		*digest = read.digest;
	return err;
}

struct err engine_put(struct engine *e, const struct engine_put *put,
		      struct doc_id *document, struct digest *digest,
		      uint64_t *task)
{
	struct journal_txn *txn = NULL;
	struct journal_outgoing o = {0};
	struct draft d;
	struct err err =
		e->enrolled ? ERR_NONE
			    : err_make(ERR_UNAUTHENTICATED, "not enrolled yet");

	draft_init(&d);
	if (!failed(err))
		err = draft_make(e, put, &d, &o.digest);
	if (!failed(err))
		err = journal_begin(e->journal, &txn);
	if (!failed(err)) {
		o.document = d.m.id;
		o.beside = put->beside;
		o.create = !put->edit;
		o.base = d.base;
		o.body = buf_span(&d.body);
		o.table = d.m.table;
		o.size = d.m.size;
		o.upload = d.upload;
		journal_put_outgoing(txn, &o);
		journal_put_serial(txn, d.m.id, d.m.serial);
		err = journal_commit(&txn);
	}
	if (!failed(err))
		err = engine_send(e,
				  journal_find_outgoing(e->journal, o.digest),
				  task);
	if (!failed(err)) {
		*document = d.m.id;
		*digest = o.digest;
	}
	journal_abort(&txn);
	draft_clear(&d);
	return err;
}

struct err engine_seal(struct engine *e, const struct engine_put *put,
		       struct doc_id *document, struct digest *digest,
		       struct buf *out)
{
	struct journal_txn *txn = NULL;
	struct draft d;
	struct err err =
		e->enrolled ? ERR_NONE
			    : err_make(ERR_UNAUTHENTICATED, "not enrolled yet");

	draft_init(&d);
	if (!failed(err))
		err = draft_make(e, put, &d, digest);
	if (!failed(err) && d.upload)
		err = err_make(ERR_TOO_LARGE,
			       "more than 16 KiB of content does not stand in "
			       "a body");
	if (!failed(err))
		err = journal_begin(e->journal, &txn);
	if (!failed(err)) {
		journal_put_serial(txn, d.m.id, d.m.serial);
		err = journal_commit(&txn);
	}
	if (!failed(err)) {
		*document = d.m.id;
		buf_put(out, buf_span(&d.body));
		err = buf_check(out);
	}
	journal_abort(&txn);
	draft_clear(&d);
	return err;
}
