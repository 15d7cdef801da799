/* Inside of struct label: for label.c and label_xml.c alone. */
#ifndef PROTO_LABEL_LABEL_FORM_H
#define PROTO_LABEL_LABEL_FORM_H

#include "proto/base/arena.h"
#include "proto/label/label.h"

/* Room for the bytes, the tree and the parts. */
enum { LABEL_ARENA_MAX = 8 << 20 };

struct label {
	struct arena arena;
	struct span bytes;
	struct digest digest;
	struct label_part *parts;
	size_t part_count;
	size_t originator; /* index into parts */
	struct span *references;
	size_t reference_count;
	bool binding;	 /* came in a BindingInformation */
	bool holds_data; /* the object is inside the binding */
};

/* An empty label that owns a copy of `xml` and has its digest. */
struct err label_new(struct span xml, struct label **out);

#endif
