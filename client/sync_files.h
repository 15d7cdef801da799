/*
 * Inside `entente sync`: which file of the folder is which head.
 *
 * The journal has an entry for each file, written after the file is there.  A
 * process may die between the two: sync_adopt finds such files again.
 */
#ifndef CLIENT_SYNC_FILES_H
#define CLIENT_SYNC_FILES_H

#include "client/cli.h"
#include "client/engine.h"
#include "client/sync_name.h"

struct sync {
	struct cli *cli;
	struct engine *e;
	const char *folder;
	unsigned sent, written, removed, kept, away, deleted;
	int code;
};

/* Drives the engine until nothing is left of what was started; the exit code,
 * after a failure was printed. */
int sync_run(struct sync *s, struct err started, uint64_t task,
	     const char *what);

/*
 * What the journal says of files is true of one folder: in another one, or
 * where a disk is not mounted, files that are not there were not removed by
 * anybody, and everything begins anew.
 */
int sync_claim_folder(struct sync *s);
/* Name and path of an entry; false for the one of the folder itself. */
bool sync_entry_path(struct sync *s, const struct journal_file *f,
		     char name[SYNC_NAME_MAX + 1], char path[FILES_PATH_MAX]);
void sync_remember(struct sync *s, const char *name, struct doc_id document,
		   struct digest revision, struct digest plain);
void sync_forget(struct sync *s, const char *name);

/* The name by a head's title alone; false until its key has come, or if its
 * author is unknown. */
bool sync_title_name(struct sync *s, const struct journal_document *d,
		     const struct journal_head *h,
		     char name[SYNC_NAME_MAX + 1]);
/* Changes a name that another document or file has. */
void sync_make_own(struct sync *s, const struct journal_document *d,
		   char name[SYNC_NAME_MAX + 1]);
/* Anything by that name, also a symbolic link that leads nowhere. */
bool sync_is_there(const char *path);

/* The content of a head; false after a failure. */
bool sync_fetch(struct sync *s, struct doc_id document, struct digest revision);
/* True if a file that the journal does not know as it is has the bytes of a
 * head of `document` (NULL: of any that has its name): it is that, then. */
bool sync_adopt(struct sync *s, const char *name, const struct doc_id *document,
		struct digest plain, uint64_t size);

#endif
