/*
 * Starts one child: fork and exec of a program beside our own, with its
 * control socket and further descriptors in their places.  The child dies
 * with its parent.
 */
#ifndef RELAY_SPAWN_H
#define RELAY_SPAWN_H

#include "proto/base/err.h"

#include <stddef.h>
#include <sys/types.h>

enum { SPAWN_FDS_MAX = 8 };

struct spawn_order {
	const char *program;	  /* "entented-guard": beside this program */
	const char *arguments[4]; /* after the program's name; NULL ends */
	int fds[SPAWN_FDS_MAX];	  /* become CONTROL_FIRST_FD and up */
	size_t fd_count;
};

/* `control` is our end, which does not block. ERR_IO, ERR_NO_MEMORY. */
struct err spawn(const struct spawn_order *order, pid_t *pid, int *control);

#endif
