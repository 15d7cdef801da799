/*
 * Takes from a process what its role does not need: Landlock for files and
 * TCP, seccomp for system calls, no core dumps, no new privileges.
 *
 * Two steps.  confine_files comes first, before any thread is started, for
 * Landlock binds the calling thread and those made later; confine_calls comes
 * when everything is open, and binds all threads.  What this machine cannot
 * do is left out, and `applied` says so; a sanitizer build applies nothing.
 *
 *	guard  files below the relay's folder; no sockets, no programs
 *	front  no files; no new sockets but accepted ones, no programs
 *	link   reads /etc (names); TCP connections outward, no programs
 */
#ifndef RELAY_CONFINE_H
#define RELAY_CONFINE_H

#include "proto/base/err.h"

enum confine_role { CONFINE_GUARD, CONFINE_FRONT, CONFINE_LINK };

/* A word for the log: Landlock's ABI, "yes", "none" or "sanitizer". */
struct confine_applied {
	char text[16];
};

/* `folder` is the relay's; only the guard's role uses it. */
struct err confine_files(enum confine_role role, const char *folder,
			 struct confine_applied *applied);
struct err confine_calls(enum confine_role role,
			 struct confine_applied *applied);

#endif
