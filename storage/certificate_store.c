/* Replica certificates and pinned seal roots. */
#include "storage/certificate_store.h"

#include "proto/crypto/crypto.h"
#include "storage/record.h"

/* The highest issue kept of a replica, and the digest it names. */
static struct err latest(struct txn *txn, struct replica replica,
			 uint64_t *issue, struct digest *digest)
{
	struct txn_cursor *cursor = NULL;
	struct span_reader k, v;
	struct txn_row row;
	struct err e;

	e = txn_cursor_open(txn, TABLE_CERTIFICATES,
			    key_certificate_replica_prefix(replica), &cursor);
	if (!failed(e))
		e = txn_cursor_last(cursor, &row);
	if (!failed(e)) {
		k = span_read(row.key);
		span_read_u8(&k);
		record_read_replica(&k);
		*issue = span_read_u64(&k);
		v = span_read(row.value);
		*digest = record_read_digest(&v);
		e = record_read_end(&k, "a certificate's key is malformed");
	}
	if (!failed(e))
		e = record_read_end(&v, "a certificate's row is malformed");
	txn_cursor_close(cursor);
	return e;
}

struct err certificate_store_put(struct txn *txn, struct replica replica,
				 uint64_t issue, struct span blob,
				 struct digest *digest)
{
	struct digest named, kept;
	uint64_t kept_issue;
	struct err e;

	if (blob.len > CERTIFICATE_STORE_MAX)
		return err_make(ERR_TOO_LARGE, "a certificate too long");
	e = crypto_sha256(blob, &named);
	if (failed(e))
		return e;
	e = latest(txn, replica, &kept_issue, &kept);
	if (failed(e) && e.code != ERR_NOT_FOUND)
		return e;
	if (!failed(e)) {
		if (issue < kept_issue ||
		    (issue == kept_issue && !digest_eq(named, kept)))
			return err_make(ERR_CONFLICT,
					"a later certificate is known");
		if (issue == kept_issue) {
			*digest = named;
			return ERR_NONE;
		}
	}
	e = txn_put(txn, TABLE_CERTIFICATES, key_certificate(named), blob);
	if (!failed(e))
		e = txn_put(txn, TABLE_CERTIFICATES,
			    key_certificate_replica(replica, issue),
			    SPAN_OBJ(named.at));
	if (!failed(e))
		*digest = named;
	return e;
}

struct err certificate_store_get(struct txn *txn, struct digest digest,
				 struct span *blob)
{
	return txn_get(txn, TABLE_CERTIFICATES, key_certificate(digest), blob);
}

struct err certificate_store_latest(struct txn *txn, struct replica replica,
				    uint64_t *issue, struct span *blob)
{
	struct digest digest;
	uint64_t n;
	struct err e;

	e = latest(txn, replica, &n, &digest);
	if (!failed(e))
		e = certificate_store_get(txn, digest, blob);
	if (!failed(e) && issue)
		*issue = n;
	return e;
}

struct err certificate_store_next(struct txn *txn, struct replica *replica)
{
	struct key prefix = key_of_kind(KEY_CERTIFICATE_REPLICA);
	struct replica from = *replica;
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct span_reader r;
	struct err e;

	if (from.number == UINT64_MAX)
		return err_make(ERR_NOT_FOUND, "no more replicas");
	from.number++;
	key_put(&prefix, SPAN_OBJ(from.nation.code));
	e = txn_cursor_open(txn, TABLE_CERTIFICATES, prefix, &cursor);
	if (!failed(e))
		e = txn_cursor_seek(cursor, key_certificate_replica(from, 0),
				    &row);
	if (!failed(e)) {
		r = span_read(row.key);
		span_read_u8(&r);
		from = record_read_replica(&r);
		span_read_u64(&r);
		e = record_read_end(&r, "a certificate's key is malformed");
	}
	if (!failed(e))
		*replica = from;
	txn_cursor_close(cursor);
	return e;
}

struct err certificate_store_pin(struct txn *txn, struct nation nation,
				 uint64_t number, struct span spki)
{
	uint64_t have;
	struct span kept;
	struct buf b;
	struct err e;

	e = certificate_store_root(txn, nation, &have, &kept);
	if (failed(e) && e.code != ERR_NOT_FOUND)
		return e;
	if (!failed(e) && number <= have)
		return err_make(ERR_CONFLICT, "a later seal root is pinned");
	buf_init(&b, 8 + CRYPTO_SPKI_MAX);
	buf_put_u64(&b, number);
	buf_put(&b, spki);
	e = buf_check(&b);
	if (!failed(e))
		e = txn_put(txn, TABLE_CERTIFICATES,
			    key_certificate_root(nation), buf_span(&b));
	buf_clear(&b);
	return e;
}

struct err certificate_store_root(struct txn *txn, struct nation nation,
				  uint64_t *number, struct span *spki)
{
	struct span_reader r;
	struct span value;
	uint64_t n;
	struct err e;

	e = txn_get(txn, TABLE_CERTIFICATES, key_certificate_root(nation),
		    &value);
	if (failed(e))
		return e;
	r = span_read(value);
	n = span_read_u64(&r);
	if (r.bad)
		return err_make(ERR_CORRUPT, "a pinned root is malformed");
	if (number)
		*number = n;
	*spki = r.left;
	return ERR_NONE;
}
