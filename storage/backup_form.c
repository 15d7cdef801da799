/* A backup's bytes: pieces sealed to the recovery key. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/crypto/domain.h"
#include "proto/crypto/hpke.h"
#include "storage/backup_form.h"
#include "storage/record.h"

enum {
	HEAD_MAX = 256,
	MAGIC_LEN = 7,
	SEALED = BACKUP_PIECE + CRYPTO_TAG_LEN,
};

static const char magic[MAGIC_LEN + 1] = "ENTBKUP";

void backup_head_put(const struct backup_head *head, struct buf *out)
{
	buf_put_u32(out, head->version);
	record_put_replica(out, head->replica);
	buf_put(out, SPAN_OBJ(head->store_id));
	buf_put_u64(out, head->time);
}

struct err backup_head_read(struct span bytes, struct backup_head *out)
{
	struct span_reader r = span_read(bytes);
	struct backup_head head = {.version = span_read_u32(&r)};
	struct err e;

	head.replica = record_read_replica(&r);
	span_read_into(&r, head.store_id, sizeof(head.store_id));
	head.time = span_read_u64(&r);
	e = record_read_end(&r, "a backup's head is malformed");
	if (!failed(e))
		*out = head;
	return e;
}

/* ---- pieces ---- */

struct pieces {
	uint8_t key[CRYPTO_KEY_LEN];
	struct digest head;
	uint64_t number; /* of the next */
};

static struct span info(void)
{
	return span_str(domain_string(DOMAIN_BACKUP));
}

static void nonce_of(uint64_t number, uint8_t out[CRYPTO_NONCE_LEN])
{
	memset(out, 0, 4);
	for (int i = 0; i < 8; i++)
		out[4 + i] = (uint8_t)(number >> (56 - 8 * i));
}

static struct err aad_of(const struct pieces *p, bool last, struct buf *aad)
{
	buf_init(aad, 128);
	encode_domain(aad, DOMAIN_BACKUP);
	buf_put(aad, SPAN_OBJ(p->head.at));
	buf_put_u64(aad, p->number);
	buf_put_u8(aad, last);
	return buf_check(aad);
}

static struct err piece_seal(struct pieces *p, bool last, struct span plain,
			     uint8_t *out)
{
	uint8_t nonce[CRYPTO_NONCE_LEN];
	struct buf aad;
	struct err e = aad_of(p, last, &aad);

	nonce_of(p->number, nonce);
	if (!failed(e))
		e = crypto_gcm_seal(p->key, nonce, buf_span(&aad), plain, out);
	p->number++;
	buf_clear(&aad);
	return e;
}

static struct err piece_open(struct pieces *p, bool last, struct span sealed,
			     uint8_t *out)
{
	uint8_t nonce[CRYPTO_NONCE_LEN];
	struct buf aad;
	struct err e = aad_of(p, last, &aad);

	nonce_of(p->number, nonce);
	if (!failed(e))
		e = crypto_gcm_open(p->key, nonce, buf_span(&aad), sealed, out);
	if (e.code == ERR_DIGEST)
		e = err_make(ERR_CORRUPT, "a piece of the backup is not "
					  "authentic");
	p->number++;
	buf_clear(&aad);
	return e;
}

/* ---- writing ---- */

struct backup_out {
	int fd;
	struct pieces pieces;
	uint64_t bytes;
	size_t len;
	uint8_t plain[BACKUP_PIECE];
	uint8_t sealed[SEALED];
};

static struct err write_all(struct backup_out *o, struct span bytes)
{
	o->bytes += bytes.len;
	while (bytes.len) {
		ssize_t n = write(o->fd, bytes.at, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_make(errno == ENOSPC || errno == EDQUOT
						? ERR_DISK_FULL
						: ERR_IO,
					"the backup cannot be written");
		bytes = span_sub(bytes, (size_t)n, SIZE_MAX);
	}
	return ERR_NONE;
}

static struct err write_head(struct backup_out *o,
			     const struct crypto_public *recovery,
			     const struct random *random)
{
	struct hpke_context context = {0};
	struct hpke_enc enc;
	struct buf head;
	struct err e = hpke_setup_sender(HPKE_P384, recovery, info(), random,
					 &enc, &context);

	buf_init(&head, HEAD_MAX);
	if (!failed(e))
		e = hpke_export(&context, span_str("key"), o->pieces.key,
				sizeof(o->pieces.key));
	hpke_clear(&context);
	if (!failed(e)) {
		buf_put(&head, span_of(magic, MAGIC_LEN));
		buf_put_u8(&head, BACKUP_VERSION);
		buf_put_u16(&head, HPKE_P384);
		record_put_key_id(&head, crypto_public_point_id(recovery));
		buf_put_var(&head, hpke_enc_span(&enc));
		e = buf_check(&head);
	}
	if (!failed(e))
		e = crypto_sha256(buf_span(&head), &o->pieces.head);
	if (!failed(e))
		e = write_all(o, buf_span(&head));
	buf_clear(&head);
	return e;
}

struct err backup_out_new(int fd, const struct crypto_public *recovery,
			  const struct random *random, struct backup_out **out)
{
	struct backup_out *o = calloc(1, sizeof(*o));
	struct err e;

	if (!o)
		return err_make(ERR_NO_MEMORY, "no memory for a backup");
	o->fd = fd;
	e = write_head(o, recovery, random);
	if (failed(e))
		backup_out_free(o);
	else
		*out = o;
	return e;
}

void backup_out_free(struct backup_out *o)
{
	if (!o)
		return;
	wipe(o, sizeof(*o));
	free(o);
}

static struct err flush(struct backup_out *o, bool last)
{
	struct err e = piece_seal(&o->pieces, last, span_of(o->plain, o->len),
				  o->sealed);

	if (!failed(e))
		e = write_all(o, span_of(o->sealed, o->len + CRYPTO_TAG_LEN));
	o->len = 0;
	return e;
}

static struct err put_bytes(struct backup_out *o, struct span bytes)
{
	struct err e = ERR_NONE;

	while (!failed(e) && bytes.len) {
		size_t n = BACKUP_PIECE - o->len;

		/* A full one waits, for it may be the last. */
		if (n == 0) {
			e = flush(o, false);
			continue;
		}
		if (n > bytes.len)
			n = bytes.len;
		memcpy(o->plain + o->len, bytes.at, n);
		o->len += n;
		bytes = span_sub(bytes, n, SIZE_MAX);
	}
	return e;
}

struct err backup_out_put(struct backup_out *o, enum backup_kind kind,
			  struct span payload)
{
	const uint8_t head[] = {(uint8_t)kind, (uint8_t)(payload.len >> 24),
				(uint8_t)(payload.len >> 16),
				(uint8_t)(payload.len >> 8),
				(uint8_t)payload.len};
	struct err e;

	if (payload.len > BACKUP_ENTRY_MAX)
		return err_make(ERR_TOO_LARGE, "too large for a backup");
	e = put_bytes(o, SPAN_OBJ(head));
	return failed(e) ? e : put_bytes(o, payload);
}

struct err backup_out_end(struct backup_out *o)
{
	struct err e = flush(o, true);

	if (!failed(e) && fsync(o->fd) != 0)
		e = err_make(ERR_IO, "the backup cannot be synced");
	return e;
}

uint64_t backup_out_bytes(const struct backup_out *o)
{
	return o->bytes;
}

/* ---- reading ---- */

struct backup_in {
	int fd;
	struct pieces pieces;
	uint64_t done, total;
	bool last, ended;
	size_t at, len; /* of `plain` */
	struct buf entry;
	uint8_t plain[BACKUP_PIECE];
	uint8_t sealed[SEALED];
};

static struct err read_up_to(struct backup_in *in, uint8_t *to, size_t len,
			     size_t *got)
{
	*got = 0;
	while (*got < len) {
		ssize_t n = read(in->fd, to + *got, len - *got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_make(ERR_IO, "the backup cannot be read");
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	in->done += *got;
	return ERR_NONE;
}

static struct err open_key(struct backup_in *in,
			   const struct crypto_key *recovery, struct span enc)
{
	struct hpke_context context = {0};
	struct err e =
		hpke_setup_receiver(HPKE_P384, recovery, enc, info(), &context);

	if (!failed(e))
		e = hpke_export(&context, span_str("key"), in->pieces.key,
				sizeof(in->pieces.key));
	hpke_clear(&context);
	return e;
}

static struct err read_head(struct backup_in *in,
			    const struct crypto_key *recovery)
{
	enum { LEN = MAGIC_LEN + 1 + 2 + DIGEST_LEN + 2 + CRYPTO_POINT_MAX };
	struct key_id mine =
		crypto_public_point_id(crypto_key_public(recovery));
	struct span_reader r;
	struct span enc;
	struct key_id to;
	uint8_t head[LEN], version;
	size_t got;
	struct err e = read_up_to(in, head, sizeof(head), &got);

	if (failed(e))
		return e;
	r = span_read(span_of(head, got));
	if (!span_eq(span_read_raw(&r, MAGIC_LEN), span_of(magic, MAGIC_LEN)))
		return err_make(ERR_MALFORMED, "this is no backup");
	version = span_read_u8(&r);
	if (version != BACKUP_VERSION || span_read_u16(&r) != HPKE_P384)
		return err_make(ERR_VERSION, "a backup of another version");
	to = record_read_key_id(&r);
	enc = span_read_var(&r);
	if (!span_read_done(&r))
		return err_make(ERR_CORRUPT, "the backup's head is cut");
	if (!key_id_eq(to, mine))
		return err_make(ERR_SEALED,
				"the backup is sealed to another recovery key");
	e = crypto_sha256(span_of(head, got), &in->pieces.head);
	return failed(e) ? e : open_key(in, recovery, enc);
}

struct err backup_in_open(const char *path, const struct crypto_key *recovery,
			  struct backup_in **out)
{
	struct backup_in *in = calloc(1, sizeof(*in));
	struct stat st;
	struct err e = ERR_NONE;

	if (!in)
		return err_make(ERR_NO_MEMORY, "no memory for a backup");
	buf_init(&in->entry, BACKUP_ENTRY_MAX);
	in->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0 || fstat(in->fd, &st) != 0)
		e = err_make(errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
			     "the backup cannot be opened");
	else
		in->total = (uint64_t)st.st_size;
	if (!failed(e))
		e = read_head(in, recovery);
	if (failed(e))
		backup_in_close(in);
	else
		*out = in;
	return e;
}

void backup_in_close(struct backup_in *in)
{
	if (!in)
		return;
	if (in->fd >= 0)
		close(in->fd);
	buf_wipe(&in->entry);
	wipe(in, sizeof(*in));
	free(in);
}

static struct err next_piece(struct backup_in *in)
{
	size_t got;
	struct err e;

	if (in->last)
		return err_make(ERR_CORRUPT, "the backup ends too early");
	e = read_up_to(in, in->sealed, SEALED, &got);
	if (failed(e))
		return e;
	if (got < CRYPTO_TAG_LEN)
		return err_make(ERR_CORRUPT, "the backup is cut short");
	in->last = in->done >= in->total;
	in->at = 0;
	in->len = got - CRYPTO_TAG_LEN;
	return piece_open(&in->pieces, in->last, span_of(in->sealed, got),
			  in->plain);
}

static struct err take(struct backup_in *in, uint8_t *to, size_t len)
{
	struct err e = ERR_NONE;

	while (!failed(e) && len) {
		size_t n = in->len - in->at;

		if (n == 0) {
			e = next_piece(in);
			continue;
		}
		if (n > len)
			n = len;
		memcpy(to, in->plain + in->at, n);
		in->at += n;
		to += n;
		len -= n;
	}
	return e;
}

struct err backup_in_next(struct backup_in *in, enum backup_kind *kind,
			  struct span *payload)
{
	uint8_t head[5], *room;
	size_t len;
	struct err e;

	if (in->ended)
		return in->last && in->at == in->len
			       ? err_make(ERR_NOT_FOUND, "the backup's end")
			       : err_make(ERR_CORRUPT,
					  "something follows the backup's end");
	e = take(in, head, sizeof(head));
	if (failed(e))
		return e;
	len = (size_t)head[1] << 24 | (size_t)head[2] << 16 |
	      (size_t)head[3] << 8 | head[4];
	if (len > BACKUP_ENTRY_MAX)
		return err_make(ERR_CORRUPT, "an entry of the backup is "
					     "malformed");
	buf_reset(&in->entry);
	room = buf_grow(&in->entry, len);
	if (!room && len)
		return buf_check(&in->entry);
	e = take(in, room, len);
	if (failed(e))
		return e;
	in->ended = head[0] == BACKUP_END;
	*kind = head[0];
	*payload = span_of(in->entry.at, len);
	return ERR_NONE;
}

uint64_t backup_in_done(const struct backup_in *in)
{
	return in->done;
}

uint64_t backup_in_total(const struct backup_in *in)
{
	return in->total;
}
