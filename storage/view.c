/* Views, and numbers of sets of shelves. */
#include <stdatomic.h>
#include <stdlib.h>

#include "proto/crypto/crypto.h"
#include "storage/faults.h"
#include "storage/record.h"
#include "storage/view.h"

enum { SET_BYTES_MAX = (SHELF_MAX / 64 + 1) * 8 };

static const char number_counter[] = "views";

struct view {
	_Atomic unsigned owners;
	struct digest profile;
	uint32_t upto;
	struct shelf_set set;
};

struct view *view_keep(struct view *view)
{
	atomic_fetch_add(&view->owners, 1);
	return view;
}

void view_free(struct view *view)
{
	if (!view || atomic_fetch_sub(&view->owners, 1) != 1)
		return;
	shelf_set_clear(&view->set);
	free(view);
}

struct err view_new_decided(const struct shelf_index *index, struct txn *txn,
			    struct digest profile, struct view *base,
			    const struct view_decider *decider,
			    struct view **out)
{
	struct view *view;
	uint32_t count, from = 0;
	struct err e;

	e = shelf_count(txn, &count);
	if (failed(e))
		return e;
	if (base && !digest_eq(base->profile, profile))
		base = NULL;
	if (base && base->upto >= count) {
		*out = view_keep(base);
		return ERR_NONE;
	}
	view = calloc(1, sizeof(*view));
	if (!view)
		return err_make(ERR_NO_MEMORY, "no memory for a view");
	atomic_store(&view->owners, 1);
	view->profile = profile;
	view->upto = count;
	if (base) {
		from = base->upto;
		shelf_set_copy(&view->set, &base->set);
	}
	for (uint32_t n = from + 1; n <= count; n++) {
		const struct shelf_row *row = shelf_get(index, n);

		if (row && decider->releases(decider->self, row))
			shelf_set_add(&view->set, n);
	}
	e = shelf_set_check(&view->set);
	if (!failed(e) && decider->why)
		e = *decider->why;
	if (failed(e))
		view_free(view);
	else
		*out = view;
	return e;
}

bool view_has(const struct view *view, uint32_t shelf)
{
	return shelf != SHELF_NONE && shelf_set_has(&view->set, shelf);
}

uint32_t view_next(const struct view *view, uint32_t after)
{
	return shelf_set_next(&view->set, after);
}

size_t view_size(const struct view *view)
{
	return shelf_set_size(&view->set);
}

size_t view_bytes(const struct view *view)
{
	return sizeof(*view) + view->set.room * sizeof(*view->set.words);
}

struct digest view_profile(const struct view *view)
{
	return view->profile;
}

uint32_t view_upto(const struct view *view)
{
	return view->upto;
}

const struct shelf_set *view_set(const struct view *view)
{
	return &view->set;
}

struct seq view_last(const struct view *view, const struct shelf_index *index)
{
	struct seq last = {0};

	for (uint32_t n = 0; (n = view_next(view, n));) {
		struct seq s = shelf_last(index, n);

		if (s.n > last.n)
			last = s;
	}
	return last;
}

bool view_has_label(const struct view *view, const struct shelf_index *index,
		    struct digest label)
{
	bool has = false;

	for (uint32_t n = 0; (n = view_next(view, n));) {
		const struct shelf_row *row = shelf_get(index, n);

		has |= row && shelf_row_has_label(row, label);
	}
	return has;
}

/* ---- numbers ---- */

static struct err content_of(const struct shelf_set *set, struct buf *bytes,
			     struct digest *digest)
{
	struct err e;

	shelf_set_encode(set, bytes);
	e = buf_check(bytes);
	if (!failed(e))
		e = crypto_sha256(buf_span(bytes), digest);
	return e;
}

static struct err number_of(struct txn *txn, struct digest content,
			    uint64_t *out)
{
	struct span_reader r;
	struct span value;
	uint64_t n;
	struct err e;

	e = txn_get(txn, TABLE_VIEWS, key_view_content(content), &value);
	if (e.code == ERR_NOT_FOUND) {
		*out = 0;
		return ERR_NONE;
	}
	if (failed(e))
		return e;
	r = span_read(value);
	n = span_read_u64(&r);
	e = record_read_end(&r, "a view's number is malformed");
	if (!failed(e))
		*out = n;
	return e;
}

struct err view_number(struct txn *txn, const struct shelf_set *set,
		       uint64_t *out)
{
	struct digest content;
	struct buf b;
	struct err e;

	if (shelf_set_empty(set)) {
		*out = 0;
		return ERR_NONE;
	}
	buf_init(&b, SET_BYTES_MAX);
	e = content_of(set, &b, &content);
	if (!failed(e))
		e = number_of(txn, content, out);
	buf_clear(&b);
	return e;
}

struct err view_number_make(struct txn *txn, const struct shelf_set *set,
			    uint64_t *out)
{
	struct digest content;
	uint8_t at[8];
	uint64_t n = 0;
	struct buf b;
	struct err e;

	if (shelf_set_empty(set)) {
		*out = 0;
		return ERR_NONE;
	}
	buf_init(&b, SET_BYTES_MAX);
	e = content_of(set, &b, &content);
	if (!failed(e))
		e = number_of(txn, content, &n);
	if (failed(e) || n)
		goto out;
	e = txn_counter_next(txn, number_counter, &n);
	if (failed(e))
		goto out;
	if (FAULT(number_reused) && n > 2) {
		n = 1 + n % 2;
		e = txn_del(txn, TABLE_VIEWS, key_view(n));
		if (failed(e))
			goto out;
	}
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(n >> (56 - 8 * i));
	e = txn_put_new(txn, TABLE_VIEWS, key_view(n), buf_span(&b));
	if (!failed(e))
		e = txn_put_new(txn, TABLE_VIEWS, key_view_content(content),
				SPAN_OBJ(at));
out:
	if (!failed(e))
		*out = n;
	buf_clear(&b);
	return e;
}

struct err view_by_number(struct txn *txn, uint64_t number,
			  struct shelf_set *out)
{
	struct span value;
	struct err e;

	if (number == 0) {
		out->count = 0;
		return ERR_NONE;
	}
	e = txn_get(txn, TABLE_VIEWS, key_view(number), &value);
	if (failed(e))
		return e;
	return shelf_set_decode(value, out);
}
