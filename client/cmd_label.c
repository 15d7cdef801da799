/* `entente label`: explain, check, marking, make; all offline. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/cmd_files.h"
#include "client/cmd_label.h"
#include "proto/base/json.h"
#include "proto/label/decision.h"
#include "proto/label/marking.h"

static const char help[] =
	"usage: entente label explain --policy SPIF [--policy NATIONAL]... "
	"--label LABEL\n"
	"                     --clearance CLEARANCE [--space NATION/NAME]\n"
	"                     [--ceiling CLASSIFICATION] [--json]\n"
	"       entente label check   --policy SPIF [--policy NATIONAL]... "
	"--label LABEL\n"
	"                     [--ceiling CLASSIFICATION] [--names FILE] "
	"[--json]\n"
	"       entente label marking --policy SPIF [--policy NATIONAL]... "
	"--label LABEL\n"
	"                     [--lang LANG] [--json]\n"
	"       entente label make    --policy SPIF [--policy NATIONAL]...\n"
	"                     --classification NAME [--category "
	"TAG=VALUE[,VALUE]"
	"]...\n"
	"                     [--under POLICYNAME] [--created TIME] [--review "
	"TIME]\n"
	"                     [--out FILE] [--json]\n"
	"\n"
	"A LABEL is a STANAG 4774 label or a STANAG 4778 binding (.bdo).  The\n"
	"first policy governs; others are national and mapped by "
	"equivalences.\n"
	"explain decides as a relay does, and always names its rule.\n"
	"\n"
	"examples:\n"
	"  entente label explain --policy docs/policy/alliance.spif.xml \\\n"
	"          --label docs/policy/labels/restricted-rel-deu-fra.xml \\\n"
	"          --clearance docs/policy/clearances/gbr-restricted.xml\n"
	"  entente label marking --policy docs/policy/alliance.spif.xml \\\n"
	"          --label docs/policy/labels/restricted-orion.xml --lang fr\n"
	"  entente label make --policy docs/policy/alliance.spif.xml \\\n"
	"          --classification RESTRICTED \\\n"
	"          --category \"Releasable To=GBR,DEU\" --out label.xml\n"
	"\n"
	"exit: 0 released or done, 1 a file cannot be written, 2 not released, "
	"or\n"
	"a label, policy or clearance that cannot be read or is not valid, 64\n"
	"usage\n";

/* The options of all verbs; each verb looks at its own. */
enum {
	O_POLICY,
	O_LABEL,
	O_CLEARANCE,
	O_SPACE,
	O_CEILING,
	O_NAMES,
	O_LANG,
	O_CLASS,
	O_CATEGORY,
	O_UNDER,
	O_CREATED,
	O_REVIEW,
	O_OUT,
	O_JSON,
	O_COUNT
};

struct call {
	struct cmd_option options[O_COUNT];
	const char *values[O_COUNT][CMD_REPEAT_MAX];
	struct policy *policy;
	struct label *label;
	struct clearance *clearance;
	/* Why it cannot go on: a rule and what and where. */
	const char *rule;
	char detail[2 * LABEL_PROBLEM_MAX];
	int code;
};

static const char *value(const struct call *c, int option)
{
	return c->options[option].count ? c->values[option][0] : NULL;
}

static bool json(const struct call *c)
{
	return c->options[O_JSON].count > 0;
}

static bool need(const struct call *c, int option)
{
	if (c->options[option].count)
		return true;
	cmd_say("label: option %s is missing; see --help",
		c->options[option].name);
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
	bool unreadable;

	/* Unreadable or invalid: either way nothing is released. */
	if (cmd_load_policy(c->values[O_POLICY], c->options[O_POLICY].count,
			    &problem, &c->policy, &unreadable))
		return true;
	stop(c, CMD_WITHHELD, "invalid-policy", "", problem.text);
	return false;
}

static bool load_label(struct call *c)
{
	const char *path = value(c, O_LABEL);
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
	const char *path = value(c, O_CLEARANCE);
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
	const char *space = value(c, O_SPACE);
	const char *ceiling = value(c, O_CEILING);
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

	if (!json(c)) {
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

	if (!need(c, O_POLICY) || !need(c, O_LABEL) || !need(c, O_CLEARANCE)) {
		c->code = CMD_USAGE;
		return;
	}
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

	if (!json(c)) {
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
	if (!need(c, O_POLICY) || !need(c, O_LABEL)) {
		c->code = CMD_USAGE;
		return false;
	}
	return load_policy(c) && load_label(c);
}

static void check(struct call *c)
{
	const char *ceiling = value(c, O_CEILING);
	const char *file = value(c, O_NAMES);
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
		stop(c, CMD_WITHHELD, bound_rule(bound), value(c, O_LABEL),
		     bound_detail(bound));
	else if (ceiling && bound_above_ceiling(bound, ceiling))
		stop(c, CMD_WITHHELD, "ceiling", value(c, O_LABEL),
		     "above the ceiling, or the ceiling is no classification "
		     "of the governing policy");
	else if (file && !label_names(c->label, span_str(file)))
		stop(c, CMD_WITHHELD, "reference", value(c, O_LABEL),
		     "the binding speaks of another file");
	else
		class = bound_classification(bound);
	print_checked(c, "classification", class);
	bound_free(bound);
}

static void marking(struct call *c)
{
	const char *lang = value(c, O_LANG);
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
		stop(c, CMD_WITHHELD, "invalid-label", value(c, O_LABEL),
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
		cmd_say("--category %s: write it as TAG=VALUE,VALUE", text);
		c->code = CMD_USAGE;
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
	const char *under = value(c, O_UNDER);

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
	const char *path = value(c, O_OUT);
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
	char now[32], oid[LABEL_TEXT_MAX];
	struct label_part part = {.kind = LABEL_ORIGINATOR};
	struct buf text;
	size_t file = 0;

	if (!need(c, O_POLICY) || !need(c, O_CLASS)) {
		c->code = CMD_USAGE;
		return;
	}
	memset(&m, 0, sizeof(m));
	now_text(now);
	buf_init(&text, LABEL_MAX);
	if (load_policy(c) && which_policy(c, &file)) {
		for (size_t i = 0; i < c->options[O_CATEGORY].count; i++) {
			if (!add_category(c, &m, file,
					  c->values[O_CATEGORY][i]))
				break;
		}
	}
	if (c->code == CMD_DONE) {
		snprintf(oid, sizeof(oid), "urn:oid:%s",
			 policy_oid(c->policy, file));
		part.policy = span_str(policy_name(c->policy, file));
		part.policy_uri = span_str(oid);
		part.classification = span_str(value(c, O_CLASS));
		part.categories = m.categories;
		part.category_count = m.count;
		part.created = span_str(
			value(c, O_CREATED) ? value(c, O_CREATED) : now);
		part.review = span_str(value(c, O_REVIEW));
		make_text(c, &part, &text);
	}
	if (c->code == CMD_DONE && value(c, O_OUT))
		write_out(c, buf_span(&text));
	if (c->code == CMD_USAGE)
		;
	else if (json(c))
		print_checked(c, "label", buf_cstr(&text));
	else if (c->code == CMD_DONE && !value(c, O_OUT))
		fputs(buf_cstr(&text), stdout);
	buf_clear(&text);
}

/* ---- the noun ---- */

static const char *const names[O_COUNT] = {"--policy",	  "--label",
					   "--clearance", "--space",
					   "--ceiling",	  "--names",
					   "--lang",	  "--classification",
					   "--category",  "--under",
					   "--created",	  "--review",
					   "--out",	  "--json"};

static void set_options(struct call *c)
{
	for (int i = 0; i < O_COUNT; i++) {
		c->options[i].name = names[i];
		c->options[i].flag = i == O_JSON;
		c->options[i].max = i == O_POLICY     ? POLICY_FILES_MAX
				    : i == O_CATEGORY ? CMD_REPEAT_MAX
						      : 1;
		c->options[i].values = c->values[i];
	}
}

int cmd_label(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct call *c);
	} verbs[] = {{"explain", explain},
		     {"check", check},
		     {"marking", marking},
		     {"make", make}};
	struct call c = {.code = CMD_DONE};
	const char *rest = NULL;
	size_t rest_count;
	size_t i = 0;

	for (int n = 1; n < argc; n++) {
		if (strcmp(argv[n], "--help") == 0) {
			fputs(help, stdout);
			return CMD_DONE;
		}
	}
	while (i < 4 && (argc < 2 || strcmp(argv[1], verbs[i].name) != 0))
		i++;
	if (i == 4) {
		cmd_say("label: unknown verb %s; there are explain, check, "
			"marking and make, see --help",
			argc >= 2 ? argv[1] : "(none)");
		return CMD_USAGE;
	}
	set_options(&c);
	if (!cmd_options(argc, argv, 2, c.options, O_COUNT, &rest, 1,
			 &rest_count))
		return CMD_USAGE;
	/* A label may stand alone, without its option. */
	if (rest_count > 0 && c.options[O_LABEL].count == 0) {
		c.options[O_LABEL].values[c.options[O_LABEL].count++] = rest;
	} else if (rest_count > 0) {
		cmd_say("label: unexpected argument %s; see --help", rest);
		return CMD_USAGE;
	}
	verbs[i].run(&c);
	if (*c.detail)
		cmd_say("%s; not released", c.detail);
	label_free(c.label);
	clearance_free(c.clearance);
	policy_free(c.policy);
	return c.code;
}
