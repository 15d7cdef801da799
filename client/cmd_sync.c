/*
 * `entente sync FOLDER`: plain files of a folder and documents, in step.
 *
 * Out first: files that changed become edits, files that are new become
 * documents, under the label beside them (NAME.label.xml) or --label.  Then
 * in: every head as a file; several heads as several files.  A document that
 * is gone takes its file with it, unless somebody changed that file since.  A
 * file that somebody removed stays away: --delete makes it a delete
 * statement, --restore brings it back.
 *
 * The journal knows of each file which head it is, written down after the
 * file is there.  A process may die between the two: so a file that is new or
 * changed is first compared with the heads that it may be.
 */
#include "client/cmd_device.h"
#include "client/cmd_doc.h"
#include "client/sync_files.h"
#include "proto/exchange/http.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MAX_S = 55 };

/* What an earlier process did not finish sending, and only then what changed:
 * so that what went out is known when files are looked at. */
static int pull(struct sync *s, unsigned wait_s)
{
	const int unreachable = err_row(ERR_UNREACHABLE)->exit_code;
	uint64_t task = 0;
	size_t resumed = 0;
	struct err err = engine_resume(s->e, &resumed);
	int code =
		failed(err) || resumed ? sync_run(s, err, 0, "the journal") : 0;

	/* What the relay refused for good does not keep out the rest. */
	if (code == unreachable)
		return code;
	s->code = s->code ? s->code : code;
	err = engine_pull(s->e, wait_s, &task);
	return sync_run(s, err, task, "pull");
}

/* ---- out ---- */

static const char is_link[] = "no plain file; symbolic links are not followed";

static bool file_label(struct sync *s, const char *path, struct buf *label)
{
	const char *given = cli_option(s->cli, "label");
	char beside[FILES_PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(beside, sizeof(beside), "%s" SYNC_LABEL_END,
			     path) < sizeof(beside) &&
	    sync_is_there(beside))
		given = beside;
	if (given == beside &&
	    (lstat(beside, &st) != 0 || !S_ISREG(st.st_mode))) {
		s->code = cli_fail(s->cli, err_make(ERR_LABEL, is_link), "%s",
				   beside);
		return false;
	}
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
		.content = {.path = path, .no_follow = true},
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
	sync_remember(s, name, document, revision, plain);
	code = device_run(s->cli, s->e, task, &last);
	if (code) {
		s->code = code;
		/* Refused for good: it is a file like before. */
		if (!journal_find_outgoing(engine_journal(s->e), revision)) {
			if (known)
				sync_remember(s, name, document, parent,
					      (struct digest){0});
			else
				sync_forget(s, name);
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
	bool gone;

	if (sync_name_passed_over(name) ||
	    failed(files_path(s->folder, name, path)) || lstat(path, &st) != 0)
		return;
	if (S_ISLNK(st.st_mode)) {
		fprintf(stderr, "entente: %s: passed over: %s\n", path,
			is_link);
		return;
	}
	if (!S_ISREG(st.st_mode) || failed(files_digest(path, &plain, &size)))
		return;
	if (known && digest_eq(known->plain, plain))
		return;
	/* A changed file of a document that is gone is nobody's edit. */
	gone = known &&
	       !journal_find_document(engine_journal(s->e), known->document);
	if (gone ||
	    sync_adopt(s, name, known ? &known->document : NULL, plain, size))
		return;
	/* The journal may have moved in memory. */
	known = journal_find_file(engine_journal(s->e), span_str(name));
	send_file(s, name, path, known, plain);
}

/* ---- files that somebody removed ---- */

/* True if the entry is the document's file, not a conflict's or one of an
 * earlier title. */
static bool is_main(struct sync *s, const struct journal_document *d,
		    const char *name)
{
	char its[SYNC_NAME_MAX + 1];

	if (!sync_title_name(s, d, journal_winner(d), its))
		return false;
	if (strcmp(its, name) == 0)
		return true;
	sync_name_own(d->id, its);
	return strcmp(its, name) == 0;
}

static void delete_document(struct sync *s, const char *name,
			    struct doc_id document)
{
	uint64_t task = 0;
	struct err err = engine_state(s->e, document, STATEMENT_DELETE,
				      (struct span){0}, &task);
	int code = sync_run(s, err, task, name);

	if (code) {
		s->code = code;
		s->away++;
		return;
	}
	sync_forget(s, name);
	s->deleted++;
}

static void look_for(struct sync *s, const struct journal_file *f)
{
	const struct journal *j = engine_journal(s->e);
	const struct journal_document *d =
		journal_find_document(j, f->document);
	char name[SYNC_NAME_MAX + 1], path[FILES_PATH_MAX];
	bool head;

	if (!sync_entry_path(s, f, name, path) || !d || sync_is_there(path) ||
	    journal_find_outgoing(j, f->revision))
		return;
	head = journal_find_head(d, f->revision) != NULL;
	if (!head && !is_main(s, d, name))
		return; /* of an earlier title, or a conflict settled */
	if (cli_flag(s->cli, "restore")) {
		sync_forget(s, name);
		return;
	}
	if (cli_flag(s->cli, "delete") && head && d->heads_count == 1) {
		delete_document(s, name, d->id);
		return;
	}
	s->away++;
	fprintf(stderr,
		"entente: %s: removed here and kept away; its document "
		"stays%s\n  --restore brings the file back%s\n",
		path,
		head && d->heads_count == 1
			? ""
			: ", and others have written it since",
		cli_flag(s->cli, "delete")
			? ", to be looked at before it is deleted"
			: ", --delete deletes the document for everyone");
}

static void push_removed(struct sync *s)
{
	const struct journal *j = engine_journal(s->e);

	/* From the end: entries may go. */
	for (size_t i = j->files_count; i-- > 0;)
		if (i < j->files_count)
			look_for(s, &j->files[i]);
}

/* What a process that died left on its way. */
static bool clean_up(struct sync *s, const char *name)
{
	size_t n = strlen(name), m = strlen(SYNC_NEW_END);
	char path[FILES_PATH_MAX];

	if (n <= m || strcmp(name + n - m, SYNC_NEW_END) != 0 ||
	    failed(files_path(s->folder, name, path)))
		return false;
	unlink(path);
	return true;
}

static void push(struct sync *s)
{
	struct dirent **names = NULL;
	int count = scandir(s->folder, &names, NULL, alphasort);

	if (count < 0)
		s->code = cli_fail(s->cli, err_make(ERR_IO, "no such folder"),
				   "%s", s->folder);
	for (int i = 0; i < count; i++) {
		if (!clean_up(s, names[i]->d_name))
			look_at(s, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

/* ---- in ---- */

static void write_head(struct sync *s, const struct journal_document *d,
		       const struct journal_head *h)
{
	char name[SYNC_NAME_MAX + 1], path[FILES_PATH_MAX];
	const struct journal_file *known;
	struct digest plain, revision = h->digest;
	struct doc_id id = d->id;
	uint64_t size;
	struct err err;

	if (!sync_title_name(s, d, h, name))
		return;
	sync_make_own(s, d, name);
	if (failed(files_path(s->folder, name, path)))
		return;
	known = journal_find_file(engine_journal(s->e), span_str(name));
	/* What somebody removed stays away. */
	if (known &&
	    (digest_eq(known->revision, revision) || !sync_is_there(path)))
		return;
	/* A file changed since it was looked at is not written over. */
	if (known && (failed(files_digest(path, &plain, &size)) ||
		      !digest_eq(plain, known->plain))) {
		s->kept++;
		return;
	}
	if (!sync_fetch(s, id, revision))
		return;
	err = engine_plain_digest(s->e, id, revision, &plain);
	if (!failed(err))
		err = engine_read(s->e, id, revision, path, NULL);
	if (failed(err)) {
		s->code = cli_fail(s->cli, err, "%s", path);
		return;
	}
	sync_remember(s, name, id, revision, plain);
	s->written++;
}

static void write_all(struct sync *s)
{
	const struct journal *j = engine_journal(s->e);

	for (size_t i = 0; i < j->documents_count; i++)
		for (size_t h = 0; h < j->documents[i].heads_count; h++)
			write_head(s, &j->documents[i],
				   &j->documents[i].heads[h]);
}

static void remove_one(struct sync *s, const struct journal_file *f)
{
	const struct journal *j = engine_journal(s->e);
	const struct journal_document *d =
		journal_find_document(j, f->document);
	char name[SYNC_NAME_MAX + 1], path[FILES_PATH_MAX];
	struct digest now;
	uint64_t size;

	if (!sync_entry_path(s, f, name, path) ||
	    (d && journal_find_head(d, f->revision)) ||
	    journal_find_outgoing(j, f->revision))
		return;
	/* The next head of the same name takes the file's place at once. */
	if (d && is_main(s, d, name))
		return;
	if (sync_is_there(path)) {
		if (failed(files_digest(path, &now, &size)) ||
		    !digest_eq(now, f->plain)) {
			fprintf(stderr,
				"entente: %s: its document is gone, "
				"the file was changed; it is yours to "
				"remove\n",
				path);
			s->kept++;
			return;
		}
		if (unlink(path) != 0) {
			s->code = cli_fail(s->cli,
					   err_make(ERR_IO,
						    "it cannot be removed"),
					   "%s", path);
			return;
		}
		s->removed++;
	}
	sync_forget(s, name);
}

/* Files whose head is gone: removed, unless changed since. */
static void remove_gone(struct sync *s)
{
	const struct journal *j = engine_journal(s->e);

	for (size_t i = j->files_count; i-- > 0;)
		if (i < j->files_count)
			remove_one(s, &j->files[i]);
}

/* ---- the verb ---- */

static int report(struct sync *s)
{
	struct json_writer w;
	struct buf json;
	int code = 0;

	if (!s->cli->json) {
		printf("%s: %u sent, %u written, %u removed, %u kept, %u "
		       "deleted, %u kept away\n",
		       s->folder, s->sent, s->written, s->removed, s->kept,
		       s->deleted, s->away);
		return 0;
	}
	buf_init(&json, 65536);
	w = json_write(&json);
	json_open_object(&w);
	json_member_u64(&w, "away", s->away);
	json_member_u64(&w, "deleted", s->deleted);
	json_member_u64(&w, "kept", s->kept);
	json_member_u64(&w, "removed", s->removed);
	json_member_u64(&w, "sent", s->sent);
	json_member_u64(&w, "written", s->written);
	json_close_object(&w);
	code = cli_print_json(s->cli, &json);
	buf_clear(&json);
	return code;
}

static int check_folder(struct cli *c, const char *folder)
{
	struct stat st;
	struct err err;

	if (lstat(folder, &st) == 0 && S_ISLNK(st.st_mode))
		return cli_usage(c,
				 "%.200s is a symbolic link: name the "
				 "folder itself",
				 folder);
	err = files_make_folder(folder);
	return failed(err) ? cli_fail(c, err, "%s", folder) : 0;
}

int cmd_sync(struct cli *c)
{
	const char *wait = cli_option(c, "wait");
	struct sync s = {.cli = c, .folder = c->args[0]};
	uint64_t wait_s = 0;
	int code;

	if (wait && (failed(http_u64_parse(span_str(wait), &wait_s)) ||
		     wait_s > WAIT_MAX_S))
		return cli_usage(c, "--wait is 0 to %d seconds", WAIT_MAX_S);
	if (cli_flag(c, "delete") && cli_flag(c, "restore"))
		return cli_usage(c, "--delete or --restore, not both");
	code = check_folder(c, s.folder);
	if (!code)
		code = device_open(c, true, &s.e);
	if (!code)
		code = sync_claim_folder(&s);
	if (!code)
		code = pull(&s, (unsigned)wait_s);
	if (!code) {
		push_removed(&s);
		push(&s);
	}
	/* What failed on its way out must not keep out what comes in. */
	if (!code && (s.sent || s.deleted))
		code = pull(&s, 0);
	if (s.e) {
		remove_gone(&s);
		write_all(&s);
	}
	s.code = s.code ? s.code : code;
	/* One document on stdout: the error's, or the report. */
	if (!s.code)
		s.code = report(&s);
	engine_close(s.e);
	return s.code;
}
