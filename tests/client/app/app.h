/* An app that knows nothing but client/entente.h: what it does over requests
 * that somebody else sends for it. */
#ifndef TESTS_CLIENT_APP_H
#define TESTS_CLIENT_APP_H

#include "client/entente.h"

struct app_answer {
	int status; /* 0: none came */
	const struct entente_field *fields;
	size_t fields_count;
	const uint8_t *body;
	size_t body_len;
};

/* Sends one request; what it gives is good until the next. */
struct app_sender {
	void (*send)(void *self, const struct entente_trust *trust,
		     const struct entente_request *request,
		     struct app_answer *out);
	void *self;
};

/* Each returns 0 or the code of entente_code_text. */
int app_enrol(struct entente *e, const struct app_sender *to,
	      const char *token);
/* Pulls, and fetches the content of every head. */
int app_sync(struct entente *e, const struct app_sender *to);
int app_create(struct entente *e, const struct app_sender *to,
	       const char *space, const uint8_t *label, size_t label_len,
	       const char *title, const uint8_t *bytes, size_t len);
int app_edit(struct entente *e, const struct app_sender *to,
	     const char *document, const char *title, const uint8_t *bytes,
	     size_t len);
int app_delete(struct entente *e, const struct app_sender *to,
	       const char *document);

#endif
