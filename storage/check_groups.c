/* Groups: each tree built again, its root and who signed it; the audit. */
#include "proto/document/replica.h"
#include "proto/document/seal.h"
#include "storage/audit.h"
#include "storage/certificate_store.h"
#include "storage/check_inside.h"
#include "storage/record.h"

/* ---- leaves that documents name ---- */

static struct check_group *group_of(struct check *c, uint64_t number)
{
	struct check_group *g = &c->kept[number % CHECK_GROUPS_KEPT];
	struct group_row row;
	struct err e;

	if (g->number == number)
		return g;
	g->number = number;
	g->count = 0;
	e = group_get(c->txn[STORE_RECORDS], number, &row);
	if (failed(e)) { /* told where groups are walked, unless it is gone */
		g->count = e.code == ERR_NOT_FOUND ? 0 : SIZE_MAX;
		return g;
	}
	g->count = row.leaves.len / DIGEST_LEN;
	memcpy(g->leaves, row.leaves.at, row.leaves.len);
	return g;
}

void check_leaf(struct check *c, uint64_t group, uint16_t leaf,
		struct digest core, struct span key)
{
	const struct check_group *g = group_of(c, group);

	if (g->count == SIZE_MAX)
		return;
	if (g->count == 0)
		check_fault(c, TABLE_DOCUMENTS, key,
			    "the group that seals it is missing");
	else if (leaf >= g->count || !digest_eq(g->leaves[leaf], core))
		check_fault(c, TABLE_DOCUMENTS, key,
			    "the group that seals it has another leaf");
}

/* ---- trees and signatures ---- */

/* Whether a certificate of the replica has the seal key that signed. */
static bool by_certificate(struct check *c, const struct group_row *row,
			   struct span blob)
{
	struct replica_certificate *certificate = NULL;
	bool good = false;

	if (!failed(replica_decode(blob, &certificate)))
		good = !failed(seal_group_verify(certificate->draft.seal,
						 row->replica, row->time,
						 row->root, row->signature));
	if (good) {
		crypto_public_free(c->seal_key);
		c->seal_key = NULL;
		if (failed(crypto_public_from_spki(
			    crypto_public_spki(certificate->draft.seal),
			    &c->seal_key)))
			c->seal_key = NULL;
		c->seal_of = row->replica;
	}
	replica_free(certificate);
	return good;
}

/* Of every issue of the replica, and of the ring's own key. */
static bool by_any(struct check *c, const struct group_row *row)
{
	struct txn *txn = c->txn[STORE_RECORDS];
	const struct crypto_key *own = NULL;
	struct txn_cursor *cursor = NULL;
	struct txn_row at;
	bool good = false;
	struct err e;

	e = txn_cursor_open(txn, TABLE_CERTIFICATES,
			    key_certificate_replica_prefix(row->replica),
			    &cursor);
	while (!failed(e) && !good) {
		struct span_reader r;
		struct span blob;

		e = txn_cursor_next(cursor, &at);
		if (failed(e))
			break;
		r = span_read(at.value);
		if (check_find(c, TABLE_CERTIFICATES,
			       key_certificate(record_read_digest(&r)),
			       &blob) == CHECK_THERE)
			good = by_certificate(c, row, blob);
	}
	txn_cursor_close(cursor);
	if (good || !c->order->ring ||
	    failed(ring_private(c->order->ring, KEYFILE_SEAL, &own)))
		return good;
	return !failed(seal_group_verify(crypto_key_public(own), row->replica,
					 row->time, row->root, row->signature));
}

static bool signature_holds(struct check *c, const struct group_row *row)
{
	if (c->seal_key && nation_eq(c->seal_of.nation, row->replica.nation) &&
	    c->seal_of.number == row->replica.number &&
	    !failed(seal_group_verify(c->seal_key, row->replica, row->time,
				      row->root, row->signature)))
		return true;
	return by_any(c, row);
}

/* The ways that are kept say what the tree says. */
static void check_ways(struct check *c, struct span key,
		       const struct group_row *row,
		       const struct seal_group *built)
{
	struct txn *txn = c->txn[STORE_RECORDS];

	for (size_t i = 0; i < built->count; i++) {
		struct group_leaf kept, way = {.time = row->time};
		struct err e =
			group_leaf_get(txn, row->number, (uint16_t)i, &kept);

		if (failed(e)) /* absent, or told at the row itself */
			continue;
		seal_group_way(built, i, &way.place, way.salt, way.path);
		if (kept.time != way.time || kept.place != way.place ||
		    memcmp(kept.salt, way.salt, sizeof(way.salt)) != 0 ||
		    memcmp(kept.path, way.path, sizeof(way.path)) != 0)
			check_fault(c, TABLE_GROUPS, key,
				    "the way of a leaf is not the tree's");
	}
}

static void check_signed(struct check *c, struct span key,
			 const struct group_row *row)
{
	struct seal_group built;
	struct digest leaves[GROUP_LEAVES_MAX];
	uint64_t number = 0;
	struct err e;

	memcpy(leaves, row->leaves.at, row->leaves.len);
	e = seal_group_build(row->secret, row->replica, row->time, leaves,
			     row->leaves.len / DIGEST_LEN, &built);
	if (failed(e) || !digest_eq(seal_group_root(&built), row->root))
		check_fault(c, TABLE_GROUPS, key,
			    "its leaves do not make its root");
	else
		check_ways(c, key, row, &built);
	e = group_by_root(c->txn[STORE_RECORDS], row->root, &number);
	if (e.code == ERR_NOT_FOUND || (!failed(e) && number != row->number))
		check_fault(c, TABLE_GROUPS, key,
			    "its root does not lead back to it");
	c->found.signatures++;
	if (!signature_holds(c, row))
		check_fault(c, TABLE_GROUPS, key,
			    "its signature is not the seal key's");
}

static void check_group(struct check *c, struct span key, uint64_t number)
{
	bool waits = check_has(c, TABLE_GROUPS, key_group_unsigned(number));
	struct group_row row;
	struct err e = group_get(c->txn[STORE_RECORDS], number, &row);

	c->found.groups++;
	if (failed(e)) {
		/* Of its signature's row it is told there. */
		if (e.code != ERR_NOT_FOUND)
			check_fault(c, TABLE_GROUPS, key,
				    "the row or its signature cannot be read");
		return;
	}
	if (number == 0 || number > c->groups)
		check_fault(c, TABLE_GROUPS, key, "a group beyond the counter");
	if (row.first.n > row.last.n || row.last.n > c->sequence)
		check_fault(c, TABLE_GROUPS, key,
			    "its sequences are not of the feed");
	if (row.is_signed && waits)
		check_fault(c, TABLE_GROUPS, key,
			    "it is signed and waits to be");
	if (!row.is_signed && !waits)
		check_fault(c, TABLE_GROUPS, key,
			    "it is not signed, and nothing says so");
	if (row.is_signed)
		check_signed(c, key, &row);
	else
		check_say(c, CHECK_LEFT, TABLE_GROUPS, key,
			  "it is not signed yet", check_start);
}

static void check_way_row(struct check *c, struct span key, uint64_t number,
			  uint16_t leaf)
{
	const struct check_group *g = group_of(c, number);

	if (g->count != SIZE_MAX && leaf >= g->count)
		check_fault(c, TABLE_GROUPS, key,
			    "it is the way of a leaf that is not there");
}

struct err check_group_row(struct check *c, const struct txn_row *row)
{
	struct span_reader r = span_read(row->key);
	uint8_t kind = span_read_u8(&r);
	struct span_reader v = span_read(row->value);
	uint64_t number = 0;
	uint16_t leaf = 0;

	if (kind == KEY_GROUP_ROOT) {
		span_read_raw(&r, DIGEST_LEN);
		number = span_read_u64(&v);
	} else {
		number = span_read_u64(&r);
	}
	if (kind == KEY_GROUP_LEAF)
		leaf = span_read_u16(&r);
	if (kind > KEY_GROUP_LEAF || !span_read_done(&r) ||
	    (kind == KEY_GROUP_ROOT && !span_read_done(&v)))
		check_fault(c, TABLE_GROUPS, row->key,
			    "a row is not of its form");
	else if (kind == KEY_GROUP_ROW)
		check_group(c, row->key, number);
	else if (kind == KEY_GROUP_LEAF)
		check_way_row(c, row->key, number, leaf);
	else if (!check_has(c, TABLE_GROUPS, key_group(number)))
		check_fault(c, TABLE_GROUPS, row->key,
			    "it names a group that is missing");
	return ERR_NONE;
}

/* ---- the audit ---- */

struct err check_audit(struct check *c)
{
	struct audit_verdict v = {0};
	struct key key;
	struct err e = audit_verify(c->txn[STORE_RECORDS], &v);

	if (e.code == ERR_CORRUPT) /* told where the table is walked */
		return ERR_NONE;
	if (failed(e))
		return e;
	c->found.audit = v.number;
	key = key_audit(v.number);
	switch (v.fault) {
	case AUDIT_SOUND:
		break;
	case AUDIT_CHANGED:
		check_fault(c, TABLE_AUDIT, key_span(&key),
			    "the record, or the link to it, was changed");
		break;
	case AUDIT_DROPPED:
		check_fault(c, TABLE_AUDIT, key_span(&key),
			    "the record is missing");
		break;
	case AUDIT_TRUNCATED:
		check_fault(c, TABLE_AUDIT, key_span(&key),
			    "the records from here on are missing");
		break;
	}
	return ERR_NONE;
}
