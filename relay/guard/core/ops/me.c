/* GET /v1/relay, /v1/me, /v1/policy, /v1/labels/{}, /v1/authors/{}. */
#include "proto/exchange/keys.h"
#include "proto/exchange/me.h"
#include "proto/exchange/signature.h"
#include "proto/exchange/write.h"
#include "proto/label/marking.h"
#include "proto/document/author.h"
#include "relay/guard/core/ops/ops.h"
#include "storage/author_store.h"

enum { READERS = ASKER_DEVICE | ASKER_NATION };

static struct err relay_check(struct job *job)
{
	struct core *core = job->core;
	struct me_relay relay = {
		.nation = core->nation,
		.replica = core->replica,
		.ceiling = span_str(core->ceiling),
		.certificate = buf_span(&core->certificate),
		.root = buf_span(&core->root),
		.policy = policing_digest(job->policing),
		.limits = {CORE_INLINE_MAX, KEYS_MAX, FEED_ROWS_MAX, 262144,
			   WRITE_BODY_MAX},
		.time = core_now_s(core),
	};

	me_relay_encode(&relay, &job->body);
	answer_json(job, 200);
	return buf_check(&job->body);
}

static struct err me_check(struct job *job)
{
	struct asker *a = &job->asker;
	struct me_answer me = {.nation = job->core->nation};
	uint8_t key[NONCE_KEY_LEN];
	struct err e;

	me.reader.device = a->kind == ASKER_DEVICE;
	if (me.reader.device) {
		me.reader.key = a->device.author;
		me.subject = a->subject.name;
		me.rights = a->subject.rights;
		me.spaces = a->subject.spaces;
		me.spaces_count = a->subject.space_count;
	} else {
		me.reader.nation = a->name.nation;
	}
	e = ring_key_get(job->core->ring, RING_NONCE,
			 ring_key_generation(job->core->ring, RING_NONCE), key);
	if (!failed(e))
		e = nonce_make(key, a->key, core_now_s(job->core), &me.nonce);
	wipe(key, sizeof(key));
	if (failed(e))
		return e;
	me_answer_encode(&me, &job->body);
	answer_json(job, 200);
	return buf_check(&job->body);
}

struct err ops_page_sign(struct job *job, const uint8_t ask[PAGE_ASK_LEN],
			 struct span since)
{
	struct page_signature signature;
	struct page_facts facts = {
		.replica = job->core->replica,
		.since = since,
		.body = buf_span(&job->body),
		.policy = policing_digest(job->policing),
		.time = core_now_s(job->core),
	};
	struct buf field;
	struct err e;

	buf_init(&field, 256);
	cursor_reader_bytes(&job->asker.name, facts.reader);

	memcpy(facts.ask, ask, PAGE_ASK_LEN);
	e = page_sign(job->core->request_key, &facts, &signature);
	if (!failed(e)) {
		page_format(&signature, &field);
		answer_field(job, "entente-page", buf_span(&field));
		e = buf_check(&field);
	}
	buf_clear(&field);
	return e;
}

static struct err policy_check(struct job *job)
{
	static const char *const names[] = {"ask", NULL};
	const struct policy *policy = policing_policy(job->policing);
	struct span files[POLICY_FILES_MAX];
	struct me_policy answer = {
		.ceiling = span_str(job->core->ceiling),
		.digest = policing_digest(job->policing),
		.files = files,
		.files_count = policy_file_count(policy),
	};
	uint8_t ask[PAGE_ASK_LEN];
	struct err e = http_query_only(&job->query, names);

	if (!failed(e))
		e = http_query_fixed(&job->query, "ask", ask, sizeof(ask));
	if (failed(e))
		return e;
	for (size_t i = 0; i < answer.files_count; i++)
		files[i] = policy_file(policy, i);
	me_policy_encode(&answer, &job->body);
	e = buf_check(&job->body);
	if (!failed(e))
		e = ops_page_sign(job, ask, span_str(""));
	if (!failed(e))
		answer_json(job, 200);
	return e;
}

static struct err label_answer(struct job *job, struct txn *txn,
			       struct digest digest)
{
	const struct policy *policy = policing_policy(job->policing);
	struct me_marking markings[POLICY_LANG_MAX];
	const struct policing_label *label = NULL;
	struct me_label answer = {.digest = digest, .markings = markings};
	struct err e = policing_label(job->policing, txn, digest, &label);

	for (size_t i = 0; !failed(e) && i < policy_lang_count(policy); i++) {
		const char *lang = policy_lang(policy, i);
		struct buf text;

		buf_init(&text, MARKING_MAX);
		if (!failed(marking_of(policy, label->label, lang, &text)))
			markings[answer.markings_count++] =
				(struct me_marking){span_str(lang),
						    arena_copy(&job->arena,
							       buf_span(
								       &text))};
		buf_clear(&text);
	}
	if (failed(e))
		return e;
	answer.label = label_bytes(label->label);
	answer.color = span_str(marking_color(policy, label->label));
	me_label_encode(&answer, &job->body);
	answer_json(job, 200);
	return buf_check(&job->body);
}

static struct err labels_check(struct job *job)
{
	struct txn *txn = NULL;
	struct view *view = NULL;
	struct digest digest;
	struct err e = digest_parse(job->path.at[2], &digest);

	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = policing_view(job->policing, job->reader, txn, &view);
	if (!failed(e) && !view_has_label(view, job->core->shelves, digest))
		e = err_make(ERR_NOT_FOUND, "no such label in the view");
	if (!failed(e))
		e = label_answer(job, txn, digest);
	view_free(view);
	txn_abort(&txn);
	return e;
}

/*
 * An author record names a key and its nation, no document; it is given to
 * every reader of this relay.  (The design gives it only for authors of
 * documents in view: that would take an index by author, for a name that the
 * manifest shows as well.)
 */
static struct err authors_check(struct job *job)
{
	const struct replica_certificate *certificate = NULL;
	struct author_record *record = NULL;
	struct me_author answer = {0};
	struct txn *txn = NULL;
	struct key_id author;
	struct err e = key_id_parse(job->path.at[2], &author);

	if (!failed(e))
		e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = author_store_get(txn, author, &answer.author);
	if (!failed(e))
		e = author_decode(answer.author, &record);
	if (!failed(e))
		e = trust_certificate(job->core->trust, txn, record->replica,
				      &certificate);
	if (!failed(e)) {
		answer.certificate = certificate->blob;
		me_author_encode(&answer, &job->body);
		answer_json(job, 200);
		e = buf_check(&job->body);
	}
	author_free(record);
	txn_abort(&txn);
	return e;
}

const struct operation op_relay = {
	.name = "relay.get",
	.method = "GET",
	.path = "/v1/relay",
	.held = true,
	.listeners = 1u << CORE_DEVICE | 1u << CORE_PEER,
	.askers = READERS,
	.check = relay_check,
};
const struct operation op_me = {
	.name = "me.get",
	.method = "GET",
	.path = "/v1/me",
	.held = true,
	.listeners = 1u << CORE_DEVICE | 1u << CORE_PEER,
	.askers = READERS,
	.check = me_check,
};
const struct operation op_policy = {
	.name = "policy.get",
	.method = "GET",
	.path = "/v1/policy",
	.listeners = 1u << CORE_DEVICE | 1u << CORE_PEER,
	.askers = READERS,
	.check = policy_check,
};
const struct operation op_label = {
	.name = "label.get",
	.method = "GET",
	.path = "/v1/labels/{}",
	.listeners = 1u << CORE_DEVICE | 1u << CORE_PEER,
	.askers = READERS,
	.check = labels_check,
};
const struct operation op_author = {
	.name = "author.get",
	.method = "GET",
	.path = "/v1/authors/{}",
	.listeners = 1u << CORE_DEVICE | 1u << CORE_PEER,
	.askers = READERS,
	.check = authors_check,
};
