/* What officers do, see, and may not do. */
#define _GNU_SOURCE /* memmem */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/base64.h"
#include "proto/base/json.h"
#include "proto/crypto/certificate.h"
#include "proto/exchange/signature.h"
#include "relay/guard/core/state.h"
#include "storage/officer.h"
#include "tests/guard/world.h"

enum { ALL = SUBJECT_WRITE | SUBJECT_LABEL | SUBJECT_DELETE | SUBJECT_RECALL };

/* An officer of one relay, with the nonce of the last answer. */
struct officer_at {
	struct world_relay *relay;
	struct buf certificate;
	struct crypto_key *key;
	char nonce[64];
};

struct story {
	struct world w;
	struct world_relay *gbr, *deu;
	struct officer_at operator, security, auditor, other;
	struct buf restricted, unclassified, deu_r, rel_gbr, open_label;
};

static void officer_new(struct world_relay *r, const char *role,
			struct officer_at *out)
{
	char path[512];
	struct buf pem;

	*out = (struct officer_at){.relay = r};
	snprintf(path, sizeof(path), "%s/operator/%s.pem", r->folder, role);
	world_file(path, &pem);
	buf_init(&out->certificate, CERTIFICATE_MAX);
	world_must(certificate_from_pem(buf_span(&pem), &out->certificate));
	buf_clear(&pem);
	snprintf(path, sizeof(path), "%s/operator/%s.key", r->folder, role);
	world_file(path, &pem);
	world_must(certificate_key_from_pem(buf_span(&pem), &out->key));
	buf_clear(&pem);
}

static void officer_clear(struct officer_at *o)
{
	buf_clear(&o->certificate);
	crypto_key_free(o->key);
}

static int begin(void **state)
{
	struct story *s = calloc(1, sizeof(*s));

	world_new(&s->w, 11);
	world_file("docs/policy/clearances/gbr-restricted.xml", &s->restricted);
	world_file("docs/policy/clearances/gbr-unclassified.xml",
		   &s->unclassified);
	world_file("docs/policy/clearances/deu-restricted.xml", &s->deu_r);
	world_file("docs/policy/labels/restricted-rel-gbr.xml", &s->rel_gbr);
	world_file("docs/policy/labels/unclassified.xml", &s->open_label);
	s->gbr = world_relay(&s->w, "GBR");
	officer_new(s->gbr, "operator", &s->operator);
	officer_new(s->gbr, "security-officer", &s->security);
	officer_new(s->gbr, "auditor", &s->auditor);
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct story *s = *state;

	officer_clear(&s->operator);
	officer_clear(&s->security);
	officer_clear(&s->auditor);
	if (s->deu)
		officer_clear(&s->other);
	world_free(&s->w);
	buf_clear(&s->restricted);
	buf_clear(&s->unclassified);
	buf_clear(&s->deu_r);
	buf_clear(&s->rel_gbr);
	buf_clear(&s->open_label);
	free(s);
	return 0;
}

/* ---- asking ---- */

struct signed_request {
	struct signature_fields made;
	struct core_field fields[3];
};

static void sign(struct story *s, const struct officer_at *o,
		 const char *method, const char *target, struct span body,
		 struct signed_request *out)
{
	struct http_request request = {
		.method = http_method_parse(span_str(method)),
		.authority = span_str(o->relay->endpoint),
		.body = body,
	};
	struct nonce nonce;

	world_must(nonce_parse(span_str(o->nonce), &nonce));
	world_must(http_target_split(span_str(target), &request.path,
				     &request.query));
	signature_fields_init(&out->made);
	world_must(signature_sign(o->key, &request, &nonce,
				  clock_s(&s->w.clock), &out->made));
	out->fields[0] = (struct core_field){span_str("signature-input"),
					     buf_span(&out->made.input)};
	out->fields[1] = (struct core_field){span_str("signature"),
					     buf_span(&out->made.signature)};
	out->fields[2] = (struct core_field){span_str("content-digest"),
					     buf_span(&out->made.digest)};
}

static int ask_with(struct story *s, struct officer_at *o, const char *method,
		    const char *target, struct span body,
		    const struct signed_request *with, struct world_answer *out)
{
	struct world_request q = {
		.listener = CORE_ADMIN,
		.certificate = buf_span(&o->certificate),
		.method = method,
		.target = target,
		.fields = with ? with->fields : NULL,
		.field_count = with ? 3 : 0,
		.body = body,
	};

	world_ask(&s->w, o->relay, &q, out);
	if (out->nonce[0])
		memcpy(o->nonce, out->nonce, sizeof(o->nonce));
	return out->status;
}

/* Signed where it changes anything: the first try asks for the nonce. */
static int ask(struct story *s, struct officer_at *o, const char *method,
	       const char *target, struct span body, struct world_answer *out)
{
	struct signed_request with;
	int status = ask_with(s, o, method, target, body, NULL, out);

	if (status != 401 || !o->nonce[0])
		return status;
	world_answer_clear(out);
	/* A nonce stands for minutes: what tells two equal requests apart is
	 * the second in which they were signed. */
	testclock_forward(&s->w.time, 1000);
	sign(s, o, method, target, body, &with);
	status = ask_with(s, o, method, target, body, &with, out);
	signature_fields_clear(&with.made);
	return status;
}

/* The same where the answer's body does not matter. */
static int just_ask(struct story *s, struct officer_at *o, const char *method,
		    const char *target, struct span body)
{
	struct world_answer answer;
	int status = ask(s, o, method, target, body, &answer);

	world_answer_clear(&answer);
	return status;
}

static struct json *get(struct story *s, struct officer_at *o,
			const char *target)
{
	struct world_answer answer;
	struct json *json = NULL;

	assert_int_equal(ask(s, o, "GET", target, span_str(""), &answer), 200);
	world_must(json_parse(buf_span(&answer.body), &json));
	world_answer_clear(&answer);
	return json;
}

/* True if the answer's body has that text. */
static bool says(const struct world_answer *answer, const char *text)
{
	return memmem(answer->body.at, answer->body.len, text, strlen(text)) !=
	       NULL;
}

static bool text_is(const struct json *object, const char *name,
		    const char *want)
{
	struct span text;

	world_must(json_get_string(object, name, &text));
	return span_eq_str(text, want);
}

static uint64_t number(const struct json *object, const char *name)
{
	uint64_t n = 0;

	world_must(json_get_u64(object, name, &n));
	return n;
}

static const struct json *row(const struct json *object, const char *name,
			      size_t i)
{
	const struct json *array;

	world_must(json_get_array(object, name, &array));
	return json_at(array, i);
}

static size_t rows(const struct json *object, const char *name)
{
	const struct json *array;

	world_must(json_get_array(object, name, &array));
	return json_count(array);
}

static void subject_body(struct span clearance, const char *spaces,
			 struct buf *out)
{
	buf_init(out, 1 << 20);
	buf_put_str(out, "{\"clearance\":\"");
	base64url_encode(clearance, out);
	buf_printf(out,
		   "\",\"rights\":[\"write\",\"label\",\"delete\","
		   "\"recall\"],\"spaces\":[%s]}",
		   spaces);
}

static void put_subject(struct story *s, const char *name,
			struct span clearance, const char *spaces)
{
	char target[128];
	struct buf body;

	snprintf(target, sizeof(target), "/admin/v1/subjects/%s", name);
	subject_body(clearance, spaces, &body);
	assert_int_equal(just_ask(s, &s->operator, "PUT", target,
				  buf_span(&body)),
			 204);
	buf_clear(&body);
}

/* A device by the token that the interface gives. */
static struct world_device *enrol(struct story *s, const char *subject)
{
	struct world_device *d = &s->w.devices[s->w.device_count++];
	struct engine_config config = {.folder = d->folder,
				       .clock = s->w.clock,
				       .random = s->w.random,
				       .no_sync = true};
	struct world_answer answer;
	struct json *json = NULL;
	struct span token;
	char body[128], folder[WORLD_PATH];
	uint64_t task;

	*d = (struct world_device){.home = s->gbr};
	memcpy(folder, s->w.folder, sizeof(folder));
	snprintf(d->folder, sizeof(d->folder), "%.90s/dev-%zu", folder,
		 s->w.device_count);
	snprintf(body, sizeof(body), "{\"subject\":\"%s\"}", subject);
	assert_int_equal(ask(s, &s->operator, "POST",
			     "/admin/v1/devices/invitations", span_str(body),
			     &answer),
			 201);
	world_must(json_parse(buf_span(&answer.body), &json));
	world_must(json_get_string(json, "token", &token));
	world_must(engine_open(&config, &d->engine));
	world_must(engine_enrol(d->engine, token, &task));
	world_must(world_drive(&s->w, d));
	json_free(json);
	world_answer_clear(&answer);
	return d;
}

static void change_device(struct story *s, struct officer_at *o,
			  const char *reader, const char *verb, int status)
{
	char target[160];

	snprintf(target, sizeof(target), "/admin/v1/devices/%s/%s", reader,
		 verb);
	assert_int_equal(just_ask(s, o, "POST", target, span_str("")), status);
}

/* The key id of the i-th device listed. */
static void device_at(struct story *s, size_t i, char out[64])
{
	struct json *json = get(s, &s->operator, "/admin/v1/devices");
	struct span text;

	world_must(json_get_string(row(json, "devices", i), "reader", &text));
	snprintf(out, 64, "%.*s", (int)text.len, (const char *)text.at);
	json_free(json);
}

/* ---- tests ---- */

static void status_says_who_asks_and_what_is_there(void **state)
{
	struct story *s = *state;
	struct json *json;
	const struct json *counts;

	put_subject(s, "alice", buf_span(&s->restricted), "\"GBR/ops\"");
	json = get(s, &s->auditor, "/admin/v1/status");
	assert_true(text_is(json, "nation", "GBR"));
	assert_true(text_is(json, "replica", "GBR.1"));
	assert_true(text_is(json, "role", "auditor"));
	assert_true(text_is(json, "ceiling", "RESTRICTED"));
	world_must(json_get_object(json, "counts", &counts));
	assert_int_equal(number(counts, "subjects"), 1);
	assert_int_equal(number(counts, "devices"), 0);
	json_free(json);
}

static void a_change_needs_a_signature_and_works_once(void **state)
{
	struct story *s = *state;
	const char *target = "/admin/v1/subjects/alice";
	struct world_answer answer;
	struct signed_request with;
	struct buf body;

	subject_body(buf_span(&s->restricted), "", &body);
	assert_int_equal(ask_with(s, &s->operator, "PUT", target,
				  buf_span(&body), NULL, &answer),
			 401);
	world_answer_clear(&answer);
	assert_int_equal(strlen(s->operator.nonce), NONCE_TEXT_LEN);
	sign(s, &s->operator, "PUT", target, buf_span(&body), &with);
	assert_int_equal(ask_with(s, &s->operator, "PUT", target,
				  buf_span(&body), &with, &answer),
			 204);
	assert_int_equal(strlen(answer.nonce), NONCE_TEXT_LEN);
	world_answer_clear(&answer);
	/* The same request again, as somebody who overheard it would. */
	assert_int_equal(ask_with(s, &s->operator, "PUT", target,
				  buf_span(&body), &with, &answer),
			 401);
	world_answer_clear(&answer);
	/* Another body under that signature. */
	assert_int_not_equal(ask_with(s, &s->operator, "PUT", target,
				      span_str("{}"), &with, &answer),
			     204);
	world_answer_clear(&answer);
	signature_fields_clear(&with.made);
	buf_clear(&body);
}

static void each_role_does_its_own(void **state)
{
	struct story *s = *state;
	static const struct {
		const char *method, *target;
		bool operator, security, auditor;
	} table[] = {
		{"GET", "/admin/v1/status", true, true, true},
		{"GET", "/admin/v1/subjects", true, true, false},
		{"PUT", "/admin/v1/subjects/a", true, false, false},
		{"DELETE", "/admin/v1/subjects/a", true, false, false},
		{"GET", "/admin/v1/spaces", true, true, false},
		{"PUT", "/admin/v1/spaces/GBR/ops", true, false, false},
		{"GET", "/admin/v1/devices", true, true, false},
		{"POST", "/admin/v1/devices/invitations", true, false, false},
		{"POST", "/admin/v1/devices/x/freeze", true, true, false},
		{"POST", "/admin/v1/devices/x/revoke", true, true, false},
		{"GET", "/admin/v1/peers", true, true, false},
		{"POST", "/admin/v1/peers/invitations", true, false, false},
		{"POST", "/admin/v1/peers/accept", true, false, false},
		{"POST", "/admin/v1/peers/FRA/suspend", true, true, false},
		{"POST", "/admin/v1/peers/FRA/resume", true, false, false},
		{"GET", "/admin/v1/quarantine", true, true, false},
		{"GET", "/admin/v1/documents", true, true, false},
		{"GET", "/admin/v1/policy", true, true, false},
		{"PUT", "/admin/v1/policy", false, true, false},
		{"GET", "/admin/v1/audit", false, true, true},
		{"GET", "/admin/v1/audit/verify", false, true, true},
		{"POST", "/admin/v1/explain", true, true, true},
		{"GET", "/admin/v1/references/x", true, true, true},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *m = table[i].method, *t = table[i].target;
		struct span none = span_str("");

		assert_int_equal(just_ask(s, &s->operator, m, t, none) == 403,
				 !table[i].operator);
		assert_int_equal(just_ask(s, &s->security, m, t, none) == 403,
				 !table[i].security);
		assert_int_equal(just_ask(s, &s->auditor, m, t, none) == 403,
				 !table[i].auditor);
	}
}

static void nobody_but_an_officer_is_answered(void **state)
{
	struct story *s = *state;
	struct world_request q = {.listener = CORE_ADMIN,
				  .certificate = buf_span(&s->gbr->certificate),
				  .method = "GET",
				  .target = "/admin/v1/status"};
	struct world_answer answer;

	world_ask(&s->w, s->gbr, &q, &answer);
	assert_int_equal(answer.status, 401);
	world_answer_clear(&answer);
	q.certificate = span_str("");
	world_ask(&s->w, s->gbr, &q, &answer);
	assert_int_equal(answer.status, 401);
	world_answer_clear(&answer);
	/* And no officer on the listener of devices. */
	q.listener = CORE_DEVICE;
	q.certificate = buf_span(&s->operator.certificate);
	world_ask(&s->w, s->gbr, &q, &answer);
	assert_int_equal(answer.status, 404);
	world_answer_clear(&answer);
}

static void what_is_wrong_with_a_clearance_is_told(void **state)
{
	struct story *s = *state;
	const char *target = "/admin/v1/subjects/alice";
	struct world_answer answer;
	struct buf body;

	subject_body(span_str("<Clearance/>"), "", &body);
	assert_int_equal(ask(s, &s->operator, "PUT", target, buf_span(&body),
			     &answer),
			 422);
	assert_true(says(&answer, "/problems/invalid-label") ||
		    says(&answer, "element"));
	world_answer_clear(&answer);
	buf_clear(&body);
	subject_body(buf_span(&s->restricted), "\"GBR\"", &body);
	assert_int_equal(just_ask(s, &s->operator, "PUT", target,
				  buf_span(&body)),
			 400);
	buf_clear(&body);
	assert_int_equal(just_ask(s, &s->operator, "PUT",
				  "/admin/v1/subjects/%ff%fe", span_str("{}")),
			 400);
}

static void strange_bodies_are_refused(void **state)
{
	struct story *s = *state;
	static const char *const bodies[] = {
		"",
		"{",
		"[]",
		"{}",
		"null",
		"\"x\"",
		"{\"x\":1}",
		"{\"subject\":\"../x\"}",
		"{\"subject\":\"nobody\"}",
		"{\"members\":[1]}",
		"{\"members\":{}}",
		"{\"members\":[\"nobody\"]}",
		"{\"files\":[]}",
		"{\"files\":[\"AAAA\"]}",
		"{\"files\":[1,2]}",
		"{\"files\":[\"!\"]}",
		"{\"document\":\"x\",\"reader\":\"GBR\"}",
		"{\"label\":\"AAAA\",\"space\":\"GBR/ops\","
		"\"clearance\":\"AAAA\"}",
		"{\"ceiling\":\"X\",\"clearance\":\"AAAA\",\"nation\":\"GBR\","
		"\"spaces\":[\"*\",\"*\"]}",
		"{\"ceiling\":\"X\",\"clearance\":\"AAAA\","
		"\"invitation\":\"entente-peer:AAAA\",\"spaces\":[\"*\"]}",
	};
	static const struct {
		const char *method, *target;
	} verbs[] = {
		{"PUT", "/admin/v1/subjects/a"},
		{"PUT", "/admin/v1/spaces/GBR/ops"},
		{"POST", "/admin/v1/devices/invitations"},
		{"POST", "/admin/v1/peers/invitations"},
		{"POST", "/admin/v1/peers/accept"},
		{"PUT", "/admin/v1/policy"},
		{"POST", "/admin/v1/explain"},
	};

	for (size_t v = 0; v < sizeof(verbs) / sizeof(verbs[0]); v++) {
		bool security =
			strcmp(verbs[v].target, "/admin/v1/policy") == 0;

		for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]);
		     i++) {
			int status =
				just_ask(s,
					 security ? &s->security : &s->operator,
					 verbs[v].method, verbs[v].target,
					 span_str(bodies[i]));

			if (status < 400 || status >= 500)
				fprintf(stderr, "%s %s: %d\n", verbs[v].target,
					bodies[i], status);
			assert_in_range(status, 400, 499);
		}
	}
}

static void a_subject_is_listed_changed_and_taken_away(void **state)
{
	struct story *s = *state;
	struct world_device *d;
	struct json *json;
	char reader[64];

	put_subject(s, "alice", buf_span(&s->unclassified), "\"GBR/ops\"");
	put_subject(s, "bob", buf_span(&s->restricted),
		    "\"GBR/ops\",\"GBR/air\",\"GBR/ops\"");
	json = get(s, &s->operator, "/admin/v1/subjects?limit=1");
	assert_int_equal(rows(json, "subjects"), 1);
	assert_true(text_is(json, "next", "alice"));
	json_free(json);
	json = get(s, &s->operator, "/admin/v1/subjects?after=alice");
	assert_int_equal(rows(json, "subjects"), 1);
	assert_true(text_is(row(json, "subjects", 0), "name", "bob"));
	assert_int_equal(rows(row(json, "subjects", 0), "spaces"), 2);
	assert_false(json_has(json, "next"));
	json_free(json);

	d = enrol(s, "alice");
	world_must(world_sync(&s->w, d));
	assert_int_equal(just_ask(s, &s->operator, "DELETE",
				  "/admin/v1/subjects/alice", span_str("")),
			 204);
	assert_int_equal(just_ask(s, &s->operator, "DELETE",
				  "/admin/v1/subjects/alice", span_str("")),
			 404);
	/* A later alice does not come into the device of the first. */
	put_subject(s, "alice", buf_span(&s->restricted), "\"GBR/ops\"");
	assert_true(failed(world_sync(&s->w, d)));
	device_at(s, 0, reader);
	change_device(s, &s->operator, reader, "resume", 412);
}

static void a_device_is_frozen_resumed_and_revoked_for_good(void **state)
{
	struct story *s = *state;
	struct world_device *d;
	struct json *json;
	char reader[64], target[128];

	put_subject(s, "alice", buf_span(&s->restricted), "\"GBR/ops\"");
	d = enrol(s, "alice");
	world_must(world_sync(&s->w, d));
	device_at(s, 0, reader);
	change_device(s, &s->security, reader, "freeze", 204);
	assert_true(failed(world_sync(&s->w, d)));
	change_device(s, &s->operator, reader, "resume", 204);
	world_must(world_sync(&s->w, d));
	change_device(s, &s->security, reader, "revoke", 204);
	change_device(s, &s->security, reader, "revoke", 204);
	change_device(s, &s->operator, reader, "resume", 412);
	change_device(s, &s->operator, reader, "freeze", 412);
	assert_true(failed(world_sync(&s->w, d)));
	snprintf(target, sizeof(target), "/admin/v1/devices/%s", reader);
	json = get(s, &s->security, target);
	assert_true(text_is(json, "state", "revoked"));
	json_free(json);
	change_device(s, &s->operator,
		      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "freeze",
		      404);
	change_device(s, &s->operator, "no-key", "freeze", 400);
}

static void a_space_is_the_subjects_that_name_it(void **state)
{
	struct story *s = *state;
	const char *air = "/admin/v1/spaces/GBR/air";
	struct json *json;

	put_subject(s, "alice", buf_span(&s->restricted), "\"GBR/ops\"");
	put_subject(s, "bob", buf_span(&s->restricted), "\"GBR/ops\"");
	assert_int_equal(just_ask(s, &s->operator, "PUT", air,
				  span_str("{\"members\":[\"alice\"]}")),
			 204);
	json = get(s, &s->operator, "/admin/v1/spaces");
	assert_int_equal(rows(json, "spaces"), 2);
	assert_true(text_is(row(json, "spaces", 0), "space", "GBR/air"));
	assert_int_equal(number(row(json, "spaces", 0), "count"), 1);
	assert_int_equal(number(row(json, "spaces", 1), "count"), 2);
	json_free(json);
	assert_int_equal(just_ask(s, &s->operator, "PUT", air,
				  span_str("{\"members\":[\"bob\"]}")),
			 204);
	json = get(s, &s->operator, "/admin/v1/subjects");
	assert_int_equal(rows(row(json, "subjects", 0), "spaces"), 1);
	assert_int_equal(rows(row(json, "subjects", 1), "spaces"), 2);
	json_free(json);
	json = get(s, &s->operator, "/admin/v1/spaces?limit=1");
	assert_true(text_is(json, "next", "GBR/air"));
	json_free(json);
	json = get(s, &s->operator, "/admin/v1/spaces?after=GBR%2Fair");
	assert_int_equal(rows(json, "spaces"), 1);
	json_free(json);
}

/* ---- peers ---- */

static void profile_body(struct span clearance, const char *member,
			 struct span value, struct buf *out)
{
	buf_init(out, 1 << 20);
	buf_put_str(out, "{\"ceiling\":\"RESTRICTED\",\"clearance\":\"");
	base64url_encode(clearance, out);
	buf_printf(out, "\",\"%s\":\"%.*s\",\"spaces\":[\"*\"]}", member,
		   (int)value.len, (const char *)value.at);
}

static void invite(struct story *s, int status, struct world_answer *answer)
{
	struct buf body;

	profile_body(buf_span(&s->deu_r), "nation", span_str("DEU"), &body);
	assert_int_equal(ask(s, &s->operator, "POST",
			     "/admin/v1/peers/invitations", buf_span(&body),
			     answer),
			 status);
	buf_clear(&body);
}

static int accept_at(struct story *s, struct officer_at *o,
		     struct span invitation)
{
	struct buf body;
	int status;

	profile_body(buf_span(&s->restricted), "invitation", invitation, &body);
	status = just_ask(s, o, "POST", "/admin/v1/peers/accept",
			  buf_span(&body));
	buf_clear(&body);
	return status;
}

static void a_peering_is_made_with_one_command_on_each_side(void **state)
{
	struct story *s = *state;
	struct world_answer answer;
	struct json *json = NULL, *list;
	struct span invitation;

	s->deu = world_relay(&s->w, "DEU");
	officer_new(s->deu, "operator", &s->other);
	invite(s, 201, &answer);
	world_must(json_parse(buf_span(&answer.body), &json));
	world_must(json_get_string(json, "invitation", &invitation));
	list = get(s, &s->operator, "/admin/v1/peers");
	assert_int_equal(rows(list, "peers"), 0);
	assert_true(text_is(row(list, "pending", 0), "state", "invited"));
	json_free(list);
	/* Not our own. */
	assert_int_equal(accept_at(s, &s->operator, invitation), 400);
	assert_int_equal(accept_at(s, &s->other, invitation), 202);
	world_pump(&s->w);
	list = get(s, &s->operator, "/admin/v1/peers");
	assert_int_equal(rows(list, "peers"), 1);
	assert_int_equal(rows(list, "pending"), 0);
	assert_true(text_is(row(list, "peers", 0), "nation", "DEU"));
	assert_true(text_is(row(list, "peers", 0), "state", "active"));
	assert_in_range(number(row(list, "peers", 0), "lag"), 0, 60);
	json_free(list);
	list = get(s, &s->other, "/admin/v1/peers");
	assert_true(text_is(row(list, "peers", 0), "nation", "GBR"));
	json_free(list);
	json_free(json);
	world_answer_clear(&answer);

	/* Suspending takes open invitations along. */
	invite(s, 201, &answer);
	world_answer_clear(&answer);
	assert_int_equal(just_ask(s, &s->security, "POST",
				  "/admin/v1/peers/DEU/suspend", span_str("")),
			 204);
	list = get(s, &s->operator, "/admin/v1/peers");
	assert_true(text_is(row(list, "peers", 0), "state", "suspended"));
	assert_int_equal(rows(list, "pending"), 0);
	json_free(list);
	assert_int_equal(just_ask(s, &s->operator, "POST",
				  "/admin/v1/peers/DEU/resume", span_str("")),
			 204);
	list = get(s, &s->operator, "/admin/v1/peers");
	assert_true(text_is(row(list, "peers", 0), "state", "active"));
	json_free(list);
	assert_int_equal(just_ask(s, &s->operator, "POST",
				  "/admin/v1/peers/FRA/suspend", span_str("")),
			 404);
}

/* ---- documents, explain, references, audit ---- */

static void put_document(struct story *s, struct world_device *d,
			 struct span label, struct doc_id *id, char text[37])
{
	world_must(world_put(&s->w, d, "GBR/ops", label, "title of a plan",
			     span_str("the plan"), id));
	doc_id_format(*id, text);
}

static void documents_are_listed_without_content(void **state)
{
	struct story *s = *state;
	struct world_answer answer;
	struct world_device *d;
	struct doc_id first, second;
	char one[37], two[37], target[128];
	struct json *json;

	put_subject(s, "alice", buf_span(&s->restricted), "\"GBR/ops\"");
	d = enrol(s, "alice");
	put_document(s, d, buf_span(&s->rel_gbr), &first, one);
	put_document(s, d, buf_span(&s->open_label), &second, two);
	assert_int_equal(ask(s, &s->operator, "GET", "/admin/v1/documents",
			     span_str(""), &answer),
			 200);
	assert_true(says(&answer, one));
	assert_true(says(&answer, two));
	assert_false(says(&answer, "title"));
	world_answer_clear(&answer);
	json = get(s, &s->operator, "/admin/v1/documents?limit=1");
	assert_int_equal(rows(json, "documents"), 1);
	assert_true(json_has(json, "next"));
	json_free(json);
	snprintf(target, sizeof(target), "/admin/v1/documents/%s", one);
	json = get(s, &s->security, target);
	assert_true(text_is(json, "state", "live"));
	assert_true(text_is(json, "space", "GBR/ops"));
	assert_int_equal(rows(json, "heads"), 1);
	assert_true(text_is(row(json, "heads", 0), "dot", "GBR.1:1"));
	assert_int_equal(rows(row(json, "heads", 0), "labels"), 1);
	json_free(json);
}

static void explain_body(const char *document, struct span label,
			 const char *reader, struct span clearance,
			 struct buf *out)
{
	buf_init(out, 1 << 18);
	if (document) {
		buf_printf(out, "{\"document\":\"%s\"", document);
	} else {
		buf_put_str(out, "{\"space\":\"GBR/ops\",\"label\":\"");
		base64url_encode(label, out);
		buf_put_str(out, "\"");
	}
	if (reader) {
		buf_printf(out, ",\"reader\":\"%s\"}", reader);
	} else {
		buf_put_str(out, ",\"clearance\":\"");
		base64url_encode(clearance, out);
		buf_put_str(out, "\"}");
	}
}

/* Released, and the rule. */
static bool why(struct story *s, const char *document, struct span label,
		const char *reader, struct span clearance, const char *rule)
{
	struct world_answer answer;
	struct json *json = NULL;
	struct buf body;
	bool released = false;

	explain_body(document, label, reader, clearance, &body);
	assert_int_equal(ask(s, &s->auditor, "POST", "/admin/v1/explain",
			     buf_span(&body), &answer),
			 200);
	world_must(json_parse(buf_span(&answer.body), &json));
	world_must(json_get_bool(json, "released", &released));
	if (!text_is(json, "rule", rule))
		fprintf(stderr, "%.*s\n", (int)answer.body.len,
			(const char *)answer.body.at);
	assert_true(text_is(json, "rule", rule));
	json_free(json);
	buf_clear(&body);
	world_answer_clear(&answer);
	return released;
}

static void explain_names_the_rule_that_decided(void **state)
{
	struct story *s = *state;
	struct span none = span_str("");
	struct world_device *d;
	struct doc_id id;
	char doc[37], reader[64];

	put_subject(s, "alice", buf_span(&s->restricted), "\"GBR/ops\"");
	d = enrol(s, "alice");
	put_document(s, d, buf_span(&s->rel_gbr), &id, doc);
	device_at(s, 0, reader);
	assert_true(why(s, doc, none, reader, none, "released"));
	assert_true(
		why(s, doc, none, NULL, buf_span(&s->restricted), "released"));
	assert_false(why(s, doc, none, NULL, buf_span(&s->unclassified),
			 "classification"));
	assert_true(why(s, NULL, buf_span(&s->open_label), NULL,
			buf_span(&s->unclassified), "released"));
	put_subject(s, "alice", buf_span(&s->restricted), "\"GBR/air\"");
	assert_false(why(s, doc, none, reader, none, "space"));
	change_device(s, &s->security, reader, "freeze", 204);
	assert_false(why(s, doc, none, reader, none, "device:frozen"));
}

static void a_reference_is_opened_by_operators_alone(void **state)
{
	struct story *s = *state;
	const char *absent = "01900000-0000-7000-8000-000000000000";
	struct world_request q = {.listener = CORE_DEVICE, .method = "GET"};
	struct world_answer answer;
	struct world_device *d;
	struct json *problem = NULL, *json;
	struct span reference;
	char target[512], reader[64];

	put_subject(s, "alice", buf_span(&s->restricted), "\"GBR/ops\"");
	d = enrol(s, "alice");
	device_at(s, 0, reader);
	snprintf(target, sizeof(target), "/v1/documents/%s", absent);
	q.target = target;
	q.certificate = engine_trust(d->engine).certificate;
	world_ask(&s->w, s->gbr, &q, &answer);
	assert_int_equal(answer.status, 404);
	world_must(json_parse(buf_span(&answer.body), &problem));
	world_must(json_get_string(problem, "reference", &reference));
	snprintf(target, sizeof(target), "/admin/v1/references/%.*s",
		 (int)reference.len, (const char *)reference.at);
	json = get(s, &s->auditor, target);
	assert_true(text_is(json, "document", absent));
	assert_true(text_is(json, "kind", "device"));
	assert_true(text_is(json, "reader", reader));
	assert_true(text_is(json, "outcome", "not-found"));
	json_free(json);
	/* One letter off. */
	target[30] = target[30] == 'A' ? 'B' : 'A';
	assert_int_equal(just_ask(s, &s->operator, "GET", target, span_str("")),
			 404);
	assert_int_equal(just_ask(s, &s->operator, "GET",
				  "/admin/v1/references/AAAA", span_str("")),
			 400);
	json_free(problem);
	world_answer_clear(&answer);
}

/* To the device they are one, to operators two. */
static void not_released_and_not_found_are_told_apart_for_officers(void **state)
{
	struct story *s = *state;
	struct world_request q = {.listener = CORE_DEVICE, .method = "GET"};
	struct world_answer answer;
	struct world_device *alice, *bob;
	struct json *problem = NULL, *json;
	struct span reference;
	struct doc_id id;
	char doc[37], target[512];

	put_subject(s, "alice", buf_span(&s->restricted), "\"GBR/ops\"");
	put_subject(s, "bob", buf_span(&s->unclassified), "\"GBR/ops\"");
	alice = enrol(s, "alice");
	bob = enrol(s, "bob");
	put_document(s, alice, buf_span(&s->rel_gbr), &id, doc);
	snprintf(target, sizeof(target), "/v1/documents/%s", doc);
	q.target = target;
	q.certificate = engine_trust(bob->engine).certificate;
	world_ask(&s->w, s->gbr, &q, &answer);
	assert_int_equal(answer.status, 404);
	assert_false(says(&answer, "releas"));
	world_must(json_parse(buf_span(&answer.body), &problem));
	world_must(json_get_string(problem, "reference", &reference));
	snprintf(target, sizeof(target), "/admin/v1/references/%.*s",
		 (int)reference.len, (const char *)reference.at);
	json = get(s, &s->operator, target);
	assert_true(text_is(json, "document", doc));
	assert_true(text_is(json, "outcome", "not-releasable"));
	json_free(json);
	json_free(problem);
	world_answer_clear(&answer);
	/* Refusals reach the record with the next commit. */
	put_subject(s, "carol", buf_span(&s->restricted), "");
	assert_int_equal(ask(s, &s->auditor, "GET", "/admin/v1/audit?refused=1",
			     span_str(""), &answer),
			 200);
	assert_true(says(&answer, "\"outcome\":\"not-releasable\""));
	world_answer_clear(&answer);
}

static void every_change_is_on_the_record_without_secrets(void **state)
{
	struct story *s = *state;
	struct world_answer answer;
	struct world_device *d;
	struct json *json;
	struct doc_id id;
	char doc[37], target[160], reader[64];
	uint64_t next;

	put_subject(s, "alice", buf_span(&s->restricted), "\"GBR/ops\"");
	d = enrol(s, "alice");
	put_document(s, d, buf_span(&s->rel_gbr), &id, doc);
	assert_int_equal(ask(s, &s->auditor, "GET",
			     "/admin/v1/audit?what=admin.", span_str(""),
			     &answer),
			 200);
	assert_true(says(&answer, "admin.subject.put"));
	assert_true(says(&answer, "admin.device.invite"));
	assert_true(says(&answer, "\"kind\":\"officer\""));
	assert_true(says(&answer, "\"proof\":"));
	assert_false(says(&answer, "entente-device:"));
	world_answer_clear(&answer);
	snprintf(target, sizeof(target), "/admin/v1/audit?document=%s", doc);
	json = get(s, &s->auditor, target);
	assert_true(rows(json, "records") >= 1);
	assert_true(text_is(row(json, "records", 0), "kind", "device"));
	json_free(json);
	/* Newest first, page by page. */
	json = get(s, &s->auditor, "/admin/v1/audit?limit=2");
	assert_int_equal(rows(json, "records"), 2);
	assert_true(number(row(json, "records", 0), "number") >
		    number(row(json, "records", 1), "number"));
	next = number(json, "next");
	json_free(json);
	snprintf(target, sizeof(target), "/admin/v1/audit?before=%llu",
		 (unsigned long long)next);
	json = get(s, &s->auditor, target);
	assert_int_equal(number(row(json, "records", 0), "number"), next - 1);
	assert_false(json_has(json, "next"));
	json_free(json);
	json = get(s, &s->auditor, "/admin/v1/audit?rule=relea&what=document.");
	assert_int_equal(rows(json, "records"), 1);
	json_free(json);
	device_at(s, 0, reader);
	snprintf(target, sizeof(target), "/admin/v1/audit?reader=%s", reader);
	json = get(s, &s->auditor, target);
	assert_true(text_is(row(json, "records", 0), "reader", reader));
	json_free(json);
	json = get(s, &s->auditor, "/admin/v1/audit?rule=no-such-rule");
	assert_int_equal(rows(json, "records"), 0);
	json_free(json);
	/* The refusals of this very test: the nonces were asked for. */
	json = get(s, &s->security, "/admin/v1/audit?reader=FRA&refused=1");
	assert_int_equal(rows(json, "records"), 0);
	json_free(json);
	json = get(s, &s->auditor, "/admin/v1/audit/verify");
	assert_true(text_is(json, "fault", "sound"));
	json_free(json);
	assert_int_equal(just_ask(s, &s->auditor, "GET",
				  "/admin/v1/audit?reader=x", span_str("")),
			 400);
	assert_int_equal(just_ask(s, &s->auditor, "GET",
				  "/admin/v1/audit?colour=red", span_str("")),
			 400);
}

/* ---- policy ---- */

static void policy_body(struct span file, struct buf *out)
{
	buf_init(out, 8 << 20);
	buf_put_str(out, "{\"files\":[\"");
	base64url_encode(file, out);
	buf_put_str(out, "\"]}");
}

static void a_new_policy_is_in_force_at_once_and_after_a_restart(void **state)
{
	struct story *s = *state;
	struct world_answer answer;
	struct world_device *d;
	struct json *before, *json;
	struct digest old, now;
	struct doc_id id;
	struct buf file, body;
	char doc[37];

	put_subject(s, "alice", buf_span(&s->restricted), "\"GBR/ops\"");
	d = enrol(s, "alice");
	put_document(s, d, buf_span(&s->rel_gbr), &id, doc);
	before = get(s, &s->operator, "/admin/v1/policy");
	assert_int_equal(number(before, "number"), 1);
	assert_int_equal(rows(before, "files"), 2);
	world_must(json_get_digest(before, "digest", &old));
	world_file("docs/policy/alliance.spif.xml", &file);
	policy_body(buf_span(&file), &body);
	assert_int_equal(ask(s, &s->security, "PUT", "/admin/v1/policy",
			     buf_span(&body), &answer),
			 200);
	world_answer_clear(&answer);
	json = get(s, &s->operator, "/admin/v1/policy");
	assert_int_equal(number(json, "number"), 2);
	assert_int_equal(rows(json, "files"), 1);
	world_must(json_get_digest(json, "digest", &now));
	assert_false(digest_eq(old, now));
	json_free(json);
	json_free(before);
	world_must(world_sync(&s->w, d));
	put_document(s, d, buf_span(&s->open_label), &id, doc);
	world_close(&s->w, s->gbr);
	world_open(&s->w, s->gbr);
	json = get(s, &s->operator, "/admin/v1/policy");
	assert_int_equal(number(json, "number"), 2);
	json_free(json);
	buf_clear(&body);

	/* One that is broken changes nothing, and is told why. */
	policy_body(span_str("<SPIF/>"), &body);
	assert_int_equal(ask(s, &s->security, "PUT", "/admin/v1/policy",
			     buf_span(&body), &answer),
			 422);
	assert_true(says(&answer, "file 0"));
	world_answer_clear(&answer);
	json = get(s, &s->operator, "/admin/v1/policy");
	assert_int_equal(number(json, "number"), 2);
	json_free(json);
	buf_clear(&body);
	buf_clear(&file);
}

/* A record that nobody can read, in the document's place. */
static void spoil(struct story *s, struct doc_id id)
{
	struct batch batch;

	world_must(batch_begin(s->gbr->core, false, 0, &batch));
	world_must(txn_put(batch.txn, TABLE_DOCUMENTS, key_document(id),
			   span_str("spoilt")));
	world_must(batch_commit(&batch));
}

static void a_new_policy_reads_no_document(void **state)
{
	struct story *s = *state;
	struct world_device *d;
	struct doc_id id;
	struct buf file, body;
	char doc[37];

	put_subject(s, "alice", buf_span(&s->restricted), "\"GBR/ops\"");
	d = enrol(s, "alice");
	put_document(s, d, buf_span(&s->rel_gbr), &id, doc);
	spoil(s, id);
	world_file("docs/policy/alliance.spif.xml", &file);
	policy_body(buf_span(&file), &body);
	assert_int_equal(just_ask(s, &s->security, "PUT", "/admin/v1/policy",
				  buf_span(&body)),
			 200);
	/* Whoever reads it finds out: so the change did not. */
	assert_int_equal(world_sync(&s->w, d).code, ERR_CORRUPT);
	buf_clear(&body);
	buf_clear(&file);
}

#define story_test(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		story_test(status_says_who_asks_and_what_is_there),
		story_test(a_change_needs_a_signature_and_works_once),
		story_test(each_role_does_its_own),
		story_test(nobody_but_an_officer_is_answered),
		story_test(what_is_wrong_with_a_clearance_is_told),
		story_test(strange_bodies_are_refused),
		story_test(a_subject_is_listed_changed_and_taken_away),
		story_test(a_device_is_frozen_resumed_and_revoked_for_good),
		story_test(a_space_is_the_subjects_that_name_it),
		story_test(a_peering_is_made_with_one_command_on_each_side),
		story_test(documents_are_listed_without_content),
		story_test(explain_names_the_rule_that_decided),
		story_test(a_reference_is_opened_by_operators_alone),
		story_test(
			not_released_and_not_found_are_told_apart_for_officers),
		story_test(every_change_is_on_the_record_without_secrets),
		story_test(
			a_new_policy_is_in_force_at_once_and_after_a_restart),
		story_test(a_new_policy_reads_no_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
