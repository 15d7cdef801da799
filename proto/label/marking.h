/*
 * The words to show for a label, in the policy's languages.  Display only: a
 * marking never decides and is never read back into a label.
 */
#ifndef PROTO_LABEL_MARKING_H
#define PROTO_LABEL_MARKING_H

#include "proto/base/buf.h"
#include "proto/label/label.h"
#include "proto/label/policy.h"

enum { MARKING_MAX = 4096 };

/*
 * Appends the marking of the originator's part under its own SPIF of the set
 * (a national label is marked in national words; one whose SPIF is not here is
 * marked from the part that decides).  Language: `lang` (RFC 5646), then its
 * primary subtag, then phrases without a language, then English, then the
 * name itself.  ERR_LABEL or ERR_FOREIGN_POLICY where the label is not valid;
 * then nothing is appended.
 */
struct err marking_of(const struct policy *policy, const struct label *label,
		      const char *lang, struct buf *out);

/* The marking of the label under the governing policy, mapped if need be. */
struct err marking_governing(const struct policy *policy,
			     const struct label *label, const char *lang,
			     struct buf *out);

/* The colour of the classification ("#FFAA00" or a W3C name), from the SPIF
 * that marks it; "" if it gives none or the label is not valid. */
const char *marking_color(const struct policy *policy,
			  const struct label *label);

#endif
