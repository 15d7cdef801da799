#define _GNU_SOURCE
#include "relay/inhand.h"

#include <sys/mman.h>
#include <unistd.h>

struct err inhand_map(int fd, struct inhand **out)
{
	void *at = mmap(NULL, sizeof(struct inhand), PROT_READ | PROT_WRITE,
			MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return err_make(ERR_IO, "page of what is in hand");
	*out = at;
	return ERR_NONE;
}

struct err inhand_new(int *fd, struct inhand **out)
{
	int f = memfd_create("entente-inhand", MFD_CLOEXEC);
	struct err e;

	if (f < 0 || ftruncate(f, sizeof(struct inhand)) < 0) {
		if (f >= 0)
			close(f);
		return err_make(ERR_IO, "page of what is in hand");
	}
	e = inhand_map(f, out);
	if (failed(e)) {
		close(f);
		return e;
	}
	*fd = f;
	return ERR_NONE;
}

void inhand_unmap(struct inhand *page)
{
	if (page)
		munmap(page, sizeof(*page));
}

static void add(struct inhand_record *r, struct digest digest)
{
	for (size_t i = 0; i < r->count; i++)
		if (digest_eq(r->seen[i].digest, digest)) {
			r->seen[i].deaths++;
			return;
		}
	if (r->count == INHAND_SEEN_MAX) {
		memmove(&r->seen[0], &r->seen[1],
			sizeof(r->seen[0]) * --r->count);
	}
	r->seen[r->count].digest = digest;
	r->seen[r->count++].deaths = 1;
}

size_t inhand_collect(struct inhand *page, struct inhand_record *record)
{
	size_t n = 0;

	for (unsigned i = 0; i < INHAND_SLOTS; i++) {
		if (!atomic_load(&page->slots[i].used))
			continue;
		add(record, page->slots[i].digest);
		inhand_unset(page, i);
		n++;
	}
	return n;
}
