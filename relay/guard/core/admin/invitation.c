/* One-time tokens as operators hand them over. */
#include <stdio.h>

#include "relay/guard/core/admin/invitation.h"

struct err admin_invitation_seal(struct job *job, const uint8_t *secret,
				 struct token *token)
{
	struct buf sealed;
	struct err e;

	buf_init(&sealed, TOKEN_SECRET_MAX);
	e = ring_seal_secret(job->core->ring, SPAN_OBJ(token->id),
			     span_of(secret, ENROL_SECRET_LEN), &sealed);
	token->secret = arena_copy(&job->arena, buf_span(&sealed));
	buf_clear(&sealed);
	return failed(e) ? e : arena_check(&job->arena);
}

struct err admin_invitation_make(struct job *job, enum enrol_token_kind kind,
				 struct token *out, struct buf *text)
{
	struct core *core = job->core;
	const char *endpoint =
		kind == ENROL_DEVICE ? core->endpoint : core->peer_endpoint;
	struct enrol_token t = {.kind = kind, .nation = core->nation};
	struct err e = crypto_sha256(buf_span(&core->ca), &t.ca);

	if (!failed(e))
		e = crypto_sha256(buf_span(&core->root), &t.root);
	if (!failed(e))
		e = enrol_endpoint_check(span_str(endpoint));
	if (!failed(e))
		e = random_fill(&core->random, t.id, sizeof(t.id));
	if (!failed(e))
		e = random_fill(&core->random, t.secret, sizeof(t.secret));
	if (failed(e))
		goto out;
	snprintf(t.endpoint, sizeof(t.endpoint), "%s", endpoint);
	memcpy(out->id, t.id, sizeof(out->id));
	out->expires = core_now_s(core) + TOKEN_LIFE_S;
	e = admin_invitation_seal(job, t.secret, out);
	if (!failed(e)) {
		enrol_token_format(&t, text);
		e = buf_check(text);
	}
out:
	wipe(&t, sizeof(t));
	return e;
}
