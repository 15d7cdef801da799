/* The asker's own signature on a request (RFC 9421), and its nonce. */
#include "proto/exchange/signature.h"
#include "relay/guard/core/state.h"

static struct err nonce_key(struct core *core, uint8_t out[NONCE_KEY_LEN])
{
	return ring_key_get(core->ring, RING_NONCE,
			    ring_key_generation(core->ring, RING_NONCE), out);
}

struct err proof_check(struct job *job)
{
	uint64_t now = core_now_s(job->core);
	uint8_t key[NONCE_KEY_LEN];
	struct signature signature;
	struct err e;

	if (!job->asker.sign)
		return err_make(ERR_UNAUTHENTICATED,
				"no certificate that is known here");
	e = signature_parse(&job->http, &signature);
	if (!failed(e))
		e = signature_created_check(&signature, now, CORE_SKEW_S);
	if (!failed(e))
		e = nonce_key(job->core, key);
	if (!failed(e))
		e = nonce_check(key, job->asker.key, now, &signature.nonce);
	if (!failed(e))
		e = signature_check(job->asker.sign, &job->http, &signature,
				    &job->proof);
	wipe(key, sizeof(key));
	if (failed(e))
		return e;
	job->is_signed = true;
	job->nonce_slot = nonce_slot(&signature.nonce);
	return ERR_NONE;
}

struct err proof_spend(struct job *job, struct txn *txn)
{
	struct err e = txn_put_new(txn, TABLE_NONCES,
				   key_nonce(job->nonce_slot, job->proof),
				   span_str(""));

	if (e.code == ERR_EXISTS)
		return err_make(ERR_NONCE, "this request was made before");
	return e;
}

void proof_offer(struct job *job)
{
	char text[NONCE_TEXT_LEN + 1];
	uint8_t key[NONCE_KEY_LEN];
	struct nonce nonce;
	struct err e;

	if (!job->asker.sign)
		return;
	e = nonce_key(job->core, key);
	if (!failed(e))
		e = nonce_make(key, job->asker.key, core_now_s(job->core),
			       &nonce);
	wipe(key, sizeof(key));
	if (failed(e))
		return;
	nonce_format(&nonce, text);
	answer_field(job, "entente-nonce", span_of(text, NONCE_TEXT_LEN));
}
