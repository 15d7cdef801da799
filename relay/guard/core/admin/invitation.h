/*
 * One-time tokens as operators hand them over: made, sealed for the store,
 * written as the line of text.
 */
#ifndef RELAY_GUARD_CORE_ADMIN_INVITATION_H
#define RELAY_GUARD_CORE_ADMIN_INVITATION_H

#include "proto/exchange/enrol.h"
#include "relay/guard/core/state.h"
#include "storage/token.h"

/*
 * A fresh token: id, secret and expiry of `out`; `text` is the line that
 * holds the secret.  Wipe `text` when done.
 */
struct err admin_invitation_make(struct job *job, enum enrol_token_kind kind,
				 struct token *out, struct buf *text);
/* The secret of a token that came from elsewhere, sealed for the store under
 * the token's id. */
struct err admin_invitation_seal(struct job *job, const uint8_t *secret,
				 struct token *token);

#endif
