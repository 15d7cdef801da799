/*
 * A document's title as the name of a file in a synced folder.
 *
 * Titles come from others: the name is one part of a path, visible, without
 * controls, never a label beside another file, never a name of our own.
 */
#ifndef CLIENT_SYNC_NAME_H
#define CLIENT_SYNC_NAME_H

#include "proto/document/docid.h"
#include "proto/document/version.h"

enum { SYNC_NAME_MAX = 255 }; /* bytes, as file systems have it */

/* What stands behind the name of a file for its label. */
#define SYNC_LABEL_END ".label.xml"
/* What stands behind the name of a file on its way. */
#define SYNC_NEW_END ".entente-new"

/* The name; `conflict` is the dot of a head that is not the winner, or
 * NULL. */
void sync_name(struct span title, struct doc_id document,
	       const struct dot *conflict, char out[SYNC_NAME_MAX + 1]);
/* The same where another document or file has that name: the id's end
 * before it. */
void sync_name_own(struct doc_id document, char name[SYNC_NAME_MAX + 1]);
/* True for what `entente sync` never sends: hidden, labels, files on their
 * way. */
bool sync_name_passed_over(const char *name);

#endif
