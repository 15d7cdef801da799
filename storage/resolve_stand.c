/*
 * What each head stands under.
 *
 * A head that a label statement lists stands under the highest such statement
 * alone.  Any other stands under the numbers kept at its acceptance (its own
 * and those of its parents) and under every label statement that lists one of
 * its parents.  Of one number all labels count: after a fork both must
 * release.
 */
#include "storage/resolve_inside.h"

bool resolve_add_number(uint64_t *list, uint8_t *count, size_t max,
			uint64_t number)
{
	size_t at = 0;

	while (at < *count && list[at] < number)
		at++;
	if (at < *count && list[at] == number)
		return true;
	if (*count == max)
		return false;
	memmove(&list[at + 1], &list[at], (*count - at) * sizeof(*list));
	list[at] = number;
	(*count)++;
	return true;
}

static bool lists(const struct document_statement *s, struct digest head)
{
	for (size_t i = 0; i < s->heads_count; i++)
		if (digest_eq(s->heads[i], head))
			return true;
	return false;
}

uint64_t resolve_listed(const struct document *doc, struct digest digest)
{
	for (size_t i = doc->statements_count; i-- > 0;) {
		const struct document_statement *s = &doc->statements[i];

		if (s->kind == STATEMENT_LABEL && lists(s, digest))
			return s->number;
	}
	return 0;
}

/* Every label statement of the number; false at the cap. */
static bool stand_under(const struct document *doc, struct document_head *head,
			uint64_t number)
{
	for (size_t i = 0; i < doc->statements_count; i++) {
		const struct document_statement *s = &doc->statements[i];

		if (s->number != number || s->kind != STATEMENT_LABEL)
			continue;
		if (head->stands_count == DOCUMENT_STANDS_MAX)
			return false;
		head->stands[head->stands_count++] = (uint16_t)i;
	}
	return true;
}

static bool stand_alone(const struct document *doc, struct document_head *head)
{
	uint64_t numbers[DOCUMENT_STANDS_MAX];
	uint8_t count = head->bases_count;
	bool fits = true;

	memcpy(numbers, head->bases, sizeof(numbers));
	for (size_t i = 0; i < head->parents_count; i++) {
		uint64_t n = resolve_listed(doc, head->parents[i]);

		if (n)
			fits &= resolve_add_number(numbers, &count,
						   DOCUMENT_STANDS_MAX, n);
	}
	for (size_t i = 0; i < count; i++)
		fits &= stand_under(doc, head, numbers[i]);
	return fits;
}

static bool evaluable(const struct document *doc,
		      const struct document_head *head)
{
	for (size_t i = 0; i < head->stands_count; i++)
		if (!doc->statements[head->stands[i]].evaluable)
			return false;
	return head->stands_count > 0;
}

/* Whether the statements in force let any head stand. */
static bool in_force_evaluable(const struct document *doc)
{
	size_t first, count = document_in_force(doc, &first);

	for (size_t i = 0; i < count; i++)
		if (!doc->statements[first + i].evaluable)
			return false;
	return count > 0;
}

static void head_stand(const struct document *doc, struct document_head *head,
		       bool allowed)
{
	uint64_t listed = resolve_listed(doc, head->digest);
	bool fits;

	head->stands_count = 0;
	fits = listed ? stand_under(doc, head, listed) : stand_alone(doc, head);
	if (!fits)
		head->stands_count = 0;
	head->shelf = allowed && !head->must_understand && evaluable(doc, head)
			      ? RESOLVE_SHELF_WANTED
			      : SHELF_NONE;
}

static enum document_state state_of(const struct document *doc)
{
	size_t first;

	for (size_t i = 0; i < doc->statements_count; i++)
		if (doc->statements[i].kind == STATEMENT_RECALL)
			return DOCUMENT_RECALLED;
	if (document_in_force(doc, &first) &&
	    doc->statements[first].kind == STATEMENT_DELETE)
		return DOCUMENT_DELETED;
	if (doc->heads_count == 0 && doc->state == DOCUMENT_WITHDRAWN)
		return DOCUMENT_WITHDRAWN;
	return DOCUMENT_LIVE;
}

void resolve_stand(struct document *doc)
{
	bool allowed;
	size_t winner;

	doc->state = state_of(doc);
	allowed = doc->state == DOCUMENT_LIVE && in_force_evaluable(doc);
	for (size_t i = 0; i < doc->heads_count; i++)
		head_stand(doc, &doc->heads[i], allowed);
	winner = doc->heads_count > 1 ? document_winner(doc, NULL) : 0;
	if (winner != SIZE_MAX && winner > 0) {
		struct document_head h = doc->heads[0];

		doc->heads[0] = doc->heads[winner];
		doc->heads[winner] = h;
	}
}
