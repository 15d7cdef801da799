/* Target, query, entity tags, ranges and the other fields of HTTP. */
#include "tests/fuzz/fuzz.h"

#include "proto/exchange/http.h"

enum { CAP = 1 << 20 };

void fuzz_seeds(void)
{
	fuzz_seed_str("/v1/documents/GBR%2Fops/x?since=a%20b&wait=1&flag");
	fuzz_seed_str("\"zIjVuZkjbx30aphH0cJRk2q_oRlbnoKwsNW-SpqOtfQ\", "
		      "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"");
	fuzz_seed_str("*");
	fuzz_seed_str("bytes=0-499,1000-,-500");
	fuzz_seed_str("bytes 0-499/1234");
	fuzz_seed_str("sha-512=:YWJj:, sha-256="
		      ":47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:");
	fuzz_seed_str("de-DE, fr;q=0.5, en;q=0, *;q=0.1");
	fuzz_seed_str("120");
	fuzz_seed_str("application/json; charset=utf-8");
}

static void target(struct span bytes, struct arena *arena)
{
	struct span path, query, text;
	struct http_path p;
	struct http_query q;
	struct buf b;
	bool first = true;

	if (failed(http_target_split(bytes, &path, &query)))
		return;
	fuzz_check(path.len + query.len <= bytes.len);
	if (!failed(http_path_parse(path, arena, &p))) {
		buf_init(&b, CAP);
		for (size_t i = 0; i < p.count; i++) {
			fuzz_check(p.at[i].len > 0);
			buf_put_str(&b, "/");
			http_percent_encode(p.at[i], &b);
		}
		/* Encoded again it parses to the same segments. */
		if (p.count) {
			struct http_path again;

			fuzz_ok(http_path_parse(buf_span(&b), arena, &again));
			fuzz_check(again.count == p.count);
			for (size_t i = 0; i < p.count; i++)
				fuzz_check(span_eq(again.at[i], p.at[i]));
		}
		buf_clear(&b);
	}
	if (failed(http_query_parse(query, arena, &q)))
		return;
	buf_init(&b, CAP);
	for (size_t i = 0; i < q.count; i++) {
		struct buf name;

		buf_init(&name, CAP);
		buf_put(&name, q.at[i].name);
		if (!memchr(q.at[i].name.at ? q.at[i].name.at
					    : (const uint8_t *)"",
			    0, q.at[i].name.len)) {
			fuzz_ok(http_query_string(&q, buf_cstr(&name), &text));
			fuzz_check(span_eq(text, q.at[i].value));
			http_query_put(&b, &first, buf_cstr(&name), text);
		}
		buf_clear(&name);
	}
	buf_clear(&b);
}

static void fields(struct span bytes)
{
	static const char *const languages[] = {"en", "fr", "de"};
	struct http_range ranges[HTTP_RANGES_MAX], range;
	struct http_etags tags;
	struct digest digest;
	uint64_t n, total;
	uint32_t seconds;
	size_t count;
	struct buf b;

	buf_init(&b, CAP);
	if (!failed(http_etags_parse(bytes, &tags)))
		for (size_t i = 0; i < tags.count; i++)
			fuzz_check(http_etags_have(&tags, tags.at[i]));
	if (!failed(http_range_parse(bytes, 5000, ranges, &count)))
		for (size_t i = 0; i < count; i++)
			fuzz_check(ranges[i].len >= 1 &&
				   ranges[i].from < 5000 &&
				   ranges[i].len <= 5000 - ranges[i].from);
	if (!failed(http_content_range_parse(bytes, &range, &total))) {
		fuzz_check(range.len >= 1 && range.from < total &&
			   range.len <= total - range.from);
		http_content_range_format(range, total, &b);
		fuzz_ok(http_content_range_parse(buf_span(&b), &range, &total));
	}
	buf_reset(&b);
	if (!failed(http_digest_parse(bytes, &digest))) {
		http_digest_format(digest, &b);
		fuzz_ok(http_digest_parse(buf_span(&b), &digest));
		(void)!failed(http_digest_check(bytes, span_str("")));
	}
	(void)!failed(http_retry_after_parse(bytes, &seconds));
	(void)!failed(http_u64_parse(bytes, &n));
	(void)http_media_is(bytes, "application/json");
	(void)http_method_parse(bytes);
	fuzz_check(http_language_pick(bytes, languages, 3) < 3);
	buf_clear(&b);
}

void fuzz_input(struct span bytes)
{
	struct arena arena;

	arena_init(&arena, CAP);
	target(bytes, &arena);
	arena_clear(&arena);
	fields(bytes);
}
