/*
 * Small files, whole: read with a cap, written so that after a power cut
 * either the old or the new one is there.
 */
#ifndef STORAGE_FILE_H
#define STORAGE_FILE_H

#include "proto/base/buf.h"

/* ERR_NOT_FOUND, ERR_TOO_LARGE beyond the buffer's cap, ERR_IO. */
struct err file_read(const char *path, struct buf *out);
/* Temporary name, mode 0600, fsync, rename, fsync of the folder.  ERR_EXISTS
 * with `fresh` if there is one; ERR_DISK_FULL, ERR_IO. */
struct err file_write(const char *path, struct span bytes, bool fresh);
/* Overwrite with zeros, sync, remove, sync the folder. Not there: nothing. */
struct err file_destroy(const char *path);
/*
 * `path`.next takes the place of `path`, whose old bytes are destroyed.  The
 * rename is the step that counts: cut off before it, `path` is the old one;
 * after it, file_settle destroys what is left of the old.
 */
struct err file_supersede(const char *path);
/* What file_supersede left when it was cut off: `path`.old, which may be
 * another name of what stands, goes.  Not there: nothing. */
struct err file_settle(const char *path);
/* mkdir 0700, with the folders above; there already: nothing. */
struct err file_make_folder(const char *path);
/* fsync of a folder. */
struct err file_sync_folder(const char *path);
/* "folder/name"; ERR_TOO_LARGE if it does not fit. */
struct err file_join(char *out, size_t room, const char *folder,
		     const char *name);

#endif
