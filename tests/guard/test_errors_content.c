/* What is refused of keys and content, and what a full store does. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "tests/guard/refusal.h"

/* ---- keys ---- */

static void a_key_that_the_manifest_does_not_commit_to_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	const struct crypto_public *guard;
	struct forge_revision r, other;

	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &other);
	/* Another key under the name that the manifest gives. */
	memcpy(r.wrapped[0].key.ct, other.wrapped[0].key.ct,
	       sizeof(r.wrapped[0].key.ct));
	refusal_of_put(s, &s->alice, &r, ERR_COMMITMENT);
	/* One that wraps and unwraps well, and is not it. */
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	guard = forge_guard(&s->alice);
	memcpy(r.content_key, other.content_key, sizeof(r.content_key));
	forge_wrap(&s->alice, &r, 0, guard, r.keys[0]);
	refusal_of_put(s, &s->alice, &r, ERR_COMMITMENT);
	/* One more than the manifest names. */
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	forge_wrap(&s->alice, &r, 1, guard, other.keys[0]);
	refusal_of_put(s, &s->alice, &r, ERR_COMMITMENT);
	forge_revision_clear(&other);
}

static void a_key_for_an_old_guard_key_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct crypto_key *old = NULL;
	struct world_answer answer;
	struct forge_revision r;

	world_must(crypto_key_generate(CRYPTO_P256, &old));
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	forge_wrap(&s->alice, &r, 0, crypto_key_public(old), r.keys[0]);
	forge_put(&s->alice, &r, &answer);
	assert_true(refusal_says(&answer, "\"certificate\":\""));
	refusal_is(s, &answer, ERR_STALE_KEY);
	forge_revision_clear(&r);
	crypto_key_free(old);
}

static void a_key_neither_brought_nor_readable_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_revision r, other;
	struct world_answer answer;

	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	r.brought = 0;
	refusal_of_put(s, &s->alice, &r, ERR_MISSING_KEY);
	/* It stands in the store, in a document that is no parent. */
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	r.keys[0] = s->plan.keys[0];
	r.brought = 0;
	refusal_of_put(s, &s->alice, &r, ERR_MISSING_KEY);
	/* And in a head of the same document that is no parent of this. */
	forge_edit(&s->alice, &s->plan, span_str("two"), &other);
	assert_int_equal(forge_put(&s->alice, &other, &answer), 200);
	world_answer_clear(&answer);
	forge_edit(&s->alice, &s->plan, span_str("three"), &r);
	r.m.serial = 3;
	r.precondition = "if-match";
	strcpy(r.tag, "*");
	r.keys[0] = other.keys[0];
	r.brought = 0;
	refusal_of_put(s, &s->alice, &r, ERR_MISSING_KEY);
	forge_revision_clear(&other);
}

/* ---- content inside the write ---- */

static void truncated_or_corrupted_content_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_revision r;
	size_t len;

	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	len = r.blob.len;
	forge_revision_clear(&r);
	/* Cut short at every place, and longer than it is. */
	for (size_t cut = 0; cut < len; cut += 13) {
		refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
		r.blob.len = cut;
		refusal_of_put(s, &s->alice, &r, ERR_DIGEST);
	}
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	buf_put_u8(&r.blob, 0);
	refusal_of_put(s, &s->alice, &r, ERR_DIGEST);
	/* One bit, in the table and in the segment. */
	for (size_t at = 0; at < len; at += 17) {
		refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
		r.blob.at[at] ^= 1;
		refusal_of_put(s, &s->alice, &r, ERR_DIGEST);
	}
}

static void a_wrong_digest_of_the_table_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_revision r;

	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	r.m.table.at[0] ^= 1;
	refusal_of_put(s, &s->alice, &r, ERR_DIGEST);
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	r.m.size++;
	refusal_of_put(s, &s->alice, &r, ERR_DIGEST);
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	r.m.size = SEGMENT_SMALL_MAX + 1;
	refusal_of_put(s, &s->alice, &r, ERR_TOO_LARGE);
}

static void a_segment_neither_brought_nor_readable_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_revision r;
	struct world_answer answer;

	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	r.with_content = false;
	forge_put(&s->alice, &r, &answer);
	assert_true(refusal_says(&answer, "\"missing\":[[0,"));
	refusal_is(s, &answer, ERR_MISSING_CONTENT);
	forge_revision_clear(&r);
	/* It stands in the store, in another document. */
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	r.m.table = s->plan.m.table;
	r.m.size = s->plan.m.size;
	r.with_content = false;
	refusal_of_put(s, &s->alice, &r, ERR_MISSING_CONTENT);
}

/* ---- uploads ---- */

enum { BIG = SEGMENT_SIZE + 5000 };

/* A revision of two segments, and the target of its upload. */
static void big(struct refusal_scene *s, struct forge_revision *r,
		char target[256])
{
	uint8_t *plain = calloc(1, BIG);
	char id[DOC_ID_TEXT_LEN + 1], table[DIGEST_TEXT_LEN + 1];

	plain[BIG / 2] = 7;
	forge_first(&s->alice, "GBR/ops", buf_span(&s->rel_gbr),
		    span_of(plain, BIG), r);
	free(plain);
	doc_id_format(r->m.id, id);
	digest_format(r->m.table, table);
	snprintf(target, 256, "/v1/documents/%s/content?table=%s&size=%d", id,
		 table, BIG);
}

static int upload(struct forge *f, const char *method, const char *target,
		  const char *offset, struct span body,
		  struct world_answer *out)
{
	struct forge_request q = {.method = method,
				  .target = target,
				  .body = body};

	if (offset)
		q.field = (struct core_field){span_str("upload-offset"),
					      span_str(offset)};
	return forge_ask(f, &q, out);
}

static void an_upload_of_wrong_bytes_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct world_answer answer;
	struct forge_revision r;
	char target[256];
	struct span blob;
	size_t places[] = {0, 40, 70, 1000, SEGMENT_SIZE + 200};

	big(s, &r, target);
	blob = buf_span(&r.blob);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		r.blob.at[places[i]] ^= 1;
		upload(&s->alice, "POST", target, NULL, blob, &answer);
		refusal_is(s, &answer, ERR_DIGEST);
		r.blob.at[places[i]] ^= 1;
	}
	upload(&s->alice, "POST", target, NULL, span_sub(blob, 0, 200000),
	       &answer);
	refusal_is(s, &answer, ERR_DIGEST);
	buf_put_u8(&r.blob, 0);
	upload(&s->alice, "POST", target, NULL, buf_span(&r.blob), &answer);
	refusal_is(s, &answer, ERR_TOO_LARGE);
	/* What was refused was not kept; the right bytes are. */
	forge_put(&s->alice, &r, &answer);
	refusal_is(s, &answer, ERR_MISSING_CONTENT);
	assert_int_equal(upload(&s->alice, "POST", target, NULL, blob, &answer),
			 201);
	world_answer_clear(&answer);
	assert_int_equal(forge_put(&s->alice, &r, &answer), 201);
	world_answer_clear(&answer);
	forge_revision_clear(&r);
}

static void an_upload_goes_on_where_it_stands_and_for_its_own(void **state)
{
	struct refusal_scene *s = *state;
	struct world_answer answer;
	struct forge_revision r;
	char target[256], going[128];

	big(s, &r, target);
	assert_int_equal(upload(&s->alice, "POST", target, NULL,
				buf_span(&r.blob), &answer),
			 201);
	snprintf(going, sizeof(going), "%.100s", answer.location);
	world_answer_clear(&answer);
	upload(&s->alice, "PATCH", going, "1", span_str("x"), &answer);
	refusal_is(s, &answer, ERR_CONFLICT);
	upload(&s->alice, "PATCH", going, NULL, span_str("x"), &answer);
	refusal_is(s, &answer, ERR_MALFORMED);
	upload(&s->alice, "PATCH", going, "-1", span_str("x"), &answer);
	refusal_is(s, &answer, ERR_MALFORMED);
	/* Another device's upload is not there. */
	upload(&s->walt, "PATCH", going, "0", span_str("x"), &answer);
	refusal_is(s, &answer, ERR_NOT_FOUND);
	upload(&s->walt, "DELETE", going, NULL, span_str(""), &answer);
	refusal_is(s, &answer, ERR_NOT_FOUND);
	upload(&s->walt, "HEAD", going, NULL, span_str(""), &answer);
	refusal_is(s, &answer, ERR_NOT_FOUND);
	forge_revision_clear(&r);
}

static void unfinished_uploads_have_a_number(void **state)
{
	struct refusal_scene *s = *state;
	struct world_answer answer;
	struct forge_revision r;
	char target[256];
	int begun = 0;

	big(s, &r, target);
	while (upload(&s->alice, "POST", target, NULL, buf_span(&r.blob),
		      &answer) == 201 &&
	       begun++ < 100)
		world_answer_clear(&answer);
	assert_int_equal(begun, 64);
	assert_true(answer.retry_after[0]);
	refusal_is(s, &answer, ERR_RATE);
	/* They are each device's own. */
	upload(&s->walt, "POST", target, NULL, buf_span(&r.blob), &answer);
	assert_int_equal(answer.status, 201);
	world_answer_clear(&answer);
	forge_revision_clear(&r);
}

static void content_beyond_every_size_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	static const struct {
		const char *size;
		enum err_code code;
	} rows[] = {
		{"18446744073709551615", ERR_USAGE},
		{"9223372036854775807", ERR_TOO_LARGE},
		{"17179869185", ERR_TOO_LARGE},
		{"-1", ERR_USAGE},
		{"1e3", ERR_USAGE},
		{"", ERR_USAGE},
	};
	struct world_answer answer;
	struct forge_revision r;
	char target[256];

	big(s, &r, target);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		strcpy(strstr(target, "size=") + 5, rows[i].size);
		upload(&s->alice, "POST", target, NULL, span_str(""), &answer);
		refusal_is(s, &answer, rows[i].code);
	}
	forge_revision_clear(&r);
}

static void a_range_beyond_the_content_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	char target[160] = "/v1/documents/";
	struct forge_request q = {.method = "GET",
				  .target = target,
				  .field = {span_str("range"),
					    span_str("bytes=100000-")}};
	struct world_answer answer;

	doc_id_format(s->plan.m.id, target + strlen(target));
	strcat(target, "/content");
	forge_ask(&s->alice, &q, &answer);
	refusal_is(s, &answer, ERR_RANGE);
	strcat(target, "?revision=x");
	forge_ask(&s->alice, &q, &answer);
	refusal_is(s, &answer, ERR_USAGE);
}

/* ---- a full store ---- */

static void reopen(struct refusal_scene *s, uint64_t quota)
{
	struct world_relay *r = s->gbr;
	struct core_config config = {
		.folder = r->folder,
		.nation = r->nation,
		.ceiling = "RESTRICTED",
		.endpoint = r->endpoint,
		.peer_endpoint = r->peer_endpoint,
		.root_key = r->root_key,
		.clock = s->w.clock,
		.random = s->w.random,
		.quota_bytes = quota,
	};

	world_close(&s->w, r);
	world_must(core_open(&config, &r->core));
	s->alice.nonce[0] = s->bob.nonce[0] = 0;
}

/* Writes until one is refused; that one is 507. */
static void fill(struct refusal_scene *s)
{
	static const uint8_t plain[16000];
	struct world_answer answer;
	struct forge_revision r;

	for (int i = 0; i < 2000; i++) {
		int status;

		forge_first(&s->alice, "GBR/ops", buf_span(&s->rel_gbr),
			    SPAN_OBJ(plain), &r);
		status = forge_put(&s->alice, &r, &answer);
		forge_revision_clear(&r);
		if (status != 201)
			break;
		world_answer_clear(&answer);
	}
	refusal_shows(s, &answer, ERR_DISK_FULL);
}

static void reads_go_on(struct refusal_scene *s)
{
	char target[160] = "/v1/documents/";
	struct forge_request get = {.method = "GET", .target = target};
	struct world_answer answer;

	doc_id_format(s->plan.m.id, target + strlen(target));
	assert_int_equal(forge_ask(&s->alice, &get, &answer), 200);
	world_answer_clear(&answer);
	strcat(target, "/content");
	assert_int_equal(forge_ask(&s->alice, &get, &answer), 200);
	assert_int_equal(answer.body.len, s->plan.blob.len);
	world_answer_clear(&answer);
}

/* What is on the record before it leaves goes beyond the quota. */
static void keys_and_sync_go_on(struct refusal_scene *s)
{
	char id[DOC_ID_TEXT_LEN + 1], name[DIGEST_TEXT_LEN + 1], body[512];
	struct forge_request keys = {.method = "POST", .target = "/v1/keys"};
	struct world_answer answer;

	doc_id_format(s->plan.m.id, id);
	digest_format(s->plan.keys[0], name);
	snprintf(body, sizeof(body),
		 "{\"keys\":[{\"commitment\":\"%s\",\"document\":\"%s\"}]}",
		 name, id);
	keys.body = span_str(body);
	assert_int_equal(forge_ask_signed(&s->alice, &keys, &answer), 200);
	assert_true(refusal_says(&answer, "\"ct\":"));
	world_answer_clear(&answer);
	world_must(world_sync(&s->w, s->devices[0]));
	assert_int_equal(world_heads(s->devices[0], s->plan.m.id), 1);
}

static void a_full_store_refuses_writes_and_goes_on_reading(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_statement st;
	struct world_answer answer;
	struct forge_revision r;
	char target[256];

	reopen(s, 1 << 20);
	fill(s);
	reads_go_on(s);
	keys_and_sync_go_on(s);
	big(s, &r, target);
	upload(&s->alice, "POST", target, NULL, buf_span(&r.blob), &answer);
	refusal_shows(s, &answer, ERR_DISK_FULL);
	forge_revision_clear(&r);
	/* Taking back goes on too. */
	forge_statement(&s->alice, &s->plan, STATEMENT_DELETE, span_str(""),
			&st);
	assert_int_equal(forge_state(&s->alice, &st, &answer), 200);
	world_answer_clear(&answer);
	/* With room again, all is well. */
	reopen(s, 0);
	refusal_serves(s);
}

static void a_full_disk_refuses_writes_and_goes_on_reading(void **state)
{
	struct refusal_scene *s = *state;
	char disk[WORLD_PATH * 2], command[WORLD_PATH * 8];

	/* The store's folder moves to a disk of 1 MiB beside what it has. */
	world_close(&s->w, s->gbr);
	snprintf(disk, sizeof(disk), "%s/store", s->gbr->folder);
	snprintf(command, sizeof(command), "mv %s %s.kept && mkdir %s", disk,
		 disk, disk);
	assert_int_equal(system(command), 0);
	if (mount("tmpfs", disk, "tmpfs", 0, "size=1536k") != 0) {
		printf("skipped: 1 cases: no disk to fill: %s\n",
		       strerror(errno));
		snprintf(command, sizeof(command), "rmdir %s && mv %s.kept %s",
			 disk, disk, disk);
		assert_int_equal(system(command), 0);
		world_open(&s->w, s->gbr);
		return;
	}
	snprintf(command, sizeof(command), "cp -a %s.kept/. %s", disk, disk);
	assert_int_equal(system(command), 0);
	reopen(s, 0);
	fill(s);
	reads_go_on(s);
	world_close(&s->w, s->gbr);
	assert_int_equal(umount(disk), 0);
	snprintf(command, sizeof(command), "rmdir %s && mv %s.kept %s", disk,
		 disk, disk);
	assert_int_equal(system(command), 0);
	world_open(&s->w, s->gbr);
	refusal_serves(s);
}

/* Also after a failure no disk is left behind. */
static int end_disk(void **state)
{
	struct refusal_scene *s = *state;
	char disk[WORLD_PATH * 2];

	snprintf(disk, sizeof(disk), "%s/store", s->gbr->folder);
	umount2(disk, MNT_DETACH);
	return refusal_end(state);
}

#define scene(f) cmocka_unit_test_setup_teardown(f, refusal_begin, refusal_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene(a_key_that_the_manifest_does_not_commit_to_is_refused),
		scene(a_key_for_an_old_guard_key_is_refused),
		scene(a_key_neither_brought_nor_readable_is_refused),
		scene(truncated_or_corrupted_content_is_refused),
		scene(a_wrong_digest_of_the_table_is_refused),
		scene(a_segment_neither_brought_nor_readable_is_refused),
		scene(an_upload_of_wrong_bytes_is_refused),
		scene(an_upload_goes_on_where_it_stands_and_for_its_own),
		scene(unfinished_uploads_have_a_number),
		scene(content_beyond_every_size_is_refused),
		scene(a_range_beyond_the_content_is_refused),
		scene(a_full_store_refuses_writes_and_goes_on_reading),
		cmocka_unit_test_setup_teardown(
			a_full_disk_refuses_writes_and_goes_on_reading,
			refusal_begin, end_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
