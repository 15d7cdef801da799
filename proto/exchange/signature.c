/* HTTP Message Signatures of requests, in one form. */
#include "proto/base/base64.h"
#include "proto/exchange/signature.h"

enum {
	FIELD_MAX = 1024,
	SIG_BASE64_LEN = 88,
	AUTHORITY_MAX = 255 + 6,
};

#define LABEL "sig1="

void signature_fields_init(struct signature_fields *f)
{
	buf_init(&f->input, FIELD_MAX);
	buf_init(&f->signature, FIELD_MAX);
	buf_init(&f->digest, FIELD_MAX);
}

void signature_fields_clear(struct signature_fields *f)
{
	buf_clear(&f->input);
	buf_clear(&f->signature);
	buf_clear(&f->digest);
}

/* ---- the parameters ---- */

/* What a request makes us cover. */
struct cover {
	bool if_match, if_none_match;
};

/* RFC 9421 s.2.3, in the one order. */
static void put_params(const struct cover *cover, const struct signature *s,
		       struct buf *out)
{
	char key[DIGEST_TEXT_LEN + 1], nonce[NONCE_TEXT_LEN + 1];

	key_id_format(s->key, key);
	nonce_format(&s->nonce, nonce);
	buf_put_str(out, "(\"@method\" \"@authority\" \"@path\" \"@query\" "
			 "\"content-digest\"");
	if (cover->if_match)
		buf_put_str(out, " \"if-match\"");
	if (cover->if_none_match)
		buf_put_str(out, " \"if-none-match\"");
	buf_printf(out, ");created=%llu;keyid=\"%s\";nonce=\"%s\";tag=\"%s\"",
		   (unsigned long long)s->created, key, nonce, SIGNATURE_TAG);
}

static struct err cover_of(const struct http_request *r, struct cover *out)
{
	struct span value;
	struct err e =
		http_field_one(r->fields, "if-match", &value, &out->if_match);

	if (!failed(e))
		e = http_field_one(r->fields, "if-none-match", &value,
				   &out->if_none_match);
	return e;
}

/* ---- the base ---- */

/* Lower case, without the default port (RFC 9421 s.2.2.3). */
static void put_authority(struct span authority, struct buf *out)
{
	if (authority.len > 4 &&
	    span_eq_str(span_sub(authority, authority.len - 4, 4), ":443"))
		authority.len -= 4;
	for (size_t i = 0; i < authority.len; i++) {
		uint8_t c = authority.at[i];

		buf_put_u8(out, c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c);
	}
}

/* A value without blanks around it and without line ends (s.2.1). */
static struct err put_line(struct buf *out, const char *name, struct span value)
{
	while (value.len && (value.at[0] == ' ' || value.at[0] == '\t'))
		value = span_sub(value, 1, value.len);
	while (value.len && (value.at[value.len - 1] == ' ' ||
			     value.at[value.len - 1] == '\t'))
		value.len--;
	for (size_t i = 0; i < value.len; i++)
		if (value.at[i] < ' ' || value.at[i] >= 0x7f)
			return err_make(ERR_MALFORMED,
					"a letter that is not signed");
	buf_printf(out, "\"%s\": ", name);
	buf_put(out, value);
	buf_put_u8(out, '\n');
	return ERR_NONE;
}

static struct err put_field(struct buf *out, const struct http_request *r,
			    const char *name)
{
	struct span value;

	if (!http_field_get(r->fields, name, &value))
		return err_make(ERR_MALFORMED, "a signed field is missing");
	return put_line(out, name, value);
}

/* The base but for Content-Digest, which is handed in. */
static struct err put_base(const struct http_request *r,
			   const struct signature *s, struct span digest,
			   struct buf *out)
{
	struct buf text;
	struct cover cover;
	struct err e;

	buf_init(&text, SIGNATURE_BASE_MAX);
	e = cover_of(r, &cover);
	if (failed(e))
		goto out;
	if (r->method == HTTP_OTHER || !r->authority.len ||
	    r->authority.len > AUTHORITY_MAX) {
		e = err_make(ERR_MALFORMED, "a request that cannot be signed");
		goto out;
	}
	e = put_line(out, "@method", span_str(http_method_text(r->method)));
	put_authority(r->authority, &text);
	if (!failed(e))
		e = buf_check(&text);
	if (!failed(e))
		e = put_line(out, "@authority", buf_span(&text));
	if (!failed(e))
		e = put_line(out, "@path",
			     r->path.len ? r->path : span_str("/"));
	buf_reset(&text);
	buf_put_u8(&text, '?');
	buf_put(&text, r->query);
	if (!failed(e))
		e = buf_check(&text);
	if (!failed(e))
		e = put_line(out, "@query", buf_span(&text));
	if (!failed(e))
		e = put_line(out, "content-digest", digest);
	if (!failed(e) && cover.if_match)
		e = put_field(out, r, "if-match");
	if (!failed(e) && cover.if_none_match)
		e = put_field(out, r, "if-none-match");
	if (failed(e))
		goto out;
	buf_put_str(out, "\"@signature-params\": ");
	put_params(&cover, s, out);
	e = buf_check(out);
out:
	buf_clear(&text);
	return e;
}

struct err signature_base(const struct http_request *request,
			  const struct signature *signature, struct buf *out)
{
	struct span digest;

	if (!http_field_get(request->fields, "content-digest", &digest))
		return err_make(ERR_MALFORMED, "no Content-Digest");
	return put_base(request, signature, digest, out);
}

/* ---- sign ---- */

struct err signature_sign(const struct crypto_key *key,
			  const struct http_request *request,
			  const struct nonce *nonce, uint64_t created,
			  struct signature_fields *out)
{
	struct signature s = {.created = created, .nonce = *nonce};
	struct digest body;
	struct cover cover;
	struct buf base;
	struct err e;

	buf_init(&base, SIGNATURE_BASE_MAX);
	buf_reset(&out->input);
	buf_reset(&out->signature);
	buf_reset(&out->digest);
	e = err_make(ERR_UNSUPPORTED, "requests are signed with P-256");
	if (crypto_key_curve(key) != CRYPTO_P256)
		goto out;
	s.key = crypto_public_id(crypto_key_public(key));
	e = crypto_sha256(request->body, &body);
	if (!failed(e))
		e = cover_of(request, &cover);
	if (failed(e))
		goto out;
	http_digest_format(body, &out->digest);
	e = put_base(request, &s, buf_span(&out->digest), &base);
	if (!failed(e))
		e = crypto_sign(key, buf_span(&base), s.sig);
	if (failed(e))
		goto out;
	buf_put_str(&out->input, LABEL);
	put_params(&cover, &s, &out->input);
	buf_put_str(&out->signature, LABEL ":");
	base64_encode(SPAN_OBJ(s.sig), &out->signature);
	buf_put_str(&out->signature, ":");
	e = buf_check(&out->input);
	if (!failed(e))
		e = buf_check(&out->signature);
out:
	buf_clear(&base);
	return e;
}

/* ---- parse ---- */

bool signature_present(const struct http_request *request)
{
	return http_field_count(request->fields, "signature-input") ||
	       http_field_count(request->fields, "signature");
}

/* Drops `text` from the front of `rest`; false if it is not there. */
static bool skip(struct span *rest, const char *text)
{
	size_t len = strlen(text);

	if (!span_eq_str(span_sub(*rest, 0, len), text))
		return false;
	*rest = span_sub(*rest, len, rest->len);
	return true;
}

/* What stands before the next `mark`, dropped with it. */
static struct span take_until(struct span *rest, char mark)
{
	const uint8_t *end =
		rest->len ? memchr(rest->at, mark, rest->len) : NULL;
	struct span part;

	if (!end)
		return span_of(NULL, 0);
	part = span_sub(*rest, 0, (size_t)(end - rest->at));
	*rest = span_sub(*rest, part.len + 1, rest->len);
	return part;
}

/* The parameters; the caller compares the whole with the one form. */
static struct err read_params(struct span rest, struct signature *s)
{
	static const struct err other =
		{ERR_MALFORMED, "Signature-Input is not of the one form"};
	struct err e;

	take_until(&rest, ')');
	if (!skip(&rest, ";created="))
		return other;
	e = http_u64_parse(take_until(&rest, ';'), &s->created);
	if (failed(e))
		return e;
	if (!skip(&rest, "keyid=\""))
		return other;
	e = key_id_parse(take_until(&rest, '"'), &s->key);
	if (failed(e))
		return e;
	if (!skip(&rest, ";nonce=\""))
		return other;
	return nonce_parse(take_until(&rest, '"'), &s->nonce);
}

static struct err read_signature(struct span value, struct signature *s)
{
	struct buf bytes;
	struct err e =
		err_make(ERR_MALFORMED, "Signature is not of the one form");

	if (!skip(&value, LABEL ":") || value.len != SIG_BASE64_LEN + 1 ||
	    value.at[SIG_BASE64_LEN] != ':')
		return e;
	buf_init(&bytes, CRYPTO_SIG_P256_LEN + 2);
	if (!failed(base64_decode(span_sub(value, 0, SIG_BASE64_LEN),
				  &bytes)) &&
	    bytes.len == CRYPTO_SIG_P256_LEN) {
		memcpy(s->sig, bytes.at, CRYPTO_SIG_P256_LEN);
		e = ERR_NONE;
	} else if (bytes.starved) {
		e = buf_check(&bytes);
	}
	buf_clear(&bytes);
	return e;
}

struct err signature_parse(const struct http_request *request,
			   struct signature *out)
{
	struct span input, sig;
	struct signature s = {0};
	struct cover cover;
	struct buf form;
	struct err e;

	if (!signature_present(request))
		return err_make(ERR_UNAUTHENTICATED, "the request is unsigned");
	if (!http_field_get(request->fields, "signature-input", &input) ||
	    !http_field_get(request->fields, "signature", &sig))
		return err_make(ERR_MALFORMED,
				"Signature-Input and Signature come once each");
	buf_init(&form, FIELD_MAX);
	e = read_params(input, &s);
	if (!failed(e))
		e = read_signature(sig, &s);
	if (!failed(e))
		e = cover_of(request, &cover);
	if (failed(e))
		goto out;
	/* All that is required is covered, nothing else is, in one order: the
	 * field equals what we would have written for this request. */
	buf_put_str(&form, LABEL);
	put_params(&cover, &s, &form);
	e = buf_check(&form);
	if (!failed(e) && !span_eq(buf_span(&form), input))
		e = err_make(ERR_MALFORMED,
			     "Signature-Input is not of the one form");
	if (!failed(e))
		*out = s;
out:
	buf_clear(&form);
	return e;
}

/* ---- check ---- */

struct err signature_check(const struct crypto_public *key,
			   const struct http_request *request,
			   const struct signature *signature,
			   struct digest *base)
{
	struct digest of_base;
	struct span digest;
	struct buf b;
	struct err e;

	if (crypto_public_curve(key) != CRYPTO_P256)
		return err_make(ERR_UNSUPPORTED,
				"requests are signed with P-256");
	if (!key_id_eq(crypto_public_id(key), signature->key))
		return err_make(ERR_SIGNATURE, "signed by another key");
	if (!http_field_get(request->fields, "content-digest", &digest))
		return err_make(ERR_MALFORMED, "no Content-Digest");
	buf_init(&b, SIGNATURE_BASE_MAX);
	e = put_base(request, signature, digest, &b);
	if (!failed(e))
		e = buf_check(&b);
	if (!failed(e))
		e = crypto_verify(key, buf_span(&b), SPAN_OBJ(signature->sig));
	if (!failed(e))
		e = http_digest_check(digest, request->body);
	if (!failed(e))
		e = crypto_sha256(buf_span(&b), &of_base);
	if (!failed(e))
		*base = of_base;
	buf_clear(&b);
	return e;
}

struct err signature_created_check(const struct signature *signature,
				   uint64_t now_s, uint64_t skew_s)
{
	uint64_t created = signature->created;
	uint64_t off = created > now_s ? created - now_s : now_s - created;

	if (off > skew_s)
		return err_make(ERR_TIME, "signed at another time");
	return ERR_NONE;
}
