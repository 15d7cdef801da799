/* Who is refused: certificates, nonces, signatures, enrolments, peers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/peer.h"
#include "storage/token.h"
#include "relay/guard/core/state.h"
#include "tests/guard/refusal.h"

static void refused(struct refusal_scene *s, struct forge *f,
		    const char *method, const char *target, struct span body,
		    enum err_code code)
{
	struct forge_request q = {.method = method,
				  .target = target,
				  .body = body};
	struct world_answer answer;

	forge_ask(f, &q, &answer);
	refusal_is(s, &answer, code);
}

static void refused_get(struct refusal_scene *s, struct forge *f,
			const char *target, enum err_code code)
{
	refused(s, f, "GET", target, span_str(""), code);
}

/* ---- certificates ---- */

static void a_bad_or_unknown_certificate_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct forge stranger = s->alice;
	struct buf cut;

	stranger.certificate = span_str("");
	refused_get(s, &stranger, "/v1/me", ERR_UNAUTHENTICATED);
	stranger.certificate = span_str("no certificate at all");
	refused_get(s, &stranger, "/v1/me", ERR_UNAUTHENTICATED);
	/* Of the same authority, and no device's. */
	stranger.certificate = buf_span(&s->gbr->officer);
	refused_get(s, &stranger, "/v1/me", ERR_UNAUTHENTICATED);
	stranger.certificate = buf_span(&s->gbr->certificate);
	refused_get(s, &stranger, "/v1/me", ERR_UNAUTHENTICATED);
	/* A device's, with one bit changed. */
	buf_init(&cut, 8192);
	buf_put(&cut, s->alice.certificate);
	cut.at[cut.len - 1] ^= 1;
	stranger.certificate = buf_span(&cut);
	refused_get(s, &stranger, "/v1/me", ERR_UNAUTHENTICATED);
	buf_clear(&cut);
}

static void a_certificate_that_has_expired_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_request q = {.method = "GET", .target = "/v1/me"};
	struct world_answer answer;

	testclock_forward(&s->w.time, UINT64_C(31) * 24 * 3600 * 1000);
	forge_ask(&s->alice, &q, &answer);
	s->w.time.now_ms -= UINT64_C(31) * 24 * 3600 * 1000;
	refusal_is(s, &answer, ERR_UNAUTHENTICATED);
}

static void each_listener_serves_its_own(void **state)
{
	struct refusal_scene *s = *state;
	struct forge f = s->alice;

	refused_get(s, &f, "/admin/v1/status", ERR_NOT_FOUND);
	refused_get(s, &f, "/v1/peer/certificates", ERR_NOT_FOUND);
	f.listener = CORE_PEER;
	refused_get(s, &f, "/v1/me", ERR_UNAUTHENTICATED);
	refused(s, &f, "PUT", "/v1/documents/x", span_str(""), ERR_METHOD);
	f.listener = CORE_ADMIN;
	refused_get(s, &f, "/admin/v1/status", ERR_UNAUTHENTICATED);
	refused_get(s, &f, "/v1/me", ERR_NOT_FOUND);
	f = s->officer;
	f.listener = CORE_DEVICE;
	refused_get(s, &f, "/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA",
		    ERR_UNAUTHENTICATED);
}

/* What the operator does to a device. */
static void change_device(struct refusal_scene *s, const struct forge *f,
			  const char *verb)
{
	char target[160], name[DIGEST_TEXT_LEN + 1];
	struct forge_request q = {.method = "POST", .target = target};
	struct world_answer answer;

	key_id_format(crypto_public_id(crypto_key_public(f->key)), name);
	snprintf(target, sizeof(target), "/admin/v1/devices/%s/%s", name, verb);
	assert_int_equal(forge_ask_signed(&s->officer, &q, &answer), 204);
	world_answer_clear(&answer);
}

static void a_revoked_device_is_refused_also_midway(void **state)
{
	struct refusal_scene *s = *state;
	char target[160] = "/v1/documents/";
	struct core_field field = {span_str("if-match"), span_str("")};
	struct core_request request = {.listener = CORE_DEVICE,
				       .certificate = s->walt.certificate,
				       .method = span_str("PUT"),
				       .authority = span_str(s->gbr->endpoint),
				       .target = span_str(target),
				       .fields = &field,
				       .field_count = 1};
	struct world_answer answer = {0};
	struct forge_revision r;
	struct job *job = NULL;
	struct buf body;

	forge_edit(&s->walt, &s->plan, span_str("late"), &r);
	forge_sign(&s->walt, &r);
	forge_body(&r, &body);
	doc_id_format(r.m.id, target + strlen(target));
	request.target = span_str(target);
	request.body = buf_span(&body);
	field.value = span_str(r.tag);
	/* Checked while he was a friend, written when he no longer is. */
	world_must(core_job_new(s->gbr->core, &request, &job));
	assert_int_equal(core_check(job), CORE_NEXT_WRITE);
	change_device(s, &s->walt, "freeze");
	core_write(s->gbr->core, &job, 1);
	answer.status = core_answer(job)->status;
	buf_init(&answer.body, 1 << 20);
	buf_put(&answer.body, core_answer(job)->body);
	job_free(job);
	refusal_is(s, &answer, ERR_REVOKED);
	refused_get(s, &s->walt, "/v1/me", ERR_REVOKED);
	change_device(s, &s->walt, "revoke");
	refused_get(s, &s->walt, "/v1/me", ERR_REVOKED);
	buf_clear(&body);
	forge_revision_clear(&r);
}

/* ---- signatures of requests ---- */

static int signed_as(struct forge *f, struct forge_request q, const char *nonce,
		     uint64_t created, struct span sent,
		     struct world_answer *out)
{
	struct signature_fields proof;

	forge_sign_request(f, &q, nonce, created, &proof);
	q.proof = &proof;
	q.body = sent;
	forge_ask(f, &q, out);
	signature_fields_clear(&proof);
	return out->status;
}

static void a_nonce_that_is_stale_or_foreign_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_request q = {.method = "POST",
				  .target = "/v1/keys",
				  .body = span_str("{\"keys\":[]}")};
	struct world_answer answer;
	char mine[64], theirs[64], changed[64];
	uint64_t now;

	/* Without a signature there is a nonce to be had. */
	forge_ask(&s->alice, &q, &answer);
	assert_int_equal(strlen(answer.nonce), NONCE_TEXT_LEN);
	refusal_is(s, &answer, ERR_UNAUTHENTICATED);
	forge_ask(&s->walt, &q, &answer);
	world_answer_clear(&answer);
	memcpy(mine, s->alice.nonce, sizeof(mine));
	memcpy(theirs, s->walt.nonce, sizeof(theirs));
	memcpy(changed, mine, sizeof(changed));
	changed[NONCE_TEXT_LEN / 2] =
		changed[NONCE_TEXT_LEN / 2] == 'A' ? 'B' : 'A';
	now = clock_s(&s->w.clock);
	signed_as(&s->alice, q, theirs, now, q.body, &answer);
	assert_int_equal(strlen(answer.nonce), NONCE_TEXT_LEN);
	refusal_is(s, &answer, ERR_NONCE);
	signed_as(&s->alice, q, changed, now, q.body, &answer);
	refusal_is(s, &answer, ERR_NONCE);
	assert_int_equal(signed_as(&s->alice, q, mine, now, q.body, &answer),
			 200);
	world_answer_clear(&answer);
	testclock_forward(&s->w.time, 2 * NONCE_SLOT_S * 1000);
	now = clock_s(&s->w.clock);
	signed_as(&s->alice, q, mine, now, q.body, &answer);
	refusal_is(s, &answer, ERR_NONCE);
	/* The fresh one that the refusal brought serves. */
	assert_int_equal(signed_as(&s->alice, q, s->alice.nonce, now, q.body,
				   &answer),
			 200);
	world_answer_clear(&answer);
}

static void a_signature_of_another_time_body_or_hand_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_request q = {.method = "POST",
				  .target = "/v1/keys",
				  .body = span_str("{\"keys\":[]}")};
	struct forge other = s->alice;
	struct world_answer answer;
	uint64_t now = clock_s(&s->w.clock);

	forge_ask(&s->alice, &q, &answer);
	world_answer_clear(&answer);
	signed_as(&s->alice, q, s->alice.nonce, now - 601, q.body, &answer);
	refusal_is(s, &answer, ERR_TIME);
	signed_as(&s->alice, q, s->alice.nonce, now + 601, q.body, &answer);
	refusal_is(s, &answer, ERR_TIME);
	signed_as(&s->alice, q, s->alice.nonce, now, span_str("{}"), &answer);
	refusal_is(s, &answer, ERR_DIGEST);
	other.key = s->walt.key;
	signed_as(&other, q, s->alice.nonce, now, q.body, &answer);
	refusal_is(s, &answer, ERR_SIGNATURE);
	/* Of another path: the signature is over @path. */
	q.target = "/v1/keys?x=1";
	signed_as(&s->alice, q, s->alice.nonce, now, q.body, &answer);
	world_answer_clear(&answer);
}

static void a_change_by_an_officer_counts_once(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_request q = {
		.method = "POST",
		.target = "/admin/v1/devices/invitations",
		.body = span_str("{\"subject\":\"alice\"}"),
	};
	struct signature_fields proof;
	struct world_answer answer;

	forge_ask(&s->officer, &q, &answer);
	world_answer_clear(&answer);
	forge_sign_request(&s->officer, &q, s->officer.nonce,
			   clock_s(&s->w.clock), &proof);
	q.proof = &proof;
	assert_int_equal(forge_ask(&s->officer, &q, &answer), 201);
	world_answer_clear(&answer);
	forge_ask(&s->officer, &q, &answer);
	refusal_is(s, &answer, ERR_NONCE);
	signature_fields_clear(&proof);
}

/* ---- enrolment ---- */

struct keys {
	struct crypto_key *tls, *author, *wrapping;
};

static void keys_new(struct keys *k)
{
	world_must(crypto_key_generate(CRYPTO_P256, &k->tls));
	world_must(crypto_key_generate(CRYPTO_P256, &k->author));
	world_must(crypto_key_generate(CRYPTO_P256, &k->wrapping));
}

static void keys_free(struct keys *k)
{
	crypto_key_free(k->tls);
	crypto_key_free(k->author);
	crypto_key_free(k->wrapping);
}

enum { MAC_WRONG = 1, PROOF_WRONG, TOKEN_WRONG, CSR_WRONG };

static int enrol(struct refusal_scene *s, const struct enrol_token *token,
		 const struct keys *k, int fault, struct world_answer *out)
{
	struct forge nobody = s->alice;
	struct forge_request q = {.method = "POST", .target = "/v1/enrol"};
	struct enrol_request request;
	struct buf csr, body;

	nobody.certificate = span_str("");
	forge_enrolment(token, k->tls, k->author, k->wrapping, &request, &csr);
	if (fault == MAC_WRONG)
		request.mac[0] ^= 1;
	if (fault == PROOF_WRONG)
		request.proof[0] ^= 1;
	if (fault == TOKEN_WRONG)
		request.token[0] ^= 1;
	if (fault == CSR_WRONG)
		csr.at[csr.len - 1] ^= 1;
	buf_init(&body, ENROL_BODY_MAX);
	enrol_request_encode(&request, &body);
	q.body = buf_span(&body);
	forge_ask(&nobody, &q, out);
	buf_clear(&body);
	buf_clear(&csr);
	return out->status;
}

static void an_enrolment_with_a_wrong_proof_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	static const struct {
		int fault;
		enum err_code code;
	} rows[] = {{MAC_WRONG, ERR_SIGNATURE},
		    {PROOF_WRONG, ERR_SIGNATURE},
		    {TOKEN_WRONG, ERR_UNAUTHENTICATED},
		    {CSR_WRONG, ERR_SIGNATURE}};
	struct enrol_token token, other;
	struct world_answer answer;
	struct keys k;

	keys_new(&k);
	forge_token(&s->officer, "alice", &token);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enrol(s, &token, &k, rows[i].fault, &answer);
		refusal_is(s, &answer, rows[i].code);
	}
	/* Another secret, and facts of another relay. */
	other = token;
	other.secret[0] ^= 1;
	enrol(s, &other, &k, 0, &answer);
	refusal_is(s, &answer, ERR_SIGNATURE);
	other = token;
	other.root.at[0] ^= 1;
	enrol(s, &other, &k, 0, &answer);
	refusal_is(s, &answer, ERR_SIGNATURE);
	/* None of it used the token up; now it is. */
	assert_int_equal(enrol(s, &token, &k, 0, &answer), 200);
	world_answer_clear(&answer);
	keys_free(&k);
	keys_new(&k);
	enrol(s, &token, &k, 0, &answer);
	refusal_is(s, &answer, ERR_UNAUTHENTICATED);
	keys_free(&k);
}

static void a_key_is_registered_once_and_a_token_has_its_time(void **state)
{
	struct refusal_scene *s = *state;
	struct crypto_key **one[3], *fresh;
	struct enrol_token token;
	struct world_answer answer;
	struct keys k, next;

	keys_new(&k);
	forge_token(&s->officer, "alice", &token);
	assert_int_equal(enrol(s, &token, &k, 0, &answer), 200);
	world_answer_clear(&answer);
	keys_new(&next);
	forge_token(&s->officer, "walt", &token);
	one[0] = &next.tls;
	one[1] = &next.author;
	one[2] = &next.wrapping;
	for (int i = 0; i < 3; i++) {
		fresh = *one[i];
		*one[i] = i == 0 ? k.tls : i == 1 ? k.author : k.wrapping;
		enrol(s, &token, &next, 0, &answer);
		refusal_is(s, &answer, ERR_CONFLICT);
		*one[i] = fresh;
	}
	testclock_forward(&s->w.time, (TOKEN_LIFE_S + 10) * UINT64_C(1000));
	enrol(s, &token, &next, 0, &answer);
	refusal_is(s, &answer, ERR_UNAUTHENTICATED);
	keys_free(&k);
	keys_free(&next);
}

/* ---- peers ---- */

static void a_peer_that_is_unknown_or_suspended_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct world_relay *deu = world_relay(&s->w, "DEU");
	struct forge peer = {.w = &s->w,
			     .relay = s->gbr,
			     .random = &s->w.random,
			     .listener = CORE_PEER,
			     .certificate = buf_span(&deu->certificate)};
	struct forge_request q = {.method = "GET", .target = "/v1/me"};
	struct world_answer answer;
	struct peer record;
	struct arena arena;
	struct batch batch;
	struct buf profile;

	refused_get(s, &peer, "/v1/me", ERR_UNAUTHENTICATED);
	world_file("docs/policy/clearances/deu-restricted.xml", &profile);
	world_peer(&s->w, s->gbr, buf_span(&s->restricted), deu,
		   buf_span(&profile));
	assert_int_equal(forge_ask(&peer, &q, &answer), 200);
	world_answer_clear(&answer);
	/* Keys go to a peer against its own signature only. */
	refused(s, &peer, "POST", "/v1/keys", span_str("{\"keys\":[]}"),
		ERR_UNAUTHENTICATED);
	arena_init(&arena, 64 << 10);
	world_must(batch_begin(s->gbr->core, false, 0, &batch));
	world_must(peer_get(batch.txn, deu->nation, &arena, &record));
	record.state = PEER_SUSPENDED;
	world_must(peer_put(batch.txn, &record));
	world_must(batch_commit(&batch));
	refused_get(s, &peer, "/v1/me", ERR_REVOKED);
	/* One that names the nation and comes from elsewhere. */
	peer.certificate = buf_span(&s->gbr->certificate);
	refused_get(s, &peer, "/v1/me", ERR_UNAUTHENTICATED);
	arena_clear(&arena);
	buf_clear(&profile);
}

#define scene(f) cmocka_unit_test_setup_teardown(f, refusal_begin, refusal_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene(a_bad_or_unknown_certificate_is_refused),
		scene(a_certificate_that_has_expired_is_refused),
		scene(each_listener_serves_its_own),
		scene(a_revoked_device_is_refused_also_midway),
		scene(a_nonce_that_is_stale_or_foreign_is_refused),
		scene(a_signature_of_another_time_body_or_hand_is_refused),
		scene(a_change_by_an_officer_counts_once),
		scene(an_enrolment_with_a_wrong_proof_is_refused),
		scene(a_key_is_registered_once_and_a_token_has_its_time),
		scene(a_peer_that_is_unknown_or_suspended_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
