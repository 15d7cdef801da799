/* Texts of ids, digests, dots and base64: one value has one text. */
#include "tests/fuzz/fuzz.h"

#include "proto/base/base64.h"
#include "proto/document/version.h"
#include "proto/exchange/enrol.h"
#include "proto/exchange/nonce.h"
#include "relay/address.h"
#include "relay/route.h"

enum { CAP = 1 << 20 };

void fuzz_seeds(void)
{
	fuzz_seed_str("GBR");
	fuzz_seed_str("GBR.3");
	fuzz_seed_str("GBR.18446744073709551615:18446744073709551615");
	fuzz_seed_str("GBR/ops-1.x_y");
	fuzz_seed_str("0190f5e0-0000-7abc-8def-0123456789ab");
	fuzz_seed_str("zIjVuZkjbx30aphH0cJRk2q_oRlbnoKwsNW-SpqOtfQ");
	fuzz_seed_str("zIjVuZkjbx30aphH0cJRk2q/oRlbnoKwsNW+SpqOtfQ=");
	fuzz_seed_str("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	fuzz_seed_str("relay.gbr.example:8443");
	fuzz_seed_str("[::1]:8443");
	fuzz_seed_str("/v1/documents/x/content?a=b");
}

static void ids(struct span bytes)
{
	char text[128];
	struct nation nation;
	struct replica replica;
	struct doc_id id;
	struct digest digest;
	struct key_id key;
	struct dot dot;
	struct nonce nonce;

	if (!failed(nation_parse(bytes, &nation))) {
		nation_format(nation, text);
		fuzz_check(span_eq_str(bytes, text));
	}
	if (!failed(replica_parse(bytes, &replica))) {
		replica_format(replica, text);
		fuzz_check(span_eq_str(bytes, text));
	}
	if (!failed(doc_id_parse(bytes, &id))) {
		doc_id_format(id, text);
		fuzz_check(span_eq_str(bytes, text));
	}
	if (!failed(digest_parse(bytes, &digest))) {
		digest_format(digest, text);
		fuzz_check(span_eq_str(bytes, text));
	}
	if (!failed(key_id_parse(bytes, &key))) {
		key_id_format(key, text);
		fuzz_check(span_eq_str(bytes, text));
	}
	if (!failed(dot_parse(bytes, &dot))) {
		dot_format(dot, text);
		fuzz_check(span_eq_str(bytes, text));
	}
	if (!failed(nonce_parse(bytes, &nonce))) {
		nonce_format(&nonce, text);
		fuzz_check(span_eq_str(bytes, text));
	}
	if (!failed(space_check(bytes)))
		fuzz_check(bytes.len <= SPACE_NAME_MAX);
}

static void addresses(struct span bytes)
{
	char text[ADDRESS_TEXT_MAX + 16];
	struct address a, again;
	struct buf b;

	buf_init(&b, CAP);
	buf_put(&b, bytes);
	if (!failed(address_parse(buf_cstr(&b), &a))) {
		fuzz_check(a.port <= 65535 && a.host[0]);
		address_format(&a, text);
		fuzz_ok(address_parse(text, &again));
		fuzz_check(again.port == a.port && !strcmp(again.host, a.host));
	}
	buf_clear(&b);
	if (!failed(enrol_endpoint_check(bytes)))
		fuzz_check(bytes.len <= ENROL_ENDPOINT_MAX);
	for (int l = 0; l < ROUTE_LISTENERS; l++)
		(void)route_find((enum route_listener)l, span_str("PUT"),
				 bytes);
	(void)route_field_passes(bytes);
}

void fuzz_input(struct span bytes)
{
	struct buf raw, text;

	buf_init(&raw, CAP);
	buf_init(&text, CAP);
	if (!failed(base64url_decode(bytes, &raw))) {
		base64url_encode(buf_span(&raw), &text);
		fuzz_check(fuzz_is(&text, bytes));
	} else {
		fuzz_check(raw.len == 0);
	}
	buf_reset(&raw);
	buf_reset(&text);
	if (!failed(base64_decode(bytes, &raw))) {
		base64_encode(buf_span(&raw), &text);
		fuzz_check(fuzz_is(&text, bytes));
	}
	buf_clear(&raw);
	buf_clear(&text);
	ids(bytes);
	addresses(bytes);
}
