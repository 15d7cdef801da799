/* Verbs that entented-store does. */
#include "client/cmd_offline.h"

#include "client/cli.h"
#include "client/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ARGUMENTS_MAX = 2 * CLI_OPTIONS_MAX + CLI_ARGS_MAX + 8 };

/* The program beside this one. */
static bool program(char out[FILES_PATH_MAX])
{
	static const char name[] = "entented-store";
	ssize_t n = readlink("/proc/self/exe", out, FILES_PATH_MAX - 1);
	char *slash;

	if (n <= 0)
		return false;
	out[n] = 0;
	slash = strrchr(out, '/');
	if (!slash || (size_t)(slash + 1 - out) + sizeof(name) > FILES_PATH_MAX)
		return false;
	memcpy(slash + 1, name, sizeof(name));
	return access(out, X_OK) == 0;
}

int cmd_offline(struct cli *c)
{
	char path[FILES_PATH_MAX], names[CLI_OPTIONS_MAX][64];
	const char *argv[ARGUMENTS_MAX] = {"entented-store", c->verb->verb};
	const char *file = getenv("ENTENTE_PASSPHRASE_FILE");
	size_t n = 2;

	if (!program(path))
		return cli_fail(c,
				err_make(ERR_IO, "entented-store does not lie "
						 "beside this program"),
				"entented-store");
	if (c->json)
		argv[n++] = "--json";
	if (file && !cli_option(c, "passphrase-file")) {
		argv[n++] = "--passphrase-file";
		argv[n++] = file;
	}
	for (int i = 0; i < c->options_count; i++) {
		const char *value = c->options[i].value;

		if (strcmp(c->options[i].name, "json") == 0)
			continue;
		snprintf(names[i], sizeof(names[i]), "--%s",
			 c->options[i].name);
		argv[n++] = names[i];
		if (value && value[0])
			argv[n++] = value;
	}
	argv[n++] = "--";
	for (int i = 0; i < c->args_count; i++)
		argv[n++] = c->args[i];
	fflush(stdout);
	execv(path, (char *const *)argv);
	return cli_fail(c, err_make(ERR_IO, "it cannot be started"), "%s",
			path);
}
