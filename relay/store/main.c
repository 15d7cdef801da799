/* entented-store: arguments, and the verb that they name. */
#include "relay/store/tool.h"
#include "relay/version.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const char usage[] =
	"usage: entented-store VERB PATH [OPTIONS]\n"
	"\n"
	"What is done with a relay's folder while no relay runs in it. Use it\n"
	"through `entente`: key rotate-root, backup verify, backup restore.\n";

static int parse(int argc, char **argv, struct tool *t)
{
	static const struct option options[] =
		{{"to", required_argument, NULL, 't'},
		 {"passphrase-file", required_argument, NULL, 'p'},
		 {"new-passphrase-file", required_argument, NULL, 'n'},
		 {"recovery-key", required_argument, NULL, 'k'},
		 {"seal-root", required_argument, NULL, 's'},
		 {"replica", required_argument, NULL, 'r'},
		 {"json", no_argument, NULL, 'j'},
		 {"version", no_argument, NULL, 'v'},
		 {"help", no_argument, NULL, 'h'},
		 {0}};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 't':
			t->to = optarg;
			break;
		case 'p':
			t->passphrase_file = optarg;
			break;
		case 'n':
			t->new_passphrase_file = optarg;
			break;
		case 'k':
			t->recovery_key = optarg;
			break;
		case 's':
			t->seal_root = optarg;
			break;
		case 'r':
			t->replica = strtoull(optarg, NULL, 10);
			if (t->replica == 0)
				return err_row(ERR_USAGE)->exit_code;
			break;
		case 'j':
			t->json = true;
			break;
		case 'v':
			puts("entented-store " ENTENTE_VERSION);
			exit(EXIT_SUCCESS);
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		default:
			return err_row(ERR_USAGE)->exit_code;
		}
	}
	if (argc - optind != 2)
		return err_row(ERR_USAGE)->exit_code;
	t->verb = argv[optind];
	t->path = argv[optind + 1];
	return 0;
}

int main(int argc, char **argv)
{
	struct tool t = {.verb = "", .terminal = isatty(STDERR_FILENO)};
	struct rlimit none = {0, 0};
	int code = parse(argc, argv, &t);

	/* Memory holds keys: no core dumps, no reading by others. */
#ifndef __SANITIZE_ADDRESS__
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	setrlimit(RLIMIT_CORE, &none);
	for (const struct tool_verb *v = tool_verbs; !code && v->name; v++)
		if (strcmp(v->name, t.verb) == 0)
			return v->run(&t);
	fputs(usage, stderr);
	return err_row(ERR_USAGE)->exit_code;
}
