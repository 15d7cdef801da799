/*
 * A nation's relay as it is run: the folder that `entente init` makes, the
 * real programs with guard, link and fronts, listening on loopback.
 *
 * Ports are free ones below those that outgoing connections take, so that a
 * relay that was killed finds its own again.  Only what was started here is
 * ever killed.  Every fault of the support itself ends the test program, and
 * takes the daemons along.
 */
#ifndef TESTS_DAEMON_NATION_DAEMON_H
#define TESTS_DAEMON_NATION_DAEMON_H

#include "proto/base/buf.h"
#include "proto/base/id.h"

#include <sys/types.h>

enum {
	NATION_DAEMON_PATH = 160,
	NATION_DAEMON_FRONTS = 1,
	NATION_DAEMON_READY_MS = 30 * 1000,
};

#define NATION_DAEMON_PASSPHRASE "a passphrase of the tests"

enum nation_daemon_role {
	ROLE_SUPERVISOR,
	ROLE_GUARD,
	ROLE_FRONT,
	ROLE_LINK,
	ROLES,
};

struct nation_daemon {
	char nation[NATION_LEN + 1];
	char base[64];			 /* everything below /tmp */
	char folder[NATION_DAEMON_PATH]; /* of the relay */
	char secret[NATION_DAEMON_PATH]; /* the passphrase's file */
	char log[NATION_DAEMON_PATH];
	uint16_t device, peer, admin; /* ports */
	pid_t pid;		      /* of the supervisor; 0: not running */
	/* Another guard than the real one, under <build>; NULL: none.  Taken
	 * by the next start. */
	const char *guard;
};

/* Makes the folder, with the example policies and the ceiling RESTRICTED. */
void nation_daemon_new(struct nation_daemon *d, const char *nation);
/* The same, the relay's own folder below `parent`, which is another disk. */
void nation_daemon_new_at(struct nation_daemon *d, const char *nation,
			  const char *parent);
/* Starts it and waits until it is ready. */
void nation_daemon_start(struct nation_daemon *d);
/* Starts it and does not wait. */
void nation_daemon_begin(struct nation_daemon *d);
/* SIGTERM; it must end in order, with status 0. */
void nation_daemon_stop(struct nation_daemon *d);
/* SIGKILL to the supervisor; waits until none of its processes is left. */
void nation_daemon_kill(struct nation_daemon *d);
/* Kills what runs, removes the folder (kept with ENTENTE_KEEP). */
void nation_daemon_free(struct nation_daemon *d);

/* ---- its processes ---- */

/* The process in that role now, or 0. */
pid_t nation_daemon_pid(const struct nation_daemon *d,
			enum nation_daemon_role role);
const char *nation_daemon_role_name(enum nation_daemon_role role);
/* Kills that one (no supervisor); waits until another is there and the relay
 * answers again. */
void nation_daemon_kill_role(struct nation_daemon *d,
			     enum nation_daemon_role role);
/* True if the process has that text in one of its mappings' names. */
bool nation_daemon_maps(pid_t pid, const char *text);
/* Anonymous resident bytes (RssAnon): what a process holds itself.  Pages of
 * mapped files, the store's among them, are the kernel's to drop. */
uint64_t nation_daemon_anon(pid_t pid);
/* True if the log has `text`. */
bool nation_daemon_logged(const struct nation_daemon *d, const char *text);

/* The most that each role held since nation_daemon_watch. */
struct nation_daemon_watch {
	const struct nation_daemon *daemon;
	pid_t pids[ROLES];
	uint64_t before[ROLES], most[ROLES];
};
void nation_daemon_watch(struct nation_daemon_watch *w,
			 const struct nation_daemon *d);
void nation_daemon_look(struct nation_daemon_watch *w);
/* Prints what each grew by, and returns the most that one did. */
uint64_t nation_daemon_grown(struct nation_daemon_watch *w, const char *what);

/* ---- programs ---- */

/* <build>/NAME. */
void nation_daemon_program(const char *name, char out[512]);
/* Runs a command line of sh; its output, errors too, is appended to `out`
 * (NULL: dropped).  Returns the exit status; ends at `limit_s` with 124. */
int nation_daemon_shell(struct buf *out, unsigned limit_s, const char *format,
			...) __attribute__((format(printf, 3, 4)));
/* `entente ARGUMENTS`, likewise; "@" in the arguments stands for the relay's
 * folder. */
int nation_daemon_entente(const struct nation_daemon *d, struct buf *out,
			  const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- what an operator does ---- */

/* A subject with all rights, in these spaces ("GBR/ops,DEU/ops"); `clearance`
 * is a name of docs/policy/clearances. */
void nation_daemon_subject(const struct nation_daemon *d, const char *name,
			   const char *clearance, const char *spaces);
/* A token for one device. */
void nation_daemon_invite(const struct nation_daemon *d, const char *subject,
			  struct buf *token);
/* `a` invites `b`, who accepts; each profile is the other nation's clearance
 * RESTRICTED, in every space.  Waits until the peering stands on both. */
void nation_daemon_peer(const struct nation_daemon *a,
			const struct nation_daemon *b);
/* The audit's chain is whole, says its auditor. */
bool nation_daemon_audit_is_sound(const struct nation_daemon *d);

/* ---- for those who wait ---- */

uint64_t nation_daemon_now_ms(void);
void nation_daemon_sleep_ms(unsigned ms);
void nation_daemon_check(struct err e, const char *file, int line);
#define must(e) nation_daemon_check((e), __FILE__, __LINE__)

#endif
