/*
 * A relay lost and restored from a backup made while it served: it is another
 * replica, releases nothing, and what was recalled stays recalled until two
 * officers have said otherwise.  Proves relay/guard/core/backing.c,
 * admin/backups.c, admin/release.c, storage/backup_unpack.c, hold.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/crypto/certificate.h"
#include "relay/guard/core/state.h"
#include "storage/backup_unpack.h"
#include "storage/file.h"
#include "storage/hold.h"
#include "tests/guard/forge.h"

struct story {
	struct world w;
	struct world_relay *gbr;
	struct world_device *alice, *bob;
	struct buf clearance, label;
	struct crypto_key *recovery, *seal_root;
	char file[300], to[300], kept_folder[300];
	struct backup_found found;
};

static void read_key(const struct story *s, const char *name,
		     struct crypto_key **out)
{
	char path[400];
	struct buf pem;

	snprintf(path, sizeof(path), "%s/%s", s->gbr->folder, name);
	world_file(path, &pem);
	world_must(certificate_key_from_pem(buf_span(&pem), out));
	buf_wipe(&pem);
}

static int begin(void **state)
{
	static const char *const spaces[] = {"GBR/ops"};
	struct story *s = calloc(1, sizeof(*s));

	world_new(&s->w, 8);
	world_file("docs/policy/clearances/gbr-restricted.xml", &s->clearance);
	world_file("docs/policy/labels/restricted-rel-gbr.xml", &s->label);
	s->gbr = world_relay(&s->w, "GBR");
	read_key(s, "recovery/recovery.key", &s->recovery);
	read_key(s, "seal-root/root.key", &s->seal_root);
	snprintf(s->file, sizeof(s->file), "%s/backup.file", s->w.folder);
	snprintf(s->to, sizeof(s->to), "%s/restored", s->w.folder);
	snprintf(s->kept_folder, sizeof(s->kept_folder), "%s/kept",
		 s->w.folder);
	world_subject(&s->w, s->gbr, "alice", buf_span(&s->clearance),
		      SUBJECT_WRITE | SUBJECT_RECALL, spaces, 1);
	s->alice = world_device(&s->w, s->gbr, "alice");
	world_subject(&s->w, s->gbr, "bob", buf_span(&s->clearance),
		      SUBJECT_WRITE, spaces, 1);
	s->bob = world_device(&s->w, s->gbr, "bob");
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct story *s = *state;

	crypto_key_free(s->recovery);
	crypto_key_free(s->seal_root);
	world_free(&s->w);
	buf_clear(&s->clearance);
	buf_clear(&s->label);
	free(s);
	return 0;
}

static struct doc_id put(struct story *s, const char *title)
{
	struct doc_id id;

	world_must(world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->label),
			     title, span_str(title), &id));
	world_must(world_sync(&s->w, s->alice));
	return id;
}

static int ask(struct story *s, const char *role, const char *method,
	       const char *target, struct world_answer *out)
{
	struct forge f = forge_officer(&s->w, s->gbr);
	struct forge_request q = {.method = method, .target = target};
	struct crypto_key *key = NULL;
	char path[400];
	struct buf pem, der;
	int status;

	snprintf(path, sizeof(path), "operator/%s.key", role);
	read_key(s, path, &key);
	snprintf(path, sizeof(path), "%s/operator/%s.pem", s->gbr->folder,
		 role);
	world_file(path, &pem);
	buf_init(&der, CERTIFICATE_MAX);
	world_must(certificate_from_pem(buf_span(&pem), &der));
	f.certificate = buf_span(&der);
	f.key = key;
	/* An auditor may change nothing, so he is not asked to sign. */
	status = strcmp(method, "GET") == 0 || strcmp(role, "auditor") == 0
			 ? forge_ask(&f, &q, out)
			 : forge_ask_signed(&f, &q, out);
	crypto_key_free(key);
	buf_clear(&pem);
	buf_clear(&der);
	return status;
}

static int status_of(struct story *s, const char *role, const char *method,
		     const char *target)
{
	struct world_answer a;
	int status = ask(s, role, method, target, &a);

	world_answer_clear(&a);
	return status;
}

static bool says(const struct world_answer *a, const char *what)
{
	struct buf copy = a->body;

	return strstr(buf_cstr(&copy), what) != NULL;
}

/* By the admin interface, as `entente backup create` does it. */
static void back_up(struct story *s)
{
	struct world_answer a;
	struct buf file;

	assert_int_equal(status_of(s, "operator", "POST", "/admin/v1/backup"),
			 202);
	assert_int_equal(status_of(s, "operator", "POST", "/admin/v1/backup"),
			 412);
	assert_int_equal(status_of(s, "operator", "GET",
				   "/admin/v1/backup/content?offset=0"),
			 404);
	assert_true(core_backup_due(s->gbr->core));
	core_backup_run(s->gbr->core);
	assert_false(core_backup_due(s->gbr->core));
	assert_int_equal(ask(s, "operator", "GET", "/admin/v1/backup", &a),
			 200);
	assert_true(says(&a, "\"state\":\"ready\""));
	world_answer_clear(&a);
	buf_init(&file, 64 << 20);
	for (size_t len = 1; len;) {
		char target[80];

		snprintf(target, sizeof(target),
			 "/admin/v1/backup/content?offset=%zu", file.len);
		assert_int_equal(ask(s, "operator", "GET", target, &a), 200);
		len = a.body.len;
		buf_put(&file, buf_span(&a.body));
		world_answer_clear(&a);
	}
	world_must(file_write(s->file, buf_span(&file), true));
	buf_clear(&file);
	assert_int_equal(status_of(s, "operator", "DELETE", "/admin/v1/backup"),
			 204);
	assert_int_equal(status_of(s, "auditor", "POST", "/admin/v1/backup"),
			 403);
}

/* The relay's folder is lost; the restored one takes its place. */
static void lose_and_restore(struct story *s)
{
	struct backup_unpack_order unpack = {
		.file = s->file,
		.recovery = s->recovery,
		.folder = s->to,
		.passphrase = span_str("new"),
		.log2_n = 10,
		.random = s->w.random,
		.clock = s->w.clock,
	};
	struct backup_promote_order promote = {
		.folder = s->to,
		.root_key = s->gbr->root_key,
		.seal_root = s->seal_root,
		.replica = 2,
		.random = s->w.random,
		.clock = s->w.clock,
	};
	char line[1400];

	world_close(&s->w, s->gbr);
	world_must(backup_unpack(&unpack, s->gbr->root_key, &s->found));
	promote.backup_time = s->found.head.time;
	world_must(backup_promote(&promote));
	snprintf(line, sizeof(line),
		 "mv %s/operator %s/operator && rm -rf %s && mv %s %s",
		 s->gbr->folder, s->to, s->gbr->folder, s->to, s->gbr->folder);
	assert_int_equal(system(line), 0);
	world_open(&s->w, s->gbr);
}

static bool can_read(struct story *s, struct world_device *d, struct doc_id id)
{
	struct buf out;
	struct err e;

	buf_init(&out, 1 << 20);
	e = world_read(&s->w, d, id, &out);
	buf_clear(&out);
	return !failed(e);
}

static void a_restored_relay_goes_on_when_two_officers_say_so(void **state)
{
	struct story *s = *state;
	struct doc_id id = put(s, "plan");
	struct world_answer a;

	back_up(s);
	lose_and_restore(s);
	assert_true(atomic_load(&s->gbr->core->held));
	assert_int_equal(s->gbr->core->replica.number, 2);
	assert_int_equal(ask(s, "operator", "GET", "/admin/v1/status", &a),
			 200);
	assert_true(says(&a, "\"held\":true"));
	world_answer_clear(&a);

	/* Nothing to a device. */
	(void)world_sync(&s->w, s->bob).code;
	assert_false(can_read(s, s->bob, id));

	/* One officer, twice, is one; an auditor is none. */
	assert_int_equal(status_of(s, "auditor", "POST", "/admin/v1/release"),
			 403);
	assert_int_equal(status_of(s, "operator", "POST", "/admin/v1/release"),
			 202);
	testclock_forward(&s->w.time, 2000);
	assert_int_equal(status_of(s, "operator", "POST", "/admin/v1/release"),
			 403);
	/* What the first said outlives a start. */
	world_close(&s->w, s->gbr);
	world_open(&s->w, s->gbr);
	(void)world_sync(&s->w, s->bob).code;
	assert_false(can_read(s, s->bob, id));
	assert_int_equal(ask(s, "security-officer", "POST", "/admin/v1/release",
			     &a),
			 200);
	assert_true(says(&a, "\"held\":false"));
	world_answer_clear(&a);
	testclock_forward(&s->w.time, 120 * 1000);
	world_must(world_sync(&s->w, s->bob));
	assert_true(can_read(s, s->bob, id));
	/* And stays so. */
	world_close(&s->w, s->gbr);
	world_open(&s->w, s->gbr);
	assert_false(atomic_load(&s->gbr->core->held));
	assert_int_equal(status_of(s, "operator", "POST", "/admin/v1/release"),
			 412);
	/* The new replica writes. */
	(void)put(s, "after");
}

/* Every way out, for a device and for a stranger. */
static void a_held_relay_answers_503_with_its_own_name(void **state)
{
	struct story *s = *state;
	static const char *const targets[] = {
		"/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA",
		"/v1/policy?ask=AAAAAAAAAAAAAAAAAAAAAA",
		"/v1/documents/00000000-0000-0000-0000-000000000000",
		"/v1/documents/00000000-0000-0000-0000-000000000000/content",
		"/v1/labels/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"/v1/authors/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	};
	static const char *const open[] = {"/v1/relay", "/v1/me"};

	(void)put(s, "plan");
	back_up(s);
	lose_and_restore(s);
	for (int listener = CORE_DEVICE; listener <= CORE_PEER; listener++)
		for (size_t i = 0; i < sizeof(targets) / sizeof(*targets);
		     i++) {
			struct world_request q = {.listener = listener,
						  .certificate = buf_span(
							  &s->gbr->certificate),
						  .method = "GET",
						  .target = targets[i]};
			struct world_answer a;

			world_ask(&s->w, s->gbr, &q, &a);
			assert_int_equal(a.status, 503);
			assert_string_equal(a.retry_after, "60");
			assert_true(says(&a, "relay-held"));
			world_answer_clear(&a);
		}
	for (size_t i = 0; i < 2; i++) {
		struct world_request q = {.listener = CORE_DEVICE,
					  .certificate = buf_span(
						  &s->gbr->certificate),
					  .method = "GET",
					  .target = open[i]};
		struct world_answer a;

		world_ask(&s->w, s->gbr, &q, &a);
		assert_int_not_equal(a.status, 503);
		world_answer_clear(&a);
	}
}

static void a_recall_after_the_backup_is_not_undone_by_the_restore(void **state)
{
	struct story *s = *state;
	struct doc_id id = put(s, "secret");

	back_up(s);
	world_must(world_sync(&s->w, s->bob));
	assert_true(can_read(s, s->bob, id));
	world_must(world_state(&s->w, s->alice, id, STATEMENT_RECALL,
			       span_str("")));
	core_tick(s->gbr->core);
	world_must(world_sync(&s->w, s->bob));
	assert_false(can_read(s, s->bob, id));

	lose_and_restore(s);
	/* The key is in the restored ring, and nobody gets it. */
	for (int i = 0; i < 3; i++) {
		(void)world_sync(&s->w, s->bob).code;
		testclock_forward(&s->w.time, 120 * 1000);
	}
	assert_false(can_read(s, s->bob, id));
	world_close(&s->w, s->gbr);
	world_open(&s->w, s->gbr);
	(void)world_sync(&s->w, s->bob).code;
	assert_false(can_read(s, s->bob, id));
}

static void a_restore_takes_the_nations_root_and_a_higher_number(void **state)
{
	struct story *s = *state;
	struct backup_unpack_order unpack = {
		.file = s->file,
		.recovery = s->recovery,
		.folder = s->to,
		.passphrase = span_str("new"),
		.log2_n = 10,
		.random = s->w.random,
		.clock = s->w.clock,
	};
	struct backup_promote_order promote = {
		.folder = s->to,
		.seal_root = s->recovery, /* a P-384 key, and not the root */
		.replica = 2,
		.random = s->w.random,
		.clock = s->w.clock,
	};
	uint8_t root_key[KEYFILE_ROOT_LEN];

	back_up(s);
	world_must(backup_unpack(&unpack, root_key, &s->found));
	assert_int_equal(backup_unpack(&unpack, root_key, &s->found).code,
			 ERR_EXISTS);
	promote.root_key = root_key;
	assert_int_equal(s->found.head.replica.number, 1);
	assert_true(s->found.files >= 5);
	unpack.folder = s->kept_folder;
	world_must(backup_unpack(&unpack, root_key, &s->found));
	promote.folder = s->kept_folder;
	assert_int_equal(backup_promote(&promote).code, ERR_UNAUTHENTICATED);
	promote.seal_root = s->seal_root;
	promote.replica = 1;
	assert_int_equal(backup_promote(&promote).code, ERR_CONFLICT);
	promote.replica = 2;
	world_must(backup_promote(&promote));
}

#define story(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		story(a_restored_relay_goes_on_when_two_officers_say_so),
		story(a_held_relay_answers_503_with_its_own_name),
		story(a_recall_after_the_backup_is_not_undone_by_the_restore),
		story(a_restore_takes_the_nations_root_and_a_higher_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
