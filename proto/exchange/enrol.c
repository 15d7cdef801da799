/* A device's first contact, and the token that begins it. */
#include "proto/exchange/enrol.h"

#include "proto/base/base64.h"
#include "proto/crypto/certificate.h"
#include "proto/document/replica.h"
#include "proto/exchange/member.h"

void enrol_request_encode(const struct enrol_request *request, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	json_member_bytes(&w, "attestation", request->attestation);
	json_member_bytes(&w, "author", request->author);
	json_member_bytes(&w, "csr", request->csr);
	json_member_bytes(&w, "mac", SPAN_OBJ(request->mac));
	json_member_bytes(&w, "proof", SPAN_OBJ(request->proof));
	json_member_bytes(&w, "token", SPAN_OBJ(request->token));
	json_member_bytes(&w, "wrapping", request->wrapping);
	json_close_object(&w);
}

struct err enrol_request_decode(struct span body, struct arena *arena,
				struct enrol_request *out)
{
	static const char *const names[] = {"attestation", "author", "csr",
					    "mac",	   "proof",  "token",
					    "wrapping",	   NULL};
	struct enrol_request r = {0};
	struct json *json;
	struct err e = member_open(body, ENROL_BODY_MAX, names, &json);

	if (!failed(e))
		e = member_blob(json, "attestation", ENROL_ATTESTATION_MAX,
				arena, &r.attestation);
	if (!failed(e))
		e = member_blob(json, "author", CRYPTO_SPKI_MAX, arena,
				&r.author);
	if (!failed(e))
		e = member_blob(json, "csr", CERTIFICATE_MAX, arena, &r.csr);
	if (!failed(e))
		e = member_blob(json, "wrapping", CRYPTO_POINT_MAX, arena,
				&r.wrapping);
	if (!failed(e))
		e = json_get_fixed(json, "mac", r.mac, sizeof(r.mac));
	if (!failed(e))
		e = json_get_fixed(json, "proof", r.proof, sizeof(r.proof));
	if (!failed(e))
		e = json_get_fixed(json, "token", r.token, sizeof(r.token));
	if (!failed(e))
		*out = r;
	json_free(json);
	return e;
}

void enrol_answer_encode(const struct enrol_answer *answer, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	json_member_bytes(&w, "ca", answer->ca);
	json_member_bytes(&w, "certificate", answer->certificate);
	json_member_bytes(&w, "mac", SPAN_OBJ(answer->mac));
	json_member_bytes(&w, "replica", answer->replica);
	json_member_bytes(&w, "root", answer->root);
	json_member_string(&w, "subject", answer->subject);
	json_close_object(&w);
}

struct err enrol_answer_decode(struct span body, struct arena *arena,
			       struct enrol_answer *out)
{
	static const char *const names[] = {"ca",      "certificate", "mac",
					    "replica", "root",	      "subject",
					    NULL};
	struct enrol_answer a = {0};
	struct json *json;
	struct err e = member_open(body, ENROL_BODY_MAX, names, &json);

	if (!failed(e))
		e = member_blob(json, "ca", CERTIFICATE_MAX, arena, &a.ca);
	if (!failed(e))
		e = member_blob(json, "certificate", CERTIFICATE_MAX, arena,
				&a.certificate);
	if (!failed(e))
		e = member_blob(json, "replica", REPLICA_BLOB_MAX, arena,
				&a.replica);
	if (!failed(e))
		e = member_blob(json, "root", CRYPTO_SPKI_MAX, arena, &a.root);
	if (!failed(e))
		e = member_text(json, "subject", ENROL_SUBJECT_MAX, arena,
				&a.subject);
	if (!failed(e))
		e = json_get_fixed(json, "mac", a.mac, sizeof(a.mac));
	if (!failed(e))
		*out = a;
	json_free(json);
	return e;
}

/* ---- the token's text ---- */

static const char *const prefixes[] = {
	[ENROL_DEVICE] = "entente-device:",
	[ENROL_PEER] = "entente-peer:",
};

struct err enrol_endpoint_check(struct span endpoint)
{
	const uint8_t *s = endpoint.at;
	size_t colon = endpoint.len;
	unsigned port = 0;

	while (colon > 0 && s[colon - 1] != ':')
		colon--;
	if (endpoint.len > ENROL_ENDPOINT_MAX || colon < 2 ||
	    colon == endpoint.len || endpoint.len - colon > 5)
		return err_make(ERR_MALFORMED, "an endpoint is host:port");
	for (size_t i = colon; i < endpoint.len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return err_make(ERR_MALFORMED, "a port is a number");
		port = port * 10 + (s[i] - '0');
	}
	if (port == 0 || port > 65535 || s[colon] == '0')
		return err_make(ERR_MALFORMED, "a port is 1 to 65535");
	for (size_t i = 0; i + 1 < colon; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f || s[i] == '/' || s[i] == '@' ||
		    s[i] == '?' || s[i] == '#' || (s[i] == ':' && s[0] != '['))
			return err_make(ERR_MALFORMED, "no host in endpoint");
	return ERR_NONE;
}

void enrol_token_format(const struct enrol_token *token, struct buf *out)
{
	struct buf text;
	struct json_writer w;

	buf_init(&text, ENROL_TOKEN_TEXT_MAX);
	w = json_write(&text);
	json_open_object(&w);
	json_member_digest(&w, "ca", token->ca);
	json_member_str(&w, "endpoint", token->endpoint);
	json_member_bytes(&w, "id", SPAN_OBJ(token->id));
	json_member_nation(&w, "nation", token->nation);
	json_member_digest(&w, "root", token->root);
	json_member_bytes(&w, "secret", SPAN_OBJ(token->secret));
	json_close_object(&w);
	if (failed(buf_check(&text)))
		out->bad = true;
	buf_put_str(out, prefixes[token->kind]);
	base64url_encode(buf_span(&text), out);
	buf_wipe(&text);
}

/* The JSON of a token. */
static struct err read_token(struct span text, struct enrol_token *t)
{
	static const char *const names[] = {"ca",   "endpoint", "id", "nation",
					    "root", "secret",	NULL};
	struct span endpoint;
	struct json *json;
	struct err e = member_open(text, ENROL_TOKEN_TEXT_MAX, names, &json);

	if (!failed(e))
		e = json_get_digest(json, "ca", &t->ca);
	if (!failed(e))
		e = json_get_digest(json, "root", &t->root);
	if (!failed(e))
		e = json_get_nation(json, "nation", &t->nation);
	if (!failed(e))
		e = json_get_fixed(json, "id", t->id, sizeof(t->id));
	if (!failed(e))
		e = json_get_fixed(json, "secret", t->secret,
				   sizeof(t->secret));
	if (!failed(e))
		e = json_get_string(json, "endpoint", &endpoint);
	if (!failed(e))
		e = enrol_endpoint_check(endpoint);
	if (!failed(e)) {
		memcpy(t->endpoint, endpoint.at, endpoint.len);
		t->endpoint[endpoint.len] = 0;
	}
	json_free(json);
	return e;
}

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct err enrol_token_parse(struct span text, struct enrol_token *out)
{
	struct enrol_token t = {0};
	struct err e = err_make(ERR_MALFORMED, "this is no Entente token");
	struct buf json;

	buf_init(&json, ENROL_TOKEN_TEXT_MAX);
	while (text.len && blank(text.at[0]))
		text = span_sub(text, 1, text.len);
	while (text.len && blank(text.at[text.len - 1]))
		text.len--;
	for (int kind = ENROL_DEVICE; kind <= ENROL_PEER; kind++) {
		struct span prefix = span_str(prefixes[kind]);

		if (!span_eq(span_sub(text, 0, prefix.len), prefix))
			continue;
		t.kind = (enum enrol_token_kind)kind;
		e = base64url_decode(span_sub(text, prefix.len, text.len),
				     &json);
		if (!failed(e))
			e = buf_check(&json);
		if (!failed(e))
			e = read_token(buf_span(&json), &t);
	}
	if (!failed(e))
		*out = t;
	wipe(&t, sizeof(t));
	buf_wipe(&json);
	return e;
}
