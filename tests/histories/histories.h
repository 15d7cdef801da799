/*
 * Random histories of one relay and its readers on the real store, against a
 * model that decides document by document.
 *
 * Puts, edits, relabels, deletes, recalls, holds; clearances, spaces and
 * policies that change; restarts, power cuts, restored backups, new keys,
 * expired rows; readers that sync late, repeat a cursor, use the last but one,
 * lose an answer, start afresh, ask twice at once.  A seed decides all of it,
 * whatever ran before.
 */
#ifndef TESTS_HISTORIES_HISTORIES_H
#define TESTS_HISTORIES_HISTORIES_H

#include <stdint.h>

struct histories;

struct histories *histories_new(void);
void histories_free(struct histories *h);

/* NULL if the history ends well, else what was wrong first.  Lives for ever. */
const char *histories_run(struct histories *h, uint64_t seed);

#endif
