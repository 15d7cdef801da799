/* Foreign XML in, canonical form out. */
#include "proto/label/reader.h"
#include "relay/parser/parser.h"

struct err parser_label(struct span xml, struct label_problem *problem,
			struct buf *canonical)
{
	struct label *label = NULL;
	struct err e = label_parse(xml, problem, &label);

	if (!failed(e))
		e = label_encode(label, canonical);
	label_free(label);
	return e;
}

struct err parser_clearance(struct span xml, struct label_problem *problem,
			    struct buf *canonical)
{
	struct clearance *clearance = NULL;
	struct err e = clearance_parse(xml, problem, &clearance);

	if (!failed(e))
		e = clearance_encode(clearance, canonical);
	clearance_free(clearance);
	return e;
}
