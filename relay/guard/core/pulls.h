/*
 * The pulls of all peers: which is due, what it asks next, and taking in what
 * came.  Behind core_call_next and core_call_done.
 */
#ifndef RELAY_GUARD_CORE_PULLS_H
#define RELAY_GUARD_CORE_PULLS_H

#include "proto/exchange/ticks.h"
#include "relay/guard/core/state.h"

struct err pulls_open(struct core *core);
void pulls_close(struct core *core);
/* A peer is new, resumed, or an invitation is to be answered: look again. */
void pulls_wake(struct core *core);
/* A nation's cursor is complete to `seq`: what it has of ours. */
void pulls_told(struct core *core, struct nation nation, struct seq seq);
/* Documents whose edits have come home are withdrawn; the writer's thread. */
struct err pulls_withdraw(struct core *core);
/* What the peer last said of its ticks, judged. */
enum ticks_fault pulls_ticks_fault(struct core *core, struct nation nation);
/* True while a pull fetches content of that document. */
bool pulls_hold(struct core *core, struct doc_id doc);

#endif
