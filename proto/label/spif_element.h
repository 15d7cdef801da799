/*
 * Reading elements of a SPIF: attributes of the schema's types, and lists of
 * children.  For spif.c and spif_part.c alone.
 */
#ifndef PROTO_LABEL_SPIF_ELEMENT_H
#define PROTO_LABEL_SPIF_ELEMENT_H

#include "proto/label/spif.h"
#include "proto/label/xml.h"

/* A reading that fails once and stays failed: readers go on with zeroes, and
 * whoever started looks at `failure`. */
struct spif_reading {
	struct arena *arena;
	struct label_problem *problem;
	struct err failure;
};

/* An element of the SPIF namespace, or of none: some files forget it. */
bool spif_is(const struct xml_element *e, const char *name);
/* The next sibling of that name from `e` on, `e` included. */
const struct xml_element *spif_next(const struct xml_element *e,
				    const char *name);
size_t spif_count(const struct xml_element *parent, const char *name);
/* Room for `count` things of `size`; NULL and failed at the cap. */
void *spif_room(struct spif_reading *r, size_t count, size_t size);

[[gnu::format(printf, 3, 4)]] void spif_fail(struct spif_reading *r,
					     const struct xml_element *e,
					     const char *fmt, ...);
/* Fails unless every child is named in `names` (NULL-terminated) and there is
 * no stray text. */
void spif_only(struct spif_reading *r, const struct xml_element *e,
	       const char *const *names);

/* Attributes: trimmed text, "" and failed if missing. */
const char *spif_text(struct spif_reading *r, const struct xml_element *e,
		      const char *name);
/* NULL if absent. */
const char *spif_text_if(struct spif_reading *r, const struct xml_element *e,
			 const char *name);
/* A lacv without leading zeros: some files write 4 as 004. */
const char *spif_lacv(struct spif_reading *r, const struct xml_element *e);
uint64_t spif_number(struct spif_reading *r, const struct xml_element *e,
		     const char *name);
bool spif_bool(struct spif_reading *r, const struct xml_element *e,
	       const char *name);
enum spif_type spif_tag_type(struct spif_reading *r,
			     const struct xml_element *e);

/* Parts that many elements share (spif_part.c). */
struct spif_marking spif_read_marking(struct spif_reading *r,
				      const struct xml_element *e);
struct spif_reference spif_read_reference(struct spif_reading *r,
					  const struct xml_element *e);
const struct spif_required *spif_read_required(struct spif_reading *r,
					       const struct xml_element *e,
					       size_t *count);
enum spif_applied spif_read_applied(struct spif_reading *r,
				    const struct xml_element *e);

#endif
