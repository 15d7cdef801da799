/* Spaces, ceilings, and the operator's rules made of them. */
#include <stdlib.h>

#include "proto/label/bound_form.h"
#include "proto/label/rules.h"

/* ---- spaces ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct err space_list_make(const struct span *names, size_t count, bool all,
			   struct space_list *out)
{
	struct space_list list = {.all = all};

	if (count > READER_SPACE_MAX)
		return err_make(ERR_TOO_LARGE, "too many spaces");
	if (count > 0)
		list.names = calloc(count, sizeof(*list.names));
	if (count > 0 && !list.names)
		return err_make(ERR_NO_MEMORY, "spaces");
	for (size_t i = 0; i < count; i++) {
		struct err e = space_check(names[i]);

		if (failed(e)) {
			free(list.names);
			return e;
		}
		memcpy(list.names[i], names[i].at, names[i].len);
	}
	list.count = count;
	if (count > 0)
		qsort(list.names, count, sizeof(*list.names), compare);
	*out = list;
	return ERR_NONE;
}

void space_list_clear(struct space_list *list)
{
	free(list->names);
	*list = (struct space_list){0};
}

bool space_list_has(const struct space_list *list, struct span name)
{
	size_t low = 0, high = list->count;

	if (list->all)
		return true;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = span_cmp(name, span_str(list->names[middle]));

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* ---- rules ---- */

struct err rules_new(const struct policy *policy, const struct rules_spec *spec,
		     struct rules **out)
{
	struct rules *r = calloc(1, sizeof(*r));
	struct err e;

	if (!r)
		return err_make(ERR_NO_MEMORY, "rules");
	r->policy = policy;
	e = ceiling_make(policy, spec->ceiling, &r->ceiling);
	if (!failed(e))
		e = space_list_make(spec->spaces, spec->space_count,
				    spec->all_spaces, &r->spaces);
	if (failed(e)) {
		rules_free(r);
		return e;
	}
	*out = r;
	return ERR_NONE;
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	space_list_clear(&rules->spaces);
	free(rules);
}
