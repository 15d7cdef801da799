/* `entente policy check`: is this set of SPIFs a policy? */
#include <stdio.h>
#include <string.h>

#include "client/cmd_files.h"
#include "client/cmd_policy.h"
#include "proto/base/json.h"

static const char help[] =
	"usage: entente policy check [--json] GOVERNING.spif.xml "
	"[NATIONAL.spif.xml]...\n"
	"\n"
	"Reads Open XML SPIFs (schemaVersion 1.0, 2.0, 2.1) as a set: the "
	"first\n"
	"governs, the others are national policies that map to it.  Says what "
	"is\n"
	"wrong, in which file and on which line; or names, classifications "
	"with\n"
	"what they map to, tags, languages, and the digest of the set.\n"
	"\n"
	"examples:\n"
	"  entente policy check docs/policy/alliance.spif.xml\n"
	"  entente policy check --json docs/policy/alliance.spif.xml \\\n"
	"          docs/policy/germany.spif.xml\n"
	"\n"
	"exit: 0 a policy, 1 a file cannot be read, 2 not a policy, 64 usage\n";

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

static int check(int argc, char **argv)
{
	struct cmd_option options[] = {{"--json", .flag = true}};
	const char *paths[POLICY_FILES_MAX];
	struct label_problem problem;
	struct policy *p = NULL;
	bool unreadable, loaded;
	size_t count;

	if (!cmd_options(argc, argv, 2, options, 1, paths, POLICY_FILES_MAX,
			 &count))
		return CMD_USAGE;
	if (count == 0) {
		cmd_say("policy check: no policy file; name at least one, see "
			"--help");
		return CMD_USAGE;
	}
	loaded = cmd_load_policy(paths, count, &problem, &p, &unreadable);
	if (options[0].count)
		print_json(loaded ? p : NULL, problem.text);
	else if (loaded)
		print_text(p);
	if (!loaded && !unreadable)
		cmd_say("%s; mend the policy file", problem.text);
	policy_free(p);
	return loaded ? CMD_DONE : unreadable ? CMD_FAULT : CMD_WITHHELD;
}

int cmd_policy(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			fputs(help, stdout);
			return CMD_DONE;
		}
	}
	if (argc >= 2 && strcmp(argv[1], "check") == 0)
		return check(argc, argv);
	cmd_say("policy: unknown verb %s; there is check, see --help",
		argc >= 2 ? argv[1] : "(none)");
	return CMD_USAGE;
}
