/*
 * One verb of an interface as a row: who asks what, and what must hold of the
 * answer; and the rows run, while one call after the other fails.
 */
#ifndef TESTS_FAULTS_VERB_H
#define TESTS_FAULTS_VERB_H

#include "tests/faults/asking.h"

struct verb {
	const char *name;
	size_t who; /* offset of a struct forge in struct asking */
	const char *method, *target;
	bool is_signed;
	void (*make)(struct asked *a); /* the rest of the request; or NULL */
	/* What holds of every answer that is no refusal; or NULL. */
	void (*end)(struct asked *a);
	/* What changes before it is asked again; or NULL. */
	void (*again)(struct asked *a);
};

/* A row: a member of struct asking asks; further members as they are named. */
#define VERB(by, how, where, ...)                                              \
	{                                                                      \
		.name = #by ": " how " " where,                                \
		.who = offsetof(struct asking, by), .method = how,             \
		.target = where __VA_OPT__(, ) __VA_ARGS__                     \
	}

/* With FAULTS_ONLY in the environment: rows whose name has that text.  Ends
 * the test unless all went well. */
void verb_run(struct asking *s, const struct verb *verbs, size_t count);

/* A relay for the rows of a program: set up and torn down by cmocka. */
int verb_begin(void **state);
int verb_finish(void **state);

/* ---- what rows are made of ---- */

/* Appends to the target. */
void verb_add(struct asked *a, const char *text);
void verb_add_doc(struct asked *a, const struct forge_revision *r,
		  const char *rest);
void verb_field(struct asked *a, const char *name, const char *value);

void verb_of_plan(struct asked *a);
void verb_of_book(struct asked *a); /* its content */
void verb_of_book_range(struct asked *a);
void verb_of_label(struct asked *a);
void verb_of_author(struct asked *a);
void verb_keys_of_both(struct asked *a);
/* A grant for each: a failure inside must not become a refusal of a key. */
void verb_keys_are_granted(struct asked *a);
/* All rows, not those that could be decided. */
void verb_both_are_there(struct asked *a);
/* The content that was kept, to the byte. */
void verb_book_is_whole(struct asked *a);

#endif
