/* Which file is which head: the journal's entries, names, adoption. */
#include "client/sync_files.h"

#include "client/cmd_device.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The journal's entry that names the folder itself: no file is called so. */
#define FOLDER_ENTRY "."

int sync_run(struct sync *s, struct err started, uint64_t task,
	     const char *what)
{
	struct engine_event last;

	return failed(started) ? cli_fail(s->cli, started, "%s", what)
			       : device_run(s->cli, s->e, task, &last);
}

/* ---- the journal's files ---- */

static bool is_folder_entry(const struct journal_file *f)
{
	return span_eq_str(f->name, FOLDER_ENTRY);
}

void sync_remember(struct sync *s, const char *name, struct doc_id document,
		   struct digest revision, struct digest plain)
{
	struct journal_file f = {span_str(name), document, revision, plain,
				 NULL};
	struct journal_txn *txn = NULL;
	struct err err = journal_begin(engine_journal_change(s->e), &txn);

	if (!failed(err)) {
		journal_put_file(txn, &f);
		err = journal_commit(&txn);
	}
	if (failed(err))
		s->code = cli_fail(s->cli, err, "%s", name);
}

void sync_forget(struct sync *s, const char *name)
{
	struct journal_txn *txn = NULL;
	struct err err = journal_begin(engine_journal_change(s->e), &txn);

	if (!failed(err)) {
		journal_drop_file(txn, span_str(name));
		err = journal_commit(&txn);
	}
	if (failed(err))
		s->code = cli_fail(s->cli, err, "the journal");
}

/* Name and path of an entry; false for the folder's own. */
bool sync_entry_path(struct sync *s, const struct journal_file *f,
		     char name[SYNC_NAME_MAX + 1], char path[FILES_PATH_MAX])
{
	if (is_folder_entry(f))
		return false;
	snprintf(name, SYNC_NAME_MAX + 1, "%.*s", (int)f->name.len,
		 (const char *)f->name.at);
	return !failed(files_path(s->folder, name, path));
}

/* Also of a symbolic link that leads nowhere. */
bool sync_is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 || errno != ENOENT;
}

/*
 * What the journal says of files is true of one folder.  In another one, or
 * where a disk is not mounted, files that are not there were not removed by
 * anybody: everything begins anew.
 */
int sync_claim_folder(struct sync *s)
{
	const struct journal *j = engine_journal(s->e);
	const struct journal_file *known;
	char whole[PATH_MAX], text[PATH_MAX + 32];
	struct doc_id mark;
	struct digest digest;
	struct stat st;
	struct err err;

	if (!realpath(s->folder, whole) || stat(whole, &st) != 0)
		return cli_fail(s->cli, err_make(ERR_IO, "no such folder"),
				"%s", s->folder);
	snprintf(text, sizeof(text), "%llu %s", (unsigned long long)st.st_ino,
		 whole);
	err = crypto_sha256(span_str(text), &digest);
	if (failed(err))
		return cli_fail(s->cli, err, "%s", s->folder);
	memcpy(mark.at, digest.at, sizeof(mark.at));
	known = journal_find_file(j, span_str(FOLDER_ENTRY));
	if (known && doc_id_eq(known->document, mark))
		return 0;
	for (size_t i = j->files_count; i-- > 0;) {
		char name[SYNC_NAME_MAX + 1], path[FILES_PATH_MAX];

		if (sync_entry_path(s, &j->files[i], name, path))
			sync_forget(s, name);
	}
	sync_remember(s, FOLDER_ENTRY, mark, (struct digest){0},
		      (struct digest){0});
	return s->code;
}

/* ---- names ---- */

/* Another document's name: with the id's last part. */
void sync_make_own(struct sync *s, const struct journal_document *d,
		   char name[SYNC_NAME_MAX + 1])
{
	const struct journal_file *other =
		journal_find_file(engine_journal(s->e), span_str(name));
	char path[FILES_PATH_MAX];

	if (failed(files_path(s->folder, name, path)))
		return;
	if (other ? !doc_id_eq(other->document, d->id) : sync_is_there(path))
		sync_name_own(d->id, name);
}

/* The name by its title alone; false until its key has come, or if its author
 * is unknown. */
bool sync_title_name(struct sync *s, const struct journal_document *d,
		     const struct journal_head *h, char name[SYNC_NAME_MAX + 1])
{
	struct buf title;
	bool fine;

	buf_init(&title, MANIFEST_SEALED_MAX);
	fine = h->verified &&
	       !failed(engine_title(s->e, d->id, h->digest, &title));
	if (fine)
		sync_name(buf_span(&title), d->id,
			  h == journal_winner(d) ? NULL : &h->dot, name);
	buf_wipe(&title);
	return fine;
}

bool sync_fetch(struct sync *s, struct doc_id document, struct digest revision)
{
	uint64_t task = 0;
	struct err err = engine_fetch(s->e, document, revision, &task);
	int code = sync_run(s, err, task, "content");

	s->code = code ? code : s->code;
	return code == 0;
}

/* True if the file has the bytes of that head, which then is its entry. */
static bool is_head(struct sync *s, const char *name,
		    const struct journal_document *d,
		    const struct journal_head *h, struct digest plain,
		    uint64_t size)
{
	struct digest revision = h->digest, digest;
	struct doc_id id = d->id;
	uint64_t said;

	if (!h->verified || failed(engine_size(s->e, id, revision, &said)) ||
	    said != size || !sync_fetch(s, id, revision) ||
	    failed(engine_plain_digest(s->e, id, revision, &digest)) ||
	    !digest_eq(digest, plain))
		return false;
	sync_remember(s, name, id, revision, plain);
	return true;
}

/* A file that the journal does not know as it is: a head that was written, or
 * sent, by a process that died then?  `document` NULL: any of that name. */
bool sync_adopt(struct sync *s, const char *name, const struct doc_id *document,
		struct digest plain, uint64_t size)
{
	const struct journal *j = engine_journal(s->e);

	for (size_t i = 0; i < j->documents_count; i++) {
		const struct journal_document *d = &j->documents[i];

		if (document && !doc_id_eq(d->id, *document))
			continue;
		for (size_t h = 0; h < d->heads_count; h++) {
			char its[SYNC_NAME_MAX + 1];
			uint64_t said;

			if (failed(engine_size(s->e, d->id, d->heads[h].digest,
					       &said)) ||
			    said != size ||
			    !sync_title_name(s, d, &d->heads[h], its))
				continue;
			if (!document && strcmp(its, name) != 0) {
				sync_name_own(d->id, its);
				if (strcmp(its, name) != 0)
					continue;
			}
			if (is_head(s, name, d, &d->heads[h], plain, size))
				return true;
		}
	}
	return false;
}
