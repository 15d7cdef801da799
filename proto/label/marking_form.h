/* The marking of a selection; for marking.c and its tests. */
#ifndef PROTO_LABEL_MARKING_FORM_H
#define PROTO_LABEL_MARKING_FORM_H

#include "proto/label/selection.h"

struct err marking_selection(const struct selection *s, const char *lang,
			     struct buf *out);

#endif
