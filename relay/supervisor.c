#define _GNU_SOURCE
#include "relay/supervisor.h"
#include "relay/control.h"
#include "relay/listen.h"
#include "relay/log.h"
#include "relay/reference.h"
#include "relay/spawn.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHILDREN_MAX = 2 + CONFIG_FRONTS_MAX };

enum child_state { CHILD_DOWN, CHILD_STARTING, CHILD_UP };

struct kid {
	enum control_peer role;
	unsigned number; /* of a front */
	enum child_state state;
	pid_t pid;
	int control;
	uint64_t began_ms, again_ms;
	uint64_t delay_ms;
};

/* The order of stopping, and of who is waited for. */
enum stage { RUNNING, STOP_FRONTS, STOP_LINK, STOP_GUARD, STOPPED };

struct supervisor {
	const struct supervisor_options *options;
	int listeners[ROUTE_LISTENERS];
	struct address addresses[ROUTE_LISTENERS];
	struct kid kids[CHILDREN_MAX]; /* guard, link, fronts */
	size_t count;
	int signals;
	struct inhand *page;
	int page_fd;
	struct inhand_record record;
	enum stage stage;
	uint64_t stage_ms;
	bool was_ready, gave_up;
	int status;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static const char *role_name(enum control_peer role)
{
	return role == CONTROL_GUARD  ? "guard"
	       : role == CONTROL_LINK ? "link"
				      : "front";
}

static void log_kid(const struct kid *k, const char *what, const char *outcome)
{
	struct log_line l;

	log_begin(&l, what);
	log_str(&l, "child", role_name(k->role));
	if (k->role == CONTROL_FRONT)
		log_u64(&l, "number", k->number);
	log_u64(&l, "pid", (uint64_t)k->pid);
	if (outcome)
		log_str(&l, "outcome", outcome);
	log_end(&l);
}

/* ---- starting ---- */

static void endpoint_text(const struct supervisor *s, const char *given,
			  enum route_listener listener, char *out)
{
	if (given[0])
		strcpy(out, given);
	else
		address_format(&s->addresses[listener], out);
}

static void list_digests(const struct supervisor *s,
			 struct control_start *start)
{
	for (size_t i = 0; i < s->record.count; i++) {
		if (s->record.seen[i].deaths >= 2)
			start->quarantined[start->quarantined_count++] =
				s->record.seen[i].digest;
		else
			start->suspects[start->suspect_count++] =
				s->record.seen[i].digest;
	}
}

/* Of refusals while there is no guard: names this moment. */
static struct err standing_reference(const struct supervisor *s,
				     char out[CONTROL_REFERENCE_MAX])
{
	struct reference r =
		{.time = (uint64_t)time(NULL),
		 .who_id = "supervisor",
		 .code = ERR_BUSY,
		 .reason = "no guard; one was last seen before this"};
	const struct random random = {.fill = crypto_random_fill};
	uint8_t key[CRYPTO_SIV_KEY_LEN];
	struct buf text;
	struct err e = ERR_NONE;

	out[0] = 0;
	if (!s->options->root_key)
		return ERR_NONE;
	buf_init(&text, REFERENCE_TEXT_MAX);
	e = reference_standing_key(s->options->root_key, key);
	if (!failed(e))
		e = reference_write(key, REFERENCE_STANDING, &random, &r,
				    &text);
	if (!failed(e))
		snprintf(out, CONTROL_REFERENCE_MAX, "%s", buf_cstr(&text));
	wipe(key, sizeof(key));
	buf_clear(&text);
	return e;
}

static struct err send_start(struct supervisor *s, const struct kid *k)
{
	const struct config *c = s->options->config;
	struct control_start *start = calloc(1, sizeof(*start));
	struct control_packet p = {.kind = CONTROL_START, .start = start};
	struct err e;

	if (!start)
		return err_make(ERR_NO_MEMORY, "start");
	start->json = s->options->json;
	strcpy(start->folder, c->folder);
	start->nation = c->nation;
	strcpy(start->name, c->name);
	strcpy(start->ceiling, c->ceiling);
	endpoint_text(s, c->endpoint, ROUTE_DEVICE, start->endpoint);
	endpoint_text(s, c->peer_endpoint, ROUTE_PEER, start->peer_endpoint);
	start->quota_bytes = c->quota_bytes;
	if (k->role == CONTROL_GUARD && s->options->root_key) {
		start->has_root_key = true;
		memcpy(start->root_key, s->options->root_key,
		       sizeof(start->root_key));
		list_digests(s, start);
	}
	e = k->role == CONTROL_FRONT ? standing_reference(s, start->reference)
				     : ERR_NONE;
	if (!failed(e))
		e = control_send(k->control, &p);
	wipe(start, sizeof(*start));
	free(start);
	return e;
}

static void kill_kid(struct kid *k)
{
	if (k->state != CHILD_DOWN)
		kill(k->pid, SIGKILL); /* its end comes with SIGCHLD */
}

/* New lanes between the guard and `other`. */
static void join(struct kid *guard, struct kid *other)
{
	int requests[2] = {-1, -1}, bulk[2] = {-1, -1};
	struct control_packet to_guard = {.kind = CONTROL_LANES,
					  .peer = other->role};
	struct control_packet to_other = {.kind = CONTROL_LANES,
					  .peer = CONTROL_GUARD};
	const int kind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

	if (guard->state == CHILD_DOWN || other->state == CHILD_DOWN)
		return;
	if (socketpair(AF_UNIX, kind, 0, requests) != 0 ||
	    socketpair(AF_UNIX, kind, 0, bulk) != 0) {
		log_note("lanes", "outcome", "no socket pair");
		kill_kid(other);
		goto out;
	}
	to_guard.fds[0] = requests[0];
	to_guard.fds[1] = bulk[0];
	to_other.fds[0] = requests[1];
	to_other.fds[1] = bulk[1];
	if (failed(control_send(guard->control, &to_guard)))
		kill_kid(guard);
	if (failed(control_send(other->control, &to_other)))
		kill_kid(other);
out:
	for (int i = 0; i < 2; i++) {
		if (requests[i] >= 0)
			close(requests[i]);
		if (bulk[i] >= 0)
			close(bulk[i]);
	}
}

static struct err spawn_kid(struct supervisor *s, struct kid *k)
{
	struct spawn_order order = {.program = "entented-front"};

	switch (k->role) {
	case CONTROL_GUARD:
		order.program = "entented-guard";
		order.fds[order.fd_count++] = s->page_fd;
		break;
	case CONTROL_LINK:
		order.arguments[0] = "link";
		break;
	case CONTROL_FRONT:
		order.arguments[0] = "front";
		for (int i = 0; i < ROUTE_LISTENERS; i++)
			order.fds[order.fd_count++] = s->listeners[i];
		break;
	}
	return spawn(&order, &k->pid, &k->control);
}

static void start_kid(struct supervisor *s, struct kid *k)
{
	struct err e = spawn_kid(s, k);

	k->began_ms = now_ms();
	if (failed(e)) {
		log_fault("spawn", e);
		k->again_ms = k->began_ms + SUPERVISOR_DELAY_MAX_MS;
		if (!s->was_ready) {
			s->gave_up = true;
			s->status = EXIT_FAILURE;
		}
		return;
	}
	k->state = CHILD_STARTING;
	e = send_start(s, k);
	if (failed(e)) {
		log_fault("start", e);
		kill_kid(k);
		return;
	}
	if (k->role == CONTROL_GUARD) {
		for (size_t i = 1; i < s->count; i++)
			join(k, &s->kids[i]);
	} else {
		join(&s->kids[0], k);
	}
}

/* ---- readiness ---- */

static void say_ready(const struct supervisor *s)
{
	char text[ROUTE_LISTENERS][CONFIG_TEXT_MAX + 1];
	struct log_line l;

	for (int i = 0; i < ROUTE_LISTENERS; i++)
		address_format(&s->addresses[i], text[i]);
	if (s->options->json) {
		log_begin(&l, "ready");
		for (int i = 0; i < ROUTE_LISTENERS; i++)
			log_str(&l, route_listener_name(i), text[i]);
		log_end(&l);
	} else {
		dprintf(STDERR_FILENO,
			"entented: ready device=%s peer=%s admin=%s\n",
			text[ROUTE_DEVICE], text[ROUTE_PEER],
			text[ROUTE_ADMIN]);
	}
}

static void look_ready(struct supervisor *s)
{
	if (s->was_ready)
		return;
	for (size_t i = 0; i < s->count; i++)
		if (s->kids[i].state != CHILD_UP)
			return;
	s->was_ready = true;
	say_ready(s);
}

static void on_packet(struct supervisor *s, struct kid *k)
{
	struct control_packet p = {0};
	bool have = true;

	while (have) {
		struct err e = control_recv(k->control, &p, &have);

		if (e.code == ERR_GONE || e.code == ERR_IO)
			return; /* it died: SIGCHLD says more */
		if (failed(e) || (have && p.kind != CONTROL_READY)) {
			log_kid(k, "control", "broken");
			kill_kid(k);
			return;
		}
		if (have) {
			k->state = CHILD_UP;
			log_kid(k, "up", NULL);
		}
	}
	look_ready(s);
}

/* ---- deaths ---- */

/* A death by a fault of its own, not by somebody's kill. */
static bool is_fault(int status)
{
	if (!WIFSIGNALED(status))
		return false;
	switch (WTERMSIG(status)) {
	case SIGSEGV:
	case SIGBUS:
	case SIGABRT:
	case SIGILL:
	case SIGFPE:
	case SIGSYS:
	case SIGTRAP:
		return true;
	}
	return false;
}

static void clear_page(struct inhand *page)
{
	for (unsigned i = 0; i < INHAND_SLOTS; i++)
		inhand_unset(page, i);
}

/* The fronts refuse by themselves until the next guard is there. */
static void tell_guard_died(struct supervisor *s)
{
	struct control_packet p = {.kind = CONTROL_STANDING};
	struct err e = standing_reference(s, p.reference);

	if (failed(e)) {
		log_fault("reference", e);
		return; /* the one before says less, and will do */
	}
	for (size_t i = 0; i < s->count; i++) {
		struct kid *k = &s->kids[i];

		if (k->role == CONTROL_FRONT && k->state != CHILD_DOWN &&
		    failed(control_send(k->control, &p)))
			kill_kid(k);
	}
}

static void on_death(struct supervisor *s, struct kid *k, int status)
{
	uint64_t now = now_ms();
	char how[48];

	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof(how), "exit %d", WEXITSTATUS(status));
	log_kid(k, "down", how);
	close(k->control);
	k->state = CHILD_DOWN;
	if (k->role == CONTROL_GUARD && is_fault(status)) {
		struct log_line l;

		log_begin(&l, "in-hand");
		log_u64(&l, "requests", inhand_collect(s->page, &s->record));
		log_end(&l);
	} else if (k->role == CONTROL_GUARD) {
		clear_page(s->page);
	}
	if (k->role == CONTROL_GUARD)
		tell_guard_died(s);
	if (now - k->began_ms > SUPERVISOR_YOUNG_MS || !k->delay_ms)
		k->delay_ms = SUPERVISOR_DELAY_MIN_MS;
	else
		k->delay_ms *= 2;
	if (k->delay_ms > SUPERVISOR_DELAY_MAX_MS)
		k->delay_ms = SUPERVISOR_DELAY_MAX_MS;
	k->again_ms = now + k->delay_ms;
	/* Before the relay was ever ready, somebody is watching: say it. */
	if (!s->was_ready && s->stage == RUNNING) {
		s->gave_up = true;
		s->status = EXIT_FAILURE;
	}
}

static void reap(struct supervisor *s)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < s->count; i++)
			if (s->kids[i].state != CHILD_DOWN &&
			    s->kids[i].pid == pid)
				on_death(s, &s->kids[i], status);
}

/* ---- stopping ---- */

static bool in_stage(const struct supervisor *s, const struct kid *k)
{
	return s->stage == STOP_FRONTS	? k->role == CONTROL_FRONT
	       : s->stage == STOP_LINK	? k->role == CONTROL_LINK
	       : s->stage == STOP_GUARD ? k->role == CONTROL_GUARD
					: false;
}

static void enter_stage(struct supervisor *s, enum stage next)
{
	struct control_packet stop = {.kind = CONTROL_STOP};

	s->stage = next;
	s->stage_ms = now_ms();
	for (size_t i = 0; i < s->count; i++) {
		struct kid *k = &s->kids[i];

		if (in_stage(s, k) && k->state != CHILD_DOWN &&
		    failed(control_send(k->control, &stop)))
			kill_kid(k);
	}
}

static void go_on_stopping(struct supervisor *s)
{
	bool late = now_ms() - s->stage_ms > SUPERVISOR_STOP_MS;
	bool waiting = false;

	for (size_t i = 0; i < s->count; i++) {
		struct kid *k = &s->kids[i];

		if (!in_stage(s, k) || k->state == CHILD_DOWN)
			continue;
		waiting = true;
		if (late) {
			log_kid(k, "late", "killed");
			kill_kid(k);
		}
	}
	if (!waiting && s->stage != STOPPED)
		enter_stage(s, s->stage + 1);
}

/* ---- the loop ---- */

static void on_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(s);
		else if (s->stage == RUNNING)
			enter_stage(s, STOP_FRONTS);
	}
}

static void start_due(struct supervisor *s)
{
	uint64_t now = now_ms();

	for (size_t i = 0; i < s->count; i++)
		if (s->kids[i].state == CHILD_DOWN &&
		    s->kids[i].again_ms <= now)
			start_kid(s, &s->kids[i]);
}

static int wait_ms(const struct supervisor *s)
{
	uint64_t now = now_ms(), due = now + 60 * 1000;

	if (s->stage != RUNNING)
		return 100;
	for (size_t i = 0; i < s->count; i++)
		if (s->kids[i].state == CHILD_DOWN && s->kids[i].again_ms < due)
			due = s->kids[i].again_ms;
	return due > now ? (int)(due - now) : 0;
}

static void loop(struct supervisor *s)
{
	struct pollfd fds[CHILDREN_MAX + 1];
	struct kid *whose[CHILDREN_MAX + 1];

	while (s->stage != STOPPED) {
		nfds_t n = 1;

		if (s->stage == RUNNING && s->gave_up)
			enter_stage(s, STOP_FRONTS);
		if (s->stage == RUNNING)
			start_due(s);
		else
			go_on_stopping(s);
		fds[0] = (struct pollfd){s->signals, POLLIN, 0};
		for (size_t i = 0; i < s->count; i++) {
			struct kid *k = &s->kids[i];

			/* One that is up has nothing more to say; its end
			 * comes as SIGCHLD. */
			if (k->state != CHILD_STARTING)
				continue;
			whose[n] = k;
			fds[n++] = (struct pollfd){k->control, POLLIN, 0};
		}
		if (poll(fds, n, wait_ms(s)) < 0 && errno != EINTR)
			abort();
		for (nfds_t i = 1; i < n; i++)
			if (fds[i].revents & POLLIN)
				on_packet(s, whose[i]);
		if (fds[0].revents)
			on_signals(s);
	}
}

/* ---- setting up ---- */

static bool open_listeners(struct supervisor *s)
{
	char text[CONFIG_TEXT_MAX + 1];

	for (int i = 0; i < ROUTE_LISTENERS; i++) {
		const struct address *want = &s->options->config->listen[i];

		if (!failed(listen_open(want, &s->listeners[i],
					&s->addresses[i])))
			continue;
		address_format(want, text);
		fprintf(stderr,
			"entented: cannot listen on %s (%s): %s\n"
			"  Stop what uses it, or change listen.%s.\n",
			text, route_listener_name(i), strerror(errno),
			route_listener_name(i));
		return false;
	}
	return true;
}

static bool open_signals(struct supervisor *s)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return false;
	s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return s->signals >= 0;
}

static void list_kids(struct supervisor *s)
{
	s->kids[s->count++] = (struct kid){.role = CONTROL_GUARD};
	s->kids[s->count++] = (struct kid){.role = CONTROL_LINK};
	for (unsigned i = 0; i < s->options->config->fronts; i++)
		s->kids[s->count++] =
			(struct kid){.role = CONTROL_FRONT, .number = i + 1};
}

int supervisor_run(const struct supervisor_options *options)
{
	static struct supervisor s;

	s = (struct supervisor){.options = options,
				.signals = -1,
				.page_fd = -1,
				.listeners = {-1, -1, -1},
				.status = EXIT_SUCCESS};
	if (!open_listeners(&s) || !open_signals(&s) ||
	    failed(inhand_new(&s.page_fd, &s.page))) {
		s.status = EXIT_FAILURE;
		goto out;
	}
	list_kids(&s);
	loop(&s);
	log_note("stopped", "outcome",
		 s.status == EXIT_SUCCESS ? "in order" : "failed to start");
out:
	for (int i = 0; i < ROUTE_LISTENERS; i++)
		if (s.listeners[i] >= 0)
			close(s.listeners[i]);
	if (s.signals >= 0)
		close(s.signals);
	if (s.page_fd >= 0)
		close(s.page_fd);
	inhand_unmap(s.page);
	return s.status;
}
