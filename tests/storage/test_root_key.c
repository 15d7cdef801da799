/* Proves storage/root_key.c and proto/crypto/keyfile.c. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/file.h"
#include "storage/root_key.h"
#include "tests/support/tempstore.h"

enum { QUICK = 10 }; /* scrypt's cost, for tests */

struct place {
	char folder[64];
	char path[96];
	struct testrandom source;
	struct random random;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->folder, "/tmp/entente-test-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	must(file_join(p->path, sizeof(p->path), p->folder, "file"));
	testrandom_init(&p->source, 3);
	p->random = testrandom(&p->source);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	rmdir(p->folder);
	free(p);
	return 0;
}

static void the_passphrase_and_no_other_opens_the_root_key(void **state)
{
	struct place *p = *state;
	uint8_t made[KEYFILE_ROOT_LEN], got[KEYFILE_ROOT_LEN];
	struct stat st;

	must(root_key_create(p->path, span_str("horse"), QUICK, &p->random,
			     made));
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	must(root_key_open(p->path, span_str("horse"), got));
	assert_memory_equal(made, got, sizeof(made));
	assert_int_equal(root_key_open(p->path, span_str("Horse"), got).code,
			 ERR_SEALED);
	assert_int_equal(root_key_create(p->path, span_str("horse"), QUICK,
					 &p->random, made)
				 .code,
			 ERR_EXISTS);
}

static void no_changed_root_key_file_opens(void **state)
{
	struct place *p = *state;
	uint8_t root[KEYFILE_ROOT_LEN], salt[KEYFILE_SALT_LEN] = {1};
	uint8_t nonce[CRYPTO_NONCE_LEN] = {2};
	struct buf file;

	memset(root, 7, sizeof(root));
	buf_init(&file, KEYFILE_ROOT_FILE_MAX);
	must(keyfile_encode_root(span_str("p"), QUICK, salt, nonce, root,
				 &file));
	for (size_t len = 0; len < file.len; len++)
		assert_true(failed(keyfile_decode_root(span_of(file.at, len),
						       span_str("p"), root)));
	for (size_t i = 0; i < file.len; i++) {
		if (i == 8)
			continue; /* the cost: seconds, or out of range */
		file.at[i] ^= 1;
		assert_true(failed(keyfile_decode_root(buf_span(&file),
						       span_str("p"), root)));
		file.at[i] ^= 1;
	}
	file.at[8] = 30;
	assert_int_equal(
		keyfile_decode_root(buf_span(&file), span_str("p"), root).code,
		ERR_MALFORMED);
	file.at[7] = 2;
	assert_int_equal(
		keyfile_decode_root(buf_span(&file), span_str("p"), root).code,
		ERR_VERSION);
	buf_clear(&file);
	assert_int_equal(keyfile_encode_root(span_str("p"), 5, salt, nonce,
					     root, &file)
				 .code,
			 ERR_UNSUPPORTED);
	(void)p;
}

static void the_start_file_carries_keys_and_certificate(void **state)
{
	struct place *p = *state;
	uint8_t root[KEYFILE_ROOT_LEN] = {9}, wrong[KEYFILE_ROOT_LEN] = {8};
	struct keyfile_start start = {0}, got = {0};
	struct crypto_key *seal = NULL, *request = NULL, *back = NULL;
	struct buf plain, file;

	must(crypto_key_generate(CRYPTO_P384, &seal));
	must(crypto_key_generate(CRYPTO_P256, &request));
	start.replica = (struct replica){{{'D', 'E', 'U'}}, 4};
	start.root_id = (struct digest){{5}};
	must(keyfile_start_add(&start, KEYFILE_SEAL, seal));
	must(keyfile_start_add(&start, KEYFILE_REQUEST, request));
	start.certificate = span_str("certificate");
	must(start_file_create(p->path, root, &p->random, &start));
	buf_init(&plain, KEYFILE_START_FILE_MAX);
	assert_int_equal(start_file_open(p->path, wrong, &plain, &got).code,
			 ERR_SEALED);
	must(start_file_open(p->path, root, &plain, &got));
	assert_int_equal(got.replica.number, 4);
	assert_int_equal(got.root_id.at[0], 5);
	assert_true(span_eq_str(got.certificate, "certificate"));
	assert_int_equal(got.ca.len, 0);
	must(keyfile_start_key(&got, KEYFILE_SEAL, &back));
	assert_true(key_id_eq(crypto_public_id(crypto_key_public(back)),
			      crypto_public_id(crypto_key_public(seal))));
	crypto_key_free(back);
	assert_int_equal(keyfile_start_key(&got, KEYFILE_DEVICE_CA, &back).code,
			 ERR_NOT_FOUND);
	buf_init(&file, KEYFILE_START_FILE_MAX);
	must(file_read(p->path, &file));
	for (size_t len = 0; len < file.len; len++)
		assert_true(failed(keyfile_decode_start(span_of(file.at, len),
							root, &plain, &got)));
	must(start_file_destroy(p->path));
	assert_int_equal(start_file_open(p->path, root, &plain, &got).code,
			 ERR_NOT_FOUND);
	keyfile_start_wipe(&start);
	keyfile_start_wipe(&got);
	buf_wipe(&plain);
	buf_clear(&file);
	crypto_key_free(seal);
	crypto_key_free(request);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_passphrase_and_no_other_opens_the_root_key),
		T(no_changed_root_key_file_opens),
		T(the_start_file_carries_keys_and_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
