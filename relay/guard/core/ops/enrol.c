/*
 * POST /v1/enrol: a device's first contact, by one-time token.
 *
 * The token's secret keys the MACs and never travels.  All three keys of the
 * device are bound in one transcript; a key is registered once, for ever.
 * What the platform attests is kept as it came, and judged by later versions.
 */
#include <stdio.h>

#include "proto/crypto/certificate.h"
#include "proto/document/author.h"
#include "proto/document/enrolment.h"
#include "proto/exchange/enrol.h"
#include "relay/guard/core/ops/ops.h"
#include "storage/author_store.h"
#include "storage/token.h"

enum { DEVICE_CERTIFICATE_S = 30 * 24 * 3600, BACKDATED_S = 300 };

struct enrol_state {
	struct enrol_request request;
	struct token token;
	struct enrolment_keys keys;
	struct crypto_public *author;
	struct span tls_spki;
	struct buf certificate;
	struct buf record; /* author record */
	uint64_t until;
};

static struct err derive(struct job *job, struct enrol_state *s)
{
	struct buf secret;
	struct err e;

	buf_init(&secret, ENROL_SECRET_LEN);
	e = ring_open_secret(job->core->ring, SPAN_OBJ(s->token.id),
			     s->token.secret, &secret);
	if (!failed(e) && secret.len != ENROL_SECRET_LEN)
		e = err_make(ERR_CORRUPT, "tokens: secret");
	if (!failed(e))
		e = enrolment_keys_derive(secret.at, s->token.id, &s->keys);
	buf_wipe(&secret);
	return e;
}

/* The request is whose token it names, and its keys are held by who asks. */
static struct err check_proofs(struct job *job, struct enrol_state *s)
{
	struct core *core = job->core;
	struct certificate_request csr;
	struct enrolment facts = {.nation = core->nation,
				  .author_spki = s->request.author,
				  .wrapping = s->request.wrapping};
	uint8_t mac[ENROLMENT_MAC_LEN];
	struct crypto_public *wrapping = NULL;
	struct digest transcript;
	struct err e =
		certificate_read_request(s->request.csr, &job->arena, &csr);

	if (failed(e))
		return e;
	s->tls_spki = facts.tls_spki = csr.spki;
	memcpy(facts.token, s->request.token, sizeof(facts.token));
	e = crypto_sha256(buf_span(&core->ca), &facts.ca);
	if (!failed(e))
		e = crypto_sha256(buf_span(&core->root), &facts.root);
	if (!failed(e))
		e = enrolment_transcript(&facts, &transcript);
	if (!failed(e))
		e = enrolment_request_mac(&s->keys, transcript, s->request.csr,
					  s->request.attestation,
					  s->request.proof, mac);
	if (!failed(e))
		e = enrolment_check_mac(mac, SPAN_OBJ(s->request.mac));
	if (!failed(e))
		e = crypto_public_from_spki(s->request.author, &s->author);
	if (!failed(e) && crypto_public_curve(s->author) != CRYPTO_P256)
		e = err_make(ERR_UNSUPPORTED, "an author key is P-256");
	if (!failed(e))
		e = crypto_public_from_point(s->request.wrapping, &wrapping);
	if (!failed(e) && crypto_public_curve(wrapping) != CRYPTO_P256)
		e = err_make(ERR_UNSUPPORTED, "a wrapping key is P-256");
	if (!failed(e))
		e = enrolment_check_proof(s->author, transcript,
					  SPAN_OBJ(s->request.proof));
	crypto_public_free(wrapping);
	job->proof = transcript;
	return e;
}

static struct err issue(struct job *job, struct enrol_state *s)
{
	struct core *core = job->core;
	uint64_t now = core_now_s(core);
	struct certificate_order order = {
		.purpose = CERTIFICATE_CLIENT,
		.organization = span_of(core->nation.code, NATION_LEN),
		.not_before = now - BACKDATED_S,
		.not_after = now + DEVICE_CERTIFICATE_S,
	};
	char name[DIGEST_TEXT_LEN + 1];
	struct err e;

	/* The device, not the person: its author key's id. */
	key_id_format(crypto_public_id(s->author), name);
	order.common_name = span_str(name);
	s->until = order.not_after;
	e = random_fill(&core->random, order.serial, sizeof(order.serial));
	if (!failed(e))
		e = certificate_issue(core->ca_key, buf_span(&core->ca),
				      s->tls_spki, &order, &s->certificate);
	if (!failed(e))
		e = author_sign(core->seal_key, core->replica, s->author, now,
				&s->record);
	return e;
}

static struct err read_token(struct job *job, struct enrol_state *s)
{
	struct txn *txn = NULL;
	struct err e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);

	if (!failed(e))
		e = token_get(txn, s->request.token, &job->arena, &s->token);
	txn_abort(&txn);
	if (e.code == ERR_NOT_FOUND ||
	    (!failed(e) && (s->token.kind != TOKEN_DEVICE ||
			    s->token.expires < core_now_s(job->core))))
		e = err_make(ERR_UNAUTHENTICATED,
			     "the token is unknown, used or too old");
	return e;
}

static struct err enrol_check(struct job *job)
{
	struct enrol_state *s = job_state(job, sizeof(*s));
	struct err e = arena_check(&job->arena);

	if (failed(e))
		return e;
	buf_init(&s->certificate, CERTIFICATE_MAX);
	buf_init(&s->record, AUTHOR_BLOB_MAX);
	e = enrol_request_decode(job->http.body, &job->arena, &s->request);
	if (!failed(e))
		e = read_token(job, s);
	if (!failed(e))
		e = derive(job, s);
	if (!failed(e))
		e = check_proofs(job, s);
	if (!failed(e))
		e = issue(job, s);
	job->writes = !failed(e);
	return e;
}

/* Still there: two devices with one token, and the first has it. */
static struct err enrol_confirm(struct job *job, struct batch *batch)
{
	struct enrol_state *s = job->state;
	struct digest keys[3];
	struct token token;
	struct subject subject;
	struct err e =
		token_get(batch->txn, s->request.token, &job->arena, &token);

	if (e.code == ERR_NOT_FOUND)
		return err_make(ERR_UNAUTHENTICATED, "the token was used");
	if (!failed(e))
		e = subject_get(batch->txn, token.subject, &job->arena,
				&subject);
	if (e.code == ERR_NOT_FOUND)
		return err_make(ERR_REVOKED, "the token's subject is gone");
	if (!failed(e))
		e = crypto_sha256(s->request.author, &keys[0]);
	if (!failed(e))
		e = crypto_sha256(s->tls_spki, &keys[1]);
	if (!failed(e))
		e = crypto_sha256(s->request.wrapping, &keys[2]);
	for (int i = 0; i < 3 && !failed(e); i++) {
		struct key_id id;
		bool known;

		memcpy(id.at, keys[i].at, DIGEST_LEN);
		e = txn_has(batch->txn, TABLE_DEVICES, key_device_key(id),
			    &known);
		if (!failed(e) && known)
			e = err_make(ERR_CONFLICT,
				     "a key of the device was registered "
				     "before: make new ones");
	}
	return e;
}

static struct err enrol_apply(struct job *job, struct batch *batch)
{
	struct enrol_state *s = job->state;
	struct device device = {
		.author = crypto_public_id(s->author),
		.author_spki = s->request.author,
		.wrapping = s->request.wrapping,
		.certificate_until = s->until,
		.subject = s->token.subject,
		.state = DEVICE_ACTIVE,
		.enrolled = batch->now_s,
		.changed = batch->now_s,
		.attestation = s->request.attestation,
	};
	struct digest tls;
	struct err e = crypto_sha256(s->tls_spki, &tls);

	memcpy(device.tls.at, tls.at, DIGEST_LEN);
	if (!failed(e))
		e = certificate_digest(buf_span(&s->certificate),
				       &device.certificate);
	if (!failed(e))
		e = device_add(batch->txn, &device);
	if (!failed(e))
		e = author_store_put(batch->txn, device.author,
				     buf_span(&s->record));
	if (!failed(e))
		e = token_del(batch->txn, s->token.id);
	snprintf(job->detail, sizeof(job->detail), "%.*s",
		 (int)s->token.subject.len, (const char *)s->token.subject.at);
	if (!failed(e))
		e = job_audit(job, batch, NULL, 0);
	job->detail[0] = 0;
	return e;
}

static struct err enrol_finish(struct job *job)
{
	struct enrol_state *s = job->state;
	struct core *core = job->core;
	struct enrol_answer answer = {
		.ca = buf_span(&core->ca),
		.certificate = buf_span(&s->certificate),
		.replica = buf_span(&core->certificate),
		.root = buf_span(&core->root),
		.subject = s->token.subject,
	};
	struct err e = enrolment_answer_mac(&s->keys, s->request.mac,
					    answer.certificate, answer.replica,
					    answer.mac);

	if (failed(e))
		return e;
	enrol_answer_encode(&answer, &job->body);
	answer_json(job, 200);
	return buf_check(&job->body);
}

static void enrol_clear(struct job *job)
{
	struct enrol_state *s = job->state;

	wipe(&s->keys, sizeof(s->keys));
	crypto_public_free(s->author);
	buf_clear(&s->certificate);
	buf_clear(&s->record);
}

const struct operation op_enrol = {
	.name = "device.enrol",
	.method = "POST",
	.path = "/v1/enrol",
	.listeners = 1u << CORE_DEVICE,
	.askers = ASKER_NOBODY,
	.check = enrol_check,
	.confirm = enrol_confirm,
	.apply = enrol_apply,
	.finish = enrol_finish,
	.clear = enrol_clear,
};
