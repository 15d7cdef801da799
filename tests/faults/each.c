/* One operation, once for each call that can fail in it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/faults/each.h"

/* Each costs many times as much under a checker of memory. */
#ifdef __SANITIZE_ADDRESS__
enum { CHOSEN_MAX = 8, EDGE = 2 };
#else
enum { CHOSEN_MAX = 24, EDGE = 6 };
#endif
enum { WRONG_MAX = 40 };

static const struct way {
	enum fault_kind kind;
	int error;
	bool forever;
	const char *name;
} ways[] = {
	{FAULT_MEMORY, ENOMEM, false, "an allocation"},
	{FAULT_MEMORY, ENOMEM, true, "memory from an allocation on"},
	{FAULT_LMDB, ENOMEM, false, "a call of LMDB, memory"},
	{FAULT_LMDB, MDB_MAP_FULL, true, "LMDB from a call on, full"},
	{FAULT_LMDB, EIO, true, "LMDB from a call on, disk"},
	{FAULT_DISK, EIO, false, "a call of the disk"},
	{FAULT_DISK, ENOSPC, true, "a full disk from a call on"},
};

static struct {
	unsigned run, struck, operations, wrong;
	uint64_t seed;
} all;

static uint64_t seed(void)
{
	const char *given = getenv("FAULTS_SEED");

	if (!all.seed)
		all.seed = given ? strtoull(given, NULL, 0) : 20261124;
	return all.seed;
}

/* SplitMix64. */
static uint64_t mixed(uint64_t n)
{
	n += 0x9e3779b97f4a7c15u;
	n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
	n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
	return n ^ (n >> 31);
}

/* Whether the n-th of `count` is run. */
static bool chosen(const char *name, unsigned way, uint64_t n, uint64_t count)
{
	uint64_t h = seed() ^ (uint64_t)way << 56 ^ n;

	if (count <= CHOSEN_MAX || getenv("FAULTS_ALL") || n <= EDGE ||
	    n + EDGE > count)
		return true;
	while (*name)
		h = mixed(h ^ (uint8_t)*name++);
	return mixed(h) % count < CHOSEN_MAX - 2 * EDGE;
}

/* An error that whoever asked is not to blame for. */
static bool is_ours(struct err e, enum fault_kind kind)
{
	switch (e.code) {
	case ERR_NO_MEMORY:
	case ERR_BUSY:
	case ERR_INTERNAL:
		return true;
	case ERR_IO:
	case ERR_DISK_FULL:
		return kind != FAULT_MEMORY;
	default:
		return false;
	}
}

static struct err act(const struct each *each, struct fault fault,
		      uint64_t *calls)
{
	struct err e;

	fault_arm(fault);
	e = each->act(each->self);
	*calls = fault_disarm();
	return e;
}

/* One that went wrong; the test fails at the end of its operation. */
static void wrong(const struct each *each, const struct way *way, uint64_t n,
		  const char *when, struct err e)
{
	all.wrong++;
	if (all.wrong <= WRONG_MAX)
		print_error("%s: %s, number %llu: %s%s (%s)\n", each->name,
			    way->name, (unsigned long long)n, when,
			    err_row(e.code)->name, e.detail ? e.detail : "");
}

static void run(const struct each *each, const struct way *way, uint64_t n)
{
	struct fault fault = {way->kind, n, way->forever, way->error};
	uint64_t calls;
	struct err e;

	if (getenv("FAULT_TRACE"))
		fprintf(stderr, "%s: %s, number %llu\n", each->name, way->name,
			(unsigned long long)n);
	if (each->prepare)
		each->prepare(each->self);
	e = act(each, fault, &calls);
	all.run++;
	all.struck += fault_struck();
	if (failed(e) && (!fault_struck() || !is_ours(e, way->kind)))
		wrong(each, way, n, "", e);
	if (each->after)
		each->after(each->self, e);
	e = each->act(each->self);
	if (failed(e))
		wrong(each, way, n, "asked again: ", e);
	else if (each->end)
		each->end(each->self);
}

/* How many calls of a kind the operation makes. */
static uint64_t count_calls(const struct each *each, enum fault_kind kind)
{
	uint64_t calls;
	struct err e;

	if (each->prepare)
		each->prepare(each->self);
	e = act(each, (struct fault){.kinds = kind}, &calls);
	if (failed(e))
		fail_msg("%s: fails by itself: %s (%s)", each->name,
			 err_row(e.code)->name, e.detail ? e.detail : "");
	if (each->end)
		each->end(each->self);
	return calls;
}

unsigned each_call_of(const struct each *each, unsigned kinds)
{
	unsigned before = all.run;

	all.operations++;
	for (unsigned i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const struct way *way = &ways[i];
		uint64_t count;

		if (!(kinds & way->kind))
			continue;
		count = count_calls(each, way->kind);
		for (uint64_t n = 1; n <= count; n++)
			if (chosen(each->name, i, n, count))
				run(each, way, n);
	}
	return all.run - before;
}

unsigned each_call(const struct each *each)
{
	return each_call_of(each, FAULT_MEMORY | FAULT_LMDB | FAULT_DISK);
}

unsigned each_wrong(void)
{
	return all.wrong;
}

void each_tell(void)
{
	printf("%u operations, %u failures planted, %u struck, seed %llu%s\n",
	       all.operations, all.run, all.struck, (unsigned long long)seed(),
	       getenv("FAULTS_ALL") ? ", every call" : "");
}
