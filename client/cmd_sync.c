/*
 * `entente sync FOLDER`: plain files of a folder and documents, in step.
 *
 * Out first: files that changed become edits, files that are new become
 * documents, under the label beside them (NAME.label.xml) or --label.  Then
 * in: every head as a file; several heads as several files.  A document that
 * is gone takes its file with it, unless somebody changed that file since.  A
 * file that somebody removed comes again: `doc rm` deletes a document.
 */
#include "client/cmd_device.h"
#include "client/cmd_doc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_LEN_MAX = 200 };

struct sync {
	struct cli *cli;
	struct engine *e;
	const char *folder;
	unsigned sent, written, removed, kept;
	int code;
};

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static int pull(struct sync *s, unsigned wait_s)
{
	struct engine_event last;
	uint64_t task = 0;
	size_t resumed = 0;
	struct err err = engine_resume(s->e, &resumed);

	if (!failed(err))
		err = engine_pull(s->e, wait_s, &task);
	return failed(err) ? cli_fail(s->cli, err, "pull")
			   : device_run(s->cli, s->e, task, &last);
}

static void remember(struct sync *s, const char *name, struct doc_id document,
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

static void forget(struct sync *s, struct span name)
{
	struct journal_txn *txn = NULL;
	struct err err = journal_begin(engine_journal_change(s->e), &txn);

	if (!failed(err)) {
		journal_drop_file(txn, name);
		err = journal_commit(&txn);
	}
	if (failed(err))
		s->code = cli_fail(s->cli, err, "the journal");
}

/* ---- out ---- */

static bool file_label(struct sync *s, const char *path, struct buf *label)
{
	const char *given = cli_option(s->cli, "label");
	char beside[FILES_PATH_MAX];

	if ((size_t)snprintf(beside, sizeof(beside), "%s.label.xml", path) <
		    sizeof(beside) &&
	    files_exist(beside))
		given = beside;
	if (!given)
		s->code = cli_fail(s->cli,
				   err_make(ERR_LABEL,
					    "a new file wants a label: NAME"
					    ".label.xml beside it, or --label"),
				   "%s", path);
	return given && cli_read(s->cli, given, label, &s->code);
}

static void send_file(struct sync *s, const char *name, const char *path,
		      const struct journal_file *known, struct digest plain)
{
	struct engine_put put = {
		.content.path = path,
		.title = span_str(name),
	};
	struct digest parent = {0}, revision;
	const char *space = cli_option(s->cli, "space");
	struct engine_event last;
	struct doc_id document;
	struct buf label;
	uint64_t task;
	struct err err;
	int code;

	buf_init(&label, CLI_FILE_MAX);
	if (known) {
		parent = known->revision;
		put.edit = true;
		put.beside = true;
		put.id = known->document;
		put.parents = &parent;
		put.parents_count = 1;
	} else {
		if (!space) {
			s->code = cli_usage(s->cli, "new files want a --space");
			goto out;
		}
		if (!file_label(s, path, &label))
			goto out;
		put.space = span_str(space);
		put.label = buf_span(&label);
	}
	err = engine_put(s->e, &put, &document, &revision, &task);
	if (failed(err)) {
		s->code = cli_fail(s->cli, err, "%s", path);
		goto out;
	}
	/* Before it is sent: a crash now must not make it a second document. */
	remember(s, name, document, revision, plain);
	code = device_run(s->cli, s->e, task, &last);
	if (code) {
		s->code = code;
		/* Refused for good: it is a file like before. */
		if (!journal_find_outgoing(engine_journal(s->e), revision)) {
			if (known)
				remember(s, name, document, parent,
					 (struct digest){0});
			else
				forget(s, span_str(name));
		}
	} else {
		s->sent++;
	}
out:
	buf_clear(&label);
}

static void look_at(struct sync *s, const char *name)
{
	const struct journal_file *known =
		journal_find_file(engine_journal(s->e), span_str(name));
	char path[FILES_PATH_MAX];
	struct digest plain;
	struct stat st;
	uint64_t size;

	if (name[0] == '.' || ends_with(name, ".label.xml") ||
	    ends_with(name, ".entente-new") ||
	    failed(files_path(s->folder, name, path)) ||
	    lstat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
	    failed(files_digest(path, &plain, &size)))
		return;
	if (known && digest_eq(known->plain, plain))
		return;
	/* A changed file of a document that is gone is nobody's edit. */
	if (known &&
	    !journal_find_document(engine_journal(s->e), known->document))
		return;
	send_file(s, name, path, known, plain);
}

static void push(struct sync *s)
{
	struct dirent **names = NULL;
	int count = scandir(s->folder, &names, NULL, alphasort);

	if (count < 0)
		s->code = cli_fail(s->cli, err_make(ERR_IO, "no such folder"),
				   "%s", s->folder);
	for (int i = 0; i < count; i++) {
		look_at(s, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

/* ---- in ---- */

/* A title as a file's name: one part, visible, no controls. */
static void name_of(struct span title, const struct journal_document *d,
		    const struct journal_head *h, char out[512])
{
	char id[DOC_ID_TEXT_LEN + 1], dot[VERSION_DOT_TEXT_MAX + 1];
	char name[NAME_LEN_MAX + 1];
	const char *extension;
	size_t n = 0;

	doc_id_format(d->id, id);
	for (size_t i = 0; i < title.len && n < NAME_LEN_MAX; i++) {
		uint8_t ch = title.at[i];

		bool plain = ch >= 0x20 && ch != 0x7f && ch != '/' &&
			     (ch != '.' || n > 0);

		name[n] = plain ? (char)ch : '_';
		n++;
	}
	/* Not in the middle of a character. */
	while (n == NAME_LEN_MAX && n > 0 && (name[n - 1] & 0x80))
		n--;
	name[n] = 0;
	if (n == 0)
		snprintf(name, sizeof(name), "%s", id);
	if (h == journal_winner(d)) {
		snprintf(out, 512, "%s", name);
		return;
	}
	dot_format(h->dot, dot);
	extension = strrchr(name, '.');
	extension = extension && extension != name ? extension
						   : name + strlen(name);
	snprintf(out, 512, "%.*s (conflict %s)%s", (int)(extension - name),
		 name, dot, extension);
}

/* Another document's name: with the id's last part. */
static void make_own(struct sync *s, const struct journal_document *d,
		     char name[512])
{
	const struct journal_file *other =
		journal_find_file(engine_journal(s->e), span_str(name));
	char id[DOC_ID_TEXT_LEN + 1], copy[401], path[FILES_PATH_MAX];
	bool stranger;

	if (failed(files_path(s->folder, name, path)))
		return;
	stranger = other ? !doc_id_eq(other->document, d->id)
			 : files_exist(path);
	if (!stranger)
		return;
	doc_id_format(d->id, id);
	snprintf(copy, sizeof(copy), "%.400s", name);
	snprintf(name, 512, "%.8s %s", id + DOC_ID_TEXT_LEN - 8, copy);
}

static bool fetch(struct sync *s, const struct journal_document *d,
		  struct digest revision)
{
	struct engine_event last;
	uint64_t task;
	struct err err = engine_fetch(s->e, d->id, revision, &task);
	int code = failed(err) ? cli_fail(s->cli, err, "content")
			       : device_run(s->cli, s->e, task, &last);

	s->code = code ? code : s->code;
	return code == 0;
}

static void write_head(struct sync *s, const struct journal_document *d,
		       const struct journal_head *h)
{
	char name[512], path[FILES_PATH_MAX];
	const struct journal_file *known;
	struct digest plain, now;
	struct doc_id id = d->id;
	struct digest revision = h->digest;
	struct buf title;
	uint64_t size;
	struct err err;

	buf_init(&title, MANIFEST_SEALED_MAX);
	if (!h->verified || failed(engine_title(s->e, id, revision, &title)))
		goto out; /* its key has not come, or its author is unknown */
	name_of(buf_span(&title), d, h, name);
	make_own(s, d, name);
	if (failed(files_path(s->folder, name, path)))
		goto out;
	known = journal_find_file(engine_journal(s->e), span_str(name));
	if (known && digest_eq(known->revision, revision) &&
	    files_exist(path))
		goto out;
	/* A file changed since it was looked at is not written over. */
	if (known && !failed(files_digest(path, &now, &size)) &&
	    !digest_eq(now, known->plain)) {
		s->kept++;
		goto out;
	}
	if (!fetch(s, d, revision))
		goto out;
	err = engine_read(s->e, id, revision, path, NULL);
	if (!failed(err))
		err = files_digest(path, &plain, &size);
	if (failed(err)) {
		s->code = cli_fail(s->cli, err, "%s", path);
		goto out;
	}
	remember(s, name, id, revision, plain);
	s->written++;
out:
	buf_clear(&title);
}

static void write_all(struct sync *s)
{
	const struct journal *j = engine_journal(s->e);

	for (size_t i = 0; i < j->documents_count; i++)
		for (size_t h = 0; h < j->documents[i].heads_count; h++)
			write_head(s, &j->documents[i],
				   &j->documents[i].heads[h]);
}

/* Files whose head is gone: removed, unless changed since. */
static void remove_gone(struct sync *s)
{
	const struct journal *j = engine_journal(s->e);

	for (size_t i = j->files_count; i-- > 0;) {
		const struct journal_file *f = &j->files[i];
		const struct journal_document *d =
			journal_find_document(j, f->document);
		char name[512], path[FILES_PATH_MAX];
		struct digest now;
		uint64_t size;

		if ((d && journal_find_head(d, f->revision)) ||
		    journal_find_outgoing(j, f->revision))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)f->name.len,
			 (const char *)f->name.at);
		if (failed(files_path(s->folder, name, path)))
			continue;
		if (!failed(files_digest(path, &now, &size))) {
			if (!digest_eq(now, f->plain)) {
				fprintf(stderr, "entente: %s: its document is "
					"gone, the file was changed; it is "
					"yours to remove\n", path);
				s->kept++;
				continue;
			}
			if (unlink(path) == 0)
				s->removed++;
		}
		forget(s, span_str(name));
	}
}

/* ---- the verb ---- */

static int report(struct sync *s)
{
	struct json_writer w;
	struct buf json;
	int code = 0;

	if (!s->cli->json) {
		printf("%s: %u sent, %u written, %u removed, %u kept\n",
		       s->folder, s->sent, s->written, s->removed, s->kept);
		return 0;
	}
	buf_init(&json, 65536);
	w = json_write(&json);
	json_open_object(&w);
	json_member_u64(&w, "kept", s->kept);
	json_member_u64(&w, "removed", s->removed);
	json_member_u64(&w, "sent", s->sent);
	json_member_u64(&w, "written", s->written);
	json_close_object(&w);
	code = cli_print_json(s->cli, &json);
	buf_clear(&json);
	return code;
}

int cmd_sync(struct cli *c)
{
	const char *wait = cli_option(c, "wait");
	struct sync s = {.cli = c, .folder = c->args[0]};
	struct err err = files_make_folder(s.folder);

	if (failed(err))
		return cli_fail(c, err, "%s", s.folder);
	s.code = device_open(c, true, &s.e);
	if (!s.code)
		s.code = pull(&s, wait ? (unsigned)atoi(wait) : 0);
	if (!s.code)
		push(&s);
	/* What failed on its way out must not keep out what comes in. */
	if (s.e && s.sent) {
		int code = pull(&s, 0);

		s.code = s.code ? s.code : code;
	}
	if (s.e && engine_enrolled(s.e)) {
		remove_gone(&s);
		write_all(&s);
	}
	/* One document on stdout: the error's, or the report. */
	if (!s.code)
		s.code = report(&s);
	engine_close(s.e);
	return s.code;
}
