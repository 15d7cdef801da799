/*
 * Long content through the real core: a relay holds little of it, however
 * slow the one who reads, and one upload keeps nobody else out.
 *
 * What is measured is RssAnon of every role.  The guard maps the store's
 * files, whose pages count as RssFile and are the kernel's to drop.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/document/segment.h"
#include "tests/daemon/pad.h"
#include "tests/relay/client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { MIB = 1024 * 1024, LARGE = 256 * MIB, GROWTH_MAX = 8 * MIB };

static struct nation_daemon d;
static struct pad alice;

static int start(void **state)
{
	nation_daemon_new(&d, "GBR");
	nation_daemon_start(&d);
	nation_daemon_subject(&d, "alice", "gbr-restricted", "GBR/ops");
	pad_new(&alice, &d, "alice");
	pad_write_pem(&alice);
	must(pad_sync(&alice));
	return 0;
}

static int stop(void **state)
{
	pad_free(&alice);
	nation_daemon_stop(&d);
	nation_daemon_free(&d);
	return 0;
}

/* ---- memory of every role, watched while something else goes on ---- */

struct watcher {
	struct nation_daemon_watch watch;
	pthread_t thread;
	_Atomic bool over;
};

static void *run_watcher(void *arg)
{
	struct watcher *w = arg;

	while (!w->over) {
		nation_daemon_look(&w->watch);
		nation_daemon_sleep_ms(20);
	}
	return NULL;
}

static void watch_begin(struct watcher *w)
{
	w->over = false;
	nation_daemon_watch(&w->watch, &d);
	if (pthread_create(&w->thread, NULL, run_watcher, w))
		exit(EXIT_FAILURE);
}

static void watch_end(struct watcher *w, const char *what)
{
	w->over = true;
	pthread_join(w->thread, NULL);
	assert_true(nation_daemon_grown(&w->watch, what) <= GROWTH_MAX);
}

/* ---- a document on its way ---- */

/* Sealed and signed, and not sent: what another client sends instead. */
struct sealed {
	char blob[NATION_DAEMON_PATH + 80], body[NATION_DAEMON_PATH + 96];
	char id[DOC_ID_TEXT_LEN + 1], table[DIGEST_TEXT_LEN + 1];
	uint64_t size, blob_len;
};

static void make_file(const char *path, uint64_t size)
{
	assert_int_equal(nation_daemon_shell(NULL, 60,
					     "head -c %llu /dev/zero | openssl "
					     "enc -aes-128-ctr -K 00 -iv 00 > "
					     "'%s' 2>/dev/null",
					     (unsigned long long)size, path),
			 0);
}

static void seal(struct sealed *s, const char *name, uint64_t size)
{
	char path[NATION_DAEMON_PATH + 80];
	struct engine_put order = {
		.space = span_str("GBR/ops"),
		.title = span_str(name),
		.content = {.path = path},
	};
	const struct journal_outgoing *o;
	struct doc_id id;
	struct digest digest;
	struct buf label;
	uint64_t task;

	snprintf(path, sizeof(path), "%s/%s", d.base, name);
	make_file(path, size);
	buf_init(&label, 1 << 20);
	must(files_read("docs/policy/labels/restricted-rel-gbr.xml", &label));
	order.label = buf_span(&label);
	must(engine_put(alice.engine, &order, &id, &digest, &task));
	o = journal_find_outgoing(engine_journal(alice.engine), digest);
	assert_non_null(o);
	doc_id_format(id, s->id);
	digest_format(o->table, s->table);
	s->size = size;
	s->blob_len = segment_blob_len(size);
	snprintf(s->blob, sizeof(s->blob), "%s/content/%s", alice.folder,
		 s->table);
	snprintf(s->body, sizeof(s->body), "%s.body", path);
	must(files_write(s->body, o->body, 0600));
	buf_clear(&label);
}

#define CURL                                                                   \
	"curl -sS --http2 --cacert %s/ca.pem --cert %s/device.pem --key "      \
	"%s/device.key -o /dev/null -w '%%{http_code}' "

/* One request for all of it; `options` of curl. */
static void upload(const struct sealed *s, const char *options)
{
	struct buf said;

	buf_init(&said, 1 << 20);
	nation_daemon_shell(&said, 120,
			    CURL "%s -X POST -T '%s' "
				 "'https://localhost:%u/v1/documents/%s/"
				 "content?table=%s&size=%llu'",
			    alice.folder, alice.folder, alice.folder, options,
			    s->blob, d.device, s->id, s->table,
			    (unsigned long long)s->size);
	assert_string_equal(buf_cstr(&said), "201");
	buf_clear(&said);
}

static void write_it(const struct sealed *s)
{
	struct buf said;

	buf_init(&said, 1 << 20);
	nation_daemon_shell(&said, 30,
			    CURL "-X PUT -H 'If-None-Match: *' -H "
				 "'Content-Type: application/json' "
				 "--data-binary @'%s' "
				 "https://localhost:%u/v1/documents/%s",
			    alice.folder, alice.folder, alice.folder, s->body,
			    d.device, s->id);
	assert_string_equal(buf_cstr(&said), "201");
	buf_clear(&said);
}

static void read_pem(const char *name, struct buf *out)
{
	char path[NATION_DAEMON_PATH + 32];

	snprintf(path, sizeof(path), "%s/%s", alice.folder, name);
	buf_init(out, 1 << 20);
	must(files_read(path, out));
}

static bool connect_slowly(struct client *c)
{
	struct buf ca, certificate, key;
	bool in;

	read_pem("ca.pem", &ca);
	read_pem("device.pem", &certificate);
	read_pem("device.key", &key);
	in = client_open(c, d.device, buf_span(&ca), buf_span(&certificate),
			 buf_span(&key));
	buf_clear(&ca);
	buf_clear(&certificate);
	buf_wipe(&key);
	return in;
}

/* A little at a time for two seconds, then as fast as it goes. */
static void download_slowly(const struct sealed *s)
{
	struct exchange x = {.read_slowly = true};
	struct client c;
	char target[128];

	assert_true(connect_slowly(&c));
	snprintf(target, sizeof(target), "/v1/documents/%s/content", s->id);
	assert_true(client_ask(&c, &x, "GET", target, span_str(""), 0));
	for (int i = 0; i < 100; i++) {
		size_t some = x.unconsumed < 4096 ? (size_t)x.unconsumed : 4096;

		client_run(&c, &x, 20);
		h2_consume(c.h2, x.stream, some);
		x.unconsumed -= some;
	}
	assert_int_equal(x.status, 200);
	/* Its window, and what it took. */
	assert_true(x.received > 0 && x.received < 4 * MIB);
	x.read_slowly = false;
	h2_consume(c.h2, x.stream, (size_t)x.unconsumed);
	assert_true(client_run(&c, &x, 60000));
	assert_true(x.answer_whole);
	assert_int_equal(x.received, s->blob_len);
	exchange_clear(&x);
	client_close(&c);
}

static void up_and_down(const char *name)
{
	struct watcher w;
	struct sealed s;

	seal(&s, name, LARGE);
	watch_begin(&w);
	upload(&s, "");
	watch_end(&w, "upload");
	write_it(&s);
	watch_begin(&w);
	download_slowly(&s);
	watch_end(&w, "download");
	/* The same bytes that were sent. */
	assert_int_equal(
		nation_daemon_shell(NULL, 60,
				    "curl -sS --http2 --cacert %s/ca.pem "
				    "--cert %s/device.pem --key %s/device.key "
				    "https://localhost:%u/v1/documents/%s/"
				    "content | cmp - '%s'",
				    alice.folder, alice.folder, alice.folder,
				    d.device, s.id, s.blob),
		0);
}

static void long_content_takes_little_memory_up_and_down(void **state)
{
	up_and_down("large");
}

/* Client and relay wait for the disk, and hold no more meanwhile. */
static void so_it_does_on_a_slow_disk(void **state)
{
	uint64_t began;

	nation_daemon_stop(&d);
	d.guard = "tests/daemon/slow-guard";
	nation_daemon_start(&d);
	began = nation_daemon_now_ms();
	up_and_down("large-slow");
	/* Up, down and down again, at 32 MiB a second. */
	assert_true(nation_daemon_now_ms() - began > 3 * 8 * 1000);
	nation_daemon_stop(&d);
	d.guard = NULL;
	nation_daemon_start(&d);
}

struct slow_upload {
	struct sealed sealed;
	pthread_t thread;
};

static void *run_slow_upload(void *arg)
{
	const struct slow_upload *s = arg;

	upload(&s->sealed, "--limit-rate 400k");
	return NULL;
}

static void a_slow_upload_keeps_nobody_out(void **state)
{
	struct slow_upload slow[2];
	struct sealed quick;
	uint64_t began;

	for (int i = 0; i < 2; i++)
		seal(&slow[i].sealed, i ? "slow-1" : "slow-0", MIB);
	seal(&quick, "quick", 2 * MIB);
	began = nation_daemon_now_ms();
	for (int i = 0; i < 2; i++)
		if (pthread_create(&slow[i].thread, NULL, run_slow_upload,
				   &slow[i]))
			exit(EXIT_FAILURE);
	nation_daemon_sleep_ms(1000); /* each has a segment there by now */
	upload(&quick, "");
	write_it(&quick);
	assert_true(nation_daemon_now_ms() - began < 2300);
	for (int i = 0; i < 2; i++) {
		pthread_join(slow[i].thread, NULL);
		write_it(&slow[i].sealed);
	}
	assert_true(nation_daemon_now_ms() - began < 15000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_content_takes_little_memory_up_and_down),
		cmocka_unit_test(a_slow_upload_keeps_nobody_out),
		cmocka_unit_test(so_it_does_on_a_slow_disk),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
