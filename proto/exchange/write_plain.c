/* A write in its plain form, read byte by byte. */
#include "proto/exchange/write_plain.h"

#include "proto/base/base64.h"
#include "proto/document/payload.h"

static struct wrapped read_wrapped(struct payload *p)
{
	struct wrapped w = {0};
	struct span enc;
	uint64_t suite;

	payload_expect(p, "{\"ct\":");
	payload_fixed(p, w.ct, sizeof(w.ct));
	payload_expect(p, ",\"enc\":");
	enc = payload_plain(p);
	payload_expect(p, ",\"suite\":");
	suite = payload_u64(p);
	payload_expect(p, ",\"to\":");
	payload_fixed(p, w.to.at, sizeof(w.to.at));
	payload_expect(p, ",\"until\":");
	w.until = payload_u64(p);
	payload_expect(p, "}");
	if (failed(p->e))
		return w;
	if (suite != WRAPPED_SUITE_P256 && suite != WRAPPED_SUITE_P384) {
		payload_fail(p, ERR_UNSUPPORTED, "wrapped key: suite");
		return w;
	}
	w.suite = (uint16_t)suite;
	w.enc_len = crypto_point_len(suite == WRAPPED_SUITE_P256 ? CRYPTO_P256
								 : CRYPTO_P384);
	if (failed(base64url_decode_fixed(enc, w.enc, w.enc_len)))
		payload_fail(p, ERR_MALFORMED, "wrapped key: enc");
	return w;
}

static void read_keys(struct payload *p, struct write_request *r)
{
	struct write_key *list;
	size_t n = 0;

	payload_expect(p, "\"keys\":[");
	list = arena_array(p->arena, MANIFEST_KEYS_MAX, sizeof(*list));
	if (!list) {
		payload_fail(p, ERR_TOO_LARGE, "arena full");
		return;
	}
	while (!failed(p->e) && !payload_accept(p, "]")) {
		if (n == MANIFEST_KEYS_MAX) {
			payload_fail(p, ERR_MALFORMED, "list beyond its cap");
			break;
		}
		payload_expect(p, n ? ",{\"commitment\":" : "{\"commitment\":");
		list[n].commitment = payload_digest(p);
		payload_expect(p, ",\"key\":");
		list[n++].key = read_wrapped(p);
		payload_expect(p, "}");
	}
	r->keys = list;
	r->keys_count = n;
}

static struct opening read_opening(struct payload *p)
{
	struct opening o = {0};

	payload_expect(p, "{\"author\":");
	payload_fixed(p, o.author.at, sizeof(o.author.at));
	payload_expect(p, ",\"salt\":");
	payload_fixed(p, o.salt, sizeof(o.salt));
	payload_expect(p, ",\"space\":");
	o.space = arena_copy(p->arena, payload_plain(p));
	payload_expect(p, "}");
	if (!failed(p->e) && failed(space_check(o.space)))
		payload_fail(p, ERR_MALFORMED, "opening: space");
	return o;
}

bool write_plain_decode(struct span body, struct arena *arena,
			struct write_request *out)
{
	struct payload p = payload_read(body, arena);
	struct write_request r = {0};

	if (body.len > WRITE_BODY_MAX)
		return false;
	payload_expect(&p, "{");
	if (payload_accept(&p, "\"content\":")) {
		r.has_content = true;
		r.content = payload_bytes(&p, WRITE_BODY_MAX);
		payload_expect(&p, ",");
	}
	read_keys(&p, &r);
	if (payload_accept(&p, ",\"label\":")) {
		r.has_label = true;
		r.label = payload_bytes(&p, WRITE_LABEL_MAX);
	}
	payload_expect(&p, ",\"manifest\":");
	r.manifest = payload_plain(&p);
	if (r.manifest.len > MANIFEST_JWS_MAX)
		return false;
	r.manifest = arena_copy(arena, r.manifest);
	if (payload_accept(&p, ",\"opening\":")) {
		r.has_opening = true;
		r.opening = read_opening(&p);
	}
	payload_expect(&p, "}");
	if (failed(payload_end(&p)) || failed(arena_check(arena)))
		return false;
	*out = r;
	return true;
}
