/*
 * A device, as an iPad would be: the client's engine in a folder of its own,
 * and one connection to its relay that is made anew when it ends.
 *
 * One pad is one thread's.  A pad calls nothing of cmocka: what a relay
 * refuses is its return value.
 */
#ifndef TESTS_DAEMON_PAD_H
#define TESTS_DAEMON_PAD_H

#include "client/engine.h"
#include "client/http.h"
#include "tests/daemon/nation_daemon.h"

enum { PAD_CALLS = 64, PAD_TARGET = 192 };

/* Sees every answer as it came over the wire, before the engine does. */
struct pad_watch {
	void (*answer)(void *self, const char *target, int status,
		       struct span body);
	void *self;
};

struct pad {
	char folder[NATION_DAEMON_PATH];
	struct pad_watch watch; /* `answer` NULL: nobody */
	struct {
		uint64_t id;
		char target[PAD_TARGET];
	} calls[PAD_CALLS]; /* sent last, for the watch */
	struct engine *engine;
	struct http_connection *connection;
	struct err refused;   /* of the last task that failed */
	struct digest digest; /* of the last task that was done */
	struct dot dot;
};

/* Enrols a new device of that subject. */
void pad_new(struct pad *p, const struct nation_daemon *d, const char *subject);
/* The same, with a token that an officer gave; what failed, where the relay
 * did not take it or no answer came.  `p` is to be freed in any case. */
struct err pad_enrol(struct pad *p, const struct nation_daemon *d,
		     struct span token);
void pad_free(struct pad *p);
/* Drops its connection: the next request makes a new one. */
void pad_leave(struct pad *p);
/* Works until nothing is left to do; the error of the last task that
 * failed. */
struct err pad_drive(struct pad *p);

/* Everything that changed. */
struct err pad_sync(struct pad *p);
/* What was left behind by tasks that failed, then pad_sync. */
struct err pad_resume(struct pad *p);
/* A new document; `label` is a name of docs/policy/labels. `digest` may be
 * NULL. */
struct err pad_put(struct pad *p, const char *space, const char *label,
		   const char *title, struct span content, struct doc_id *id,
		   struct digest *digest);
struct err pad_edit(struct pad *p, struct doc_id id, struct span content,
		    struct digest *digest);
/* A statement; `label` is NULL unless it is one. */
struct err pad_state(struct pad *p, struct doc_id id, enum statement_kind kind,
		     const char *label);
/* The plaintext of the winner, fetched where it is not here yet;
 * ERR_NOT_FOUND. */
struct err pad_read(struct pad *p, struct doc_id id, struct buf *out);
/* Of one head. */
struct err pad_read_head(struct pad *p, struct doc_id id,
			 struct digest revision, struct buf *out);
/* Heads that this device holds of it. */
size_t pad_heads(const struct pad *p, struct doc_id id);

/* Syncs until the winner reads `content` (NULL: until it is gone), for `ms`
 * at most. */
bool pad_sees(struct pad *p, struct doc_id id, const char *content,
	      unsigned ms);

/* Writes device.pem, device.key and ca.pem into its folder, for other clients. */
void pad_write_pem(const struct pad *p);

#endif
