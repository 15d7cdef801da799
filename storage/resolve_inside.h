/*
 * Parts of resolve: versions of heads, and what each head stands under.
 */
#ifndef STORAGE_RESOLVE_INSIDE_H
#define STORAGE_RESOLVE_INSIDE_H

#include "storage/resolve.h"

/* In head->shelf until document_apply gives the number. */
#define RESOLVE_SHELF_WANTED UINT32_MAX

/* The i-th seal of a head as the rules of versions see it; contexts live in
 * the arena. */
struct err resolve_version_of(const struct document_head *head, size_t seal,
			      struct arena *arena, struct version *out);

/* Whether one of the seals of `a` falls because of one of the seals of
 * `by`. */
struct err resolve_falls(const struct document_head *a,
			 const struct document_head *by, struct arena *arena,
			 bool *out);

/* Dot, context, evidence of a new head of ours over those of its parents that
 * are heads of `old` and that `sees` shows. */
struct err resolve_make_version(const struct document *old,
				const struct view *sees, struct replica replica,
				struct document_head *head,
				struct arena *arena);

/* Raise the counter kept for the dot's replica; false at the cap. */
bool resolve_count_dot(struct document *doc, struct dot dot);

/* Add a number to a rising list; false at its cap. */
bool resolve_add_number(uint64_t *list, uint8_t *count, size_t max,
			uint64_t number);

/* The highest label statement made over this revision; 0 if none was. */
uint64_t resolve_listed(const struct document *doc, struct digest digest);

/* State of the document, and for each head its statements and whether it
 * wants a shelf; the winner comes first. */
void resolve_stand(struct document *doc);

/* An array of `count` and room for `more`, copied; NULL at the cap. */
void *resolve_copy(struct arena *arena, const void *from, size_t count,
		   size_t more, size_t size);

#endif
