/*
 * The root key file and the start file on disk (formats: proto/crypto/keyfile).
 *
 * Files are mode 0600, written to a temporary name, synced, renamed, and the
 * folder synced.
 */
#ifndef STORAGE_ROOT_KEY_H
#define STORAGE_ROOT_KEY_H

#include "proto/base/random.h"
#include "proto/crypto/keyfile.h"

/* A fresh root key sealed under `passphrase` in a new file; ERR_EXISTS. */
struct err root_key_create(const char *path, struct span passphrase,
			   unsigned log2_n, const struct random *random,
			   uint8_t out[KEYFILE_ROOT_LEN]);
/* ERR_NOT_FOUND; ERR_SEALED if the passphrase is another. */
struct err root_key_open(const char *path, struct span passphrase,
			 uint8_t out[KEYFILE_ROOT_LEN]);

/* A new start file; ERR_EXISTS. */
struct err start_file_create(const char *path,
			     const uint8_t root_key[KEYFILE_ROOT_LEN],
			     const struct random *random,
			     const struct keyfile_start *start);
/* `plain` receives the opened bytes that `out` borrows from; buf_wipe it, and
 * keyfile_start_wipe `out`. */
struct err start_file_open(const char *path,
			   const uint8_t root_key[KEYFILE_ROOT_LEN],
			   struct buf *plain, struct keyfile_start *out);
/* After the keys are in the ring: overwrite, sync, remove. */
struct err start_file_destroy(const char *path);

#endif
