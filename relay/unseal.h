/*
 * The relay's root key: `keys/root.key` in its folder, opened with a
 * passphrase from a file, from systemd's credentials, or from the terminal.
 */
#ifndef RELAY_UNSEAL_H
#define RELAY_UNSEAL_H

#include "proto/base/buf.h"

#include <stdint.h>

enum { UNSEAL_KEY_LEN = 32 };

/*
 * `passphrase_file` may be NULL: then $CREDENTIALS_DIRECTORY/entente-passphrase
 * counts, then the terminal.  One line-end at its end is no part of it.
 * Wipe `key` after use.  ERR_SEALED if there is no passphrase or it does not
 * open the file; ERR_IO; as keyfile_decode_root.
 */
struct err unseal(const char *folder, const char *passphrase_file,
		  uint8_t key[UNSEAL_KEY_LEN]);

/* A passphrase alone, from the same places; `prompt` is what the terminal is
 * asked.  Wipe it. */
struct err unseal_passphrase(const char *file, const char *prompt,
			     struct buf *out);

#endif
