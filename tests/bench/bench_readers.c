/*
 * A thousand readers with 200 different views at one guard: all syncing
 * together; beside one who has everything to fetch; and corrected after a
 * revocation and after another policy.
 */
#define _GNU_SOURCE /* memmem */
#include "tests/bench/bench_readers.h"

#include "proto/base/json.h"
#include "proto/crypto/certificate.h"
#include "proto/exchange/changes.h"
#include "proto/exchange/signature.h"
#include "relay/guard/core/state.h"
#include "storage/file.h"
#include "tests/bench/crowd.h"
#include "tests/bench/figure.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	READERS = 1000,
	VIEWS = 200,
	NEWS = 10,	   /* new documents on each shelf */
	FETCHING_MAX = 16, /* pages asked for at once by the one */
	ROUNDS = 4,	   /* alone and beside him, in turns */
	EACH_ROUND = 400,
	EVERY_MS = 4,
	SECONDS_MAX = 60,
};

struct reader {
	char certificate[24];
	char cursor[CURSOR_TEXT_MAX]; /* before the news */
	char now[CURSOR_TEXT_MAX];    /* of the last answer */
	double done;
	int status;
	bool corrected;
};

struct readers {
	struct place *p;
	struct crowd *crowd;
	struct buf restricted, open;
	struct reader at[READERS], heavy;
	size_t left; /* that have not ended */
	double began;
	/* The other readers beside the one. */
	double took[ROUNDS * EACH_ROUND];
	size_t sent, answered;
	bool fetching;
	size_t fetched;
	/* An officer's change. */
	int status;
	double change_s;
	size_t refused;
};

static void fail(const char *what, int status)
{
	fprintf(stderr, "bench: %s (%d)\n", what, status);
	exit(EXIT_FAILURE);
}

/* ---- who they are ---- */

static void subjects(struct readers *r)
{
	struct batch batch;
	char name[24];

	world_must(batch_begin(r->p->relay->core, true, 0, &batch));
	for (size_t i = 0; i < VIEWS; i++) {
		snprintf(name, sizeof(name), "subject%zu", i);
		stock_subject(batch.txn, name, buf_span(&r->restricted),
			      i % STOCK_SPACES, 1 + i / STOCK_SPACES);
	}
	stock_subject(batch.txn, "heavy", buf_span(&r->restricted), 0,
		      STOCK_SPACES);
	stock_subject(batch.txn, "everyone", buf_span(&r->restricted), 0, 1);
	batch.authority = true;
	world_must(batch_commit(&batch));
}

/* Five devices for each subject; or all of them for one. */
static void devices(struct readers *r, const char *all)
{
	struct batch batch;
	char name[24];

	world_must(batch_begin(r->p->relay->core, true, 0, &batch));
	for (size_t i = 0; i < READERS; i++) {
		struct reader *one = &r->at[i];

		snprintf(one->certificate, sizeof(one->certificate),
			 "device %zu", i);
		snprintf(name, sizeof(name), "subject%zu", i % VIEWS);
		stock_device(r->p, batch.txn, span_str(one->certificate),
			     all ? all : name);
	}
	snprintf(r->heavy.certificate, sizeof(r->heavy.certificate), "heavy");
	stock_device(r->p, batch.txn, span_str(r->heavy.certificate), "heavy");
	batch.authority = true;
	world_must(batch_commit(&batch));
}

/* As if the reader had synced up to now: its ledger and a cursor. */
static void synced(struct core *core, struct batch *batch, struct reader *one)
{
	struct core_request request = {
		.listener = CORE_DEVICE,
		.certificate = span_str(one->certificate),
		.method = span_str("GET"),
		.authority = span_str("GBR.device:443"),
		.target = span_str("/v1/me"),
	};
	struct ledger_change change = {.needed = true, .answers = true};
	struct cursor cursor = {.incarnation =
					store_header(core->store)->incarnation};
	struct view *view = NULL;
	struct job *job;

	world_must(core_job_new(core, &request, &job));
	if (core_check(job) != CORE_NEXT_ANSWER)
		abort();
	change.reader = job->asker.name;
	world_must(
		policing_view(job->policing, job->reader, batch->txn, &view));
	world_must(ledger_get(batch->txn, &change.reader, &change.before));
	shelf_set_copy(&change.answer, view_set(view));
	shelf_set_copy(&change.complete, view_set(view));
	world_must(shelf_sequence(batch->txn, &cursor.seq));
	cursor.shelves = view_upto(view);
	cursor.loss = change.before.losses;
	world_must(ledger_apply(batch->txn, &change, &cursor));
	world_must(
		cursor_seal(core->ring, &change.reader, &cursor, one->cursor));
	memcpy(one->now, one->cursor, sizeof(one->now));
	ledger_change_clear(&change);
	view_free(view);
	job_free(job);
}

static void all_synced(struct readers *r)
{
	struct core *core = r->p->relay->core;
	struct batch batch;

	world_must(batch_begin(core, true, 0, &batch));
	for (size_t i = 0; i < READERS; i++)
		synced(core, &batch, &r->at[i]);
	world_must(batch_commit(&batch));
}

/* ---- asking ---- */

static void ask(struct readers *r, const struct reader *one, const char *since,
		unsigned wait_s, crowd_answered *answered, size_t tag)
{
	char target[CURSOR_TEXT_MAX + 128];
	struct crowd_request q = {.listener = CORE_DEVICE,
				  .certificate = span_str(one->certificate),
				  .authority = span_str("GBR.device:443"),
				  .method = "GET",
				  .target = target};

	snprintf(target, sizeof(target),
		 "/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA&since=%s%s%.0u", since,
		 wait_s ? "&wait=" : "", wait_s);
	crowd_send(r->crowd, &q, answered, r, tag);
}

/* From the end: what is looked for stands behind the rows. */
static const char *find(struct span body, const char *text)
{
	size_t len = strlen(text);

	for (size_t at = body.len < len ? 0 : body.len - len + 1; at-- > 0;)
		if (body.at[at] == (uint8_t)text[0] &&
		    memcmp(body.at + at, text, len) == 0)
			return (const char *)body.at + at;
	return NULL;
}

/* The page's cursor, without decoding the page; true if there is more. */
static bool take_cursor(struct span body, char out[CURSOR_TEXT_MAX])
{
	static const char name[] = "\"cursor\":\"";
	const char *at = find(body, name);
	const char *end;

	if (!at)
		fail("a page without a cursor", 0);
	at += strlen(name);
	end = memchr(at, '"', (size_t)((const char *)body.at + body.len - at));
	if (!end || end - at >= CURSOR_TEXT_MAX)
		fail("a cursor without an end", 0);
	memcpy(out, at, (size_t)(end - at));
	out[end - at] = 0;
	return find(body, "\"more\":true,") != NULL;
}

static bool none_left(void *self)
{
	return ((struct readers *)self)->left == 0;
}

static void times(const struct readers *r, const char *name)
{
	static double took[READERS];
	char line[96];
	size_t n = 0;

	for (size_t i = 0; i < READERS; i++)
		if (r->at[i].corrected)
			took[n++] = r->at[i].done - r->began;
	if (!n)
		fail("nobody was corrected", 0);
	snprintf(line, sizeof(line), "readers.%s.p50", name);
	figure_put(line, figure_quantile(took, n, 0.5) * 1e3, "ms", 0);
	snprintf(line, sizeof(line), "readers.%s.p99", name);
	figure_put(line, figure_quantile(took, n, 0.99) * 1e3, "ms", 0);
	snprintf(line, sizeof(line), "readers.%s.last", name);
	figure_put(line, figure_quantile(took, n, 1) * 1e3, "ms", 0);
	figure_say("  %zu readers", n);
}

/* ---- together ---- */

static void on_together(void *self, size_t tag, int status, struct span body,
			double took_s)
{
	struct readers *r = self;
	struct reader *one = &r->at[tag];

	if (status != 200)
		fail("a sync was not answered", status);
	if (take_cursor(body, one->now)) {
		ask(r, one, one->now, 0, on_together, tag);
		return;
	}
	one->done = figure_wall();
	one->corrected = true;
	r->left--;
}

static void together(struct readers *r)
{
	struct policing *policing = core_policing(r->p->relay->core);
	struct policing_counts counts;

	r->left = READERS;
	r->began = figure_wall();
	for (size_t i = 0; i < READERS; i++) {
		r->at[i].corrected = false;
		ask(r, &r->at[i], r->at[i].cursor, 0, on_together, i);
	}
	if (!crowd_run(r->crowd, none_left, r, SECONDS_MAX))
		fail("the readers are not through", (int)r->left);
	times(r, "together");
	counts = policing_counts(policing);
	figure_put("readers.together.decisions/views x shelves",
		   (double)counts.decisions, "decisions",
		   (double)VIEWS * STOCK_SHELVES);
	figure_put("readers.together.held/cap", (double)counts.held.bytes,
		   "bytes", POLICING_READERS_BYTES);
	policing_release(policing);
}

/* ---- beside one who fetches everything ---- */

static void on_fetched(void *self, size_t tag, int status, struct span body,
		       double took_s)
{
	struct readers *r = self;
	char cursor[CURSOR_TEXT_MAX];

	if (status != 200)
		fail("the one was refused", status);
	r->fetched++;
	/* One of his requests goes on, from the start again at the end; the
	 * others ask for the same page. */
	if (!take_cursor(body, cursor))
		cursor[0] = 0;
	if (tag == 0)
		memcpy(r->heavy.now, cursor, sizeof(cursor));
	if (r->fetching)
		ask(r, &r->heavy, r->heavy.now, 0, on_fetched, tag);
}

static void on_beside(void *self, size_t tag, int status, struct span body,
		      double took_s)
{
	struct readers *r = self;

	if (status != 200)
		fail("a reader was refused", status);
	r->took[r->answered++] = took_s;
}

static bool paced(void *self)
{
	struct readers *r = self;
	double at = r->began + (double)(r->sent * EVERY_MS) / 1e3;

	while (r->sent < EACH_ROUND && figure_wall() >= at) {
		const struct reader *one = &r->at[r->sent * 7 % READERS];

		ask(r, one, one->cursor, 0, on_beside, r->sent);
		r->sent++;
		at += EVERY_MS / 1e3;
	}
	return r->answered == EACH_ROUND;
}

static bool all_answered(void *self)
{
	return crowd_waiting(((struct readers *)self)->crowd) == 0;
}

static void round_of(struct readers *r, size_t fetching, double *p50,
		     double *p99)
{
	r->fetching = fetching > 0;
	r->sent = r->answered = 0;
	for (size_t i = 0; i < fetching; i++)
		ask(r, &r->heavy, r->heavy.now, 0, on_fetched, i);
	r->began = figure_wall();
	if (!crowd_run(r->crowd, paced, r, SECONDS_MAX))
		fail("the readers are not through", (int)r->answered);
	*p50 = figure_quantile(r->took, EACH_ROUND, 0.5);
	*p99 = figure_quantile(r->took, EACH_ROUND, 0.99);
	r->fetching = false;
	if (!crowd_run(r->crowd, all_answered, r, SECONDS_MAX))
		fail("the one is not through", 0);
}

/* In turns, so that what else the machine does meets both. */
static void beside(struct readers *r, size_t fetching)
{
	double p50[2][ROUNDS], p99[2][ROUNDS];
	char line[96];

	r->fetched = 0;
	for (size_t i = 0; i < 2 * (size_t)ROUNDS; i++)
		round_of(r, i % 2 ? fetching : 0, &p50[i % 2][i / 2],
			 &p99[i % 2][i / 2]);
	snprintf(line, sizeof(line), "readers.beside-one.%zu-pages.p50/alone",
		 fetching);
	figure_put(line, figure_quantile(p50[1], ROUNDS, 0.5) * 1e3, "ms",
		   figure_quantile(p50[0], ROUNDS, 0.5) * 1e3);
	snprintf(line, sizeof(line), "readers.beside-one.%zu-pages.p99/alone",
		 fetching);
	figure_put(line, figure_quantile(p99[1], ROUNDS, 0.5) * 1e3, "ms",
		   figure_quantile(p99[0], ROUNDS, 0.5) * 1e3);
	figure_say("  %zu pages for the one meanwhile", r->fetched);
}

/* ---- changes of officers ---- */

/* One signed request, built before the guard runs. */
struct change {
	struct signature_fields made;
	struct core_field fields[3];
	struct buf certificate, body;
	char target[128];
	const char *method;
};

static void change_clear(struct change *c)
{
	signature_fields_clear(&c->made);
	buf_clear(&c->certificate);
	buf_clear(&c->body);
}

static void change_sign(struct readers *r, const char *role, struct change *c)
{
	struct world_relay *relay = r->p->relay;
	struct http_request request = {
		.method = http_method_parse(span_str(c->method)),
		.authority = span_str(relay->endpoint),
		.body = buf_span(&c->body),
	};
	struct world_request q = {.listener = CORE_ADMIN,
				  .method = c->method,
				  .target = c->target,
				  .body = buf_span(&c->body)};
	struct crypto_key *key = NULL;
	struct world_answer answer;
	struct nonce nonce;
	char path[256];
	struct buf pem;

	snprintf(path, sizeof(path), "%s/operator/%s.pem", relay->folder, role);
	world_file(path, &pem);
	buf_init(&c->certificate, CERTIFICATE_MAX);
	world_must(certificate_from_pem(buf_span(&pem), &c->certificate));
	buf_clear(&pem);
	snprintf(path, sizeof(path), "%s/operator/%s.key", relay->folder, role);
	world_file(path, &pem);
	world_must(certificate_key_from_pem(buf_span(&pem), &key));
	buf_clear(&pem);
	q.certificate = buf_span(&c->certificate);
	/* Unsigned it is refused, with a nonce. */
	world_ask(&r->p->w, relay, &q, &answer);
	world_must(nonce_parse(span_str(answer.nonce), &nonce));
	world_answer_clear(&answer);
	world_must(http_target_split(span_str(c->target), &request.path,
				     &request.query));
	signature_fields_init(&c->made);
	world_must(signature_sign(key, &request, &nonce,
				  clock_s(&r->p->w.clock), &c->made));
	crypto_key_free(key);
	c->fields[0] = (struct core_field){span_str("signature-input"),
					   buf_span(&c->made.input)};
	c->fields[1] = (struct core_field){span_str("signature"),
					   buf_span(&c->made.signature)};
	c->fields[2] = (struct core_field){span_str("content-digest"),
					   buf_span(&c->made.digest)};
}

/* The subject keeps its spaces and is cleared for what is open alone. */
static void change_subject(struct readers *r, const char *name, size_t space,
			   struct change *c)
{
	char text[STOCK_NAME_MAX];
	struct json_writer w;

	*c = (struct change){.method = "PUT"};
	snprintf(c->target, sizeof(c->target), "/admin/v1/subjects/%s", name);
	stock_space(space, text);
	buf_init(&c->body, 64 << 10);
	w = json_write(&c->body);
	json_open_object(&w);
	json_member_bytes(&w, "clearance", buf_span(&r->open));
	json_put_name(&w, "rights");
	json_open_array(&w);
	json_close_array(&w);
	json_put_name(&w, "spaces");
	json_open_array(&w);
	json_put_string(&w, span_str(text));
	json_close_array(&w);
	json_close_object(&w);
	change_sign(r, "operator", c);
}

/* Another governing policy: it does not know the value that releases what is
 * restricted to this nation, so nobody sees that any more. */
static void change_policy(struct readers *r, struct change *c)
{
	struct json_writer w;
	struct buf file;
	char *at;

	*c = (struct change){.method = "PUT", .target = "/admin/v1/policy"};
	world_file("docs/policy/alliance.spif.xml", &file);
	at = memmem(file.at, file.len, "name=\"GBR\"", 10);
	if (!at)
		fail("the policy has no GBR", 0);
	memcpy(at, "name=\"XGB\"", 10);
	buf_init(&c->body, 1 << 20);
	w = json_write(&c->body);
	json_open_object(&w);
	json_put_name(&w, "files");
	json_open_array(&w);
	json_put_bytes(&w, buf_span(&file));
	json_close_array(&w);
	json_close_object(&w);
	buf_clear(&file);
	change_sign(r, "security-officer", c);
}

static void on_changed(void *self, size_t tag, int status, struct span body,
		       double took_s)
{
	struct readers *r = self;

	r->status = status;
	r->change_s = took_s;
}

static void change_send(struct readers *r, const struct change *c)
{
	struct crowd_request q = {
		.listener = CORE_ADMIN,
		.certificate = buf_span(&c->certificate),
		.authority = span_str(r->p->relay->endpoint),
		.method = c->method,
		.target = c->target,
		.fields = c->fields,
		.field_count = 3,
		.body = buf_span(&c->body),
	};

	r->status = 0;
	crowd_send(r->crowd, &q, on_changed, r, 0);
}

/* ---- corrected ---- */

static void on_polled(void *self, size_t tag, int status, struct span body,
		      double took_s)
{
	struct readers *r = self;
	struct reader *one = &r->at[tag];

	if (status == 200)
		take_cursor(body, one->now);
	if (status == 200 && find(body, "\"forget\":[\"")) {
		one->done = figure_wall();
		one->corrected = true;
		r->left--;
		return;
	}
	if (status != 200 && status != 204)
		fail("a long poll was refused", status);
	ask(r, one, one->now, 50, on_polled, tag);
}

/* Readers who are not parked go on asking all the while. */
static void on_busy(void *self, size_t tag, int status, struct span body,
		    double took_s)
{
	struct readers *r = self;

	r->refused += status != 200 && status != 204;
	r->answered++;
}

static bool corrected(void *self)
{
	struct readers *r = self;

	if (r->answered == r->sent && r->sent < 100000) {
		ask(r, &r->heavy, r->heavy.now, 0, on_busy, r->sent);
		r->sent++;
	}
	return r->left == 0 && r->status != 0;
}

static bool never(void *self)
{
	return false;
}

/* `want` of the parked readers lose something by the change. */
static void correct(struct readers *r, const struct change *c, size_t want,
		    const char *name)
{
	char line[96];

	for (size_t i = 0; i < READERS; i++) {
		r->at[i].corrected = false;
		ask(r, &r->at[i], r->at[i].now, 50, on_polled, i);
	}
	crowd_run(r->crowd, never, r, 1.5); /* until all are parked */
	r->left = want;
	r->refused = r->sent = r->answered = 0;
	r->began = figure_wall();
	change_send(r, c);
	if (!crowd_run(r->crowd, corrected, r, SECONDS_MAX))
		fail("readers are not corrected", (int)r->left);
	if (r->status / 100 != 2)
		fail("the change was refused", r->status);
	snprintf(line, sizeof(line), "readers.%s.in-force", name);
	figure_put(line, r->change_s * 1e3, "ms", 0);
	times(r, name);
	snprintf(line, sizeof(line), "readers.%s.refused", name);
	figure_put(line, (double)r->refused, "requests", 0);
}

/* The guard starts anew, so nobody's poll is left over. */
static void start(struct readers *r)
{
	r->crowd = crowd_new(r->p->relay->core);
}

static void stop(struct readers *r)
{
	crowd_free(r->crowd);
	world_close(&r->p->w, r->p->relay);
	world_open(&r->p->w, r->p->relay);
}

void bench_readers(struct place *p)
{
	struct readers *r = calloc(1, sizeof(*r));
	struct change change;
	struct stock *stock;

	if (!r)
		abort();
	r->p = p;
	world_file("docs/policy/clearances/gbr-restricted.xml", &r->restricted);
	world_file("docs/policy/clearances/gbr-unclassified.xml", &r->open);
	subjects(r);
	devices(r, NULL);
	all_synced(r);
	stock = stock_new(p);
	stock_add(stock, (size_t)NEWS * STOCK_SHELVES, 0, STOCK_SHELVES);
	stock_free(stock);
	/* Opened anew, nothing is in memory. */
	world_close(&p->w, p->relay);
	world_open(&p->w, p->relay);

	start(r);
	together(r);
	beside(r, 1);
	beside(r, FETCHING_MAX);
	stop(r);

	change_subject(r, "subject3", 3, &change);
	start(r);
	correct(r, &change, READERS / VIEWS, "one-subject-revoked");
	stop(r);
	change_clear(&change);

	/* Every device is that one's from now on. */
	devices(r, "everyone");
	all_synced(r);
	change_subject(r, "everyone", 0, &change);
	start(r);
	correct(r, &change, READERS, "all-of-one-subject-revoked");
	stop(r);
	change_clear(&change);

	devices(r, NULL);
	all_synced(r);
	change_policy(r, &change);
	start(r);
	correct(r, &change, READERS - READERS / VIEWS, "policy-replaced");
	stop(r);
	change_clear(&change);

	buf_clear(&r->restricted);
	buf_clear(&r->open);
	free(r);
}
