/* An app that knows nothing but client/entente.h. */
#include "app.h"

/* Sends until nothing is left; the code of the first task that failed. */
static int drive(struct entente *e, const struct app_sender *to)
{
	struct entente_request request;
	struct entente_event event;
	struct entente_trust trust;
	int code = 0;

	while (entente_next(e, &request)) {
		struct app_answer answer = {0};

		entente_trust(e, &trust);
		to->send(to->self, &trust, &request, &answer);
		entente_answer(e, request.id, answer.status, answer.fields,
			       answer.fields_count, answer.body,
			       answer.body_len);
	}
	while (entente_event(e, &event))
		if (event.kind == ENTENTE_FAILED && !code)
			code = event.code ? event.code : -1;
	return code;
}

int app_enrol(struct entente *e, const struct app_sender *to, const char *token)
{
	uint64_t task;
	int code = entente_enrol(e, token, &task);

	return code ? code : drive(e, to);
}

/* The i-th id in memory of its own: what is borrowed ends with the next
 * call. */
static void copy(const char *from, char *to, size_t room)
{
	size_t n = 0;

	while (from[n] && n + 1 < room) {
		to[n] = from[n];
		n++;
	}
	to[n] = 0;
}

int app_sync(struct entente *e, const struct app_sender *to)
{
	uint64_t task;
	int code = entente_pull(e, 0, &task);

	if (!code)
		code = drive(e, to);
	for (size_t i = 0; !code && i < entente_count(e); i++) {
		char id[37];
		size_t heads;

		copy(entente_document(e, i), id, sizeof(id));
		heads = entente_heads_count(e, id);
		for (size_t h = 0; !code && h < heads; h++) {
			struct entente_head head;
			char revision[44];

			code = entente_head(e, id, h, &head);
			if (code)
				break;
			copy(head.revision, revision, sizeof(revision));
			code = entente_fetch(e, id, revision, &task);
			if (!code)
				code = drive(e, to);
		}
	}
	return code;
}

int app_create(struct entente *e, const struct app_sender *to,
	       const char *space, const uint8_t *label, size_t label_len,
	       const char *title, const uint8_t *bytes, size_t len)
{
	uint64_t task;
	int code = entente_create(e, space, label, label_len, title, bytes, len,
				  &task);

	return code ? code : drive(e, to);
}

int app_edit(struct entente *e, const struct app_sender *to,
	     const char *document, const char *title, const uint8_t *bytes,
	     size_t len)
{
	uint64_t task;
	int code = entente_edit(e, document, title, bytes, len, &task);

	return code ? code : drive(e, to);
}

int app_delete(struct entente *e, const struct app_sender *to,
	       const char *document)
{
	uint64_t task;
	int code = entente_delete(e, document, &task);

	return code ? code : drive(e, to);
}
