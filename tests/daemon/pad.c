/* A device, as an iPad would be. */
#include "tests/daemon/pad.h"

#include "client/system.h"
#include "proto/crypto/certificate.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- driving ---- */

void pad_leave(struct pad *p)
{
	http_connection_close(p->connection);
	p->connection = NULL;
}

static struct err connect_to(struct pad *p)
{
	struct engine_trust trust = engine_trust(p->engine);
	struct http_peer peer = {
		.endpoint = trust.endpoint,
		.ca = trust.ca,
		.ca_digest = &trust.ca_digest,
		.certificate = trust.certificate,
		.key = trust.key,
	};

	return http_connection_open(&peer, &p->connection);
}

static void take_events(struct pad *p, struct err *why)
{
	struct engine_event event;

	while (engine_event(p->engine, &event)) {
		if (event.kind == ENGINE_FAILED) {
			*why = p->refused = event.why;
			if (getenv("PAD_TRACE"))
				fprintf(stderr, "%s: %s: %s %s\n", p->folder,
					err_row(event.why.code)->name,
					event.why.detail ? event.why.detail
							 : "",
					event.detail);
		}
		if (event.kind == ENGINE_DONE) {
			p->digest = event.digest;
			p->dot = event.dot;
		}
	}
}

static void note_call(struct pad *p, uint64_t id, struct span target)
{
	snprintf(p->calls[id % PAD_CALLS].target, PAD_TARGET, "%.*s",
		 (int)target.len, (const char *)target.at);
	p->calls[id % PAD_CALLS].id = id;
}

static void show_answer(const struct pad *p, const struct http_answer *a)
{
	if (p->watch.answer && p->calls[a->id % PAD_CALLS].id == a->id)
		p->watch.answer(p->watch.self,
				p->calls[a->id % PAD_CALLS].target, a->status,
				a->body);
}

/* Sends what is ready; where there is no connection that is the answer. */
static void send_ready(struct pad *p)
{
	const struct engine_call *call;

	while ((!p->connection || http_connection_ready(p->connection)) &&
	       engine_next(p->engine, &call)) {
		struct http_call send = {
			.method = call->method,
			.target = call->target,
			.fields = call->fields,
			.fields_count = call->fields_count,
			.body = call->body,
			.answer_max = call->answer_max,
			.wait_s = call->wait_s,
			.id = call->id,
		};
		struct err e = ERR_NONE;

		note_call(p, send.id, send.target);
		if (!p->connection)
			e = connect_to(p);
		if (!failed(e))
			e = http_connection_send(p->connection, &send);
		if (failed(e))
			engine_answer(p->engine, send.id, 0,
				      (struct http_fields){0}, (struct span){0},
				      e);
	}
}

struct err pad_drive(struct pad *p)
{
	struct err why = ERR_NONE;

	while (engine_busy(p->engine)) {
		struct http_answer answer;

		if (p->connection && http_connection_ended(p->connection) &&
		    http_connection_calls(p->connection) == 0)
			pad_leave(p);
		send_ready(p);
		if (p->connection &&
		    http_connection_wait(p->connection, &answer)) {
			show_answer(p, &answer);
			engine_answer(p->engine, answer.id, answer.status,
				      answer.fields, answer.body, answer.why);
		} else
			nation_daemon_sleep_ms(
				(unsigned)engine_wait_ms(p->engine));
		take_events(p, &why);
	}
	take_events(p, &why);
	return why;
}

/* ---- a device's life ---- */

struct err pad_enrol(struct pad *p, const struct nation_daemon *d,
		     struct span token)
{
	struct engine_config config = {
		.folder = p->folder,
		.clock = system_clock(),
		.random = system_random(),
		.no_sync = true,
	};
	uint64_t task;
	struct err e;

	*p = (struct pad){0};
	snprintf(p->folder, sizeof(p->folder), "%s/pad-XXXXXX", d->base);
	if (!mkdtemp(p->folder))
		abort();
	must(engine_open(&config, &p->engine));
	e = engine_enrol(p->engine, token, &task);
	if (!failed(e))
		e = pad_drive(p);
	/* From now on with its certificate. */
	pad_leave(p);
	return e;
}

void pad_new(struct pad *p, const struct nation_daemon *d, const char *subject)
{
	struct buf token;

	nation_daemon_invite(d, subject, &token);
	must(pad_enrol(p, d, buf_span(&token)));
	buf_clear(&token);
}

void pad_free(struct pad *p)
{
	pad_leave(p);
	engine_close(p->engine);
	*p = (struct pad){0};
}

struct err pad_sync(struct pad *p)
{
	uint64_t task;
	struct err e = engine_pull(p->engine, 0, &task);

	return failed(e) ? e : pad_drive(p);
}

struct err pad_resume(struct pad *p)
{
	size_t count = 0;
	struct err e = engine_resume(p->engine, &count);

	if (!failed(e))
		e = pad_drive(p);
	return failed(e) ? e : pad_sync(p);
}

static void read_label(const char *label, struct buf *out)
{
	char path[128];

	buf_init(out, 1 << 20);
	snprintf(path, sizeof(path), "docs/policy/labels/%s.xml", label);
	must(files_read(path, out));
}

static struct err put(struct pad *p, const struct engine_put *order,
		      struct doc_id *id, struct digest *digest)
{
	struct digest revision = {0};
	uint64_t task;
	struct err e = engine_put(p->engine, order, id, &revision, &task);

	if (digest)
		*digest = revision;
	return failed(e) ? e : pad_drive(p);
}

struct err pad_put(struct pad *p, const char *space, const char *label,
		   const char *title, struct span content, struct doc_id *id,
		   struct digest *digest)
{
	struct engine_put order = {
		.space = span_str(space),
		.title = span_str(title),
		.content = {.bytes = content},
	};
	struct buf xml;
	struct err e;

	read_label(label, &xml);
	order.label = buf_span(&xml);
	e = put(p, &order, id, digest);
	buf_clear(&xml);
	return e;
}

struct err pad_edit(struct pad *p, struct doc_id id, struct span content,
		    struct digest *digest)
{
	struct engine_put order = {
		.edit = true,
		.id = id,
		.title = span_str("edited"),
		.content = {.bytes = content},
	};

	return put(p, &order, &id, digest);
}

struct err pad_state(struct pad *p, struct doc_id id, enum statement_kind kind,
		     const char *label)
{
	struct buf xml = {0};
	uint64_t task;
	struct err e;

	if (label)
		read_label(label, &xml);
	e = engine_state(p->engine, id, kind, buf_span(&xml), &task);
	if (!failed(e))
		e = pad_drive(p);
	buf_clear(&xml);
	return e;
}

/* ---- what it shows ---- */

struct err pad_read_head(struct pad *p, struct doc_id id,
			 struct digest revision, struct buf *out)
{
	uint64_t task;
	struct err e = ERR_NONE;

	if (!engine_has_content(p->engine, id, revision)) {
		e = engine_fetch(p->engine, id, revision, &task);
		if (!failed(e))
			e = pad_drive(p);
	}
	return failed(e) ? e : engine_read(p->engine, id, revision, NULL, out);
}

struct err pad_read(struct pad *p, struct doc_id id, struct buf *out)
{
	const struct journal_document *d =
		journal_find_document(engine_journal(p->engine), id);
	const struct journal_head *h = d ? journal_winner(d) : NULL;

	return h ? pad_read_head(p, id, h->digest, out)
		 : err_make(ERR_NOT_FOUND, "not here");
}

size_t pad_heads(const struct pad *p, struct doc_id id)
{
	const struct journal_document *d =
		journal_find_document(engine_journal(p->engine), id);

	return d ? d->heads_count : 0;
}

bool pad_sees(struct pad *p, struct doc_id id, const char *content, unsigned ms)
{
	uint64_t until = nation_daemon_now_ms() + ms;

	for (;;) {
		struct buf got;
		bool same;
		struct err e = pad_sync(p);

		buf_init(&got, 16 << 20);
		if (!failed(e))
			e = pad_read(p, id, &got);
		same = content ? !failed(e) &&
					 span_eq_str(buf_span(&got), content)
			       : e.code == ERR_NOT_FOUND;
		buf_clear(&got);
		if (same || nation_daemon_now_ms() >= until)
			return same;
		nation_daemon_sleep_ms(30);
	}
}

static void write_pem(const struct pad *p, const char *name, struct buf *pem)
{
	char path[NATION_DAEMON_PATH + 32];

	snprintf(path, sizeof(path), "%s/%s", p->folder, name);
	must(files_write(path, buf_span(pem), 0600));
	buf_wipe(pem);
}

void pad_write_pem(const struct pad *p)
{
	struct engine_trust trust = engine_trust(p->engine);
	struct buf pem;

	buf_init(&pem, CERTIFICATE_PEM_MAX);
	must(certificate_to_pem(trust.certificate, &pem));
	write_pem(p, "device.pem", &pem);
	buf_init(&pem, CERTIFICATE_PEM_MAX);
	must(certificate_key_to_pem(trust.key, &pem));
	write_pem(p, "device.key", &pem);
	buf_init(&pem, CERTIFICATE_PEM_MAX);
	must(certificate_to_pem(trust.ca, &pem));
	write_pem(p, "ca.pem", &pem);
}
