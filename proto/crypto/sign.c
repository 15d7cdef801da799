/* Compact JWS with one fixed header (RFC 7515, ES256 of RFC 7518 s.3.4). */
#include "proto/base/base64.h"
#include "proto/crypto/sign.h"

enum { SIG_TEXT_LEN = 86 };

/* The key of ES256 is of P-256, and no other. */
static struct err check_curve(enum crypto_curve curve)
{
	if (curve != CRYPTO_P256)
		return err_make(ERR_UNSUPPORTED, "ES256 wants a P-256 key");
	return ERR_NONE;
}

struct err sign_jws_input(const char *header_b64, struct span payload,
			  struct buf *out)
{
	buf_put_str(out, header_b64);
	buf_put_u8(out, '.');
	base64url_encode(payload, out);
	return buf_check(out);
}

struct err sign_jws_join(const char *header_b64, struct span payload,
			 const uint8_t sig[CRYPTO_SIG_P256_LEN],
			 struct buf *out)
{
	struct err e = sign_jws_input(header_b64, payload, out);

	if (failed(e))
		return e;
	buf_put_u8(out, '.');
	base64url_encode(span_of(sig, CRYPTO_SIG_P256_LEN), out);
	return buf_check(out);
}

struct err sign_jws(const struct crypto_key *key, const char *header_b64,
		    struct span payload, struct buf *out)
{
	uint8_t sig[CRYPTO_SIG_P256_LEN];
	struct buf input;
	struct err e;

	buf_init(&input, SIGN_JWS_MAX);
	e = check_curve(crypto_key_curve(key));
	if (!failed(e))
		e = sign_jws_input(header_b64, payload, &input);
	if (!failed(e))
		e = crypto_sign(key, buf_span(&input), sig);
	if (failed(e))
		goto out;
	buf_put(out, buf_span(&input));
	buf_put_u8(out, '.');
	base64url_encode(SPAN_OBJ(sig), out);
	e = buf_check(out);
out:
	buf_clear(&input);
	return e;
}

/* The bytes of base64url, in the arena. */
static struct err decode(struct span text, struct arena *arena,
			 struct span *out)
{
	/* Four characters are three bytes; a rest of 2 or 3 is 1 or 2. */
	size_t len = text.len / 4 * 3 + (text.len % 4 ? text.len % 4 - 1 : 0);
	uint8_t *at;
	struct err e;

	if (text.len % 4 == 1)
		return err_make(ERR_MALFORMED, "a JWS payload not base64url");
	at = arena_alloc(arena, len);
	if (!at)
		return arena_check(arena);
	e = base64url_decode_fixed(text, at, len);
	if (!failed(e))
		*out = span_of(at, len);
	return e;
}

struct err sign_jws_split(struct span text, const char *header_b64,
			  struct arena *arena, struct sign_jws_parts *out)
{
	const size_t header_len = strlen(header_b64);
	struct sign_jws_parts parts;
	size_t input_len;
	struct err e;

	if (text.len > SIGN_JWS_MAX)
		return err_make(ERR_TOO_LARGE, "a JWS too long");
	if (text.len < header_len + 1 + 1 + SIG_TEXT_LEN)
		return err_make(ERR_MALFORMED, "a JWS too short");
	if (memcmp(text.at, header_b64, header_len) != 0 ||
	    text.at[header_len] != '.')
		return err_make(ERR_MALFORMED, "a JWS under another header");
	/* The signature's length is fixed, so is where the last dot stands;
	 * another dot would be no base64url. */
	input_len = text.len - SIG_TEXT_LEN - 1;
	if (text.at[input_len] != '.')
		return err_make(ERR_MALFORMED, "a JWS of another shape");
	e = base64url_decode_fixed(span_sub(text, input_len + 1, SIG_TEXT_LEN),
				   parts.sig, sizeof(parts.sig));
	if (failed(e))
		return e;
	e = decode(span_sub(text, header_len + 1, input_len - header_len - 1),
		   arena, &parts.payload);
	if (failed(e))
		return e;
	parts.signing_input = span_sub(text, 0, input_len);
	*out = parts;
	return ERR_NONE;
}

struct err sign_jws_check(const struct crypto_public *key,
			  struct span signing_input,
			  const uint8_t sig[CRYPTO_SIG_P256_LEN])
{
	struct err e = check_curve(crypto_public_curve(key));

	if (failed(e))
		return e;
	return crypto_verify(key, signing_input,
			     span_of(sig, CRYPTO_SIG_P256_LEN));
}

struct err sign_jws_digest(struct span signing_input, struct digest *out)
{
	return crypto_sha256(signing_input, out);
}

struct err sign_jws_digest_of(const char *header_b64, struct span payload,
			      struct digest *out)
{
	struct buf input;
	struct err e;

	buf_init(&input, SIGN_JWS_MAX);
	e = sign_jws_input(header_b64, payload, &input);
	if (!failed(e))
		e = crypto_sha256(buf_span(&input), out);
	buf_clear(&input);
	return e;
}
