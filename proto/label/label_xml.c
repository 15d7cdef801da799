/* Labels in XML: STANAG 4774, alone or bound by STANAG 4778. */
#include "proto/label/label_form.h"
#include "proto/label/label_read.h"

#define BINDING_NS   "urn:nato:stanag:4778:bindinginformation:1:0"
#define SIGNATURE_NS "http://www.w3.org/2000/09/xmldsig#"

enum { ELEMENTS_MAX = 8192 };

/* One label or binding on its way in. */
struct parse {
	struct label_read r;
	struct label *label;
};

static const struct {
	const char *name;
	enum label_kind kind;
} roots[] = {
	{"originatorConfidentialityLabel", LABEL_ORIGINATOR},
	{"ConfidentialityLabel", LABEL_ORIGINATOR}, /* before the 1.0 roots */
	{"alternativeConfidentialityLabel", LABEL_ALTERNATIVE},
	{"metadataConfidentialityLabel", LABEL_METADATA},
};

static bool is_label(const struct xml_element *e, enum label_kind *kind)
{
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		if (xml_is(e, LABEL_NS, roots[i].name)) {
			*kind = roots[i].kind;
			return true;
		}
	}
	return false;
}

/* ---- dates: the lexical form of xs:dateTime, not the calendar ---- */

static bool is_date_time(struct span s)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd";
	size_t i;

	if (s.len < sizeof(form) - 1)
		return false;
	for (i = 0; i < sizeof(form) - 1; i++) {
		bool digit = s.at[i] >= '0' && s.at[i] <= '9';

		if (form[i] == 'd' ? !digit : s.at[i] != form[i])
			return false;
	}
	if (i < s.len && s.at[i] == '.') {
		size_t from = ++i;

		while (i < s.len && s.at[i] >= '0' && s.at[i] <= '9')
			i++;
		if (i == from)
			return false;
	}
	if (i == s.len || (s.at[i] == 'Z' && i + 1 == s.len))
		return true;
	return s.len - i == 6 && (s.at[i] == '+' || s.at[i] == '-') &&
	       s.at[i + 3] == ':';
}

static struct err check_date(const struct parse *p, unsigned line,
			     const char *what, struct span text)
{
	if (is_date_time(text))
		return ERR_NONE;
	return finding_make(p->r.problem, ERR_LABEL, "not a date and time",
			    line, "%s: \"%.*s\" is not a date and time", what,
			    FINDING_SPAN(text));
}

/* ---- one label ---- */

static struct err once(const struct parse *p, const struct xml_element *e,
		       const char *name, bool required)
{
	size_t count = label_read_count(e, LABEL_NS, name);

	if (count == 1 || (count == 0 && !required))
		return ERR_NONE;
	return finding_make(p->r.problem, ERR_LABEL,
			    count ? "repeated element" : "missing element",
			    e->line, "element %.60s: %s %s", e->name, name,
			    count ? "stands more than once" : "is missing");
}

static struct err read_categories(struct parse *p, const struct xml_element *e,
				  struct label_part *part)
{
	size_t count = label_read_count(e, LABEL_NS, "Category");
	struct label_category *categories;
	size_t values = 0;

	if (count > LABEL_CATEGORY_MAX)
		return finding_make(p->r.problem, ERR_TOO_LARGE,
				    "too many categories", e->line,
				    "element %.60s: %zu categories, at most "
				    "%d are allowed",
				    e->name, count, LABEL_CATEGORY_MAX);
	categories = arena_array(p->r.arena, count + 1, sizeof(*categories));
	if (!categories)
		return err_make(ERR_TOO_LARGE, "label too large");
	part->categories = categories;
	for (const struct xml_element *c = e->first; c; c = c->next) {
		struct err err;

		if (!xml_is(c, LABEL_NS, "Category"))
			continue;
		err = label_read_category(&p->r, c,
					  &categories[part->category_count]);
		if (failed(err))
			return err;
		values += categories[part->category_count++].value_count;
	}
	if (values > LABEL_VALUE_MAX)
		return finding_make(p->r.problem, ERR_TOO_LARGE,
				    "too many values", e->line,
				    "element %.60s: %zu values, at most %d "
				    "are allowed",
				    e->name, values, LABEL_VALUE_MAX);
	return ERR_NONE;
}

/* The schema allows foreign elements here.  One that looks like a limit and
 * is passed over widens the release, so all are refused. */
static struct err read_information(struct parse *p, const struct xml_element *e,
				   struct label_part *part)
{
	static const char *const known[] = {"PolicyIdentifier",
					    "Classification", "PrivacyMark",
					    "Category"};
	struct err err = label_read_only_elements(&p->r, e);

	if (!failed(err))
		err = once(p, e, "PolicyIdentifier", true);
	if (!failed(err))
		err = once(p, e, "Classification", true);
	if (!failed(err))
		err = once(p, e, "PrivacyMark", false);
	for (const struct xml_element *c = e->first; c && !failed(err);
	     c = c->next) {
		const struct xml_attribute *uri = xml_attribute(c, "URI");
		size_t i = 0;

		while (i < 4 && !xml_is(c, LABEL_NS, known[i]))
			i++;
		switch (i) {
		case 0:
			err = label_read_token(&p->r, c, &part->policy);
			if (uri && uri->value.len <= LABEL_TEXT_MAX)
				part->policy_uri =
					xml_token(p->r.arena, uri->value);
			if (uri && part->policy_uri.len == 0 && !failed(err))
				err = finding_make(p->r.problem, ERR_LABEL,
						   "bad URI", c->line,
						   "element PolicyIdentifier: "
						   "attribute URI is empty or "
						   "too long");
			break;
		case 1:
			err = label_read_token(&p->r, c, &part->classification);
			break;
		case 2:
			err = label_read_token(&p->r, c, &part->privacy_mark);
			break;
		case 3:
			break;
		default:
			err = label_read_unexpected(&p->r, c);
		}
	}
	return failed(err) ? err : read_categories(p, e, part);
}

/* Succession is kept in the bytes and never acted on: a clock at a border
 * does not downgrade.  Its form is checked. */
static struct err check_succession(const struct parse *p,
				   const struct xml_element *e)
{
	for (const struct xml_element *c = e->first; c; c = c->next) {
		if (!xml_is(c, LABEL_NS, "SuccessionDateTime") &&
		    !xml_is(c, LABEL_NS, "SuccessorConfidentialityLabel"))
			return label_read_unexpected(&p->r, c);
	}
	return ERR_NONE;
}

/* Elements of other namespaces may stand beside the information, unless they
 * bear a name of ours. */
static bool bears_our_name(const struct xml_element *e)
{
	static const char *const ours[] = {"ConfidentialityInformation",
					   "PolicyIdentifier",
					   "Classification",
					   "PrivacyMark",
					   "Category",
					   "GenericValue",
					   "CreationDateTime",
					   "SuccessionHandling"};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (strcmp(e->name, ours[i]) == 0)
			return true;
	}
	return false;
}

static struct err read_part(struct parse *p, const struct xml_element *e,
			    enum label_kind kind, struct label_part *part)
{
	const struct xml_attribute *review = xml_attribute(e, "ReviewDateTime");
	struct err err = label_read_only_elements(&p->r, e);

	part->kind = kind;
	part->line = e->line;
	if (!failed(err))
		err = once(p, e, "ConfidentialityInformation", true);
	if (!failed(err))
		err = once(p, e, "OriginatorID", false);
	if (!failed(err))
		err = once(p, e, "CreationDateTime", false);
	if (!failed(err))
		err = once(p, e, "SuccessionHandling", false);
	if (!failed(err) && review) {
		part->review = xml_trim(review->value);
		err = check_date(p, e->line, "attribute ReviewDateTime",
				 part->review);
	}
	for (const struct xml_element *c = e->first; c && !failed(err);
	     c = c->next) {
		if (xml_is(c, LABEL_NS, "ConfidentialityInformation")) {
			err = read_information(p, c, part);
		} else if (xml_is(c, LABEL_NS, "CreationDateTime")) {
			err = label_read_token(&p->r, c, &part->created);
			if (!failed(err))
				err = check_date(p, c->line,
						 "element CreationDateTime",
						 part->created);
		} else if (xml_is(c, LABEL_NS, "SuccessionHandling")) {
			err = check_succession(p, c);
		} else if (!xml_is(c, LABEL_NS, "OriginatorID") &&
			   (strcmp(c->ns, LABEL_NS) == 0 || !*c->ns ||
			    bears_our_name(c))) {
			err = label_read_unexpected(&p->r, c);
		}
	}
	return err;
}

static struct err add_part(struct parse *p, const struct xml_element *e,
			   enum label_kind kind)
{
	struct label *l = p->label;
	struct err err;

	if (l->part_count == LABEL_PART_MAX)
		return finding_make(p->r.problem, ERR_TOO_LARGE,
				    "too many labels", e->line,
				    "more than %d labels in one binding",
				    LABEL_PART_MAX);
	if (kind == LABEL_ORIGINATOR) {
		for (size_t i = 0; i < l->part_count; i++) {
			if (l->parts[i].kind == LABEL_ORIGINATOR)
				return finding_make(
					p->r.problem, ERR_LABEL,
					"two originator labels", e->line,
					"element %.60s: a second label of an "
					"originator",
					e->name);
		}
		l->originator = l->part_count;
	}
	err = read_part(p, e, kind, &l->parts[l->part_count]);
	if (!failed(err))
		l->part_count++;
	return err;
}

/* ---- binding ---- */

/* The one element inside Metadata or Data. */
static struct err only_child(const struct parse *p, const struct xml_element *e,
			     const struct xml_element **out)
{
	if (!e->first || e->first->next)
		return finding_make(p->r.problem, ERR_LABEL,
				    "not exactly one element", e->line,
				    "element %.60s: must hold exactly one "
				    "element",
				    e->name);
	*out = e->first;
	return ERR_NONE;
}

static struct err read_metadata(struct parse *p, const struct xml_element *e)
{
	const struct xml_element *child = NULL;
	enum label_kind kind = LABEL_METADATA;
	struct err err = only_child(p, e, &child);

	if (failed(err))
		return err;
	if (is_label(child, &kind))
		return add_part(p, child, kind);
	/* Metadata of other kinds is none of ours; a misspelt label is. */
	return strcmp(child->ns, LABEL_NS) == 0
		       ? label_read_unexpected(&p->r, child)
		       : ERR_NONE;
}

static struct err read_reference(struct parse *p, const struct xml_element *e)
{
	const struct xml_attribute *uri = xml_attribute(e, "URI");
	struct label *l = p->label;

	if (!uri || uri->value.len > LABEL_TEXT_MAX)
		return finding_make(p->r.problem, ERR_LABEL,
				    "reference without URI", e->line,
				    "element DataReference: attribute URI is "
				    "missing or too long");
	if (l->reference_count == LABEL_REFERENCE_MAX)
		return finding_make(p->r.problem, ERR_TOO_LARGE,
				    "too many references", e->line,
				    "more than %d data references",
				    LABEL_REFERENCE_MAX);
	l->references[l->reference_count++] = xml_trim(uri->value);
	return ERR_NONE;
}

static struct err read_binding(struct parse *p, const struct xml_element *e)
{
	bool metadata = false, data = false;
	struct err err = ERR_NONE;

	for (const struct xml_element *c = e->first; c && !failed(err);
	     c = c->next) {
		const struct xml_element *child = NULL;

		if (xml_is(c, BINDING_NS, "Metadata")) {
			metadata = true;
			err = read_metadata(p, c);
		} else if (xml_is(c, BINDING_NS, "MetadataReference")) {
			err = finding_make(p->r.problem, ERR_LABEL,
					   "metadata by reference", c->line,
					   "element MetadataReference: what "
					   "is not here cannot be judged");
		} else if (xml_is(c, BINDING_NS, "Data")) {
			data = p->label->holds_data = true;
			err = only_child(p, c, &child);
		} else if (xml_is(c, BINDING_NS, "DataReference")) {
			data = true;
			err = read_reference(p, c);
		} else {
			err = label_read_unexpected(&p->r, c);
		}
	}
	if (!failed(err) && (!metadata || !data))
		err = finding_make(p->r.problem, ERR_LABEL,
				   "incomplete binding", e->line,
				   "element MetadataBinding: %s is missing",
				   metadata ? "Data or DataReference"
					    : "Metadata");
	return err;
}

static struct err read_bindings(struct parse *p, const struct xml_element *root)
{
	struct err err = label_read_only_elements(&p->r, root);

	p->label->binding = true;
	for (const struct xml_element *c = root->first; c && !failed(err);
	     c = c->next) {
		if (strcmp(c->ns, LABEL_NS) == 0 ||
		    (strcmp(c->ns, BINDING_NS) == 0 &&
		     !xml_is(c, BINDING_NS, "MetadataBindingContainer")))
			err = label_read_unexpected(&p->r, c);
		if (!xml_is(c, BINDING_NS, "MetadataBindingContainer"))
			continue; /* signatures and others: not judged here */
		for (const struct xml_element *b = c->first; b && !failed(err);
		     b = b->next) {
			err = xml_is(b, BINDING_NS, "MetadataBinding")
				      ? read_binding(p, b)
				      : label_read_unexpected(&p->r, b);
		}
	}
	for (size_t i = 0; i < p->label->part_count && !failed(err); i++) {
		if (p->label->parts[i].kind == LABEL_ORIGINATOR)
			return ERR_NONE;
	}
	return failed(err) ? err
			   : finding_make(p->r.problem, ERR_LABEL,
					  "no originator label", root->line,
					  "element BindingInformation: no "
					  "label of an originator in it");
}

static struct err read_root(struct parse *p, const struct xml_element *root)
{
	enum label_kind kind;

	if (xml_is(root, BINDING_NS, "BindingInformation"))
		return read_bindings(p, root);
	if (is_label(root, &kind) && kind == LABEL_ORIGINATOR)
		return add_part(p, root, kind);
	return finding_make(p->r.problem, ERR_LABEL, "not a label", root->line,
			    "element %.60s in namespace \"%.90s\": not a "
			    "STANAG 4774 originator label nor a STANAG 4778 "
			    "binding",
			    root->name, root->ns);
}

/* The canonical form has no lines; messages about a label want them. */
static void copy_lines(struct label *to, const struct label *from)
{
	for (size_t i = 0; i < to->part_count; i++) {
		struct label_category *categories =
			(struct label_category *)to->parts[i].categories;

		to->parts[i].line = from->parts[i].line;
		for (size_t n = 0; n < to->parts[i].category_count; n++)
			categories[n].line = from->parts[i].categories[n].line;
	}
}

struct err label_parse(struct span xml, struct label_problem *problem,
		       struct label **out)
{
	const struct xml_element *root = NULL;
	struct label *kept = NULL;
	struct arena tree;
	struct parse p = {.r = {.problem = problem}};
	struct err e;

	arena_init(&tree, LABEL_ARENA_MAX);
	if (problem)
		*problem = (struct label_problem){0};
	e = xml_parse(xml, LABEL_MAX, ELEMENTS_MAX, ERR_LABEL, &tree, problem,
		      &root);
	if (failed(e))
		goto out;
	e = label_new(xml, &p.label);
	if (failed(e))
		goto out;
	p.r.arena = &tree;
	p.label->parts =
		arena_array(&tree, LABEL_PART_MAX, sizeof(*p.label->parts));
	p.label->references = arena_array(&tree, LABEL_REFERENCE_MAX,
					  sizeof(*p.label->references));
	e = arena_check(&tree);
	if (!failed(e))
		e = read_root(&p, root);
	if (!failed(e))
		e = arena_check(&tree);
	if (!failed(e)) {
		struct buf form;

		/* Keep the canonical form alone, not the tree. */
		buf_init(&form, LABEL_CANONICAL_MAX);
		e = label_encode(p.label, &form);
		if (!failed(e))
			e = label_decode(buf_span(&form), xml, &kept);
		if (!failed(e)) {
			copy_lines(kept, p.label);
			*out = kept;
		}
		buf_clear(&form);
	}
out:
	if (failed(e) && problem && !*problem->text)
		e = finding_make(problem, e.code, e.detail, 0, "%s", e.detail);
	label_free(p.label);
	arena_clear(&tree);
	return e;
}
