/* The store that storage.json speaks of. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "storage/file.h"
#include "tests/support/published.h"

void published_time(struct tempstore *t, uint64_t utc_s)
{
	atomic_store(&t->time.now_ms, utc_s * 1000);
}

static void lay(const char *folder, const char *name, struct span bytes)
{
	char path[2 * TEMPSTORE_PATH];

	must(file_join(path, sizeof(path), folder, name));
	must(file_write(path, bytes, true));
}

void published_store(struct published *p, struct tempstore *t)
{
	const struct json *ring = published_row(p, "ring");
	const struct json *key = published_row(p, "ring_key");
	const struct json *header = published_row(p, "header");
	struct span name = published_text(key, "name");
	struct span_reader r =
		span_read(published_bytes(p, header, "incarnation"));
	uint64_t *incarnation = arena_alloc(&p->arena, sizeof(*incarnation));
	char text[64] = {0};
	struct store_options o;

	memset(t, 0, sizeof(*t));
	testclock_init(&t->time);
	t->clock = testclock(&t->time);
	t->random = published_random(p);
	strcpy(t->folder, "/tmp/entente-test-XXXXXX");
	if (!mkdtemp(t->folder) || name.len >= sizeof(text) || !incarnation)
		abort();
	must(file_join(t->path, sizeof(t->path), t->folder, "store"));
	must(file_join(t->keys, sizeof(t->keys), t->folder, "keys"));
	must(file_make_folder(t->path));
	must(file_make_folder(t->keys));
	memcpy(text, name.at, name.len);
	lay(t->keys, text, published_bytes(p, key, "file"));
	lay(t->path, "ring", published_bytes(p, ring, "file"));
	published_fixed(key, "root_key", t->root_key, sizeof(t->root_key));
	published_time(t, published_u64(header, "created"));
	must(key_provider_file_open(t->keys, t->root_key, &t->random,
				    &t->provider));
	must(ring_open(t->path, &t->provider, &t->random, &t->clock, &t->ring));
	o = tempstore_options(t);
	*incarnation = span_read_u64(&r);
	published_draw(p, SPAN_OBJ(*incarnation));
	must(store_create(&o, published_replica(header)));
	must(store_open(&o, &t->store));
}
