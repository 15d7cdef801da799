/*
 * A whole daemon in a temporary folder, with the echo core as its guard:
 * certificates, configuration, start, what its processes are, and stop.
 */
#ifndef TESTS_RELAY_DAEMON_H
#define TESTS_RELAY_DAEMON_H

#include "proto/base/buf.h"
#include "proto/base/id.h"
#include "tests/relay/client.h"

#include <sys/types.h>

enum daemon_role { DAEMON_GUARD, DAEMON_LINK, DAEMON_FRONT, DAEMON_ROLES };

struct daemon {
	char folder[64]; /* of the relay */
	char programs[96];
	char log[96];
	pid_t pid;
	uint16_t device, peer, admin;
	struct buf ca, ca_der, certificate, key; /* of one device; PEM */
	struct digest ca_digest;
};

/* Makes folder and certificates; starts it and waits until it is ready. Each
 * asserts that it succeeds. */
void daemon_new(struct daemon *d);
/* The certificates of another daemon's nation, too. */
void daemon_start(struct daemon *d);
/* SIGTERM; asserts that it stops in order, with status 0. */
void daemon_stop(struct daemon *d);
void daemon_free(struct daemon *d);

/* The child of that role now, or 0. */
pid_t daemon_child(const struct daemon *d, enum daemon_role role);
/* Waits until the role has a process that is not `old`, and the relay answers
 * again. */
void daemon_wait_new(struct daemon *d, enum daemon_role role, pid_t old);
/* Resident bytes of a process. */
size_t daemon_resident(pid_t pid);
/* True if the log has `text`. */
bool daemon_logged(const struct daemon *d, const char *text);
/* With the device's certificate, on the device listener. */
bool daemon_connect(const struct daemon *d, struct client *c);
/* A path below the folder. */
void daemon_write(const struct daemon *d, const char *name,
		  struct span content);

/* True under a sanitizer: memory is not measured then. */
bool daemon_sanitized(void);

#endif
