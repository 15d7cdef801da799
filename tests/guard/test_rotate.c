/*
 * Another root key reseals the ring key and nothing else, also when it is cut
 * off anywhere.  Proves storage/root_rotate.c, key_provider.c, file.c.
 */
#define _GNU_SOURCE /* nftw */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "relay/guard/core/state.h"
#include "storage/file.h"
#include "storage/root_key.h"
#include "storage/root_rotate.h"
#include "tests/guard/step.h"
#include "tests/guard/world.h"

enum { STEPS_MAX = 200, FILES_MAX = 64 };

static const char before[] = "a passphrase of the tests";
static const char after[] = "another one";

struct story {
	struct world w;
	struct world_relay *gbr;
	struct world_device *alice;
	struct buf clearance, label;
	struct doc_id id;
	char keys[300], root[300], kept[300];
};

static int begin(void **state)
{
	static const char *const spaces[] = {"GBR/ops"};
	struct story *s = calloc(1, sizeof(*s));

	world_new(&s->w, 6);
	world_file("docs/policy/clearances/gbr-restricted.xml", &s->clearance);
	world_file("docs/policy/labels/restricted-rel-gbr.xml", &s->label);
	s->gbr = world_relay(&s->w, "GBR");
	snprintf(s->keys, sizeof(s->keys), "%s/keys", s->gbr->folder);
	snprintf(s->root, sizeof(s->root), "%s/keys/root.key", s->gbr->folder);
	snprintf(s->kept, sizeof(s->kept), "%s/kept", s->w.folder);
	world_subject(&s->w, s->gbr, "alice", buf_span(&s->clearance),
		      SUBJECT_WRITE, spaces, 1);
	s->alice = world_device(&s->w, s->gbr, "alice");
	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->label),
			     "plan", span_str("secret"), &s->id));
	world_must(world_sync(&s->w, s->alice));
	world_close(&s->w, s->gbr);
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct story *s = *state;

	world_free(&s->w);
	buf_clear(&s->clearance);
	buf_clear(&s->label);
	free(s);
	return 0;
}

/* ---- every file of a folder, by its digest ---- */

static struct listing {
	size_t count;
	struct {
		char path[300];
		struct digest digest;
	} files[FILES_MAX];
} * listing;

static int list_one(const char *path, const struct stat *st, int flag,
		    struct FTW *ftw)
{
	struct buf b;

	if (flag != FTW_F || strstr(path, "/keys/ring") ||
	    strstr(path, "/keys/root.key"))
		return 0;
	assert_true(listing->count < FILES_MAX);
	buf_init(&b, 64 << 20);
	world_must(file_read(path, &b));
	world_must(crypto_sha256(buf_span(&b),
				 &listing->files[listing->count].digest));
	snprintf(listing->files[listing->count++].path, 300, "%s", path);
	buf_clear(&b);
	return 0;
}

static void list(const char *folder, struct listing *out)
{
	out->count = 0;
	listing = out;
	assert_int_equal(nftw(folder, list_one, 16, FTW_PHYS), 0);
	assert_true(out->count > 5);
}

static void assert_same(const struct listing *a, const struct listing *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		size_t k = 0;

		while (k < b->count &&
		       strcmp(a->files[i].path, b->files[k].path) != 0)
			k++;
		assert_true(k < b->count);
		assert_true(digest_eq(a->files[i].digest, b->files[k].digest));
	}
}

/* ---- ---- */

static void rotate(void *with)
{
	struct story *s = with;
	uint8_t root[KEYFILE_ROOT_LEN];

	world_must(root_key_open(s->root, span_str(before), root));
	world_must(
		root_rotate(s->keys, root, span_str(after), 10, &s->w.random));
}

static unsigned files_in(const char *folder)
{
	unsigned n = 0;
	char line[400];
	FILE *p;

	snprintf(line, sizeof(line), "ls %s | wc -l", folder);
	p = popen(line, "r");
	assert_int_equal(fscanf(p, "%u", &n), 1);
	pclose(p);
	return n;
}

/* The relay starts under this passphrase, the device reads on, and nothing of
 * the other root key is left. */
static void goes_on(struct story *s, const char *passphrase)
{
	char ring[400];
	struct buf out;

	world_must(
		root_key_open(s->root, span_str(passphrase), s->gbr->root_key));
	world_open(&s->w, s->gbr);
	snprintf(ring, sizeof(ring), "%s/ring", s->keys);
	assert_int_equal(files_in(ring), 1);
	/* recovery.spki, replica, ring/, root.key */
	assert_int_equal(files_in(s->keys), 4);
	buf_init(&out, 1 << 20);
	world_must(world_edit(&s->w, s->alice, s->id, span_str("more")));
	world_must(world_sync(&s->w, s->alice));
	world_must(world_read(&s->w, s->alice, s->id, &out));
	buf_clear(&out);
	world_close(&s->w, s->gbr);
}

static void a_new_root_key_changes_the_key_providers_files_alone(void **state)
{
	struct story *s = *state;
	struct listing *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	uint8_t root[KEYFILE_ROOT_LEN], old[KEYFILE_ROOT_LEN];
	struct key_provider provider;
	struct ring *ring = NULL;
	char path[400], store[400];

	world_must(root_key_open(s->root, span_str(before), old));
	list(s->gbr->folder, a);
	rotate(s);
	list(s->gbr->folder, b);
	assert_same(a, b);
	assert_int_equal(root_key_open(s->root, span_str(before), root).code,
			 ERR_SEALED);
	world_must(root_key_open(s->root, span_str(after), root));
	assert_memory_not_equal(root, old, sizeof(root));
	/* The old root key opens the ring no more. */
	snprintf(path, sizeof(path), "%s/ring", s->keys);
	snprintf(store, sizeof(store), "%s/store", s->gbr->folder);
	world_must(key_provider_file_open(path, old, &s->w.random, &provider));
	assert_int_equal(ring_open(store, &provider, &s->w.random, &s->w.clock,
				   &ring)
				 .code,
			 ERR_SEALED);
	provider.close(provider.self);
	goes_on(s, after);
	free(a);
	free(b);
}

static void
a_rotation_cut_off_anywhere_leaves_one_passphrase_that_opens(void **state)
{
	struct story *s = *state;
	unsigned at = 0, with_old = 0, with_new = 0;
	uint8_t root[KEYFILE_ROOT_LEN];
	char line[1024];
	bool died = true;

	snprintf(line, sizeof(line), "mkdir %s && cp -a %s/. %s/", s->kept,
		 s->keys, s->kept);
	assert_int_equal(system(line), 0);
	while (died) {
		assert_true(++at < STEPS_MAX);
		snprintf(line, sizeof(line), "rm -rf %s && cp -a %s %s",
			 s->keys, s->kept, s->keys);
		assert_int_equal(system(line), 0);
		died = step_dies(at, rotate, s);
		if (failed(root_key_open(s->root, span_str(before), root))) {
			with_new++;
			goes_on(s, after);
		} else {
			with_old++;
			goes_on(s, before);
		}
		/* The rename is the step that counts, once. */
		assert_true(with_new == 0 || with_old == at - with_new);
	}
	assert_true(with_old > 3 && with_new > 3);
	/* And again, over what a rotation left. */
	snprintf(line, sizeof(line), "rm -rf %s && cp -a %s %s", s->keys,
		 s->kept, s->keys);
	assert_int_equal(system(line), 0);
	assert_true(step_dies(3, rotate, s));
	rotate(s);
	goes_on(s, after);
}

static void a_relay_that_never_started_keeps_its_root_key(void **state)
{
	struct story *s = *state;
	uint8_t root[KEYFILE_ROOT_LEN];
	char start[400];

	snprintf(start, sizeof(start), "%s/start", s->keys);
	world_must(file_write(start, span_str("anything"), true));
	world_must(root_key_open(s->root, span_str(before), root));
	assert_int_equal(root_rotate(s->keys, root, span_str(after), 10,
				     &s->w.random)
				 .code,
			 ERR_CONFLICT);
	world_must(root_key_open(s->root, span_str(before), root));
}

#define story(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(a_new_root_key_changes_the_key_providers_files_alone),
		story(a_rotation_cut_off_anywhere_leaves_one_passphrase_that_opens),
		story(a_relay_that_never_started_keeps_its_root_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
