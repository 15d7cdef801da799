/* Versions of heads: what falls, and what a new head covers. */
#include "storage/faults.h"
#include "storage/record.h"
#include "storage/resolve_inside.h"

static struct err no_memory(void)
{
	return err_make(ERR_NO_MEMORY, "no memory to resolve a document");
}

void *resolve_copy(struct arena *arena, const void *from, size_t count,
		   size_t more, size_t size)
{
	void *to = arena_array(arena, count + more ? count + more : 1, size);

	if (to && count)
		memcpy(to, from, count * size);
	return to;
}

static struct err evidence_words(const struct document_head *head,
				 struct arena *arena, struct version *v)
{
	struct version_word *words;
	struct version_context *contexts;
	struct seal seal;
	struct err e;

	if (head->evidence_count == 0)
		return ERR_NONE;
	words = arena_array(arena, head->evidence_count, sizeof(*words));
	contexts = arena_array(arena, head->evidence_count, sizeof(*contexts));
	if (!words || !contexts)
		return no_memory();
	for (size_t i = 0; i < head->evidence_count; i++) {
		e = seal_decode(head->evidence[i].blob, &seal);
		if (failed(e))
			return err_blame(e, ERR_CORRUPT, "a seal is malformed");
		contexts[i] = seal.word.context;
		words[i] = (struct version_word){seal.word.dot, &contexts[i]};
	}
	v->evidence = words;
	v->evidence_count = head->evidence_count;
	return ERR_NONE;
}

struct err resolve_version_of(const struct document_head *head, size_t seal,
			      struct arena *arena, struct version *out)
{
	struct version_context *context = arena_alloc(arena, sizeof(*context));
	struct version v = {
		.digest = head->digest,
		.own = {head->seals[seal].dot, context},
		.parents = head->parents,
		.parents_count = head->parents_count,
		.statement = head->statement,
	};
	struct err e;

	if (!context)
		return no_memory();
	e = document_context(&head->seals[seal], context);
	if (!failed(e))
		e = evidence_words(head, arena, &v);
	if (!failed(e))
		*out = v;
	return e;
}

static bool falls(const struct version *a, const struct version *by)
{
	if (FAULT(believe_context) && !digest_eq(a->digest, by->digest) &&
	    version_context_has(by->own.context, a->own.dot))
		return true;
	return version_falls(a, by);
}

struct err resolve_falls(const struct document_head *a,
			 const struct document_head *by, struct arena *arena,
			 bool *out)
{
	static const struct version_context none;
	struct version va = {.digest = a->digest}, vb;
	struct err e;

	*out = false;
	for (size_t j = 0; j < by->seals_count; j++) {
		e = resolve_version_of(by, j, arena, &vb);
		if (failed(e))
			return e;
		for (size_t i = 0; i < a->seals_count; i++) {
			/* Of what falls only digest and dot count. */
			va.own = (struct version_word){a->seals[i].dot, &none};
			if (falls(&va, &vb)) {
				*out = true;
				return ERR_NONE;
			}
		}
	}
	return ERR_NONE;
}

bool resolve_count_dot(struct document *doc, struct dot dot)
{
	size_t at = 0;

	while (at < doc->dots_count &&
	       replica_cmp(doc->dots[at].replica, dot.replica) < 0)
		at++;
	if (at < doc->dots_count &&
	    replica_eq(doc->dots[at].replica, dot.replica)) {
		if (dot.counter > doc->dots[at].counter)
			doc->dots[at].counter = dot.counter;
		return true;
	}
	if (doc->dots_count == DOCUMENT_DOTS_MAX)
		return false;
	memmove(&doc->dots[at + 1], &doc->dots[at],
		(doc->dots_count - at) * sizeof(*doc->dots));
	doc->dots[at] = (struct document_dots){dot.replica, dot.counter};
	doc->dots_count++;
	return true;
}

static uint64_t next_counter(const struct document *old, struct replica r)
{
	for (size_t i = 0; old && i < old->dots_count; i++)
		if (replica_eq(old->dots[i].replica, r))
			return old->dots[i].counter + 1;
	return 1;
}

/* One parent as version_make takes it, and the seal it came from. */
struct parent {
	const struct document_head *head;
	size_t seal;
};

static struct err
parents_of(const struct document *old, const struct view *sees,
	   const struct document_head *head, struct arena *arena,
	   struct version versions[VERSION_PARENTS_MAX],
	   struct parent parents[VERSION_PARENTS_MAX], size_t *count)
{
	size_t n = 0;
	struct err e;

	for (size_t i = 0; old && i < head->parents_count; i++) {
		const struct document_head *p =
			document_head(old, head->parents[i]);

		if (!p || (sees && !view_has(sees, p->shelf)))
			continue;
		for (size_t j = 0; j < p->seals_count; j++) {
			if (n == VERSION_PARENTS_MAX)
				break;
			e = resolve_version_of(p, j, arena, &versions[n]);
			if (failed(e))
				return e;
			parents[n++] = (struct parent){p, j};
		}
	}
	*count = n;
	return ERR_NONE;
}

static struct err evidence_from(const struct version_made *made,
				const struct parent *parents,
				struct document_head *head, struct arena *arena)
{
	struct document_evidence *list =
		resolve_copy(arena, NULL, 0, made->evidence_count,
			     sizeof(*list));

	if (!list)
		return no_memory();
	for (size_t i = 0; i < made->evidence_count; i++) {
		const struct version_source *s = &made->evidence[i];
		const struct parent *p = &parents[s->parent];

		if (s->evidence != VERSION_OWN_SEAL) {
			list[i] = p->head->evidence[s->evidence];
			continue;
		}
		list[i] = (struct document_evidence){p->head->digest,
						     p->head->author,
						     p->head->seals[p->seal]
							     .blob};
	}
	head->evidence = list;
	head->evidence_count = (uint8_t)made->evidence_count;
	return ERR_NONE;
}

struct err resolve_make_version(const struct document *old,
				const struct view *sees, struct replica replica,
				struct document_head *head, struct arena *arena)
{
	struct version versions[VERSION_PARENTS_MAX];
	struct parent parents[VERSION_PARENTS_MAX];
	struct document_seal *seal = &head->seals[0];
	struct version_made *made;
	struct buf b;
	size_t count;
	struct err e;

	made = arena_alloc(arena, sizeof(*made));
	if (!made)
		return no_memory();
	e = parents_of(old, sees, head, arena, versions, parents, &count);
	if (!failed(e))
		e = version_make(replica.nation, versions, count, made);
	if (failed(e))
		return e;
	seal->dot = (struct dot){replica, next_counter(old, replica)};
	buf_init(&b, 8192);
	version_context_encode(&made->context, &b);
	e = buf_check(&b);
	seal->context = arena_copy(arena, buf_span(&b));
	buf_clear(&b);
	if (!failed(e))
		e = arena_check(arena);
	return failed(e) ? e : evidence_from(made, parents, head, arena);
}
