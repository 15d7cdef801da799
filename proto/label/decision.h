/*
 * The release decision: may this reader see that shelf?
 *
 * Pure and total: no I/O, no clock, no memory of earlier calls, no
 * allocation.  The default is no.  The access control decision function of
 * ITU-T X.812; the tests of ADatP-4774.1 s.3.11.4, with validation before them
 * (bound.h); then space, ceiling and the operator's rules.  Several labels on
 * a shelf are judged each on its own, and all must release.
 */
#ifndef PROTO_LABEL_DECISION_H
#define PROTO_LABEL_DECISION_H

#include "proto/label/bound.h"
#include "proto/label/reader.h"
#include "proto/label/rules.h"
#include "proto/label/shelf.h"

enum { VERDICT_DETAIL_MAX = 160 };

/*
 * The verdict, and the rule that made it: never without one.
 *
 *	released
 *	posture			the device is out of posture
 *	condition		the shelf has a condition unknown here
 *	unlabelled		the shelf has no label, or one cannot be had
 *	binding			label or reader bound under another policy
 *	invalid-label		the label is not valid under the policy
 *	profile:nato-context	the NATO policy's Context rules
 *	policy			a policy that does not govern and is not mapped
 *	classification		not in the reader's list
 *	restrictive:<tag>	a value of that tag is not held
 *	permissive:<tag>	no value of that tag is held
 *	space			the reader is not in that space
 *	ceiling			above the reader's ceiling
 *	rules:space		the operator lets nothing of that space leave
 *	rules:ceiling		above the operator's ceiling
 */
struct verdict {
	bool released;
	const char *rule;		 /* lives in the policy, or for ever */
	char detail[VERDICT_DETAIL_MAX]; /* for operators; "" if released */
};

/* `rules` NULL: the operator adds none.  A NULL policy or reader is no. */
struct verdict decide(const struct policy *policy, const struct rules *rules,
		      const struct shelf_view *shelf,
		      const struct reader *reader);

/* The four tests of ADatP-4774.1 s.3.11.4 on one label, without shelf, posture
 * and rules: what `entente label explain` answers. */
struct verdict decide_label(const struct policy *policy,
			    const struct bound *label,
			    const struct reader *reader);

#endif
