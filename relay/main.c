/*
 * entented: the relay.  This program is the supervisor; it starts
 * entented-guard and entented-front, which lie beside it.
 */
#include "relay/log.h"
#include "relay/offline.h"
#include "relay/supervisor.h"
#include "relay/unseal.h"
#include "relay/version.h"

#include "proto/base/buf.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static const char usage[] =
	"usage: entented --folder FOLDER [--passphrase-file FILE] [--json]\n"
	"       entented store check --folder FOLDER [--passphrase-file FILE] "
	"[--json]\n"
	"\n"
	"Runs the relay whose folder `entente init` has made; or walks its "
	"whole\n"
	"store, while no relay works in it, and says what is wrong.\n"
	"\n"
	"  --folder FOLDER         holds entente.yaml, keys/, tls/ and the "
	"store\n"
	"  --passphrase-file FILE  opens keys/root.key; else\n"
	"                          $CREDENTIALS_DIRECTORY/entente-passphrase,\n"
	"                          else the terminal is asked\n"
	"  --json                  log lines as JSON\n"
	"  --help, --version\n"
	"\n"
	"SIGTERM or SIGINT stops it: open requests finish, then the store is\n"
	"closed. Exit status: 0 stopped, or the store is sound; 1 it could "
	"not\n"
	"start; 2 the store is not sound; 64 wrong usage; 69 a relay works in "
	"it;\n"
	"77 the passphrase does not open the root key; 78 the configuration "
	"is\n"
	"wrong.\n";

enum { EXIT_WRONG_USAGE = 64, EXIT_NO_KEY = 77, EXIT_CONFIG = 78 };

struct arguments {
	const char *folder, *passphrase_file;
	const char *verb; /* of `entented store VERB` */
	bool json;
};

/* -1 to go on, or the exit status. */
static int parse_arguments(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] =
		{{"folder", required_argument, NULL, 'f'},
		 {"passphrase-file", required_argument, NULL, 'p'},
		 {"json", no_argument, NULL, 'j'},
		 {"help", no_argument, NULL, 'h'},
		 {"version", no_argument, NULL, 'v'},
		 {0}};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			a->folder = optarg;
			break;
		case 'p':
			a->passphrase_file = optarg;
			break;
		case 'j':
			a->json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case 'v':
			puts("entented " ENTENTE_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return EXIT_WRONG_USAGE;
		}
	}
	if (optind + 2 == argc && strcmp(argv[optind], "store") == 0 &&
	    strcmp(argv[optind + 1], "check") == 0) {
		a->verb = argv[optind + 1];
		optind += 2;
	}
	if (!a->folder || optind < argc) {
		fputs(usage, stderr);
		return EXIT_WRONG_USAGE;
	}
	return -1;
}

static bool read_config(const char *folder, struct config *config)
{
	struct config_fault fault;
	struct err e = config_read(folder, config, &fault);

	if (!failed(e))
		return true;
	if (fault.line)
		fprintf(stderr, "entented: %s/" CONFIG_FILE ":%u: %s\n", folder,
			fault.line, fault.text);
	else
		fprintf(stderr, "entented: %s/" CONFIG_FILE ": %s\n", folder,
			fault.text);
	return false;
}

/* A root key must not reach a core file, the swap or another process. */
static void protect_memory(void *key, size_t len)
{
	struct rlimit none = {0, 0};

#ifndef __SANITIZE_ADDRESS__
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	setrlimit(RLIMIT_CORE, &none);
	mlock(key, len);
}

int main(int argc, char **argv)
{
	static uint8_t root_key[UNSEAL_KEY_LEN];
	static struct config config;
	struct arguments a = {0};
	struct supervisor_options options = {.config = &config,
					     .root_key = root_key};
	int status = parse_arguments(argc, argv, &a);
	struct err e;

	if (status >= 0)
		return status;
	log_init("supervisor", a.json);
	if (!read_config(a.folder, &config))
		return EXIT_CONFIG;
	protect_memory(root_key, sizeof(root_key));
	e = unseal(a.folder, a.passphrase_file, root_key);
	if (failed(e)) {
		fprintf(stderr, "entented: %s/keys/root.key: %s\n  %s\n",
			a.folder, e.detail ? e.detail : err_row(e.code)->title,
			e.code == ERR_SEALED
				? "Give the passphrase that `entente init` was "
				  "given; see --help for the ways."
				: err_row(e.code)->mend);
		return EXIT_NO_KEY;
	}
	options.json = a.json;
	status = a.verb ? offline_start(&options, a.verb)
			: supervisor_run(&options);
	wipe(root_key, sizeof(root_key));
	return status;
}
