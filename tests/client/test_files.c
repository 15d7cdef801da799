/* Content of a device's folder: sealed, fetched in pieces, opened. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "client/files.h"
#include "client/identity.h"
#include "client/system.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char folder[64];
static const struct doc_id document = {{1, 2, 3}};
static struct segment_keys keys;

static int setup(void **state)
{
	char path[FILES_PATH_MAX];
	static const uint8_t content_key[CRYPTO_KEY_LEN] = {9};

	strcpy(folder, "/tmp/entente-files-XXXXXX");
	if (!mkdtemp(folder) || failed(files_path(folder, "content", path)) ||
	    failed(files_make_folder(path)))
		return -1;
	return failed(segment_keys_derive(content_key, document, &keys)) ? -1
									 : 0;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void seal(struct span plain, struct digest *table, uint64_t *size)
{
	struct random random = system_random();
	struct files_plain from = {.bytes = plain};
	struct package_writer *w = NULL;
	struct manifest m = {0};

	assert_int_equal(
		files_seal(folder, &from, document, &random, NULL, &w, &m).code,
		0);
	assert_int_equal(segment_keys_derive(package_writer_key(w), document,
					     &keys)
				 .code,
			 0);
	*table = m.table;
	*size = m.size;
	package_writer_free(w);
}

static void what_was_sealed_opens_at_every_size(void **state)
{
	static const size_t sizes[] = {0, 1, 262143, 262144, 262145, 600000};
	uint8_t *plain = malloc(600000);

	for (size_t i = 0; i < 600000; i++)
		plain[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < 6; i++) {
		struct digest table;
		uint64_t size;
		struct buf out;

		seal(span_of(plain, sizes[i]), &table, &size);
		assert_int_equal(size, sizes[i]);
		buf_init(&out, 1 << 20);
		assert_int_equal(files_open(folder, table, size, document,
					    &keys, 1, NULL, &out)
					 .code,
				 0);
		assert_true(span_eq(buf_span(&out), span_of(plain, sizes[i])));
		buf_clear(&out);
	}
	free(plain);
}

/* The blob as a relay would send it, then gone from here. */
static void take_blob(struct digest table, uint64_t size, struct buf *blob)
{
	buf_init(blob, 1 << 20);
	assert_int_equal(files_read_content(folder, table, 0,
					    (size_t)segment_blob_len(size),
					    blob)
				 .code,
			 0);
	files_remove_content(folder, table);
	assert_false(files_has_content(folder, table));
}

static void content_comes_in_pieces_in_order_and_is_checked(void **state)
{
	static uint8_t plain[300000];
	struct digest table;
	uint64_t size;
	struct buf blob;

	seal(SPAN_OBJ(plain), &table, &size);
	take_blob(table, size, &blob);
	assert_int_equal(files_part_add(folder, table, 5, span_of(blob.at, 10))
				 .code,
			 ERR_RANGE);
	for (uint64_t at = 0; at < blob.len; at += 70000) {
		assert_int_equal(files_part_len(folder, table), at);
		assert_int_equal(files_part_add(folder, table, at,
						span_sub(buf_span(&blob), at,
							 70000))
					 .code,
				 0);
	}
	assert_int_equal(files_part_end(folder, table, size, 1).code, 0);
	assert_true(files_has_content(folder, table));
	buf_clear(&blob);
}

static void a_changed_byte_anywhere_is_found(void **state)
{
	static uint8_t plain[1000];
	struct digest table;
	uint64_t size;
	struct buf blob;

	seal(SPAN_OBJ(plain), &table, &size);
	take_blob(table, size, &blob);
	for (size_t i = 0; i < blob.len; i += 37) {
		blob.at[i] ^= 1;
		assert_int_equal(
			files_part_add(folder, table, 0, buf_span(&blob)).code,
			0);
		assert_true(failed(files_part_end(folder, table, size, 1)));
		/* It is gone, so that the next try begins at 0. */
		assert_int_equal(files_part_len(folder, table), 0);
		blob.at[i] ^= 1;
	}
	buf_clear(&blob);
}

static bool keep_none(void *self, struct digest table)
{
	return false;
}

static void a_sweep_removes_what_is_not_kept(void **state)
{
	struct digest table;
	uint64_t size;

	seal(span_str("x"), &table, &size);
	files_sweep_content(folder, keep_none, NULL);
	assert_false(files_has_content(folder, table));
}

static void a_plain_file_is_written_whole_and_private(void **state)
{
	char path[FILES_PATH_MAX];
	struct digest table;
	struct stat st;
	struct buf out;
	uint64_t size;

	seal(span_str("plain text"), &table, &size);
	assert_int_equal(files_path(folder, "out.txt", path).code, 0);
	assert_int_equal(files_open(folder, table, size, document, &keys, 1,
				    path, NULL)
				 .code,
			 0);
	buf_init(&out, 1024);
	assert_int_equal(files_read(path, &out).code, 0);
	assert_true(span_eq_str(buf_span(&out), "plain text"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	buf_clear(&out);
}

static void a_folders_key_needs_its_passphrase(void **state)
{
	struct random random = system_random();
	uint8_t key[CRYPTO_KEY_LEN], again[CRYPTO_KEY_LEN];

	assert_int_equal(identity_folder_key(folder, span_str("pass"), &random,
					     key)
				 .code,
			 0);
	assert_int_equal(identity_folder_key(folder, span_str("pass"), &random,
					     again)
				 .code,
			 0);
	assert_memory_equal(key, again, sizeof(key));
	assert_int_equal(identity_folder_key(folder, span_str("other"), &random,
					     again)
				 .code,
			 ERR_SEALED);
	assert_int_equal(
		identity_folder_key(folder, span_str(""), &random, again).code,
		ERR_SEALED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_was_sealed_opens_at_every_size),
		T(content_comes_in_pieces_in_order_and_is_checked),
		T(a_changed_byte_anywhere_is_found),
		T(a_sweep_removes_what_is_not_kept),
		T(a_plain_file_is_written_whole_and_private),
		T(a_folders_key_needs_its_passphrase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
