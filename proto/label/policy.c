/* A set of SPIFs: loading, digest, look-up. */
#include <stdlib.h>

#include "proto/crypto/crypto.h"
#include "proto/crypto/domain.h"
#include "proto/label/finding.h"
#include "proto/label/policy_table.h"

/* Room for files, trees and tables of a full set. */
enum { POLICY_ARENA_MAX = 256 << 20 };

/* ---- look-up ---- */

bool table_key(const struct table *t, struct span text, char *out)
{
	if (text.len > LABEL_TEXT_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = (char)text.at[i];

		out[i] = t->fold && c >= 'a' && c <= 'z' ? c - 32 : c;
	}
	out[text.len] = '\0';
	return strlen(out) == text.len;
}

int table_class_find(const struct table *t, struct span name)
{
	char key[LABEL_TEXT_MAX + 1];

	if (!table_key(t, name, key))
		return -1;
	for (size_t i = 0; i < t->class_count; i++) {
		if (strcmp(t->classes[i].key, key) == 0)
			return (int)i;
	}
	return -1;
}

int table_class_by_lacv(const struct table *t, uint64_t lacv)
{
	for (size_t i = 0; i < t->class_count; i++) {
		if (t->classes[i].from->lacv == lacv)
			return (int)i;
	}
	return -1;
}

int table_tag_find(const struct table *t, struct span name,
		   enum label_type type)
{
	char key[LABEL_TEXT_MAX + 1];

	if (!table_key(t, name, key))
		return -1;
	for (size_t i = 0; i < t->tag_count; i++) {
		if (t->tags[i].type == type && strcmp(t->tags[i].key, key) == 0)
			return (int)i;
	}
	return -1;
}

int table_value_find(const struct table *t, int tag, struct span name)
{
	size_t low = t->tags[tag].first;
	size_t high = low + t->tags[tag].count;
	char key[LABEL_TEXT_MAX + 1];

	if (!table_key(t, name, key))
		return -1;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(key, t->values[middle].key);

		if (order == 0)
			return (int)middle;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

/* True if entries of one set, type and lacv bear different names. */
static bool is_ambiguous(const struct table *t, size_t at)
{
	const struct table_entry *e = &t->by_lacv[at];
	size_t first = at;

	for (; first > 0; first--) {
		const struct table_entry *o = &t->by_lacv[first - 1];

		if (o->set != e->set || o->tag->type != e->tag->type ||
		    strcmp(o->value->lacv, e->value->lacv) != 0)
			break;
	}
	for (size_t i = first; i < t->entry_count; i++) {
		const struct table_entry *o = &t->by_lacv[i];

		if (o->set != e->set || o->tag->type != e->tag->type ||
		    strcmp(o->value->lacv, e->value->lacv) != 0)
			break;
		if (strcmp(o->value->name, e->value->name) != 0)
			return true;
	}
	return false;
}

int table_value_by_lacv(const struct table *t, const struct spif_set *set,
			enum spif_type type, const char *lacv)
{
	size_t low = 0, high = t->entry_count;
	enum label_type label_type;
	int tag;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct table_entry *e = &t->by_lacv[middle];
		int order = set < e->set ? -1 : set > e->set;

		if (order == 0)
			order = (int)type - (int)e->tag->type;
		if (order == 0)
			order = strcmp(lacv, e->value->lacv);
		if (order == 0) {
			if (!spif_label_type(type, &label_type) ||
			    is_ambiguous(t, middle))
				return -1;
			tag = table_tag_find(t, span_str(set->name),
					     label_type);
			return tag < 0 ? -1
				       : table_value_find(
						 t, tag,
						 span_str(e->value->name));
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

const struct spif_set *table_set_by_name(const struct table *t,
					 const char *name)
{
	char key[LABEL_TEXT_MAX + 1], other[LABEL_TEXT_MAX + 1];

	if (!table_key(t, span_str(name), key))
		return NULL;
	for (size_t i = 0; i < t->spif->set_count; i++) {
		if (table_key(t, span_str(t->spif->sets[i].name), other) &&
		    strcmp(key, other) == 0)
			return &t->spif->sets[i];
	}
	return NULL;
}

const struct spif_set *table_set_by_id(const struct table *t, const char *id)
{
	for (size_t i = 0; i < t->spif->set_count; i++) {
		if (strcmp(t->spif->sets[i].id, id) == 0)
			return &t->spif->sets[i];
	}
	return NULL;
}

const struct table *policy_table_find(const struct policy *p, struct span name,
				      struct span uri, bool *contradiction)
{
	static const char prefix[] = "urn:oid:";
	char key[LABEL_TEXT_MAX + 1];

	*contradiction = false;
	for (size_t i = 0; i < p->count; i++) {
		const struct table *t = &p->tables[i];

		if (!table_key(t, name, key) || strcmp(key, t->key) != 0)
			continue;
		if (uri.len > 0 &&
		    (uri.len < sizeof(prefix) - 1 ||
		     memcmp(uri.at, prefix, sizeof(prefix) - 1) != 0 ||
		     !span_eq_str(span_sub(uri, sizeof(prefix) - 1, uri.len),
				  t->spif->id)))
			*contradiction = true;
		return t;
	}
	return NULL;
}

/* ---- loading ---- */

static int compare_digests(const void *a, const void *b)
{
	return digest_cmp(*(const struct digest *)a, *(const struct digest *)b);
}

static struct err set_digest(struct policy *p)
{
	struct digest digests[POLICY_FILES_MAX];
	struct err e = ERR_NONE;
	struct buf b;

	buf_init(&b, 4096);
	for (size_t i = 0; i < p->count && !failed(e); i++)
		e = crypto_sha256(p->files[i], &digests[i]);
	if (failed(e))
		goto out;
	qsort(digests + 1, p->count - 1, sizeof(digests[0]), compare_digests);
	encode_domain(&b, DOMAIN_POLICY);
	buf_put_u16(&b, (uint16_t)p->count);
	for (size_t i = 0; i < p->count; i++)
		buf_put(&b, SPAN_OBJ(digests[i]));
	e = buf_check(&b);
	if (!failed(e))
		e = crypto_sha256(buf_span(&b), &p->digest);
out:
	buf_clear(&b);
	return e;
}

static void add_lang(struct policy *p, const char *lang)
{
	if (!*lang)
		lang = "en";
	for (size_t i = 0; i < p->lang_count; i++) {
		if (strcmp(p->langs[i], lang) == 0)
			return;
	}
	if (p->lang_count < POLICY_LANG_MAX)
		p->langs[p->lang_count++] = lang;
}

static void add_langs(struct policy *p, const struct spif_marking *m)
{
	for (size_t i = 0; i < m->phrase_count; i++)
		add_lang(p, m->phrases[i].lang);
	for (size_t i = 0; i < m->qualifier_count; i++)
		add_lang(p, m->qualifiers[i].lang);
}

static void set_langs(struct policy *p)
{
	add_lang(p, "");
	for (size_t i = 0; i < p->count; i++) {
		const struct table *t = &p->tables[i];

		add_langs(p, &t->spif->marking);
		for (size_t n = 0; n < t->class_count; n++)
			add_langs(p, &t->classes[n].from->marking);
		for (size_t n = 0; n < t->entry_count; n++) {
			add_langs(p, &t->by_lacv[n].value->marking);
			add_langs(p, &t->by_lacv[n].tag->marking);
		}
	}
}

static struct err check_distinct(const struct policy *p,
				 struct label_problem *problem)
{
	for (size_t i = 0; i < p->count; i++) {
		for (size_t n = i + 1; n < p->count; n++) {
			const struct table *a = &p->tables[i];
			const struct table *b = &p->tables[n];
			char x[LABEL_TEXT_MAX + 1], y[LABEL_TEXT_MAX + 1];
			struct table fold = {.fold = a->fold || b->fold};

			table_key(&fold, span_str(a->spif->name), x);
			table_key(&fold, span_str(b->spif->name), y);
			if (strcmp(x, y) != 0 &&
			    strcmp(a->spif->id, b->spif->id) != 0)
				continue;
			if (problem)
				problem->file = n;
			return finding_make(problem, ERR_POLICY,
					    "two policies of one name or OID",
					    0,
					    "element securityPolicyId: %s (%s) "
					    "and %s (%s) have one name or id",
					    a->spif->name, a->spif->id,
					    b->spif->name, b->spif->id);
		}
	}
	return ERR_NONE;
}

static struct err load_file(struct policy *p, size_t i, struct span bytes,
			    struct label_problem *problem)
{
	struct spif *spif = NULL;
	struct err e;

	if (problem)
		problem->file = i;
	e = spif_read(bytes, &p->arena, problem, &spif);
	if (failed(e))
		return e;
	p->files[i] = arena_copy(&p->arena, bytes);
	e = arena_check(&p->arena);
	if (!failed(e))
		e = table_build(&p->tables[i], spif, &p->arena, problem);
	return e;
}

struct err policy_load(const struct span *files, size_t count,
		       struct label_problem *problem, struct policy **out)
{
	struct policy *p = NULL;
	struct err e = ERR_NONE;

	if (problem)
		*problem = (struct label_problem){0};
	if (count == 0 || count > POLICY_FILES_MAX)
		return finding_make(problem, ERR_POLICY,
				    "not 1 to 16 policy files", 0,
				    "%zu policy files; 1 to %d are allowed",
				    count, POLICY_FILES_MAX);
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_make(ERR_NO_MEMORY, "policy");
	arena_init(&p->arena, POLICY_ARENA_MAX);
	for (size_t i = 0; i < count && !failed(e); i++) {
		e = load_file(p, i, files[i], problem);
		p->count++;
	}
	if (!failed(e))
		e = check_distinct(p, problem);
	for (size_t i = 0; i < count && !failed(e); i++) {
		if (problem)
			problem->file = i;
		e = table_link(p, i, problem);
	}
	if (!failed(e))
		e = set_digest(p);
	if (failed(e)) {
		if (problem && !*problem->text)
			e = finding_make(problem, e.code, e.detail, 0, "%s",
					 e.detail);
		policy_free(p);
		return e;
	}
	set_langs(p);
	*out = p;
	return ERR_NONE;
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	arena_clear(&policy->arena);
	free(policy);
}

/* ---- what others ask ---- */

struct digest policy_digest(const struct policy *policy)
{
	return policy->digest;
}

size_t policy_file_count(const struct policy *policy)
{
	return policy->count;
}

struct span policy_file(const struct policy *policy, size_t i)
{
	return i < policy->count ? policy->files[i] : span_of(NULL, 0);
}

const char *policy_name(const struct policy *policy, size_t i)
{
	return i < policy->count ? policy->tables[i].spif->name : "";
}

const char *policy_oid(const struct policy *policy, size_t i)
{
	return i < policy->count ? policy->tables[i].spif->id : "";
}

const char *policy_version(const struct policy *policy, size_t i)
{
	return i < policy->count ? policy->tables[i].spif->version : "";
}

size_t policy_class_count(const struct policy *policy, size_t i)
{
	return i < policy->count ? policy->tables[i].class_count : 0;
}

struct policy_class policy_class(const struct policy *policy, size_t i,
				 size_t n)
{
	const struct table_class *c;
	struct policy_class out = {0};

	if (n >= policy_class_count(policy, i))
		return out;
	c = &policy->tables[i].classes[n];
	out.name = c->from->name;
	out.hierarchy = c->from->hierarchy;
	out.color = c->from->color;
	out.obsolete = c->from->obsolete;
	if (c->governing >= 0)
		out.governing =
			policy->tables[0].classes[c->governing].from->name;
	return out;
}

bool policy_has_class(const struct policy *policy, const char *name)
{
	return table_class_find(&policy->tables[0], span_str(name)) >= 0;
}

size_t policy_tag_count(const struct policy *policy, size_t i)
{
	return i < policy->count ? policy->tables[i].tag_count : 0;
}

struct policy_tag policy_tag(const struct policy *policy, size_t i, size_t n)
{
	const struct table_tag *t;

	if (n >= policy_tag_count(policy, i))
		return (struct policy_tag){0};
	t = &policy->tables[i].tags[n];
	return (struct policy_tag){t->name, t->type,
				   t->set->tag_count == 1 &&
					   t->set->tags[0].max == 1,
				   t->count};
}

const char *policy_tag_value(const struct policy *policy, size_t i, size_t n,
			     size_t value)
{
	const struct table_tag *t;

	if (n >= policy_tag_count(policy, i))
		return NULL;
	t = &policy->tables[i].tags[n];
	return value < t->count
		       ? policy->tables[i].values[t->first + value].name
		       : NULL;
}

size_t policy_lang_count(const struct policy *policy)
{
	return policy->lang_count;
}

const char *policy_lang(const struct policy *policy, size_t i)
{
	return i < policy->lang_count ? policy->langs[i] : NULL;
}
