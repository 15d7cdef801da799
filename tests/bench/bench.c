/* bench BUILD [group]: the figures of BUILD/bench.tsv. */
#define _GNU_SOURCE /* nftw */
#include "tests/bench/bench.h"

#include "tests/bench/figure.h"
#include "tests/bench/limit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	return remove(path);
}

static void processor(char *out, size_t room)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(out, room, "unknown");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "model name : %63[^\n]", out) == 1)
			break;
	if (f)
		fclose(f);
}

static void say_machine(void)
{
	char model[64];
	struct utsname u;
	double load = 0;

	processor(model, sizeof(model));
	uname(&u);
	(void)getloadavg(&load, 1);
	figure_say("%ld cores of %s, %s %s; load before the run %.2f",
		   limit_cores(), model, u.sysname, u.release, load);
}

int main(int argc, char **argv)
{
	const char *only = argc > 2 ? argv[2] : NULL;
	char folder[256], path[300];
	double began = figure_wall();

	if (argc < 2) {
		fprintf(stderr,
			"usage: bench BUILD "
			"[decisions|store|journal|check|keys|sync|feed|daemon|"
			"content]\n");
		return EXIT_FAILURE;
	}
	snprintf(folder, sizeof(folder), "%s/bench", argv[1]);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (mkdir(folder, 0700) != 0) {
		perror(folder);
		return EXIT_FAILURE;
	}
	snprintf(path, sizeof(path), "%s/bench.tsv", argv[1]);
	figure_open(path);
	say_machine();
	if (!only || strcmp(only, "decisions") == 0)
		bench_decisions(folder);
	if (!only || strcmp(only, "store") == 0)
		bench_store(folder);
	if (!only || strcmp(only, "journal") == 0)
		bench_journal(folder);
	if (!only || strcmp(only, "check") == 0)
		bench_check(folder);
	if (!only || strcmp(only, "keys") == 0)
		bench_keys(folder);
	if (!only || strcmp(only, "sync") == 0)
		bench_sync(folder);
	if (!only || strcmp(only, "feed") == 0)
		bench_feed(folder);
	if (!only || strcmp(only, "daemon") == 0)
		bench_daemon(folder, argv[1]);
	if (!only || strcmp(only, "content") == 0)
		bench_content(folder, argv[1]);
	figure_say("%.0f s in all", figure_wall() - began);
	figure_close();
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return EXIT_SUCCESS;
}
