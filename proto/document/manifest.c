/* Manifests: canonical payload, JWS, checks (RFC 7515, RFC 8785). */
#include "proto/document/manifest.h"

#include <assert.h>

#include "proto/crypto/sign.h"
#include "proto/document/payload.h"
#include "proto/document/segment.h"

/* {"alg":"ES256","typ":"entente-manifest-v1"} */
static const char header[] =
	"eyJhbGciOiJFUzI1NiIsInR5cCI6ImVudGVudGUtbWFuaWZlc3QtdjEifQ";

static_assert(MANIFEST_SIZE_MAX == UINT64_C(65535) * SEGMENT_SIZE);

struct opening manifest_opening(const struct manifest *first)
{
	struct opening o = {.space = first->space, .author = first->author};

	memcpy(o.salt, first->salt, sizeof(o.salt));
	return o;
}

static void read_members(struct payload *p, struct manifest *m, bool *salted)
{
	uint64_t priority, suite;

	payload_expect(p, "{\"author\":");
	payload_fixed(p, m->author.at, sizeof(m->author.at));
	payload_expect(p, ",\"ext\":");
	m->ext = payload_ext(p, MANIFEST_EXT_MAX, &m->must_understand);
	payload_expect(p, ",\"home\":");
	m->home = payload_nation(p);
	payload_expect(p, ",\"id\":");
	m->id = payload_doc_id(p);
	payload_expect(p, ",\"keys\":");
	m->keys = payload_digests(p, MANIFEST_KEYS_MAX, false, &m->keys_count);
	payload_expect(p, ",\"label\":");
	m->label = payload_digest(p);
	payload_expect(p, ",\"parents\":");
	m->parents = payload_digests(p, MANIFEST_PARENTS_MAX, true,
				     &m->parents_count);
	payload_expect(p, ",\"priority\":");
	priority = payload_u64(p);
	m->priority = priority > UINT8_MAX ? UINT8_MAX : (uint8_t)priority;
	*salted = payload_accept(p, ",\"salt\":");
	if (*salted)
		payload_fixed(p, m->salt, sizeof(m->salt));
	payload_expect(p, ",\"sealed\":");
	m->sealed = payload_bytes(p, MANIFEST_SEALED_MAX);
	payload_expect(p, ",\"serial\":");
	m->serial = payload_u64(p);
	payload_expect(p, ",\"size\":");
	m->size = payload_u64(p);
	payload_expect(p, ",\"space\":");
	m->space = payload_plain(p);
	payload_expect(p, ",\"statement\":");
	m->statement = payload_u64(p);
	payload_expect(p, ",\"suite\":");
	suite = payload_u64(p);
	m->suite = suite > UINT16_MAX ? 0 : (uint16_t)suite;
	payload_expect(p, ",\"table\":");
	m->table = payload_digest(p);
	payload_expect(p, ",\"time\":");
	m->time = payload_u64(p);
	payload_expect(p, "}");
}

/* What holds between members. */
static struct err check_members(const struct manifest *m, bool salted)
{
	bool first = manifest_is_first(m);
	struct opening opening;

	if (failed(space_check(m->space)))
		return err_make(ERR_MALFORMED, "manifest: space");
	if (m->priority > MANIFEST_FLASH)
		return err_make(ERR_MALFORMED, "manifest: priority");
	if (m->serial == 0 || m->statement == 0)
		return err_make(ERR_MALFORMED, "manifest: numbers are from 1");
	if (m->keys_count == 0)
		return err_make(ERR_MALFORMED, "manifest: no key");
	if (m->sealed.len != 0 && m->sealed.len < SEGMENT_OVERHEAD)
		return err_make(ERR_MALFORMED, "manifest: sealed too short");
	if (first != salted)
		return err_make(ERR_MALFORMED,
				"manifest: salt stands in the first only");
	if (first && m->statement != 1)
		return err_make(ERR_MALFORMED,
				"manifest: the first is statement 1");
	if (m->suite != SEGMENT_SUITE)
		return err_make(ERR_UNSUPPORTED, "manifest: content suite");
	if (m->size > MANIFEST_SIZE_MAX)
		return err_make(ERR_TOO_LARGE, "manifest: content size");
	if (!first)
		return ERR_NONE;
	opening = manifest_opening(m);
	return docid_check(m->id, &opening, m->home);
}

/* Everything but signature and digest; what is read lives as `text` does, or
 * in `arena`. */
static struct err read_payload(struct span text, struct arena *arena,
			       struct manifest *m)
{
	struct payload p = payload_read(text, arena);
	bool salted = false;
	struct err e;

	*m = (struct manifest){.payload = text};
	if (text.len > MANIFEST_PAYLOAD_MAX)
		return err_make(ERR_TOO_LARGE, "manifest beyond its cap");
	read_members(&p, m, &salted);
	e = payload_end(&p);
	return failed(e) ? e : check_members(m, salted);
}

struct err manifest_decode(struct span jws, struct arena *arena,
			   struct manifest *out)
{
	struct sign_jws_parts parts;
	struct manifest m;
	struct err e;

	if (jws.len > MANIFEST_JWS_MAX)
		return err_make(ERR_TOO_LARGE, "manifest beyond its cap");
	e = sign_jws_split(jws, header, arena, &parts);
	if (!failed(e))
		e = read_payload(parts.payload, arena, &m);
	if (!failed(e))
		e = sign_jws_digest(parts.signing_input, &m.digest);
	if (failed(e))
		return e;
	memcpy(m.signature, parts.sig, sizeof(m.signature));
	*out = m;
	return ERR_NONE;
}

struct err manifest_decode_stored(struct span payload, struct span signature,
				  struct arena *arena, struct manifest *out)
{
	struct manifest m;
	struct span copy;
	struct err e;

	if (signature.len != MANIFEST_SIG_LEN)
		return err_make(ERR_MALFORMED, "signature of a wrong length");
	if (payload.len > MANIFEST_PAYLOAD_MAX)
		return err_make(ERR_TOO_LARGE, "manifest beyond its cap");
	copy = arena_copy(arena, payload);
	e = arena_check(arena);
	if (!failed(e))
		e = read_payload(copy, arena, &m);
	if (!failed(e))
		e = sign_jws_digest_of(header, copy, &m.digest);
	if (failed(e))
		return e;
	memcpy(m.signature, signature.at, sizeof(m.signature));
	*out = m;
	return ERR_NONE;
}

static void write_payload(const struct manifest *m, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	json_member_key_id(&w, "author", m->author);
	json_put_name(&w, "ext");
	json_put_raw(&w, m->ext.len ? m->ext : span_str("{}"));
	json_member_nation(&w, "home", m->home);
	json_member_doc_id(&w, "id", m->id);
	payload_put_digests(&w, "keys", m->keys, m->keys_count);
	json_member_digest(&w, "label", m->label);
	payload_put_digests(&w, "parents", m->parents, m->parents_count);
	json_member_u64(&w, "priority", m->priority);
	if (manifest_is_first(m))
		json_member_bytes(&w, "salt", SPAN_OBJ(m->salt));
	json_member_bytes(&w, "sealed", m->sealed);
	json_member_u64(&w, "serial", m->serial);
	json_member_u64(&w, "size", m->size);
	json_member_string(&w, "space", m->space);
	json_member_u64(&w, "statement", m->statement);
	json_member_u64(&w, "suite", m->suite);
	json_member_digest(&w, "table", m->table);
	json_member_u64(&w, "time", m->time);
	json_close_object(&w);
}

struct err manifest_encode(const struct manifest *m, struct buf *payload)
{
	struct arena arena;
	struct manifest again;
	struct buf text;
	struct err e;

	arena_init(&arena, 2 * MANIFEST_PAYLOAD_MAX);
	buf_init(&text, MANIFEST_PAYLOAD_MAX);
	write_payload(m, &text);
	e = buf_check(&text);
	/* What was written is read back: one place says what is allowed. */
	if (!failed(e))
		e = read_payload(buf_span(&text), &arena, &again);
	if (!failed(e))
		buf_put(payload, buf_span(&text));
	if (!failed(e))
		e = buf_check(payload);
	buf_clear(&text);
	arena_clear(&arena);
	return e;
}

struct err manifest_sign(const struct crypto_key *author,
			 const struct manifest *m, struct buf *jws)
{
	struct buf payload;
	struct err e;

	if (!key_id_eq(crypto_public_id(crypto_key_public(author)), m->author))
		return err_make(ERR_UNAUTHENTICATED,
				"the manifest names another author");
	buf_init(&payload, MANIFEST_PAYLOAD_MAX);
	e = manifest_encode(m, &payload);
	if (!failed(e))
		e = sign_jws(author, header, buf_span(&payload), jws);
	buf_clear(&payload);
	return e;
}

void manifest_format(const struct manifest *m, struct buf *jws)
{
	struct err e = sign_jws_join(header, m->payload, m->signature, jws);

	if (failed(e))
		jws->bad = true;
}

struct err manifest_check_signature(const struct crypto_public *author,
				    const struct manifest *m)
{
	struct buf input;
	struct err e;

	if (!key_id_eq(crypto_public_id(author), m->author))
		return err_make(ERR_UNAUTHENTICATED,
				"the manifest names another author");
	buf_init(&input, MANIFEST_JWS_MAX);
	e = sign_jws_input(header, m->payload, &input);
	if (!failed(e))
		e = buf_check(&input);
	if (!failed(e))
		e = sign_jws_check(author, buf_span(&input), m->signature);
	buf_clear(&input);
	return e;
}

struct err manifest_check_id(const struct manifest *m,
			     const struct opening *opening)
{
	struct opening own = manifest_opening(m);

	if (!span_eq(m->space, opening->space))
		return err_make(ERR_FOREIGN_ID,
				"the manifest names another space");
	/* A first manifest holds the opening: no other may stand beside. */
	if (manifest_is_first(m))
		return docid_check(m->id, &own, m->home);
	return docid_check(m->id, opening, m->home);
}

bool manifest_has_parent(const struct manifest *m, struct digest digest)
{
	for (size_t i = 0; i < m->parents_count; i++)
		if (digest_eq(m->parents[i], digest))
			return true;
	return false;
}
