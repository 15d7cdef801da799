/*
 * Ticks between three relays in memory: made, chained, countersigned; and what
 * becomes of a relay that goes back, stands still, has two faces, or finds an
 * old disk in its machine.  What is kept against it convinces somebody who was
 * not there.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/guard/core/pulls.h"
#include "relay/guard/core/ticking.h"
#include "tests/guard/world.h"

enum { ALL = SUBJECT_WRITE | SUBJECT_LABEL | SUBJECT_DELETE | SUBJECT_RECALL };

struct story {
	struct world w;
	struct world_relay *gbr, *deu, *fra;
	struct world_device *alice;
	struct buf profile[3], label;
	struct arena arena;
};

static const char *const spaces[] = {"GBR/ops"};

static int begin(void **state)
{
	struct story *s = calloc(1, sizeof(*s));
	struct world *w = &s->w;

	world_new(w, 11);
	arena_init(&s->arena, 64 << 20);
	world_file("docs/policy/clearances/gbr-restricted.xml", &s->profile[0]);
	world_file("docs/policy/clearances/deu-restricted.xml", &s->profile[1]);
	world_file("docs/policy/clearances/fra-restricted.xml", &s->profile[2]);
	world_file("docs/policy/labels/restricted-rel-gbr-deu-fra.xml",
		   &s->label);
	s->gbr = world_relay(w, "GBR");
	s->deu = world_relay(w, "DEU");
	s->fra = world_relay(w, "FRA");
	world_subject(w, s->gbr, "alice", buf_span(&s->profile[0]), ALL, spaces,
		      1);
	s->alice = world_device(w, s->gbr, "alice");
	world_peer(w, s->gbr, buf_span(&s->profile[0]), s->deu,
		   buf_span(&s->profile[1]));
	world_peer(w, s->gbr, buf_span(&s->profile[0]), s->fra,
		   buf_span(&s->profile[2]));
	world_peer(w, s->deu, buf_span(&s->profile[1]), s->fra,
		   buf_span(&s->profile[2]));
	*state = s;
	return 0;
}

static int end(void **state)
{
	struct story *s = *state;

	world_free(&s->w);
	for (int i = 0; i < 3; i++)
		buf_clear(&s->profile[i]);
	buf_clear(&s->label);
	arena_clear(&s->arena);
	free(s);
	return 0;
}

/* A minute passes: whoever is up and not `still` makes its tick. */
static void minute(struct story *s, struct world_relay *still)
{
	testclock_forward(&s->w.time, 61000);
	if (still)
		still->still = true;
	world_pump(&s->w);
	if (still)
		still->still = false;
}

static struct err write_something(struct story *s)
{
	struct doc_id id;

	return world_put(&s->w, s->alice, "GBR/ops", buf_span(&s->label), "t",
			 span_str("content"), &id);
}

static bool last_of(struct story *s, struct world_relay *at,
		    struct world_relay *of, struct tick_row *out)
{
	struct txn *txn = NULL;
	struct err e;

	world_must(txn_begin_read(at->core->store, STORE_RECORDS, &txn));
	e = tick_last(txn, of->core->replica, &s->arena, out);
	txn_abort(&txn);
	return !failed(e);
}

/* The evidence that `at` keeps against a replica, in order. */
static bool evidence_next(struct story *s, struct world_relay *at,
			  struct replica of, struct digest *name,
			  struct tick_row *row)
{
	struct txn *txn = NULL;
	struct err e;

	world_must(txn_begin_read(at->core->store, STORE_RECORDS, &txn));
	e = tick_break_next(txn, of, &s->arena, name, row);
	txn_abort(&txn);
	return !failed(e);
}

/* What it proves to a stranger; and nothing, once a bit of it is turned. */
static bool proves(struct story *s, struct world_relay *at, struct replica of,
		   enum ticks_fault want)
{
	struct digest name = {0};
	struct tick_row row = {0};
	bool found = false;

	while (evidence_next(s, at, of, &name, &row)) {
		struct ticks_evidence v;
		enum ticks_fault fault;
		struct replica accused;
		struct tick known;
		uint64_t when;

		world_must(ticks_evidence_decode(row.blob, &s->arena, &v));
		world_must(ticks_evidence_check(&v, &s->arena, &accused, &when,
						&fault));
		assert_true(replica_eq(accused, of));
		assert_int_equal(when, row.minute);
		found = found || fault == want;
		world_must(tick_decode(v.known, &known));
		((uint8_t *)v.known.at)[40] ^= 1;
		assert_true(failed(ticks_evidence_check(&v, &s->arena, &accused,
							&when, &fault)));
	}
	return found;
}

static bool accused(struct story *s, struct world_relay *at,
		    struct world_relay *of)
{
	struct txn *txn = NULL;
	bool any;

	world_must(txn_begin_read(at->core->store, STORE_RECORDS, &txn));
	world_must(ticking_has_breaks(txn, of->core->replica, &any));
	txn_abort(&txn);
	return any;
}

static void shell(const char *format, const char *a, const char *b)
{
	char command[512];

	snprintf(command, sizeof(command), format, a, b);
	assert_int_equal(system(command), 0);
}

/* The relay's disk as it is now; and put back later. */
static void keep_disk(struct story *s, struct world_relay *r)
{
	world_close(&s->w, r);
	shell("rm -rf '%1$s.old' && cp -a '%2$s' '%1$s.old'", r->folder,
	      r->folder);
	world_open(&s->w, r);
}

static void put_disk_back(struct story *s, struct world_relay *r)
{
	world_close(&s->w, r);
	shell("rm -rf '%1$s' && cp -a '%2$s.old' '%1$s'", r->folder, r->folder);
	world_open(&s->w, r);
}

/* ---- */

static void ticks_are_chained_and_countersigned(void **state)
{
	struct story *s = *state;
	struct tick_row own, theirs;
	struct witness w;
	struct tick tick;

	minute(s, NULL);
	world_must(write_something(s));
	for (int i = 0; i < 3; i++)
		minute(s, NULL);
	assert_true(last_of(s, s->gbr, s->gbr, &own));
	assert_true(last_of(s, s->deu, s->gbr, &theirs));
	assert_true(span_eq(own.blob, theirs.blob));
	assert_true(own.own);
	assert_true(own.audit > 0);
	assert_int_equal(own.witness_count, 2);
	for (size_t i = 0; i < own.witness_count; i++) {
		struct digest digest;

		world_must(witness_decode(own.witnesses[i], &w));
		world_must(tick_decode(own.blob, &tick));
		world_must(tick_digest(&tick, &digest));
		assert_true(digest_eq(digest, w.tick));
	}
	assert_false(accused(s, s->deu, s->gbr));
	assert_false(accused(s, s->fra, s->gbr));
	assert_int_equal(pulls_ticks_fault(s->deu->core, s->gbr->nation),
			 TICKS_SOUND);
}

/* The group that sealed a document lies under one of the ticks. */
static void a_group_is_proved_under_its_tick(void **state)
{
	struct story *s = *state;
	uint8_t signature[GROUP_SIG_LEN];
	struct digest roots[64], root;
	struct tick_row row = {0};
	struct tick_path path;
	struct txn *txn = NULL;
	struct tick tick;
	size_t count = 0;

	minute(s, NULL);
	world_must(write_something(s));
	minute(s, NULL);
	world_must(txn_begin_read(s->gbr->core->store, STORE_RECORDS, &txn));
	for (uint64_t after = 0; !count; after = row.minute) {
		world_must(tick_next(txn, s->gbr->core->replica, after,
				     &s->arena, &row));
		for (uint64_t g = row.group_first; g <= row.group_last; g++)
			world_must(group_signature(txn, g, &roots[count++],
						   signature));
	}
	txn_abort(&txn);
	world_must(tick_groups_root(row.secret, roots, count, &root, 0, &path));
	world_must(tick_decode(row.blob, &tick));
	assert_true(digest_eq(root, tick.groups));
	world_must(tick_check_path(&tick, roots[0], &path));
	roots[0].at[0] ^= 1;
	assert_int_equal(tick_check_path(&tick, roots[0], &path).code,
			 ERR_DIGEST);
}

static void a_relay_that_goes_back_is_convicted(void **state)
{
	struct story *s = *state;

	minute(s, NULL);
	minute(s, NULL);
	keep_disk(s, s->gbr);
	minute(s, NULL);
	minute(s, NULL);
	put_disk_back(s, s->gbr);
	/* It hears nothing from outside; DEU hears it. */
	s->deu->hidden = s->fra->hidden = true;
	minute(s, s->gbr);
	assert_int_equal(pulls_ticks_fault(s->deu->core, s->gbr->nation),
			 TICKS_ROLLED_BACK);
	assert_true(
		proves(s, s->deu, s->gbr->core->replica, TICKS_ROLLED_BACK));
	/* And it goes on as if nothing had been. */
	minute(s, NULL);
	assert_int_equal(pulls_ticks_fault(s->deu->core, s->gbr->nation),
			 TICKS_BROKEN);
	assert_true(proves(s, s->deu, s->gbr->core->replica, TICKS_BROKEN));
	assert_false(accused(s, s->deu, s->fra));
}

static void a_relay_with_an_old_disk_stops_by_itself(void **state)
{
	struct story *s = *state;
	struct world_request request =
		{.listener = CORE_PEER,
		 .certificate = buf_span(&s->deu->certificate),
		 .method = "GET",
		 .target = "/v1/changes?ask=AAECAwQFBgcICQoLDA0ODw"};
	struct world_answer answer;
	struct tick_row before, after;

	minute(s, NULL);
	keep_disk(s, s->gbr);
	minute(s, NULL);
	minute(s, NULL);
	put_disk_back(s, s->gbr);
	minute(s, s->gbr);
	assert_true(atomic_load(&s->gbr->core->put_back));
	assert_true(last_of(s, s->gbr, s->gbr, &before));
	/* It stays so, also after a restart; no tick, no write. */
	world_close(&s->w, s->gbr);
	world_open(&s->w, s->gbr);
	minute(s, NULL);
	assert_true(last_of(s, s->gbr, s->gbr, &after));
	assert_int_equal(before.minute, after.minute);
	world_ask(&s->w, s->gbr, &request, &answer);
	assert_int_equal(answer.status, 503);
	assert_non_null(strstr(buf_cstr(&answer.body), "put-back"));
	world_answer_clear(&answer);
	assert_false(atomic_load(&s->deu->core->put_back));
}

static void a_relay_that_stands_still_is_seen_and_forgiven(void **state)
{
	struct story *s = *state;

	minute(s, NULL);
	minute(s, NULL);
	for (int i = 0; i < TICKS_FROZEN_MIN + 2; i++)
		minute(s, s->gbr);
	assert_int_equal(pulls_ticks_fault(s->deu->core, s->gbr->nation),
			 TICKS_FROZEN);
	assert_true(proves(s, s->deu, s->gbr->core->replica, TICKS_FROZEN));
	minute(s, NULL);
	minute(s, NULL);
	assert_int_equal(pulls_ticks_fault(s->deu->core, s->gbr->nation),
			 TICKS_SOUND);
}

static void two_faces_are_found_when_their_beholders_meet(void **state)
{
	struct story *s = *state;
	struct tick_row at_deu, at_fra;

	minute(s, NULL);
	minute(s, NULL);
	keep_disk(s, s->gbr);
	/* One face to DEU, with FRA away; another of the same minute to FRA,
	 * with DEU away.  Neither tells GBR what it saw. */
	world_close(&s->w, s->fra);
	s->deu->hidden = true;
	minute(s, NULL);
	world_pump(&s->w);
	world_close(&s->w, s->deu);
	put_disk_back(s, s->gbr);
	core_tick(s->gbr->core);
	world_open(&s->w, s->fra);
	s->fra->hidden = true;
	world_pump(&s->w);
	world_close(&s->w, s->gbr);
	world_open(&s->w, s->deu);
	s->fra->hidden = s->deu->hidden = false;
	world_open(&s->w, s->gbr); /* for its number alone */
	s->gbr->cut = true;
	assert_true(last_of(s, s->deu, s->gbr, &at_deu));
	assert_true(last_of(s, s->fra, s->gbr, &at_fra));
	assert_int_equal(at_deu.minute, at_fra.minute);
	assert_false(span_eq(at_deu.blob, at_fra.blob));
	minute(s, s->gbr);
	assert_true(proves(s, s->deu, s->gbr->core->replica, TICKS_TWO_FACES) ||
		    proves(s, s->fra, s->gbr->core->replica, TICKS_TWO_FACES));
	assert_false(accused(s, s->deu, s->fra));
	assert_false(accused(s, s->fra, s->deu));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(ticks_are_chained_and_countersigned),
		T(a_group_is_proved_under_its_tick),
		T(a_relay_that_goes_back_is_convicted),
		T(a_relay_with_an_old_disk_stops_by_itself),
		T(a_relay_that_stands_still_is_seen_and_forgiven),
		T(two_faces_are_found_when_their_beholders_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
