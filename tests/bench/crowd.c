/* A guard on a thread, and the front's side of its lanes. */
#include "tests/bench/crowd.h"

#include "client/system.h"
#include "relay/guard/guard.h"
#include "relay/log.h"
#include "relay/route.h"
#include "tests/bench/figure.h"

#include <stdio.h>
#include <stdlib.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

struct asked {
	crowd_answered *answered;
	void *self;
	size_t tag;
	double sent;
};

struct crowd {
	/* The guard's thread. */
	struct core *core;
	struct guard guard;
	struct control_start *start;
	uv_loop_t guard_loop;
	uv_async_t stop;
	pthread_t thread;
	pthread_barrier_t ready;
	int requests[2], bulk[2], page_fd;
	struct inhand *page;
	/* Ours. */
	uv_loop_t loop;
	uv_timer_t tick;
	struct lanes *lanes;
	struct table asked;
	uint64_t last_id;
};

static void fail(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(EXIT_FAILURE);
}

static void must(struct err e)
{
	if (failed(e))
		fail(e.detail ? e.detail : err_row(e.code)->name);
}

/* ---- the guard ---- */

static void on_stop(uv_async_t *stop)
{
	struct crowd *c = stop->data;

	guard_stop(&c->guard);
	uv_close((uv_handle_t *)stop, NULL);
}

static void *guard_thread(void *arg)
{
	struct crowd *c = arg;
	struct guard_config config = {.core = c->core,
				      .page = c->page,
				      .start = c->start,
				      .clock = system_clock()};

	uv_loop_init(&c->guard_loop);
	uv_async_init(&c->guard_loop, &c->stop, on_stop);
	c->stop.data = c;
	must(guard_start(&c->guard, &c->guard_loop, &config));
	guard_add_lanes(&c->guard, CONTROL_FRONT, c->requests[0], c->bulk[0]);
	pthread_barrier_wait(&c->ready);
	uv_run(&c->guard_loop, UV_RUN_DEFAULT);
	guard_clear(&c->guard);
	uv_loop_close(&c->guard_loop);
	return NULL;
}

/* ---- the front ---- */

static void on_message(void *owner, struct lanes *lanes, enum lane_name lane,
		       const struct channel_message *m)
{
	struct crowd *c = owner;
	struct asked *a, copy;

	if (m->kind != CHANNEL_ANSWER)
		return;
	a = table_take(&c->asked, m->id);
	if (!a)
		fail("an answer to nothing");
	copy = *a;
	free(a);
	copy.answered(copy.self, copy.tag, m->status, m->body,
		      figure_wall() - copy.sent);
}

static void on_gone(void *owner, struct lanes *lanes, struct err why)
{
	fail("the guard is gone");
}

static const struct lane_events events = {on_message, on_gone, NULL};

static void on_tick(uv_timer_t *tick)
{
}

struct crowd *crowd_new(struct core *core)
{
	const int kind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
	struct crowd *c = calloc(1, sizeof(*c));

	if (!c || !(c->start = calloc(1, sizeof(*c->start))))
		fail("no memory for a crowd");
	log_quiet(true);
	c->core = core;
	must(inhand_new(&c->page_fd, &c->page));
	if (socketpair(AF_UNIX, kind, 0, c->requests) != 0 ||
	    socketpair(AF_UNIX, kind, 0, c->bulk) != 0)
		fail("no socket pair");
	pthread_barrier_init(&c->ready, NULL, 2);
	if (pthread_create(&c->thread, NULL, guard_thread, c))
		fail("no thread for the guard");
	pthread_barrier_wait(&c->ready);
	table_init(&c->asked);
	uv_loop_init(&c->loop);
	uv_timer_init(&c->loop, &c->tick);
	uv_timer_start(&c->tick, on_tick, 1, 1);
	must(lanes_open(&c->loop, c->requests[1], c->bulk[1], &events, c,
			&c->lanes));
	return c;
}

void crowd_free(struct crowd *c)
{
	struct asked *a;

	uv_async_send(&c->stop);
	pthread_join(c->thread, NULL);
	lanes_close(c->lanes);
	uv_close((uv_handle_t *)&c->tick, NULL);
	uv_run(&c->loop, UV_RUN_DEFAULT);
	uv_loop_close(&c->loop);
	pthread_barrier_destroy(&c->ready);
	while ((a = table_any(&c->asked))) {
		for (size_t i = 0; i < c->asked.room; i++)
			if (table_at(&c->asked, i) == a)
				table_take(&c->asked, c->asked.slots[i].key);
		free(a);
	}
	table_clear(&c->asked);
	inhand_unmap(c->page);
	close(c->page_fd);
	free(c->start);
	free(c);
}

void crowd_send(struct crowd *c, const struct crowd_request *r,
		crowd_answered *answered, void *self, size_t tag)
{
	struct channel_field fields[8];
	struct channel_message m = {
		.kind = CHANNEL_REQUEST,
		.id = ++c->last_id,
		.listener = (uint8_t)r->listener,
		.certificate = r->certificate,
		.method = span_str(r->method),
		.authority = r->authority,
		.target = span_str(r->target),
		.fields = fields,
		.field_count = r->field_count,
		.body = r->body,
	};
	struct asked *a = malloc(sizeof(*a));

	if (!a || r->field_count > 8)
		fail("a request too many");
	*a = (struct asked){answered, self, tag, figure_wall()};
	for (size_t i = 0; i < r->field_count; i++)
		fields[i] = (struct channel_field){r->fields[i].name,
						   r->fields[i].value};
	m.amount =
		route_find((enum route_listener)r->listener, m.method, m.target)
			.answer_max;
	must(table_put(&c->asked, m.id, a));
	lanes_send(c->lanes, LANE_REQUESTS, &m);
}

size_t crowd_waiting(const struct crowd *c)
{
	return c->asked.count;
}

bool crowd_run(struct crowd *c, bool (*over)(void *self), void *self,
	       double seconds)
{
	double until = figure_wall() + seconds;

	while (!over(self)) {
		if (figure_wall() > until)
			return false;
		uv_run(&c->loop, UV_RUN_ONCE);
	}
	return true;
}
