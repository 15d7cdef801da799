/*
 * The files of secrets are those of tests/vectors/storage.json, byte for
 * byte: ring, ring key, root key and start file; and what the ring's keys
 * make: content keys and one-time secrets at rest.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "storage/file.h"
#include "storage/ring_state.h"
#include "storage/root_key.h"
#include "tests/storage/vectors.h"

/* ---- ring ---- */

static enum ring_key kind_of(struct span name)
{
	static const char *const names[] = {
		[RING_CURSOR] = "cursor",
		[RING_REFERENCE] = "reference",
		[RING_NONCE] = "nonce",
		[RING_TOKEN] = "token",
	};

	for (int kind = 1; kind <= RING_KEY_KINDS; kind++)
		if (span_eq_str(name, names[kind]))
			return kind;
	fail_msg("no such key");
	return RING_TOKEN;
}

static void assert_symmetric(struct published *p, const struct json *list,
			     const struct ring_state *s)
{
	size_t seen[RING_KEY_KINDS + 1] = {0};

	assert_int_equal(json_count(list), 2 * RING_KEY_KINDS);
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *v = json_at(list, i);
		enum ring_key kind = kind_of(published_text(v, "kind"));
		const struct ring_symmetric *got =
			&s->symmetric[kind][seen[kind]++];

		assert_int_equal(got->generation,
				 published_u64(v, "generation"));
		assert_true(
			published_is(p, v, "key",
				     span_of(got->key, ring_key_len(kind))));
	}
}

static void assert_private(struct published *p, const struct json *list,
			   const struct ring_state *s)
{
	assert_int_equal(json_count(list), s->private_count);
	for (unsigned i = 0; i < s->private_count; i++) {
		const struct json *v = json_at(list, i);
		const struct ring_private *got = &s->privates[i];

		assert_int_equal(got->purpose, published_u64(v, "purpose"));
		assert_int_equal(got->curve, published_u64(v, "curve"));
		assert_int_equal(got->until, published_u64(v, "until"));
		assert_true(
			published_is(p, v, "scalar",
				     span_of(got->scalar,
					     crypto_scalar_len(got->curve))));
	}
}

static void the_ring_file_is_the_published_one(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	const struct json *v = published_row(p, "ring");
	const struct json *slots = published_list(v, "slots");
	uint8_t key[CRYPTO_KEY_LEN], nonce[CRYPTO_NONCE_LEN];
	struct span file = published_bytes(p, v, "file");
	struct ring_state *s = NULL;
	struct buf again;

	published_fixed(v, "ring_key", key, sizeof(key));
	published_fixed(v, "nonce", nonce, sizeof(nonce));
	must(ring_state_new(&s));
	must(ring_state_read_head(file, s));
	assert_true(published_is(p, v, "store_id", SPAN_OBJ(s->store_id)));
	assert_int_equal(s->generation, published_u64(v, "generation"));
	assert_true(
		published_is(p, v, "ring_key_id", SPAN_OBJ(s->ring_key.at)));
	must(ring_state_open(file, key, s));
	assert_true(published_is(p, v, "mac_key", SPAN_OBJ(s->mac_key)));
	assert_symmetric(p, published_list(v, "symmetric"), s);
	assert_private(p, published_list(v, "private"), s);
	assert_int_equal(s->next_slot, published_u64(v, "next_slot"));
	assert_int_equal(json_count(slots), s->slot_count);
	for (size_t i = 0; i < s->slot_count; i++) {
		assert_int_equal(s->slots[i].number,
				 published_u64(json_at(slots, i), "number"));
		assert_true(published_is(p, json_at(slots, i), "secret",
					 SPAN_OBJ(s->slots[i].secret)));
	}
	buf_init(&again, RING_FILE_MAX);
	must(ring_state_seal(s, key, nonce, &again));
	assert_true(published_is(p, v, "file", buf_span(&again)));
	buf_clear(&again);
	ring_state_free(s);
}

static void
the_plain_form_and_its_associated_data_are_published_too(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	const struct json *v = published_row(p, "ring");
	struct span file = published_bytes(p, v, "file");
	struct span plain = published_bytes(p, v, "plain");
	struct span aad = published_bytes(p, v, "aad");
	uint8_t key[CRYPTO_KEY_LEN];
	uint8_t *opened = arena_alloc(&p->arena, plain.len);

	published_fixed(v, "ring_key", key, sizeof(key));
	assert_non_null(opened);
	assert_int_equal(file.len, RING_HEAD_LEN + plain.len + CRYPTO_TAG_LEN);
	must(crypto_gcm_open(key, file.at + RING_HEAD_LEN - CRYPTO_NONCE_LEN,
			     aad, span_sub(file, RING_HEAD_LEN, SIZE_MAX),
			     opened));
	assert_memory_equal(opened, plain.at, plain.len);
}

static void the_ring_hands_out_the_published_private_keys(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	const struct json *list =
		published_list(published_row(p, "ring"), "private");

	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *v = json_at(list, i);
		const struct crypto_key *current;
		uint8_t scalar[KEYFILE_SCALAR_MAX];

		if (published_u64(v, "until"))
			continue;
		must(ring_private(k->temp.ring, published_u64(v, "purpose"),
				  &current));
		must(crypto_key_scalar(current, scalar));
		assert_true(
			published_is(p, v, "scalar",
				     span_of(scalar,
					     crypto_scalar_len(crypto_key_curve(
						     current)))));
	}
}

static void a_ring_key_file_is_the_published_one(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	const struct json *v = published_row(p, "ring_key");
	const struct key_provider *provider = &k->temp.provider;
	uint8_t key[CRYPTO_KEY_LEN];
	struct span name = published_text(v, "name");
	char text[64] = {0};
	struct ring_key_id id;

	memcpy(text, name.at, name.len);
	published_fixed(v, "id", id.at, sizeof(id.at));
	must(provider->get(provider->self, id, key));
	assert_true(published_is(p, v, "key", SPAN_OBJ(key)));
	published_draw(p, published_bytes(p, v, "nonce"));
	must(provider->put(provider->self, id, key));
	kept_file(k, k->temp.keys, text, v);
}

/* ---- what the ring's keys make ---- */

static void a_content_key_at_rest_is_the_published_one(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	const struct json *v = published_row(p, "slot");
	uint64_t slot = published_u64(v, "slot");
	struct doc_id doc = published_doc(v, "document");
	struct digest commitment = published_digest(v, "commitment");
	uint8_t kek[CRYPTO_KEY_LEN], key[CRYPTO_KEY_LEN];
	uint8_t wrapped[CRYPTO_WRAPPED_LEN];

	must(ring_kek(k->temp.ring, slot, doc, commitment, kek));
	assert_true(published_is(p, v, "kek", SPAN_OBJ(kek)));
	published_fixed(v, "content_key", key, sizeof(key));
	must(ring_wrap(k->temp.ring, slot, doc, commitment, key, wrapped));
	assert_true(published_is(p, v, "wrapped", SPAN_OBJ(wrapped)));
	memset(key, 0, sizeof(key));
	must(ring_unwrap(k->temp.ring, slot, doc, commitment, wrapped, key));
	assert_true(published_is(p, v, "content_key", SPAN_OBJ(key)));
	/* Slot, document and commitment are all in the key's key. */
	assert_int_equal(ring_unwrap(k->temp.ring, 5, doc, commitment, wrapped,
				     key)
				 .code,
			 ERR_CORRUPT);
	doc.at[0] ^= 1;
	assert_int_equal(ring_unwrap(k->temp.ring, slot, doc, commitment,
				     wrapped, key)
				 .code,
			 ERR_CORRUPT);
}

static void a_one_time_secret_at_rest_is_the_published_one(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	const struct json *v = published_row(p, "secret");
	struct span name = published_bytes(p, v, "name");
	struct buf sealed, plain;

	buf_init(&sealed, 256);
	buf_init(&plain, 256);
	published_draw(p, published_bytes(p, v, "nonce"));
	must(ring_seal_secret(k->temp.ring, name,
			      published_bytes(p, v, "secret"), &sealed));
	assert_true(published_is(p, v, "sealed", buf_span(&sealed)));
	must(ring_open_secret(k->temp.ring, name, buf_span(&sealed), &plain));
	assert_true(published_is(p, v, "secret", buf_span(&plain)));
	buf_clear(&sealed);
	buf_wipe(&plain);
}

/* ---- root key file, start file ---- */

static void a_root_key_file_is_the_published_one(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	const struct json *v = published_row(p, "root_key_file");
	struct random random = published_random(p);
	struct span passphrase = published_text(v, "passphrase");
	uint8_t root[KEYFILE_ROOT_LEN];
	char path[2 * TEMPSTORE_PATH];

	must(file_join(path, sizeof(path), k->temp.folder, "root.key"));
	published_draw(p, published_bytes(p, v, "root_key"));
	published_draw(p, published_bytes(p, v, "salt"));
	published_draw(p, published_bytes(p, v, "nonce"));
	must(root_key_create(path, passphrase,
			     (unsigned)published_u64(v, "log2_n"), &random,
			     root));
	assert_true(published_is(p, v, "root_key", SPAN_OBJ(root)));
	kept_file(k, k->temp.folder, "root.key", v);
	memset(root, 0, sizeof(root));
	must(root_key_open(path, passphrase, root));
	assert_true(published_is(p, v, "root_key", SPAN_OBJ(root)));
}

static void a_start_file_is_the_published_one(void **state)
{
	struct kept *k = *state;
	struct published *p = &k->vectors;
	const struct json *v = published_row(p, "start_file");
	const struct json *keys = published_list(v, "keys");
	struct random random = published_random(p);
	uint8_t root[KEYFILE_ROOT_LEN];
	struct keyfile_start start, back;
	char path[2 * TEMPSTORE_PATH];
	struct buf plain;

	start = (struct keyfile_start){
		.replica = published_replica(v),
		.root_id = published_digest(v, "root_id"),
		.count = (unsigned)json_count(keys),
		.certificate = published_bytes(p, v, "certificate"),
		.ca = published_bytes(p, v, "ca"),
	};
	assert_true(start.count <= KEYFILE_KEYS_MAX);
	for (unsigned i = 0; i < start.count; i++) {
		const struct json *key = json_at(keys, i);

		start.keys[i].purpose = published_u64(key, "purpose");
		start.keys[i].curve = published_u64(key, "curve");
		published_fixed(key, "scalar", start.keys[i].scalar,
				crypto_scalar_len(start.keys[i].curve));
	}
	published_fixed(v, "root_key", root, sizeof(root));
	must(file_join(path, sizeof(path), k->temp.folder, "start"));
	published_draw(p, published_bytes(p, v, "nonce"));
	must(start_file_create(path, root, &random, &start));
	kept_file(k, k->temp.folder, "start", v);
	buf_init(&plain, KEYFILE_START_FILE_MAX);
	must(start_file_open(path, root, &plain, &back));
	assert_true(published_is(p, v, "plain", buf_span(&plain)));
	assert_true(replica_eq(back.replica, start.replica));
	assert_true(digest_eq(back.root_id, start.root_id));
	assert_int_equal(back.count, start.count);
	for (unsigned i = 0; i < back.count; i++) {
		assert_int_equal(back.keys[i].purpose, start.keys[i].purpose);
		assert_int_equal(back.keys[i].curve, start.keys[i].curve);
		assert_memory_equal(back.keys[i].scalar, start.keys[i].scalar,
				    crypto_scalar_len(back.keys[i].curve));
	}
	assert_true(span_eq(back.certificate, start.certificate));
	assert_true(span_eq(back.ca, start.ca));
	keyfile_start_wipe(&back);
	buf_wipe(&plain);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, kept_setup, kept_teardown)
	const struct CMUnitTest tests[] = {
		T(the_ring_file_is_the_published_one),
		T(the_plain_form_and_its_associated_data_are_published_too),
		T(the_ring_hands_out_the_published_private_keys),
		T(a_ring_key_file_is_the_published_one),
		T(a_content_key_at_rest_is_the_published_one),
		T(a_one_time_secret_at_rest_is_the_published_one),
		T(a_root_key_file_is_the_published_one),
		T(a_start_file_is_the_published_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
