/*
 * The words to show: prefix, policy or what replaces it, classification, then
 * each tag's values between its qualifiers (SPIF 2.1, markingData and
 * markingQualifier).
 */
#include "proto/label/bound_form.h"
#include "proto/label/marking.h"
#include "proto/label/marking_form.h"

/* ---- languages ---- */

/* How well `have` serves `want`; greater is better, 0 not at all. */
static int fits(const char *have, const char *want)
{
	size_t primary = strcspn(want, "-");

	if (*want && strcmp(have, want) == 0)
		return 4;
	if (*want && strlen(have) == primary &&
	    strncmp(have, want, primary) == 0)
		return 3;
	if (!*have)
		return 2;
	return strncmp(have, "en", 2) == 0 && (!have[2] || have[2] == '-') ? 1
									   : 0;
}

/* The phrase that has one of `with` and none of `without` among its codes. */
static const struct spif_phrase *phrase(const struct spif_marking *m,
					unsigned with, unsigned without,
					const char *lang)
{
	const struct spif_phrase *best = NULL;
	int best_fit = 0;

	for (size_t i = 0; i < m->phrase_count; i++) {
		const struct spif_phrase *p = &m->phrases[i];
		int fit = fits(p->lang, lang);

		if (!(p->codes & with) || (p->codes & without) ||
		    fit <= best_fit)
			continue;
		best = p;
		best_fit = fit;
	}
	return best;
}

static bool has_code(const struct spif_marking *m, unsigned code)
{
	for (size_t i = 0; i < m->phrase_count; i++) {
		if (m->phrases[i].codes & code)
			return true;
	}
	return false;
}

static const char *qualifier(const struct spif_marking *m,
			     enum spif_qualifier_code code, const char *lang,
			     const char *absent)
{
	const char *best = absent;
	int best_fit = 0;

	for (size_t i = 0; i < m->qualifier_count; i++) {
		int fit = fits(m->qualifiers[i].lang, lang);

		if (m->qualifiers[i].code == code && fit > best_fit) {
			best = m->qualifiers[i].text;
			best_fit = fit;
		}
	}
	return best;
}

/* ---- words ---- */

/* What stands for a named thing on a page; NULL if it is not shown. */
static const char *words(const struct spif_marking *m, const char *name,
			 const char *lang)
{
	const struct spif_phrase *p;

	if (has_code(m, SPIF_NO_MARKING))
		return NULL;
	p = phrase(m, SPIF_SHOWN, SPIF_REPLACE_POLICY, lang);
	if (p && p->phrase)
		return p->phrase;
	return has_code(m, SPIF_NO_NAME) ? NULL : name;
}

/* The first of SPIF, classification and values that replaces the policy. */
static const char *policy_words(const struct selection *s, const char *lang)
{
	const struct table *t = s->table;
	const struct spif_phrase *p;

	p = phrase(&t->spif->marking, SPIF_REPLACE_POLICY, 0, lang);
	if (!p)
		p = phrase(&t->classes[s->class].from->marking,
			   SPIF_REPLACE_POLICY, 0, lang);
	for (size_t i = 0; i < s->count && !p; i++)
		p = phrase(&selection_entry(s, &t->values[s->ids[i]])
				    ->value->marking,
			   SPIF_REPLACE_POLICY, 0, lang);
	return p && p->phrase ? p->phrase : t->spif->name;
}

static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c >= 0x80;
}

/* Some SPIFs leave the space between prefix and value to the reader. */
static void put_apart(struct buf *out, const char *text)
{
	if (out->len > 0 && is_word(out->at[out->len - 1]) &&
	    is_word((uint8_t)*text))
		buf_put_u8(out, ' ');
	buf_put_str(out, text);
}

struct joined {
	struct buf *out;
	const char *lang;
	const char *separator; /* of the SPIF */
	size_t parts;
};

static void next_part(struct joined *j)
{
	if (j->parts++ > 0)
		buf_put_str(j->out, j->separator);
}

static bool selected(const struct selection *s, const struct spif_value *v)
{
	for (size_t i = 0; i < s->count; i++) {
		if (selection_entry(s, &s->table->values[s->ids[i]])->value ==
		    v)
			return true;
	}
	return false;
}

static void put_value(struct joined *j, const struct spif_tag *tag,
		      const char *text, size_t *shown)
{
	const struct spif_marking *m = &tag->marking;

	if ((*shown)++ == 0) {
		next_part(j);
		buf_put_str(j->out, qualifier(m, SPIF_PREFIX, j->lang, ""));
		put_apart(j->out, text);
	} else {
		buf_put_str(j->out, qualifier(m, SPIF_SEPARATOR, j->lang, "/"));
		buf_put_str(j->out, text);
	}
}

static void put_tag(const struct selection *s, const struct spif_set *set,
		    const struct spif_tag *tag, struct joined *j)
{
	size_t shown = 0;
	enum label_type type;

	if (!spif_label_type(tag->type, &type))
		return;
	for (size_t i = 0; i < tag->value_count; i++) {
		const struct spif_value *v = &tag->values[i];
		const char *text = words(&v->marking, v->name, j->lang);

		if (text && selected(s, v))
			put_value(j, tag, text, &shown);
	}
	for (size_t i = 0; i < s->free_count; i++) {
		const struct table_tag *t = &s->table->tags[s->free[i].tag];
		char text[LABEL_TEXT_MAX + 1] = {0};

		if (t->set != set || t->type != type ||
		    s->free[i].text.len > LABEL_TEXT_MAX)
			continue;
		if (s->free[i].text.len > 0)
			memcpy(text, s->free[i].text.at, s->free[i].text.len);
		put_value(j, tag, text, &shown);
	}
	if (shown > 0)
		put_apart(j->out,
			  qualifier(&tag->marking, SPIF_SUFFIX, j->lang, ""));
}

struct err marking_selection(const struct selection *s, const char *lang,
			     struct buf *out)
{
	const struct spif *spif = s->table->spif;
	const struct spif_class *c = s->table->classes[s->class].from;
	char lower[36];
	struct joined j = {.out = out, .lang = lower};
	const char *policy, *class;
	size_t i = 0;

	for (; lang && lang[i] && i < sizeof(lower) - 1; i++)
		lower[i] = lang[i] >= 'A' && lang[i] <= 'Z' ? lang[i] + 32
							    : lang[i];
	lower[i] = '\0';
	j.separator = qualifier(&spif->marking, SPIF_SEPARATOR, lower, " ");
	policy = policy_words(s, lower);
	class = words(&c->marking, c->name, lower);
	buf_put_str(out, qualifier(&spif->marking, SPIF_PREFIX, lower, ""));
	/* A classification that is not shown shows no policy either: PUBLIC
	 * UNMARKED has an empty marking (ADatP-4774 App 2 Annex C). */
	if (class && *policy) {
		next_part(&j);
		buf_put_str(out, policy);
	}
	if (class && !has_code(&c->marking, SPIF_SUPPRESS_CLASS)) {
		next_part(&j);
		buf_put_str(out, class);
	}
	for (i = 0; i < spif->set_count; i++) {
		for (size_t n = 0; n < spif->sets[i].tag_count; n++)
			put_tag(s, &spif->sets[i], &spif->sets[i].tags[n], &j);
	}
	put_apart(out, qualifier(&spif->marking, SPIF_SUFFIX, lower, ""));
	while (!out->bad && out->len > 0 && out->at[out->len - 1] == ' ')
		out->len--;
	return buf_check(out);
}

/* ---- labels ---- */

/* The originator's part under its own SPIF where that is here; else the part
 * that decides. */
static struct err select_shown(const struct policy *policy,
			       const struct label *label, struct selection *out)
{
	const struct label_part *origin = label_originator(label);
	const struct table *t;
	const char *rule;
	bool contradiction, mapped;
	struct err e;

	e = bound_select(policy, label, NULL, out, &mapped, &rule);
	t = policy_table_find(policy, origin->policy, origin->policy_uri,
			      &contradiction);
	if (failed(e) || !t || contradiction)
		return e;
	e = selection_make(t, origin, NULL, out);
	return failed(e) ? e : selection_check(out, NULL, &rule);
}

static struct err put_marking(const struct selection *s, const char *lang,
			      struct buf *out)
{
	struct buf text;
	struct err e;

	buf_init(&text, MARKING_MAX);
	e = marking_selection(s, lang, &text);
	if (!failed(e)) {
		buf_put(out, buf_span(&text));
		e = buf_check(out);
	}
	buf_clear(&text);
	return e;
}

struct err marking_of(const struct policy *policy, const struct label *label,
		      const char *lang, struct buf *out)
{
	struct selection s = {0};
	struct err e = select_shown(policy, label, &s);

	return failed(e) ? e : put_marking(&s, lang, out);
}

struct err marking_governing(const struct policy *policy,
			     const struct label *label, const char *lang,
			     struct buf *out)
{
	struct selection s = {0};
	const char *rule;
	bool mapped;
	struct err e = bound_select(policy, label, NULL, &s, &mapped, &rule);

	return failed(e) ? e : put_marking(&s, lang, out);
}

const char *marking_color(const struct policy *policy,
			  const struct label *label)
{
	struct selection s = {0};

	if (failed(select_shown(policy, label, &s)))
		return "";
	return s.table->classes[s.class].from->color;
}
