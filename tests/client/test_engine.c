/* The sync machine against a relay played in memory: who is believed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "client/engine_task.h"
#include "client/system.h"
#include "proto/crypto/certificate.h"
#include "proto/document/author.h"
#include "proto/document/enrolment.h"
#include "proto/exchange/changes.h"
#include "proto/exchange/enrol.h"
#include "proto/exchange/keys.h"
#include "proto/exchange/me.h"
#include "proto/exchange/page.h"
#include "proto/exchange/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The relay, and the one document it has. */
struct relay {
	char folder[64];
	struct engine *e;
	struct crypto_key *ca, *root, *seal, *guard256, *guard384, *request;
	struct buf ca_der, replica;
	struct enrol_token token;
	struct crypto_public *author, *wrapping; /* the device's */
	/* What the device wrote. */
	struct buf manifest, content;
	struct opening opening;
	struct doc_id id;
	uint8_t content_key[CRYPTO_KEY_LEN];
	struct digest commitment;
	/* What is answered. */
	bool bad_mac, bad_page, bad_key, withdraw, none;
	unsigned acknowledged;
	struct span text; /* of the document; empty: "hello" */
	/* Uploads: bytes taken, whether one built on a parent, and whether
	 * that is refused. */
	size_t uploaded;
	bool over_parent, no_parent;
	unsigned busy;	 /* answers 503 so often first */
	struct err last; /* of the task that ended */
	size_t dropped;
};

static void must(struct err e)
{
	if (failed(e))
		fail_msg("%s: %s", err_row(e.code)->name,
			 e.detail ? e.detail : "");
}

/* The system's clock, and what a test adds. */
static uint64_t ahead_ms;

static uint64_t now_ms(void *self)
{
	struct clock system = system_clock();

	(void)self;
	return clock_ms(&system) + ahead_ms;
}

static struct engine *open_engine(const char *folder)
{
	struct engine_config config = {.folder = folder,
				       .clock = {now_ms, NULL},
				       .random = system_random(),
				       .no_sync = true};
	struct engine *e = NULL;

	must(engine_open(&config, &e));
	return e;
}

static int setup(void **state)
{
	struct relay *r = calloc(1, sizeof(*r));
	struct clock clock = system_clock();
	uint64_t now = clock_s(&clock);
	struct certificate_order order = {.common_name = span_str("CA"),
					  .not_before = now - 60,
					  .not_after = now + 86400,
					  .serial = {1}};
	struct replica_draft draft = {.replica = {{"GBR"}, 1},
				      .issue = 1,
				      .from = now - 60,
				      .to = now + 86400};

	ahead_ms = 0;
	strcpy(r->folder, "/tmp/entente-engine-XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	must(crypto_key_generate(CRYPTO_P256, &r->ca));
	must(crypto_key_generate(CRYPTO_P384, &r->root));
	must(crypto_key_generate(CRYPTO_P384, &r->seal));
	must(crypto_key_generate(CRYPTO_P256, &r->guard256));
	must(crypto_key_generate(CRYPTO_P384, &r->guard384));
	must(crypto_key_generate(CRYPTO_P256, &r->request));
	buf_init(&r->ca_der, CERTIFICATE_MAX);
	buf_init(&r->replica, REPLICA_BLOB_MAX);
	buf_init(&r->manifest, MANIFEST_JWS_MAX);
	buf_init(&r->content, 65536);
	must(certificate_make_ca(r->ca, &order, &r->ca_der));
	draft.root = crypto_public_id(crypto_key_public(r->root));
	draft.seal = crypto_key_public(r->seal);
	draft.guard_p256 = crypto_key_public(r->guard256);
	draft.guard_p384 = crypto_key_public(r->guard384);
	draft.request = crypto_key_public(r->request);
	must(replica_sign(r->root, &draft, &r->replica));
	r->token = (struct enrol_token){.kind = ENROL_DEVICE,
					.nation = {"GBR"},
					.endpoint = "localhost:8443",
					.id = {1},
					.secret = {2}};
	must(certificate_digest(buf_span(&r->ca_der), &r->token.ca));
	memcpy(r->token.root.at, draft.root.at, DIGEST_LEN);
	r->e = open_engine(r->folder);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct relay *r = *state;
	char command[128];

	engine_close(r->e);
	crypto_key_free(r->ca);
	crypto_key_free(r->root);
	crypto_key_free(r->seal);
	crypto_key_free(r->guard256);
	crypto_key_free(r->guard384);
	crypto_key_free(r->request);
	crypto_public_free(r->author);
	crypto_public_free(r->wrapping);
	buf_clear(&r->ca_der);
	buf_clear(&r->replica);
	buf_clear(&r->manifest);
	buf_clear(&r->content);
	snprintf(command, sizeof(command), "rm -rf %s", r->folder);
	free(r);
	return system(command);
}

/* ---- the relay's answers ---- */

static void answer_enrol(struct relay *r, struct span body, struct buf *out)
{
	struct clock clock = system_clock();
	uint64_t now = clock_s(&clock);
	struct certificate_order order = {.purpose = CERTIFICATE_CLIENT,
					  .common_name = span_str("device"),
					  .not_before = now - 60,
					  .not_after = now + 3600,
					  .serial = {2}};
	struct certificate_request csr;
	struct enrolment_keys keys;
	struct enrol_request q;
	struct enrol_answer a = {.ca = buf_span(&r->ca_der),
				 .replica = buf_span(&r->replica),
				 .root = crypto_public_spki(
					 crypto_key_public(r->root)),
				 .subject = span_str("alice")};
	struct arena arena;
	struct buf der;

	arena_init(&arena, 1 << 20);
	buf_init(&der, CERTIFICATE_MAX);
	must(enrol_request_decode(body, &arena, &q));
	must(certificate_read_request(q.csr, &arena, &csr));
	must(crypto_public_from_spki(q.author, &r->author));
	must(crypto_public_from_point(q.wrapping, &r->wrapping));
	must(certificate_issue(r->ca, buf_span(&r->ca_der), csr.spki, &order,
			       &der));
	a.certificate = buf_span(&der);
	must(enrolment_keys_derive(r->token.secret, r->token.id, &keys));
	must(enrolment_answer_mac(&keys, q.mac, a.certificate, a.replica,
				  a.mac));
	a.mac[0] ^= r->bad_mac;
	enrol_answer_encode(&a, out);
	arena_clear(&arena);
	buf_clear(&der);
}

static void answer_relay(struct relay *r, struct buf *out)
{
	struct me_relay relay = {.nation = {"GBR"},
				 .replica = {{"GBR"}, 1},
				 .ceiling = span_str("RESTRICTED"),
				 .certificate = buf_span(&r->replica),
				 .root = crypto_public_spki(
					 crypto_key_public(r->root))};

	me_relay_encode(&relay, out);
}

/* The value of a parameter of the target, to the next '&'. */
static struct span parameter(struct span target, const char *name)
{
	char text[1024], find[32];
	const char *at;

	snprintf(text, sizeof(text), "%.*s", (int)target.len,
		 (const char *)target.at);
	snprintf(find, sizeof(find), "%s=", name);
	at = strstr(text, find);
	if (!at)
		return (struct span){0};
	at += strlen(find);
	return span_sub(target, (size_t)(at - text), strcspn(at, "&"));
}

static void answer_changes(struct relay *r, struct span target, struct buf *out,
			   struct buf *field)
{
	struct digest shelf = {{7}}, labels = {{8}}, digest = {{9}};
	struct changes_shelf shelves = {shelf, span_str("GBR/ops"), &labels, 1,
					0};
	struct changes_head head = {.manifest = buf_span(&r->manifest),
				    .dot = {{{"GBR"}, 1}, 1},
				    .shelf = shelf,
				    .content = r->content.len,
				    .winner = true};
	struct changes_row row = {.id = r->id,
				  .home = {"GBR"},
				  .opening = r->opening,
				  .number = 1,
				  .digests = &digest,
				  .digests_count = 1,
				  .heads = &head,
				  .heads_count = 1};
	struct span since = parameter(target, "since");
	struct changes_page page = {.cursor = span_str(r->withdraw ? "two"
								   : "one"),
				    .fresh = since.len == 0,
				    .rows = &row,
				    .rows_count = !r->withdraw && !r->none,
				    .shelves = &shelves,
				    .shelves_count = 1,
				    .forget = &shelf,
				    .forget_count = r->withdraw};
	struct page_facts facts = {.replica = {{"GBR"}, 1}, .since = since};
	struct page_signature signature;
	struct json *ask = NULL;
	struct buf text;

	changes_page_encode(&page, out);
	facts.body = buf_span(out);
	facts.time = 1;
	buf_init(&text, 256);
	buf_printf(&text, "{\"ask\":\"%.*s\"}",
		   (int)parameter(target, "ask").len,
		   (const char *)parameter(target, "ask").at);
	must(json_parse(buf_span(&text), &ask));
	must(json_get_fixed(ask, "ask", facts.ask, sizeof(facts.ask)));
	json_free(ask);
	buf_clear(&text);
	page_reader_device(crypto_public_id(r->author), facts.reader);
	must(page_sign(r->request, &facts, &signature));
	signature.sig[5] ^= r->bad_page;
	page_format(&signature, field);
}

static void answer_author(struct relay *r, struct buf *out)
{
	struct me_author a = {.certificate = buf_span(&r->replica)};
	struct buf blob;

	buf_init(&blob, AUTHOR_BLOB_MAX);
	must(author_sign(r->seal, (struct replica){{"GBR"}, 1}, r->author, 1,
			 &blob));
	a.author = buf_span(&blob);
	me_author_encode(&a, out);
	buf_clear(&blob);
}

static void answer_me(struct relay *r, struct buf *out)
{
	struct me_answer a = {.reader = {.device = true,
					 .key = crypto_public_id(r->author)},
			      .nation = {"GBR"},
			      .subject = span_str("alice")};

	me_answer_encode(&a, out);
}

static void answer_keys(struct relay *r, struct span body, struct buf *out)
{
	struct random random = system_random();
	struct wrapped_sender *sender = NULL;
	struct keys_request q;
	struct keys_writer w;
	struct arena arena;

	arena_init(&arena, 1 << 20);
	must(keys_request_decode(body, &arena, &q));
	r->acknowledged += q.cursor.len > 0;
	must(wrapped_sender_new(r->wrapping, &random, &sender));
	keys_answer_begin(&w, out);
	for (size_t i = 0; i < q.count; i++) {
		uint8_t key[CRYPTO_KEY_LEN];
		struct wrapped wrapped;

		memcpy(key, r->content_key, sizeof(key));
		key[0] ^= r->bad_key;
		must(wrapped_make(sender, q.wants[i].document,
				  q.wants[i].commitment, 0, key, &wrapped));
		keys_answer_key(&w, &q.wants[i], &wrapped);
	}
	keys_answer_end(&w);
	wrapped_sender_free(sender);
	arena_clear(&arena);
}

static bool begins(struct span target, const char *path)
{
	return target.len >= strlen(path) &&
	       memcmp(target.at, path, strlen(path)) == 0;
}

/* A piece of an upload: it moves on by what came. */
static int answer_upload(struct relay *r, const struct engine_call *call,
			 struct buf *value)
{
	bool begin = span_eq_str(call->method, "POST");
	bool over = begin && parameter(call->target, "parent").len > 0;

	if (over && r->no_parent)
		return 404;
	if (begin)
		r->uploaded = 0;
	r->over_parent = begin ? over : r->over_parent;
	r->uploaded += call->body.len;
	buf_printf(value, "%zu", r->uploaded);
	return begin ? 201 : 204;
}

static void serve(struct relay *r, const struct engine_call *call)
{
	struct http_field fields[2] = {0};
	size_t fields_count = 0;
	struct buf out, value;
	uint64_t id = call->id;
	int status = 200;

	buf_init(&out, 1 << 20);
	buf_init(&value, 1024);
	if (r->busy) {
		r->busy--;
		fields[0] = (struct http_field){span_str("retry-after"),
						span_str("0")};
		engine_answer(r->e, id, 503, (struct http_fields){fields, 1},
			      (struct span){0}, ERR_NONE);
		return;
	}
	if (begins(call->target, "/v1/enrol"))
		answer_enrol(r, call->body, &out);
	else if (begins(call->target, "/v1/relay"))
		answer_relay(r, &out);
	else if (begins(call->target, "/v1/changes"))
		answer_changes(r, call->target, &out, &value);
	else if (begins(call->target, "/v1/authors/"))
		answer_author(r, &out);
	else if (begins(call->target, "/v1/me"))
		answer_me(r, &out);
	else if (begins(call->target, "/v1/keys"))
		answer_keys(r, call->body, &out);
	else if (begins(call->target, "/v1/uploads/") ||
		 parameter(call->target, "table").len)
		status = answer_upload(r, call, &value);
	else
		status = 404;
	must(buf_check(&out));
	if (begins(call->target, "/v1/changes"))
		fields[fields_count++] =
			(struct http_field){span_str("entente-page"),
					    buf_span(&value)};
	else if (value.len)
		fields[fields_count++] =
			(struct http_field){span_str("upload-offset"),
					    buf_span(&value)};
	if (status == 201)
		fields[fields_count++] =
			(struct http_field){span_str("location"),
					    span_str("/v1/uploads/1")};
	engine_answer(r->e, id, status,
		      (struct http_fields){fields, fields_count},
		      buf_span(&out), ERR_NONE);
	buf_clear(&out);
	buf_clear(&value);
}

/* Until nothing is left; the end of the last task. */
static struct err drive(struct relay *r)
{
	const struct engine_call *call;
	struct engine_event event;

	r->last = err_make(ERR_INTERNAL, "no task ended");
	r->dropped = 0;
	while (engine_busy(r->e)) {
		while (engine_next(r->e, &call))
			serve(r, call);
		usleep((unsigned)engine_wait_ms(r->e) * 1000);
	}
	while (engine_event(r->e, &event)) {
		if (event.kind == ENGINE_DONE || event.kind == ENGINE_FAILED)
			r->last = event.why;
		r->dropped += event.kind == ENGINE_DROPPED;
	}
	assert_false(engine_busy(r->e));
	return r->last;
}

static struct err enrol(struct relay *r)
{
	struct buf text;
	uint64_t task;

	buf_init(&text, 4096);
	enrol_token_format(&r->token, &text);
	must(engine_enrol(r->e, buf_span(&text), &task));
	buf_wipe(&text);
	return drive(r);
}

static struct err pull(struct relay *r)
{
	uint64_t task;

	must(engine_pull(r->e, 0, &task));
	return drive(r);
}

/* A document that the device wrote, as the relay then has it: its key is one
 * that the test knows. */
static void write_document(struct relay *r)
{
	struct random random = system_random();
	const struct identity *me = engine_identity(r->e);
	struct files_plain plain = {.bytes = r->text.len ? r->text
							 : span_str("hello")};
	struct package_writer *w = NULL;
	struct manifest m = {.home = {"GBR"},
			     .space = span_str("GBR/ops"),
			     .serial = 1,
			     .statement = 1,
			     .label = {{8}},
			     .suite = SEGMENT_SUITE,
			     .keys = &r->commitment,
			     .keys_count = 1,
			     .time = 1};
	struct buf sealed;

	r->opening = (struct opening){m.space,
				      crypto_public_id(
					      crypto_key_public(me->author)),
				      {5}};
	m.author = r->opening.author;
	memcpy(m.salt, r->opening.salt, sizeof(m.salt));
	must(docid_make(&r->opening, m.home, UINT64_C(1790000000000), &r->id));
	m.id = r->id;
	must(files_seal(r->folder, &plain, r->id, &random, NULL, &w, &m));
	memcpy(r->content_key, package_writer_key(w), CRYPTO_KEY_LEN);
	r->commitment = m.keys[0];
	m.keys = &r->commitment;
	buf_init(&sealed, MANIFEST_SEALED_MAX);
	must(package_writer_title(w,
				  span_str("{\"properties\":{},\"title\":"
					   "\"plan\"}"),
				  &sealed));
	package_writer_free(w);
	m.sealed = buf_span(&sealed);
	must(manifest_sign(me->author, &m, &r->manifest));
	buf_clear(&sealed);
}

static const struct journal_head *only_head(struct relay *r)
{
	const struct journal *j = engine_journal(r->e);

	assert_int_equal(j->documents_count, 1);
	assert_int_equal(j->documents[0].heads_count, 1);
	return &j->documents[0].heads[0];
}

/* ---- what is proved ---- */

static void enrolment_pins_what_the_token_names_and_survives(void **state)
{
	struct relay *r = *state;

	must(enrol(r));
	assert_true(engine_enrolled(r->e));
	engine_close(r->e);
	r->e = open_engine(r->folder);
	assert_true(engine_enrolled(r->e));
	assert_string_equal(engine_identity(r->e)->subject, "alice");
	assert_true(span_eq(engine_trust(r->e).ca, buf_span(&r->ca_der)));
}

static void an_answer_without_the_secret_enrols_nothing(void **state)
{
	struct relay *r = *state;

	r->bad_mac = true;
	assert_int_equal(enrol(r).code, ERR_SIGNATURE);
	assert_false(engine_enrolled(r->e));
}

static void a_root_that_the_token_does_not_name_is_not_pinned(void **state)
{
	struct relay *r = *state;

	r->token.root.at[3] ^= 1;
	assert_int_equal(enrol(r).code, ERR_DIGEST);
	assert_false(engine_enrolled(r->e));
}

static void a_page_brings_documents_keys_and_titles(void **state)
{
	struct relay *r = *state;
	struct buf title, plain;

	must(enrol(r));
	write_document(r);
	must(pull(r));
	assert_true(only_head(r)->verified);
	assert_string_equal(engine_journal(r->e)->cursor, "one");
	assert_int_equal(r->acknowledged, 1);
	buf_init(&title, 256);
	buf_init(&plain, 256);
	must(engine_title(r->e, r->id, only_head(r)->digest, &title));
	assert_true(span_eq_str(buf_span(&title), "plan"));
	must(engine_read(r->e, r->id, only_head(r)->digest, NULL, &plain));
	assert_true(span_eq_str(buf_span(&plain), "hello"));
	buf_clear(&title);
	buf_clear(&plain);
}

static void a_page_that_is_not_signed_changes_nothing(void **state)
{
	struct relay *r = *state;

	must(enrol(r));
	write_document(r);
	must(pull(r));
	/* "Forget everything", by somebody who holds the front alone. */
	r->withdraw = r->bad_page = true;
	assert_int_equal(pull(r).code, ERR_SIGNATURE);
	assert_string_equal(engine_journal(r->e)->cursor, "one");
	assert_true(only_head(r)->verified);
}

static void a_key_that_fails_its_commitment_is_no_key(void **state)
{
	struct relay *r = *state;
	struct buf title;

	must(enrol(r));
	write_document(r);
	r->bad_key = true;
	must(pull(r));
	buf_init(&title, 256);
	assert_int_equal(engine_title(r->e, r->id, only_head(r)->digest, &title)
				 .code,
			 ERR_MISSING_KEY);
	buf_clear(&title);
}

static void a_manifest_that_its_author_did_not_sign_is_not_opened(void **state)
{
	struct relay *r = *state;
	struct buf title;
	uint8_t *last;

	must(enrol(r));
	write_document(r);
	last = &r->manifest.at[r->manifest.len - 20];
	*last = *last == 'A' ? 'B' : 'A';
	must(pull(r));
	assert_false(only_head(r)->verified);
	buf_init(&title, 256);
	assert_int_equal(engine_title(r->e, r->id, only_head(r)->digest, &title)
				 .code,
			 ERR_SIGNATURE);
	buf_clear(&title);
}

static void forget_by_shelf_takes_head_key_and_content(void **state)
{
	struct relay *r = *state;
	struct arena arena;
	struct manifest m;

	must(enrol(r));
	write_document(r);
	must(pull(r));
	arena_init(&arena, 1 << 20);
	must(manifest_decode(buf_span(&r->manifest), &arena, &m));
	assert_true(files_has_content(r->folder, m.table));
	r->withdraw = true;
	must(pull(r));
	assert_int_equal(r->dropped, 1);
	assert_int_equal(engine_journal(r->e)->documents_count, 0);
	assert_int_equal(engine_journal(r->e)->keys_count, 0);
	assert_false(files_has_content(r->folder, m.table));
	assert_int_equal(r->acknowledged, 2);
	arena_clear(&arena);
}

static void a_write_waits_in_the_journal_until_the_relay_answers(void **state)
{
	struct relay *r = *state;
	struct engine_put put = {.space = span_str("GBR/ops"),
				 .label = span_str("<label/>"),
				 .title = span_str("t"),
				 .content.bytes = span_str("text")};
	const struct engine_call *call;
	struct digest digest;
	struct doc_id id;
	struct buf first;
	uint64_t task;
	size_t count;

	must(enrol(r));
	must(engine_put(r->e, &put, &id, &digest, &task));
	assert_true(engine_next(r->e, &call));
	buf_init(&first, 65536);
	buf_put(&first, call->body);
	/* The process ends before the answer; the next one repeats. */
	engine_close(r->e);
	r->e = open_engine(r->folder);
	must(engine_resume(r->e, &count));
	assert_int_equal(count, 1);
	assert_true(engine_next(r->e, &call));
	assert_true(span_eq(call->body, buf_span(&first)));
	engine_answer(r->e, call->id, 0, (struct http_fields){0},
		      (struct span){0}, err_make(ERR_UNREACHABLE, NULL));
	assert_int_equal(engine_journal(r->e)->outgoing_count, 1);
	/* What the relay judged is not sent again. */
	assert_int_equal(drive(r).code, ERR_UNREACHABLE);
	must(engine_resume(r->e, &count));
	assert_int_equal(drive(r).code, ERR_NOT_FOUND);
	assert_int_equal(engine_journal(r->e)->outgoing_count, 0);
	buf_clear(&first);
}

/* ---- edits of large documents ---- */

enum { SEGMENTS = 20, LARGE = SEGMENTS * SEGMENT_SIZE - 100 };

/* An edit of the large document that is here, with some segments changed;
 * the relay refuses the write itself, after the upload. */
static void edit(struct relay *r, uint8_t *text, size_t changes)
{
	struct engine_put put = {.edit = true,
				 .id = r->id,
				 .title = span_str("large"),
				 .content.bytes = span_of(text, LARGE)};
	struct digest digest;
	struct doc_id id;
	uint64_t task;

	for (size_t i = 0; i < changes; i++)
		text[i * SEGMENT_SIZE + 17] ^= 1;
	r->uploaded = 0;
	must(engine_put(r->e, &put, &id, &digest, &task));
	assert_int_equal(drive(r).code, ERR_NOT_FOUND);
}

static uint8_t *large_document(struct relay *r)
{
	uint8_t *text = calloc(1, LARGE);

	assert_non_null(text);
	for (size_t i = 0; i < LARGE; i++)
		text[i] = (uint8_t)(i * 31 >> 7);
	r->text = span_of(text, LARGE);
	must(enrol(r));
	write_document(r);
	must(pull(r));
	return text;
}

/* However often it is told to come again, an upload stays in the journal. */
static void an_upload_that_cannot_be_taken_now_is_kept(void **state)
{
	struct relay *r = *state;
	uint8_t *text = large_document(r);
	struct engine_put put = {.edit = true,
				 .id = r->id,
				 .title = span_str("large"),
				 .content.bytes = span_of(text, LARGE)};
	struct digest digest;
	struct doc_id id;
	uint64_t task;
	size_t count;

	text[0] ^= 1;
	r->busy = 100;
	must(engine_put(r->e, &put, &id, &digest, &task));
	assert_int_equal(drive(r).code, ERR_BUSY);
	assert_int_equal(r->uploaded, 0);
	assert_int_equal(engine_journal(r->e)->outgoing_count, 1);
	r->busy = 0;
	must(engine_resume(r->e, &count));
	assert_int_equal(count, 1);
	assert_int_equal(drive(r).code, ERR_NOT_FOUND);
	assert_true(r->uploaded > 0);
	assert_int_equal(engine_journal(r->e)->outgoing_count, 0);
	free(text);
}

static void an_edit_of_one_segment_sends_one_segment(void **state)
{
	struct relay *r = *state;
	uint8_t *text = large_document(r);

	edit(r, text, 1);
	assert_true(r->over_parent);
	assert_int_equal(r->uploaded,
			 segment_table_len(LARGE) + SEGMENT_SEALED_MAX);
	free(text);
}

static void an_edit_of_no_segment_sends_the_table(void **state)
{
	struct relay *r = *state;
	uint8_t *text = large_document(r);

	edit(r, text, 0);
	assert_int_equal(r->uploaded, segment_table_len(LARGE));
	free(text);
}

static void a_parent_that_the_relay_has_not_makes_it_whole(void **state)
{
	struct relay *r = *state;
	uint8_t *text = large_document(r);

	r->no_parent = true;
	edit(r, text, 3);
	assert_false(r->over_parent);
	assert_int_equal(r->uploaded, segment_blob_len(LARGE));
	free(text);
}

static void an_upload_goes_on_as_it_was_begun(void **state)
{
	struct relay *r = *state;
	uint8_t *text = large_document(r);
	struct engine_put put = {.edit = true,
				 .id = r->id,
				 .title = span_str("large"),
				 .content.bytes = span_of(text, LARGE)};
	const struct engine_call *call;
	struct digest digest;
	struct doc_id id;
	uint64_t task;
	size_t count;

	/* All but the last: more than a piece. */
	for (size_t i = 0; i + 1 < SEGMENTS; i++)
		text[i * SEGMENT_SIZE] ^= 1;
	must(engine_put(r->e, &put, &id, &digest, &task));
	assert_true(engine_next(r->e, &call));
	serve(r, call);
	/* The process ends; the next one asks how far it came. */
	engine_close(r->e);
	r->e = open_engine(r->folder);
	must(engine_resume(r->e, &count));
	assert_true(engine_next(r->e, &call));
	assert_true(span_eq_str(call->method, "HEAD"));
	serve(r, call);
	assert_int_equal(drive(r).code, ERR_NOT_FOUND);
	assert_true(r->over_parent);
	assert_int_equal(r->uploaded,
			 segment_table_len(LARGE) +
				 (SEGMENTS - 1) * (size_t)SEGMENT_SEALED_MAX);
	free(text);
}

/* ---- a relay that is busy ---- */

static void a_busy_relay_is_asked_again_a_few_times(void **state)
{
	struct relay *r = *state;

	r->none = true;
	r->busy = 3;
	must(enrol(r));
	assert_int_equal(r->busy, 0);
	r->busy = 100;
	assert_true(failed(pull(r)));
	assert_int_equal(r->busy, 100 - 1 - 4);
	r->busy = 0;
	must(pull(r));
}

/* The wrapped key of one more write. */
static struct wrapped sealed_key(struct relay *r)
{
	struct engine_put put = {.space = span_str("GBR/ops"),
				 .label = span_str("<l/>"),
				 .content = {.bytes = span_str("hello")}};
	struct write_request request;
	struct digest digest;
	struct wrapped out;
	struct arena arena;
	struct doc_id id;
	struct buf body;

	arena_init(&arena, 1 << 20);
	buf_init(&body, WRITE_BODY_MAX);
	must(engine_seal(r->e, &put, &id, &digest, &body));
	must(write_request_decode(buf_span(&body), &arena, &request));
	out = request.keys[0].key;
	arena_clear(&arena);
	buf_clear(&body);
	return out;
}

static bool one_agreement(const struct wrapped *a, const struct wrapped *b)
{
	return memcmp(a->enc, b->enc, sizeof(a->enc)) == 0;
}

static void one_agreement_serves_writes_so_long_and_so_many(void **state)
{
	struct relay *r = *state;
	struct wrapped first, next;

	must(enrol(r));
	first = sealed_key(r);
	for (int i = 1; i < ENGINE_SENDER_KEYS; i++)
		next = sealed_key(r);
	assert_true(one_agreement(&first, &next));
	assert_memory_not_equal(first.ct, next.ct, sizeof(first.ct));
	next = sealed_key(r);
	assert_false(one_agreement(&first, &next));
	ahead_ms += ENGINE_SENDER_MS / 2;
	first = sealed_key(r);
	assert_true(one_agreement(&first, &next));
	ahead_ms += ENGINE_SENDER_MS / 2;
	next = sealed_key(r);
	assert_false(one_agreement(&first, &next));
}

static void another_key_of_the_guard_needs_another_agreement(void **state)
{
	struct relay *r = *state;
	struct replica_draft draft;
	struct wrapped before, after;
	struct crypto_key *guard;
	struct buf blob;

	must(enrol(r));
	before = sealed_key(r);
	must(crypto_key_generate(CRYPTO_P256, &guard));
	buf_init(&blob, REPLICA_BLOB_MAX);
	draft = r->e->replica->draft;
	draft.issue++;
	draft.guard_p256 = crypto_key_public(guard);
	must(replica_sign(r->root, &draft, &blob));
	must(engine_take_replica(r->e, buf_span(&blob)));
	after = sealed_key(r);
	assert_false(one_agreement(&before, &after));
	assert_true(key_id_eq(after.to, crypto_public_point_id(
						crypto_key_public(guard))));
	buf_clear(&blob);
	crypto_key_free(guard);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(enrolment_pins_what_the_token_names_and_survives),
		T(an_answer_without_the_secret_enrols_nothing),
		T(a_root_that_the_token_does_not_name_is_not_pinned),
		T(a_page_brings_documents_keys_and_titles),
		T(a_page_that_is_not_signed_changes_nothing),
		T(a_key_that_fails_its_commitment_is_no_key),
		T(a_manifest_that_its_author_did_not_sign_is_not_opened),
		T(forget_by_shelf_takes_head_key_and_content),
		T(a_write_waits_in_the_journal_until_the_relay_answers),
		T(an_upload_that_cannot_be_taken_now_is_kept),
		T(an_edit_of_one_segment_sends_one_segment),
		T(an_edit_of_no_segment_sends_the_table),
		T(a_parent_that_the_relay_has_not_makes_it_whole),
		T(an_upload_goes_on_as_it_was_begun),
		T(a_busy_relay_is_asked_again_a_few_times),
		T(one_agreement_serves_writes_so_long_and_so_many),
		T(another_key_of_the_guard_needs_another_agreement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
