/* `entente label`: explain, check, marking, make; all offline. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/cli.h"
#include "client/cmd_files.h"
#include "client/cmd_label.h"
#include "proto/base/json.h"
#include "proto/label/decision.h"
#include "proto/label/marking.h"

struct call {
	struct cli *cli;
	const char *label_path;
	struct policy *policy;
	struct label *label;
	struct clearance *clearance;
	/* Why it cannot go on: a rule and what and where. */
	const char *rule;
	char detail[2 * LABEL_PROBLEM_MAX];
	int code;
};

static const char *value(const struct call *c, const char *option)
{
	return cli_option(c->cli, option);
}

static bool need(struct call *c, const char *option)
{
	if (strcmp(option, "label") == 0 ? c->label_path != NULL
					 : cli_flag(c->cli, option))
		return true;
	c->code = cli_usage(c->cli, "option --%s is missing", option);
	return false;
}

static void stop(struct call *c, int code, const char *rule, const char *file,
		 const char *detail)
{
	c->code = code;
	c->rule = rule;
	snprintf(c->detail, sizeof(c->detail), "%s%s%s", file,
		 *file ? ": " : "", detail);
}

/* ---- reading what the verbs need ---- */

static bool load_policy(struct call *c)
{
	struct label_problem problem;
	const char *paths[POLICY_FILES_MAX];
	size_t count = cli_options(c->cli, "policy", paths, POLICY_FILES_MAX);
	bool unreadable;

	/* Unreadable or invalid: either way nothing is released. */
	if (cmd_load_policy(paths, count, &problem, &c->policy, &unreadable))
		return true;
	stop(c, CMD_WITHHELD, "invalid-policy", "", problem.text);
	return false;
}

static bool load_label(struct call *c)
{
	const char *path = c->label_path;
	struct label_problem problem;
	struct buf bytes;
	struct err e;

	if (!cmd_read(path, LABEL_MAX, &bytes)) {
		stop(c, CMD_WITHHELD, "invalid-label", path, "cannot be read");
		return false;
	}
	e = label_parse(buf_span(&bytes), &problem, &c->label);
	if (failed(e))
		stop(c, CMD_WITHHELD, "invalid-label", path,
		     *problem.text ? problem.text : e.detail);
	buf_clear(&bytes);
	return !failed(e);
}

static bool load_clearance(struct call *c)
{
	const char *path = value(c, "clearance");
	struct label_problem problem;
	struct buf bytes;
	struct err e;

	if (!cmd_read(path, CLEARANCE_MAX, &bytes)) {
		stop(c, CMD_WITHHELD, "invalid-clearance", path,
		     "cannot be read");
		return false;
	}
	e = clearance_parse(buf_span(&bytes), &problem, &c->clearance);
	if (failed(e))
		stop(c, CMD_WITHHELD, "invalid-clearance", path,
		     *problem.text ? problem.text : e.detail);
	buf_clear(&bytes);
	return !failed(e);
}

/* ---- explain ---- */

static struct verdict judge(struct call *c, struct bound *bound)
{
	const char *space = value(c, "space");
	const char *ceiling = value(c, "ceiling");
	struct reader_spec spec = {.clearance = c->clearance,
				   .all_spaces = true,
				   .in_posture = true};
	struct rules_spec limits = {.ceiling = span_str(ceiling),
				    .all_spaces = true};
	const struct bound *labels[] = {bound};
	struct shelf_view shelf = {span_str(space ? space : "XXX/any"), labels,
				   1, SHELF_CONDITION_NONE};
	struct verdict v = {.rule = "ceiling"};
	struct reader *reader = NULL;
	struct rules *rules = NULL;
	struct err e;

	e = rules_new(c->policy, &limits, &rules);
	if (failed(e))
		snprintf(v.detail, sizeof(v.detail), "%s", e.detail);
	if (!failed(e))
		e = reader_new(c->policy, &spec, &reader);
	if (!failed(e))
		v = decide(c->policy, rules, &shelf, reader);
	rules_free(rules);
	reader_free(reader);
	return v;
}

static void print_verdict(const struct call *c, bool released, const char *rule,
			  const char *detail, const struct bound *bound)
{
	struct buf out;
	struct json_writer w;

	if (!c->cli->json) {
		printf("%s: %s%s%s\n", released ? "released" : "not released",
		       rule, *detail ? ": " : "", detail);
		return;
	}
	buf_init(&out, 65536);
	w = json_write(&out);
	json_open_object(&w);
	if (bound && bound_valid(bound)) {
		json_member_str(&w, "classification",
				bound_classification(bound));
		json_member_bool(&w, "mapped", bound_mapped(bound));
	}
	json_member_str(&w, "detail", detail);
	if (c->policy)
		json_member_digest(&w, "policy", policy_digest(c->policy));
	json_member_bool(&w, "released", released);
	json_member_str(&w, "rule", rule);
	json_close_object(&w);
	puts(buf_cstr(&out));
	buf_clear(&out);
}

static void explain(struct call *c)
{
	struct bound *bound = NULL;
	struct verdict v;

	if (!need(c, "policy") || !need(c, "label") || !need(c, "clearance"))
		return;
	if (!load_policy(c) || !load_label(c) || !load_clearance(c)) {
		print_verdict(c, false, c->rule, c->detail, NULL);
		return;
	}
	if (failed(bound_new(c->policy, c->label, &bound))) {
		stop(c, CMD_FAULT, "fault", "", "out of memory");
		print_verdict(c, false, c->rule, c->detail, NULL);
		return;
	}
	v = judge(c, bound);
	print_verdict(c, v.released, v.rule, v.detail, bound);
	c->code = v.released ? CMD_DONE : CMD_WITHHELD;
	bound_free(bound);
}

/* ---- check, marking ---- */

/* Ends a verb that answers valid or not. */
static void print_checked(const struct call *c, const char *name,
			  const char *text)
{
	bool valid = c->code == CMD_DONE;
	struct buf out;
	struct json_writer w;

	if (!c->cli->json) {
		if (valid)
			puts(text);
		return;
	}
	buf_init(&out, 262144);
	w = json_write(&out);
	json_open_object(&w);
	json_member_str(&w, "detail", valid ? "" : c->detail);
	if (valid)
		json_member_str(&w, name, text);
	json_member_str(&w, "rule", valid ? "valid" : c->rule);
	json_member_bool(&w, "valid", valid);
	json_close_object(&w);
	puts(buf_cstr(&out));
	buf_clear(&out);
}

static bool load_both(struct call *c)
{
	if (!need(c, "policy") || !need(c, "label"))
		return false;
	return load_policy(c) && load_label(c);
}

static void check(struct call *c)
{
	const char *ceiling = value(c, "ceiling");
	const char *file = value(c, "names");
	struct bound *bound = NULL;
	const char *class = "";

	if (!load_both(c)) {
		if (c->code != CMD_USAGE)
			print_checked(c, "classification", "");
		return;
	}
	if (failed(bound_new(c->policy, c->label, &bound)))
		stop(c, CMD_FAULT, "fault", "", "out of memory");
	else if (!bound_valid(bound))
		stop(c, CMD_WITHHELD, bound_rule(bound), c->label_path,
		     bound_detail(bound));
	else if (ceiling && bound_above_ceiling(bound, ceiling))
		stop(c, CMD_WITHHELD, "ceiling", c->label_path,
		     "above the ceiling, or the ceiling is no classification "
		     "of the governing policy");
	else if (file && !label_names(c->label, span_str(file)))
		stop(c, CMD_WITHHELD, "reference", c->label_path,
		     "the binding speaks of another file");
	else
		class = bound_classification(bound);
	print_checked(c, "classification", class);
	bound_free(bound);
}

static void marking(struct call *c)
{
	const char *lang = value(c, "lang");
	struct label_problem problem;
	struct buf text;
	struct err e;

	if (!load_both(c)) {
		if (c->code != CMD_USAGE)
			print_checked(c, "marking", "");
		return;
	}
	buf_init(&text, MARKING_MAX);
	e = label_check(c->policy, c->label, &problem);
	if (!failed(e)) {
		problem.text[0] = '\0';
		e = marking_of(c->policy, c->label, lang ? lang : "", &text);
	}
	if (failed(e))
		stop(c, CMD_WITHHELD, "invalid-label", c->label_path,
		     *problem.text ? problem.text : e.detail);
	print_checked(c, "marking", failed(e) ? "" : buf_cstr(&text));
	buf_clear(&text);
}

/* ---- make ---- */

struct making {
	struct label_category categories[LABEL_CATEGORY_MAX];
	struct span values[CMD_REPEAT_MAX][64];
	size_t count;
};

/* The Type is the policy's: the tag of that name in it. */
static bool tag_type(const struct policy *p, size_t file, struct span name,
		     struct span first, enum label_type *out)
{
	bool found = false;

	for (size_t i = 0; i < policy_tag_count(p, file); i++) {
		struct policy_tag t = policy_tag(p, file, i);

		if (!span_eq_str(name, t.name))
			continue;
		if (!found)
			*out = t.type;
		found = true;
		for (size_t n = 0; n < t.value_count; n++) {
			if (span_eq_str(first,
					policy_tag_value(p, file, i, n))) {
				*out = t.type;
				return true;
			}
		}
	}
	return found;
}

static bool add_category(struct call *c, struct making *m, size_t file,
			 const char *text)
{
	const char *equals = strchr(text, '=');
	struct label_category *k = &m->categories[m->count];
	struct span *values = m->values[m->count];
	char detail[LABEL_PROBLEM_MAX];

	if (!equals || equals == text || !equals[1]) {
		c->code = cli_usage(c->cli,
				    "--category %.80s: write it as "
				    "TAG=VALUE,VALUE",
				    text);
		return false;
	}
	*k = (struct label_category){.tag = span_of(text,
						    (size_t)(equals - text)),
				     .values = values};
	for (const char *at = equals + 1; *at && k->value_count < 64;) {
		size_t len = strcspn(at, ",");

		values[k->value_count++] = span_of(at, len);
		at += len + (at[len] == ',');
	}
	if (!tag_type(c->policy, file, k->tag, values[0], &k->type)) {
		snprintf(detail, sizeof(detail),
			 "--category %.80s: policy %.80s has no such tag", text,
			 policy_name(c->policy, file));
		stop(c, CMD_WITHHELD, "invalid-label", "", detail);
		return false;
	}
	m->count++;
	return true;
}

static void now_text(char out[32])
{
	time_t now = time(NULL);
	struct tm tm;

	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

static bool which_policy(struct call *c, size_t *file)
{
	const char *under = value(c, "under");

	for (*file = 0; *file < policy_file_count(c->policy); (*file)++) {
		if (!under || strcmp(policy_name(c->policy, *file), under) == 0)
			return true;
	}
	stop(c, CMD_WITHHELD, "invalid-policy", "",
	     "--under: no policy of that name is given");
	return false;
}

/* Writes the label, then reads and checks it as a relay would. */
static void make_text(struct call *c, const struct label_part *part,
		      struct buf *text)
{
	struct label_problem problem = {0};
	struct err e = label_write(part, text);

	if (!failed(e))
		e = label_parse(buf_span(text), &problem, &c->label);
	if (!failed(e))
		e = label_check(c->policy, c->label, &problem);
	if (failed(e))
		stop(c, CMD_WITHHELD, "invalid-label", "",
		     *problem.text ? problem.text : e.detail);
}

static bool write_out(struct call *c, struct span text)
{
	const char *path = value(c, "out");
	FILE *f = fopen(path, "wb");
	bool ok = f && fwrite(text.at, 1, text.len, f) == text.len;

	if (f && fclose(f) != 0)
		ok = false;
	if (!ok)
		stop(c, CMD_FAULT, "fault", path, "cannot be written");
	return ok;
}

static void make(struct call *c)
{
	static struct making m; /* too large for the stack; one call */
	const char *categories[CMD_REPEAT_MAX];
	char now[32], oid[LABEL_TEXT_MAX];
	struct label_part part = {.kind = LABEL_ORIGINATOR};
	struct buf text;
	size_t file = 0;

	if (!need(c, "policy") || !need(c, "classification"))
		return;
	memset(&m, 0, sizeof(m));
	now_text(now);
	buf_init(&text, LABEL_MAX);
	if (load_policy(c) && which_policy(c, &file)) {
		size_t n = cli_options(c->cli, "category", categories,
				       CMD_REPEAT_MAX);

		for (size_t i = 0; i < n; i++)
			if (!add_category(c, &m, file, categories[i]))
				break;
	}
	if (c->code == CMD_DONE) {
		snprintf(oid, sizeof(oid), "urn:oid:%s",
			 policy_oid(c->policy, file));
		part.policy = span_str(policy_name(c->policy, file));
		part.policy_uri = span_str(oid);
		part.classification = span_str(value(c, "classification"));
		part.categories = m.categories;
		part.category_count = m.count;
		part.created = span_str(
			value(c, "created") ? value(c, "created") : now);
		part.review = span_str(value(c, "review"));
		make_text(c, &part, &text);
	}
	if (c->code == CMD_DONE && value(c, "out"))
		write_out(c, buf_span(&text));
	if (c->code == CMD_USAGE)
		;
	else if (c->cli->json)
		print_checked(c, "label", buf_cstr(&text));
	else if (c->code == CMD_DONE && !value(c, "out"))
		fputs(buf_cstr(&text), stdout);
	buf_clear(&text);
}

/* ---- the verbs ---- */

static int run(struct cli *cli, void (*verb)(struct call *c))
{
	struct call c = {.cli = cli, .label_path = cli_option(cli, "label")};

	/* A label may stand alone, without its option. */
	if (cli->args_count && c.label_path)
		return cli_usage(cli, "two labels: %.80s and --label",
				 cli->args[0]);
	if (cli->args_count)
		c.label_path = cli->args[0];
	verb(&c);
	if (*c.detail)
		cmd_say("%s; not released", c.detail);
	label_free(c.label);
	clearance_free(c.clearance);
	policy_free(c.policy);
	return c.code;
}

int cmd_label_explain(struct cli *c)
{
	return run(c, explain);
}

int cmd_label_check(struct cli *c)
{
	return run(c, check);
}

int cmd_label_marking(struct cli *c)
{
	return run(c, marking);
}

int cmd_label_make(struct cli *c)
{
	return run(c, make);
}
