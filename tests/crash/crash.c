/*
 * Crashes: a relay as it is run, many clients that write, a SIGKILL to guard,
 * front or the whole relay at a random moment, and then what every client
 * knows of its own is asked for.
 *
 *	crash [ROUNDS [SEED]]		kills; the seed is printed
 *	crash power [ROUNDS [SEED]]	power cuts: an ext4 image on a loop device
 *
 * Ends with 0 if all rounds held.
 */
#include "tests/crash/power.h"
#include "tests/crash/world.h"

#include "client/system.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	WORLD_ROUNDS = 10, /* then a new relay */
	FRESH_EVERY = 5,   /* a device that enrols now sees the same */
	ENROLLING = 3,	   /* devices that enrol at a kill */
	WRITE_MS = 500,	   /* a kill comes within that of writing */
	ROUNDS = 200,
	POWER_ROUNDS = 20,
};

/* What a round kills, and when. */
enum kind {
	KILL_GUARD,
	KILL_FRONT,
	KILL_ALL,   /* the supervisor, which takes all along */
	KILL_START, /* again and again while it starts */
	KILL_PURGE, /* while a recall writes the ring anew */
	KILL_ENROL, /* while devices enrol */
	KINDS
};

static const char *const kind_names[KINDS] = {"guard",	  "front", "relay",
					      "start-up", "purge", "enrolment"};

/* Of twelve rounds. */
static enum kind choose(struct rng *rng)
{
	static const enum kind often[12] = {KILL_GUARD, KILL_GUARD, KILL_GUARD,
					    KILL_FRONT, KILL_FRONT, KILL_ALL,
					    KILL_ALL,	KILL_ALL,   KILL_START,
					    KILL_PURGE, KILL_PURGE, KILL_ENROL};

	return often[rng_below(rng, 12)];
}

/* ---- kills ---- */

/* The whole relay is gone: its store is looked at as the crash left it. */
static bool kill_all(struct world *w)
{
	nation_daemon_kill(&w->relay);
	world_wait_free(w);
	return world_check_store(w);
}

static bool start(struct world *w)
{
	nation_daemon_start(&w->relay);
	return true;
}

static bool kill_start(struct world *w, struct rng *rng)
{
	unsigned times = 2 + rng_below(rng, 4);

	if (!kill_all(w))
		return false;
	for (unsigned i = 0; i < times; i++) {
		nation_daemon_begin(&w->relay);
		nation_daemon_sleep_ms(rng_below(rng, 90));
		nation_daemon_kill(&w->relay);
		world_wait_free(w);
	}
	return world_check_store(w) && start(w);
}

/* Guard alone, or all. */
static bool kill_some(struct world *w, struct rng *rng)
{
	if (rng_below(rng, 2))
		return kill_all(w) && start(w);
	nation_daemon_kill_role(&w->relay, ROLE_GUARD);
	return true;
}

static size_t recalls(const struct world *w)
{
	size_t n = 0;

	for (unsigned i = 0; i < WORLD_WRITERS; i++)
		n += w->writers[i].recalls;
	return n;
}

static bool kill_purge(struct world *w, struct rng *rng)
{
	uint64_t until = nation_daemon_now_ms() + 1000;
	size_t before = recalls(w);

	for (unsigned i = 0; i < WORLD_WRITERS; i += 2)
		w->writers[i].recalling = true;
	while (recalls(w) == before && nation_daemon_now_ms() < until)
		nation_daemon_sleep_ms(1);
	nation_daemon_sleep_ms(rng_below(rng, 30));
	for (unsigned i = 0; i < WORLD_WRITERS; i += 2)
		w->writers[i].recalling = false;
	return kill_some(w, rng);
}

/* ---- enrolment ---- */

struct enrolling {
	const struct nation_daemon *d;
	char subject[16];
	struct buf token;
	struct pad pad;
	pthread_t thread;
	struct err e;
};

static void *enrol(void *arg)
{
	struct enrolling *x = arg;

	x->e = pad_enrol(&x->pad, x->d, buf_span(&x->token));
	return NULL;
}

/* Enrolled means enrolled; who got no answer asks again with the token, and
 * where that is used up, with a new one. */
static bool enrolled(struct world *w, struct enrolling *x)
{
	struct err e = ERR_NONE;

	if (failed(x->e)) {
		pad_free(&x->pad);
		if (failed(pad_enrol(&x->pad, x->d, buf_span(&x->token)))) {
			pad_free(&x->pad);
			pad_new(&x->pad, &w->relay, x->subject);
		}
	}
	e = pad_sync(&x->pad);
	if (failed(e))
		fprintf(stderr,
			"FAULT: a device that enrolled is refused: "
			"%s %s\n",
			err_row(e.code)->name, e.detail ? e.detail : "");
	return !failed(e);
}

static bool kill_enrol(struct world *w, struct rng *rng)
{
	struct enrolling all[ENROLLING] = {0};
	bool good;

	for (unsigned i = 0; i < ENROLLING; i++) {
		all[i].d = &w->relay;
		snprintf(all[i].subject, sizeof(all[i].subject), "writer%u", i);
		nation_daemon_invite(&w->relay, all[i].subject, &all[i].token);
	}
	for (unsigned i = 0; i < ENROLLING; i++)
		if (pthread_create(&all[i].thread, NULL, enrol, &all[i]))
			abort();
	nation_daemon_sleep_ms(rng_below(rng, 60));
	good = kill_some(w, rng);
	for (unsigned i = 0; i < ENROLLING; i++) {
		pthread_join(all[i].thread, NULL);
		good = good && enrolled(w, &all[i]);
		pad_free(&all[i].pad);
		buf_clear(&all[i].token);
	}
	return good;
}

/* ---- a round ---- */

static bool crash(struct world *w, enum kind kind, struct rng *rng)
{
	switch (kind) {
	case KILL_GUARD:
		nation_daemon_kill_role(&w->relay, ROLE_GUARD);
		return true;
	case KILL_FRONT:
		nation_daemon_kill_role(&w->relay, ROLE_FRONT);
		return true;
	case KILL_ALL:
		return kill_all(w) && start(w);
	case KILL_START:
		return kill_start(w, rng);
	case KILL_PURGE:
		return kill_purge(w, rng);
	case KILL_ENROL:
		return kill_enrol(w, rng);
	case KINDS:
		break;
	}
	return false;
}

/* What is left (by a crash, by a stop before the next housekeeping) is gone
 * after one more start. */
static bool check_stopped(struct world *w, bool again)
{
	if (!again)
		return kill_all(w) && start(w);
	nation_daemon_stop(&w->relay);
	if (!world_check_store(w))
		return false;
	if (w->left) {
		nation_daemon_start(&w->relay);
		nation_daemon_stop(&w->relay);
		if (!world_check_store(w))
			return false;
	}
	if (w->left)
		fprintf(stderr, "FAULT: a start has left %llu things behind\n",
			(unsigned long long)w->left);
	return w->left == 0 && start(w);
}

static bool play(struct world *w, unsigned round, enum kind kind,
		 struct rng *rng)
{
	bool fresh = round % FRESH_EVERY == FRESH_EVERY - 1;

	uint64_t t[5] = {nation_daemon_now_ms()};
	bool good;

	world_write(w);
	nation_daemon_sleep_ms(20 + rng_below(rng, WRITE_MS));
	good = crash(w, kind, rng);
	t[1] = nation_daemon_now_ms();
	if (good)
		world_settle(w);
	t[2] = nation_daemon_now_ms();
	good = good && world_check(w, fresh);
	t[3] = nation_daemon_now_ms();
	good = good && check_stopped(w, round % 3 == 2);
	t[4] = nation_daemon_now_ms();
	if (getenv("CRASH_TRACE"))
		printf("%u %s: crash %u ms, settle %u, check %u, store %u\n",
		       round, kind_names[kind], (unsigned)(t[1] - t[0]),
		       (unsigned)(t[2] - t[1]), (unsigned)(t[3] - t[2]),
		       (unsigned)(t[4] - t[3]));
	return good;
}

/* The first start, which makes ring and store, is cut short as well. */
static void first_starts(struct rng *rng)
{
	struct nation_daemon d;

	nation_daemon_new(&d, "GBR");
	for (unsigned i = 0; i < 5; i++) {
		nation_daemon_begin(&d);
		nation_daemon_sleep_ms(10 + rng_below(rng, 60));
		nation_daemon_kill(&d);
		nation_daemon_sleep_ms(20);
	}
	nation_daemon_start(&d);
	nation_daemon_stop(&d);
	nation_daemon_free(&d);
}

static size_t acknowledged(const struct world *w)
{
	size_t n = 0;

	for (unsigned i = 0; i < WORLD_WRITERS; i++)
		n += w->writers[i].acknowledged;
	return n;
}

static bool run(unsigned rounds, uint64_t seed)
{
	uint64_t began = nation_daemon_now_ms(), writes = 0, keys = 0, left = 0;
	static struct world w;
	struct rng rng = {seed};
	unsigned kinds[KINDS] = {0};
	bool good = true;

	for (unsigned i = 0; i < rounds && good; i++) {
		enum kind kind = choose(&rng);

		if (i % WORLD_ROUNDS == 0) {
			first_starts(&rng);
			world_new(&w, NULL, rng_next(&rng));
		}
		kinds[kind]++;
		good = play(&w, i, kind, &rng);
		if (!good) {
			printf("round %u (%s) of seed %llu did not hold; all "
			       "of it is kept in %s\n",
			       i, kind_names[kind], (unsigned long long)seed,
			       w.relay.base);
			setenv("ENTENTE_KEEP", "1", 1);
			break;
		}
		if (i % WORLD_ROUNDS == WORLD_ROUNDS - 1 || i + 1 == rounds) {
			writes += acknowledged(&w);
			keys += w.keys_checked;
			left = w.left_max > left ? w.left_max : left;
			world_free(&w);
		}
	}
	printf("%u rounds in %llu s: ", rounds,
	       (unsigned long long)(nation_daemon_now_ms() - began) / 1000);
	for (int k = 0; k < KINDS; k++)
		printf("%u %s, ", kinds[k], kind_names[k]);
	printf("%llu writes acknowledged and there, %llu records of keys and "
	       "writes, at most %llu left by a crash\n",
	       (unsigned long long)writes, (unsigned long long)keys,
	       (unsigned long long)left);
	return good;
}

int main(int argc, char **argv)
{
	bool power = argc > 1 && strcmp(argv[1], "power") == 0;
	unsigned rounds = power ? POWER_ROUNDS : ROUNDS;
	struct random random = system_random();
	uint64_t seed;

	argv += power;
	argc -= power;
	setvbuf(stdout, NULL, _IOLBF, 0);
	must(random_fill(&random, &seed, sizeof(seed)));
	if (argc > 1 && argv[1][0])
		rounds = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 10);
	printf("seed %llu\n", (unsigned long long)seed);
	return (power ? power_run(rounds, seed) : run(rounds, seed))
		       ? EXIT_SUCCESS
		       : EXIT_FAILURE;
}
