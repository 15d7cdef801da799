/*
 * Proves proto/crypto/crypto_openssl.c: hashes, MACs, derivation and ciphers,
 * by the RFCs' vectors, then our own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/crypto/crypto.h"
#include "proto/crypto/hmac.h"
#include "proto/crypto/domain.h"
#include "tests/crypto/vectors.h"

#define OK(e)	       assert_false(failed(e))
#define FAILS(e, want) assert_int_equal((e).code, want)

static void expect_hex(const char *hex, const void *at, size_t len)
{
	struct vector_bytes want = vector_hex(hex);

	assert_int_equal(want.len, len);
	assert_memory_equal(want.at, at, len);
}

/* ---- RFCs ---- */

static void sha_of_abc_is_as_in_fips_180(void **state)
{
	uint8_t out[CRYPTO_HASH_MAX];

	OK(crypto_hash(CRYPTO_SHA256, span_str("abc"), out));
	expect_hex("ba7816bf8f01cfea414140de5dae2223"
		   "b00361a396177a9cb410ff61f20015ad",
		   out, 32);
	OK(crypto_hash(CRYPTO_SHA384, span_str("abc"), out));
	expect_hex("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
		   "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
		   out, 48);
	OK(crypto_hash(CRYPTO_SHA256, span_of(NULL, 0), out));
	expect_hex("e3b0c44298fc1c149afbf4c8996fb924"
		   "27ae41e4649b934ca495991b7852b855",
		   out, 32);
}

static void a_hash_in_parts_is_the_hash_of_the_whole(void **state)
{
	struct crypto_hasher *h;
	struct digest whole, parts;
	uint8_t bytes[200];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	OK(crypto_sha256(SPAN_OBJ(bytes), &whole));
	for (size_t cut = 0; cut <= sizeof(bytes); cut += 8) {
		OK(crypto_hasher_new(&h));
		OK(crypto_hasher_update(h, span_sub(SPAN_OBJ(bytes), 0, cut)));
		OK(crypto_hasher_update(h, span_sub(SPAN_OBJ(bytes), cut,
						    sizeof(bytes))));
		OK(crypto_hasher_final(h, &parts));
		assert_true(digest_eq(whole, parts));
		crypto_hasher_free(h);
	}
	crypto_hasher_free(NULL);
}

static void hmac_is_as_in_rfc_4231(void **state)
{
	static const struct {
		const char *key, *data, *sha256, *sha384;
	} rows[] = {
		/* s.4.2, s.4.3, s.4.4, s.4.7 (a key longer than a block) */
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
		 "b0344c61d8db38535ca8afceaf0bf12b"
		 "881dc200c9833da726e9376c2e32cff7",
		 "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec6"
		 "82aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6"},
		{"4a656665",
		 "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
		 "5bdcc146bf60754e6a042426089575c7"
		 "5a003f089d2739839dec58b964ec3843",
		 "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47"
		 "e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		 "dddddddddddddddddddddddddddddddddddddddddddddddddd"
		 "dddddddddddddddddddddddddddddddddddddddddddddddddd",
		 "773ea91e36800e46854db8ebd09181a7"
		 "2959098b3ef8c122d9635514ced565fe",
		 "88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9feb"
		 "e83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27"},
	};
	uint8_t out[CRYPTO_HASH_MAX], key[131];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vector_bytes k = vector_hex(rows[i].key);
		struct vector_bytes d = vector_hex(rows[i].data);

		OK(crypto_hmac(CRYPTO_SHA256, vector_span(&k), vector_span(&d),
			       out));
		expect_hex(rows[i].sha256, out, 32);
		OK(crypto_hmac(CRYPTO_SHA384, vector_span(&k), vector_span(&d),
			       out));
		expect_hex(rows[i].sha384, out, 48);
	}
	memset(key, 0xaa, sizeof(key));
	OK(crypto_hmac(CRYPTO_SHA256, SPAN_OBJ(key),
		       span_str("Test Using Larger Than Block-Size Key - "
				"Hash Key First"),
		       out));
	expect_hex("60e431591ee0b67f0d8a26aacbf5b77f"
		   "8e0bc6213728c5140546040f0ee37f54",
		   out, 32);
}

static void a_key_made_ready_gives_the_same_hmac_each_time(void **state)
{
	uint8_t key[131], message[300], want[32], got[32];
	struct hmac_key *ready = NULL;
	struct hmac *h = NULL;

	OK(hmac_new(&h));
	memset(key, 0xaa, sizeof(key));
	memset(message, 0x5c, sizeof(message));
	for (size_t len = 0; len <= sizeof(key); len += len < 66 ? 1 : 65) {
		OK(hmac_key_new(span_of(key, len), &ready));
		for (size_t n = 0; n < sizeof(message); n += 59) {
			OK(crypto_hmac(CRYPTO_SHA256, span_of(key, len),
				       span_of(message, n), want));
			OK(hmac_begin(h, ready));
			OK(hmac_update(h, span_of(message, n / 2)));
			OK(hmac_update(h, span_of(message, n - n / 2)));
			OK(hmac_final(h, got));
			assert_memory_equal(want, got, sizeof(want));
		}
		hmac_key_free(ready);
	}
	/* What was begun and not ended is forgotten. */
	OK(hmac_key_new(SPAN_OBJ(key), &ready));
	OK(crypto_hmac(CRYPTO_SHA256, SPAN_OBJ(key), span_str("b"), want));
	OK(hmac_begin(h, ready));
	OK(hmac_update(h, span_str("a")));
	OK(hmac_begin(h, ready));
	OK(hmac_update(h, span_str("b")));
	OK(hmac_final(h, got));
	assert_memory_equal(want, got, sizeof(want));
	hmac_key_free(ready);
	hmac_key_free(NULL);
	hmac_free(h);
	hmac_free(NULL);
}

static void hkdf_is_as_in_rfc_5869(void **state)
{
	uint8_t ikm[80], salt[80], info[80], out[82];

	/* A.1 */
	memset(ikm, 0x0b, 22);
	for (uint8_t i = 0; i < 80; i++) {
		salt[i] = i;
		info[i] = 0xf0 + i;
	}
	OK(crypto_hkdf(span_of(ikm, 22), span_of(salt, 13), span_of(info, 10),
		       out, 42));
	expect_hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56"
		   "ecc4c5bf34007208d5b887185865",
		   out, 42);
	/* A.3: no salt, no info */
	OK(crypto_hkdf(span_of(ikm, 22), span_of(NULL, 0), span_of(NULL, 0),
		       out, 42));
	expect_hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f"
		   "3c738d2d9d201395faa4b61a96c8",
		   out, 42);
	/* A.2 */
	for (uint8_t i = 0; i < 80; i++) {
		ikm[i] = i;
		salt[i] = 0x60 + i;
		info[i] = 0xb0 + i;
	}
	OK(crypto_hkdf(SPAN_OBJ(ikm), SPAN_OBJ(salt), SPAN_OBJ(info), out, 82));
	expect_hex("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c"
		   "19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8"
		   "367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
		   out, 82);
	FAILS(crypto_hkdf(SPAN_OBJ(ikm), SPAN_OBJ(salt), SPAN_OBJ(info), out,
			  255 * 32 + 1),
	      ERR_TOO_LARGE);
}

static void scrypt_is_as_in_rfc_7914(void **state)
{
	uint8_t out[64];

	OK(crypto_scrypt(span_str("pleaseletmein"), span_str("SodiumChloride"),
			 14, out, sizeof(out)));
	expect_hex("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6"
		   "545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40"
		   "dfcf017b45575887",
		   out, sizeof(out));
	FAILS(crypto_scrypt(span_str("a"), span_str("b"), 40, out, 32),
	      ERR_UNSUPPORTED);
}

/* The GCM specification's test cases 13, 14 and 16. */
static void gcm_is_as_published(void **state)
{
	static const struct {
		const char *key, *nonce, *aad, *plain, *sealed;
	} rows[] = {
		{"00000000000000000000000000000000"
		 "00000000000000000000000000000000",
		 "000000000000000000000000", "", "",
		 "530f8afbc74536b9a963b4f1c4cb738b"},
		{"00000000000000000000000000000000"
		 "00000000000000000000000000000000",
		 "000000000000000000000000", "",
		 "00000000000000000000000000000000",
		 "cea7403d4d606b6e074ec5d3baf39d18"
		 "d0d1c8a799996bf0265b98b5d48ab919"},
		{"feffe9928665731c6d6a8f9467308308"
		 "feffe9928665731c6d6a8f9467308308",
		 "cafebabefacedbaddecaf888",
		 "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a31"
		 "8a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555"
		 "d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
		 "76fc6ece0f4e1768cddf8853bb2d551b"},
	};
	uint8_t out[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vector_bytes key = vector_hex(rows[i].key);
		struct vector_bytes nonce = vector_hex(rows[i].nonce);
		struct vector_bytes aad = vector_hex(rows[i].aad);
		struct vector_bytes plain = vector_hex(rows[i].plain);
		struct vector_bytes sealed = vector_hex(rows[i].sealed);

		OK(crypto_gcm_seal(key.at, nonce.at, vector_span(&aad),
				   vector_span(&plain), out));
		assert_memory_equal(out, sealed.at, sealed.len);
		OK(crypto_gcm_open(key.at, nonce.at, vector_span(&aad),
				   vector_span(&sealed), out));
		assert_memory_equal(out, plain.at, plain.len);
	}
}

static void key_wrap_is_as_in_rfc_3394_s_4_6(void **state)
{
	struct vector_bytes kek =
		vector_hex("000102030405060708090a0b0c0d0e0f"
			   "101112131415161718191a1b1c1d1e1f");
	struct vector_bytes key =
		vector_hex("00112233445566778899aabbccddeeff"
			   "000102030405060708090a0b0c0d0e0f");
	uint8_t wrapped[CRYPTO_WRAPPED_LEN], out[CRYPTO_KEY_LEN];

	OK(crypto_key_wrap(kek.at, key.at, wrapped));
	expect_hex("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326"
		   "cbc7f0e71a99f43bfb988b9b7a02dd21",
		   wrapped, sizeof(wrapped));
	OK(crypto_key_unwrap(kek.at, wrapped, out));
	assert_memory_equal(out, key.at, sizeof(out));
}

/* ---- what is not authentic ---- */

static void no_changed_bit_opens(void **state)
{
	const uint8_t key[CRYPTO_SIV_KEY_LEN] = {1}, nonce[12] = {2};
	const uint8_t zeros[20] = {0};
	struct span aad = span_str("aad"),
		    plain = span_str("twenty bytes of text");
	uint8_t gcm[20 + 16], siv[20 + 16], wrapped[40], out[40];

	OK(crypto_gcm_seal(key, nonce, aad, plain, gcm));
	OK(crypto_siv_seal(key, aad, plain, siv));
	OK(crypto_key_wrap(key, key, wrapped));
	for (size_t bit = 0; bit < 8 * sizeof(gcm); bit++) {
		gcm[bit / 8] ^= 1 << bit % 8;
		siv[bit / 8] ^= 1 << bit % 8;
		memset(out, 0xff, sizeof(out));
		FAILS(crypto_gcm_open(key, nonce, aad, SPAN_OBJ(gcm), out),
		      ERR_DIGEST);
		assert_memory_equal(out, zeros, 20);
		memset(out, 0xff, sizeof(out));
		FAILS(crypto_siv_open(key, aad, SPAN_OBJ(siv), out),
		      ERR_DIGEST);
		assert_memory_equal(out, zeros, 20);
		gcm[bit / 8] ^= 1 << bit % 8;
		siv[bit / 8] ^= 1 << bit % 8;
	}
	for (size_t bit = 0; bit < 8 * sizeof(wrapped); bit++) {
		wrapped[bit / 8] ^= 1 << bit % 8;
		FAILS(crypto_key_unwrap(key, wrapped, out), ERR_DIGEST);
		wrapped[bit / 8] ^= 1 << bit % 8;
	}
	FAILS(crypto_gcm_open(key, nonce, plain, SPAN_OBJ(gcm), out),
	      ERR_DIGEST);
	FAILS(crypto_siv_open(key, plain, SPAN_OBJ(siv), out), ERR_DIGEST);
	OK(crypto_siv_open(key, aad, SPAN_OBJ(siv), out));
	assert_memory_equal(out, plain.at, plain.len);
}

static void what_is_too_short_does_not_open(void **state)
{
	const uint8_t key[CRYPTO_SIV_KEY_LEN] = {1}, nonce[12] = {2};
	uint8_t bytes[16] = {0}, out[16];

	for (size_t len = 0; len <= 16; len++) {
		FAILS(crypto_gcm_open(key, nonce, span_of(NULL, 0),
				      span_of(bytes, len), out),
		      ERR_DIGEST);
		FAILS(crypto_siv_open(key, span_of(NULL, 0),
				      span_of(bytes, len), out),
		      ERR_DIGEST);
	}
	FAILS(crypto_siv_seal(key, span_of(NULL, 0), span_of(NULL, 0), out),
	      ERR_UNSUPPORTED);
}

/* ---- tests/vectors/crypto.json ---- */

static const struct json *published(struct json **all, const char *name)
{
	const struct json *list;

	*all = vector_published();
	assert_non_null(*all);
	OK(json_get_array(*all, name, &list));
	assert_true(json_count(list) > 0);
	return list;
}

static void put(struct buf *b, const struct json *v, const char *name)
{
	struct vector_bytes bytes = vector_get(v, name);

	buf_put(b, vector_span(&bytes));
}

/* E(domain, suite, document), as the content key's derivations have it. */
static void derive(const struct json *v, enum domain domain, uint8_t out[32])
{
	struct vector_bytes key = vector_get(v, "content_key");
	struct buf b;

	buf_init(&b, 256);
	encode_domain(&b, domain);
	buf_put_u16(&b, (uint16_t)vector_u64(v, "suite"));
	put(&b, v, "document");
	if (domain == DOMAIN_COMMITMENT)
		vector_expect(v, "commitment_info", buf_span(&b));
	OK(crypto_hkdf(vector_span(&key), span_of(NULL, 0), buf_span(&b), out,
		       32));
	buf_clear(&b);
}

static void commitment_and_subkeys_are_as_published(void **state)
{
	struct json *all;
	const struct json *v = json_at(published(&all, "content_keys"), 0);
	uint8_t out[32];

	derive(v, DOMAIN_COMMITMENT, out);
	vector_expect(v, "commitment", SPAN_OBJ(out));
	derive(v, DOMAIN_SEGMENT_KEY, out);
	vector_expect(v, "segment_key", SPAN_OBJ(out));
	derive(v, DOMAIN_TITLE_KEY, out);
	vector_expect(v, "title_key", SPAN_OBJ(out));
	json_free(all);
}

/* Rows of segments, or the title's one; `v` of content_keys has the keys. */
static void check_sealed(const char *rows, enum domain key_domain,
			 enum domain domain)
{
	struct json *all;
	const struct json *list = published(&all, rows), *keys, *v;
	uint8_t key[32], sealed[256];
	struct buf b;

	OK(json_get_array(all, "content_keys", &keys));
	derive(json_at(keys, 0), key_domain, key);
	for (size_t i = 0; (v = json_at(list, i)); i++) {
		struct vector_bytes nonce = vector_get(v, "nonce");
		struct vector_bytes plain = vector_get(v, "plain");

		buf_init(&b, 256);
		encode_domain(&b, domain);
		buf_put_u16(&b, 1);
		put(&b, json_at(keys, 0), "document");
		put(&b, json_at(keys, 0), "commitment");
		if (domain == DOMAIN_SEGMENT) {
			buf_put_u64(&b, vector_u64(v, "index"));
			buf_put_u8(&b, (uint8_t)vector_u64(v, "last"));
		}
		vector_expect(v, "aad", buf_span(&b));
		memcpy(sealed, nonce.at, CRYPTO_NONCE_LEN);
		OK(crypto_gcm_seal(key, nonce.at, buf_span(&b),
				   vector_span(&plain),
				   sealed + CRYPTO_NONCE_LEN));
		vector_expect(v, "sealed",
			      span_of(sealed, CRYPTO_NONCE_LEN + plain.len +
						      CRYPTO_TAG_LEN));
		buf_clear(&b);
	}
	json_free(all);
}

static void sealed_segments_and_titles_are_as_published(void **state)
{
	check_sealed("segment", DOMAIN_SEGMENT_KEY, DOMAIN_SEGMENT);
	check_sealed("title", DOMAIN_TITLE_KEY, DOMAIN_TITLE);
}

static void a_slots_key_and_what_it_wraps_are_as_published(void **state)
{
	struct json *all;
	const struct json *v = json_at(published(&all, "slot"), 0);
	struct vector_bytes secret = vector_get(v, "secret");
	struct vector_bytes store = vector_get(v, "store_id");
	struct vector_bytes key = vector_get(v, "content_key");
	uint8_t kek[32], wrapped[CRYPTO_WRAPPED_LEN];
	struct buf b;

	buf_init(&b, 256);
	encode_domain(&b, DOMAIN_SLOT);
	buf_put_u64(&b, vector_u64(v, "slot"));
	put(&b, v, "document");
	put(&b, v, "commitment");
	OK(crypto_hkdf(vector_span(&secret), vector_span(&store), buf_span(&b),
		       kek, 32));
	vector_expect(v, "kek", SPAN_OBJ(kek));
	OK(crypto_key_wrap(kek, key.at, wrapped));
	vector_expect(v, "wrapped", SPAN_OBJ(wrapped));
	buf_clear(&b);
	json_free(all);
}

static void record_mac_nonce_and_audit_link_are_as_published(void **state)
{
	struct json *all;
	const struct json *v = json_at(published(&all, "record"), 0), *list;
	struct vector_bytes key = vector_get(v, "mac_key");
	struct vector_bytes table = vector_get(v, "table");
	struct vector_bytes at = vector_get(v, "key");
	struct vector_bytes value = vector_get(v, "value");
	struct digest d;
	uint8_t mac[32];
	struct buf b;

	buf_init(&b, 512);
	encode_domain(&b, DOMAIN_RECORD);
	put(&b, v, "store_id");
	buf_put_var(&b, vector_span(&table));
	buf_put_var(&b, vector_span(&at));
	buf_put_u32(&b, (uint32_t)value.len);
	buf_put(&b, vector_span(&value));
	OK(crypto_hmac(CRYPTO_SHA256, vector_span(&key), buf_span(&b), mac));
	vector_expect(v, "mac", span_of(mac, 16));

	OK(json_get_array(all, "nonce", &list));
	v = json_at(list, 0);
	key = vector_get(v, "key");
	buf_reset(&b);
	encode_domain(&b, DOMAIN_NONCE);
	put(&b, v, "key_id");
	buf_put_u64(&b, vector_u64(v, "slot"));
	OK(crypto_hmac(CRYPTO_SHA256, vector_span(&key), buf_span(&b), mac));
	vector_expect(v, "mac", span_of(mac, 16));

	OK(json_get_array(all, "audit", &list));
	v = json_at(list, 0);
	value = vector_get(v, "record");
	buf_reset(&b);
	encode_domain(&b, DOMAIN_AUDIT);
	put(&b, v, "store_id");
	put(&b, v, "nation");
	buf_put_u64(&b, vector_u64(v, "replica"));
	buf_put_u64(&b, vector_u64(v, "number"));
	put(&b, v, "previous");
	OK(crypto_sha256(vector_span(&value), &d));
	buf_put(&b, SPAN_OBJ(d.at));
	OK(crypto_sha256(buf_span(&b), &d));
	vector_expect(v, "link", SPAN_OBJ(d.at));
	buf_clear(&b);
	json_free(all);
}

static void check_siv(const struct json *list, enum domain domain)
{
	const struct json *v;

	for (size_t i = 0; (v = json_at(list, i)); i++) {
		struct vector_bytes key = vector_get(v, "key");
		struct vector_bytes plain = vector_get(v, "plain");
		struct vector_bytes sealed = vector_get(v, "sealed");
		uint8_t out[256];
		struct buf b;

		buf_init(&b, 256);
		encode_domain(&b, domain);
		if (domain == DOMAIN_CURSOR)
			put(&b, v, "reader");
		vector_expect(v, "aad", buf_span(&b));
		OK(crypto_siv_seal(key.at, buf_span(&b), vector_span(&plain),
				   out));
		vector_expect(v, "sealed",
			      span_of(out, plain.len + CRYPTO_TAG_LEN));
		OK(crypto_siv_open(key.at, buf_span(&b), vector_span(&sealed),
				   out));
		vector_expect(v, "plain", span_of(out, plain.len));
		buf_clear(&b);
	}
}

/* RFC 5297 A.1 has AES-128; the script that made these is held to it. */
static void sealed_cursors_and_references_are_as_published(void **state)
{
	struct json *all;
	const struct json *list = published(&all, "cursor");

	check_siv(list, DOMAIN_CURSOR);
	OK(json_get_array(all, "reference", &list));
	check_siv(list, DOMAIN_REFERENCE);
	json_free(all);
}

static void wrapped_keys_are_as_published(void **state)
{
	struct json *all;
	const struct json *list = published(&all, "wrapped"), *v;
	uint8_t out[CRYPTO_WRAPPED_LEN];
	struct buf b;

	for (size_t i = 0; (v = json_at(list, i)); i++) {
		struct vector_bytes kek = vector_get(v, "wrapping_key");
		struct vector_bytes key = vector_get(v, "content_key");
		struct vector_bytes point = vector_get(v, "recipient_point");
		struct crypto_public *to;
		struct key_id id;

		OK(crypto_public_from_point(vector_span(&point), &to));
		id = crypto_public_point_id(to);
		vector_expect(v, "to", SPAN_OBJ(id.at));
		buf_init(&b, 256);
		encode_domain(&b, DOMAIN_WRAP);
		buf_put_u16(&b, (uint16_t)vector_u64(v, "suite"));
		buf_put(&b, SPAN_OBJ(id.at));
		put(&b, v, "document");
		put(&b, v, "commitment");
		buf_put_u64(&b, vector_u64(v, "until"));
		vector_expect(v, "exporter_context", buf_span(&b));
		OK(crypto_key_wrap(kek.at, key.at, out));
		vector_expect(v, "ct", SPAN_OBJ(out));
		buf_clear(&b);
		crypto_public_free(to);
	}
	json_free(all);
}

static void random_bytes_differ(void **state)
{
	uint8_t a[32] = {0}, b[32] = {0};

	OK(crypto_random_fill(NULL, a, sizeof(a)));
	OK(crypto_random_fill(NULL, b, sizeof(b)));
	OK(crypto_random_fill(NULL, NULL, 0));
	assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha_of_abc_is_as_in_fips_180),
		cmocka_unit_test(a_hash_in_parts_is_the_hash_of_the_whole),
		cmocka_unit_test(hmac_is_as_in_rfc_4231),
		cmocka_unit_test(
			a_key_made_ready_gives_the_same_hmac_each_time),
		cmocka_unit_test(hkdf_is_as_in_rfc_5869),
		cmocka_unit_test(scrypt_is_as_in_rfc_7914),
		cmocka_unit_test(gcm_is_as_published),
		cmocka_unit_test(key_wrap_is_as_in_rfc_3394_s_4_6),
		cmocka_unit_test(no_changed_bit_opens),
		cmocka_unit_test(what_is_too_short_does_not_open),
		cmocka_unit_test(commitment_and_subkeys_are_as_published),
		cmocka_unit_test(sealed_segments_and_titles_are_as_published),
		cmocka_unit_test(
			a_slots_key_and_what_it_wraps_are_as_published),
		cmocka_unit_test(
			record_mac_nonce_and_audit_link_are_as_published),
		cmocka_unit_test(
			sealed_cursors_and_references_are_as_published),
		cmocka_unit_test(wrapped_keys_are_as_published),
		cmocka_unit_test(random_bytes_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
