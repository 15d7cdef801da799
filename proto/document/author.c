/* Author records. */
#include "proto/document/author.h"

#include <stdlib.h>

#include "proto/document/encoding.h"

struct err author_sign(const struct crypto_key *seal_key,
		       struct replica replica,
		       const struct crypto_public *author, uint64_t from,
		       struct buf *blob)
{
	struct buf b;
	struct err e;

	if (replica.number == 0 || crypto_public_curve(author) != CRYPTO_P256)
		return err_make(ERR_MALFORMED, "author record: key or replica");
	buf_init(&b, AUTHOR_BLOB_MAX);
	encode_domain(&b, DOMAIN_AUTHOR);
	encoding_put_replica(&b, replica);
	buf_put_var(&b, crypto_public_spki(author));
	buf_put_u64(&b, from);
	e = encoding_sign_blob(seal_key, &b, blob);
	buf_clear(&b);
	return e;
}

void author_free(struct author_record *a)
{
	if (!a)
		return;
	crypto_public_free(a->key);
	free((void *)a->blob.at);
	free(a);
}

/* The members of a->tbs. */
static struct err read_members(struct author_record *a)
{
	struct span_reader r = span_read(a->tbs);
	struct span spki;
	struct err e;

	encoding_read_domain(&r, DOMAIN_AUTHOR);
	encoding_read_replica(&r, &a->replica);
	spki = span_read_var(&r);
	a->from = span_read_u64(&r);
	e = encoding_read_end(&r);
	if (!failed(e))
		e = crypto_public_from_spki(spki, &a->key);
	if (failed(e))
		return e;
	if (crypto_public_curve(a->key) != CRYPTO_P256)
		return err_make(ERR_MALFORMED, "author record: curve");
	a->id = crypto_public_id(a->key);
	return ERR_NONE;
}

struct err author_decode(struct span blob, struct author_record **out)
{
	struct author_record *a = NULL;
	uint8_t *bytes = NULL;
	struct err e;

	if (blob.len > AUTHOR_BLOB_MAX)
		return err_make(ERR_TOO_LARGE, "author record beyond its cap");
	a = calloc(1, sizeof(*a));
	bytes = malloc(blob.len + 1);
	if (!a || !bytes) {
		free(bytes);
		e = err_make(ERR_NO_MEMORY, "author record");
		goto out;
	}
	if (blob.len)
		memcpy(bytes, blob.at, blob.len);
	a->blob = span_of(bytes, blob.len);
	e = encoding_split_blob(a->blob, &a->tbs, &a->signature);
	if (!failed(e))
		e = read_members(a);
	if (failed(e))
		goto out;
	*out = a;
	a = NULL;
out:
	author_free(a);
	return e;
}

struct err author_check(const struct author_record *a,
			const struct replica_certificate *certificate)
{
	if (!replica_eq(a->replica, certificate->draft.replica))
		return err_make(ERR_UNAUTHENTICATED,
				"author record of another replica");
	return encoding_verify(certificate->draft.seal, CRYPTO_P384, a->tbs,
			       a->signature);
}
