/* Inside the files of a device's folder: bytes at a place of an open file. */
#ifndef CLIENT_FILES_FD_H
#define CLIENT_FILES_FD_H

#include "client/files.h"

/* "<folder>/content/<digest><suffix>" */
struct err files_blob_path(const char *folder, struct digest table,
			   const char *suffix, char out[FILES_PATH_MAX]);
/* Exactly `len` bytes; ERR_CORRUPT for a file cut short. */
struct err files_fd_read(int fd, uint64_t offset, uint8_t *out, size_t len);
struct err files_fd_write(int fd, uint64_t offset, struct span bytes);
/*
 * A file on its way to be `path`, without a name where the file system can do
 * that: a process that is killed leaves nothing behind.  `beside` is the name
 * that it has, or gets for the moment of the rename.
 */
struct err files_fd_new(const char *path, char beside[FILES_PATH_MAX],
			int *out);
struct err files_fd_publish(int fd, const char *beside, const char *path);

/* Syncs, then gives the file its name; its folder is synced too. */
struct err files_fd_finish(int fd, const char *from, const char *to);
/* After a rename: the entry in the folder of `path`. */
struct err files_sync_folder_of(const char *path);
/* The table at the head of a blob, checked as a whole; `out` is inited
 * here. */
struct err files_fd_table(int fd, struct digest table, uint64_t size,
			  size_t keys, struct buf *out);

#endif
