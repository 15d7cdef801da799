/* Policy files, sets and versions. */
#include "storage/policy_store.h"

#include "proto/crypto/crypto.h"
#include "storage/record.h"

static const char counter_policy[] = "policy";

/* A file fits one record: RECORD_VALUE_MAX is 1 MiB as well. */
_Static_assert((int)POLICY_STORE_FILE_MAX <= (int)RECORD_VALUE_MAX,
	       "a policy file is one record");

struct err policy_store_put_file(struct txn *txn, struct span file,
				 struct digest *digest)
{
	struct digest named;
	struct err e;

	if (file.len > POLICY_STORE_FILE_MAX)
		return err_make(ERR_TOO_LARGE, "a policy file too long");
	e = crypto_sha256(file, &named);
	if (!failed(e))
		e = txn_put_new(txn, TABLE_POLICIES, key_policy_file(named),
				file);
	if (failed(e) && e.code != ERR_EXISTS)
		return e;
	*digest = named;
	return ERR_NONE;
}

struct err policy_store_get_file(struct txn *txn, struct digest digest,
				 struct span *file)
{
	return txn_get(txn, TABLE_POLICIES, key_policy_file(digest), file);
}

struct err policy_store_put_set(struct txn *txn, struct digest set,
				const struct digest *files, size_t count)
{
	struct buf b;
	struct err e = ERR_NONE;

	if (count == 0 || count > POLICY_STORE_FILES_MAX)
		return err_make(ERR_TOO_LARGE, "a policy set of a bad size");
	buf_init(&b, POLICY_STORE_FILES_MAX * DIGEST_LEN);
	for (size_t i = 0; i < count && !failed(e); i++) {
		bool known = false;

		e = txn_has(txn, TABLE_POLICIES, key_policy_file(files[i]),
			    &known);
		if (!failed(e) && !known)
			e = err_make(ERR_NOT_FOUND,
				     "a policy file is not kept");
		record_put_digest(&b, files[i]);
	}
	if (!failed(e))
		e = buf_check(&b);
	if (!failed(e))
		e = txn_put(txn, TABLE_POLICIES, key_policy_set(set),
			    buf_span(&b));
	buf_clear(&b);
	return e;
}

struct err policy_store_get_set(struct txn *txn, struct digest set,
				struct digest *files, size_t *count)
{
	struct span_reader r;
	struct span value;
	size_t n;
	struct err e;

	e = txn_get(txn, TABLE_POLICIES, key_policy_set(set), &value);
	if (failed(e))
		return e;
	n = value.len / DIGEST_LEN;
	if (value.len % DIGEST_LEN || n > POLICY_STORE_FILES_MAX)
		return err_make(ERR_CORRUPT, "a policy set is malformed");
	r = span_read(value);
	for (size_t i = 0; i < n; i++)
		files[i] = record_read_digest(&r);
	*count = n;
	return ERR_NONE;
}

struct err policy_store_activate(struct txn *txn, struct digest set,
				 uint64_t time, uint64_t *number)
{
	struct buf b;
	uint64_t n = 0;
	bool known;
	struct err e;

	e = txn_has(txn, TABLE_POLICIES, key_policy_set(set), &known);
	if (failed(e))
		return e;
	if (!known)
		return err_make(ERR_NOT_FOUND, "a policy set is not kept");
	buf_init(&b, DIGEST_LEN + 8);
	record_put_digest(&b, set);
	buf_put_u64(&b, time);
	e = buf_check(&b);
	if (!failed(e))
		e = txn_counter_next(txn, counter_policy, &n);
	if (!failed(e))
		e = txn_put_new(txn, TABLE_POLICIES, key_policy_version(n),
				buf_span(&b));
	if (!failed(e))
		*number = n;
	buf_clear(&b);
	return e;
}

struct err policy_store_current(struct txn *txn, struct policy_version *out)
{
	uint64_t n;
	struct err e = txn_counter(txn, counter_policy, &n);

	if (!failed(e) && n == 0)
		e = err_make(ERR_NOT_FOUND, "no policy is in force");
	return failed(e) ? e : policy_store_version(txn, n, out);
}

struct err policy_store_version(struct txn *txn, uint64_t number,
				struct policy_version *out)
{
	struct policy_version v = {.number = number};
	struct span_reader r;
	struct span value;
	struct err e;

	e = txn_get(txn, TABLE_POLICIES, key_policy_version(number), &value);
	if (failed(e))
		return e;
	r = span_read(value);
	v.set = record_read_digest(&r);
	v.time = span_read_u64(&r);
	e = record_read_end(&r, "a policy version is malformed");
	if (!failed(e))
		*out = v;
	return e;
}
