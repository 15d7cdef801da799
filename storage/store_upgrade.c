/* From each version of a store to the next. */
#include "storage/store_upgrade.h"

#include <assert.h>

#include "storage/hold.h"
#include "storage/record.h"
#include "storage/store_inside.h"

/* What brings a store of version `from` to the next. */
struct step {
	uint32_t from;
	struct err (*run)(struct txn *txn);
};

static struct err first_hold(struct txn *txn)
{
	const struct hold none = {0};

	return hold_put(txn, &none);
}

static const struct step steps[] = {
	{1, first_hold},
};

static_assert(sizeof(steps) / sizeof(steps[0]) == STORE_VERSION - 1,
	      "a step for each version before this one");

static struct err read_version(struct store *store, uint32_t *out)
{
	struct span_reader r;
	struct txn *txn = NULL;
	struct span value;
	uint32_t seen = 0;
	struct err e =
		store_read_u32(store, TABLE_HEADER, key_version(), &seen);

	if (e.code == ERR_NOT_FOUND) {
		*out = 1;
		return ERR_NONE;
	}
	/* Before the MAC, which a newer build may make otherwise. */
	if (!failed(e) && seen > STORE_VERSION)
		return err_make(ERR_VERSION, "a newer build wrote this store");
	if (!failed(e))
		e = txn_begin_read(store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = txn_get(txn, TABLE_HEADER, key_version(), &value);
	if (!failed(e)) {
		r = span_read(value);
		*out = span_read_u32(&r);
		e = record_read_end(&r, "the store's version is malformed");
	}
	txn_abort(&txn);
	if (!failed(e) && *out == 0)
		e = err_make(ERR_CORRUPT, "the store's version is malformed");
	return e;
}

static struct err take_step(struct store *store, const struct step *step)
{
	struct txn *txn = NULL;
	uint32_t to = step->from + 1;
	const uint8_t value[4] = {(uint8_t)(to >> 24), (uint8_t)(to >> 16),
				  (uint8_t)(to >> 8), (uint8_t)to};
	struct err e = txn_begin_reserve(store, STORE_RECORDS, &txn);

	if (!failed(e))
		e = step->run(txn);
	if (!failed(e))
		e = txn_put(txn, TABLE_HEADER, key_version(), SPAN_OBJ(value));
	if (!failed(e))
		e = txn_commit(&txn);
	txn_abort(&txn);
	return e;
}

struct err store_upgrade(struct store *store)
{
	uint32_t version = 0;
	struct err e = read_version(store, &version);

	for (; !failed(e) && version < STORE_VERSION; version++)
		e = take_step(store, &steps[version - 1]);
	return e;
}
