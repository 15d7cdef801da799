/*
 * entented-guard: alone opens the store; decides, seals, writes, wraps,
 * audits.  Started by entented, with no network and no HTTP.
 */
#include "proto/crypto/crypto.h"
#include "relay/child.h"
#include "relay/confine.h"
#include "relay/guard/guard.h"
#include "relay/guard/core/store_role.h"
#include "relay/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct process {
	uv_loop_t loop;
	struct child child;
	struct guard guard;
	struct control_start start;
	struct core *core;
	struct inhand *page;
};

static void on_lanes(void *owner, enum control_peer peer, int requests,
		     int bulk)
{
	struct process *p = owner;

	guard_add_lanes(&p->guard, peer, requests, bulk);
}

static void on_stop(void *owner)
{
	struct process *p = owner;

	child_close(&p->child);
	guard_stop(&p->guard);
}

static struct err open_core(struct process *p)
{
	struct core_config config = {
		.folder = p->start.folder,
		.nation = p->start.nation,
		.ceiling = p->start.ceiling,
		.endpoint = p->start.endpoint,
		.peer_endpoint = p->start.peer_endpoint,
		.quota_bytes = p->start.quota_bytes,
		.root_key = p->start.has_root_key ? p->start.root_key : NULL,
		.clock = {child_utc_ms, NULL},
		.random = {crypto_random_fill, NULL},
	};
	struct err e = core_open(&config, &p->core);

	wipe(p->start.root_key, sizeof(p->start.root_key));
	return e;
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

/* What to do about it, for whoever started the relay. */
static const char *mend_of(struct err e)
{
	switch (e.code) {
	case ERR_BUSY:
		return "Stop the daemon that works in this folder, or name "
		       "another folder.";
	case ERR_VERSION:
		return "Start it with the build that wrote it, or a newer one.";
	case ERR_IO:
		return "See that the folder is there, is this user's, and that "
		       "its disk works.";
	default:
		return err_row(e.code)->mend;
	}
}

/* What, where, mend: as a line of the log, or for people to read. */
static void say_failed(const struct control_start *start, struct err e)
{
	struct log_line l;

	if (start->json) {
		log_begin(&l, "start");
		log_str(&l, "folder", start->folder);
		log_err(&l, e);
		log_str(&l, "mend", mend_of(e));
		log_end(&l);
	} else {
		dprintf(STDERR_FILENO, "entented: %s: %s\n  %s\n",
			start->folder,
			e.detail ? e.detail : err_row(e.code)->title,
			mend_of(e));
	}
}

static struct err start(struct process *p)
{
	struct guard_config config = {.page = p->page,
				      .start = &p->start,
				      .clock = {child_utc_ms, NULL}};
	struct confine_applied files, calls;
	struct err e;

	e = inhand_map(CONTROL_FIRST_FD, &p->page);
	if (failed(e))
		return e;
	config.page = p->page;
	/* Before the store's threads: Landlock goes from parent to child. */
	e = confine_files(CONFINE_GUARD, p->start.folder, &files);
	if (failed(e))
		return e;
	e = open_core(p);
	if (failed(e))
		return e;
	config.core = p->core;
	e = guard_start(&p->guard, &p->loop, &config);
	if (failed(e))
		return e;
	e = child_listen(&p->child, &p->loop);
	if (failed(e))
		return e;
	e = confine_calls(CONFINE_GUARD, &calls);
	if (failed(e))
		return e;
	log_confined(&files, &calls);
	return ERR_NONE;
}

/* `entented-guard`, or `entented-guard store VERB`. */
int main(int argc, char **argv)
{
	static struct process p;
	struct err e;

	log_init("guard", false);
	e = child_hello(&p.start);
	if (failed(e)) {
		log_fault("start", e);
		return EXIT_FAILURE;
	}
	log_init("guard", p.start.json);
	if (argc == 3 && strcmp(argv[1], "store") == 0)
		return store_role_run(&p.start, argv[2]);
	if (uv_loop_init(&p.loop))
		return EXIT_FAILURE;
	p.child = (struct child){.on_lanes = on_lanes,
				 .on_stop = on_stop,
				 .owner = &p};
	e = start(&p);
	if (failed(e)) {
		say_failed(&p.start, e);
		/* Threads may run; what is committed is durable. */
		_Exit(EXIT_FAILURE);
	}
	child_ready();
	uv_run(&p.loop, UV_RUN_DEFAULT);
	guard_clear(&p.guard);
	core_close(p.core);
	uv_loop_close(&p.loop);
	log_note("stopped", "outcome", "in order");
	return EXIT_SUCCESS;
}
