/*
 * The fields of signed requests and pages.  Lines: Signature-Input,
 * Signature, Content-Digest, path, query, If-Match, body; a line alone is a
 * page's field too.
 */
#include "tests/fuzz/fuzz.h"

#include "proto/exchange/signature.h"

enum { CAP = 1 << 20 };

void fuzz_seeds(void)
{
	struct http_field match =
		{span_str("if-match"),
		 span_str("\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"")};
	struct http_request request = {
		.method = HTTP_POST,
		.authority = span_str("relay.test"),
		.path = span_str("/v1/keys"),
		.query = span_str("a=b"),
		.fields = {&match, 1},
		.body = span_str("{}"),
	};
	const struct page_signature page = {.time = 1700000000};
	const struct nonce nonce = {{5}};
	struct signature_fields f;
	struct buf b;

	signature_fields_init(&f);
	buf_init(&b, CAP);
	fuzz_ok(signature_sign(fuzz_key(CRYPTO_P256), &request, &nonce,
			       1700000000, &f));
	buf_put(&b, buf_span(&f.input));
	buf_put_str(&b, "\n");
	buf_put(&b, buf_span(&f.signature));
	buf_put_str(&b, "\n");
	buf_put(&b, buf_span(&f.digest));
	buf_put_str(&b, "\n/v1/keys\na=b\n");
	buf_put(&b, match.value);
	buf_put_str(&b, "\n{}");
	fuzz_seed(buf_span(&b));
	buf_reset(&b);
	page_format(&page, &b);
	fuzz_seed(buf_span(&b));
	signature_fields_clear(&f);
	buf_clear(&b);
}

static void page(struct span bytes)
{
	struct page_signature p;
	struct buf b;

	buf_init(&b, CAP);
	if (!failed(page_parse(bytes, &p))) {
		page_format(&p, &b);
		fuzz_check(fuzz_is(&b, bytes));
	}
	buf_clear(&b);
}

void fuzz_input(struct span bytes)
{
	struct http_field fields[4];
	struct http_request request = {
		.method = HTTP_POST,
		.authority = span_str("relay.test"),
		.fields = {fields, 4},
	};
	struct http_precondition precondition;
	struct signature s;
	struct digest base;
	struct buf b;

	page(bytes);
	fields[0].name = span_str("signature-input");
	fields[0].value = fuzz_line(&bytes);
	fields[1].name = span_str("signature");
	fields[1].value = fuzz_line(&bytes);
	fields[2].name = span_str("content-digest");
	fields[2].value = fuzz_line(&bytes);
	request.path = fuzz_line(&bytes);
	request.query = fuzz_line(&bytes);
	fields[3].name = span_str("if-match");
	fields[3].value = fuzz_line(&bytes);
	if (!fields[3].value.len)
		request.fields.count = 3;
	request.body = bytes;
	(void)!failed(http_precondition_parse(request.fields, &precondition));
	if (failed(signature_parse(&request, &s)))
		return;
	buf_init(&b, CAP);
	(void)!failed(signature_base(&request, &s, &b));
	(void)!failed(signature_check(crypto_key_public(fuzz_key(CRYPTO_P256)),
				      &request, &s, &base));
	(void)!failed(signature_created_check(&s, 1700000000, 300));
	buf_clear(&b);
}
