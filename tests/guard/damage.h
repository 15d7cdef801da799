/*
 * Damage with a good MAC: rows of a guard's store that are changed, dropped
 * or put, each with a MAC of its own, as a fault of the code would leave
 * them; and put back.
 */
#ifndef TESTS_GUARD_DAMAGE_H
#define TESTS_GUARD_DAMAGE_H

#include "relay/guard/core/state.h"
#include "storage/document_internal.h"
#include "storage/store_check.h"

enum { DAMAGE_MAX = 8, DAMAGE_SAID_MAX = 64 };

struct damage {
	struct core *core;
	size_t count;
	struct {
		enum table table;
		struct key key;
		bool was; /* there was such a row: `value` */
		struct buf value;
	} before[DAMAGE_MAX];
};

void damage_put(struct damage *d, enum table table, struct key key,
		struct span value);
void damage_del(struct damage *d, enum table table, struct key key);
/* Flips a bit of the value's byte `at` (from its end, if negative). */
void damage_flip(struct damage *d, enum table table, struct key key, int at);
/* The first row whose key begins so. */
struct key damage_first(struct core *core, enum table table, struct key prefix);
/* Writes a document that `change` has changed. */
void damage_document(struct damage *d, struct doc_id id,
		     void (*change)(struct document *doc));
/* Everything as it was. */
void damage_undo(struct damage *d);

/* What a check says of the store now. */
struct damage_said {
	struct store_check found;
	size_t count;
	struct {
		enum store_check_grade grade;
		enum table table;
		const char *what;
	} at[DAMAGE_SAID_MAX];
};
struct damage_said damage_look(struct core *core);
/* Whether it said that, of that table. */
bool damage_says(const struct damage_said *said, enum table table,
		 const char *what);

#endif
