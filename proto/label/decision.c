/* The release decision. */
#include "proto/label/bound_form.h"
#include "proto/label/decision.h"

static struct verdict no(const char *rule)
{
	struct verdict v;

	v.released = false;
	v.rule = rule;
	v.detail[0] = '\0';
	return v;
}

/* Appends; cut where there is no more room, at a whole character. */
static void say(struct verdict *v, const char *text)
{
	size_t at = strlen(v->detail);
	size_t room = sizeof(v->detail) - 1 - at;
	size_t len = strlen(text);

	if (len > room)
		len = room;
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	memcpy(v->detail + at, text, len);
	v->detail[at + len] = '\0';
}

static void say_span(struct verdict *v, struct span text)
{
	char copy[SPACE_NAME_MAX + 1];
	size_t len = text.len > SPACE_NAME_MAX ? SPACE_NAME_MAX : text.len;

	if (len > 0)
		memcpy(copy, text.at, len);
	copy[len] = '\0';
	say(v, copy);
}

static const char *class_name(const struct policy *policy, size_t class)
{
	return policy->tables[0].classes[class].from->name;
}

static bool holds(const struct reader *reader, uint16_t id)
{
	return reader->values[id / 64] >> (id % 64) & 1;
}

/* ADatP-4774.1 s.3.11.4: of each restrictive tag all values, of each
 * permissive tag at least one.  Values of one tag stand together. */
static struct verdict decide_values(const struct table *t,
				    const struct bound *label,
				    const struct reader *reader)
{
	for (size_t i = 0; i < label->count;) {
		uint16_t tag = t->values[label->ids[i]].tag;
		size_t first = i;
		bool one = false;

		for (; i < label->count && t->values[label->ids[i]].tag == tag;
		     i++) {
			bool held = holds(reader, label->ids[i]);

			if (!held && t->tags[tag].type == LABEL_RESTRICTIVE) {
				struct verdict v = no(t->tags[tag].rule);

				say(&v, "the reader does not hold ");
				say(&v, t->values[label->ids[i]].name);
				return v;
			}
			one |= held;
		}
		if (!one) {
			struct verdict v = no(t->tags[tag].rule);

			say(&v, "the reader holds none of ");
			for (size_t n = first; n < i; n++) {
				say(&v, n > first ? ", " : "");
				say(&v, t->values[label->ids[n]].name);
			}
			return v;
		}
	}
	return (struct verdict){.released = true, .rule = "released"};
}

struct verdict decide_label(const struct policy *policy,
			    const struct bound *label,
			    const struct reader *reader)
{
	struct verdict v;

	if (!policy || !reader || reader->policy != policy)
		return no("binding");
	if (!label)
		return no("unlabelled");
	if (label->policy != policy)
		return no("binding");
	if (!label->valid) {
		v = no(label->rule);
		say(&v, label->detail);
		return v;
	}
	if (!reader->policy_agrees) {
		v = no("policy");
		say(&v, "the reader's clearance is not of policy ");
		say(&v, policy->tables[0].spif->name);
		return v;
	}
	if (!(reader->classes >> label->class & 1)) {
		v = no("classification");
		say(&v, class_name(policy, label->class));
		say(&v, " is not in the reader's list");
		return v;
	}
	return decide_values(&policy->tables[0], label, reader);
}

static struct verdict above(const struct policy *policy, const char *rule,
			    size_t class, size_t ceiling)
{
	struct verdict v = no(rule);

	say(&v, class_name(policy, class));
	say(&v, " is above the ceiling ");
	say(&v, class_name(policy, ceiling));
	return v;
}

static struct verdict outside(const char *rule, const char *why,
			      struct span space)
{
	struct verdict v = no(rule);

	say(&v, why);
	say_span(&v, space);
	return v;
}

struct verdict decide(const struct policy *policy, const struct rules *rules,
		      const struct shelf_view *shelf,
		      const struct reader *reader)
{
	struct verdict v;

	if (!policy || !reader || reader->policy != policy ||
	    (rules && rules->policy != policy))
		return no("binding");
	if (!reader->in_posture)
		return no("posture");
	if (!shelf || !shelf->labels || shelf->label_count == 0)
		return no("unlabelled");
	if (shelf->condition != SHELF_CONDITION_NONE &&
	    !(shelf->condition == SHELF_CONDITION_RETURNING && reader->nation))
		return no("condition");
	for (size_t i = 0; i < shelf->label_count; i++) {
		v = decide_label(policy, shelf->labels[i], reader);
		if (!v.released)
			return v;
	}
	if (!space_list_has(&reader->spaces, shelf->space))
		return outside("space", "the reader is not in ", shelf->space);
	if (rules && !space_list_has(&rules->spaces, shelf->space))
		return outside("rules:space",
			       "not released here: ", shelf->space);
	for (size_t i = 0; i < shelf->label_count; i++) {
		size_t class = shelf->labels[i]->class;

		if (class > reader->ceiling)
			return above(policy, "ceiling", class, reader->ceiling);
		if (rules && class > rules->ceiling)
			return above(policy, "rules:ceiling", class,
				     rules->ceiling);
	}
	return v;
}
