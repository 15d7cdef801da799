/* A shelf as a value. */
#include <stdlib.h>

#include "proto/crypto/crypto.h"
#include "proto/crypto/domain.h"
#include "proto/label/shelf.h"

static int compare(const void *a, const void *b)
{
	return digest_cmp(*(const struct digest *)a, *(const struct digest *)b);
}

struct err shelf_make(struct span space, const struct digest *labels,
		      size_t label_count, uint64_t condition, struct shelf *out)
{
	struct shelf s = {.condition = condition};
	struct err e = space_check(space);

	if (failed(e))
		return e;
	if (label_count == 0)
		return err_make(ERR_MALFORMED, "shelf without a label");
	if (label_count > SHELF_LABEL_MAX)
		return err_make(ERR_TOO_LARGE, "too many labels on a shelf");
	memcpy(s.space, space.at, space.len);
	memcpy(s.labels, labels, label_count * sizeof(*labels));
	qsort(s.labels, label_count, sizeof(*labels), compare);
	for (size_t i = 0; i < label_count; i++) {
		if (i == 0 ||
		    !digest_eq(s.labels[i], s.labels[s.label_count - 1]))
			s.labels[s.label_count++] = s.labels[i];
	}
	for (size_t i = s.label_count; i < SHELF_LABEL_MAX; i++)
		s.labels[i] = (struct digest){0};
	*out = s;
	return ERR_NONE;
}

bool shelf_eq(const struct shelf *a, const struct shelf *b)
{
	return strcmp(a->space, b->space) == 0 &&
	       a->condition == b->condition &&
	       a->label_count == b->label_count &&
	       memcmp(a->labels, b->labels,
		      a->label_count * sizeof(a->labels[0])) == 0;
}

void shelf_encode(const struct shelf *shelf, struct buf *out)
{
	buf_put_var(out, span_str(shelf->space));
	buf_put_u16(out, (uint16_t)shelf->label_count);
	buf_put(out, span_of(shelf->labels, shelf->label_count * DIGEST_LEN));
	buf_put_u64(out, shelf->condition);
}

struct err shelf_name(const struct shelf *shelf, struct digest *out)
{
	struct buf b;
	struct err e;

	buf_init(&b, SHELF_ENCODED_MAX + 64);
	encode_domain(&b, DOMAIN_SHELF);
	shelf_encode(shelf, &b);
	e = buf_check(&b);
	if (!failed(e))
		e = crypto_sha256(buf_span(&b), out);
	buf_clear(&b);
	return e;
}

struct err shelf_decode(struct span bytes, struct shelf *out)
{
	struct digest labels[SHELF_LABEL_MAX];
	struct span_reader r = span_read(bytes);
	struct span space = span_read_var(&r);
	size_t count = span_read_u16(&r);
	uint64_t condition;
	struct shelf s;
	struct err e;

	if (r.bad || count > SHELF_LABEL_MAX)
		return err_make(ERR_MALFORMED, "shelf: bad count");
	span_read_into(&r, labels, count * DIGEST_LEN);
	condition = span_read_u64(&r);
	if (!span_read_done(&r))
		return err_make(ERR_MALFORMED, "shelf: bad length");
	e = shelf_make(space, labels, count, condition, &s);
	if (failed(e))
		return err_blame(e, ERR_MALFORMED, "shelf: not of its form");
	/* One value has one encoding. */
	if (s.label_count != count ||
	    memcmp(s.labels, labels, count * DIGEST_LEN) != 0)
		return err_make(ERR_MALFORMED, "shelf: labels not sorted");
	*out = s;
	return ERR_NONE;
}
