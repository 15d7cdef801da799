/* `entente policy`: is this set of SPIFs a policy; the one of a relay. */
#include <stdio.h>
#include <string.h>

#include "client/admin.h"
#include "client/cmd_files.h"
#include "client/cmd_policy.h"
#include "client/files.h"
#include "proto/base/base64.h"

static const char *const types[] = {"restrictive", "permissive", "informative"};

static void print_text(const struct policy *p)
{
	char digest[DIGEST_TEXT_LEN + 1];

	for (size_t i = 0; i < policy_file_count(p); i++) {
		printf("%s %s, OID %s, version %s\n",
		       i == 0 ? "governing" : "national", policy_name(p, i),
		       policy_oid(p, i), policy_version(p, i));
		for (size_t n = 0; n < policy_class_count(p, i); n++) {
			struct policy_class c = policy_class(p, i, n);

			printf("  classification %s", c.name);
			if (i > 0)
				printf(" -> %s", c.governing ? c.governing
							     : "(not mapped)");
			printf("%s\n", c.obsolete ? " (obsolete)" : "");
		}
		for (size_t n = 0; n < policy_tag_count(p, i); n++) {
			struct policy_tag t = policy_tag(p, i, n);

			printf("  tag %s (%s): %zu values\n", t.name,
			       types[t.type], t.value_count);
		}
	}
	printf("languages");
	for (size_t i = 0; i < policy_lang_count(p); i++)
		printf(" %s", policy_lang(p, i));
	digest_format(policy_digest(p), digest);
	printf("\ndigest %s\n", digest);
}

static void put_file(struct json_writer *w, const struct policy *p, size_t i)
{
	json_open_object(w);
	json_put_name(w, "classifications");
	json_open_array(w);
	for (size_t n = 0; n < policy_class_count(p, i); n++) {
		struct policy_class c = policy_class(p, i, n);

		json_open_object(w);
		json_member_str(w, "color", c.color);
		json_put_name(w, "governing");
		if (c.governing)
			json_put_string(w, span_str(c.governing));
		else
			json_put_null(w);
		json_member_u64(w, "hierarchy", c.hierarchy);
		json_member_str(w, "name", c.name);
		json_member_bool(w, "obsolete", c.obsolete);
		json_close_object(w);
	}
	json_close_array(w);
	json_member_str(w, "name", policy_name(p, i));
	json_member_str(w, "oid", policy_oid(p, i));
	json_put_name(w, "tags");
	json_open_array(w);
	for (size_t n = 0; n < policy_tag_count(p, i); n++) {
		struct policy_tag t = policy_tag(p, i, n);

		json_open_object(w);
		json_member_str(w, "name", t.name);
		json_member_str(w, "type", types[t.type]);
		json_put_name(w, "values");
		json_open_array(w);
		for (size_t v = 0; v < t.value_count; v++)
			json_put_string(w,
					span_str(policy_tag_value(p, i, n, v)));
		json_close_array(w);
		json_close_object(w);
	}
	json_close_array(w);
	json_member_str(w, "version", policy_version(p, i));
	json_close_object(w);
}

static void print_json(const struct policy *p, const char *detail)
{
	struct buf out;
	struct json_writer w;

	buf_init(&out, 8 << 20);
	w = json_write(&out);
	json_open_object(&w);
	if (!p)
		json_member_str(&w, "detail", detail);
	if (p)
		json_member_digest(&w, "digest", policy_digest(p));
	if (p) {
		json_put_name(&w, "files");
		json_open_array(&w);
		for (size_t i = 0; i < policy_file_count(p); i++)
			put_file(&w, p, i);
		json_close_array(&w);
		json_put_name(&w, "languages");
		json_open_array(&w);
		for (size_t i = 0; i < policy_lang_count(p); i++)
			json_put_string(&w, span_str(policy_lang(p, i)));
		json_close_array(&w);
	}
	json_member_bool(&w, "valid", p != NULL);
	json_close_object(&w);
	puts(buf_cstr(&out));
	buf_clear(&out);
}

int cmd_policy_check(struct cli *c)
{
	struct label_problem problem;
	struct policy *p = NULL;
	bool unreadable, loaded;

	if (c->args_count > POLICY_FILES_MAX)
		return cli_usage(c, "a policy has at most %d files",
				 POLICY_FILES_MAX);
	loaded = cmd_load_policy(c->args, (size_t)c->args_count, &problem, &p,
				 &unreadable);
	if (c->json)
		print_json(loaded ? p : NULL, problem.text);
	else if (loaded)
		print_text(p);
	if (!loaded && !unreadable)
		cmd_say("%s; mend the policy file", problem.text);
	policy_free(p);
	return loaded ? CMD_DONE : unreadable ? CMD_FAULT : CMD_WITHHELD;
}

/* ---- at a relay ---- */

/* The files of the answer into the folder --out, as `policy put` takes them. */
static struct err write_files(const char *folder, const struct json *files,
			      char path[FILES_PATH_MAX])
{
	struct err e = files_make_folder(folder);

	for (size_t i = 0; !failed(e) && i < json_count(files); i++) {
		char name[32];
		struct span text;
		struct buf bytes;

		buf_init(&bytes, POLICY_FILE_MAX);
		snprintf(name, sizeof(name), "%02zu.spif.xml", i);
		e = json_as_string(json_at(files, i), &text);
		if (!failed(e))
			e = base64url_decode(text, &bytes);
		if (!failed(e))
			e = files_path(folder, name, path);
		if (!failed(e))
			e = files_write(path, buf_span(&bytes), 0644);
		buf_clear(&bytes);
	}
	return e;
}

int cmd_policy_show(struct cli *c)
{
	const char *folder = cli_option(c, "out");
	char path[FILES_PATH_MAX] = "the relay's answer";
	const struct json *files;
	struct json *json = NULL;
	struct admin *a = NULL;
	struct buf answer;
	struct err e = ERR_NONE;
	int code = admin_open(c, &a);

	buf_init(&answer, ADMIN_ANSWER_MAX);
	if (!code)
		code = admin_call(a, "GET", "/admin/v1/policy",
				  (struct span){0}, &answer);
	if (!code && folder) {
		e = json_parse(buf_span(&answer), &json);
		if (!failed(e))
			e = json_get_array(json, "files", &files);
		if (!failed(e))
			e = write_files(folder, files, path);
		if (failed(e))
			code = cli_fail(c, e, "%s", path);
	}
	if (!code)
		code = admin_show(c, buf_span(&answer));
	json_free(json);
	admin_close(a);
	buf_clear(&answer);
	return code;
}

int cmd_policy_put(struct cli *c)
{
	struct json_writer w;
	struct buf body, file;
	bool fine = true;
	int code = 0;

	if (c->args_count > POLICY_FILES_MAX)
		return cli_usage(c, "a policy has at most %d files",
				 POLICY_FILES_MAX);
	buf_init(&body, ADMIN_ANSWER_MAX);
	w = json_write(&body);
	json_open_object(&w);
	json_put_name(&w, "files");
	json_open_array(&w);
	for (int i = 0; fine && i < c->args_count; i++) {
		buf_init(&file, POLICY_FILE_MAX);
		fine = cli_read(c, c->args[i], &file, &code);
		json_put_bytes(&w, buf_span(&file));
		buf_clear(&file);
	}
	json_close_array(&w);
	json_close_object(&w);
	if (fine)
		code = admin_do(c, "PUT", "/admin/v1/policy", buf_span(&body),
				"the policy is in force");
	buf_clear(&body);
	return code;
}
