/*
 * Text that operators see or send.
 */
#ifndef RELAY_GUARD_CORE_ADMIN_TEXT_H
#define RELAY_GUARD_CORE_ADMIN_TEXT_H

#include "proto/base/json.h"

/* True for well-formed UTF-8 without surrogates (RFC 3629). */
bool admin_text_valid(struct span text);
/* A member; bytes that are no UTF-8 (names cut short in a record) become
 * '?'. */
void admin_text_member(struct json_writer *w, const char *name,
		       struct span text);

#endif
