/*
 * Sealing plaintext into a content blob.  What is as it was in the revision
 * before keeps its sealed bytes and its key, so only the rest goes up.
 */
#include "client/files_fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Plaintext that is read in order: memory or a file. */
struct source {
	struct span bytes;
	int fd; /* -1: memory */
	uint64_t size;
};

static struct err source_open(struct source *s, const struct files_plain *p)
{
	struct stat st;

	*s = (struct source){.fd = -1, .bytes = p->bytes, .size = p->bytes.len};
	if (!p->path)
		return ERR_NONE;
	s->fd = open(p->path,
		     O_RDONLY | O_CLOEXEC | (p->no_follow ? O_NOFOLLOW : 0));
	if (s->fd < 0)
		return err_make(errno == ENOENT || errno == ELOOP ? ERR_USAGE
								  : ERR_IO,
				"the file cannot be opened");
	if (fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_make(ERR_USAGE, "this is no plain file");
	s->size = (uint64_t)st.st_size;
	return ERR_NONE;
}

static struct err source_read(const struct source *s, uint64_t offset,
			      uint8_t *out, size_t len)
{
	if (s->fd >= 0)
		return files_fd_read(s->fd, offset, out, len);
	if (len)
		memcpy(out, s->bytes.at + offset, len);
	return ERR_NONE;
}

/* The revision before: its blob, open, and its table. */
struct before {
	const struct files_parent *parent;
	int fd; /* -1: there is none */
	struct buf table, sealed, plain;
};

static void before_open(struct before *b, const char *folder,
			const struct files_parent *parent)
{
	const struct manifest *m = parent ? parent->manifest : NULL;
	char path[FILES_PATH_MAX];

	*b = (struct before){.parent = parent, .fd = -1};
	buf_init(&b->sealed, SEGMENT_SEALED_MAX);
	buf_init(&b->plain, SEGMENT_SIZE);
	if (!m || failed(files_blob_path(folder, m->table, "", path)))
		return;
	b->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (b->fd >= 0 && failed(files_fd_table(b->fd, m->table, m->size,
						m->keys_count, &b->table))) {
		close(b->fd);
		b->fd = -1;
	}
}

static void before_close(struct before *b)
{
	if (b->fd >= 0)
		close(b->fd);
	buf_clear(&b->table);
	buf_clear(&b->sealed);
	buf_wipe(&b->plain);
}

/* True if segment `i` was the same; its sealed bytes are in b->sealed. */
static bool before_same(struct before *b, struct doc_id document, uint64_t i,
			bool last, struct span plain,
			struct segment_entry *entry)
{
	const struct manifest *m = b->parent ? b->parent->manifest : NULL;
	uint64_t count = m ? segment_count(m->size) : 0;
	size_t len;
	uint8_t *at;

	if (b->fd < 0 || i >= count || last != (i + 1 == count) ||
	    segment_plain_len(m->size, i) != plain.len)
		return false;
	*entry = segment_table_at(buf_span(&b->table), i);
	len = segment_sealed_len(m->size, i);
	buf_reset(&b->sealed);
	buf_reset(&b->plain);
	at = buf_grow(&b->sealed, len);
	return at &&
	       !failed(files_fd_read(b->fd, segment_offset(m->size, i), at,
				     len)) &&
	       !failed(segment_check(entry, buf_span(&b->sealed))) &&
	       !failed(segment_open(&b->parent->keys[entry->key], document, i,
				    last, buf_span(&b->sealed), &b->plain)) &&
	       span_eq(plain, buf_span(&b->plain));
}

/* One segment from `source` to its place in the blob. */
static struct err seal_one(const struct source *source, struct before *before,
			   struct doc_id document, uint64_t i, uint8_t *bytes,
			   struct package_writer *w, struct buf *sealed, int fd)
{
	bool last = i + 1 == segment_count(source->size);
	size_t len = segment_plain_len(source->size, i);
	struct span plain = span_of(bytes, len), out;
	struct segment_entry entry;
	struct err e = source_read(source, i * SEGMENT_SIZE, bytes, len);
	bool kept = false;

	if (!failed(e) &&
	    before_same(before, document, i, last, plain, &entry)) {
		struct err keep =
			package_writer_keep(w, before->parent->manifest, entry);

		/* Too many keys by now: it is sealed anew. */
		kept = !failed(keep);
		if (failed(keep) && keep.code != ERR_TOO_LARGE)
			e = keep;
	}
	out = buf_span(&before->sealed);
	buf_reset(sealed);
	if (!failed(e) && !kept) {
		e = package_writer_segment(w, plain, sealed);
		out = buf_span(sealed);
	}
	return failed(e) ? e
			 : files_fd_write(fd, segment_offset(source->size, i),
					  out);
}

struct err files_seal(const char *folder, const struct files_plain *plain,
		      struct doc_id document, const struct random *random,
		      const struct files_parent *parent,
		      struct package_writer **out, struct manifest *m)
{
	char beside[FILES_PATH_MAX], path[FILES_PATH_MAX];
	struct package_writer *w = NULL;
	struct manifest said = {0};
	struct before before;
	struct source source;
	struct buf sealed, head;
	uint8_t *bytes = malloc(SEGMENT_SIZE);
	int fd = -1;
	struct err e = source_open(&source, plain);

	before_open(&before, folder, parent);
	buf_init(&sealed, SEGMENT_SEALED_MAX);
	buf_init(&head, failed(e) ? 1 : (size_t)segment_table_len(source.size));
	if (!failed(e) && !bytes)
		e = err_make(ERR_NO_MEMORY, "sealing");
	if (!failed(e))
		e = package_writer_new(document, source.size, random, &w);
	if (!failed(e))
		e = files_path(folder, "content/sealing.new", beside);
	if (!failed(e) &&
	    (fd = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) <
		    0)
		e = err_make(ERR_IO, "a file cannot be made");
	for (uint64_t i = 0; !failed(e) && i < segment_count(source.size); i++)
		e = seal_one(&source, &before, document, i, bytes, w, &sealed,
			     fd);
	if (!failed(e))
		e = package_writer_finish(w, &head, &said);
	if (!failed(e))
		e = files_fd_write(fd, 0, buf_span(&head));
	if (!failed(e))
		e = files_blob_path(folder, said.table, "", path);
	if (!failed(e))
		e = files_fd_finish(fd, beside, path);
	if (!failed(e)) {
		m->suite = said.suite;
		m->size = said.size;
		m->table = said.table;
		m->keys = said.keys;
		m->keys_count = said.keys_count;
		*out = w;
		w = NULL;
	}
	package_writer_free(w);
	if (fd >= 0)
		close(fd);
	if (source.fd >= 0)
		close(source.fd);
	if (bytes)
		wipe(bytes, SEGMENT_SIZE);
	free(bytes);
	before_close(&before);
	buf_clear(&sealed);
	buf_clear(&head);
	return e;
}
