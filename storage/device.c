/* Devices: by author key, by certificate, by every key ever registered. */
#include "storage/device.h"
#include "storage/record.h"

enum { DEVICE_FORM = 1 };

static struct err put_row(struct txn *txn, const struct device *d)
{
	struct buf value;
	struct err e;

	buf_init(&value, RECORD_VALUE_MAX);
	buf_put_u8(&value, DEVICE_FORM);
	buf_put_u8(&value, (uint8_t)d->state);
	buf_put_var(&value, d->author_spki);
	buf_put_var(&value, d->wrapping);
	record_put_key_id(&value, d->tls);
	record_put_digest(&value, d->certificate);
	buf_put_u64(&value, d->certificate_until);
	buf_put_var(&value, d->subject);
	buf_put_u64(&value, d->enrolled);
	buf_put_u64(&value, d->changed);
	record_put_long(&value, d->attestation);
	record_put_long(&value, d->posture);
	e = buf_check(&value);
	if (!failed(e))
		e = txn_put(txn, TABLE_DEVICES, key_device(d->author),
			    buf_span(&value));
	buf_clear(&value);
	return e;
}

static struct err put_certificate(struct txn *txn, const struct device *d)
{
	return txn_put(txn, TABLE_DEVICES,
		       key_device_certificate(d->certificate),
		       span_of(d->author.at, DIGEST_LEN));
}

struct err device_add(struct txn *txn, const struct device *d)
{
	struct key_id keys[3] = {d->author, d->tls};
	struct digest point;
	struct err e = crypto_sha256(d->wrapping, &point);

	if (failed(e))
		return e;
	memcpy(keys[2].at, point.at, DIGEST_LEN);
	for (int i = 0; i < 3; i++) {
		e = txn_put_new(txn, TABLE_DEVICES, key_device_key(keys[i]),
				span_of(d->author.at, DIGEST_LEN));
		if (failed(e))
			return e;
	}
	e = txn_put(txn, TABLE_DEVICES,
		    key_device_subject(d->subject, d->author), span_str(""));
	if (!failed(e))
		e = put_certificate(txn, d);
	if (!failed(e))
		e = put_row(txn, d);
	return e;
}

struct err device_put(struct txn *txn, const struct device *d)
{
	struct err e = put_certificate(txn, d);

	if (failed(e))
		return e;
	return put_row(txn, d);
}

static struct err decode(struct key_id author, struct span value,
			 struct arena *arena, struct device *out)
{
	struct span_reader r = span_read(arena_copy(arena, value));
	struct device d = {.author = author};

	if (arena->full)
		return arena_check(arena);
	if (span_read_u8(&r) != DEVICE_FORM)
		return err_make(ERR_VERSION, "a device of an unknown form");
	d.state = (enum device_state)span_read_u8(&r);
	d.author_spki = span_read_var(&r);
	d.wrapping = span_read_var(&r);
	d.tls = record_read_key_id(&r);
	d.certificate = record_read_digest(&r);
	d.certificate_until = span_read_u64(&r);
	d.subject = span_read_var(&r);
	d.enrolled = span_read_u64(&r);
	d.changed = span_read_u64(&r);
	d.attestation = record_read_long(&r);
	d.posture = record_read_long(&r);
	if (arena->full)
		return arena_check(arena);
	*out = d;
	return record_read_end(&r, "devices");
}

struct err device_get(struct txn *txn, struct key_id author,
		      struct arena *arena, struct device *out)
{
	struct span value;
	struct err e = txn_get(txn, TABLE_DEVICES, key_device(author), &value);

	if (failed(e))
		return e;
	return decode(author, value, arena, out);
}

struct err device_by_certificate(struct txn *txn, struct digest certificate,
				 struct arena *arena, struct device *out)
{
	struct key_id author;
	struct span value;
	struct err e = txn_get(txn, TABLE_DEVICES,
			       key_device_certificate(certificate), &value);

	if (failed(e))
		return e;
	if (value.len != DIGEST_LEN)
		return err_make(ERR_CORRUPT, "devices: certificate row");
	memcpy(author.at, value.at, DIGEST_LEN);
	return device_get(txn, author, arena, out);
}

struct err device_next(struct txn *txn, struct arena *arena, struct device *out)
{
	struct txn_cursor *cursor = NULL;
	struct txn_row row;
	struct key from = key_device(out->author);
	struct key_id author;
	struct err e;

	key_put_u8(&from, 0);
	e = txn_cursor_open(txn, TABLE_DEVICES, key_of_kind(KEY_DEVICE_AUTHOR),
			    &cursor);
	if (!failed(e))
		e = txn_cursor_seek(cursor, from, &row);
	if (!failed(e) && row.key.len != 1 + DIGEST_LEN)
		e = err_make(ERR_CORRUPT, "devices: key");
	if (!failed(e)) {
		memcpy(author.at, row.key.at + 1, DIGEST_LEN);
		e = decode(author, row.value, arena, out);
	}
	txn_cursor_close(cursor);
	return e;
}
