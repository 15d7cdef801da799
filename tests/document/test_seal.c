/* Seals and groups; and proto/document/merkle.c under them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "proto/document/merkle.h"
#include "proto/document/seal.h"
#include "tests/document/vector.h"

/* What the rows leaf_core and seal are about. */
static void vector_leaf(struct vector *v, struct seal_subject *subject,
			struct seal_word *word)
{
	const struct json *row = vector_row(v, "leaf_core"), *list, *entry;
	struct span_reader r;

	*subject = (struct seal_subject){
		.kind = SEAL_REVISION,
		.document = vector_doc_id(row, "document"),
		.digest = vector_digest(row, "digest"),
	};
	vector_fixed(row, "author", subject->author.at, DIGEST_LEN);
	*word = (struct seal_word){
		.kind = SEAL_REVISION,
		.dot = {{vector_nation("GBR"), vector_u64(row, "replica")},
			vector_u64(row, "counter")},
	};
	assert_ok(json_get_array(row, "statements", &list));
	word->statements_count = json_count(list);
	for (size_t i = 0; i < json_count(list); i++) {
		entry = json_at(list, i);
		assert_ok(json_as_u64(entry, &word->statements[i]));
	}
	r = span_read(vector_bytes(v, row, "context_encoded"));
	assert_ok(version_context_read(&r, &word->context));
	assert_true(span_read_done(&r));
}

static void a_leaf_core_is_the_published_one(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "leaf_core_statement");
	struct seal_subject subject;
	struct seal_word word;
	struct digest core;

	vector_leaf(v, &subject, &word);
	assert_ok(seal_core(&subject, &word, &core));
	assert_true(digest_eq(core, vector_digest(vector_row(v, "leaf_core"),
						  "core")));

	subject.kind = SEAL_STATEMENT;
	subject.digest = vector_digest(row, "digest");
	assert_err(seal_core(&subject, &word, &core), ERR_DIGEST);
	word = (struct seal_word){.kind = SEAL_STATEMENT,
				  .dot.replica = word.dot.replica};
	assert_ok(seal_core(&subject, &word, &core));
	assert_true(digest_eq(core, vector_digest(row, "core")));
}

static void leaves_and_nodes_are_the_published_ones(void **state)
{
	struct vector *v = *state;
	const struct json *row = vector_row(v, "leaf");
	uint8_t salt[DIGEST_LEN];
	struct digest out;

	vector_fixed(row, "salt", salt, sizeof(salt));
	assert_ok(merkle_leaf(salt, vector_digest(row, "core"), &out));
	assert_true(digest_eq(out, vector_digest(row, "leaf")));
	row = vector_row(v, "node");
	assert_ok(merkle_node(vector_digest(row, "left"),
			      vector_digest(row, "right"), &out));
	assert_true(digest_eq(out, vector_digest(row, "node")));
}

static struct seal_group *build(struct vector *v, const char *name)
{
	const struct json *row = vector_row(v, name), *list;
	struct seal_group *g = calloc(1, sizeof(*g));
	struct digest cores[SEAL_LEAVES];
	uint8_t secret[SEAL_SECRET_LEN];

	assert_non_null(g);
	vector_fixed(row, "secret", secret, sizeof(secret));
	assert_ok(json_get_array(row, "cores", &list));
	for (size_t i = 0; i < json_count(list); i++)
		assert_ok(json_as_digest(json_at(list, i), &cores[i]));
	assert_ok(seal_group_build(secret,
				   (struct replica){vector_nation("GBR"),
						    vector_u64(row, "replica")},
				   vector_u64(row, "time"), cores,
				   json_count(list), g));
	return g;
}

static void groups_are_the_published_ones(void **state)
{
	struct vector *v = *state;
	static const char *const names[] = {"group", "group_full"};
	struct crypto_key *key = vector_key(v, "seal");

	for (int n = 0; n < 2; n++) {
		const struct json *row = vector_row(v, names[n]), *list;
		struct seal_group *g = build(v, names[n]);
		struct digest salt;
		uint8_t sig[SEAL_SIG_LEN];
		uint64_t place;

		assert_true(digest_eq(seal_group_root(g),
				      vector_digest(row, "root")));
		assert_ok(json_get_array(row, "places", &list));
		for (size_t i = 0; i < json_count(list); i++) {
			assert_ok(json_as_u64(json_at(list, i), &place));
			assert_int_equal(g->places[i], place);
		}
		assert_ok(json_get_array(row, "salts", &list));
		for (size_t i = 0; i < json_count(list); i++) {
			assert_ok(json_as_digest(json_at(list, i), &salt));
			assert_memory_equal(g->salts[i], salt.at, DIGEST_LEN);
		}
		/* A signature made elsewhere over the same bytes. */
		vector_fixed(row, "signature", sig, sizeof(sig));
		assert_ok(seal_group_verify(crypto_key_public(key), g->replica,
					    g->time, seal_group_root(g), sig));
		assert_err(seal_group_verify(crypto_key_public(key), g->replica,
					     g->time + 1, seal_group_root(g),
					     sig),
			   ERR_SIGNATURE);
		free(g);
	}
	crypto_key_free(key);
}

static void a_seal_is_the_published_one(void **state)
{
	struct vector *v = *state;
	struct seal_group *g = build(v, "group");
	struct seal_subject subject;
	struct seal_word word;
	struct seal seal;
	struct buf blob;
	uint8_t sig[SEAL_SIG_LEN];

	vector_leaf(v, &subject, &word);
	vector_fixed(vector_row(v, "group"), "signature", sig, sizeof(sig));
	seal_group_seal(g, 0, &word, sig, &seal);
	assert_ok(seal_check_path(&seal, &subject));
	buf_init(&blob, SEAL_BLOB_MAX);
	seal_encode(&seal, &blob);
	assert_bytes(buf_span(&blob),
		     vector_bytes(v, vector_row(v, "seal"), "blob"));
	buf_clear(&blob);
	free(g);
}

static struct err decode(struct span bytes, void *self)
{
	return seal_decode(bytes, self);
}

static bool same(struct span bytes, void *self)
{
	struct buf b;
	bool equal;

	buf_init(&b, SEAL_BLOB_MAX);
	seal_encode(self, &b);
	equal = span_eq(buf_span(&b), bytes);
	buf_clear(&b);
	return equal;
}

static void seals_have_one_form(void **state)
{
	struct vector *v = *state;
	struct seal *seal = calloc(1, sizeof(*seal));
	struct vector_decoder d = {decode, same, seal};

	assert_non_null(seal);
	vector_mutate(vector_bytes(v, vector_row(v, "seal"), "blob"), &d);
	free(seal);
}

/* The published seal and certificate. */
struct checked {
	struct seal seal;
	struct seal_subject subject;
	struct replica_certificate *certificate;
};

static void checked_init(struct vector *v, struct checked *c)
{
	struct seal_word word;

	vector_leaf(v, &c->subject, &word);
	assert_ok(seal_decode(vector_bytes(v, vector_row(v, "seal"), "blob"),
			      &c->seal));
	assert_ok(replica_decode(vector_bytes(v, vector_row(v, "replica"),
					      "blob"),
				 &c->certificate));
	assert_ok(seal_check(&c->seal, &c->subject, c->certificate));
}

static void a_seal_says_what_it_sealed_and_nothing_else(void **state)
{
	struct vector *v = *state;
	struct checked c;
	struct seal s;
	struct seal_subject subject;

	checked_init(v, &c);
#define REFUSED(change, want)                                                  \
	do {                                                                   \
		s = c.seal;                                                    \
		subject = c.subject;                                           \
		change;                                                        \
		assert_err(seal_check(&s, &subject, c.certificate), want);     \
	} while (0)
	REFUSED(subject.document.at[0] ^= 1, ERR_DIGEST);
	REFUSED(subject.digest.at[31] ^= 1, ERR_DIGEST);
	REFUSED(subject.author.at[0] ^= 1, ERR_DIGEST);
	REFUSED(subject.kind = SEAL_STATEMENT, ERR_DIGEST);
	REFUSED(s.word.dot.counter++, ERR_DIGEST);
	REFUSED(s.word.statements[1]++, ERR_DIGEST);
	REFUSED(s.word.statements_count--, ERR_DIGEST);
	REFUSED(s.word.context.ranges[0].to++, ERR_DIGEST);
	REFUSED(s.word.context.count--, ERR_DIGEST);
	REFUSED(s.salt[5] ^= 1, ERR_DIGEST);
	REFUSED(s.index ^= 1, ERR_DIGEST);
	REFUSED(s.path[7].at[0] ^= 1, ERR_DIGEST);
	REFUSED(s.root.at[0] ^= 1, ERR_DIGEST);
	REFUSED(s.time++, ERR_SIGNATURE);
	REFUSED(s.signature[0] ^= 1, ERR_SIGNATURE);
	REFUSED(s.signature[95] ^= 1, ERR_SIGNATURE);
	REFUSED(s.word.dot.replica.number++, ERR_UNAUTHENTICATED);
	REFUSED(s.word.dot.replica.nation.code[0] = 'X', ERR_UNAUTHENTICATED);
	REFUSED(s.time = c.certificate->draft.to + 1, ERR_TIME);
	REFUSED(s.time = c.certificate->draft.from - 1, ERR_TIME);
#undef REFUSED
	replica_free(c.certificate);
}

static void every_leaf_of_a_full_group_has_its_seal(void **state)
{
	struct vector *v = *state;
	struct seal_group *g = calloc(1, sizeof(*g));
	struct crypto_key *key = vector_key(v, "seal");
	struct seal_subject subject;
	struct seal_word word;
	struct digest cores[SEAL_LEAVES];
	uint8_t secret[SEAL_SECRET_LEN] = {7}, sig[SEAL_SIG_LEN];
	struct seal seal;

	assert_non_null(g);
	vector_leaf(v, &subject, &word);
	for (size_t i = 0; i < SEAL_LEAVES; i++) {
		word.dot.counter = i + 1;
		assert_ok(seal_core(&subject, &word, &cores[i]));
	}
	assert_ok(seal_group_build(secret, word.dot.replica, 1767225660, cores,
				   SEAL_LEAVES, g));
	assert_ok(seal_group_sign(key, g->replica, g->time, seal_group_root(g),
				  sig));
	for (size_t i = 0; i < SEAL_LEAVES; i++) {
		word.dot.counter = i + 1;
		seal_group_seal(g, i, &word, sig, &seal);
		assert_ok(seal_check_path(&seal, &subject));
		seal.word.dot.counter++;
		assert_err(seal_check_path(&seal, &subject), ERR_DIGEST);
	}
	assert_ok(seal_group_verify(crypto_key_public(key),
				    seal.word.dot.replica, seal.time, seal.root,
				    sig));
	assert_err(seal_group_build(secret, word.dot.replica, 1, cores, 0, g),
		   ERR_TOO_LARGE);
	assert_err(seal_group_build(secret, word.dot.replica, 1, cores, 257, g),
		   ERR_TOO_LARGE);
	crypto_key_free(key);
	free(g);
}

static void words_out_of_form_are_refused(void **state)
{
	struct vector *v = *state;
	struct seal_subject subject;
	struct seal_word good, w;
	struct digest core;

	vector_leaf(v, &subject, &good);
#define REFUSED(change)                                                        \
	do {                                                                   \
		w = good;                                                      \
		change;                                                        \
		assert_true(failed(seal_core(&subject, &w, &core)));           \
	} while (0)
	REFUSED(w.dot.counter = 0);
	REFUSED(w.dot.replica.number = 0);
	REFUSED(w.statements_count = 0);
	REFUSED(w.statements[0] = 0);
	REFUSED(w.statements[0] = w.statements[1]);
	REFUSED(w.statements_count = SEAL_STATEMENTS_MAX + 1);
	REFUSED(w.kind = SEAL_STATEMENT; subject.kind = SEAL_STATEMENT);
#undef REFUSED
}

static void evidence_goes_through_json(void **state)
{
	struct vector *v = *state;
	struct seal_evidence e = {0}, again;
	struct seal_subject subject, other;
	struct seal_word word;
	struct buf text;
	struct json_writer w;
	struct json *j = NULL;

	vector_leaf(v, &subject, &word);
	e.author = subject.author;
	e.digest = subject.digest;
	assert_ok(seal_decode(vector_bytes(v, vector_row(v, "seal"), "blob"),
			      &e.seal));
	buf_init(&text, 8192);
	w = json_write(&text);
	seal_evidence_to_json(&e, &w);
	assert_ok(buf_check(&text));
	assert_ok(json_parse(buf_span(&text), &j));
	assert_ok(seal_evidence_from_json(j, &again));
	other = seal_evidence_subject(&again, subject.document);
	assert_ok(seal_check_path(&again.seal, &other));
	json_free(j);
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leaf_core_is_the_published_one),
		cmocka_unit_test(leaves_and_nodes_are_the_published_ones),
		cmocka_unit_test(groups_are_the_published_ones),
		cmocka_unit_test(a_seal_is_the_published_one),
		cmocka_unit_test(seals_have_one_form),
		cmocka_unit_test(a_seal_says_what_it_sealed_and_nothing_else),
		cmocka_unit_test(every_leaf_of_a_full_group_has_its_seal),
		cmocka_unit_test(words_out_of_form_are_refused),
		cmocka_unit_test(evidence_goes_through_json),
	};

	return cmocka_run_group_tests(tests, vector_setup, vector_teardown);
}
