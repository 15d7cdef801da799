/* The policy in force, and what is derived from it, each once. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "proto/crypto/crypto.h"
#include "relay/guard/core/policing.h"
#include "relay/parser/parser.h"

enum {
	LABELS_MAX = 1 << 16,
	LABEL_SLOTS = LABELS_MAX * 2,
	/* What a bound reader is counted with beside its clearance and
	 * spaces. */
	READER_BYTES = 2048,
};

struct policing {
	atomic_int refs;
	struct policy *policy;
	struct rules *rules;
	char *ceiling;
	struct digest digest;
	const struct shelf_index *shelves;
	pthread_rwlock_t lock;
	size_t label_count;
	struct policing_label *labels[LABEL_SLOTS];
	struct policing_readers *readers;
	atomic_uint_fast64_t decisions;
};

struct err policing_new(struct policy *policy, const char *ceiling,
			const struct shelf_index *shelves,
			struct policing **out)
{
	struct rules_spec spec = {.ceiling = span_str(ceiling),
				  .all_spaces = true};
	struct policing *p = calloc(1, sizeof(*p));
	struct err e;

	if (!p)
		return err_make(ERR_NO_MEMORY, "policing");
	e = rules_new(policy, &spec, &p->rules);
	p->ceiling = strdup(ceiling);
	if (!failed(e) && !p->ceiling)
		e = err_make(ERR_NO_MEMORY, "policing");
	if (!failed(e))
		e = policing_readers_new(POLICING_READERS_BYTES, &p->readers);
	if (failed(e)) {
		rules_free(p->rules);
		free(p->ceiling);
		free(p);
		return e;
	}
	atomic_init(&p->refs, 1);
	p->policy = policy;
	p->digest = policy_digest(policy);
	p->shelves = shelves;
	pthread_rwlock_init(&p->lock, NULL);
	*out = p;
	return ERR_NONE;
}

struct policing *policing_keep(struct policing *p)
{
	atomic_fetch_add(&p->refs, 1);
	return p;
}

void policing_label_free(struct policing_label *l)
{
	if (!l)
		return;
	bound_free(l->bound);
	label_free(l->label);
	free(l);
}

void policing_release(struct policing *p)
{
	if (!p || atomic_fetch_sub(&p->refs, 1) > 1)
		return;
	for (size_t i = 0; i < LABEL_SLOTS; i++)
		policing_label_free(p->labels[i]);
	policing_readers_free(p->readers);
	pthread_rwlock_destroy(&p->lock);
	rules_free(p->rules);
	policy_free(p->policy);
	free(p->ceiling);
	free(p);
}

const struct policy *policing_policy(const struct policing *p)
{
	return p->policy;
}

struct digest policing_digest(const struct policing *p)
{
	return p->digest;
}

static size_t slot_of(struct digest d, size_t slots)
{
	uint64_t n;

	memcpy(&n, d.at, sizeof(n));
	return n % slots;
}

static struct policing_label **label_slot(struct policing *p, struct digest d)
{
	size_t i = slot_of(d, LABEL_SLOTS);

	while (p->labels[i] && !digest_eq(p->labels[i]->digest, d))
		i = (i + 1) % LABEL_SLOTS;
	return &p->labels[i];
}

static const struct policing_label *label_known(struct policing *p,
						struct digest d)
{
	const struct policing_label *l;

	pthread_rwlock_rdlock(&p->lock);
	l = *label_slot(p, d);
	pthread_rwlock_unlock(&p->lock);
	return l;
}

/* Takes `label`. */
static struct err label_bind(struct policing *p, struct label *label,
			     struct policing_label **out)
{
	struct policing_label *l = calloc(1, sizeof(*l));
	struct err e;

	if (!l) {
		label_free(label);
		return err_make(ERR_NO_MEMORY, "policing");
	}
	l->label = label;
	l->digest = label_digest(label);
	e = bound_new(p->policy, label, &l->bound);
	if (failed(e)) {
		policing_label_free(l);
		return e;
	}
	l->above = bound_above_ceiling(l->bound, p->ceiling);
	*out = l;
	return ERR_NONE;
}

/* Takes `label`; keeps it bound, or gives what another thread kept. */
static struct err label_keep(struct policing *p, struct label *label,
			     const struct policing_label **out)
{
	struct policing_label *l = NULL, **slot;
	struct err e = label_bind(p, label, &l);

	if (failed(e))
		return e;
	pthread_rwlock_wrlock(&p->lock);
	slot = label_slot(p, l->digest);
	if (*slot) {
		policing_label_free(l);
		l = *slot;
	} else if (p->label_count < LABELS_MAX) {
		*slot = l;
		p->label_count++;
	} else {
		policing_label_free(l);
		e = err_make(ERR_BUSY, "too many different labels");
	}
	pthread_rwlock_unlock(&p->lock);
	if (!failed(e))
		*out = l;
	return e;
}

struct err policing_label(struct policing *p, struct txn *txn,
			  struct digest digest,
			  const struct policing_label **out)
{
	const struct policing_label *known = label_known(p, digest);
	struct label *label = NULL;
	struct span xml, canonical;
	struct err e;

	if (known) {
		*out = known;
		return ERR_NONE;
	}
	e = label_store_get(txn, digest, &xml, &canonical);
	if (!failed(e))
		e = label_decode(canonical, xml, &label);
	if (failed(e))
		return e;
	return label_keep(p, label, out);
}

struct err policing_label_xml(struct policing *p, struct span xml,
			      struct label_problem *problem,
			      const struct policing_label **out,
			      struct policing_label **owned)
{
	const struct policing_label *known;
	struct label *label = NULL;
	struct digest digest;
	struct buf canonical;
	struct err e = crypto_sha256(xml, &digest);

	*owned = NULL;
	if (failed(e))
		return e;
	known = label_known(p, digest);
	if (known) {
		*out = known;
		return ERR_NONE;
	}
	buf_init(&canonical, LABEL_CANONICAL_MAX);
	e = parser_label(xml, problem, &canonical);
	if (!failed(e))
		e = label_decode(buf_span(&canonical), xml, &label);
	buf_clear(&canonical);
	if (!failed(e))
		e = label_bind(p, label, owned);
	if (!failed(e))
		*out = *owned;
	return e;
}

/* Everything that decides for this reader, under this policy. */
static struct err profile_digest(const struct policing *p,
				 struct span clearance_xml,
				 const struct reader_spec *spec,
				 struct digest *out)
{
	struct buf b;
	struct digest clearance;
	struct err e = crypto_sha256(clearance_xml, &clearance);

	if (failed(e))
		return e;
	buf_init(&b, 1 << 20);
	buf_put(&b, SPAN_OBJ(p->digest));
	buf_put_var(&b, span_str(p->ceiling));
	buf_put_u8(&b, (uint8_t)spec->kind);
	buf_put(&b, SPAN_OBJ(clearance));
	buf_put_u8(&b, spec->all_spaces);
	buf_put_u8(&b, spec->in_posture);
	buf_put_var(&b, spec->ceiling);
	buf_put_u32(&b, (uint32_t)spec->space_count);
	for (size_t i = 0; i < spec->space_count; i++)
		buf_put_var(&b, spec->spaces[i]);
	e = buf_check(&b);
	if (!failed(e))
		e = crypto_sha256(buf_span(&b), out);
	buf_clear(&b);
	return e;
}

static struct err reader_make(struct policing *p, struct span clearance_xml,
			      const struct reader_spec *spec,
			      struct label_problem *problem,
			      struct reader **out)
{
	struct reader_spec full = *spec;
	struct clearance *clearance = NULL;
	struct buf canonical;
	struct err e = ERR_NONE;

	if (clearance_xml.len) {
		buf_init(&canonical, CLEARANCE_MAX * 2);
		e = parser_clearance(clearance_xml, problem, &canonical);
		if (!failed(e))
			e = clearance_decode(buf_span(&canonical), &clearance);
		buf_clear(&canonical);
		if (failed(e))
			return e;
	}
	full.clearance = clearance;
	e = reader_new(p->policy, &full, out);
	clearance_free(clearance);
	return e;
}

struct err policing_reader(struct policing *p, struct span clearance_xml,
			   const struct reader_spec *spec,
			   struct label_problem *problem,
			   struct policing_reader **out)
{
	size_t bytes = READER_BYTES + 2 * clearance_xml.len;
	struct policing_reader *r;
	struct reader *bound = NULL;
	struct digest profile;
	struct err e = profile_digest(p, clearance_xml, spec, &profile);

	if (failed(e))
		return e;
	r = policing_readers_find(p->readers, profile);
	if (r) {
		*out = r;
		return ERR_NONE;
	}
	for (size_t i = 0; i < spec->space_count; i++)
		bytes += sizeof(struct span) + spec->spaces[i].len;
	e = reader_make(p, clearance_xml, spec, problem, &bound);
	if (failed(e))
		return e;
	return policing_readers_add(p->readers, profile, bound, bytes, out);
}

struct err policing_decide(struct policing *p, struct txn *txn,
			   const struct reader *reader, struct span space,
			   const struct digest *labels, size_t label_count,
			   uint64_t condition, struct verdict *out)
{
	const struct bound *bounds[SHELF_LABELS_MAX] = {0};
	struct shelf_view shelf = {space, bounds, label_count, condition};

	if (label_count > SHELF_LABELS_MAX)
		shelf.label_count = 0; /* unlabelled: not released */
	for (size_t i = 0; i < shelf.label_count; i++) {
		const struct policing_label *l;

		struct err e = policing_label(p, txn, labels[i], &l);

		if (err_is_ours(e))
			return e;
		/* One that cannot be had stays NULL: not released. */
		if (!failed(e))
			bounds[i] = l->bound;
	}
	*out = decide(p->policy, p->rules, &shelf, reader);
	return ERR_NONE;
}

struct verdict policing_decide_label(struct policing *p,
				     const struct reader *reader,
				     struct span space,
				     const struct policing_label *label)
{
	const struct bound *bound = label->bound;
	struct shelf_view shelf = {space, &bound, 1, SHELF_CONDITION_NONE};

	return decide(p->policy, p->rules, &shelf, reader);
}

struct deciding {
	struct policing *p;
	struct txn *txn;
	const struct reader *reader;
	struct err e; /* of the first that could not be decided */
};

static bool releases(void *self, const struct shelf_row *shelf)
{
	struct deciding *d = self;
	struct verdict verdict = {0};

	atomic_fetch_add_explicit(&d->p->decisions, 1, memory_order_relaxed);
	if (!failed(d->e))
		d->e = policing_decide(d->p, d->txn, d->reader,
				       span_of(shelf->space, shelf->space_len),
				       shelf->labels, shelf->labels_count,
				       shelf->condition, &verdict);
	return verdict.released;
}

struct err policing_view(struct policing *p, struct policing_reader *r,
			 struct txn *txn, struct view **out)
{
	struct deciding d = {.p = p,
			     .txn = txn,
			     .reader = policing_reader_bound(r)};
	struct view_decider decider = {releases, &d, &d.e};

	return policing_reader_view(p->readers, r, p->shelves, txn, &decider,
				    out);
}

struct policing_counts policing_counts(struct policing *p)
{
	return (struct policing_counts){
		.decisions = atomic_load(&p->decisions),
		.held = policing_readers_held(p->readers),
	};
}

void policing_cap(struct policing *p, size_t bytes)
{
	policing_readers_cap(p->readers, bytes);
}
