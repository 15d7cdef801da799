/* Plain curl as a client of every verb that needs no signature. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/base/json.h"
#include "proto/document/segment.h"
#include "tests/daemon/pad.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct nation_daemon d;
static struct pad alice, bob;
static const char ask[] = "AAECAwQFBgcICQoLDA0ODw";

static int start(void **state)
{
	nation_daemon_new(&d, "GBR");
	nation_daemon_start(&d);
	nation_daemon_subject(&d, "alice", "gbr-restricted", "GBR/ops");
	nation_daemon_subject(&d, "bob", "gbr-unclassified", "GBR/ops");
	pad_new(&alice, &d, "alice");
	pad_new(&bob, &d, "bob");
	pad_write_pem(&alice);
	pad_write_pem(&bob);
	must(pad_sync(&alice));
	must(pad_sync(&bob));
	return 0;
}

static int stop(void **state)
{
	pad_free(&alice);
	pad_free(&bob);
	nation_daemon_stop(&d);
	nation_daemon_free(&d);
	return 0;
}

/* ---- one request ---- */

struct answer {
	int status;
	struct buf head, body; /* the head in lower case */
	struct json *json;     /* NULL if the body is none */
};

static void answer_clear(struct answer *a)
{
	json_free(a->json);
	buf_clear(&a->head);
	buf_clear(&a->body);
}

/* The command line that makes curl that device. */
static void command(const struct pad *p, struct buf *out)
{
	buf_init(out, 8192);
	buf_printf(out, "curl -sS --http2 --max-time 20 --cacert %s/ca.pem ",
		   alice.folder);
	if (p)
		buf_printf(out, "--cert %s/device.pem --key %s/device.key ",
			   p->folder, p->folder);
}

/* `arguments` of curl, then the path. */
static void curl(const struct pad *p, struct answer *a, const char *arguments,
		 const char *path)
{
	char head[NATION_DAEMON_PATH], body[NATION_DAEMON_PATH];
	struct buf line, said;
	int code;

	*a = (struct answer){0};
	snprintf(head, sizeof(head), "%s/head", d.base);
	snprintf(body, sizeof(body), "%s/body", d.base);
	command(p, &line);
	buf_init(&said, 1 << 20);
	must(files_write(body, span_str(""), 0600));
	code = nation_daemon_shell(&said, 30,
				   "%s -D '%s' -o '%s' -w '%%{http_code} "
				   "%%{http_version}' %s "
				   "'https://localhost:%u%s'",
				   buf_cstr(&line), head, body, arguments,
				   d.device, path);
	if (code || sscanf(buf_cstr(&said), "%d", &a->status) != 1)
		fail_msg("curl %s %s: %d %s", arguments, path, code,
			 buf_cstr(&said));
	assert_string_equal(buf_cstr(&said) + 3, " 2");
	buf_init(&a->head, 1 << 20);
	buf_init(&a->body, 64 << 20);
	must(files_read(head, &a->head));
	must(files_read(body, &a->body));
	(void)json_parse(buf_span(&a->body), &a->json).code;
	buf_clear(&line);
	buf_clear(&said);
}

static void expect(const struct answer *a, int status)
{
	if (a->status != status)
		fail_msg("%d instead of %d: %s", a->status, status,
			 buf_cstr((struct buf *)&a->body));
}

static bool has(const struct answer *a, const char *text)
{
	return strstr(buf_cstr((struct buf *)&a->body), text) != NULL;
}

/* The value of a field of the head. */
static void field(const struct answer *a, const char *name, char out[128])
{
	char start[64];
	const char *at;

	snprintf(start, sizeof(start), "\n%s: ", name);
	at = strstr(buf_cstr((struct buf *)&a->head), start);
	if (!at || sscanf(at + strlen(start), "%127[^\r\n]", out) != 1)
		fail_msg("no field %s in: %s", name,
			 buf_cstr((struct buf *)&a->head));
}

/* The text after `"name":"`, up to the next quote. */
static void member(const struct answer *a, const char *name, char out[128])
{
	char start[64];
	const char *at;

	snprintf(start, sizeof(start), "\"%s\":\"", name);
	at = strstr(buf_cstr((struct buf *)&a->body), start);
	if (!at || sscanf(at + strlen(start), "%127[^\"]", out) != 1)
		fail_msg("no member %s in: %s", name,
			 buf_cstr((struct buf *)&a->body));
}

/* A problem document of that name, with what it must have. */
static void expect_problem(const struct answer *a, int status, const char *name)
{
	char type[64], got[128];

	expect(a, status);
	field(a, "content-type", got);
	assert_string_equal(got, "application/problem+json");
	snprintf(type, sizeof(type), "\"type\":\"/problems/%s\"", name);
	if (!has(a, type))
		fail_msg("wanted %s: %s", type,
			 buf_cstr((struct buf *)&a->body));
	assert_non_null(a->json);
	assert_true(has(a, "\"title\":\""));
	assert_true(has(a, "\"mend\":\""));
}

/* ---- reading ---- */

static void what_a_relay_says_of_itself_and_of_the_asker(void **state)
{
	struct answer a;
	char page[128];

	curl(&alice, &a, "", "/v1/relay");
	expect(&a, 200);
	assert_true(has(&a, "\"nation\":\"GBR\""));
	assert_true(has(&a, "\"replica\":\"GBR.1\""));
	assert_true(has(&a, "\"ceiling\":\"RESTRICTED\""));
	answer_clear(&a);

	curl(&alice, &a, "", "/v1/me");
	expect(&a, 200);
	assert_true(has(&a, "\"subject\":\"alice\""));
	assert_true(has(&a, "\"spaces\":[\"GBR/ops\"]"));
	answer_clear(&a);

	snprintf(page, sizeof(page), "/v1/policy?ask=%s", ask);
	curl(&alice, &a, "", page);
	expect(&a, 200);
	assert_true(has(&a, "\"files\":["));
	field(&a, "entente-page", page);
	assert_non_null(strstr(page, "sig=:"));
	answer_clear(&a);
}

static void put_note(struct doc_id *id, char text[DOC_ID_TEXT_LEN + 1])
{
	must(pad_put(&alice, "GBR/ops", "restricted-rel-gbr", "note",
		     span_str("a note"), id, NULL));
	doc_id_format(*id, text);
}

static void a_page_of_changes_with_its_labels_and_authors(void **state)
{
	struct answer a;
	struct doc_id id;
	char text[DOC_ID_TEXT_LEN + 1], got[128], path[256], cursor[512] = "";
	const char *at;

	put_note(&id, text);
	snprintf(path, sizeof(path), "/v1/changes?ask=%s", ask);
	curl(&alice, &a, "", path);
	expect(&a, 200);
	assert_true(has(&a, text));
	assert_true(has(&a, "\"fresh\":true"));
	field(&a, "entente-page", got);
	at = strstr(buf_cstr(&a.body), "\"cursor\":\"");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "\"cursor\":\"%511[^\"]\"", cursor), 1);

	/* The labels that its shelves name. */
	at = strstr(buf_cstr(&a.body), "\"labels\":[\"");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "\"labels\":[\"%127[^\"]\"", got), 1);
	snprintf(path, sizeof(path), "/v1/labels/%s", got);
	member(&a, "author", got);
	answer_clear(&a);
	curl(&alice, &a, "", path);
	expect(&a, 200);
	assert_true(has(&a, "\"marking\":{"));
	answer_clear(&a);
	/* Somebody whose view has no such shelf learns nothing. */
	curl(&bob, &a, "", path);
	expect_problem(&a, 404, "not-found");
	answer_clear(&a);

	snprintf(path, sizeof(path), "/v1/authors/%s", got);
	curl(&alice, &a, "", path);
	expect(&a, 200);
	assert_true(has(&a, "\"certificate\":\""));
	answer_clear(&a);

	/* Nothing new. */
	snprintf(path, sizeof(path), "/v1/changes?ask=%s&since=%s", ask,
		 cursor);
	curl(&alice, &a, "", path);
	expect(&a, 204);
	assert_int_equal(a.body.len, 0);
	answer_clear(&a);

	/* Bob, unclassified, sees none of it. */
	snprintf(path, sizeof(path), "/v1/changes?ask=%s", ask);
	curl(&bob, &a, "", path);
	if (a.status != 204) {
		expect(&a, 200);
		assert_false(has(&a, text));
	}
	answer_clear(&a);
}

struct waiting {
	struct answer answer;
	char path[700];
	uint64_t took_ms;
};

static void *run_poll(void *arg)
{
	struct waiting *w = arg;
	uint64_t began = nation_daemon_now_ms();
	struct buf line;

	command(&alice, &line);
	buf_init(&w->answer.body, 1 << 20);
	w->answer.status =
		nation_daemon_shell(&w->answer.body, 30,
				    "%s 'https://localhost:%u%s'",
				    buf_cstr(&line), d.device, w->path);
	w->took_ms = nation_daemon_now_ms() - began;
	buf_clear(&line);
	return NULL;
}

static void a_write_wakes_who_waits(void **state)
{
	struct waiting w = {0};
	struct answer a;
	char cursor[512], text[DOC_ID_TEXT_LEN + 1], path[128];
	struct doc_id id;
	pthread_t thread;
	const char *at;

	snprintf(path, sizeof(path), "/v1/changes?ask=%s", ask);
	curl(&alice, &a, "", path);
	expect(&a, 200);
	at = strstr(buf_cstr(&a.body), "\"cursor\":\"");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "\"cursor\":\"%511[^\"]\"", cursor), 1);
	answer_clear(&a);
	snprintf(w.path, sizeof(w.path), "/v1/changes?ask=%s&since=%s&wait=15",
		 ask, cursor);
	if (pthread_create(&thread, NULL, run_poll, &w))
		exit(EXIT_FAILURE);
	nation_daemon_sleep_ms(700);
	put_note(&id, text);
	pthread_join(thread, NULL);
	printf("woken after %llu ms\n", (unsigned long long)w.took_ms);
	assert_int_equal(w.answer.status, 0);
	assert_true(has(&w.answer, text));
	assert_true(w.took_ms >= 500 && w.took_ms < 5000);
	answer_clear(&w.answer);
}

static void a_document_and_ranges_of_its_content(void **state)
{
	struct answer a, part;
	struct doc_id id;
	char text[DOC_ID_TEXT_LEN + 1], path[128], etag[128], got[128];

	put_note(&id, text);
	snprintf(path, sizeof(path), "/v1/documents/%s", text);
	curl(&alice, &a, "", path);
	expect(&a, 200);
	field(&a, "etag", etag);
	member(&a, "manifest", got);
	assert_true(has(&a, "\"shelves\":["));
	answer_clear(&a);
	curl(&bob, &a, "", path);
	expect_problem(&a, 404, "not-found");
	assert_true(has(&a, "\"reference\":\""));
	answer_clear(&a);

	snprintf(path, sizeof(path), "/v1/documents/%s/content", text);
	curl(&alice, &a, "", path);
	expect(&a, 200);
	assert_true(a.body.len > 40);
	curl(&alice, &part, "-H 'Range: bytes=10-29'", path);
	expect(&part, 206);
	assert_int_equal(part.body.len, 20);
	assert_memory_equal(part.body.at, a.body.at + 10, 20);
	field(&part, "content-range", got);
	assert_true(!strncmp(got, "bytes 10-29/", 12));
	answer_clear(&part);
	curl(&alice, &part, "-H 'Range: bytes=-7'", path);
	expect(&part, 206);
	assert_memory_equal(part.body.at, a.body.at + a.body.len - 7, 7);
	answer_clear(&part);
	curl(&alice, &part, "-H 'Range: bytes=9999999-'", path);
	expect_problem(&part, 416, "range-not-satisfiable");
	answer_clear(&part);
	answer_clear(&a);
	curl(&bob, &a, "", path);
	expect_problem(&a, 404, "not-found");
	answer_clear(&a);
}

/* ---- writing ---- */

/* What `entente doc seal` makes, and the id. */
static void seal_by_command(const char *name, char id[DOC_ID_TEXT_LEN + 1],
			    char body[NATION_DAEMON_PATH])
{
	char file[NATION_DAEMON_PATH];
	struct buf said;
	int code;

	snprintf(file, sizeof(file), "%s/%s.txt", d.base, name);
	snprintf(body, NATION_DAEMON_PATH, "%s/%s.json", d.base, name);
	must(files_write(file, span_str("sealed by hand\n"), 0600));
	/* One process at a time works in a device's folder. */
	pad_free(&bob);
	buf_init(&said, 1 << 20);
	code = nation_daemon_entente(
		&d, &said,
		"doc seal %s --device %s/bob --space GBR/ops --label "
		"docs/policy/labels/unclassified.xml --out %s",
		file, d.base, body);
	if (code)
		fail_msg("doc seal: %d %s", code, buf_cstr(&said));
	assert_int_equal(sscanf(buf_cstr(&said), "%36s", id), 1);
	buf_clear(&said);
}

static void a_body_sealed_by_the_command_is_put(void **state)
{
	char id[DOC_ID_TEXT_LEN + 1], body[NATION_DAEMON_PATH], path[128];
	char arguments[NATION_DAEMON_PATH + 128], etag[128];
	struct answer a;
	struct buf token;

	/* A device that the command made. */
	nation_daemon_invite(&d, "bob", &token);
	assert_int_equal(nation_daemon_entente(&d, NULL,
					       "device enrol '%s' --device "
					       "%s/bob",
					       buf_cstr(&token), d.base),
			 0);
	buf_clear(&token);
	assert_int_equal(nation_daemon_entente(&d, NULL,
					       "doc list --device %s/bob",
					       d.base),
			 0);
	seal_by_command("note", id, body);
	snprintf(path, sizeof(path), "/v1/documents/%s", id);

	/* Another device may not send it: the manifest names its author. */
	snprintf(arguments, sizeof(arguments),
		 "-X PUT --data-binary @%s -H 'Content-Type: application/json'",
		 body);
	curl(&alice, &a, arguments, path);
	expect_problem(&a, 428, "precondition-required");
	answer_clear(&a);
	snprintf(arguments, sizeof(arguments),
		 "-X PUT --data-binary @%s -H 'If-None-Match: *'", body);
	curl(&alice, &a, arguments, path);
	assert_true(a.status >= 400 && a.status < 500);
	answer_clear(&a);
	/* Without a certificate nobody is anybody. */
	curl(NULL, &a, arguments, path);
	expect_problem(&a, 401, "unauthenticated");
	answer_clear(&a);

	/* As that device. */
	assert_int_equal(nation_daemon_entente(&d, NULL,
					       "device show --device %s/bob "
					       "--pem %s/bob-pem",
					       d.base, d.base),
			 0);
	{
		struct pad as = {0};

		snprintf(as.folder, sizeof(as.folder), "%s/bob-pem", d.base);
		curl(&as, &a, arguments, path);
		expect(&a, 201);
		field(&a, "etag", etag);
		assert_true(has(&a, "\"dot\":\"GBR.1:1\""));
		answer_clear(&a);
		/* Once more: the same answer, nothing new. */
		curl(&as, &a, arguments, path);
		assert_true(a.status == 200 || a.status == 201 ||
			    a.status == 412);
		answer_clear(&a);
	}
	curl(&alice, &a, "", path);
	expect(&a, 200);
	answer_clear(&a);
}

/* Content beyond what stands in a PUT: begun, looked at, gone on with,
 * dropped. */
static void an_upload_goes_in_pieces(void **state)
{
	const struct journal_outgoing *o;
	struct engine_put order = {.space = span_str("GBR/ops"),
				   .title = span_str("large")};
	static uint8_t plain[600 * 1000];
	char id[DOC_ID_TEXT_LEN + 1], table[DIGEST_TEXT_LEN + 1];
	char blob[NATION_DAEMON_PATH + 80], path[256], location[128];
	char arguments[1024], got[128];
	struct digest digest;
	struct doc_id doc;
	struct answer a;
	struct buf label;
	uint64_t task;
	unsigned long long offset;

	buf_init(&label, 1 << 20);
	must(files_read("docs/policy/labels/restricted-rel-gbr.xml", &label));
	order.label = buf_span(&label);
	order.content.bytes = span_of(plain, sizeof(plain));
	must(engine_put(alice.engine, &order, &doc, &digest, &task));
	o = journal_find_outgoing(engine_journal(alice.engine), digest);
	assert_non_null(o);
	doc_id_format(doc, id);
	digest_format(o->table, table);
	snprintf(blob, sizeof(blob), "%s/content/%s", alice.folder, table);

	snprintf(path, sizeof(path),
		 "/v1/documents/%s/content?table=%s&size=%zu", id, table,
		 sizeof(plain));
	/* The first 300 kB: table and one segment are kept. */
	snprintf(arguments, sizeof(arguments),
		 "-X POST -H 'Upload-Complete: ?0' --data-binary \"@%s/piece\"",
		 d.base);
	assert_int_equal(nation_daemon_shell(NULL, 10,
					     "head -c 300000 '%s' > %s/piece",
					     blob, d.base),
			 0);
	curl(&alice, &a, arguments, path);
	expect(&a, 201);
	field(&a, "location", location);
	field(&a, "upload-offset", got);
	offset = strtoull(got, NULL, 10);
	assert_true(offset > 262144 && offset <= 300000);
	answer_clear(&a);

	curl(&alice, &a, "-I", location);
	expect(&a, 204);
	field(&a, "upload-offset", got);
	assert_int_equal(strtoull(got, NULL, 10), offset);
	field(&a, "upload-complete", got);
	assert_string_equal(got, "?0");
	answer_clear(&a);
	/* Somebody else's upload is nowhere. */
	curl(&bob, &a, "-I", location);
	expect(&a, 404);
	answer_clear(&a);

	/* From the wrong place; then from the right one. */
	snprintf(arguments, sizeof(arguments),
		 "-X PATCH -H 'Upload-Offset: 5' --data-binary x");
	curl(&alice, &a, arguments, location);
	expect_problem(&a, 412, "precondition-failed");
	answer_clear(&a);
	assert_int_equal(nation_daemon_shell(NULL, 10,
					     "tail -c +%llu '%s' > %s/piece",
					     offset + 1, blob, d.base),
			 0);
	snprintf(arguments, sizeof(arguments),
		 "-X PATCH -H 'Upload-Offset: %llu' -H 'Upload-Complete: ?1' "
		 "--data-binary \"@%s/piece\"",
		 offset, d.base);
	curl(&alice, &a, arguments, location);
	expect(&a, 204);
	field(&a, "upload-complete", got);
	assert_string_equal(got, "?1");
	answer_clear(&a);

	/* Bytes that the table does not list. */
	assert_int_equal(nation_daemon_shell(NULL, 10,
					     "head -c %llu /dev/zero > "
					     "%s/piece",
					     (unsigned long long)
						     segment_table_len(
							     sizeof(plain)),
					     d.base),
			 0);
	snprintf(arguments, sizeof(arguments),
		 "-X POST --data-binary \"@%s/piece\"", d.base);
	curl(&alice, &a, arguments, path);
	expect_problem(&a, 422, "wrong-digest");
	answer_clear(&a);

	curl(&alice, &a, "-X DELETE", location);
	expect(&a, 204);
	answer_clear(&a);
	curl(&alice, &a, "-I", location);
	expect(&a, 404);
	answer_clear(&a);
	/* The device itself brings it all the same. */
	must(pad_drive(&alice));
	buf_clear(&label);
}

static void what_needs_a_signature_is_refused_without(void **state)
{
	struct answer a;
	struct doc_id id;
	char text[DOC_ID_TEXT_LEN + 1], path[128], nonce[128];

	put_note(&id, text);
	curl(&alice, &a,
	     "-X POST -H 'Content-Type: application/json' -d '{\"keys\":[]}'",
	     "/v1/keys");
	expect(&a, 401);
	field(&a, "entente-nonce", nonce);
	answer_clear(&a);
	/* A statement is signed in itself. */
	snprintf(path, sizeof(path), "/v1/documents/%s/statements", text);
	curl(&alice, &a, "-X POST -d '{\"statement\":\"e30.e30.AA\"}'", path);
	assert_true(a.status == 400 || a.status == 401 || a.status == 422);
	assert_true(has(&a, "\"type\":\"/problems/"));
	answer_clear(&a);
	curl(&alice, &a, "", path);
	expect_problem(&a, 405, "method-not-allowed");
	answer_clear(&a);
	snprintf(path, sizeof(path), "/v1/documents/%s", text);
	curl(&alice, &a, "", path);
	expect(&a, 200);
	answer_clear(&a);
}

static void what_is_wrong_is_a_problem_document(void **state)
{
	static const struct {
		const char *arguments, *path;
		int status;
		const char *name;
	} rows[] = {
		{"", "/v1/nothing", 404, "not-found"},
		{"", "/v1/documents/none", 400, "malformed"},
		{"", "/v1/changes", 400, "usage"},
		{"", "/v1/changes?ask=AAECAwQFBgcICQoLDA0ODw&colour=green", 400,
		 "usage"},
		{"-X DELETE", "/v1/relay", 405, "method-not-allowed"},
		{"-X PUT -d '{' -H 'If-None-Match: *'",
		 "/v1/documents/01890a5d-ac96-774b-bcce-b302099a8057", 400,
		 "malformed"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct answer a;

		curl(&alice, &a, rows[i].arguments, rows[i].path);
		if (a.status != rows[i].status)
			printf("%s: %d %s\n", rows[i].path, a.status,
			       buf_cstr(&a.body));
		expect_problem(&a, rows[i].status, rows[i].name);
		answer_clear(&a);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_relay_says_of_itself_and_of_the_asker),
		cmocka_unit_test(a_page_of_changes_with_its_labels_and_authors),
		cmocka_unit_test(a_write_wakes_who_waits),
		cmocka_unit_test(a_document_and_ranges_of_its_content),
		cmocka_unit_test(an_upload_goes_in_pieces),
		cmocka_unit_test(what_needs_a_signature_is_refused_without),
		cmocka_unit_test(what_is_wrong_is_a_problem_document),
		cmocka_unit_test(a_body_sealed_by_the_command_is_put),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, start, stop);
}
