/* The journal's file: records sealed one by one, a torn end cut off. */
#include "client/journal.h"

#include "client/files.h"
#include "client/journal_state.h"
#include "proto/crypto/domain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "entente journal 1\n"

enum {
	MAGIC_LEN = sizeof(MAGIC) - 1,
	NAME_LEN = 16,
	HEAD_LEN = MAGIC_LEN + NAME_LEN,
	FRAME_LEN = 4 + CRYPTO_NONCE_LEN,
	CHUNK = 1 << 20, /* plaintext of a record when the file is rewritten */
};

struct journal_disk {
	char folder[FILES_PATH_MAX];
	uint8_t key[CRYPTO_KEY_LEN];
	struct random random;
	bool no_sync;
	int lock, fd;
	uint8_t name[NAME_LEN];
	uint64_t records, len;
	uint64_t len_written_anew;
	bool dropped; /* something since the file was written anew */
	bool broken;  /* the memory and the file may differ */
};

struct journal_txn {
	struct journal *journal;
	struct buf ops;
};

/* ---- one record ---- */

static void aad_of(const struct journal_disk *d, uint64_t record,
		   struct buf *aad)
{
	buf_init(aad, 128);
	encode_domain(aad, DOMAIN_DEVICE_STORE);
	buf_put_var(aad, span_str("journal"));
	buf_put(aad, span_of(d->name, NAME_LEN));
	buf_put_u64(aad, record);
}

static struct err seal_record(struct journal_disk *d, uint64_t record,
			      struct span ops, struct buf *out)
{
	uint8_t nonce[CRYPTO_NONCE_LEN];
	struct buf aad;
	uint8_t *at;
	struct err e = random_fill(&d->random, nonce, sizeof(nonce));

	aad_of(d, record, &aad);
	buf_put_u32(out, (uint32_t)(ops.len + CRYPTO_TAG_LEN));
	buf_put(out, SPAN_OBJ(nonce));
	at = buf_grow(out, ops.len + CRYPTO_TAG_LEN);
	if (!failed(e))
		e = buf_check(out);
	if (!failed(e))
		e = crypto_gcm_seal(d->key, nonce, buf_span(&aad), ops, at);
	buf_clear(&aad);
	return e;
}

static struct err write_at(int fd, struct span bytes, uint64_t offset)
{
	while (bytes.len > 0) {
		ssize_t n = pwrite(fd, bytes.at, bytes.len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ENOSPC || errno == EDQUOT
				       ? err_make(ERR_DISK_FULL,
						  "no room for the journal")
				       : err_make(ERR_IO,
						  "writing the journal");
		offset += (uint64_t)n;
		bytes = span_sub(bytes, (size_t)n, SIZE_MAX);
	}
	return ERR_NONE;
}

static struct err append(struct journal_disk *d, struct span ops)
{
	struct buf record;
	struct err e;

	buf_init(&record, JOURNAL_RECORD_MAX + 64);
	e = seal_record(d, d->records, ops, &record);
	if (!failed(e))
		e = write_at(d->fd, buf_span(&record), d->len);
	if (!failed(e) && !d->no_sync && fdatasync(d->fd) != 0) {
		/* What the disk holds now is not known. */
		d->broken = true;
		e = err_make(ERR_IO, "syncing the journal");
	}
	if (!failed(e)) {
		d->len += record.len;
		d->records++;
	} else if (ftruncate(d->fd, (off_t)d->len) != 0) {
		d->broken = true;
	}
	buf_clear(&record);
	return e;
}

/* ---- opening ---- */

static struct err read_exact(int fd, uint64_t offset, uint8_t *out, size_t len)
{
	while (len > 0) {
		ssize_t n = pread(fd, out, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_make(ERR_IO, "reading the journal");
		out += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return ERR_NONE;
}

/* True if nothing but zeros follows: what a file system leaves where a write
 * was lost with the power. */
static bool zeros_from(int fd, uint64_t from, uint64_t to)
{
	uint8_t piece[4096];

	while (from < to) {
		size_t n =
			to - from < sizeof(piece) ? to - from : sizeof(piece);

		if (failed(read_exact(fd, from, piece, n)))
			return false;
		for (size_t i = 0; i < n; i++)
			if (piece[i])
				return false;
		from += n;
	}
	return true;
}

/* One record at d->len; `torn` if it is the end of an unfinished write. */
static struct err replay_one(struct journal *j, uint64_t size, bool *torn)
{
	struct journal_disk *d = j->disk;
	uint8_t frame[FRAME_LEN];
	struct span_reader r = span_read(SPAN_OBJ(frame));
	struct buf sealed, plain, aad;
	uint64_t len = 0;
	bool ignored = false;
	uint8_t *at;
	struct err e;

	buf_init(&sealed, JOURNAL_RECORD_MAX + 64);
	buf_init(&plain, JOURNAL_RECORD_MAX + 64);
	aad_of(d, d->records, &aad);
	*torn = size - d->len < FRAME_LEN + CRYPTO_TAG_LEN;
	if (*torn) {
		e = ERR_NONE;
		goto out;
	}
	e = read_exact(d->fd, d->len, frame, sizeof(frame));
	if (failed(e))
		goto out;
	len = span_read_u32(&r);
	if (len < CRYPTO_TAG_LEN || len > JOURNAL_RECORD_MAX + 32 ||
	    len > size - d->len - FRAME_LEN) {
		*torn = len > size - d->len - FRAME_LEN ||
			zeros_from(d->fd, d->len, size);
		e = *torn ? ERR_NONE
			  : err_make(ERR_CORRUPT, "a journal record");
		goto out;
	}
	at = buf_grow(&sealed, len);
	e = buf_check(&sealed);
	if (!failed(e))
		e = read_exact(d->fd, d->len + FRAME_LEN, at, len);
	at = failed(e) ? NULL : buf_grow(&plain, len - CRYPTO_TAG_LEN + 1);
	if (!failed(e))
		e = buf_check(&plain);
	if (!failed(e))
		e = crypto_gcm_open(d->key, frame + 4, buf_span(&aad),
				    buf_span(&sealed), at);
	if (e.code == ERR_DIGEST) {
		/* The last record may be torn; one before it may not. */
		*torn = d->records > 0 &&
			(d->len + FRAME_LEN + len == size ||
			 zeros_from(d->fd, d->len + FRAME_LEN + len, size));
		e = *torn ? ERR_NONE
		    : d->records == 0
			    ? err_make(ERR_SEALED,
				       "the folder's key is another")
			    : err_make(ERR_CORRUPT, "a journal record");
		goto out;
	}
	if (!failed(e))
		e = journal_apply(j, span_of(at, len - CRYPTO_TAG_LEN),
				  &ignored);
	if (!failed(e)) {
		d->len += FRAME_LEN + len;
		d->records++;
	}
out:
	buf_clear(&sealed);
	buf_wipe(&plain);
	buf_clear(&aad);
	return e;
}

static struct err replay(struct journal *j)
{
	struct journal_disk *d = j->disk;
	uint8_t head[HEAD_LEN];
	struct stat st;
	bool torn = false;
	struct err e;

	if (fstat(d->fd, &st) != 0)
		return err_make(ERR_IO, "the journal");
	e = st.st_size < HEAD_LEN ? err_make(ERR_CORRUPT, "no journal")
				  : read_exact(d->fd, 0, head, HEAD_LEN);
	if (!failed(e) && memcmp(head, MAGIC, MAGIC_LEN) != 0)
		e = err_make(ERR_VERSION, "the journal's form");
	if (failed(e))
		return e;
	memcpy(d->name, head + MAGIC_LEN, NAME_LEN);
	d->len = HEAD_LEN;
	while (!failed(e) && !torn && d->len < (uint64_t)st.st_size)
		e = replay_one(j, (uint64_t)st.st_size, &torn);
	if (!failed(e) && torn && ftruncate(d->fd, (off_t)d->len) != 0)
		e = err_make(ERR_IO, "cutting the journal's torn end");
	return e;
}

/* ---- writing the file anew ---- */

struct rewrite {
	struct journal_disk fresh; /* the file beside */
	struct buf ops;
	struct err e;
};

static void rewrite_flush(struct rewrite *w, bool last)
{
	if (failed(w->e) || (w->ops.len < CHUNK && !last))
		return;
	w->e = buf_check(&w->ops);
	/* The first record is there always: it tells a wrong key. */
	if (!failed(w->e) && (w->ops.len || w->fresh.records == 0))
		w->e = append(&w->fresh, buf_span(&w->ops));
	wipe(w->ops.at, w->ops.len);
	buf_reset(&w->ops);
}

#define EACH(list, write)                                                      \
	for (size_t i = 0; i < j->list##_count; i++) {                         \
		write(&w->ops, &j->list[i]);                                   \
		rewrite_flush(w, false);                                       \
	}

static void rewrite_all(struct journal *j, struct rewrite *w)
{
	EACH(shelves, journal_write_shelf)
	EACH(authors, journal_write_author)
	EACH(labels, journal_write_label)
	/* Documents of an earlier mark first, each under a mark below. */
	journal_write_number(&w->ops, JOURNAL_MARK,
			     j->mark ? 2 * (j->mark - 1) : 0);
	for (size_t i = 0; i < j->documents_count; i++)
		if (j->documents[i].mark < j->mark) {
			journal_write_document(&w->ops, &j->documents[i]);
			rewrite_flush(w, false);
		}
	journal_write_number(&w->ops, JOURNAL_MARK, 2 * j->mark + j->sweeping);
	for (size_t i = 0; i < j->documents_count; i++)
		if (j->documents[i].mark >= j->mark) {
			journal_write_document(&w->ops, &j->documents[i]);
			rewrite_flush(w, false);
		}
	EACH(keys, journal_write_key)
	EACH(outgoing, journal_write_outgoing)
	EACH(files, journal_write_file)
	EACH(serials, journal_write_serial)
	/* The cursor last, so a file cut short would ask again. */
	journal_write_text(&w->ops, JOURNAL_CURSOR, span_str(j->cursor));
	rewrite_flush(w, true);
}

static struct err rewrite(struct journal *j)
{
	struct journal_disk *d = j->disk;
	char path[FILES_PATH_MAX], beside[FILES_PATH_MAX];
	struct rewrite w = {.fresh = *d};
	struct buf head;
	struct err e = files_path(d->folder, "journal", path);
	int folder;

	buf_init(&head, HEAD_LEN);
	buf_init(&w.ops, JOURNAL_RECORD_MAX);
	w.fresh.records = 0;
	w.fresh.len = HEAD_LEN;
	w.fresh.fd = -1;
	w.fresh.no_sync = true; /* once, at the end */
	if (!failed(e))
		e = files_path(d->folder, "journal.new", beside);
	if (!failed(e))
		e = random_fill(&d->random, w.fresh.name, NAME_LEN);
	if (failed(e))
		goto out;
	w.fresh.fd = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (w.fresh.fd < 0) {
		e = err_make(ERR_IO, "writing the journal anew");
		goto out;
	}
	buf_put(&head, span_of(MAGIC, MAGIC_LEN));
	buf_put(&head, span_of(w.fresh.name, NAME_LEN));
	w.e = write_at(w.fresh.fd, buf_span(&head), 0);
	rewrite_all(j, &w);
	e = w.e;
	if (!failed(e) && !d->no_sync && fsync(w.fresh.fd) != 0)
		e = err_make(ERR_IO, "syncing the journal");
	if (!failed(e) && rename(beside, path) != 0)
		e = err_make(ERR_IO, "renaming the journal");
	if (failed(e))
		goto out;
	folder = open(d->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0 && !d->no_sync)
		fsync(folder);
	if (folder >= 0)
		close(folder);
	if (d->fd >= 0)
		close(d->fd);
	d->fd = w.fresh.fd;
	w.fresh.fd = -1;
	memcpy(d->name, w.fresh.name, NAME_LEN);
	d->records = w.fresh.records;
	d->len = d->len_written_anew = w.fresh.len;
	d->dropped = false;
out:
	if (w.fresh.fd >= 0)
		close(w.fresh.fd);
	buf_clear(&head);
	buf_wipe(&w.ops);
	wipe(&w.fresh, sizeof(w.fresh));
	return e;
}

struct err journal_tidy(struct journal *j)
{
	struct journal_disk *d = j->disk;

	if (d->broken)
		return err_make(ERR_IO, "the journal failed before");
	if (!d->dropped &&
	    d->len < 2 * d->len_written_anew + JOURNAL_COMPACT_BYTES)
		return ERR_NONE;
	return rewrite(j);
}

/* ---- open, close, transactions ---- */

struct err journal_open(const char *folder, const uint8_t key[CRYPTO_KEY_LEN],
			const struct random *random, bool no_sync,
			struct journal **out)
{
	struct journal *j = calloc(1, sizeof(*j));
	struct journal_disk *d = calloc(1, sizeof(*d));
	char path[FILES_PATH_MAX];
	struct err e;

	if (!j || !d) {
		free(j);
		free(d);
		return err_make(ERR_NO_MEMORY, "the journal");
	}
	j->disk = d;
	j->cursor = strdup("");
	j->mark = 1;
	d->lock = d->fd = -1;
	d->random = *random;
	d->no_sync = no_sync;
	memcpy(d->key, key, sizeof(d->key));
	snprintf(d->folder, sizeof(d->folder), "%s", folder);
	e = files_path(folder, "lock", path);
	if (!failed(e))
		d->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (!failed(e) && d->lock < 0)
		e = err_make(ERR_IO, "the folder cannot be written");
	if (!failed(e) && flock(d->lock, LOCK_EX | LOCK_NB) != 0)
		e = err_make(ERR_BUSY, "another process works in this folder");
	if (!failed(e))
		e = files_path(folder, "journal", path);
	if (!failed(e)) {
		d->fd = open(path, O_RDWR | O_CLOEXEC);
		e = d->fd >= 0 ? replay(j)
		    : errno == ENOENT
			    ? rewrite(j)
			    : err_make(ERR_IO, "the journal cannot be opened");
	}
	if (!failed(e) && !j->cursor)
		e = err_make(ERR_NO_MEMORY, "the journal");
	if (failed(e))
		journal_close(j);
	else
		*out = j;
	return e;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->disk->fd >= 0)
		close(j->disk->fd);
	if (j->disk->lock >= 0)
		close(j->disk->lock);
	wipe(j->disk, sizeof(*j->disk));
	free(j->disk);
	journal_state_clear(j);
	free(j);
}

struct err journal_begin(struct journal *j, struct journal_txn **out)
{
	struct journal_txn *t = calloc(1, sizeof(*t));

	if (!t)
		return err_make(ERR_NO_MEMORY, "a transaction");
	t->journal = j;
	buf_init(&t->ops, JOURNAL_RECORD_MAX);
	*out = t;
	return ERR_NONE;
}

struct err journal_commit(struct journal_txn **txn)
{
	struct journal_txn *t = *txn;
	struct journal_disk *d = t->journal->disk;
	struct err e = buf_check(&t->ops);

	if (!failed(e) && d->broken)
		e = err_make(ERR_IO, "the journal failed before");
	if (!failed(e) && t->ops.len) {
		e = append(d, buf_span(&t->ops));
		if (!failed(e)) {
			e = journal_apply(t->journal, buf_span(&t->ops),
					  &d->dropped);
			d->broken = d->broken || failed(e);
		}
	}
	journal_abort(txn);
	return e;
}

void journal_abort(struct journal_txn **txn)
{
	if (!*txn)
		return;
	buf_wipe(&(*txn)->ops);
	free(*txn);
	*txn = NULL;
}

void journal_put_document(struct journal_txn *txn,
			  const struct journal_document *d)
{
	journal_write_document(&txn->ops, d);
}

void journal_put_shelf(struct journal_txn *txn, const struct journal_shelf *s)
{
	journal_write_shelf(&txn->ops, s);
}

void journal_forget_shelf(struct journal_txn *txn, struct digest shelf)
{
	journal_write_digest(&txn->ops, JOURNAL_FORGET, shelf);
}

void journal_put_cursor(struct journal_txn *txn, struct span cursor)
{
	journal_write_text(&txn->ops, JOURNAL_CURSOR, cursor);
}

void journal_put_mark(struct journal_txn *txn)
{
	journal_write_number(&txn->ops, JOURNAL_MARK,
			     2 * (txn->journal->mark + 1) + 1);
}

void journal_put_sweep(struct journal_txn *txn)
{
	journal_write_number(&txn->ops, JOURNAL_SWEEP, 0);
}

void journal_put_key(struct journal_txn *txn, const struct journal_key *key)
{
	journal_write_key(&txn->ops, key);
}

void journal_drop_key(struct journal_txn *txn, struct doc_id document,
		      struct digest commitment)
{
	journal_write_key_drop(&txn->ops, document, commitment);
}

void journal_put_author(struct journal_txn *txn,
			const struct journal_author *author)
{
	journal_write_author(&txn->ops, author);
}

void journal_put_label(struct journal_txn *txn,
		       const struct journal_label *label)
{
	journal_write_label(&txn->ops, label);
}

void journal_put_outgoing(struct journal_txn *txn,
			  const struct journal_outgoing *o)
{
	journal_write_outgoing(&txn->ops, o);
}

void journal_drop_outgoing(struct journal_txn *txn, struct digest digest)
{
	journal_write_digest(&txn->ops, JOURNAL_OUTGOING_DROP, digest);
}

void journal_put_file(struct journal_txn *txn, const struct journal_file *f)
{
	journal_write_file(&txn->ops, f);
}

void journal_drop_file(struct journal_txn *txn, struct span name)
{
	journal_write_text(&txn->ops, JOURNAL_FILE_DROP, name);
}

void journal_put_serial(struct journal_txn *txn, struct doc_id document,
			uint64_t serial)
{
	journal_write_serial(&txn->ops,
			     &(struct journal_serial){document, serial});
}
