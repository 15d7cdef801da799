/* Replica certificates and the succession of seal roots. */
#include "proto/document/replica.h"

#include <stdlib.h>

#include "proto/document/encoding.h"

/* A certificate with what it owns. */
struct owned {
	struct replica_certificate c;
	struct crypto_public *keys[4]; /* seal, guards, request */
	struct replica_end ends[REPLICA_ENDS_MAX];
	uint8_t *bytes;
};

static const enum crypto_curve curves[4] = {CRYPTO_P384, CRYPTO_P256,
					    CRYPTO_P384, CRYPTO_P256};

static struct err draft_check(const struct replica_draft *d)
{
	const struct crypto_public *keys[4] = {d->seal, d->guard_p256,
					       d->guard_p384, d->request};

	for (int i = 0; i < 4; i++)
		if (crypto_public_curve(keys[i]) != curves[i])
			return err_make(ERR_MALFORMED,
					"certificate: key on another curve");
	if (d->replica.number == 0 || d->issue == 0)
		return err_make(ERR_MALFORMED, "certificate: number");
	if (d->from > d->to)
		return err_make(ERR_MALFORMED, "certificate: times");
	if (d->ends_count > REPLICA_ENDS_MAX)
		return err_make(ERR_TOO_LARGE, "certificate: ends");
	for (size_t i = 0; i < d->ends_count; i++)
		if (d->ends[i].replica >= d->replica.number ||
		    (i ? d->ends[i].replica <= d->ends[i - 1].replica
		       : d->ends[i].replica == 0))
			return err_make(ERR_MALFORMED, "certificate: ends");
	return ERR_NONE;
}

static void draft_encode(const struct replica_draft *d, struct buf *b)
{
	encode_domain(b, DOMAIN_REPLICA);
	encoding_put_nation(b, d->replica.nation);
	buf_put(b, SPAN_OBJ(d->root.at));
	buf_put_u64(b, d->replica.number);
	buf_put_u64(b, d->issue);
	buf_put_var(b, crypto_public_spki(d->seal));
	buf_put_var(b, crypto_public_spki(d->guard_p256));
	buf_put_var(b, crypto_public_spki(d->guard_p384));
	buf_put_var(b, crypto_public_spki(d->request));
	buf_put_u64(b, d->from);
	buf_put_u64(b, d->to);
	buf_put_u16(b, (uint16_t)d->ends_count);
	for (size_t i = 0; i < d->ends_count; i++) {
		buf_put_u64(b, d->ends[i].replica);
		buf_put_u64(b, d->ends[i].tick);
		encoding_put_digest(b, d->ends[i].digest);
	}
}

struct err replica_sign(const struct crypto_key *root,
			const struct replica_draft *draft, struct buf *blob)
{
	struct buf b;
	struct err e = draft_check(draft);

	if (failed(e))
		return e;
	if (!key_id_eq(crypto_public_id(crypto_key_public(root)), draft->root))
		return err_make(ERR_UNAUTHENTICATED,
				"the certificate names another root");
	buf_init(&b, REPLICA_BLOB_MAX);
	draft_encode(draft, &b);
	e = encoding_sign_blob(root, &b, blob);
	buf_clear(&b);
	return e;
}

/* The members of o->c.tbs. */
static struct err read_members(struct owned *o)
{
	struct span_reader r = span_read(o->c.tbs);
	struct replica_draft *d = &o->c.draft;
	struct span keys[4];
	struct err e;

	encoding_read_domain(&r, DOMAIN_REPLICA);
	encoding_read_nation(&r, &d->replica.nation);
	span_read_into(&r, d->root.at, sizeof(d->root.at));
	d->replica.number = span_read_u64(&r);
	d->issue = span_read_u64(&r);
	for (int i = 0; i < 4; i++)
		keys[i] = span_read_var(&r);
	d->from = span_read_u64(&r);
	d->to = span_read_u64(&r);
	d->ends_count = span_read_u16(&r);
	if (d->ends_count > REPLICA_ENDS_MAX)
		return err_make(ERR_TOO_LARGE, "certificate: ends");
	for (size_t i = 0; i < d->ends_count; i++) {
		o->ends[i].replica = span_read_u64(&r);
		o->ends[i].tick = span_read_u64(&r);
		span_read_into(&r, o->ends[i].digest.at, DIGEST_LEN);
	}
	d->ends = o->ends;
	e = encoding_read_end(&r);
	for (int i = 0; i < 4 && !failed(e); i++)
		e = crypto_public_from_spki(keys[i], &o->keys[i]);
	if (failed(e))
		return e;
	d->seal = o->keys[0];
	d->guard_p256 = o->keys[1];
	d->guard_p384 = o->keys[2];
	d->request = o->keys[3];
	return draft_check(d);
}

void replica_free(struct replica_certificate *c)
{
	struct owned *o = (struct owned *)c;

	if (!o)
		return;
	for (int i = 0; i < 4; i++)
		crypto_public_free(o->keys[i]);
	free(o->bytes);
	free(o);
}

struct err replica_decode(struct span blob, struct replica_certificate **out)
{
	struct owned *o = NULL;
	struct err e;

	if (blob.len > REPLICA_BLOB_MAX)
		return err_make(ERR_TOO_LARGE, "certificate beyond its cap");
	o = calloc(1, sizeof(*o));
	if (o)
		o->bytes = malloc(blob.len + 1);
	if (!o || !o->bytes) {
		e = err_make(ERR_NO_MEMORY, "replica certificate");
		goto out;
	}
	if (blob.len)
		memcpy(o->bytes, blob.at, blob.len);
	o->c.blob = span_of(o->bytes, blob.len);
	e = encoding_split_blob(o->c.blob, &o->c.tbs, &o->c.signature);
	if (!failed(e))
		e = read_members(o);
	if (!failed(e))
		e = crypto_sha256(o->c.blob, &o->c.digest);
	if (failed(e))
		goto out;
	*out = &o->c;
	o = NULL;
out:
	replica_free(o ? &o->c : NULL);
	return e;
}

struct err replica_check(const struct replica_certificate *c,
			 const struct crypto_public *root, struct nation nation,
			 uint64_t issue_min)
{
	if (!nation_eq(c->draft.replica.nation, nation))
		return err_make(ERR_UNAUTHENTICATED,
				"certificate of another nation");
	if (!key_id_eq(c->draft.root, crypto_public_id(root)))
		return err_make(ERR_UNAUTHENTICATED,
				"certificate under another root");
	if (c->draft.issue < issue_min)
		return err_make(ERR_REPLAYED, "certificate of an older issue");
	return encoding_verify(root, CRYPTO_P384, c->tbs, c->signature);
}

bool replica_in_time(const struct replica_certificate *c, uint64_t time)
{
	return c->draft.from <= time && time <= c->draft.to;
}

const struct replica_end *replica_find_end(const struct replica_certificate *c,
					   uint64_t replica)
{
	for (size_t i = 0; i < c->draft.ends_count; i++)
		if (c->draft.ends[i].replica == replica)
			return &c->draft.ends[i];
	return NULL;
}

/* ---- succession ---- */

struct err replica_succession_sign(const struct crypto_key *old_root,
				   struct nation nation, uint64_t number,
				   const struct crypto_public *new_root,
				   uint64_t time, struct buf *blob)
{
	struct buf b;
	struct err e;

	if (number == 0 || crypto_public_curve(new_root) != CRYPTO_P384)
		return err_make(ERR_MALFORMED, "succession: number or curve");
	buf_init(&b, 512);
	encode_domain(&b, DOMAIN_ROOT);
	encoding_put_nation(&b, nation);
	buf_put_u64(&b, number);
	buf_put_var(&b, crypto_public_spki(new_root));
	buf_put_u64(&b, time);
	e = encoding_sign_blob(old_root, &b, blob);
	buf_clear(&b);
	return e;
}

struct err replica_succession_decode(struct span blob,
				     struct replica_succession *out)
{
	struct replica_succession s = {0};
	struct crypto_public *key = NULL;
	struct span_reader r;
	struct err e = encoding_split_blob(blob, &s.tbs, &s.signature);

	if (failed(e))
		return e;
	r = span_read(s.tbs);
	encoding_read_domain(&r, DOMAIN_ROOT);
	encoding_read_nation(&r, &s.nation);
	s.number = span_read_u64(&r);
	s.spki = span_read_var(&r);
	s.time = span_read_u64(&r);
	e = encoding_read_end(&r);
	if (!failed(e) && s.number == 0)
		e = err_make(ERR_MALFORMED, "succession: number");
	if (!failed(e))
		e = crypto_public_from_spki(s.spki, &key);
	if (!failed(e) && crypto_public_curve(key) != CRYPTO_P384)
		e = err_make(ERR_MALFORMED, "succession: curve");
	crypto_public_free(key);
	if (!failed(e))
		*out = s;
	return e;
}

struct err replica_succession_check(const struct replica_succession *s,
				    const struct crypto_public *old_root,
				    struct nation nation, uint64_t number)
{
	if (!nation_eq(s->nation, nation))
		return err_make(ERR_UNAUTHENTICATED,
				"succession of another nation");
	if (s->number <= number)
		return err_make(ERR_REPLAYED, "succession of an older number");
	return encoding_verify(old_root, CRYPTO_P384, s->tbs, s->signature);
}
