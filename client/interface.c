/* The plain C interface of the library, over the engine. */
#include "client/entente.h"

#include "client/engine.h"
#include "client/system.h"
#include "proto/crypto/certificate.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIELDS_MAX = 16, TEXT_MAX = 64 * 1024 };

struct entente {
	struct engine *engine;
	/* What was given out last; good until the next call. */
	struct buf method, target;
	struct buf names[FIELDS_MAX], values[FIELDS_MAX];
	struct entente_field fields[FIELDS_MAX];
	struct buf title, space, marking;
	char document[DOC_ID_TEXT_LEN + 1];
	char revision[DIGEST_TEXT_LEN + 1];
	char dot[VERSION_DOT_TEXT_MAX + 1];
};

static struct entente_bytes bytes_of(struct span s)
{
	return (struct entente_bytes){s.at, s.len};
}

/* A NUL-terminated copy in a buffer of ours. */
static const char *keep(struct buf *b, struct span text)
{
	buf_clear(b);
	buf_init(b, TEXT_MAX);
	buf_put(b, text);
	return buf_cstr(b);
}

int entente_open(const char *folder, const char *passphrase,
		 struct entente **out)
{
	struct engine_config config = {
		.folder = folder,
		.passphrase = span_str(passphrase),
		.clock = system_clock(),
		.random = system_random(),
	};
	struct entente *e = calloc(1, sizeof(*e));
	struct err err;

	if (!e)
		return ERR_NO_MEMORY;
	err = engine_open(&config, &e->engine);
	if (failed(err))
		free(e);
	else
		*out = e;
	return (int)err.code;
}

void entente_close(struct entente *e)
{
	if (!e)
		return;
	engine_close(e->engine);
	buf_clear(&e->method);
	buf_clear(&e->target);
	for (size_t i = 0; i < FIELDS_MAX; i++) {
		buf_clear(&e->names[i]);
		buf_clear(&e->values[i]);
	}
	buf_wipe(&e->title);
	buf_clear(&e->space);
	buf_clear(&e->marking);
	free(e);
}

const char *entente_code_text(int code)
{
	return err_row((enum err_code)code)->title;
}

const char *entente_code_mend(int code)
{
	return err_row((enum err_code)code)->mend;
}

bool entente_enrolled(const struct entente *e)
{
	return engine_enrolled(e->engine);
}

void entente_trust(struct entente *e, struct entente_trust *out)
{
	struct engine_trust t = engine_trust(e->engine);

	out->endpoint = t.endpoint;
	out->ca = bytes_of(t.ca);
	out->certificate = bytes_of(t.certificate);
	memcpy(out->ca_sha256, t.ca_digest.at, sizeof(out->ca_sha256));
}

int entente_tls_key(struct entente *e, char **pem)
{
	struct buf text;
	struct err err;

	if (!engine_enrolled(e->engine))
		return ERR_UNAUTHENTICATED;
	buf_init(&text, CERTIFICATE_PEM_MAX);
	err = certificate_key_to_pem(engine_identity(e->engine)->tls, &text);
	if (!failed(err)) {
		*pem = strdup(buf_cstr(&text));
		err = *pem ? ERR_NONE : err_make(ERR_NO_MEMORY, "a key");
	}
	buf_wipe(&text);
	return (int)err.code;
}

void entente_wipe(char *text)
{
	if (text)
		wipe(text, strlen(text));
	free(text);
}

/* ---- requests, answers, events ---- */

bool entente_next(struct entente *e, struct entente_request *out)
{
	const struct engine_call *call;

	if (!engine_next(e->engine, &call))
		return false;
	out->id = call->id;
	out->method = keep(&e->method, call->method);
	out->target = keep(&e->target, call->target);
	out->fields = e->fields;
	out->fields_count = 0;
	for (size_t i = 0; i < call->fields_count && i < FIELDS_MAX; i++) {
		e->fields[i].name = keep(&e->names[i], call->fields[i].name);
		e->fields[i].value = keep(&e->values[i], call->fields[i].value);
		out->fields_count++;
	}
	out->body = bytes_of(call->body);
	out->wait_s = call->wait_s;
	return true;
}

uint64_t entente_wait_ms(const struct entente *e)
{
	return engine_wait_ms(e->engine);
}

void entente_answer(struct entente *e, uint64_t id, int status,
		    const struct entente_field *fields, size_t fields_count,
		    const uint8_t *body, size_t body_len)
{
	struct http_field *list = calloc(fields_count + 1, sizeof(*list));

	for (size_t i = 0; list && i < fields_count; i++)
		list[i] = (struct http_field){span_str(fields[i].name),
					      span_str(fields[i].value)};
	engine_answer(e->engine, id, list ? status : 0,
		      (struct http_fields){list, list ? fields_count : 0},
		      span_of(body, body_len),
		      list ? ERR_NONE : err_make(ERR_NO_MEMORY, "an answer"));
	free(list);
}

bool entente_event(struct entente *e, struct entente_event *out)
{
	static const enum entente_event_kind kinds[] = {
		[ENGINE_CHANGED] = ENTENTE_CHANGED,
		[ENGINE_DROPPED] = ENTENTE_DROPPED,
		[ENGINE_PROGRESS] = ENTENTE_PROGRESS,
		[ENGINE_DONE] = ENTENTE_DONE,
		[ENGINE_FAILED] = ENTENTE_FAILED,
	};
	const struct doc_id no_document = {0};
	const struct digest no_digest = {0};
	struct engine_event event;

	if (!engine_event(e->engine, &event))
		return false;
	e->document[0] = e->revision[0] = 0;
	if (!doc_id_eq(event.document, no_document))
		doc_id_format(event.document, e->document);
	if (!digest_eq(event.digest, no_digest))
		digest_format(event.digest, e->revision);
	*out = (struct entente_event){
		.kind = kinds[event.kind],
		.task = event.task,
		.document = e->document,
		.revision = e->revision,
		.done = event.done,
		.total = event.total,
		.code = (int)event.why.code,
		.text = event.detail[0]	    ? event.detail
			: failed(event.why) ? err_row(event.why.code)->title
					    : "",
		.mend = event.mend[0]	    ? event.mend
			: failed(event.why) ? err_row(event.why.code)->mend
					    : "",
		.reference = event.reference,
	};
	return true;
}

/* ---- tasks ---- */

static struct err find_head(struct entente *e, const char *document,
			    const char *revision, struct doc_id *id,
			    struct digest *digest)
{
	struct err err = doc_id_parse(span_str(document), id);

	return failed(err) ? err : digest_parse(span_str(revision), digest);
}

int entente_enrol(struct entente *e, const char *token, uint64_t *task)
{
	return (int)engine_enrol(e->engine, span_str(token), task).code;
}

int entente_pull(struct entente *e, unsigned wait_s, uint64_t *task)
{
	return (int)engine_pull(e->engine, wait_s, task).code;
}

int entente_fetch(struct entente *e, const char *document, const char *revision,
		  uint64_t *task)
{
	struct doc_id id;
	struct digest digest;
	struct err err = find_head(e, document, revision, &id, &digest);

	if (!failed(err))
		err = engine_fetch(e->engine, id, digest, task);
	return (int)err.code;
}

static int put(struct entente *e, const struct engine_put *order,
	       uint64_t *task)
{
	struct doc_id id;
	struct digest digest;

	return (int)engine_put(e->engine, order, &id, &digest, task).code;
}

int entente_create(struct entente *e, const char *space, const uint8_t *label,
		   size_t label_len, const char *title, const uint8_t *bytes,
		   size_t len, uint64_t *task)
{
	struct engine_put order = {
		.space = span_str(space),
		.label = span_of(label, label_len),
		.title = span_str(title),
		.content.bytes = span_of(bytes, len),
	};

	return put(e, &order, task);
}

int entente_edit(struct entente *e, const char *document, const char *title,
		 const uint8_t *bytes, size_t len, uint64_t *task)
{
	struct engine_put order = {
		.edit = true,
		.title = span_str(title),
		.content.bytes = span_of(bytes, len),
	};
	struct err err = doc_id_parse(span_str(document), &order.id);

	return failed(err) ? (int)err.code : put(e, &order, task);
}

static int state(struct entente *e, const char *document,
		 enum statement_kind kind, struct span label, uint64_t *task)
{
	struct doc_id id;
	struct err err = doc_id_parse(span_str(document), &id);

	if (!failed(err))
		err = engine_state(e->engine, id, kind, label, task);
	return (int)err.code;
}

int entente_delete(struct entente *e, const char *document, uint64_t *task)
{
	return state(e, document, STATEMENT_DELETE, (struct span){0}, task);
}

int entente_recall(struct entente *e, const char *document, uint64_t *task)
{
	return state(e, document, STATEMENT_RECALL, (struct span){0}, task);
}

int entente_relabel(struct entente *e, const char *document,
		    const uint8_t *label, size_t label_len, uint64_t *task)
{
	return state(e, document, STATEMENT_LABEL, span_of(label, label_len),
		     task);
}

int entente_resume(struct entente *e)
{
	size_t count;

	return (int)engine_resume(e->engine, &count).code;
}

/* ---- what is here ---- */

size_t entente_count(const struct entente *e)
{
	return engine_journal(e->engine)->documents_count;
}

const char *entente_document(struct entente *e, size_t i)
{
	e->document[0] = 0;
	if (i < entente_count(e))
		doc_id_format(engine_journal(e->engine)->documents[i].id,
			      e->document);
	return e->document;
}

static const struct journal_document *find(struct entente *e,
					   const char *document)
{
	struct doc_id id;

	return failed(doc_id_parse(span_str(document), &id))
		       ? NULL
		       : journal_find_document(engine_journal(e->engine), id);
}

size_t entente_heads_count(struct entente *e, const char *document)
{
	const struct journal_document *d = find(e, document);

	return d ? d->heads_count : 0;
}

static struct span marking_of(const struct journal *j,
			      const struct journal_head *h)
{
	const struct journal_shelf *s = journal_find_shelf(j, h->shelf);
	const struct journal_label *l =
		s && s->labels_count ? journal_find_label(j, s->labels[0])
				     : NULL;

	return l ? l->marking : (struct span){0};
}

int entente_head(struct entente *e, const char *document, size_t i,
		 struct entente_head *out)
{
	const struct journal_document *d = find(e, document);
	const struct journal_head *h;
	struct manifest m;
	struct arena arena;
	struct err err;

	if (!d || i >= d->heads_count)
		return ERR_NOT_FOUND;
	h = &d->heads[i];
	arena_init(&arena, 256 * 1024);
	err = manifest_decode(h->manifest, &arena, &m);
	if (!failed(err)) {
		digest_format(h->digest, e->revision);
		dot_format(h->dot, e->dot);
		buf_wipe(&e->title);
		buf_init(&e->title, TEXT_MAX);
		(void)engine_title(e->engine, d->id, h->digest, &e->title).code;
		*out = (struct entente_head){
			.revision = e->revision,
			.title = buf_cstr(&e->title),
			.dot = e->dot,
			.space = keep(&e->space, d->opening.space),
			.marking =
				keep(&e->marking,
				     marking_of(engine_journal(e->engine), h)),
			.size = m.size,
			.time = m.time,
			.winner = h == journal_winner(d),
			.content_here =
				engine_has_content(e->engine, d->id, h->digest),
			.sealed = h->seal.len > 0,
		};
	}
	arena_clear(&arena);
	return (int)err.code;
}

int entente_export(struct entente *e, const char *document,
		   const char *revision, const char *path)
{
	struct doc_id id;
	struct digest digest;
	struct err err = find_head(e, document, revision, &id, &digest);

	if (!failed(err))
		err = engine_read(e->engine, id, digest, path, NULL);
	return (int)err.code;
}
