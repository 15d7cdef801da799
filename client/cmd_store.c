/* `entente store check FOLDER`. */
#define _GNU_SOURCE
#include "client/cmd_store.h"

#include "client/cli.h"
#include "client/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 4096, ARGUMENTS = 9 };

/* The daemon beside this command; else the one that $PATH has. */
static void find_daemon(char out[PATH_ROOM])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_ROOM - 16);
	char *slash;

	out[n > 0 ? n : 0] = 0;
	slash = strrchr(out, '/');
	if (slash)
		strcpy(slash + 1, "entented");
	if (!slash || access(out, X_OK) != 0)
		strcpy(out, "entented");
}

int cmd_store_check(struct cli *c)
{
	const char *file = cli_option(c, "passphrase-file");
	const char *arguments[ARGUMENTS] = {"entented", "store", "check",
					    "--folder", c->args[0]};
	char program[PATH_ROOM], config[FILES_PATH_MAX];
	size_t n = 5;

	if (failed(files_path(c->args[0], "entente.yaml", config)) ||
	    access(config, R_OK) != 0)
		return cli_usage(c,
				 "%s is no relay's folder: it has no "
				 "entente.yaml that can be read",
				 c->args[0]);
	if (!file)
		file = getenv("ENTENTE_PASSPHRASE_FILE");
	if (file && file[0]) {
		arguments[n++] = "--passphrase-file";
		arguments[n++] = file;
	}
	if (c->json)
		arguments[n++] = "--json";
	find_daemon(program);
	fflush(NULL);
	execvp(program, (char *const *)arguments);
	return cli_fail(c, err_make(ERR_IO, "entented cannot be started"), "%s",
			program);
}
