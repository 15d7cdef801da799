/*
 * Entente for an iPad app: documents of a nation's relay, in sync.
 *
 * Plain C, for Swift through module.modulemap.  No sockets and no threads:
 * the app asks entente_next for the request that is due, sends it with its
 * own URLSession (HTTP/2 over TLS 1.3, the client certificate of
 * entente_trust, the server's chain pinned to its CA), and hands the answer
 * to entente_answer.  Call from one thread at a time.
 *
 * Every function that can fail returns 0 or a code of entente_code; its text
 * and mend come from entente_code_text and entente_code_mend.  Text is UTF-8
 * and NUL-terminated; ids are UUID text of 36 characters, digests base64url
 * of 43.  What a function gives out is borrowed until the next call with the
 * same `struct entente`, unless it says otherwise.
 */
#ifndef ENTENTE_H
#define ENTENTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct entente;

/* Borrowed bytes. */
struct entente_bytes {
	const uint8_t *at;
	size_t len;
};

struct entente_field {
	const char *name; /* lower case */
	const char *value;
};

/* One request to send. */
struct entente_request {
	uint64_t id;
	const char *method;
	const char *target; /* path and query */
	const struct entente_field *fields;
	size_t fields_count;
	struct entente_bytes body;
	unsigned wait_s; /* how long the relay may hold the answer */
};

/* Whom to call, and as whom. */
struct entente_trust {
	const char *endpoint;	 /* host:port */
	struct entente_bytes ca; /* DER to pin; empty: by its digest */
	uint8_t ca_sha256[32];
	struct entente_bytes certificate; /* DER; empty before enrolment */
};

enum entente_event_kind {
	ENTENTE_NO_EVENT,
	ENTENTE_CHANGED,  /* a document is new or changed */
	ENTENTE_DROPPED,  /* a document is gone for this device */
	ENTENTE_PROGRESS, /* `done` of `total` bytes */
	ENTENTE_DONE,	  /* the task is over */
	ENTENTE_FAILED,	  /* the task is over: `code` */
};

struct entente_event {
	enum entente_event_kind kind;
	uint64_t task;
	const char *document; /* id, or "" */
	const char *revision; /* digest, or "" */
	uint64_t done, total;
	int code;
	const char *text, *mend, *reference;
};

/* One head of a document. */
struct entente_head {
	const char *revision; /* digest */
	const char *title;    /* "" until its key is here */
	const char *dot;      /* "GBR.2:7" */
	const char *space;
	const char *marking; /* to be shown with it; "" until fetched */
	uint64_t size;	     /* of the plaintext */
	uint64_t time;	     /* UTC seconds, as its author says */
	bool winner;
	bool content_here;
	bool sealed; /* its nation's seal has come */
};

/* ---- open and close ---- */

/* `passphrase` may be NULL: then the folder's key lies in a plain file. */
int entente_open(const char *folder, const char *passphrase,
		 struct entente **out);
void entente_close(struct entente *e);

const char *entente_code_text(int code);
const char *entente_code_mend(int code);

bool entente_enrolled(const struct entente *e);
void entente_trust(struct entente *e, struct entente_trust *out);
/* The private key of the TLS certificate as PEM, for a keychain; the caller
 * wipes and frees it with entente_wipe. */
int entente_tls_key(struct entente *e, char **pem);
void entente_wipe(char *text);

/* ---- requests, answers, events ---- */

bool entente_next(struct entente *e, struct entente_request *out);
/* Where entente_next gives nothing: milliseconds after which to ask again,
 * because the relay was busy; 0: a request will not come by itself. */
uint64_t entente_wait_ms(const struct entente *e);
/* `status` 0: the relay could not be reached. */
void entente_answer(struct entente *e, uint64_t id, int status,
		    const struct entente_field *fields, size_t fields_count,
		    const uint8_t *body, size_t body_len);
bool entente_event(struct entente *e, struct entente_event *out);

/* ---- tasks: each ends with one ENTENTE_DONE or ENTENTE_FAILED ---- */

int entente_enrol(struct entente *e, const char *token, uint64_t *task);
int entente_pull(struct entente *e, unsigned wait_s, uint64_t *task);
int entente_fetch(struct entente *e, const char *document, const char *revision,
		  uint64_t *task);
/* A new document of `space` under the label `label` (STANAG 4774 XML). */
int entente_create(struct entente *e, const char *space, const uint8_t *label,
		   size_t label_len, const char *title, const uint8_t *bytes,
		   size_t len, uint64_t *task);
/* An edit over every head that is known here. */
int entente_edit(struct entente *e, const char *document, const char *title,
		 const uint8_t *bytes, size_t len, uint64_t *task);
int entente_delete(struct entente *e, const char *document, uint64_t *task);
int entente_recall(struct entente *e, const char *document, uint64_t *task);
int entente_relabel(struct entente *e, const char *document,
		    const uint8_t *label, size_t label_len, uint64_t *task);
/* Tasks for what an earlier process did not finish sending. */
int entente_resume(struct entente *e);

/* ---- what is here ---- */

size_t entente_count(const struct entente *e);
/* The id of the i-th document; "" beyond the end. */
const char *entente_document(struct entente *e, size_t i);
size_t entente_heads_count(struct entente *e, const char *document);
int entente_head(struct entente *e, const char *document, size_t i,
		 struct entente_head *out);
/* The plaintext of a fetched head, written to the file `path`. */
int entente_export(struct entente *e, const char *document,
		   const char *revision, const char *path);

#ifdef __cplusplus
}
#endif

#endif
