/* Relays and devices joined in memory. */
#define _GNU_SOURCE /* nftw */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/nation.h"
#include "proto/crypto/certificate.h"
#include "proto/crypto/domain.h"
#include "proto/exchange/enrol.h"
#include "relay/guard/core/pulls.h"
#include "relay/guard/core/state.h"
#include "storage/file.h"
#include "storage/root_key.h"
#include "storage/token.h"
#include "tests/guard/world.h"

static const char passphrase[] = "a passphrase of the tests";

void world_check(struct err e, const char *file, int line)
{
	if (!failed(e))
		return;
	fprintf(stderr, "%s:%d: %s: %s\n", file, line, err_row(e.code)->name,
		e.detail ? e.detail : "");
	abort();
}

void world_file(const char *path, struct buf *out)
{
	buf_init(out, 1 << 20);
	world_must(file_read(path, out));
}

void world_new(struct world *w, uint64_t seed)
{
	*w = (struct world){0};
	/* Hundreds of commits: in memory where there is such a folder. */
	snprintf(w->folder, sizeof(w->folder), "%s/entente-world-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(w->folder))
		abort();
	testrandom_init(&w->source, seed);
	testclock_init(&w->time);
	w->random = testrandom(&w->source);
	w->clock = testclock(&w->time);
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *ftw)
{
	return remove(path);
}

void world_free(struct world *w)
{
	for (size_t i = 0; i < WORLD_PARKED_MAX; i++)
		job_free(w->parked[i].job);
	for (size_t i = 0; i < w->device_count; i++)
		engine_close(w->devices[i].engine);
	for (size_t i = 0; i < w->relay_count; i++) {
		core_close(w->relays[i].core);
		buf_clear(&w->relays[i].certificate);
		buf_clear(&w->relays[i].officer);
		crypto_key_free(w->relays[i].officer_key);
	}
	nftw(w->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* w->folder/name, by way of a copy: both stand in the world. */
static void path_in(const struct world *w, char out[WORLD_PATH],
		    const char *name)
{
	char folder[WORLD_PATH];

	memcpy(folder, w->folder, sizeof(folder));
	snprintf(out, WORLD_PATH, "%.90s/%.30s", folder, name);
}

/* ---- relays ---- */

static void read_pem(const struct world_relay *r, const char *name,
		     struct buf *der)
{
	char path[WORLD_PATH * 2];
	struct buf pem;

	snprintf(path, sizeof(path), "%s/%s", r->folder, name);
	world_file(path, &pem);
	buf_init(der, CERTIFICATE_MAX);
	world_must(certificate_from_pem(buf_span(&pem), der));
	buf_clear(&pem);
}

void world_open(struct world *w, struct world_relay *r)
{
	struct core_config config = {
		.folder = r->folder,
		.nation = r->nation,
		.ceiling = "RESTRICTED",
		.endpoint = r->endpoint,
		.peer_endpoint = r->peer_endpoint,
		.root_key = r->root_key,
		.clock = w->clock,
		.random = w->random,
	};

	world_must(core_open(&config, &r->core));
}

void world_close(struct world *w, struct world_relay *r)
{
	for (size_t i = 0; i < WORLD_PARKED_MAX; i++)
		if (w->parked[i].job &&
		    (w->parked[i].to == r || w->parked[i].from == r)) {
			if (w->parked[i].from != r)
				core_call_done(w->parked[i].from->core,
					       w->parked[i].call, 0, NULL, 0,
					       span_str(""));
			job_free(w->parked[i].job);
			w->parked[i].job = NULL;
		}
	core_close(r->core);
	r->core = NULL;
}

struct world_relay *world_relay(struct world *w, const char *nation)
{
	struct world_relay *r = &w->relays[w->relay_count++];
	struct nation_policy policies[2] = {{"alliance.spif.xml", {0}},
					    {"germany.spif.xml", {0}}};
	struct nation_order order = {
		.folder = r->folder,
		.name = "localhost",
		.listen_device = "127.0.0.1:1",
		.listen_peer = "127.0.0.1:2",
		.listen_admin = "127.0.0.1:3",
		.endpoint = r->endpoint,
		.peer_endpoint = r->peer_endpoint,
		.ceiling = "RESTRICTED",
		.policies = policies,
		.policies_count = 2,
		.passphrase = span_str(passphrase),
		.scrypt_log2_n = 10,
		.clock = w->clock,
		.random = w->random,
	};
	const char *where = NULL;
	struct buf files[2], pem;
	char path[WORLD_PATH * 2];

	*r = (struct world_relay){0};
	world_must(nation_parse(span_str(nation), &r->nation));
	order.nation = r->nation;
	path_in(w, r->folder, nation);
	snprintf(r->endpoint, sizeof(r->endpoint), "%s.device:443", nation);
	snprintf(r->peer_endpoint, sizeof(r->peer_endpoint), "%s.peer:443",
		 nation);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "docs/policy/%s",
			 policies[i].name);
		world_file(path, &files[i]);
		policies[i].text = buf_span(&files[i]);
	}
	world_must(nation_make(&order, &where));
	buf_clear(&files[0]);
	buf_clear(&files[1]);
	snprintf(path, sizeof(path), "%s/keys/root.key", r->folder);
	world_must(root_key_open(path, span_str(passphrase), r->root_key));
	read_pem(r, "tls/server.pem", &r->certificate);
	read_pem(r, "operator/operator.pem", &r->officer);
	snprintf(path, sizeof(path), "%s/operator/operator.key", r->folder);
	world_file(path, &pem);
	world_must(certificate_key_from_pem(buf_span(&pem), &r->officer_key));
	buf_clear(&pem);
	world_open(w, r);
	return r;
}

/* ---- one request ---- */

void world_answer_clear(struct world_answer *a)
{
	buf_clear(&a->body);
}

static void copy_field(const struct core_answer *a, const char *name, char *out,
		       size_t room)
{
	out[0] = 0;
	for (size_t i = 0; i < a->field_count; i++)
		if (span_eq_str(a->fields[i].name, name))
			snprintf(out, room, "%.*s", (int)a->fields[i].value.len,
				 (const char *)a->fields[i].value.at);
}

/* Through check and write; false if it waits. */
static bool run_job(struct world_relay *r, struct job *job, struct span body)
{
	for (;;) {
		switch (core_check(job)) {
		case CORE_NEXT_ANSWER:
			return true;
		case CORE_NEXT_WAIT:
			return false;
		case CORE_NEXT_WRITE:
			core_write(r->core, &job, 1);
			if (core_seal(r->core))
				core_write(r->core, NULL, 0);
			return true;
		case CORE_NEXT_BODY:
			while (body.len) {
				struct span piece = span_sub(body, 0, 50000);
				size_t ready = 0;

				if (failed(core_body(job, piece, &ready)) ||
				    (ready &&
				     failed(core_body_store(job, &ready))))
					break;
				body = span_sub(body, piece.len, body.len);
			}
			(void)core_body_end(job, true).code;
			if (core_check(job) == CORE_NEXT_WRITE)
				core_write(r->core, &job, 1);
			return true;
		}
	}
}

static void take_answer(struct job *job, struct world_answer *out)
{
	const struct core_answer *a = core_answer(job);

	*out = (struct world_answer){.status = a->status};
	buf_init(&out->body, 64 << 20);
	copy_field(a, "entente-nonce", out->nonce, sizeof(out->nonce));
	copy_field(a, "etag", out->etag, sizeof(out->etag));
	copy_field(a, "location", out->location, sizeof(out->location));
	copy_field(a, "upload-offset", out->offset, sizeof(out->offset));
	copy_field(a, "entente-page", out->page, sizeof(out->page));
	copy_field(a, "allow", out->allow, sizeof(out->allow));
	copy_field(a, "retry-after", out->retry_after,
		   sizeof(out->retry_after));
	if (!a->body_streams) {
		buf_put(&out->body, a->body);
		return;
	}
	for (uint64_t at = 0; at < a->body_len; at = out->body.len)
		world_must(core_read(job, at, 100000, &out->body));
}

static struct job *new_job(struct world_relay *r, const struct world_request *q)
{
	struct core_request request = {
		.listener = q->listener,
		.certificate = q->certificate,
		.method = span_str(q->method),
		.authority =
			span_str(q->listener == CORE_PEER ? r->peer_endpoint
							  : r->endpoint),
		.target = span_str(q->target),
		.fields = q->fields,
		.field_count = q->field_count,
		.body = q->body,
	};
	struct job *job = NULL;

	world_must(core_job_new(r->core, &request, &job));
	return job;
}

void world_ask(struct world *w, struct world_relay *r,
	       const struct world_request *q, struct world_answer *out)
{
	struct job *job = new_job(r, q);

	if (!run_job(r, job, q->body)) {
		*out = (struct world_answer){.status = 204};
		buf_init(&out->body, 64);
	} else {
		take_answer(job, out);
	}
	job_free(job);
}

struct job *world_begin(struct world_relay *r, const struct world_request *q)
{
	return new_job(r, q);
}

bool world_look_again(struct world_relay *r, struct job **job,
		      struct world_answer *out)
{
	if (!run_job(r, *job, span_str("")))
		return false;
	take_answer(*job, out);
	job_free(*job);
	*job = NULL;
	return true;
}

/* ---- devices ---- */

void world_subject(struct world *w, struct world_relay *r, const char *name,
		   struct span clearance, unsigned rights,
		   const char *const *spaces, size_t space_count)
{
	struct span list[16];
	struct subject subject = {.name = span_str(name),
				  .rights = rights,
				  .clearance = clearance,
				  .spaces = list,
				  .space_count = space_count};
	struct batch batch;

	for (size_t i = 0; i < space_count; i++)
		list[i] = span_str(spaces[i]);
	world_must(batch_begin(r->core, false, 0, &batch));
	world_must(subject_put(batch.txn, &subject));
	batch.wakes = true;
	world_must(batch_commit(&batch));
}

/* A token as the operator's verbs make it. */
static void make_token(struct world *w, struct world_relay *r,
		       struct token *token, enum enrol_token_kind kind,
		       struct buf *text)
{
	struct enrol_token out = {.kind = kind, .nation = r->nation};
	struct batch batch;
	struct buf sealed;

	world_must(random_fill(&w->random, out.id, sizeof(out.id)));
	world_must(random_fill(&w->random, out.secret, sizeof(out.secret)));
	world_must(crypto_sha256(buf_span(&r->core->ca), &out.ca));
	world_must(crypto_sha256(buf_span(&r->core->root), &out.root));
	snprintf(out.endpoint, sizeof(out.endpoint), "%s",
		 kind == ENROL_PEER ? r->peer_endpoint : r->endpoint);
	memcpy(token->id, out.id, sizeof(token->id));
	token->expires = core_now_s(r->core) + TOKEN_LIFE_S;
	buf_init(&sealed, 256);
	world_must(ring_seal_secret(r->core->ring, SPAN_OBJ(token->id),
				    SPAN_OBJ(out.secret), &sealed));
	token->secret = buf_span(&sealed);
	world_must(batch_begin(r->core, false, 0, &batch));
	world_must(token_put(batch.txn, token));
	world_must(batch_commit(&batch));
	buf_init(text, ENROL_TOKEN_TEXT_MAX);
	enrol_token_format(&out, text);
	buf_clear(&sealed);
}

struct world_device *world_device(struct world *w, struct world_relay *r,
				  const char *subject)
{
	struct world_device *d = &w->devices[w->device_count++];
	struct token token = {.kind = TOKEN_DEVICE,
			      .subject = span_str(subject)};
	struct engine_config config = {.folder = d->folder,
				       .clock = w->clock,
				       .random = w->random,
				       .no_sync = true};
	char name[32];
	struct buf text;
	uint64_t task;

	*d = (struct world_device){.home = r};
	snprintf(name, sizeof(name), "device-%zu", w->device_count);
	path_in(w, d->folder, name);
	make_token(w, r, &token, ENROL_DEVICE, &text);
	world_must(engine_open(&config, &d->engine));
	world_must(engine_enrol(d->engine, buf_span(&text), &task));
	world_must(world_drive(w, d));
	buf_clear(&text);
	return d;
}

static void carry(struct world *w, struct world_device *d,
		  const struct engine_call *call)
{
	struct core_field fields[32];
	struct http_field back[16];
	struct engine_trust trust = engine_trust(d->engine);
	char method[16], target[2048];
	struct world_request q = {.listener = CORE_DEVICE,
				  .certificate = trust.certificate,
				  .method = method,
				  .target = target,
				  .fields = fields,
				  .field_count = call->fields_count,
				  .body = call->body};
	uint64_t id = call->id;
	struct job *job;
	struct world_answer answer;
	const struct core_answer *a;
	size_t count = 0;

	if (d->cut || !d->home->core) {
		engine_answer(d->engine, id, 0, (struct http_fields){0},
			      span_str(""),
			      err_make(ERR_UNREACHABLE, "cut by the test"));
		return;
	}
	snprintf(method, sizeof(method), "%.*s", (int)call->method.len,
		 (const char *)call->method.at);
	snprintf(target, sizeof(target), "%.*s", (int)call->target.len,
		 (const char *)call->target.at);
	for (size_t i = 0; i < call->fields_count; i++)
		fields[i] = (struct core_field){call->fields[i].name,
						call->fields[i].value};
	job = new_job(d->home, &q);
	if (!run_job(d->home, job, q.body)) {
		engine_answer(d->engine, id, 204, (struct http_fields){0},
			      span_str(""), ERR_NONE);
		job_free(job);
		return;
	}
	take_answer(job, &answer);
	a = core_answer(job);
	for (size_t i = 0; i < a->field_count && i < 16; i++)
		back[count++] = (struct http_field){a->fields[i].name,
						    a->fields[i].value};
	engine_answer(d->engine, id, answer.status,
		      (struct http_fields){back, count}, buf_span(&answer.body),
		      ERR_NONE);
	world_answer_clear(&answer);
	job_free(job);
}

struct err world_drive(struct world *w, struct world_device *d)
{
	const struct engine_call *call;
	struct engine_event event;
	struct err e = ERR_NONE;

	for (int i = 0; i < 100000; i++) {
		bool moved = false;

		while (engine_event(d->engine, &event)) {
			moved = true;
			if (event.kind == ENGINE_FAILED) {
				e = event.why;
				if (getenv("WORLD_TRACE"))
					fprintf(stderr, "failed: %s: %s %s\n",
						err_row(e.code)->name,
						e.detail ? e.detail : "",
						event.detail);
			}
		}
		if (engine_next(d->engine, &call)) {
			moved = true;
			if (getenv("WORLD_TRACE"))
				fprintf(stderr, "%.3s <- %.*s %.*s\n",
					d->home->nation.code,
					(int)call->method.len,
					(const char *)call->method.at,
					(int)call->target.len,
					(const char *)call->target.at);
			carry(w, d, call);
		}
		if (!moved)
			break;
	}
	return e;
}

struct err world_sync(struct world *w, struct world_device *d)
{
	uint64_t task;
	struct err e = engine_pull(d->engine, 0, &task);

	return failed(e) ? e : world_drive(w, d);
}

/* ---- federation ---- */

static struct world_relay *at_endpoint(struct world *w, const char *endpoint)
{
	for (size_t i = 0; i < w->relay_count; i++)
		if (strcmp(w->relays[i].peer_endpoint, endpoint) == 0)
			return &w->relays[i];
	return NULL;
}

static void finish_call(struct world_relay *from, struct world_relay *to,
			uint64_t id, struct job *job)
{
	const struct core_answer *a = core_answer(job);
	struct world_answer answer;

	take_answer(job, &answer);
	if (getenv("WORLD_TRACE"))
		fprintf(stderr, "  %.3s -> %.3s: %d\n", from->nation.code,
			to->nation.code, answer.status);
	core_call_done(from->core, id, answer.status, a->fields, a->field_count,
		       buf_span(&answer.body));
	if (core_seal(from->core))
		core_write(from->core, NULL, 0);
	world_answer_clear(&answer);
	job_free(job);
}

static void place_call(struct world *w, struct world_relay *from,
		       const struct core_call *call)
{
	struct world_relay *to = at_endpoint(w, call->endpoint);
	char method[16], target[2048];
	struct world_request q = {.listener = CORE_PEER,
				  .certificate = buf_span(&from->certificate),
				  .method = method,
				  .target = target,
				  .fields = call->fields,
				  .field_count = call->field_count,
				  .body = call->body};
	struct job *job;

	if (!to || !to->core || to->cut || to->hidden || from->cut) {
		core_call_done(from->core, call->id, 0, NULL, 0, span_str(""));
		return;
	}
	snprintf(method, sizeof(method), "%.*s", (int)call->method.len,
		 (const char *)call->method.at);
	snprintf(target, sizeof(target), "%.*s", (int)call->target.len,
		 (const char *)call->target.at);
	if (getenv("WORLD_TRACE"))
		fprintf(stderr, "%.3s -> %.3s %s %s\n", from->nation.code,
			to->nation.code, method, target);
	job = new_job(to, &q);
	if (run_job(to, job, q.body)) {
		finish_call(from, to, call->id, job);
		return;
	}
	for (size_t i = 0; i < WORLD_PARKED_MAX; i++)
		if (!w->parked[i].job) {
			w->parked[i] = (struct world_parked){job, from, to,
							     call->id, 0};
			return;
		}
	abort();
}

/* Long polls are asked again when their relay has moved, or time is up. */
static bool pump_parked(struct world *w)
{
	bool moved = false;

	for (size_t i = 0; i < WORLD_PARKED_MAX; i++) {
		struct world_parked *p = &w->parked[i];
		uint64_t epoch;

		if (!p->job)
			continue;
		epoch = core_epoch(p->to->core);
		if (epoch == p->epoch &&
		    core_deadline_ms(p->job) > clock_ms(&w->clock))
			continue;
		p->epoch = epoch;
		if (run_job(p->to, p->job, span_str(""))) {
			struct job *job = p->job;

			p->job = NULL;
			finish_call(p->from, p->to, p->call, job);
			moved = true;
		}
	}
	return moved;
}

void world_pump(struct world *w)
{
	for (int round = 0; round < 10000; round++) {
		bool moved = pump_parked(w);

		for (size_t i = 0; i < w->relay_count; i++) {
			struct world_relay *r = &w->relays[i];
			const struct core_call *call;

			if (r->core && core_call_next(r->core, &call)) {
				moved = true;
				place_call(w, r, call);
			}
			if (r->core && !r->still)
				core_tick(r->core);
		}
		if (!moved)
			return;
	}
}

void world_peer(struct world *w, struct world_relay *a, struct span a_profile,
		struct world_relay *b, struct span b_profile)
{
	struct token invitation = {
		.kind = TOKEN_PEER,
		.nation = b->nation,
		.profile = {.clearance = b_profile,
			    .ceiling = span_str("RESTRICTED"),
			    .all_spaces = true},
	};
	struct token accepted = {
		.kind = TOKEN_ACCEPTED,
		.nation = a->nation,
		.profile = {.clearance = a_profile,
			    .ceiling = span_str("RESTRICTED"),
			    .all_spaces = true},
	};
	struct enrol_token parsed;
	struct batch batch;
	struct buf text, sealed;

	make_token(w, a, &invitation, ENROL_PEER, &text);
	world_must(enrol_token_parse(buf_span(&text), &parsed));
	memcpy(accepted.id, parsed.id, sizeof(accepted.id));
	accepted.endpoint = span_str(parsed.endpoint);
	accepted.ca = parsed.ca;
	accepted.root = parsed.root;
	accepted.expires = core_now_s(b->core) + TOKEN_LIFE_S;
	buf_init(&sealed, 256);
	world_must(ring_seal_secret(b->core->ring, SPAN_OBJ(accepted.id),
				    SPAN_OBJ(parsed.secret), &sealed));
	accepted.secret = buf_span(&sealed);
	world_must(batch_begin(b->core, false, 0, &batch));
	world_must(token_put(batch.txn, &accepted));
	world_must(batch_commit(&batch));
	pulls_wake(b->core);
	world_pump(w);
	buf_clear(&sealed);
	buf_clear(&text);
}

/* ---- what devices do ---- */

struct err world_put(struct world *w, struct world_device *d, const char *space,
		     struct span label, const char *title, struct span content,
		     struct doc_id *id)
{
	struct engine_put put = {.space = span_str(space),
				 .label = label,
				 .title = span_str(title),
				 .content = {.bytes = content}};
	struct digest digest;
	uint64_t task;
	struct err e = engine_put(d->engine, &put, id, &digest, &task);

	return failed(e) ? e : world_drive(w, d);
}

struct err world_edit(struct world *w, struct world_device *d, struct doc_id id,
		      struct span content)
{
	struct engine_put put = {.edit = true,
				 .id = id,
				 .title = span_str("edited"),
				 .content = {.bytes = content}};
	struct digest digest;
	uint64_t task;
	struct err e = engine_put(d->engine, &put, &id, &digest, &task);

	return failed(e) ? e : world_drive(w, d);
}

struct err world_state(struct world *w, struct world_device *d,
		       struct doc_id id, enum statement_kind kind,
		       struct span label)
{
	uint64_t task;
	struct err e = engine_state(d->engine, id, kind, label, &task);

	return failed(e) ? e : world_drive(w, d);
}

struct err world_read(struct world *w, struct world_device *d, struct doc_id id,
		      struct buf *out)
{
	const struct journal *j = engine_journal(d->engine);
	const struct journal_document *doc = journal_find_document(j, id);
	struct digest digest;
	uint64_t task;
	struct err e;

	if (!doc || !doc->heads_count)
		return err_make(ERR_NOT_FOUND, "not on the device");
	digest = journal_winner(doc)->digest;
	e = engine_fetch(d->engine, id, digest, &task);
	if (!failed(e))
		e = world_drive(w, d);
	if (!failed(e))
		e = engine_read(d->engine, id, digest, NULL, out);
	return e;
}

size_t world_heads(struct world_device *d, struct doc_id id)
{
	const struct journal_document *doc =
		journal_find_document(engine_journal(d->engine), id);

	return doc ? doc->heads_count : 0;
}
