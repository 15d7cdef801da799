/*
 * Three nations, whole: what one releases reaches those it is released to and
 * nobody else, follows relabel, delete and recall, and survives a peer that
 * was down.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/daemon/pad.h"

#include <stdio.h>

enum { SOON_MS = 15 * 1000 };

static const char space[] = "GBR/ops";
static const char to_all[] = "restricted-rel-gbr-deu-fra";
static const char to_one[] = "restricted-rel-gbr";
static const char not_gbr[] = "restricted-rel-deu-fra";

static struct nation_daemon gbr, deu, fra;
static struct pad alice, dora, fleur;

static int start(void **state)
{
	nation_daemon_new(&gbr, "GBR");
	nation_daemon_new(&deu, "DEU");
	nation_daemon_new(&fra, "FRA");
	nation_daemon_start(&gbr);
	nation_daemon_start(&deu);
	nation_daemon_start(&fra);
	nation_daemon_peer(&gbr, &deu);
	nation_daemon_peer(&gbr, &fra);
	nation_daemon_peer(&deu, &fra);
	nation_daemon_subject(&gbr, "alice", "gbr-restricted", space);
	nation_daemon_subject(&deu, "dora", "deu-restricted", space);
	nation_daemon_subject(&fra, "fleur", "fra-restricted", space);
	pad_new(&alice, &gbr, "alice");
	pad_new(&dora, &deu, "dora");
	pad_new(&fleur, &fra, "fleur");
	must(pad_sync(&alice));
	must(pad_sync(&dora));
	must(pad_sync(&fleur));
	return 0;
}

static int stop(void **state)
{
	pad_free(&alice);
	pad_free(&dora);
	pad_free(&fleur);
	nation_daemon_free(&gbr);
	nation_daemon_free(&deu);
	nation_daemon_free(&fra);
	return 0;
}

static struct doc_id put_by(struct pad *p, const char *label, const char *text)
{
	struct doc_id id;

	must(pad_put(p, space, label, text, span_str(text), &id, NULL));
	return id;
}

/* After something that came later is seen by that device, what it does not
 * hold will not come. */
static void settle(void)
{
	struct doc_id mark = put_by(&alice, to_all, "mark");

	assert_true(pad_sees(&dora, mark, "mark", SOON_MS));
	assert_true(pad_sees(&fleur, mark, "mark", SOON_MS));
}

static void a_document_reaches_whom_it_is_released_to(void **state)
{
	struct doc_id all = put_by(&alice, to_all, "for all");
	struct doc_id one = put_by(&alice, to_one, "for us");
	struct doc_id two = put_by(&dora, not_gbr, "for two");

	assert_true(pad_sees(&dora, all, "for all", SOON_MS));
	assert_true(pad_sees(&fleur, all, "for all", SOON_MS));
	assert_true(pad_sees(&fleur, two, "for two", SOON_MS));
	assert_true(pad_sees(&alice, one, "for us", SOON_MS));
	settle();
	assert_int_equal(pad_heads(&dora, one), 0);
	assert_int_equal(pad_heads(&fleur, one), 0);
	must(pad_sync(&alice));
	assert_int_equal(pad_heads(&alice, two), 0);
}

static void what_becomes_of_it_follows(void **state)
{
	struct doc_id narrowed = put_by(&alice, to_all, "narrowed");
	struct doc_id deleted = put_by(&alice, to_all, "deleted");
	struct doc_id recalled = put_by(&alice, to_all, "recalled");
	struct doc_id widened = put_by(&alice, to_one, "widened");

	assert_true(pad_sees(&dora, recalled, "recalled", SOON_MS));
	assert_true(pad_sees(&fleur, recalled, "recalled", SOON_MS));
	must(pad_sync(&alice));
	must(pad_state(&alice, narrowed, STATEMENT_LABEL, to_one));
	must(pad_state(&alice, widened, STATEMENT_LABEL, to_all));
	must(pad_state(&alice, deleted, STATEMENT_DELETE, NULL));
	must(pad_state(&alice, recalled, STATEMENT_RECALL, NULL));
	assert_true(pad_sees(&dora, recalled, NULL, SOON_MS));
	assert_true(pad_sees(&fleur, recalled, NULL, SOON_MS));
	assert_true(pad_sees(&dora, deleted, NULL, SOON_MS));
	assert_true(pad_sees(&fleur, deleted, NULL, SOON_MS));
	assert_true(pad_sees(&dora, narrowed, NULL, SOON_MS));
	assert_true(pad_sees(&fleur, narrowed, NULL, SOON_MS));
	assert_true(pad_sees(&dora, widened, "widened", SOON_MS));
	assert_true(pad_sees(&fleur, widened, "widened", SOON_MS));
	assert_true(pad_sees(&alice, narrowed, "narrowed", SOON_MS));
}

static void stop_relay(struct nation_daemon *d, struct pad *p)
{
	nation_daemon_stop(d);
	pad_leave(p);
}

/* An edit elsewhere, made before the relabel was known there: it stands on
 * both labels, so it is seen only where both release it. */
static void an_edit_and_a_relabel_meet_in_either_order(void **state)
{
	struct doc_id id = put_by(&alice, to_all, "first");

	/* The edit first: known at home when the label changes. */
	assert_true(pad_sees(&dora, id, "first", SOON_MS));
	must(pad_edit(&dora, id, span_str("dora's"), NULL));
	assert_true(pad_sees(&alice, id, "dora's", SOON_MS));
	assert_true(pad_sees(&fleur, id, "dora's", SOON_MS));
	must(pad_state(&alice, id, STATEMENT_LABEL, to_one));
	assert_true(pad_sees(&fleur, id, NULL, SOON_MS));
	assert_true(pad_sees(&dora, id, NULL, SOON_MS));
	assert_true(pad_sees(&alice, id, "dora's", SOON_MS));

	/* The relabel first: DEU, cut off from the home, edits under the old
	 * one.  Only the home passes it on, so FRA never sees the edit. */
	id = put_by(&alice, to_all, "second");
	assert_true(pad_sees(&dora, id, "second", SOON_MS));
	assert_true(pad_sees(&fleur, id, "second", SOON_MS));
	stop_relay(&gbr, &alice);
	must(pad_edit(&dora, id, span_str("dora's too"), NULL));
	stop_relay(&deu, &dora);
	nation_daemon_start(&gbr);
	must(pad_sync(&alice));
	must(pad_state(&alice, id, STATEMENT_LABEL, to_one));
	assert_true(pad_sees(&fleur, id, NULL, SOON_MS));
	nation_daemon_start(&deu);
	assert_true(pad_sees(&dora, id, NULL, SOON_MS));
	/* At home both labels release it, and it is the edit that comes. */
	assert_true(pad_sees(&alice, id, "dora's too", SOON_MS));
	settle();
	assert_int_equal(pad_heads(&fleur, id), 0);
}

static void a_peer_that_was_down_gets_what_it_missed(void **state)
{
	struct doc_id before = put_by(&alice, to_all, "before");
	struct doc_id during, edited;

	assert_true(pad_sees(&fleur, before, "before", SOON_MS));
	nation_daemon_kill(&fra);
	pad_leave(&fleur);
	during = put_by(&alice, to_all, "during");
	edited = put_by(&dora, to_all, "edited");
	must(pad_sync(&alice));
	must(pad_state(&alice, before, STATEMENT_RECALL, NULL));
	assert_true(pad_sees(&dora, during, "during", SOON_MS));
	assert_true(pad_sees(&alice, edited, "edited", SOON_MS));
	must(pad_edit(&alice, edited, span_str("and again"), NULL));
	nation_daemon_start(&fra);
	assert_true(pad_sees(&fleur, during, "during", SOON_MS));
	assert_true(pad_sees(&fleur, edited, "and again", SOON_MS));
	assert_true(pad_sees(&fleur, before, NULL, SOON_MS));
	assert_true(pad_sees(&dora, edited, "and again", SOON_MS));
}

static void every_audit_is_whole(void **state)
{
	assert_true(nation_daemon_audit_is_sound(&gbr));
	assert_true(nation_daemon_audit_is_sound(&deu));
	assert_true(nation_daemon_audit_is_sound(&fra));
}

/* Over the wire too: within two minutes each relay's tick is countersigned. */
static void ticks_are_countersigned_by_peers(void **state)
{
	uint64_t until = nation_daemon_now_ms() + 150 * 1000;
	const struct nation_daemon *all[] = {&gbr, &deu, &fra};

	for (int i = 0; i < 3; i++) {
		struct buf said;
		bool seen = false;

		while (!seen && nation_daemon_now_ms() < until) {
			buf_init(&said, 1 << 20);
			assert_int_equal(nation_daemon_entente(
						 all[i], &said,
						 "tick list --json --folder @"),
					 0);
			seen = strstr(buf_cstr(&said), "\"witnessed\"");
			assert_null(strstr(buf_cstr(&said), "broken"));
			buf_clear(&said);
			nation_daemon_sleep_ms(1000);
		}
		assert_true(seen);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_reaches_whom_it_is_released_to),
		cmocka_unit_test(what_becomes_of_it_follows),
		cmocka_unit_test(an_edit_and_a_relabel_meet_in_either_order),
		cmocka_unit_test(a_peer_that_was_down_gets_what_it_missed),
		cmocka_unit_test(ticks_are_countersigned_by_peers),
		cmocka_unit_test(every_audit_is_whole),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, start, stop);
}
