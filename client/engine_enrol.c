/* First contact of a device: keys, request, answer, what is pinned. */
#include "client/engine_task.h"
#include "proto/crypto/certificate.h"
#include "proto/document/enrolment.h"

#include <stdio.h>
#include <stdlib.h>

/* T, from the token and the three keys. */
static struct err transcript(const struct enrol_token *token,
			     const struct identity *made, struct digest *out)
{
	struct enrolment e = {
		.nation = token->nation,
		.ca = token->ca,
		.root = token->root,
		.tls_spki = crypto_public_spki(crypto_key_public(made->tls)),
		.author_spki =
			crypto_public_spki(crypto_key_public(made->author)),
		.wrapping =
			crypto_public_point(crypto_key_public(made->wrapping)),
	};

	memcpy(e.token, token->id, sizeof(e.token));
	return enrolment_transcript(&e, out);
}

static struct err make_request(struct task *t, struct buf *body)
{
	struct enrol_request r = {
		.author = crypto_public_spki(crypto_key_public(t->made.author)),
		.wrapping = crypto_public_point(
			crypto_key_public(t->made.wrapping)),
	};
	struct enrolment_keys keys;
	struct digest digest;
	struct buf csr;
	struct err e;

	buf_init(&csr, CERTIFICATE_MAX);
	memcpy(r.token, t->token->id, sizeof(r.token));
	e = transcript(t->token, &t->made, &digest);
	if (!failed(e))
		e = certificate_make_request(t->made.tls,
					     span_str("entente device"), &csr);
	if (!failed(e))
		e = enrolment_keys_derive(t->token->secret, t->token->id,
					  &keys);
	if (!failed(e))
		e = enrolment_prove(t->made.author, digest, r.proof);
	if (!failed(e))
		e = enrolment_request_mac(&keys, digest, buf_span(&csr),
					  r.attestation, r.proof, r.mac);
	if (!failed(e)) {
		r.csr = buf_span(&csr);
		memcpy(t->request_mac, r.mac, sizeof(t->request_mac));
		enrol_request_encode(&r, body);
	}
	wipe(&keys, sizeof(keys));
	buf_clear(&csr);
	return e;
}

static void prepare(struct engine *e, struct task *t)
{
	struct err err = ERR_NONE;

	engine_call_begin(t, "POST");
	buf_put_str(&t->target, "/v1/enrol");
	engine_call_field(t, "content-type", span_str("application/json"));
	if (!t->made.tls)
		err = crypto_key_generate(CRYPTO_P256, &t->made.tls);
	if (!failed(err) && !t->made.author)
		err = crypto_key_generate(CRYPTO_P256, &t->made.author);
	if (!failed(err) && !t->made.wrapping)
		err = crypto_key_generate(CRYPTO_P256, &t->made.wrapping);
	if (!failed(err))
		err = make_request(t, &t->body);
	if (failed(err))
		engine_task_fail(e, t, err);
	else
		engine_call_ready(e, t, ENROL_BODY_MAX, false);
}

/* Everything that the answer must be, before anything is kept. */
static struct err check_answer(struct engine *e, struct task *t,
			       const struct enrol_answer *a,
			       struct crypto_public **root,
			       struct replica_certificate **replica)
{
	struct certificate_facts facts;
	struct enrolment_keys keys;
	uint8_t mac[ENROLMENT_MAC_LEN];
	struct digest digest;
	struct key_id id;
	struct err err =
		enrolment_keys_derive(t->token->secret, t->token->id, &keys);

	if (!failed(err))
		err = enrolment_answer_mac(&keys, t->request_mac,
					   a->certificate, a->replica, mac);
	wipe(&keys, sizeof(keys));
	if (!failed(err))
		err = enrolment_check_mac(mac, SPAN_OBJ(a->mac));
	/* The CA and the root are those of the token. */
	if (!failed(err))
		err = certificate_digest(a->ca, &digest);
	if (!failed(err) && !digest_eq(digest, t->token->ca))
		err = err_make(ERR_DIGEST, "the CA is not the token's");
	if (!failed(err))
		err = crypto_public_from_spki(a->root, root);
	if (failed(err))
		return err;
	id = crypto_public_id(*root);
	if (memcmp(id.at, t->token->root.at, DIGEST_LEN) != 0)
		return err_make(ERR_DIGEST, "the seal root is not the token's");
	err = replica_decode(a->replica, replica);
	if (!failed(err))
		err = replica_check(*replica, *root, t->token->nation, 0);
	if (!failed(err))
		err = certificate_check(a->certificate, a->ca,
					CERTIFICATE_CLIENT, clock_s(&e->clock));
	if (!failed(err))
		err = certificate_read(a->certificate, &t->arena, &facts);
	if (!failed(err) &&
	    !span_eq(facts.spki,
		     crypto_public_spki(crypto_key_public(t->made.tls))))
		err = err_make(ERR_UNAUTHENTICATED,
			       "the certificate is for another key");
	return err;
}

static struct err keep(struct engine *e, struct task *t,
		       const struct enrol_answer *a)
{
	struct identity *id = &t->made;
	struct err err;

	id->nation = t->token->nation;
	snprintf(id->endpoint, sizeof(id->endpoint), "%s", t->token->endpoint);
	snprintf(id->subject, sizeof(id->subject), "%.*s", (int)a->subject.len,
		 (const char *)a->subject.at);
	buf_put(&id->certificate, a->certificate);
	buf_put(&id->ca, a->ca);
	buf_put(&id->root, a->root);
	buf_put(&id->replica, a->replica);
	err = identity_save(e->folder, e->folder_key, &e->random, id);
	if (failed(err))
		return err;
	identity_clear(&e->identity);
	e->identity = *id;
	identity_init(id);
	e->enrolled = true;
	return ERR_NONE;
}

static void answer(struct engine *e, struct task *t,
		   const struct http_response *r)
{
	struct replica_certificate *replica = NULL;
	struct crypto_public *root = NULL;
	struct enrol_answer a;
	struct err err;

	if (r->status != 200 && r->status != 201) {
		engine_task_refused(e, t, r);
		return;
	}
	err = enrol_answer_decode(r->body, &t->arena, &a);
	if (!failed(err))
		err = check_answer(e, t, &a, &root, &replica);
	if (!failed(err))
		err = keep(e, t, &a);
	if (!failed(err)) {
		crypto_public_free(e->root);
		replica_free(e->replica);
		e->root = root;
		e->replica = replica;
		engine_task_done(e, t, (struct digest){0}, (struct dot){0});
		return;
	}
	crypto_public_free(root);
	replica_free(replica);
	engine_task_fail(e, t, err);
}

/* The token is the engine's, wiped with it: whoever drives still asks whom
 * to call. */
static void clear(struct task *t)
{
	identity_clear(&t->made);
}

static const struct task_kind enrol_kind = {prepare, answer, clear};

struct err engine_enrol(struct engine *e, struct span text, uint64_t *task)
{
	struct enrol_token token;
	struct task *t;
	struct err err;

	if (e->enrolled || e->enrolling)
		return err_make(ERR_EXISTS, "this folder is a device already");
	err = enrol_token_parse(text, &token);
	if (!failed(err) && token.kind != ENROL_DEVICE)
		err = err_make(ERR_MALFORMED,
			       "an invitation of a nation, not a device's "
			       "token");
	if (!failed(err))
		err = engine_task_new(e, &enrol_kind, &t);
	if (!failed(err)) {
		e->token = token;
		e->enrolling = true;
		t->token = &e->token;
		identity_init(&t->made);
		*task = t->id;
	}
	wipe(&token, sizeof(token));
	return err;
}
