/*
 * entented-front: the roles `front` (clients) and `link` (other nations).
 * Started by entented; holds no document keys, no policy and no store.
 */
#include "relay/child.h"
#include "relay/confine.h"
#include "relay/front/link.h"
#include "relay/front/server.h"
#include "relay/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct process {
	uv_loop_t loop;
	struct child child;
	struct control_start start;
	bool is_link;
	struct front front;
	struct link link;
};

static void on_lanes(void *owner, enum control_peer peer, int requests,
		     int bulk)
{
	struct process *p = owner;

	if (p->is_link)
		link_set_guard(&p->link, requests, bulk);
	else
		front_set_guard(&p->front, requests, bulk);
}

static void on_standing(void *owner, const char *reference)
{
	struct process *p = owner;

	if (!p->is_link)
		front_set_reference(&p->front, reference);
}

static void on_stop(void *owner)
{
	struct process *p = owner;

	child_close(&p->child);
	if (p->is_link)
		link_stop(&p->link);
	else
		front_stop(&p->front);
}

static void log_confined(const struct confine_applied *files,
			 const struct confine_applied *calls)
{
	struct log_line l;

	log_begin(&l, "confined");
	log_str(&l, "landlock", files->text);
	log_str(&l, "seccomp", calls->text);
	log_end(&l);
}

static struct err start(struct process *p)
{
	enum confine_role role = p->is_link ? CONFINE_LINK : CONFINE_FRONT;
	struct confine_applied files, calls;
	int fds[ROUTE_LISTENERS];
	struct err e;

	for (int i = 0; i < ROUTE_LISTENERS; i++)
		fds[i] = CONTROL_FIRST_FD + i;
	if (p->is_link)
		e = link_start(&p->link, &p->loop, p->start.folder);
	else
		e = front_start(&p->front, &p->loop, p->start.folder, fds);
	if (!p->is_link)
		front_set_reference(&p->front, p->start.reference);
	if (failed(e))
		return e;
	e = child_listen(&p->child, &p->loop);
	if (failed(e))
		return e;
	e = confine_files(role, p->start.folder, &files);
	if (failed(e))
		return e;
	e = confine_calls(role, &calls);
	if (failed(e))
		return e;
	log_confined(&files, &calls);
	return ERR_NONE;
}

int main(int argc, char **argv)
{
	static struct process p;
	struct rlimit files;
	struct err e;

	p.is_link = argc > 1 && strcmp(argv[1], "link") == 0;
	log_init(p.is_link ? "link" : "front", false);
	e = child_hello(&p.start);
	if (failed(e)) {
		log_fault("start", e);
		return EXIT_FAILURE;
	}
	log_init(p.is_link ? "link" : "front", p.start.json);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max < 8192 ? files.rlim_max : 8192;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (uv_loop_init(&p.loop))
		return EXIT_FAILURE;
	p.child = (struct child){.on_lanes = on_lanes,
				 .on_standing = on_standing,
				 .on_stop = on_stop,
				 .owner = &p};
	e = start(&p);
	if (failed(e)) {
		log_fault("start", e);
		return EXIT_FAILURE;
	}
	child_ready();
	uv_run(&p.loop, UV_RUN_DEFAULT);
	uv_loop_close(&p.loop);
	if (p.is_link)
		link_clear(&p.link);
	else
		front_clear(&p.front);
	log_note("stopped", "outcome", "in order");
	return EXIT_SUCCESS;
}
