/* Nations made of keys alone. */
#include "storage/author_store.h"
#include "tests/federation/forge.h"

enum { YEAR_S = 365 * 24 * 3600 };

void forge_certificate(const struct forge *f, const struct crypto_key *root,
		       uint64_t issue, struct buf *out)
{
	struct replica_draft draft = {
		.replica = f->replica,
		.root = crypto_public_id(crypto_key_public(root)),
		.issue = issue,
		.seal = crypto_key_public(f->seal),
		.guard_p256 = crypto_key_public(f->p256),
		.guard_p384 = crypto_key_public(f->p384),
		.request = crypto_key_public(f->request),
		.from = f->now - YEAR_S,
		.to = f->now + YEAR_S,
	};

	buf_init(out, REPLICA_BLOB_MAX);
	must(replica_sign(root, &draft, out));
}

void forge_new(struct forge *f, const char *nation, uint64_t now)
{
	*f = (struct forge){.now = now};
	must(nation_parse(span_str(nation), &f->nation));
	f->replica = (struct replica){f->nation, 1};
	must(crypto_key_generate(CRYPTO_P384, &f->root));
	must(crypto_key_generate(CRYPTO_P384, &f->seal));
	must(crypto_key_generate(CRYPTO_P256, &f->p256));
	must(crypto_key_generate(CRYPTO_P384, &f->p384));
	must(crypto_key_generate(CRYPTO_P256, &f->request));
	must(crypto_key_generate(CRYPTO_P256, &f->author));
	f->author_id = crypto_public_id(crypto_key_public(f->author));
	forge_certificate(f, f->root, 1, &f->certificate);
	buf_init(&f->record, AUTHOR_BLOB_MAX);
	must(author_sign(f->seal, f->replica, crypto_key_public(f->author),
			 now - 1000, &f->record));
}

void forge_free(struct forge *f)
{
	crypto_key_free(f->root);
	crypto_key_free(f->seal);
	crypto_key_free(f->p256);
	crypto_key_free(f->p384);
	crypto_key_free(f->request);
	crypto_key_free(f->author);
	buf_clear(&f->certificate);
	buf_clear(&f->record);
}

struct span forge_root(const struct forge *f)
{
	return crypto_public_spki(crypto_key_public(f->root));
}

void forge_pin(const struct forge *f, struct trust *trust, struct txn *txn)
{
	must(trust_pin(trust, txn, f->nation, forge_root(f),
		       buf_span(&f->certificate)));
	must(author_store_put(txn, f->author_id, buf_span(&f->record)));
}

struct span forge_seal(const struct forge *f,
		       const struct seal_subject *subject,
		       const struct seal_word *word, struct arena *arena)
{
	static const uint8_t secret[SEAL_SECRET_LEN] = {7};
	struct seal_group *g = arena_alloc(arena, sizeof(*g));
	struct seal *seal = arena_alloc(arena, sizeof(*seal));
	uint8_t sig[SEAL_SIG_LEN];
	struct digest core;
	struct span out;
	struct buf b;

	must(arena_check(arena));
	must(seal_core(subject, word, &core));
	must(seal_group_build(secret, f->replica, f->now, &core, 1, g));
	must(seal_group_sign(f->seal, f->replica, f->now, seal_group_root(g),
			     sig));
	seal_group_seal(g, 0, word, sig, seal);
	buf_init(&b, SEAL_BLOB_MAX);
	seal_encode(seal, &b);
	out = arena_copy(arena, buf_span(&b));
	buf_clear(&b);
	return out;
}

/* A digest that was never seen before. */
static struct digest fresh(void)
{
	struct digest d;

	must(crypto_random_fill(NULL, d.at, sizeof(d.at)));
	return d;
}

void forge_revision(struct forge *by, const struct forge_head *first,
		    const struct forge_head *parent, uint64_t statement,
		    struct digest label, uint64_t counter, struct arena *arena,
		    struct forge_head *out)
{
	struct digest *key = arena_alloc(arena, sizeof(*key));
	struct digest *over = arena_alloc(arena, sizeof(*over));
	struct manifest m = {.home = by->nation,
			     .space = span_str("GBR/ops"),
			     .author = by->author_id,
			     .serial = counter,
			     .statement = statement,
			     .label = label,
			     .suite = 1,
			     .size = 100,
			     .table = fresh(),
			     .keys = key,
			     .keys_count = 1,
			     .time = by->now};
	struct seal_subject subject;
	struct buf jws;

	*key = fresh();
	if (first) {
		m.id = first->m.id;
		m.home = first->m.home;
		*over = parent->m.digest;
		m.parents = over;
		m.parents_count = 1;
	} else {
		struct opening opening = {.space = m.space, .author = m.author};

		must(crypto_random_fill(NULL, m.salt, sizeof(m.salt)));
		memcpy(opening.salt, m.salt, sizeof(m.salt));
		must(docid_make(&opening, m.home, by->now * 1000, &m.id));
	}
	buf_init(&jws, MANIFEST_JWS_MAX);
	must(manifest_sign(by->author, &m, &jws));
	*out = (struct forge_head){.jws = arena_copy(arena, buf_span(&jws))};
	buf_clear(&jws);
	must(manifest_decode(out->jws, arena, &out->m));
	out->word = (struct seal_word){.kind = SEAL_REVISION,
				       .dot = {by->replica, counter},
				       .statements = {statement},
				       .statements_count = 1};
	subject = seal_subject_of_manifest(&out->m);
	out->seal = forge_seal(by, &subject, &out->word, arena);
}

struct changes_statement
forge_statement(struct forge *by, struct forge *sealer,
		const struct forge_head *first, enum statement_kind kind,
		uint64_t number, struct digest previous, struct digest label,
		const struct digest *heads, size_t heads_count,
		struct arena *arena, struct digest *digest)
{
	struct statement s = {.id = first->m.id,
			      .home = first->m.home,
			      .kind = kind,
			      .number = number,
			      .previous = &previous,
			      .previous_count = 1,
			      .author = by->author_id,
			      .label = label,
			      .heads = heads,
			      .heads_count = heads_count,
			      .time = by->now};
	struct seal_word word = {.kind = SEAL_STATEMENT,
				 .dot = {sealer->replica, 0}};
	struct changes_statement out = {0};
	struct seal_subject subject;
	struct buf jws;

	buf_init(&jws, STATEMENT_JWS_MAX);
	must(statement_sign(by->author, &s, &jws));
	out.jws = arena_copy(arena, buf_span(&jws));
	buf_clear(&jws);
	must(statement_decode(out.jws, arena, &s));
	subject = seal_subject_of_statement(&s);
	out.seal = forge_seal(sealer, &subject, &word, arena);
	*digest = s.digest;
	return out;
}
