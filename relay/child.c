#include "relay/child.h"
#include "relay/log.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* What the pieces of long bodies need again at once stays with the process,
 * rather than being faulted in anew for each. */
enum { KEEP_FREED = 2 * 1024 * 1024, MAP_BEYOND = 1024 * 1024 };

struct err child_hello(struct control_start *start)
{
	struct control_packet p = {.start = start};
	bool have;
	struct err e;

	/* Whoever stops the daemon speaks to the supervisor, which tells its
	 * children in order; a terminal or systemd signals all at once. */
	mallopt(M_MMAP_THRESHOLD, MAP_BEYOND);
	mallopt(M_TRIM_THRESHOLD, KEEP_FREED);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	e = control_recv(CONTROL_FD, &p, &have);
	if (failed(e))
		return e;
	if (!have || p.kind != CONTROL_START)
		return err_make(ERR_USAGE,
				"started by hand: start `entented` instead");
	return ERR_NONE;
}

static void stop(struct child *c)
{
	if (c->stopped)
		return;
	c->stopped = true;
	uv_poll_stop(&c->control);
	c->on_stop(c->owner);
}

static void on_control(uv_poll_t *poll, int status, int events)
{
	struct child *c = poll->data;
	struct control_packet p = {0};
	bool have = true;

	while (have && !c->stopped) {
		struct err e = control_recv(CONTROL_FD, &p, &have);

		if (failed(e)) {
			log_fault("control", e);
			stop(c);
			return;
		}
		if (!have)
			return;
		switch (p.kind) {
		case CONTROL_LANES:
			c->on_lanes(c->owner, p.peer, p.fds[0], p.fds[1]);
			break;
		case CONTROL_STOP:
			stop(c);
			break;
		case CONTROL_STANDING:
			if (c->on_standing)
				c->on_standing(c->owner, p.reference);
			break;
		case CONTROL_START:
		case CONTROL_READY:
			break;
		}
	}
}

struct err child_listen(struct child *c, uv_loop_t *loop)
{
	int flags = fcntl(CONTROL_FD, F_GETFL);

	if (flags < 0 || fcntl(CONTROL_FD, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    uv_poll_init(loop, &c->control, CONTROL_FD))
		return err_make(ERR_IO, "control socket");
	c->control.data = c;
	if (uv_poll_start(&c->control, UV_READABLE | UV_DISCONNECT, on_control))
		return err_make(ERR_IO, "control socket");
	return ERR_NONE;
}

void child_ready(void)
{
	struct control_packet p = {.kind = CONTROL_READY};
	struct err e = control_send(CONTROL_FD, &p);

	if (failed(e))
		log_fault("control", e);
}

void child_close(struct child *c)
{
	if (!uv_is_closing((uv_handle_t *)&c->control))
		uv_close((uv_handle_t *)&c->control, NULL);
}

static uint64_t clock_of(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t child_utc_ms(void *self)
{
	return clock_of(CLOCK_REALTIME);
}

uint64_t child_now_ms(void)
{
	return clock_of(CLOCK_MONOTONIC);
}
