/* Signatures of pages. */
#include "proto/base/base64.h"
#include "proto/crypto/domain.h"
#include "proto/exchange/http.h"
#include "proto/exchange/page.h"

enum { BASE_MAX = 512 };

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
			  struct digest policy, struct buf *out)
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
	buf_put(out, SPAN_OBJ(policy.at));
	buf_put_u64(out, time);
	return buf_check(out);
}

struct err page_base(const struct page_facts *facts, struct buf *out)
{
	return base_at(facts, facts->time, facts->policy, out);
}

struct err page_sign(const struct crypto_key *key,
		     const struct page_facts *facts, struct page_signature *out)
{
	struct page_signature s = {.time = facts->time,
				   .policy = facts->policy};
	struct buf base;
	struct err e;

	if (crypto_key_curve(key) != CRYPTO_P256)
		return err_make(ERR_UNSUPPORTED, "a page is signed with P-256");
	buf_init(&base, BASE_MAX);
	e = base_at(facts, s.time, s.policy, &base);
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
	e = base_at(facts, signature->time, signature->policy, &base);
	if (!failed(e))
		e = crypto_verify(key, buf_span(&base),
				  SPAN_OBJ(signature->sig));
	buf_clear(&base);
	return e;
}

void page_format(const struct page_signature *signature, struct buf *out)
{
	buf_printf(out,
		   "time=%llu, policy=:", (unsigned long long)signature->time);
	base64_encode(SPAN_OBJ(signature->policy.at), out);
	buf_put_str(out, ":, sig=:");
	base64_encode(SPAN_OBJ(signature->sig), out);
	buf_put_str(out, ":");
}

/* What stands between `before` and the next `after`; the rest stays in
 * `left`.  False if either is missing. */
static bool cut(struct span *left, const char *before, const char *after,
		struct span *out)
{
	size_t skip = strlen(before);
	const uint8_t *end;

	if (!span_eq_str(span_sub(*left, 0, skip), before))
		return false;
	*left = span_sub(*left, skip, left->len);
	end = left->len ? memchr(left->at, *after, left->len) : NULL;
	if (!end)
		return false;
	*out = span_of(left->at, (size_t)(end - left->at));
	*left = span_sub(*left, out->len + 1, left->len);
	return true;
}

static struct err base64_fixed(struct span text, void *out, size_t len)
{
	struct buf bytes;
	struct err e;

	buf_init(&bytes, len + 2);
	e = base64_decode(text, &bytes);
	if (!failed(e) && bytes.len != len)
		e = err_make(ERR_MALFORMED, "no page signature");
	if (!failed(e))
		memcpy(out, bytes.at, len);
	buf_clear(&bytes);
	return e;
}

struct err page_parse(struct span value, struct page_signature *out)
{
	struct span number, policy, sig, left = value;
	struct page_signature s;
	struct buf again;
	struct err e;

	if (!cut(&left, "time=", ",", &number) ||
	    !cut(&left, " policy=:", ":", &policy) ||
	    !cut(&left, ", sig=:", ":", &sig))
		return err_make(ERR_MALFORMED, "no page signature");
	buf_init(&again, BASE_MAX);
	e = http_u64_parse(number, &s.time);
	if (!failed(e))
		e = base64_fixed(policy, s.policy.at, DIGEST_LEN);
	if (!failed(e))
		e = base64_fixed(sig, s.sig, sizeof(s.sig));
	if (!failed(e)) {
		/* One form: what was read must be what we would write. */
		page_format(&s, &again);
		if (!span_eq(buf_span(&again), value))
			e = err_make(ERR_MALFORMED, "no page signature");
	}
	if (!failed(e))
		*out = s;
	buf_clear(&again);
	return e;
}
