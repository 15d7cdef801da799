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

/*
 * A seed that shows each rule when it is switched off: in the fast tests too.
 * 0: no history shows it, and why.
 */
struct kept {
	const char *name;
	uint64_t seed;
};

static const struct kept kept[] = {
	{"row_shared", 8},
	{"row_stays", 1},
	{"gone_unwritten", 4},
	{"gone_passed", 531},
	{"unsigned_waits", 15556},
	{"last_unraised", 1},
	{"last_unloaded", 12},
	{"incarnation_any", 4},
	{"reader_any", 8},
	{"key_newest", 8},
	{"seq_runs", 1},
	{"hidden_moves", 1},
	{"complete_early", 2},
	{"complete_is_view", 2},
	{"target_lost", 2},
	{"target_moves", 49},
	{"position_lost", 2},
	{"page_empty", 2},
	{"fill_unbounded", 4},
	{"fill_end_lost", 12},
	{"fill_sends_gone", 4},
	{"join_none", 12},
	{"join_blind", 33},
	{"newest_ignored", 1},
	{"floor_unraised", 4},
	{"floor_ignored", 4},
	{"no_ledger", 1},
	{"ledger_late", 3},
	{"answered_stays", 1},
	{"loss_keeps", 8},
	{"loss_uncompared", 3},
	{"loss_number_kept", 5122},
	{"loss_first_kept", 8},
	{"again_kept", 20},
	{"fresh_unrecorded", 334},
	{"fresh_untold", 1985},
	{"conflict_unseen", 210},
	{"told_all", 111},
	{"number_reused", 12},
	{"merge_all", 1},
	{"hidden_counts", 1},
	/* Shown by tests/guard/test_interference.c. */
	{"poll_wakes", 0},
	{"exists_told", 0},
	{"heads_told", 0},
	{"length_told", 0},
	/* Changes nothing: what the view has beyond the merge comes with the
	 * fill. */
	{"gone_of_view", 0},
	/* Shown by tests/storage/test_feed_fill.c. */
	{"fill_too_late", 0},
	{"row_of_view", 0},
	/* Shown by tests/storage/test_models.c. */
	{"believe_context", 0},
};

static const struct kept *kept_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (strcmp(kept[i].name, name) == 0)
			return &kept[i];
	fprintf(stderr, "%s: a rule without a seed\n", name);
	abort();
}

static void every_rule_switched_off_is_found(void **state)
{
	unsigned missed = 0;

	for (size_t i = 0; i < RULES; i++) {
		const struct kept *k = kept_of(rules[i].name);

		switch_off(rules[i].name);
		if (k->seed && !histories_run(*state, k->seed)) {
			print_error("%s: not found by seed %llu\n", k->name,
				    (unsigned long long)k->seed);
			missed++;
		}
	}
	switch_off(NULL);
	assert_int_equal(missed, 0);
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

/* The kept seed first: then from the first on.  Rules that are shown
 * elsewhere are named, not looked for. */
static int look_for_faults(struct histories *h)
{
	uint64_t first = number("FIRST", 1), count = number("FAULTS", 1);
	int missed = 0;

	for (size_t i = 0; i < RULES; i++) {
		uint64_t seed = kept_of(rules[i].name)->seed, found;
		const char *wrong = NULL;

		if (getenv("FAULT") && strcmp(getenv("FAULT"), rules[i].name))
			continue;
		if (!seed && !getenv("FAULT")) {
			printf("%-17s  shown elsewhere\n", rules[i].name);
			continue;
		}
		switch_off(rules[i].name);
		found = seed;
		if (seed >= first && seed < first + count)
			wrong = histories_run(h, seed);
		for (seed = first; seed < first + count && !wrong; seed++) {
			wrong = histories_run(h, seed);
			found = seed;
		}
		printf("%-17s %6llu  %s\n", rules[i].name,
		       (unsigned long long)(wrong ? found : 0),
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
		cmocka_unit_test(every_rule_switched_off_is_found),
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
