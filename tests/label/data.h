/* Public test data at ENTENTE_DATA, and small makers of values. */
#ifndef TESTS_LABEL_DATA_H
#define TESTS_LABEL_DATA_H

#include "proto/base/buf.h"
#include "proto/label/bound.h"
#include "proto/label/decision.h"

/* Reads labels/<path> of the data, or false: says so once per program. */
bool data_read(const char *path, struct buf *out);
/* Reads a file of this repository; fails the test if it is missing. */
void repo_read(const char *path, struct buf *out);

/* From text; fail the test on any error. */
struct policy *make_policy(const char *governing, const char *national);
struct label *make_label(const char *xml);
struct clearance *make_clearance(const char *xml);
/* A device with this clearance, in posture, in every space. */
struct reader *make_reader(const struct policy *policy,
			   const struct clearance *clearance);

/* A label of that policy, with `categories` as XML (may be ""). */
const char *label_text(const char *policy, const char *classification,
		       const char *categories);

/* A small generator, so that a seed replays a run. */
struct dice {
	uint64_t state;
};
struct dice dice_new(void); /* prints its seed; ENTENTE_SEED replays one */
uint32_t dice_below(struct dice *d, uint32_t n);

#endif
