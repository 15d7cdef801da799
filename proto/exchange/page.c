/* Signatures of pages. */
#include "proto/base/base64.h"
#include "proto/crypto/domain.h"
#include "proto/exchange/http.h"
#include "proto/exchange/page.h"

enum { BASE_MAX = 512, SIG_BASE64_LEN = 88 };

void page_reader_device(struct key_id author, uint8_t out[PAGE_READER_LEN])
{
	memcpy(out, author.at, PAGE_READER_LEN);
}

void page_reader_nation(struct nation nation, uint8_t out[PAGE_READER_LEN])
{
	memset(out, 0, PAGE_READER_LEN);
	memcpy(out, nation.code, NATION_LEN);
}

static struct err base_at(const struct page_facts *f, uint64_t time,
			  struct buf *out)
{
	struct digest since, body;
	struct err e = crypto_sha256(f->since, &since);

	if (!failed(e))
		e = crypto_sha256(f->body, &body);
	if (failed(e))
		return e;
	encode_domain(out, DOMAIN_PAGE);
	buf_put(out, span_of(f->replica.nation.code, NATION_LEN));
	buf_put_u64(out, f->replica.number);
	buf_put(out, SPAN_OBJ(f->reader));
	buf_put(out, SPAN_OBJ(f->ask));
	buf_put(out, SPAN_OBJ(since.at));
	buf_put(out, SPAN_OBJ(body.at));
	buf_put(out, SPAN_OBJ(f->policy.at));
	buf_put_u64(out, time);
	return buf_check(out);
}

struct err page_base(const struct page_facts *facts, struct buf *out)
{
	return base_at(facts, facts->time, out);
}

struct err page_sign(const struct crypto_key *key,
		     const struct page_facts *facts,
		     struct page_signature *out)
{
	struct page_signature s = {.time = facts->time};
	struct buf base;
	struct err e;

	if (crypto_key_curve(key) != CRYPTO_P256)
		return err_make(ERR_UNSUPPORTED, "a page is signed with P-256");
	buf_init(&base, BASE_MAX);
	e = base_at(facts, s.time, &base);
	if (!failed(e))
		e = crypto_sign(key, buf_span(&base), s.sig);
	if (!failed(e))
		*out = s;
	buf_clear(&base);
	return e;
}

struct err page_check(const struct crypto_public *key,
		      const struct page_facts *facts,
		      const struct page_signature *signature)
{
	struct buf base;
	struct err e;

	if (crypto_public_curve(key) != CRYPTO_P256)
		return err_make(ERR_UNSUPPORTED, "a page is signed with P-256");
	buf_init(&base, BASE_MAX);
	e = base_at(facts, signature->time, &base);
	if (!failed(e))
		e = crypto_verify(key, buf_span(&base),
				  SPAN_OBJ(signature->sig));
	buf_clear(&base);
	return e;
}

void page_format(const struct page_signature *signature, struct buf *out)
{
	buf_printf(out, "time=%llu, sig=:",
		   (unsigned long long)signature->time);
	base64_encode(SPAN_OBJ(signature->sig), out);
	buf_put_str(out, ":");
}

struct err page_parse(struct span value, struct page_signature *out)
{
	struct page_signature s;
	struct span number, text;
	const uint8_t *comma;
	struct buf sig, again;
	struct err e;

	if (!span_eq_str(span_sub(value, 0, 5), "time="))
		return err_make(ERR_MALFORMED, "no page signature");
	comma = memchr(value.at, ',', value.len);
	if (!comma)
		return err_make(ERR_MALFORMED, "no page signature");
	number = span_sub(value, 5, (size_t)(comma - value.at) - 5);
	text = span_sub(value, (size_t)(comma - value.at) + 7, SIG_BASE64_LEN);
	buf_init(&sig, CRYPTO_SIG_P256_LEN + 2);
	buf_init(&again, BASE_MAX);
	e = http_u64_parse(number, &s.time);
	if (!failed(e))
		e = base64_decode(text, &sig);
	if (failed(e))
		goto out;
	e = err_make(ERR_MALFORMED, "no page signature");
	if (sig.len != CRYPTO_SIG_P256_LEN)
		goto out;
	memcpy(s.sig, sig.at, sizeof(s.sig));
	/* One form: what was read must be what we would write. */
	page_format(&s, &again);
	if (!span_eq(buf_span(&again), value))
		goto out;
	*out = s;
	e = ERR_NONE;
out:
	buf_clear(&sig);
	buf_clear(&again);
	return e;
}
