/* `entented store VERB`: one child, waited for. */
#define _GNU_SOURCE
#include "relay/offline.h"
#include "relay/control.h"
#include "relay/spawn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_DAMAGED = 2 };

static struct err send_start(const struct supervisor_options *options,
			     int control)
{
	const struct config *c = options->config;
	struct control_start *start = calloc(1, sizeof(*start));
	struct control_packet p = {.kind = CONTROL_START, .start = start};
	struct err e;

	if (!start)
		return err_make(ERR_NO_MEMORY, "start");
	start->json = options->json;
	strcpy(start->folder, c->folder);
	start->nation = c->nation;
	strcpy(start->name, c->name);
	strcpy(start->ceiling, c->ceiling);
	start->quota_bytes = c->quota_bytes;
	start->has_root_key = true;
	memcpy(start->root_key, options->root_key, sizeof(start->root_key));
	e = control_send(control, &p);
	wipe(start, sizeof(*start));
	free(start);
	return e;
}

/* A store whose pages are damaged can end its reader. */
static int say_died(const struct supervisor_options *options, int number)
{
	static const char mend[] =
		"The pages of the store are damaged: restore the relay's "
		"folder from a backup.";

	fprintf(stderr,
		"entented: %s/store: the check died of signal %d (%s)\n  %s\n",
		options->config->folder, number, strsignal(number), mend);
	if (options->json)
		printf("{\"error\":{\"detail\":\"the check died of signal %d\","
		       "\"mend\":\"%s\",\"name\":\"corrupt-record\"}}\n",
		       number, mend);
	return EXIT_DAMAGED;
}

int offline_start(const struct supervisor_options *options, const char *verb)
{
	struct spawn_order order = {.program = "entented-guard",
				    .arguments = {"store", verb}};
	int control = -1, status = 0;
	pid_t pid = 0;
	struct err e = spawn(&order, &pid, &control);

	if (!failed(e))
		e = send_start(options, control);
	if (failed(e)) {
		fprintf(stderr, "entented: %s\n",
			e.detail ? e.detail : err_row(e.code)->title);
		return EXIT_FAILURE;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	close(control);
	return WIFSIGNALED(status) ? say_died(options, WTERMSIG(status))
				   : WEXITSTATUS(status);
}
