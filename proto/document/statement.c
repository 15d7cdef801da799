/* Statements: canonical payload, JWS, checks (RFC 7515, RFC 8785). */
#include "proto/document/statement.h"

#include "proto/crypto/sign.h"
#include "proto/document/payload.h"

/* {"alg":"ES256","typ":"entente-statement-v1"} */
static const char header[] =
	"eyJhbGciOiJFUzI1NiIsInR5cCI6ImVudGVudGUtc3RhdGVtZW50LXYxIn0";

static void read_members(struct payload *p, struct statement *s)
{
	bool over_heads, label;
	uint64_t kind;

	payload_expect(p, "{\"author\":");
	payload_fixed(p, s->author.at, sizeof(s->author.at));
	payload_expect(p, ",\"ext\":");
	s->ext = payload_ext(p, MANIFEST_EXT_MAX, &s->must_understand);
	over_heads = payload_accept(p, ",\"heads\":");
	if (over_heads)
		s->heads = payload_digests(p, STATEMENT_HEADS_MAX, true,
					   &s->heads_count);
	payload_expect(p, ",\"home\":");
	s->home = payload_nation(p);
	payload_expect(p, ",\"id\":");
	s->id = payload_doc_id(p);
	payload_expect(p, ",\"kind\":");
	kind = payload_u64(p);
	if (kind < STATEMENT_LABEL || kind > STATEMENT_RECALL)
		payload_fail(p, ERR_MALFORMED, "statement: kind");
	s->kind = kind > STATEMENT_RECALL ? 0 : (enum statement_kind)kind;
	label = payload_accept(p, ",\"label\":");
	if (label)
		s->label = payload_digest(p);
	if (label != (s->kind == STATEMENT_LABEL) || label != over_heads)
		payload_fail(p, ERR_MALFORMED,
			     "statement: label and heads stand in kind 1");
	payload_expect(p, ",\"number\":");
	s->number = payload_u64(p);
	payload_expect(p, ",\"previous\":");
	s->previous = payload_digests(p, STATEMENT_PREVIOUS_MAX, true,
				      &s->previous_count);
	payload_expect(p, ",\"time\":");
	s->time = payload_u64(p);
	payload_expect(p, "}");
}

static struct err read_payload(struct span text, struct arena *arena,
			       struct statement *s)
{
	struct payload p = payload_read(text, arena);
	struct err e;

	*s = (struct statement){.payload = text};
	if (text.len > STATEMENT_PAYLOAD_MAX)
		return err_make(ERR_TOO_LARGE, "statement beyond its cap");
	read_members(&p, s);
	e = payload_end(&p);
	if (failed(e))
		return e;
	if (s->number < 2)
		return err_make(ERR_MALFORMED,
				"statement: number 1 is the first manifest");
	if (s->previous_count == 0)
		return err_make(ERR_MALFORMED, "statement: no previous");
	return ERR_NONE;
}

struct err statement_decode(struct span jws, struct arena *arena,
			    struct statement *out)
{
	struct sign_jws_parts parts;
	struct statement s;
	struct err e;

	if (jws.len > STATEMENT_JWS_MAX)
		return err_make(ERR_TOO_LARGE, "statement beyond its cap");
	e = sign_jws_split(jws, header, arena, &parts);
	if (!failed(e))
		e = read_payload(parts.payload, arena, &s);
	if (!failed(e))
		e = sign_jws_digest(parts.signing_input, &s.digest);
	if (failed(e))
		return e;
	memcpy(s.signature, parts.sig, sizeof(s.signature));
	*out = s;
	return ERR_NONE;
}

struct err statement_decode_stored(struct span payload, struct span signature,
				   struct arena *arena, struct statement *out)
{
	struct statement s;
	struct span copy;
	struct err e;

	if (signature.len != MANIFEST_SIG_LEN)
		return err_make(ERR_MALFORMED, "signature of a wrong length");
	if (payload.len > STATEMENT_PAYLOAD_MAX)
		return err_make(ERR_TOO_LARGE, "statement beyond its cap");
	copy = arena_copy(arena, payload);
	e = arena_check(arena);
	if (!failed(e))
		e = read_payload(copy, arena, &s);
	if (!failed(e))
		e = sign_jws_digest_of(header, copy, &s.digest);
	if (failed(e))
		return e;
	memcpy(s.signature, signature.at, sizeof(s.signature));
	*out = s;
	return ERR_NONE;
}

static void write_payload(const struct statement *s, struct buf *out)
{
	struct json_writer w = json_write(out);
	bool label = s->kind == STATEMENT_LABEL;

	json_open_object(&w);
	json_member_key_id(&w, "author", s->author);
	json_put_name(&w, "ext");
	json_put_raw(&w, s->ext.len ? s->ext : span_str("{}"));
	if (label)
		payload_put_digests(&w, "heads", s->heads, s->heads_count);
	json_member_nation(&w, "home", s->home);
	json_member_doc_id(&w, "id", s->id);
	json_member_u64(&w, "kind", (uint64_t)s->kind);
	if (label)
		json_member_digest(&w, "label", s->label);
	json_member_u64(&w, "number", s->number);
	payload_put_digests(&w, "previous", s->previous, s->previous_count);
	json_member_u64(&w, "time", s->time);
	json_close_object(&w);
}

struct err statement_encode(const struct statement *s, struct buf *payload)
{
	struct arena arena;
	struct statement again;
	struct buf text;
	struct err e;

	arena_init(&arena, 2 * STATEMENT_PAYLOAD_MAX);
	buf_init(&text, STATEMENT_PAYLOAD_MAX);
	write_payload(s, &text);
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

struct err statement_sign(const struct crypto_key *author,
			  const struct statement *s, struct buf *jws)
{
	struct buf payload;
	struct err e;

	if (!key_id_eq(crypto_public_id(crypto_key_public(author)), s->author))
		return err_make(ERR_UNAUTHENTICATED,
				"the statement names another author");
	buf_init(&payload, STATEMENT_PAYLOAD_MAX);
	e = statement_encode(s, &payload);
	if (!failed(e))
		e = sign_jws(author, header, buf_span(&payload), jws);
	buf_clear(&payload);
	return e;
}

void statement_format(const struct statement *s, struct buf *jws)
{
	struct err e = sign_jws_join(header, s->payload, s->signature, jws);

	if (failed(e))
		jws->bad = true;
}

struct err statement_check_signature(const struct crypto_public *author,
				     const struct statement *s)
{
	struct buf input;
	struct err e;

	if (!key_id_eq(crypto_public_id(author), s->author))
		return err_make(ERR_UNAUTHENTICATED,
				"the statement names another author");
	buf_init(&input, STATEMENT_JWS_MAX);
	e = sign_jws_input(header, s->payload, &input);
	if (!failed(e))
		e = buf_check(&input);
	if (!failed(e))
		e = sign_jws_check(author, buf_span(&input), s->signature);
	buf_clear(&input);
	return e;
}

bool statement_lists(const struct statement *s, struct digest head)
{
	for (size_t i = 0; i < s->heads_count; i++)
		if (digest_eq(s->heads[i], head))
			return true;
	return false;
}

int statement_rank(const struct statement *a, const struct statement *b)
{
	return (int)a->kind - (int)b->kind;
}
