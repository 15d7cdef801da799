/* Seals, and the groups that they come from. */
#include "proto/document/seal.h"

#include <stdlib.h>

#include "proto/base/base64.h"
#include "proto/document/merkle.h"

enum { BLOB_VERSION = 1, CORE_MAX = 2560 };

struct seal_subject seal_subject_of_manifest(const struct manifest *m)
{
	return (struct seal_subject){SEAL_REVISION, m->id, m->digest,
				     m->author};
}

struct seal_subject seal_subject_of_statement(const struct statement *s)
{
	return (struct seal_subject){SEAL_STATEMENT, s->id, s->digest,
				     s->author};
}

/* What a word may be. */
static struct err word_check(const struct seal_word *w)
{
	if (w->dot.replica.number == 0)
		return err_make(ERR_MALFORMED, "seal: replica");
	if (w->statements_count > SEAL_STATEMENTS_MAX ||
	    w->context.count > VERSION_RANGES_MAX)
		return err_make(ERR_TOO_LARGE, "seal: lists");
	switch (w->kind) {
	case SEAL_REVISION:
		if (w->dot.counter == 0 || w->statements_count == 0)
			return err_make(ERR_MALFORMED, "seal: revision");
		break;
	case SEAL_STATEMENT:
		if (w->dot.counter || w->statements_count || w->context.count)
			return err_make(ERR_MALFORMED, "seal: statement");
		break;
	}
	for (size_t i = 0; i < w->statements_count; i++)
		if (i ? w->statements[i] <= w->statements[i - 1]
		      : w->statements[i] == 0)
			return err_make(ERR_MALFORMED, "seal: statements");
	return ERR_NONE;
}

/* The tail that leaf core and blob share, but for the context. */
static void encode_numbers(uint64_t counter, const uint64_t *statements,
			   size_t count, struct buf *b)
{
	buf_put_u64(b, counter);
	buf_put_u16(b, (uint16_t)count);
	for (size_t i = 0; i < count; i++)
		buf_put_u64(b, statements[i]);
}

static void encode_lists(const struct seal_word *w, struct buf *b)
{
	encode_numbers(w->dot.counter, w->statements, w->statements_count, b);
	version_context_encode(&w->context, b);
}

struct err seal_core(const struct seal_subject *subject,
		     const struct seal_word *word, struct digest *out)
{
	struct buf b;
	struct err e = word_check(word);

	if (failed(e))
		return e;
	if (subject->kind != word->kind)
		return err_make(ERR_DIGEST, "seal of another kind");
	buf_init(&b, CORE_MAX);
	encode_domain(&b, DOMAIN_LEAF);
	buf_put_u8(&b, (uint8_t)word->kind);
	encoding_put_replica(&b, word->dot.replica);
	buf_put(&b, SPAN_OBJ(subject->document.at));
	encoding_put_digest(&b, subject->digest);
	buf_put(&b, SPAN_OBJ(subject->author.at));
	encode_lists(word, &b);
	e = encoding_hash(&b, out);
	buf_clear(&b);
	return e;
}

/* ---- groups ---- */

struct place {
	uint8_t key[DIGEST_LEN];
	uint16_t leaf;
};

static int place_cmp(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return memcmp(x->key, y->key, DIGEST_LEN);
}

/* Leaf i stands where its key stands among all 256. */
static struct err places_derive(const struct merkle_secret *secret,
				uint8_t *places)
{
	struct place list[SEAL_LEAVES];
	struct err e = ERR_NONE;

	for (uint16_t i = 0; i < SEAL_LEAVES && !failed(e); i++) {
		list[i].leaf = i;
		e = merkle_secret_derive(secret, DOMAIN_GROUP_PLACE, i,
					 list[i].key);
	}
	if (!failed(e)) {
		qsort(list, SEAL_LEAVES, sizeof(list[0]), place_cmp);
		for (size_t i = 0; i < SEAL_LEAVES; i++)
			places[list[i].leaf] = (uint8_t)i;
	}
	wipe(list, sizeof(list));
	return e;
}

struct err seal_group_build(const uint8_t secret[SEAL_SECRET_LEN],
			    struct replica replica, uint64_t time,
			    const struct digest *cores, size_t count,
			    struct seal_group *out)
{
	struct merkle_secret derive;
	struct err e;

	if (count == 0 || count > SEAL_LEAVES)
		return err_make(ERR_TOO_LARGE, "a group has 1 to 256 leaves");
	e = merkle_secret_init(secret, &derive);
	if (failed(e))
		return e;
	out->replica = replica;
	out->time = time;
	out->count = count;
	out->nodes[0] = (struct digest){0};
	e = places_derive(&derive, out->places);
	for (size_t i = 0; i < SEAL_LEAVES && !failed(e); i++) {
		struct digest core = {0};

		e = merkle_secret_derive(&derive, DOMAIN_GROUP_SALT, i,
					 out->salts[i]);
		if (!failed(e) && i < count)
			core = cores[i];
		else if (!failed(e))
			e = merkle_secret_derive(&derive, DOMAIN_GROUP_FILLER,
						 i, core.at);
		if (!failed(e))
			e = merkle_leaf(
				out->salts[i], core,
				&out->nodes[SEAL_LEAVES + out->places[i]]);
	}
	for (size_t n = SEAL_LEAVES - 1; n > 0 && !failed(e); n--)
		e = merkle_node(out->nodes[2 * n], out->nodes[2 * n + 1],
				&out->nodes[n]);
	merkle_secret_clear(&derive);
	return e;
}

static void group_encode(struct replica replica, uint64_t time,
			 struct digest root, struct buf *b)
{
	encode_domain(b, DOMAIN_GROUP);
	encoding_put_replica(b, replica);
	buf_put_u64(b, time);
	encoding_put_digest(b, root);
}

struct err seal_group_sign(const struct crypto_key *seal_key,
			   struct replica replica, uint64_t time,
			   struct digest root, uint8_t sig[SEAL_SIG_LEN])
{
	struct buf b;
	struct err e;

	buf_init(&b, 256);
	group_encode(replica, time, root, &b);
	e = encoding_sign(seal_key, CRYPTO_P384, &b, sig);
	buf_clear(&b);
	return e;
}

struct err seal_group_verify(const struct crypto_public *seal_key,
			     struct replica replica, uint64_t time,
			     struct digest root,
			     const uint8_t sig[SEAL_SIG_LEN])
{
	struct buf b;
	struct err e;

	buf_init(&b, 256);
	group_encode(replica, time, root, &b);
	e = buf_check(&b);
	if (!failed(e))
		e = encoding_verify(seal_key, CRYPTO_P384, buf_span(&b),
				    span_of(sig, SEAL_SIG_LEN));
	buf_clear(&b);
	return e;
}

void seal_group_seal(const struct seal_group *g, size_t i,
		     const struct seal_word *word,
		     const uint8_t sig[SEAL_SIG_LEN], struct seal *out)
{
	*out = (struct seal){.word = *word,
			     .time = g->time,
			     .root = seal_group_root(g)};
	memcpy(out->signature, sig, SEAL_SIG_LEN);
	seal_group_way(g, i, &out->index, out->salt, out->path);
}

void seal_group_way(const struct seal_group *g, size_t i, uint8_t *index,
		    uint8_t salt[DIGEST_LEN], struct digest path[SEAL_LEVELS])
{
	size_t node = (size_t)SEAL_LEAVES + g->places[i];

	*index = g->places[i];
	memcpy(salt, g->salts[i], DIGEST_LEN);
	for (int level = 0; level < SEAL_LEVELS; level++, node /= 2)
		path[level] = g->nodes[node ^ 1];
}

/* ---- one seal ---- */

void seal_encode_parts(const struct seal_parts *p, struct buf *out)
{
	buf_put_u8(out, BLOB_VERSION);
	encoding_put_replica(out, p->dot.replica);
	buf_put_u64(out, p->time);
	encoding_put_digest(out, p->root);
	buf_put(out, span_of(p->signature, SEAL_SIG_LEN));
	buf_put_u8(out, p->index);
	buf_put(out, span_of(p->salt, DIGEST_LEN));
	buf_put_u8(out, SEAL_LEVELS);
	for (int i = 0; i < SEAL_LEVELS; i++)
		encoding_put_digest(out, p->path[i]);
	buf_put_u8(out, (uint8_t)p->kind);
	encode_numbers(p->dot.counter, p->statements, p->statements_count, out);
	buf_put(out, p->context);
}

void seal_encode(const struct seal *s, struct buf *out)
{
	struct seal_parts p = {.kind = s->word.kind,
			       .dot = s->word.dot,
			       .statements = s->word.statements,
			       .statements_count = s->word.statements_count,
			       .time = s->time,
			       .root = s->root,
			       .signature = s->signature,
			       .index = s->index,
			       .salt = s->salt,
			       .path = s->path};

	seal_encode_parts(&p, out);
	version_context_encode(&s->word.context, out);
}

static struct err read_lists(struct span_reader *r, struct seal_word *w)
{
	uint8_t kind = span_read_u8(r);
	size_t count;
	struct err e;

	if (r->bad || kind > SEAL_STATEMENT)
		return err_make(ERR_MALFORMED, "seal: kind");
	w->kind = (enum seal_kind)kind;
	w->dot.counter = span_read_u64(r);
	count = span_read_u16(r);
	if (count > SEAL_STATEMENTS_MAX)
		return err_make(ERR_TOO_LARGE, "seal: statements");
	w->statements_count = count;
	for (size_t i = 0; i < count; i++)
		w->statements[i] = span_read_u64(r);
	e = version_context_read(r, &w->context);
	if (!failed(e))
		e = encoding_read_end(r);
	return failed(e) ? e : word_check(w);
}

struct err seal_decode(struct span blob, struct seal *out)
{
	struct span_reader r = span_read(blob);
	struct seal s = {0};
	struct err e;

	if (blob.len > SEAL_BLOB_MAX)
		return err_make(ERR_TOO_LARGE, "seal beyond its cap");
	if (span_read_u8(&r) != BLOB_VERSION)
		return err_make(blob.len ? ERR_VERSION : ERR_MALFORMED,
				"seal: version");
	encoding_read_replica(&r, &s.word.dot.replica);
	s.time = span_read_u64(&r);
	span_read_into(&r, s.root.at, DIGEST_LEN);
	span_read_into(&r, s.signature, sizeof(s.signature));
	s.index = span_read_u8(&r);
	span_read_into(&r, s.salt, sizeof(s.salt));
	if (span_read_u8(&r) != SEAL_LEVELS)
		return err_make(ERR_MALFORMED, "seal: depth");
	for (int i = 0; i < SEAL_LEVELS; i++)
		span_read_into(&r, s.path[i].at, DIGEST_LEN);
	e = read_lists(&r, &s.word);
	if (!failed(e))
		*out = s;
	return e;
}

struct err seal_check_path(const struct seal *s,
			   const struct seal_subject *subject)
{
	struct digest core, leaf, root;
	struct err e = seal_core(subject, &s->word, &core);

	if (!failed(e))
		e = merkle_leaf(s->salt, core, &leaf);
	if (!failed(e))
		e = merkle_root(leaf, s->index, s->path, SEAL_LEVELS, &root);
	if (!failed(e) && !digest_eq(root, s->root))
		e = err_make(ERR_DIGEST,
			     "seal: the leaf is not under the root");
	return e;
}

struct err seal_check(const struct seal *s, const struct seal_subject *subject,
		      const struct replica_certificate *certificate)
{
	struct err e;

	if (!replica_eq(s->word.dot.replica, certificate->draft.replica))
		return err_make(ERR_UNAUTHENTICATED, "seal of another replica");
	if (!replica_in_time(certificate, s->time))
		return err_make(ERR_TIME, "seal outside its certificate");
	e = seal_check_path(s, subject);
	if (failed(e))
		return e;
	return seal_group_verify(certificate->draft.seal, s->word.dot.replica,
				 s->time, s->root, s->signature);
}

/* ---- evidence ---- */

void seal_evidence_to_json(const struct seal_evidence *e, struct json_writer *w)
{
	struct buf blob;

	buf_init(&blob, SEAL_BLOB_MAX);
	seal_encode(&e->seal, &blob);
	if (blob.bad)
		w->out->bad = true;
	json_open_object(w);
	json_member_key_id(w, "author", e->author);
	json_member_digest(w, "digest", e->digest);
	json_member_bytes(w, "seal", buf_span(&blob));
	json_close_object(w);
	buf_clear(&blob);
}

struct err seal_evidence_from_json(const struct json *object,
				   struct seal_evidence *out)
{
	static const char *const members[] = {"author", "digest", "seal", NULL};
	struct seal_evidence v = {0};
	struct span text;
	struct buf blob;
	struct err e = json_only(object, members);

	buf_init(&blob, SEAL_BLOB_MAX);
	if (!failed(e))
		e = json_get_fixed(object, "author", v.author.at, DIGEST_LEN);
	if (!failed(e))
		e = json_get_digest(object, "digest", &v.digest);
	if (!failed(e))
		e = json_get_string(object, "seal", &text);
	if (!failed(e))
		e = base64url_decode(text, &blob);
	if (!failed(e))
		e = seal_decode(buf_span(&blob), &v.seal);
	/* What vouches for dots is the seal of a revision. */
	if (!failed(e) && v.seal.word.kind != SEAL_REVISION)
		e = err_make(ERR_MALFORMED, "evidence: seal of a statement");
	if (!failed(e))
		*out = v;
	buf_clear(&blob);
	return e;
}

struct seal_subject seal_evidence_subject(const struct seal_evidence *e,
					  struct doc_id document)
{
	return (struct seal_subject){SEAL_REVISION, document, e->digest,
				     e->author};
}
