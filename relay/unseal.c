#include "relay/unseal.h"
#include "proto/crypto/keyfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { PASSPHRASE_MAX = 1024 };

static struct err read_whole(const char *path, size_t max, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct err e = ERR_NONE;
	uint8_t *room;
	ssize_t n = 0;

	buf_init(out, max + 1);
	room = buf_grow(out, max + 1);
	out->len = 0;
	if (fd < 0 || !room) {
		e = err_make(ERR_IO, "cannot be opened");
		goto out;
	}
	while (out->len <= max &&
	       (n = read(fd, room + out->len, max + 1 - out->len)) > 0)
		out->len += (size_t)n;
	if (n < 0)
		e = err_make(ERR_IO, "cannot be read");
	else if (out->len > max)
		e = err_make(ERR_TOO_LARGE, "too large");
out:
	if (fd >= 0)
		close(fd);
	return e;
}

static void strip_line_end(struct buf *b)
{
	if (b->len && b->at[b->len - 1] == '\n')
		b->len--;
	if (b->len && b->at[b->len - 1] == '\r')
		b->len--;
}

/* From the terminal, without echo. */
static struct err ask(const char *prompt, struct buf *out)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	struct termios old, quiet;
	struct err e = ERR_NONE;
	uint8_t *room;
	ssize_t n;

	buf_init(out, PASSPHRASE_MAX);
	room = buf_grow(out, PASSPHRASE_MAX);
	out->len = 0;
	if (tty < 0 || tcgetattr(tty, &old) != 0 || !room) {
		e = err_make(ERR_SEALED, "no passphrase: give "
					 "--passphrase-file, or start it at a "
					 "terminal");
		goto out;
	}
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(tty, TCSAFLUSH, &quiet);
	n = write(tty, prompt, strlen(prompt));
	n = read(tty, room, PASSPHRASE_MAX);
	tcsetattr(tty, TCSAFLUSH, &old);
	if (n > 0)
		out->len = (size_t)n;
	n = write(tty, "\n", 1);
	(void)n;
out:
	if (tty >= 0)
		close(tty);
	return e;
}

struct err unseal_passphrase(const char *file, const char *prompt,
			     struct buf *out)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char path[4200];
	struct err e;

	if (file) {
		e = read_whole(file, PASSPHRASE_MAX, out);
	} else if (credentials) {
		snprintf(path, sizeof(path), "%s/entente-passphrase",
			 credentials);
		e = read_whole(path, PASSPHRASE_MAX, out);
		if (e.code == ERR_IO) {
			buf_wipe(out);
			e = ask(prompt, out);
		}
	} else {
		e = ask(prompt, out);
	}
	if (!failed(e))
		strip_line_end(out);
	return e;
}

struct err unseal(const char *folder, const char *passphrase_file,
		  uint8_t key[UNSEAL_KEY_LEN])
{
	char path[4200];
	struct buf file = {0}, passphrase = {0};
	struct err e;

	snprintf(path, sizeof(path), "%s/keys/root.key", folder);
	e = read_whole(path, KEYFILE_ROOT_FILE_MAX, &file);
	if (failed(e)) {
		e = err_make(e.code, "keys/root.key cannot be read; "
				     "`entente init` makes it");
		goto out;
	}
	e = unseal_passphrase(passphrase_file,
			      "Passphrase of the relay's root key: ",
			      &passphrase);
	if (failed(e)) {
		if (passphrase_file)
			e = err_make(e.code,
				     "the passphrase file cannot be read");
		goto out;
	}
	e = keyfile_decode_root(buf_span(&file), buf_span(&passphrase), key);
out:
	buf_clear(&file);
	buf_wipe(&passphrase);
	return e;
}
