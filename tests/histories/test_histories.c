/*
 * Random histories on the real store against the model, and each rule of
 * cursor and ledger switched off in turn: the histories must find it.
 *
 *	HISTORIES=n	how many (2000), from seed FIRST (1)
 *	SEED=n		this one alone, of what FAULT=name switches off
 *	FAULTS=n	look for every planted fault in the first n seeds
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/faults.h"
#include "tests/histories/histories.h"

struct storage_faults storage_faults;

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

struct rule {
	const char *name, *rule;
	bool *off;
};

static const struct rule rules[] = {
#define RULE(name, rule) {#name, rule, &storage_faults.name},
	STORAGE_FAULTS(RULE)
#undef RULE
};
enum { RULES = sizeof(rules) / sizeof(rules[0]) };

static void switch_off(const char *name)
{
	storage_faults = (struct storage_faults){0};
	for (size_t i = 0; i < RULES; i++)
		if (name && strcmp(rules[i].name, name) == 0)
			*rules[i].off = true;
}

static void every_history_ends_as_the_model_says(void **state)
{
	uint64_t first = number("FIRST", 1), count = number("HISTORIES", 2000);
	unsigned bad = 0;

	switch_off(NULL);
	for (uint64_t seed = first; seed < first + count && bad < 5; seed++) {
		const char *wrong = histories_run(*state, seed);

		if (!wrong)
			continue;
		bad++;
		print_error("SEED=%llu: %s\n", (unsigned long long)seed, wrong);
	}
	print_message("histories: seeds %llu to %llu\n",
		      (unsigned long long)first,
		      (unsigned long long)(first + count - 1));
	assert_int_equal(bad, 0);
}

/* ---- one by hand ---- */

static int replay(struct histories *h)
{
	const char *wrong;

	switch_off(getenv("FAULT"));
	wrong = histories_run(h, number("SEED", 1));
	printf("seed %llu: %s\n", (unsigned long long)number("SEED", 1),
	       wrong ? wrong : "good");
	return wrong != NULL;
}

static int look_for_faults(struct histories *h)
{
	uint64_t first = number("FIRST", 1), count = number("FAULTS", 1);
	int missed = 0;

	for (size_t i = 0; i < RULES; i++) {
		const char *wrong = NULL;
		uint64_t seed = first;

		if (getenv("FAULT") && strcmp(getenv("FAULT"), rules[i].name))
			continue;
		switch_off(rules[i].name);
		for (; seed < first + count && !wrong; seed++)
			wrong = histories_run(h, seed);
		printf("%-17s %6llu  %s\n", rules[i].name,
		       (unsigned long long)(wrong ? seed - 1 : 0),
		       wrong ? wrong : "not found");
		fflush(stdout);
		missed += !wrong;
	}
	return missed;
}

static int set_up(void **state)
{
	*state = histories_new();
	return 0;
}

static int tear_down(void **state)
{
	histories_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_history_ends_as_the_model_says),
	};
	struct histories *h;
	int rc;

	if (!getenv("SEED") && !getenv("FAULTS"))
		return cmocka_run_group_tests(tests, set_up, tear_down);
	h = histories_new();
	rc = getenv("SEED") ? replay(h) : look_for_faults(h);
	histories_free(h);
	return rc;
}
