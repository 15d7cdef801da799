/* Subjects, devices, spaces, peers at a relay. */
#include "client/cmd_officer.h"

#include "client/admin.h"
#include "client/qr.h"
#include "proto/exchange/enrol.h"
#include "proto/exchange/http.h"
#include "proto/exchange/me.h"

#include <stdio.h>

enum { BODY_MAX = 1 << 20, LIST_MAX = 64, TARGET_MAX = 4096 };

/* "/admin/v1/subjects/alice": `name` percent-encoded, `rest` as it stands. */
static void target(struct buf *out, const char *path, const char *name,
		   const char *rest)
{
	buf_init(out, TARGET_MAX);
	buf_put_str(out, path);
	http_percent_encode(span_str(name), out);
	buf_put_str(out, rest);
}

/* Every value of an option, each a list with commas, as a JSON array. */
static void put_list(const struct cli *c, const char *option,
		     struct json_writer *w)
{
	const char *values[LIST_MAX], *parts[LIST_MAX];
	size_t n = cli_options(c, option, values, LIST_MAX);
	char text[4096];

	json_open_array(w);
	for (size_t i = 0; i < n; i++) {
		size_t m = cli_list(values[i], text, sizeof(text), parts,
				    LIST_MAX);

		for (size_t k = 0; k < m; k++)
			json_put_string(w, span_str(parts[k]));
	}
	json_close_array(w);
}

/* The file of an option as a base64url member. */
static bool put_file(const struct cli *c, const char *option, const char *name,
		     struct json_writer *w, int *code)
{
	const char *path = cli_option(c, option);
	struct buf text;
	bool fine;

	if (!path) {
		*code = cli_usage(c, "--%s wants a file", option);
		return false;
	}
	buf_init(&text, BODY_MAX);
	fine = cli_read(c, path, &text, code);
	if (fine)
		json_member_bytes(w, name, buf_span(&text));
	buf_clear(&text);
	return fine;
}

int cmd_status(struct cli *c)
{
	return admin_do(c, "GET", "/admin/v1/status", (struct span){0}, "");
}

/* ---- subjects ---- */

int cmd_subject_add(struct cli *c)
{
	struct json_writer w;
	struct buf body, to;
	int code = 0;

	buf_init(&body, BODY_MAX);
	target(&to, "/admin/v1/subjects/", c->args[0], "");
	w = json_write(&body);
	json_open_object(&w);
	if (!put_file(c, "clearance", "clearance", &w, &code))
		goto out;
	json_put_name(&w, "rights");
	put_list(c, "rights", &w);
	json_put_name(&w, "spaces");
	put_list(c, "space", &w);
	json_close_object(&w);
	code = admin_do(c, "PUT", buf_cstr(&to), buf_span(&body),
			"the subject is known");
out:
	buf_clear(&body);
	buf_clear(&to);
	return code;
}

int cmd_subject_list(struct cli *c)
{
	return admin_list(c, "/admin/v1/subjects", "subjects");
}

int cmd_subject_rm(struct cli *c)
{
	struct buf to;
	int code;

	target(&to, "/admin/v1/subjects/", c->args[0], "");
	code = admin_do(c, "DELETE", buf_cstr(&to), (struct span){0},
			"the subject is gone");
	buf_clear(&to);
	return code;
}

/* ---- devices ---- */

/* The text member of an invitation's answer, alone on stdout: for a pipe. */
static int show_token(struct cli *c, struct span answer, const char *member)
{
	struct json *json = NULL;
	struct span text;
	struct buf line;
	struct err e;

	if (c->json)
		return admin_show(c, answer);
	buf_init(&line, 4096);
	e = json_parse(answer, &json);
	if (!failed(e))
		e = json_get_string(json, member, &text);
	if (!failed(e)) {
		cli_clean(text, &line);
		if (cli_flag(c, "qr"))
			e = qr_print(buf_cstr(&line));
		printf("%s\n", buf_cstr(&line));
	}
	json_free(json);
	buf_wipe(&line);
	return failed(e) ? cli_fail(c, e, "the relay's answer") : 0;
}

static int invite(struct cli *c, const char *to, struct span body,
		  const char *member)
{
	struct admin *a = NULL;
	struct buf answer;
	int code = admin_open(c, &a);

	buf_init(&answer, ADMIN_ANSWER_MAX);
	if (!code)
		code = admin_call(a, "POST", to, body, &answer);
	if (!code)
		code = show_token(c, buf_span(&answer), member);
	admin_close(a);
	buf_wipe(&answer);
	return code;
}

int cmd_device_invite(struct cli *c)
{
	struct json_writer w;
	struct buf body;
	int code;

	buf_init(&body, BODY_MAX);
	w = json_write(&body);
	json_open_object(&w);
	json_member_str(&w, "subject", c->args[0]);
	json_close_object(&w);
	code = invite(c, "/admin/v1/devices/invitations", buf_span(&body),
		      "token");
	buf_clear(&body);
	return code;
}

int cmd_device_list(struct cli *c)
{
	return admin_list(c, "/admin/v1/devices", "devices");
}

int cmd_device_change(struct cli *c)
{
	char rest[32], done[64];
	struct buf to;
	int code;

	snprintf(rest, sizeof(rest), "/%s", c->verb->verb);
	snprintf(done, sizeof(done), "%s: done", c->verb->verb);
	target(&to, "/admin/v1/devices/", c->args[0], rest);
	code = admin_do(c, "POST", buf_cstr(&to), (struct span){0}, done);
	buf_clear(&to);
	return code;
}

/* ---- spaces ---- */

int cmd_space_list(struct cli *c)
{
	return admin_list(c, "/admin/v1/spaces", "spaces");
}

int cmd_space_set(struct cli *c)
{
	struct json_writer w;
	struct buf body, to;
	int code;

	if (failed(space_check(span_str(c->args[0]))))
		return cli_usage(c, "a space is nation/name, such as GBR/ops");
	buf_init(&body, BODY_MAX);
	buf_init(&to, TARGET_MAX);
	buf_printf(&to, "/admin/v1/spaces/%s", c->args[0]);
	w = json_write(&body);
	json_open_object(&w);
	json_put_name(&w, "members");
	put_list(c, "member", &w);
	json_close_object(&w);
	code = admin_do(c, "PUT", buf_cstr(&to), buf_span(&body),
			"the space is set");
	buf_clear(&body);
	buf_clear(&to);
	return code;
}

/* ---- peers ---- */

/* Members that both ends of a peering give: how far this relay trusts the
 * other. */
static bool put_profile(struct cli *c, struct json_writer *w, int *code)
{
	const char *ceiling = cli_option(c, "ceiling");

	json_member_str(w, "ceiling", ceiling ? ceiling : "RESTRICTED");
	if (!put_file(c, "clearance", "clearance", w, code))
		return false;
	json_put_name(w, "spaces");
	if (cli_flag(c, "space"))
		put_list(c, "space", w);
	else
		json_put_raw(w, span_str("[\"*\"]"));
	return true;
}

int cmd_peer_invite(struct cli *c)
{
	struct json_writer w;
	struct nation nation;
	struct buf body;
	int code = 0;

	if (failed(nation_parse(span_str(c->args[0]), &nation)))
		return cli_usage(c, "a nation is three letters, such as FRA");
	buf_init(&body, BODY_MAX);
	w = json_write(&body);
	json_open_object(&w);
	json_member_nation(&w, "nation", nation);
	if (put_profile(c, &w, &code)) {
		json_close_object(&w);
		code = invite(c, "/admin/v1/peers/invitations", buf_span(&body),
			      "invitation");
	}
	buf_clear(&body);
	return code;
}

int cmd_peer_accept(struct cli *c)
{
	struct enrol_token token;
	struct json_writer w;
	struct buf body, text;
	struct span line;
	int code = 0;

	buf_init(&body, BODY_MAX);
	buf_init(&text, 4096);
	if (strcmp(c->args[0], "-") == 0) {
		if (!cli_read(c, "-", &text, &code))
			goto out;
	} else {
		buf_put_str(&text, c->args[0]);
	}
	line = buf_span(&text);
	while (line.len && line.at[line.len - 1] <= ' ')
		line.len--;
	if (failed(enrol_token_parse(line, &token)) ||
	    token.kind != ENROL_PEER) {
		code = cli_usage(c, "this is no invitation of a nation "
				    "(entente-peer:...)");
		goto out;
	}
	w = json_write(&body);
	json_open_object(&w);
	json_member_string(&w, "invitation", line);
	if (put_profile(c, &w, &code)) {
		json_close_object(&w);
		code = admin_do(c, "POST", "/admin/v1/peers/accept",
				buf_span(&body), "the peering stands");
	}
out:
	wipe(&token, sizeof(token));
	buf_wipe(&body);
	buf_wipe(&text);
	return code;
}

int cmd_peer_list(struct cli *c)
{
	return admin_list(c, "/admin/v1/peers", "peers");
}

int cmd_peer_quarantine(struct cli *c)
{
	return admin_list(c, "/admin/v1/quarantine", "quarantine");
}

int cmd_peer_change(struct cli *c)
{
	char rest[32], done[64];
	struct buf to;
	int code;

	snprintf(rest, sizeof(rest), "/%s", c->verb->verb);
	snprintf(done, sizeof(done), "%s: done", c->verb->verb);
	target(&to, "/admin/v1/peers/", c->args[0], rest);
	code = admin_do(c, "POST", buf_cstr(&to), (struct span){0}, done);
	buf_clear(&to);
	return code;
}

/* ---- why ---- */

/* Shows the verdict; 0 released, 2 not. */
static int ask_why(struct cli *c, struct span body)
{
	struct admin *a = NULL;
	struct json *json = NULL;
	struct buf answer;
	bool released = false;
	int code = admin_open(c, &a);

	buf_init(&answer, ADMIN_ANSWER_MAX);
	if (!code)
		code = admin_call(a, "POST", "/admin/v1/explain", body,
				  &answer);
	if (!code)
		code = admin_show(c, buf_span(&answer));
	if (!code &&
	    (failed(json_parse(buf_span(&answer), &json)) ||
	     failed(json_get_bool(json, "released", &released)) || !released))
		code = err_row(ERR_NOT_RELEASABLE)->exit_code;
	json_free(json);
	admin_close(a);
	buf_clear(&answer);
	return code;
}

/* "reader", or "clearance" from a file. */
static bool put_reader(struct cli *c, struct json_writer *w, int *code)
{
	const char *reader = cli_option(c, "reader");
	struct me_reader value;

	if (!reader)
		return put_file(c, "clearance", "clearance", w, code);
	if (failed(me_reader_parse(span_str(reader), &value))) {
		*code = cli_usage(c, "a reader is a device's key id, or a "
				     "nation's three letters");
		return false;
	}
	json_member_str(w, "reader", reader);
	return true;
}

static int explain(struct cli *c, const char *document)
{
	const char *space = cli_option(c, "space");
	struct json_writer w;
	struct buf body;
	int code = 0;

	buf_init(&body, BODY_MAX);
	w = json_write(&body);
	json_open_object(&w);
	if (document) {
		json_member_str(&w, "document", document);
	} else if (!space) {
		code = cli_usage(c, "a label wants its --space; or name a "
				    "--document");
		goto out;
	} else {
		if (!put_file(c, "label", "label", &w, &code))
			goto out;
		json_member_str(&w, "space", space);
	}
	if (!put_reader(c, &w, &code))
		goto out;
	json_close_object(&w);
	code = ask_why(c, buf_span(&body));
out:
	buf_clear(&body);
	return code;
}

int cmd_explain(struct cli *c)
{
	return explain(c, cli_option(c, "document"));
}

int cmd_doc_why(struct cli *c)
{
	struct doc_id id;
	struct buf to;
	int code;

	if (!failed(doc_id_parse(span_str(c->args[0]), &id)))
		return explain(c, c->args[0]);
	target(&to, "/admin/v1/references/", c->args[0], "");
	code = admin_do(c, "GET", buf_cstr(&to), (struct span){0}, "");
	buf_clear(&to);
	return code;
}

/* ---- audit ---- */

int cmd_audit_list(struct cli *c)
{
	static const char *const names[] = {"from",	"to",	  "reader",
					    "document", "what",	  "rule",
					    "limit",	"before", NULL};
	bool first = true;
	struct buf to;
	int code;

	buf_init(&to, TARGET_MAX);
	buf_put_str(&to, "/admin/v1/audit");
	for (size_t i = 0; names[i]; i++)
		if (cli_option(c, names[i]))
			http_query_put(&to, &first, names[i],
				       span_str(cli_option(c, names[i])));
	if (cli_flag(c, "refused"))
		http_query_put(&to, &first, "refused", span_str("1"));
	code = admin_do(c, "GET", buf_cstr(&to), (struct span){0}, "");
	buf_clear(&to);
	return code;
}

int cmd_audit_verify(struct cli *c)
{
	const char *from = cli_option(c, "from");
	struct json *json = NULL;
	struct admin *a = NULL;
	struct buf to, answer;
	bool sound = false, first = true;
	int code;

	buf_init(&to, TARGET_MAX);
	buf_init(&answer, ADMIN_ANSWER_MAX);
	buf_put_str(&to, "/admin/v1/audit/verify");
	if (from)
		http_query_put(&to, &first, "from", span_str(from));
	code = admin_open(c, &a);
	if (!code)
		code = admin_call(a, "GET", buf_cstr(&to), (struct span){0},
				  &answer);
	if (!code)
		code = admin_show(c, buf_span(&answer));
	/* A chain that is not whole is a fault. */
	if (!code && (failed(json_parse(buf_span(&answer), &json)) ||
		      failed(json_get_bool(json, "sound", &sound)) || !sound))
		code = err_row(ERR_CORRUPT)->exit_code;
	json_free(json);
	admin_close(a);
	buf_clear(&to);
	buf_clear(&answer);
	return code;
}
