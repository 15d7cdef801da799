/* Documents of a device's folder: list, put, get, and the home's word. */
#include "client/cmd_doc.h"

#include "client/cmd_device.h"
#include "proto/exchange/http.h"

#include <stdio.h>
#include <stdlib.h>

/* What an earlier process did not finish sending, then what changed.  What
 * the relay refuses of the former is said, and hinders nothing else. */
static int pull(struct cli *c, struct engine *e)
{
	struct engine_event last;
	uint64_t task = 0;
	size_t resumed = 0;
	struct err err = engine_resume(e, &resumed);
	int code = failed(err) ? cli_fail(c, err, "the journal") : 0;

	if (!code && resumed) {
		fprintf(stderr,
			"entente: sending what an earlier run left: "
			"%zu\n",
			resumed);
		code = device_run(c, e, 0, &last);
		if (code != err_row(ERR_UNREACHABLE)->exit_code)
			code = 0;
	}
	if (code)
		return code;
	err = engine_pull(e, 0, &task);
	return failed(err) ? cli_fail(c, err, "pull")
			   : device_run(c, e, task, &last);
}

static bool parse_id(struct cli *c, const char *text, struct doc_id *id,
		     int *code)
{
	if (!failed(doc_id_parse(span_str(text), id)))
		return true;
	*code = cli_usage(c, "`%.40s` is no document's id", text);
	return false;
}

/* ---- list ---- */

/* Fetches the labels of shelves that are not here yet, for their marking. */
static int fetch_labels(struct cli *c, struct engine *e)
{
	const struct journal *j = engine_journal(e);
	struct engine_event last;
	uint64_t task = 0;
	size_t count = 0;

	for (size_t i = 0; i < j->documents_count; i++)
		for (size_t h = 0; h < j->documents[i].heads_count; h++) {
			const struct journal_shelf *s = journal_find_shelf(
				j, j->documents[i].heads[h].shelf);

			for (size_t l = 0; s && l < s->labels_count; l++)
				if (!journal_find_label(j, s->labels[l]) &&
				    count < 64 &&
				    !failed(engine_fetch_label(e, s->labels[l],
							       &task)))
					count++;
		}
	return count ? device_run(c, e, task, &last) : 0;
}

static struct span marking_of(const struct journal *j,
			      const struct journal_head *h)
{
	const struct journal_shelf *s = journal_find_shelf(j, h->shelf);
	const struct journal_label *l =
		s && s->labels_count ? journal_find_label(j, s->labels[0])
				     : NULL;

	return l ? l->marking : (struct span){0};
}

static void list_head(struct cli *c, struct engine *e,
		      const struct journal_document *d,
		      const struct journal_head *h, struct json_writer *w)
{
	char id[DOC_ID_TEXT_LEN + 1], digest[DIGEST_TEXT_LEN + 1];
	char dot[VERSION_DOT_TEXT_MAX + 1];
	struct span marking = marking_of(engine_journal(e), h);
	struct manifest m = {0};
	struct arena arena;
	struct buf title, clean;

	arena_init(&arena, 256 * 1024);
	buf_init(&title, MANIFEST_SEALED_MAX);
	buf_init(&clean, MANIFEST_SEALED_MAX);
	doc_id_format(d->id, id);
	digest_format(h->digest, digest);
	dot_format(h->dot, dot);
	(void)manifest_decode(h->manifest, &arena, &m).code;
	(void)engine_title(e, d->id, h->digest, &title).code;
	if (c->json) {
		json_open_object(w);
		json_member_str(w, "document", id);
		json_member_str(w, "dot", dot);
		json_member_nation(w, "home", d->home);
		json_member_string(w, "marking", marking);
		json_member_str(w, "revision", digest);
		json_member_bool(w, "sealed", h->seal.len > 0);
		json_member_u64(w, "size", m.size);
		json_member_string(w, "space", d->opening.space);
		json_member_u64(w, "statement", d->number);
		json_member_u64(w, "time", m.time);
		json_member_string(w, "title", buf_span(&title));
		json_member_bool(w, "verified", h->verified);
		json_member_bool(w, "winner", h->winner);
		json_close_object(w);
	} else {
		cli_clean(buf_span(&title), &clean);
		printf("%s  %-8s  %-16.*s  %8llu  %s%s%s\n", id, dot,
		       (int)d->opening.space.len,
		       (const char *)d->opening.space.at,
		       (unsigned long long)m.size,
		       title.len ? buf_cstr(&clean) : "(no key)",
		       h->winner ? "" : "  (conflict)",
		       h->verified ? "" : "  (author not verified)");
		if (marking.len) {
			buf_reset(&clean);
			cli_clean(marking, &clean);
			printf("    %s\n", buf_cstr(&clean));
		}
	}
	buf_clear(&title);
	buf_clear(&clean);
	arena_clear(&arena);
}

int cmd_doc_list(struct cli *c)
{
	struct engine *e = NULL;
	const struct journal *j;
	struct json_writer w;
	struct buf json;
	int code = device_open(c, true, &e);

	buf_init(&json, 64 << 20);
	if (!code && !cli_flag(c, "no-pull"))
		code = pull(c, e);
	if (!code && !cli_flag(c, "no-pull"))
		code = fetch_labels(c, e);
	if (code)
		goto out;
	j = engine_journal(e);
	w = json_write(&json);
	json_open_object(&w);
	json_put_name(&w, "documents");
	json_open_array(&w);
	for (size_t i = 0; i < j->documents_count; i++)
		for (size_t h = 0; h < j->documents[i].heads_count; h++)
			list_head(c, e, &j->documents[i],
				  &j->documents[i].heads[h], &w);
	json_close_array(&w);
	json_close_object(&w);
	if (c->json)
		code = cli_print_json(c, &json);
out:
	engine_close(e);
	buf_clear(&json);
	return code;
}

/* ---- put, seal ---- */

/* The last part of a path: the title where none is given. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* --label, or the label beside the file: NAME.label.xml. */
static bool read_label(struct cli *c, const char *file, struct buf *label,
		       int *code)
{
	const char *path = cli_option(c, "label");
	char beside[FILES_PATH_MAX];

	if (!path) {
		snprintf(beside, sizeof(beside), "%s.label.xml", file);
		path = beside;
		if (!files_exist(path)) {
			*code = cli_usage(c,
					  "a new document wants a label: "
					  "--label XML, or %s",
					  beside);
			return false;
		}
	}
	return cli_read(c, path, label, code);
}

static bool build_put(struct cli *c, struct engine_put *put, struct buf *label,
		      int *code)
{
	const char *title = cli_option(c, "title");
	const char *document = cli_option(c, "document");
	const char *space = cli_option(c, "space");
	const char *priority = cli_option(c, "priority");
	uint64_t number = 0;

	put->title = span_str(title ? title : base_name(c->args[0]));
	put->content.path = c->args[0];
	put->beside = cli_flag(c, "beside");
	if (priority && (failed(http_u64_parse(span_str(priority), &number)) ||
			 number > MANIFEST_FLASH)) {
		*code = cli_usage(c, "--priority is 0 (routine) to 3 (flash)");
		return false;
	}
	put->priority = (uint8_t)number;
	if (document) {
		put->edit = true;
		return parse_id(c, document, &put->id, code);
	}
	if (!space) {
		*code = cli_usage(c, "a new document wants a --space, such as "
				     "GBR/ops");
		return false;
	}
	put->space = span_str(space);
	if (!read_label(c, c->args[0], label, code))
		return false;
	put->label = buf_span(label);
	return true;
}

static int report_write(struct cli *c, struct doc_id document,
			struct digest digest, const struct dot *dot)
{
	char id[DOC_ID_TEXT_LEN + 1], revision[DIGEST_TEXT_LEN + 1];
	char text[VERSION_DOT_TEXT_MAX + 1] = "";
	struct json_writer w;
	struct buf json;
	int code = 0;

	doc_id_format(document, id);
	digest_format(digest, revision);
	if (dot)
		dot_format(*dot, text);
	if (!c->json) {
		printf("%s\n", id);
		return 0;
	}
	buf_init(&json, 65536);
	w = json_write(&json);
	json_open_object(&w);
	json_member_str(&w, "document", id);
	if (dot)
		json_member_str(&w, "dot", text);
	json_member_str(&w, "revision", revision);
	json_close_object(&w);
	code = cli_print_json(c, &json);
	buf_clear(&json);
	return code;
}

int cmd_doc_put(struct cli *c)
{
	struct engine_put put = {0};
	struct engine *e = NULL;
	struct engine_event last;
	struct doc_id document;
	struct digest digest;
	struct buf label;
	uint64_t task;
	struct err err;
	int code = 0;

	buf_init(&label, CLI_FILE_MAX);
	if (!build_put(c, &put, &label, &code))
		goto out;
	code = device_open(c, true, &e);
	/* The relay's certificate, and for an edit what is in force. */
	if (!code)
		code = pull(c, e);
	if (code)
		goto out;
	err = engine_put(e, &put, &document, &digest, &task);
	if (failed(err)) {
		code = cli_fail(c, err, "%s", c->args[0]);
		goto out;
	}
	code = device_run(c, e, task, &last);
	if (!code)
		code = report_write(c, document, digest, &last.dot);
out:
	engine_close(e);
	buf_clear(&label);
	return code;
}

int cmd_doc_seal(struct cli *c)
{
	const char *path = cli_option(c, "out");
	struct engine_put put = {0};
	struct engine *e = NULL;
	struct doc_id document;
	struct digest digest;
	struct buf label, body;
	struct err err;
	int code = 0;

	buf_init(&label, CLI_FILE_MAX);
	buf_init(&body, 1 << 20);
	if (!path) {
		code = cli_usage(c, "say where the body goes: --out FILE");
		goto out;
	}
	if (!build_put(c, &put, &label, &code))
		goto out;
	code = device_open(c, true, &e);
	if (code)
		goto out;
	err = engine_seal(e, &put, &document, &digest, &body);
	if (!failed(err))
		err = files_write(path, buf_span(&body), 0600);
	code = failed(err) ? cli_fail(c, err, "%s", c->args[0])
			   : report_write(c, document, digest, NULL);
out:
	engine_close(e);
	buf_clear(&label);
	buf_clear(&body);
	return code;
}

/* ---- get ---- */

static int give_out(struct cli *c, struct engine *e, struct doc_id id,
		    struct digest revision)
{
	const char *path = cli_option(c, "out");
	struct buf plain;
	struct err err;
	int code = 0;

	buf_init(&plain, 1u << 30);
	err = engine_read(e, id, revision, path, &plain);
	if (failed(err))
		code = cli_fail(c, err, "%s", c->args[0]);
	else if (path)
		code = report_write(c, id, revision, NULL);
	else
		fwrite(plain.at, 1, plain.len, stdout);
	buf_wipe(&plain);
	return code;
}

int cmd_doc_get(struct cli *c)
{
	const char *wanted = cli_option(c, "revision");
	const struct journal_document *d;
	const struct journal_head *h;
	struct engine *e = NULL;
	struct engine_event last;
	struct digest revision;
	struct doc_id id;
	uint64_t task;
	struct err err;
	int code = 0;

	if (!parse_id(c, c->args[0], &id, &code))
		return code;
	if (wanted && failed(digest_parse(span_str(wanted), &revision)))
		return cli_usage(c, "--revision wants a digest");
	if (c->json && !cli_flag(c, "out"))
		return cli_usage(c, "--json and a document on stdout do not go "
				    "together: --out FILE");
	code = device_open(c, true, &e);
	/* --no-pull: what is here already needs no relay. */
	if (!code && !cli_flag(c, "no-pull"))
		code = pull(c, e);
	if (code)
		goto out;
	d = journal_find_document(engine_journal(e), id);
	h = !d	     ? NULL
	    : wanted ? journal_find_head(d, revision)
		     : journal_winner(d);
	if (!h) {
		code = cli_fail(c, err_make(ERR_NOT_FOUND, NULL), "%s",
				c->args[0]);
		goto out;
	}
	revision = h->digest;
	err = engine_fetch(e, id, revision, &task);
	code = failed(err) ? cli_fail(c, err, "%s", c->args[0])
			   : device_run(c, e, task, &last);
	if (!code)
		code = give_out(c, e, id, revision);
out:
	engine_close(e);
	return code;
}

/* ---- rm, recall, relabel ---- */

int cmd_doc_state(struct cli *c)
{
	const char *verb = c->verb->verb;
	enum statement_kind kind = strcmp(verb, "rm") == 0 ? STATEMENT_DELETE
				   : strcmp(verb, "recall") == 0
					   ? STATEMENT_RECALL
					   : STATEMENT_LABEL;
	struct engine *e = NULL;
	struct engine_event last;
	struct doc_id id;
	struct buf label;
	uint64_t task;
	struct err err;
	int code = 0;

	buf_init(&label, CLI_FILE_MAX);
	if (!parse_id(c, c->args[0], &id, &code))
		goto out;
	if (kind == STATEMENT_LABEL &&
	    !read_label(c, c->args[0], &label, &code))
		goto out;
	code = device_open(c, true, &e);
	if (!code)
		code = pull(c, e);
	if (code)
		goto out;
	err = engine_state(e, id, kind, buf_span(&label), &task);
	code = failed(err) ? cli_fail(c, err, "%s", c->args[0])
			   : device_run(c, e, task, &last);
	if (!code)
		code = report_write(c, id, last.digest, NULL);
out:
	engine_close(e);
	buf_clear(&label);
	return code;
}
