/*
 * Foreign XML in, canonical form out: the one door through which labels and
 * clearances of others enter.
 *
 * One blob at a time, no state, no files, no keys: so it can move into a
 * process of its own without a change to its callers.  For now it runs inside
 * the guard.
 */
#ifndef RELAY_PARSER_PARSER_H
#define RELAY_PARSER_PARSER_H

#include "proto/label/label.h"

/* A STANAG 4774 label or STANAG 4778 binding to label_decode's form,
 * appended.  Errors as label_parse. */
struct err parser_label(struct span xml, struct label_problem *problem,
			struct buf *canonical);

/* A STANAG 4774 clearance to clearance_decode's form, appended.  Errors as
 * clearance_parse. */
struct err parser_clearance(struct span xml, struct label_problem *problem,
			    struct buf *canonical);

#endif
