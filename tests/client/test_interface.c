/* The library as an app has it: one header, and requests that it sends. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "client/files.h"
#include "client/http.h"
#include "proto/crypto/certificate.h"
#include "tests/client/app/app.h"
#include "tests/client/command.h"

#include <stdio.h>
#include <stdlib.h>

#define LABEL "docs/policy/labels/restricted-rel-gbr-deu-fra.xml"

static struct command_relay relay;
static bool has_relay;

/* What an app's URLSession is: one request, one connection. */
struct session {
	struct entente *e;
	struct http_connection *connection;
	struct http_answer answer;
	struct entente_field fields[HTTP_FIELDS_MAX];
	char text[HTTP_FIELDS_MAX][2][512];
	bool cut; /* no network */
};

static void send_one(void *self, const struct entente_trust *trust,
		     const struct entente_request *request,
		     struct app_answer *out)
{
	struct session *s = self;
	struct digest ca;
	struct http_field fields[HTTP_FIELDS_MAX];
	struct crypto_key *key = NULL;
	struct http_peer peer = {
		.endpoint = trust->endpoint,
		.ca = span_of(trust->ca.at, trust->ca.len),
		.ca_digest = &ca,
		.certificate =
			span_of(trust->certificate.at, trust->certificate.len),
	};
	struct http_call call = {
		.method = span_str(request->method),
		.target = span_str(request->target),
		.fields = fields,
		.fields_count = request->fields_count,
		.body = span_of(request->body.at, request->body.len),
		.answer_max = 16 << 20,
		.wait_s = request->wait_s,
	};
	char *pem = NULL;

	if (s->cut)
		return;
	memcpy(ca.at, trust->ca_sha256, sizeof(ca.at));
	for (size_t i = 0; i < request->fields_count; i++)
		fields[i] =
			(struct http_field){span_str(request->fields[i].name),
					    span_str(request->fields[i].value)};
	if (peer.certificate.len) {
		assert_int_equal(entente_tls_key(s->e, &pem), 0);
		assert_false(
			failed(certificate_key_from_pem(span_str(pem), &key)));
		entente_wipe(pem);
		peer.key = key;
	}
	http_connection_close(s->connection);
	s->connection = NULL;
	assert_false(failed(http_connection_open(&peer, &s->connection)));
	assert_false(failed(http_connection_send(s->connection, &call)));
	assert_true(http_connection_wait(s->connection, &s->answer));
	crypto_key_free(key);
	for (size_t i = 0; i < s->answer.fields.count; i++) {
		const struct http_field *f = &s->answer.fields.at[i];

		snprintf(s->text[i][0], 512, "%.*s", (int)f->name.len,
			 (const char *)f->name.at);
		snprintf(s->text[i][1], 512, "%.*s", (int)f->value.len,
			 (const char *)f->value.at);
		s->fields[i] =
			(struct entente_field){s->text[i][0], s->text[i][1]};
	}
	*out = (struct app_answer){s->answer.status, s->fields,
				   s->answer.fields.count, s->answer.body.at,
				   s->answer.body.len};
}

static int start(void **state)
{
	has_relay = command_relay_start(&relay);
	return 0;
}

static int stop(void **state)
{
	command_relay_stop(&relay);
	return 0;
}

static void assert_export(struct entente *e, const char *document,
			  const char *wanted, size_t len)
{
	struct entente_head head;
	char revision[64];
	struct buf text;

	assert_int_equal(entente_head(e, document, 0, &head), 0);
	assert_true(head.content_here);
	assert_int_equal(head.size, len);
	snprintf(revision, sizeof(revision), "%s", head.revision);
	assert_int_equal(entente_export(e, document, revision,
					command_path(&relay, "export")),
			 0);
	buf_init(&text, 1 << 20);
	assert_false(failed(files_read(command_path(&relay, "export"), &text)));
	assert_true(span_eq(buf_span(&text), span_of(wanted, len)));
	buf_clear(&text);
}

static void an_app_enrols_writes_edits_and_deletes(void **state)
{
	struct session session = {0};
	struct app_sender to = {send_one, &session};
	struct entente_head head;
	struct entente *e = NULL;
	char id[64], token[4096];
	struct buf label, large;

	if (!has_relay)
		return;
	assert_int_equal(COMMAND("subject", "add", "app", "--folder", relay.gbr,
				 "--rights", "write,delete", "--space",
				 "GBR/ops", "--clearance",
				 "docs/policy/clearances/gbr-restricted.xml"),
			 0);
	assert_int_equal(COMMAND("device", "invite", "app", "--folder",
				 relay.gbr),
			 0);
	snprintf(token, sizeof(token), "%s", command_line());
	buf_init(&label, 65536);
	buf_init(&large, 1 << 20);
	assert_false(failed(files_read(LABEL, &label)));
	for (size_t i = 0; i < 40000; i++)
		buf_put_u8(&large, (uint8_t)(i >> 3));
	assert_int_equal(entente_open(command_path(&relay, "app"), NULL, &e),
			 0);
	session.e = e;
	assert_false(entente_enrolled(e));
	assert_int_equal(app_enrol(e, &to, token), 0);
	assert_true(entente_enrolled(e));
	assert_int_equal(app_sync(e, &to), 0);
	assert_int_equal(app_create(e, &to, "GBR/ops", label.at, label.len,
				    "note", (const uint8_t *)"hello", 5),
			 0);
	assert_int_equal(app_sync(e, &to), 0);
	assert_int_equal(entente_count(e), 1);
	snprintf(id, sizeof(id), "%s", entente_document(e, 0));
	assert_int_equal(entente_head(e, id, 0, &head), 0);
	assert_string_equal(head.title, "note");
	assert_string_equal(head.space, "GBR/ops");
	assert_true(head.winner);
	assert_export(e, id, "hello", 5);
	/* The process ends without a word. */
	entente_close(e);
	assert_int_equal(entente_open(command_path(&relay, "app"), NULL, &e),
			 0);
	session.e = e;
	assert_export(e, id, "hello", 5);
	assert_int_equal(app_edit(e, &to, id, "note", large.at, large.len), 0);
	assert_int_equal(app_sync(e, &to), 0);
	assert_export(e, id, (const char *)large.at, large.len);
	assert_int_equal(app_delete(e, &to, id), 0);
	assert_int_equal(app_sync(e, &to), 0);
	assert_int_equal(entente_count(e), 0);
	entente_close(e);
	http_connection_close(session.connection);
	buf_clear(&label);
	buf_clear(&large);
}

static void without_a_network_it_says_so_and_goes_on_later(void **state)
{
	struct session session = {.cut = true};
	struct app_sender to = {send_one, &session};
	struct entente *e = NULL;
	char id[64];
	struct buf label;

	if (!has_relay)
		return;
	buf_init(&label, 65536);
	assert_false(failed(files_read(LABEL, &label)));
	assert_int_equal(entente_open(command_path(&relay, "app"), NULL, &e),
			 0);
	session.e = e;
	assert_int_equal(app_create(e, &to, "GBR/ops", label.at, label.len,
				    "later", (const uint8_t *)"x", 1),
			 ERR_UNREACHABLE);
	assert_string_equal(entente_code_text(ERR_UNREACHABLE),
			    "The other side cannot be reached.");
	assert_true(entente_code_mend(ERR_UNREACHABLE)[0]);
	session.cut = false;
	assert_int_equal(entente_resume(e), 0);
	assert_int_equal(app_sync(e, &to), 0);
	assert_int_equal(app_sync(e, &to), 0);
	assert_int_equal(entente_count(e), 1);
	snprintf(id, sizeof(id), "%s", entente_document(e, 0));
	assert_export(e, id, "x", 1);
	entente_close(e);
	http_connection_close(session.connection);
	buf_clear(&label);
}

static void wrong_arguments_are_codes_and_not_crashes(void **state)
{
	struct entente_head head;
	struct entente *e = NULL;
	char folder[] = "/tmp/entente-interface-XXXXXX", line[128];
	uint64_t task;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(entente_open(folder, "open sesame", &e), 0);
	assert_int_not_equal(entente_enrol(e, "no token", &task), 0);
	assert_int_not_equal(entente_fetch(e, "no id", "none", &task), 0);
	assert_int_not_equal(entente_edit(e, "no id", "t", NULL, 0, &task), 0);
	assert_int_not_equal(entente_head(e, "no id", 0, &head), 0);
	assert_int_equal(entente_count(e), 0);
	assert_string_equal(entente_document(e, 3), "");
	entente_close(e);
	e = NULL;
	assert_int_equal(entente_open(folder, "another", &e), ERR_SEALED);
	assert_null(e);
	entente_close(NULL);
	snprintf(line, sizeof(line), "rm -rf %s", folder);
	assert_int_equal(system(line), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_app_enrols_writes_edits_and_deletes),
		cmocka_unit_test(
			without_a_network_it_says_so_and_goes_on_later),
		cmocka_unit_test(wrong_arguments_are_codes_and_not_crashes),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
