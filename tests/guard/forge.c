/* Requests made by hand. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/crypto/certificate.h"
#include "proto/crypto/sign.h"
#include "proto/document/enrolment.h"
#include "proto/exchange/me.h"
#include "proto/exchange/statements.h"
#include "relay/guard/core/state.h"
#include "tests/guard/forge.h"

/* {"alg":"ES256","typ":"entente-manifest-v1"} */
static const char manifest_header[] =
	"eyJhbGciOiJFUzI1NiIsInR5cCI6ImVudGVudGUtbWFuaWZlc3QtdjEifQ";

struct forge forge_device(struct world *w, const struct world_device *d)
{
	return (struct forge){
		.w = w,
		.relay = d->home,
		.random = &w->random,
		.listener = CORE_DEVICE,
		.certificate = engine_trust(d->engine).certificate,
		.key = engine_identity(d->engine)->author,
	};
}

struct forge forge_officer(struct world *w, struct world_relay *r)
{
	return (struct forge){
		.w = w,
		.relay = r,
		.random = &w->random,
		.listener = CORE_ADMIN,
		.certificate = buf_span(&r->officer),
		.key = r->officer_key,
	};
}

/* ---- requests ---- */

int forge_ask(struct forge *f, const struct forge_request *q,
	      struct world_answer *out)
{
	struct core_field fields[4];
	struct world_request request = {.listener = f->listener,
					.certificate = f->certificate,
					.method = q->method,
					.target = q->target,
					.fields = fields,
					.body = q->body};
	size_t n = 0;

	if (q->field.name.len)
		fields[n++] = q->field;
	if (q->proof) {
		fields[n++] = (struct core_field){span_str("signature-input"),
						  buf_span(&q->proof->input)};
		fields[n++] =
			(struct core_field){span_str("signature"),
					    buf_span(&q->proof->signature)};
		fields[n++] = (struct core_field){span_str("content-digest"),
						  buf_span(&q->proof->digest)};
	}
	request.field_count = n;
	world_ask(f->w, f->relay, &request, out);
	if (out->nonce[0])
		memcpy(f->nonce, out->nonce, sizeof(f->nonce));
	return out->status;
}

void forge_sign_request(struct forge *f, const struct forge_request *q,
			const char *nonce, uint64_t created,
			struct signature_fields *out)
{
	struct http_request request = {
		.method = http_method_parse(span_str(q->method)),
		.authority = span_str(f->listener == CORE_PEER
					      ? f->relay->peer_endpoint
					      : f->relay->endpoint),
		.body = q->body,
	};
	struct nonce parsed;

	world_must(nonce_parse(span_str(nonce), &parsed));
	world_must(http_target_split(span_str(q->target), &request.path,
				     &request.query));
	signature_fields_init(out);
	world_must(signature_sign(f->key, &request, &parsed, created, out));
}

static void fetch_nonce(struct forge *f, const struct forge_request *q)
{
	struct world_answer answer;

	forge_ask(f, q, &answer); /* 401, with one */
	world_answer_clear(&answer);
}

int forge_ask_signed(struct forge *f, struct forge_request *q,
		     struct world_answer *out)
{
	struct signature_fields proof;
	int status;

	if (!f->nonce[0])
		fetch_nonce(f, q);
	/* Equal requests differ in the second of their signature. */
	testclock_forward(&f->w->time, 1000);
	forge_sign_request(f, q, f->nonce, clock_s(&f->w->clock), &proof);
	q->proof = &proof;
	status = forge_ask(f, q, out);
	q->proof = NULL;
	signature_fields_clear(&proof);
	return status;
}

/* ---- revisions ---- */

const struct crypto_public *forge_guard(const struct forge *f)
{
	return crypto_key_public(f->relay->core->guard_p256);
}

static void seal_content(struct forge *f, struct span content,
			 struct forge_revision *r)
{
	struct manifest *m = &r->m;
	uint64_t count = segment_count(content.len);
	struct segment_entry *entries = calloc(count, sizeof(*entries));
	struct buf sealed;

	buf_init(&sealed, 64 << 20);
	buf_init(&r->blob, 64 << 20);
	m->size = content.len;
	m->suite = SEGMENT_SUITE;
	world_must(random_fill(f->random, r->content_key, CRYPTO_KEY_LEN));
	world_must(
		segment_keys_derive(r->content_key, m->id, &r->segment_keys));
	for (uint64_t i = 0; i < count; i++) {
		size_t from = sealed.len;
		uint8_t nonce[CRYPTO_NONCE_LEN];

		world_must(random_fill(f->random, nonce, sizeof(nonce)));
		world_must(segment_seal(&r->segment_keys, m->id, i,
					i + 1 == count, nonce,
					span_sub(content, i * SEGMENT_SIZE,
						 SEGMENT_SIZE),
					&sealed));
		world_must(crypto_sha256(span_sub(buf_span(&sealed), from,
						  sealed.len),
					 &entries[i].digest));
	}
	segment_table_encode(entries, count, &r->blob);
	world_must(segment_table_digest(buf_span(&r->blob), &m->table));
	buf_put(&r->blob, buf_span(&sealed));
	r->keys[0] = r->segment_keys.commitment;
	m->keys = r->keys;
	m->keys_count = 1;
	buf_clear(&sealed);
	free(entries);
}

static void begin(struct forge *f, struct forge_revision *r)
{
	*r = (struct forge_revision){0};
	buf_init(&r->jws, MANIFEST_JWS_MAX);
	r->m.author = crypto_public_id(crypto_key_public(f->key));
	r->m.serial = 1;
	r->m.time = clock_s(&f->w->clock);
}

/* What every revision has once its id is known. */
static void complete(struct forge *f, struct span content,
		     struct forge_revision *r)
{
	seal_content(f, content, r);
	forge_wrap(f, r, 0, forge_guard(f), r->keys[0]);
	r->with_content = content.len <= SEGMENT_SMALL_MAX;
}

void forge_first(struct forge *f, const char *space, struct span label,
		 struct span content, struct forge_revision *out)
{
	struct manifest *m = &out->m;

	begin(f, out);
	out->opening =
		(struct opening){.space = span_str(space), .author = m->author};
	world_must(random_fill(f->random, out->opening.salt, DOCID_SALT_LEN));
	memcpy(m->salt, out->opening.salt, DOCID_SALT_LEN);
	m->home = f->relay->nation;
	m->space = out->opening.space;
	m->statement = 1;
	world_must(docid_make(&out->opening, m->home, clock_ms(&f->w->clock),
			      &m->id));
	out->label = label;
	world_must(crypto_sha256(label, &m->label));
	out->with_label = true;
	out->precondition = "if-none-match";
	strcpy(out->tag, "*");
	complete(f, content, out);
}

void forge_edit(struct forge *f, const struct forge_revision *parent,
		struct span content, struct forge_revision *out)
{
	struct manifest *m = &out->m;

	begin(f, out);
	m->id = parent->m.id;
	m->home = parent->m.home;
	m->space = parent->m.space;
	m->label = parent->m.label;
	m->statement = parent->m.statement;
	m->serial = parent->m.serial + 1;
	out->parents[0] = parent->digest;
	m->parents = out->parents;
	m->parents_count = 1;
	out->opening = parent->opening;
	out->with_opening = true;
	out->label = parent->label;
	out->precondition = "if-match";
	http_etag_format(parent->digest, out->tag);
	complete(f, content, out);
}

void forge_revision_clear(struct forge_revision *r)
{
	buf_clear(&r->blob);
	buf_clear(&r->jws);
}

void forge_sign_payload(struct forge *f, struct forge_revision *r,
			struct span payload)
{
	buf_reset(&r->jws);
	world_must(sign_jws(f->key, manifest_header, payload, &r->jws));
	world_must(sign_jws_digest_of(manifest_header, payload, &r->digest));
}

void forge_sign(struct forge *f, struct forge_revision *r)
{
	struct buf payload;

	buf_init(&payload, MANIFEST_PAYLOAD_MAX);
	world_must(manifest_encode(&r->m, &payload));
	forge_sign_payload(f, r, buf_span(&payload));
	buf_clear(&payload);
}

void forge_wrap(struct forge *f, struct forge_revision *r, size_t i,
		const struct crypto_public *guard, struct digest commitment)
{
	struct wrapped_sender *sender = NULL;

	world_must(wrapped_sender_new(guard, f->random, &sender));
	r->wrapped[i].commitment = commitment;
	world_must(wrapped_make(sender, r->m.id, commitment, 0, r->content_key,
				&r->wrapped[i].key));
	wrapped_sender_free(sender);
	if (r->brought <= i)
		r->brought = i + 1;
}

void forge_body(const struct forge_revision *r, struct buf *out)
{
	struct write_request request = {
		.manifest = buf_span(&r->jws),
		.has_opening = r->with_opening,
		.opening = r->opening,
		.has_label = r->with_label,
		.label = r->label,
		.has_content = r->with_content,
		.content = buf_span(&r->blob),
		.keys = r->wrapped,
		.keys_count = r->brought,
	};

	buf_init(out, WRITE_BODY_MAX);
	world_must(write_request_encode(&request, out));
}

int forge_send(struct forge *f, const struct forge_revision *r,
	       struct world_answer *out)
{
	char target[128] = "/v1/documents/";
	struct forge_request q = {.method = "PUT", .target = target};
	struct buf body;

	doc_id_format(r->m.id, target + strlen(target));
	forge_body(r, &body);
	q.body = buf_span(&body);
	if (r->precondition)
		q.field = (struct core_field){span_str(r->precondition),
					      span_str(r->tag)};
	forge_ask(f, &q, out);
	buf_clear(&body);
	return out->status;
}

int forge_put(struct forge *f, struct forge_revision *r,
	      struct world_answer *out)
{
	forge_sign(f, r);
	return forge_send(f, r, out);
}

/* ---- statements ---- */

void forge_statement(struct forge *f, const struct forge_revision *r,
		     enum statement_kind kind, struct span label,
		     struct forge_statement *out)
{
	struct statement *s = &out->s;

	*out = (struct forge_statement){.opening = r->opening, .label = label};
	s->id = r->m.id;
	s->home = r->m.home;
	s->kind = kind;
	s->number = 2;
	s->author = crypto_public_id(crypto_key_public(f->key));
	s->time = clock_s(&f->w->clock);
	out->previous[0] = out->heads[0] = r->digest;
	s->previous = out->previous;
	s->previous_count = 1;
	if (kind == STATEMENT_LABEL) {
		s->heads = out->heads;
		s->heads_count = 1;
		out->with_label = true;
		world_must(crypto_sha256(label, &s->label));
	}
}

int forge_state(struct forge *f, struct forge_statement *s,
		struct world_answer *out)
{
	char target[160] = "/v1/documents/";
	struct forge_request q = {.method = "POST", .target = target};
	struct statements_request request = {.opening = s->opening,
					     .has_label = s->with_label,
					     .label = s->label};
	struct statement read;
	struct arena arena;
	struct buf jws, body;

	buf_init(&jws, STATEMENT_JWS_MAX);
	buf_init(&body, STATEMENTS_BODY_MAX);
	arena_init(&arena, 1 << 20);
	world_must(statement_sign(f->key, &s->s, &jws));
	world_must(statement_decode(buf_span(&jws), &arena, &read));
	s->digest = read.digest;
	request.statement = buf_span(&jws);
	world_must(statements_request_encode(&request, &body));
	doc_id_format(s->s.id, target + strlen(target));
	strcat(target, "/statements");
	q.body = buf_span(&body);
	forge_ask(f, &q, out);
	arena_clear(&arena);
	buf_clear(&jws);
	buf_clear(&body);
	return out->status;
}

/* ---- enrolment ---- */

void forge_token(struct forge *officer, const char *subject,
		 struct enrol_token *out)
{
	char body[128];
	struct forge_request q = {
		.method = "POST",
		.target = "/admin/v1/devices/invitations",
	};
	struct world_answer answer;
	struct json *json = NULL;
	struct span token;

	snprintf(body, sizeof(body), "{\"subject\":\"%s\"}", subject);
	q.body = span_str(body);
	if (forge_ask_signed(officer, &q, &answer) != 201)
		world_must(err_make(ERR_INTERNAL, "no token"));
	world_must(json_parse(buf_span(&answer.body), &json));
	world_must(json_get_string(json, "token", &token));
	world_must(enrol_token_parse(token, out));
	json_free(json);
	world_answer_clear(&answer);
}

void forge_enrolment(const struct enrol_token *token,
		     const struct crypto_key *tls,
		     const struct crypto_key *author,
		     const struct crypto_key *wrapping,
		     struct enrol_request *request, struct buf *csr)
{
	struct enrolment facts = {
		.nation = token->nation,
		.ca = token->ca,
		.root = token->root,
		.tls_spki = crypto_public_spki(crypto_key_public(tls)),
		.author_spki = crypto_public_spki(crypto_key_public(author)),
		.wrapping = crypto_public_point(crypto_key_public(wrapping)),
	};
	struct enrolment_keys keys;
	struct digest transcript;

	*request = (struct enrol_request){.author = facts.author_spki,
					  .wrapping = facts.wrapping};
	memcpy(facts.token, token->id, sizeof(facts.token));
	memcpy(request->token, token->id, sizeof(request->token));
	buf_init(csr, CERTIFICATE_MAX);
	world_must(certificate_make_request(tls, span_str("device"), csr));
	request->csr = buf_span(csr);
	world_must(enrolment_transcript(&facts, &transcript));
	world_must(enrolment_keys_derive(token->secret, token->id, &keys));
	world_must(enrolment_prove(author, transcript, request->proof));
	world_must(enrolment_request_mac(&keys, transcript, request->csr,
					 request->attestation, request->proof,
					 request->mac));
}
