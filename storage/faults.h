/*
 * Rules that tests switch off, each in turn, to see that the histories find
 * it.  Compiled only into the tests that ask for it (-DENTENTE_FAULTS), never
 * into the library.
 */
#ifndef STORAGE_FAULTS_H
#define STORAGE_FAULTS_H
#ifdef ENTENTE_FAULTS

#include <stdbool.h>

/* name, and what it switches off. */
#define STORAGE_FAULTS(X)                                                      \
	/* rows of the feed */                                                 \
	X(row_shared, "every row of a write has a sequence of its own")        \
	X(row_stays, "a row that is replaced is removed in the same commit")   \
	X(gone_unwritten, "a shelf that is left gets a gone row")              \
	X(gone_passed, "a gone row is never passed over")                      \
	X(unsigned_waits, "gone is told, though what is there is not signed")  \
	X(gone_of_view, "a gone row is judged by the merge, not by the view")  \
	X(row_of_view, "a row is answered with what the merge holds")          \
	X(last_unraised, "`last` of a shelf rises with its rows")              \
	X(last_unloaded, "`last` of a shelf is loaded at a restart")           \
	/* the cursor */                                                       \
	X(incarnation_any, "a cursor of another incarnation is gone")          \
	X(reader_any, "a cursor is its reader's alone")                        \
	X(key_newest, "a cursor of the key before still opens")                \
	X(seq_runs, "S is the last row that was told")                         \
	X(hidden_moves, "S follows the view's rows, not every row there is")   \
	X(complete_early, "a view is complete when its fill is at the end")    \
	X(complete_is_view, "C is what was told, not what may be seen")        \
	X(target_lost, "the target of a fill is kept")                         \
	X(target_moves, "the target of a fill stays what it was")              \
	X(position_lost, "the position of a fill is kept")                     \
	X(fill_unbounded, "a fill ends where it began to be one")              \
	X(fill_too_late, "what went before a fill began is not told")          \
	X(fill_end_lost, "S is not below where a fill ended")                  \
	X(fill_sends_gone, "a fill sends neither gone nor deleted rows")       \
	X(page_empty, "a page has at least one row")                           \
	X(join_none, "a shelf made later joins without a fill")                \
	X(join_blind, "S never passes rows of a new shelf that is not seen")   \
	X(newest_ignored, "a new shelf that was answered is named")            \
	X(floor_unraised, "a dropped gone row raises its shelf's floor")       \
	X(floor_ignored, "a cursor below a floor refills that shelf")          \
	/* the ledger */                                                       \
	X(no_ledger, "forget is worked out from the ledger")                   \
	X(ledger_late, "the ledger is written before the answer leaves")       \
	X(answered_stays, "the ledger keeps the view last answered")           \
	X(loss_keeps, "a loss voids older cursors")                            \
	X(loss_uncompared, "losses since the cursor's number are told")        \
	X(loss_number_kept, "a forget said again takes a new number")          \
	X(loss_first_kept, "a shelf lost again has the later number")          \
	X(again_kept, "answered and not in the cursor: forgotten, then sent")  \
	X(fresh_unrecorded, "what a fresh start loses is lost to old cursors") \
	X(fresh_untold, "and is told at once")                                 \
	X(conflict_unseen, "a ledger that has moved is a conflict")            \
	X(told_all, "only losses up to the cursor's are confirmed")            \
	X(number_reused, "the number of a set names it for life")              \
	/* versions */                                                         \
	X(believe_context, "contexts count only with evidence")                \
	/* leaks */                                                            \
	X(merge_all, "a page merges the shelves of the view alone")            \
	X(hidden_counts, "rows out of sight do not count for a page")          \
	X(poll_wakes, "a poll is not answered for what is out of sight")       \
	X(exists_told, "what may not be seen is as what is not there")         \
	X(heads_told, "and so it stays, however often it is edited")           \
	X(length_told, "every cursor is as long as any other")

struct storage_faults {
#define STORAGE_FAULT_MEMBER(name, rule) bool name;
	STORAGE_FAULTS(STORAGE_FAULT_MEMBER)
#undef STORAGE_FAULT_MEMBER
};
extern struct storage_faults storage_faults;

#define FAULT(name) (storage_faults.name)
#else
#define FAULT(name) false
#endif
#endif
