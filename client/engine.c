/* The sync machine: tasks, requests, answers, events. */
#include "client/engine.h"

#include "client/engine_task.h"
#include "proto/exchange/keys.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- open and close ---- */

static struct err load_identity(struct engine *e)
{
	struct err err = identity_load(e->folder, e->folder_key, &e->identity);

	if (err.code == ERR_NOT_FOUND)
		return ERR_NONE;
	if (!failed(err))
		err = crypto_public_from_spki(buf_span(&e->identity.root),
					      &e->root);
	if (!failed(err))
		err = replica_decode(buf_span(&e->identity.replica),
				     &e->replica);
	e->enrolled = !failed(err);
	return err;
}

struct err engine_open(const struct engine_config *config, struct engine **out)
{
	struct engine *e = calloc(1, sizeof(*e));
	char path[FILES_PATH_MAX];
	struct err err;

	if (!e)
		return err_make(ERR_NO_MEMORY, "the engine");
	e->clock = config->clock;
	e->random = config->random;
	identity_init(&e->identity);
	arena_init(&e->problem, 2 * PROBLEM_MAX);
	snprintf(e->folder, sizeof(e->folder), "%s", config->folder);
	err = files_path(e->folder, "content", path);
	if (!failed(err))
		err = files_make_folder(path);
	if (!failed(err))
		err = identity_folder_key(e->folder, config->passphrase,
					  &e->random, e->folder_key);
	if (!failed(err))
		err = journal_open(e->folder, e->folder_key, &e->random,
				   config->no_sync, &e->journal);
	if (!failed(err))
		err = load_identity(e);
	if (failed(err))
		engine_close(e);
	else
		*out = e;
	return err;
}

static void call_clear(struct task *t)
{
	buf_wipe(&t->target);
	buf_wipe(&t->body);
	for (size_t i = 0; i < ENGINE_FIELDS_MAX; i++)
		buf_clear(&t->values[i]);
	signature_fields_clear(&t->signature);
}

static void task_free(struct task *t)
{
	if (t->kind->clear)
		t->kind->clear(t);
	call_clear(t);
	buf_clear(&t->since);
	arena_clear(&t->arena);
	free(t->authors);
	free(t->wants);
	free(t);
}

void engine_close(struct engine *e)
{
	if (!e)
		return;
	while (e->tasks) {
		struct task *t = e->tasks;

		e->tasks = t->next;
		task_free(t);
	}
	journal_close(e->journal);
	identity_clear(&e->identity);
	wrapped_sender_free(e->sender);
	replica_free(e->replica);
	crypto_public_free(e->root);
	arena_clear(&e->problem);
	free(e->events);
	wipe(e, sizeof(*e));
	free(e);
}

bool engine_enrolled(const struct engine *e)
{
	return e->enrolled;
}

const struct identity *engine_identity(const struct engine *e)
{
	return &e->identity;
}

const struct journal *engine_journal(const struct engine *e)
{
	return e->journal;
}

struct journal *engine_journal_change(struct engine *e)
{
	return e->journal;
}

struct engine_trust engine_trust(const struct engine *e)
{
	if (!e->enrolled)
		return (struct engine_trust){
			.endpoint = e->enrolling ? e->token.endpoint : "",
			.ca_digest = e->token.ca,
		};
	return (struct engine_trust){
		.endpoint = e->identity.endpoint,
		.ca = buf_span(&e->identity.ca),
		.certificate = buf_span(&e->identity.certificate),
		.key = e->identity.tls,
	};
}

/* ---- tasks and events ---- */

struct err engine_task_new(struct engine *e, const struct task_kind *kind,
			   struct task **out)
{
	struct task *t = calloc(1, sizeof(*t));
	struct task **end = &e->tasks;

	if (!t)
		return err_make(ERR_NO_MEMORY, "a task");
	t->kind = kind;
	t->id = ++e->task_count;
	arena_init(&t->arena, CHANGES_ARENA_MAX);
	buf_init(&t->since, CHANGES_CURSOR_MAX);
	signature_fields_init(&t->signature);
	while (*end)
		end = &(*end)->next;
	*end = t;
	*out = t;
	return ERR_NONE;
}

void engine_tell(struct engine *e, const struct engine_event *event)
{
	struct engine_event *more;

	/* A listing tells as much: only ends must not be lost. */
	if (e->events_count - e->events_at >= ENGINE_EVENTS_MAX &&
	    event->kind != ENGINE_DONE && event->kind != ENGINE_FAILED)
		return;
	more = realloc(e->events, (e->events_count + 1) * sizeof(*more));
	if (!more)
		return;
	e->events = more;
	e->events[e->events_count++] = *event;
}

void engine_task_done(struct engine *e, struct task *t, struct digest digest,
		      struct dot dot)
{
	t->over = true;
	engine_tell(e, &(struct engine_event){
			       .kind = ENGINE_DONE,
			       .task = t->id,
			       .document = t->document,
			       .digest = digest,
			       .dot = dot,
		       });
}

void engine_task_fail(struct engine *e, struct task *t, struct err why)
{
	t->over = true;
	engine_tell(e, &(struct engine_event){
			       .kind = ENGINE_FAILED,
			       .task = t->id,
			       .document = t->document,
			       .digest = t->digest,
			       .why = why,
		       });
}

void engine_task_refused(struct engine *e, struct task *t,
			 const struct http_response *r)
{
	struct err why = problem_error(r->body, r->status);
	struct problem words = {0};
	struct engine_event event = {
		.kind = ENGINE_FAILED,
		.task = t->id,
		.document = t->document,
		.digest = t->digest,
		.why = why,
	};

	if (e->events_at == e->events_count) {
		arena_clear(&e->problem);
		arena_init(&e->problem, 2 * PROBLEM_MAX);
	}
	if (!failed(problem_parse(r->body, r->status, &e->problem, &words))) {
		event.detail = words.detail;
		event.mend = words.mend;
		event.reference = words.reference;
	}
	t->over = true;
	engine_tell(e, &event);
}

bool engine_event(struct engine *e, struct engine_event *out)
{
	if (e->events_at == e->events_count) {
		e->events_at = e->events_count = 0;
		return false;
	}
	*out = e->events[e->events_at++];
	out->detail = out->detail ? out->detail : "";
	out->mend = out->mend ? out->mend : "";
	out->reference = out->reference ? out->reference : "";
	return true;
}

bool engine_busy(const struct engine *e)
{
	for (const struct task *t = e->tasks; t; t = t->next)
		if (!t->over || t->in_hand)
			return true;
	return false;
}

/* Tasks that are over and whose answer is not awaited go. */
static void reap(struct engine *e)
{
	struct task **at = &e->tasks;

	while (*at) {
		struct task *t = *at;

		if (t->over && !t->in_hand) {
			*at = t->next;
			task_free(t);
		} else {
			at = &t->next;
		}
	}
}

/* ---- requests ---- */

void engine_call_begin(struct task *t, const char *method)
{
	call_clear(t);
	snprintf(t->method, sizeof(t->method), "%s", method);
	buf_init(&t->target, 4096);
	buf_init(&t->body, ENGINE_PIECE + 65536);
	signature_fields_init(&t->signature);
	t->call = (struct engine_call){0};
	t->is_signed = false;
}

void engine_call_field(struct task *t, const char *name, struct span value)
{
	size_t i = t->call.fields_count++;

	buf_init(&t->values[i], 1024);
	buf_put(&t->values[i], value);
	t->fields[i] =
		(struct http_field){span_str(name), buf_span(&t->values[i])};
}

static struct err sign(struct engine *e, struct task *t)
{
	struct http_request request = {
		.method = http_method_parse(span_str(t->method)),
		.authority = span_str(e->identity.endpoint),
		.body = buf_span(&t->body),
	};
	struct err err = http_target_split(buf_span(&t->target), &request.path,
					   &request.query);

	if (!failed(err))
		err = signature_sign(e->identity.author, &request, &e->nonce,
				     clock_s(&e->clock), &t->signature);
	e->has_nonce = false; /* it counts once */
	if (failed(err))
		return err;
	engine_call_field(t, "signature-input", buf_span(&t->signature.input));
	engine_call_field(t, "signature", buf_span(&t->signature.signature));
	engine_call_field(t, "content-digest", buf_span(&t->signature.digest));
	return ERR_NONE;
}

void engine_call_ready(struct engine *e, struct task *t, size_t answer_max,
		       bool is_signed)
{
	struct err err = buf_check(&t->target);

	if (!failed(err))
		err = buf_check(&t->body);
	t->is_signed = is_signed;
	t->had_nonce = is_signed && e->has_nonce;
	/* Without a nonce it goes unsigned, and the refusal brings one. */
	if (!failed(err) && t->had_nonce)
		err = sign(e, t);
	if (failed(err)) {
		engine_task_fail(e, t, err);
		return;
	}
	t->call.id = t->id;
	t->call.method = span_str(t->method);
	t->call.target = buf_span(&t->target);
	t->call.body = buf_span(&t->body);
	t->call.fields = t->fields;
	t->call.answer_max = answer_max;
	t->in_hand = true;
	t->given = false;
}

/* A clock that was set back must not make it wait for ever. */
static bool is_early(const struct task *t, uint64_t now)
{
	return !t->over && !t->in_hand && t->not_before_ms > now &&
	       t->not_before_ms - now <= ENGINE_BUSY_MAX_S * 1000;
}

uint64_t engine_wait_ms(const struct engine *e)
{
	uint64_t now = clock_ms(&e->clock), least = 0;

	for (const struct task *t = e->tasks; t; t = t->next) {
		uint64_t wait = is_early(t, now) ? t->not_before_ms - now : 0;

		if (wait && (!least || wait < least))
			least = wait;
	}
	return least;
}

/* The relay is busy, and says when to come again. */
static bool comes_again(struct engine *e, struct task *t,
			const struct http_response *r)
{
	struct span value;
	uint64_t seconds;

	if ((r->status != 503 && r->status != 429) ||
	    t->busy == ENGINE_BUSY_RETRIES ||
	    !http_field_get(r->fields, "retry-after", &value) ||
	    failed(http_u64_parse(value, &seconds)) ||
	    seconds > ENGINE_BUSY_MAX_S)
		return false;
	t->busy++;
	t->not_before_ms =
		clock_ms(&e->clock) + (seconds ? seconds * 1000 : 100);
	return true;
}

/* The nonce was wanting, or stale: once more with the fresh one. */
static bool signs_again(struct engine *e, struct task *t)
{
	if (!t->is_signed || !e->has_nonce || t->retries == ENGINE_RETRIES ||
	    (t->had_nonce && t->nonce_retried))
		return false;
	t->retries++;
	t->nonce_retried = t->nonce_retried || t->had_nonce;
	return true;
}

bool engine_next(struct engine *e, const struct engine_call **out)
{
	uint64_t now = clock_ms(&e->clock);

	for (struct task *t = e->tasks; t; t = t->next) {
		if (is_early(t, now))
			continue;
		/* A step may end without a request and lead to the next. */
		while (!t->over && !t->in_hand)
			t->kind->prepare(e, t);
		if (t->in_hand && !t->given) {
			t->given = true;
			*out = &t->call;
			return true;
		}
	}
	reap(e);
	return false;
}

void engine_answer(struct engine *e, uint64_t id, int status,
		   struct http_fields fields, struct span body, struct err why)
{
	struct http_response r = {status, fields, body};
	struct span value;
	struct task *t = e->tasks;

	while (t && t->id != id)
		t = t->next;
	if (!t || !t->in_hand)
		return;
	t->in_hand = false;
	if (http_field_get(fields, "entente-nonce", &value))
		e->has_nonce = !failed(nonce_parse(value, &e->nonce));
	if (t->over) {
		/* Nothing waits for it. */
	} else if (status == 0) {
		engine_task_fail(e, t,
				 failed(why) ? why
					     : err_make(ERR_UNREACHABLE,
							"no answer came"));
	} else if (comes_again(e, t, &r) ||
		   (status == 401 && signs_again(e, t))) {
		/* It is prepared again. */
	} else {
		if (status != 401) {
			t->retries = 0;
			t->nonce_retried = false;
		}
		if (status < 500)
			t->busy = 0;
		t->kind->answer(e, t, &r);
	}
	reap(e);
}

/* ---- what the files share ---- */

int engine_compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, DIGEST_LEN);
}

struct err engine_take_replica(struct engine *e, struct span blob)
{
	struct replica_certificate *fresh = NULL;
	struct err err;

	if (span_eq(blob, buf_span(&e->identity.replica)))
		return ERR_NONE;
	err = replica_decode(blob, &fresh);
	if (!failed(err))
		err = replica_check(fresh, e->root, e->identity.nation,
				    e->replica->draft.issue);
	if (!failed(err) && !replica_in_time(fresh, clock_s(&e->clock)))
		err = err_make(ERR_TIME, "the relay's certificate is not good "
					 "at this time");
	if (!failed(err)) {
		buf_reset(&e->identity.replica);
		buf_put(&e->identity.replica, blob);
		err = identity_save(e->folder, e->folder_key, &e->random,
				    &e->identity);
	}
	if (!failed(err)) {
		replica_free(e->replica);
		e->replica = fresh;
		fresh = NULL;
	}
	replica_free(fresh);
	return err;
}

struct err engine_manifest(const struct journal_head *head, struct arena *arena,
			   struct manifest *out)
{
	return manifest_decode(head->manifest, arena, out);
}

struct err engine_find(struct engine *e, struct doc_id document,
		       struct digest revision,
		       const struct journal_document **d,
		       const struct journal_head **h)
{
	*d = journal_find_document(e->journal, document);
	*h = *d ? journal_find_head(*d, revision) : NULL;
	return *h ? ERR_NONE
		  : err_make(ERR_NOT_FOUND, "not among what this device has");
}

struct err engine_keys(struct engine *e, const struct manifest *m,
		       struct segment_keys keys[MANIFEST_KEYS_MAX])
{
	uint64_t now = clock_s(&e->clock);
	struct err err = ERR_NONE;

	for (size_t i = 0; i < m->keys_count && !failed(err); i++) {
		const struct journal_key *key =
			journal_find_key(e->journal, m->id, m->keys[i]);

		if (!key)
			err = err_make(ERR_MISSING_KEY,
				       "its key has not come; pull first");
		else if (key->until && key->until < now)
			err = err_make(ERR_MISSING_KEY,
				       "the time of its key is over; pull");
		else
			err = segment_keys_derive(key->key, m->id, &keys[i]);
		if (!failed(err) && !digest_eq(keys[i].commitment, m->keys[i]))
			err = err_make(ERR_COMMITMENT, "a key of another");
	}
	return err;
}
