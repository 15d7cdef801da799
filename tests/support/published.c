/* The published vectors. */
#include "tests/support/published.h"

#include <stdio.h>
#include <stdlib.h>

/* As tempstore's `must`, without the store. */
static void need(struct err e)
{
	if (!failed(e))
		return;
	fprintf(stderr, "vectors: %s: %s\n", err_row(e.code)->name,
		e.detail ? e.detail : "");
	abort();
}

void published_open(struct published *p, const char *name)
{
	char path[64];
	uint8_t chunk[4096];
	struct buf text;
	size_t n;
	FILE *f;

	memset(p, 0, sizeof(*p));
	snprintf(path, sizeof(path), "tests/vectors/%s", name);
	f = fopen(path, "rb");
	if (!f) {
		fprintf(stderr, "%s is not there\n", path);
		abort();
	}
	buf_init(&text, 1 << 20);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_put(&text, span_of(chunk, n));
	fclose(f);
	need(buf_check(&text));
	arena_init(&p->arena, 4 << 20);
	need(json_parse(buf_span(&text), &p->file));
	p->rows = published_object(p->file, "rows");
	buf_clear(&text);
}

void published_close(struct published *p)
{
	json_free(p->file);
	arena_clear(&p->arena);
}

const struct json *published_row(struct published *p, const char *name)
{
	const struct json *row = NULL;

	need(json_get_object(p->rows, name, &row));
	return row;
}

const struct json *published_object(const struct json *row, const char *name)
{
	const struct json *out = NULL;

	need(json_get_object(row, name, &out));
	return out;
}

const struct json *published_list(const struct json *row, const char *name)
{
	const struct json *out = NULL;

	need(json_get_array(row, name, &out));
	return out;
}

uint64_t published_u64(const struct json *row, const char *name)
{
	uint64_t n = 0;

	need(json_get_u64(row, name, &n));
	return n;
}

struct span published_text(const struct json *row, const char *name)
{
	struct span text = {0};

	need(json_get_string(row, name, &text));
	return text;
}

struct span published_bytes(struct published *p, const struct json *row,
			    const char *name)
{
	struct span bytes = {0};

	need(json_get_bytes(row, name, &p->arena, &bytes));
	return bytes;
}

void published_fixed(const struct json *row, const char *name, void *out,
		     size_t len)
{
	need(json_get_fixed(row, name, out, len));
}

struct digest published_digest(const struct json *row, const char *name)
{
	struct digest d = {0};

	published_fixed(row, name, d.at, sizeof(d.at));
	return d;
}

struct key_id published_key_id(const struct json *row, const char *name)
{
	struct key_id id = {0};

	published_fixed(row, name, id.at, sizeof(id.at));
	return id;
}

struct doc_id published_doc(const struct json *row, const char *name)
{
	struct doc_id id = {0};

	published_fixed(row, name, id.at, sizeof(id.at));
	return id;
}

struct nation published_nation(const struct json *row, const char *name)
{
	struct nation n = {0};

	need(json_get_nation(row, name, &n));
	return n;
}

struct replica published_replica(const struct json *row)
{
	return (struct replica){published_nation(row, "nation"),
				published_u64(row, "replica")};
}

static void show(const char *what, struct span bytes)
{
	fprintf(stderr, "%s:", what);
	for (size_t i = 0; i < bytes.len; i++)
		fprintf(stderr, "%s%02x", i % 32 ? "" : "\n  ", bytes.at[i]);
	fprintf(stderr, "\n");
}

bool published_is(struct published *p, const struct json *row, const char *name,
		  struct span bytes)
{
	struct span want = published_bytes(p, row, name);

	if (span_eq(want, bytes))
		return true;
	show(name, want);
	show("but is", bytes);
	return false;
}

static struct err draw(void *self, void *out, size_t len)
{
	struct published *p = self;

	if (p->drawn == p->drawable || p->draws[p->drawn].len != len)
		return err_make(ERR_INTERNAL, "a draw that was not handed in");
	memcpy(out, p->draws[p->drawn].at, len);
	p->drawn++;
	return ERR_NONE;
}

struct random published_random(struct published *p)
{
	return (struct random){draw, p};
}

void published_draw(struct published *p, struct span bytes)
{
	if (p->drawn == p->drawable)
		p->drawn = p->drawable = 0;
	if (p->drawable == PUBLISHED_DRAWS)
		abort();
	p->draws[p->drawable++] = bytes;
}
