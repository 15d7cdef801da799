/*
 * A second evaluator, written from the XML and sharing no code with policy,
 * bound and decision, must agree on random policies, labels and clearances;
 * and the laws hold: a restriction never adds a reader, a higher clearance
 * never removes one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/label/data.h"

enum { ROUNDS = 1500, TRIES = 8, NODES = 2048 };

/* ---- a reader of the XML that this test writes: no more than that ---- */

struct node {
	char name[40];
	char text[40];
	char keys[8][24];
	char values[8][40];
	int attributes;
	int parent;
};

struct tree {
	struct node nodes[NODES];
	int count;
};

static void copy(char *to, size_t room, const char *from, size_t len)
{
	assert_true(len < room);
	memcpy(to, from, len);
	to[len] = '\0';
}

static const char *read_tag(struct node *n, const char *at)
{
	size_t len = strcspn(at, " />");
	const char *colon = memchr(at, ':', len);

	copy(n->name, sizeof(n->name), colon ? colon + 1 : at,
	     colon ? len - (size_t)(colon + 1 - at) : len);
	for (at += len; *at == ' ';) {
		size_t key = strcspn(++at, "=");
		size_t value = strcspn(at + key + 2, "\"");

		assert_true(n->attributes < 8);
		copy(n->keys[n->attributes], 24, at, key > 23 ? 23 : key);
		copy(n->values[n->attributes++], 40, at + key + 2,
		     value > 39 ? 39 : value);
		at += key + 2 + value + 1;
	}
	return at;
}

static void read_tree(struct tree *t, const char *at)
{
	int open = -1;

	t->count = 0;
	while ((at = strchr(at, '<'))) {
		struct node *n;

		if (at[1] == '/') {
			open = t->nodes[open].parent;
			at++;
			continue;
		}
		assert_true(t->count < NODES);
		n = &t->nodes[t->count];
		*n = (struct node){.parent = open};
		at = read_tag(n, at + 1);
		if (*at == '/') {
			t->count++;
			continue;
		}
		open = t->count++;
		copy(n->text, sizeof(n->text), at + 1, strcspn(at + 1, "<"));
	}
}

static const char *get(const struct tree *t, int node, const char *key)
{
	for (int i = 0; i < t->nodes[node].attributes; i++) {
		if (strcmp(t->nodes[node].keys[i], key) == 0)
			return t->nodes[node].values[i];
	}
	return "";
}

/* The next child of `parent` of that name after `from`; -1 if none. */
static int child(const struct tree *t, int parent, const char *name, int from)
{
	for (int i = from + 1; i < t->count; i++) {
		if (t->nodes[i].parent == parent &&
		    strcmp(t->nodes[i].name, name) == 0)
			return i;
	}
	return -1;
}

static int find(const struct tree *t, const char *name)
{
	for (int i = 0; i < t->count; i++) {
		if (strcmp(t->nodes[i].name, name) == 0)
			return i;
	}
	return -1;
}

/* ---- the second evaluator ---- */

#define EACH(i, t, parent, name)                                               \
	for (int i = child(t, parent, name, parent); i >= 0;                   \
	     i = child(t, parent, name, i))

static const char *label_word(const struct tree *spif, int tag)
{
	const char *type = get(spif, tag, "tagType");
	const char *kind = get(spif, tag, "enumType");

	if (strcmp(type, "tagType7") == 0)
		return "INFORMATIVE";
	if (strcmp(type, "restrictive") == 0 ||
	    strcmp(kind, "restrictive") == 0)
		return "RESTRICTIVE";
	return "PERMISSIVE";
}

/* Is a tagCategory of the SPIF selected by the label? */
static bool is_selected(const struct tree *spif, int category,
			const struct tree *label)
{
	int tag = spif->nodes[category].parent;
	int set = spif->nodes[tag].parent;
	int information = find(label, "ConfidentialityInformation");

	EACH(c, label, information, "Category")
	{
		if (strcmp(get(label, c, "TagName"), get(spif, set, "name")) ||
		    strcmp(get(label, c, "Type"), label_word(spif, tag)))
			continue;
		EACH(v, label, c, "GenericValue")
		{
			if (!strcmp(label->nodes[v].text,
				    get(spif, category, "name")))
				return true;
		}
	}
	return false;
}

static int count_selected(const struct tree *spif, int ref,
			  const struct tree *label)
{
	int count = 0;

	for (int i = 0; i < spif->count; i++) {
		int tag = spif->nodes[i].parent;

		if (strcmp(spif->nodes[i].name, "tagCategory") ||
		    strcmp(get(spif, spif->nodes[tag].parent, "name"),
			   get(spif, ref, "tagSetRef")) ||
		    strcmp(get(spif, tag, "tagType"),
			   get(spif, ref, "tagType")) ||
		    strcmp(get(spif, tag, "enumType"),
			   get(spif, ref, "enumType")) ||
		    (*get(spif, ref, "lacv") &&
		     strcmp(get(spif, i, "lacv"), get(spif, ref, "lacv"))))
			continue;
		count += is_selected(spif, i, label);
	}
	return count;
}

static bool requirements_met(const struct tree *spif, int owner,
			     const struct tree *label)
{
	EACH(r, spif, owner, "requiredCategory")
	{
		const char *operation = get(spif, r, "operation");
		int sum = 0, missed = 0;

		EACH(g, spif, r, "categoryGroup")
		{
			int n = count_selected(spif, g, label);

			sum += n;
			missed += n == 0;
		}
		if (!strcmp(operation, "all") && missed)
			return false;
		if (!strcmp(operation, "oneOrMore") && sum == 0)
			return false;
		if (!strcmp(operation, "onlyOne") && sum != 1)
			return false;
	}
	return true;
}

static bool category_allowed(const struct tree *spif, int category,
			     const struct tree *label, const char *class)
{
	const char *required = get(spif, category, "requiredClass");

	if (*required && strcmp(required, class))
		return false;
	EACH(e, spif, category, "excludedClass")
	{
		if (!strcmp(spif->nodes[e].text, class))
			return false;
	}
	EACH(e, spif, category, "excludedCategory")
	{
		if (count_selected(spif, e, label) > 0)
			return false;
	}
	return requirements_met(spif, category, label);
}

static bool all_known(const struct tree *spif, const struct tree *label)
{
	int information = find(label, "ConfidentialityInformation");

	EACH(c, label, information, "Category")
	{
		EACH(v, label, c, "GenericValue")
		{
			bool known = false;

			for (int i = 0; i < spif->count; i++) {
				int tag = spif->nodes[i].parent;

				known |= !strcmp(spif->nodes[i].name,
						 "tagCategory") &&
					 !strcmp(get(spif, i, "name"),
						 label->nodes[v].text) &&
					 !strcmp(get(spif,
						     spif->nodes[tag].parent,
						     "name"),
						 get(label, c, "TagName")) &&
					 !strcmp(label_word(spif, tag),
						 get(label, c, "Type"));
			}
			if (!known)
				return false;
		}
	}
	return true;
}

static bool is_valid(const struct tree *spif, const struct tree *label)
{
	const char *class = label->nodes[find(label, "Classification")].text;
	bool known = false;

	if (strcmp(label->nodes[find(label, "PolicyIdentifier")].text,
		   get(spif, find(spif, "securityPolicyId"), "name")))
		return false;
	for (int i = 0; i < spif->count; i++) {
		if (strcmp(spif->nodes[i].name, "securityClassification") ||
		    strcmp(get(spif, i, "name"), class))
			continue;
		known = true;
		if (!requirements_met(spif, i, label))
			return false;
	}
	if (!known || !all_known(spif, label))
		return false;
	for (int i = 0; i < spif->count; i++) {
		int count = 0;

		if (!strcmp(spif->nodes[i].name, "tagCategory") &&
		    is_selected(spif, i, label) &&
		    !category_allowed(spif, i, label, class))
			return false;
		if (strcmp(spif->nodes[i].name, "securityCategoryTag"))
			continue;
		EACH(v, spif, i, "tagCategory")
		count += is_selected(spif, v, label);
		if ((*get(spif, i, "maxSelection") &&
		     count > atoi(get(spif, i, "maxSelection"))) ||
		    (!strcmp(get(spif, i, "singleSelection"), "true") &&
		     count > 1) ||
		    (count > 0 && count < atoi(get(spif, i, "minSelection"))))
			return false;
	}
	return true;
}

static bool cleared(const struct tree *clearance, const struct tree *label,
		    int category, int value)
{
	EACH(c, clearance, 0, "Category")
	{
		if (strcmp(get(clearance, c, "TagName"),
			   get(label, category, "TagName")) ||
		    strcmp(get(clearance, c, "Type"),
			   get(label, category, "Type")))
			continue;
		EACH(v, clearance, c, "GenericValue")
		{
			if (!strcmp(clearance->nodes[v].text,
				    label->nodes[value].text))
				return true;
		}
	}
	return false;
}

static bool permits(const struct tree *label, const struct tree *clearance)
{
	int information = find(label, "ConfidentialityInformation");
	int list = find(clearance, "ClassificationList");
	bool class = false;

	EACH(c, clearance, list, "Classification")
	class |= !strcmp(clearance->nodes[c].text,
			 label->nodes[find(label, "Classification")].text);
	if (!class)
		return false;
	EACH(c, label, information, "Category")
	{
		const char *type = get(label, c, "Type");
		bool one = false;

		/* Several Category of one name and type are one set. */
		EACH(d, label, information, "Category")
		{
			if (strcmp(get(label, d, "TagName"),
				   get(label, c, "TagName")) ||
			    strcmp(get(label, d, "Type"), type))
				continue;
			EACH(v, label, d, "GenericValue")
			{
				bool held = cleared(clearance, label, d, v);

				if (!strcmp(type, "RESTRICTIVE") && !held)
					return false;
				one |= held;
			}
		}
		if (!strcmp(type, "PERMISSIVE") && !one)
			return false;
	}
	return true;
}

/* ---- random policies, labels, clearances ---- */

static const char *const type_attributes[] =
	{"tagType=\"restrictive\"", "tagType=\"permissive\"",
	 "tagType=\"enumerated\" enumType=\"restrictive\"",
	 "tagType=\"enumerated\" enumType=\"permissive\"",
	 "tagType=\"tagType7\""};
static const char *const type_words[] = {"RESTRICTIVE", "PERMISSIVE",
					 "RESTRICTIVE", "PERMISSIVE",
					 "INFORMATIVE"};

/* What a random SPIF is made of: tag i stands in set i / 2. */
struct shape {
	int classes;
	int tags;
	int types[8];
	int values[8];
};

static void put_reference(struct dice *d, const struct shape *s,
			  const char *name, struct buf *out)
{
	int tag = (int)dice_below(d, (uint32_t)s->tags);

	buf_printf(out, "<%s tagSetRef=\"T%d\" %s", name, tag / 2,
		   type_attributes[s->types[tag]]);
	if (dice_below(d, 3) > 0)
		buf_printf(out, " lacv=\"%d\"",
			   tag * 10 +
				   (int)dice_below(d,
						   (uint32_t)s->values[tag]));
	buf_put_str(out, "/>");
}

static void put_required(struct dice *d, const struct shape *s, struct buf *out)
{
	static const char *const operations[] = {"onlyOne", "oneOrMore", "all"};

	buf_printf(out, "<requiredCategory operation=\"%s\">",
		   operations[dice_below(d, 3)]);
	for (uint32_t n = dice_below(d, 2) + 1; n > 0; n--)
		put_reference(d, s, "categoryGroup", out);
	buf_put_str(out, "</requiredCategory>");
}

static void put_value(struct dice *d, const struct shape *s, int tag, int value,
		      struct buf *out)
{
	buf_printf(out, "<tagCategory name=\"V%d\" lacv=\"%d\"", value,
		   tag * 10 + value);
	if (dice_below(d, 12) == 0)
		buf_printf(out, " requiredClass=\"C%u\"",
			   dice_below(d, (uint32_t)s->classes));
	buf_put_str(out, ">");
	if (dice_below(d, 5) == 0)
		buf_printf(out, "<excludedClass>C%u</excludedClass>",
			   dice_below(d, (uint32_t)s->classes));
	if (dice_below(d, 10) == 0)
		put_required(d, s, out);
	if (dice_below(d, 10) == 0)
		put_reference(d, s, "excludedCategory", out);
	buf_put_str(out, "</tagCategory>");
}

static void put_tag(struct dice *d, const struct shape *s, int tag,
		    struct buf *out)
{
	buf_printf(out, "<securityCategoryTag name=\"N%d\" %s", tag,
		   type_attributes[s->types[tag]]);
	if (dice_below(d, 6) == 0)
		buf_put_str(out, " singleSelection=\"true\"");
	else if (dice_below(d, 6) == 0)
		buf_put_str(out, " minSelection=\"2\" maxSelection=\"2\"");
	buf_put_str(out, ">");
	for (int v = 0; v < s->values[tag]; v++)
		put_value(d, s, tag, v, out);
	buf_put_str(out, "</securityCategoryTag>");
}

static void put_spif(struct dice *d, struct shape *s, struct buf *out)
{
	s->classes = 1 + (int)dice_below(d, 4);
	s->tags = 1 + (int)dice_below(d, 8);
	for (int i = 0; i < s->tags; i++) {
		/* Two tags of one set differ in type, or a value would stand
		 * twice. */
		do
			s->types[i] = (int)dice_below(d, 5);
		while (i % 2 && !strcmp(type_words[s->types[i]],
					type_words[s->types[i - 1]]));
		s->values[i] = 1 + (int)dice_below(d, 5);
	}
	buf_put_str(out, "<SPIF xmlns=\"http://www.xmlspif.org/spif\" "
			 "schemaVersion=\"2.1\">"
			 "<securityPolicyId name=\"P\" id=\"2.25.1\"/>"
			 "<securityClassifications>");
	for (int i = 0; i < s->classes; i++) {
		buf_printf(out,
			   "<securityClassification name=\"C%d\" lacv=\"%d\" "
			   "hierarchy=\"%d\">",
			   i, 7 - i, i);
		if (dice_below(d, 5) == 0)
			put_required(d, s, out);
		buf_put_str(out, "</securityClassification>");
	}
	buf_put_str(out, "</securityClassifications>"
			 "<securityCategoryTagSets>");
	for (int i = 0; i < s->tags; i++) {
		if (i % 2 == 0)
			buf_printf(out,
				   "<securityCategoryTagSet name=\"T%d\" "
				   "id=\"2.25.1.%d\">",
				   i / 2, i);
		put_tag(d, s, i, out);
		if (i % 2 || i + 1 == s->tags)
			buf_put_str(out, "</securityCategoryTagSet>");
	}
	buf_put_str(out, "</securityCategoryTagSets></SPIF>");
}

/* Categories as bit sets of values, so that they are easily widened. */
struct picked {
	int class;
	unsigned values[8];
};

static struct picked pick(struct dice *d, const struct shape *s, uint32_t odds)
{
	struct picked p = {.class = (int)dice_below(d, (uint32_t)s->classes)};

	for (int i = 0; i < s->tags; i++) {
		for (int v = 0; v < s->values[i]; v++)
			p.values[i] |= (dice_below(d, odds) == 0) << v;
	}
	return p;
}

static void put_categories(const struct shape *s, const struct picked *p,
			   struct buf *out)
{
	for (int i = 0; i < s->tags; i++) {
		if (!p->values[i])
			continue;
		buf_printf(out, "<Category TagName=\"T%d\" Type=\"%s\">", i / 2,
			   type_words[s->types[i]]);
		for (int v = 0; v < 8; v++) {
			if (p->values[i] >> v & 1)
				buf_printf(out,
					   "<GenericValue>V%d</GenericValue>",
					   v);
		}
		buf_put_str(out, "</Category>");
	}
}

#define LABEL_NS "urn:nato:stanag:4774:confidentialitymetadatalabel:1:0"

static void put_label(const struct shape *s, const struct picked *p,
		      const char *policy, const char *extra, struct buf *out)
{
	buf_printf(out,
		   "<originatorConfidentialityLabel xmlns=\"%s\">"
		   "<ConfidentialityInformation>"
		   "<PolicyIdentifier>%s</PolicyIdentifier>"
		   "<Classification>C%d</Classification>",
		   LABEL_NS, policy, p->class);
	put_categories(s, p, out);
	buf_printf(out,
		   "%s</ConfidentialityInformation>"
		   "</originatorConfidentialityLabel>",
		   extra);
}

static void put_clearance(const struct shape *s, const struct picked *p,
			  unsigned classes, struct buf *out)
{
	buf_printf(out,
		   "<c:ConfidentialityClearance xmlns:c=\"urn:nato:stanag:4774:"
		   "confidentialityclearance:1:0\" xmlns=\"%s\">"
		   "<PolicyIdentifier>P</PolicyIdentifier>"
		   "<c:ClassificationList>"
		   "<Classification>C%d</Classification>",
		   LABEL_NS, p->class);
	for (int i = 0; i < s->classes; i++) {
		if (classes >> i & 1)
			buf_printf(out, "<Classification>C%d</Classification>",
				   i);
	}
	buf_put_str(out, "</c:ClassificationList>");
	put_categories(s, p, out);
	buf_put_str(out, "</c:ConfidentialityClearance>");
}

/* ---- the tests ---- */

/* What the code under test says. */
static bool released(const struct policy *policy, const char *label_xml,
		     const char *clearance_xml, bool *valid)
{
	struct label *label = make_label(label_xml);
	struct clearance *clearance = make_clearance(clearance_xml);
	struct reader *reader = make_reader(policy, clearance);
	struct bound *bound = NULL;
	struct verdict v;

	assert_false(failed(bound_new(policy, label, &bound)));
	v = decide_label(policy, bound, reader);
	assert_true(strlen(v.rule) > 0);
	*valid = bound_valid(bound);
	bound_free(bound);
	reader_free(reader);
	clearance_free(clearance);
	label_free(label);
	return v.released;
}

/* Some labels are wrong: unknown value, wrong type, other policy. */
static const char *spoil(struct dice *d, struct picked *p, const char **policy)
{
	switch (dice_below(d, 24)) {
	case 0:
		p->class = 6;
		return "";
	case 1:
		p->values[0] |= 1u << 7;
		return "";
	case 2:
		*policy = "Q";
		return "";
	case 3:
		return "<Category TagName=\"T9\" Type=\"INFORMATIVE\">"
		       "<GenericValue>V0</GenericValue></Category>";
	case 4:
		return "<Category TagName=\"T0\" Type=\"RESTRICTIVE\">"
		       "<GenericValue>V0</GenericValue></Category>";
	default:
		return "";
	}
}

static void two_evaluators_agree_and_the_laws_hold(void **state)
{
	static struct tree spif_tree, label_tree, clearance_tree;
	struct dice d = dice_new();
	size_t yes = 0, valid_count = 0, total = 0;
	struct buf spif, label, clearance, more;

	buf_init(&spif, 1 << 18);
	buf_init(&label, 1 << 16);
	buf_init(&clearance, 1 << 16);
	buf_init(&more, 1 << 16);
	for (int round = 0; round < ROUNDS; round++) {
		struct shape s = {0};
		struct policy *policy;

		buf_reset(&spif);
		put_spif(&d, &s, &spif);
		policy = make_policy(buf_cstr(&spif), NULL);
		read_tree(&spif_tree, buf_cstr(&spif));
		for (int i = 0; i < TRIES; i++) {
			struct picked l = pick(&d, &s, 6);
			struct picked c = pick(&d, &s, 2), wide = c;
			unsigned classes = dice_below(&d, 16);
			const char *name = "P";
			const char *extra = spoil(&d, &l, &name);
			bool a, b, valid, valid_after;
			int tag = (int)dice_below(&d, (uint32_t)s.tags);

			buf_reset(&label);
			buf_reset(&clearance);
			put_label(&s, &l, name, extra, &label);
			put_clearance(&s, &c, classes, &clearance);
			a = released(policy, buf_cstr(&label),
				     buf_cstr(&clearance), &valid);
			read_tree(&label_tree, buf_cstr(&label));
			read_tree(&clearance_tree, buf_cstr(&clearance));
			b = is_valid(&spif_tree, &label_tree);
			assert_int_equal(valid, b);
			b = b && permits(&label_tree, &clearance_tree);
			if (a != b)
				fail_msg("%d, not %d:\n%s\n%s\n%s", a, b,
					 buf_cstr(&spif), buf_cstr(&label),
					 buf_cstr(&clearance));
			total++;
			yes += a;
			valid_count += valid;

			/* A higher clearance never removes a reader. */
			wide.values[tag] |= 1u << dice_below(&d, 5);
			buf_reset(&more);
			put_clearance(&s, &wide, classes | 1u << i % 4, &more);
			b = released(policy, buf_cstr(&label), buf_cstr(&more),
				     &valid_after);
			assert_true(!a || b);

			/* A restriction never adds a reader: a restrictive
			 * value, or a permissive tag that was not there. */
			if (!valid || (strcmp(type_words[s.types[tag]],
					      "PERMISSIVE") == 0 &&
				       l.values[tag]))
				continue;
			l.values[tag] |=
				1u << dice_below(&d, (uint32_t)s.values[tag]);
			buf_reset(&more);
			put_label(&s, &l, name, extra, &more);
			b = released(policy, buf_cstr(&more),
				     buf_cstr(&clearance), &valid_after);
			assert_true(a || !b);
		}
		policy_free(policy);
	}
	printf("agreed on %zu decisions: %zu valid labels, %zu released\n",
	       total, valid_count, yes);
	/* The sample is worth something. */
	assert_true(yes > total / 50 && valid_count < total);
	buf_clear(&spif);
	buf_clear(&label);
	buf_clear(&clearance);
	buf_clear(&more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_evaluators_agree_and_the_laws_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
