/* Copies of files, and what can be opened with them. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "proto/crypto/domain.h"
#include "storage/file.h"
#include "storage/ring_state.h"
#include "tests/guard/thief.h"

enum { FILE_MAX = 256 << 20, AFTER_COMMITMENT = 8 };

static void must_be(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "thief: %s\n", what);
	abort();
}

struct thief *thief_new(void)
{
	struct thief *t = calloc(1, sizeof(*t));

	must_be(t, "memory");
	return t;
}

void thief_free(struct thief *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->file_count; i++)
		buf_clear(&t->files[i].bytes);
	free(t);
}

static struct thief_file *add_file(struct thief *t, bool ring)
{
	struct thief_file *f = &t->files[t->file_count++];

	must_be(t->file_count <= THIEF_FILES_MAX, "too many files");
	f->ring = ring;
	buf_init(&f->bytes, FILE_MAX);
	return f;
}

struct thief *thief_copy(const struct thief *t)
{
	struct thief *copy = thief_new();

	for (size_t i = 0; i < t->file_count; i++)
		buf_put(&add_file(copy, t->files[i].ring)->bytes,
			buf_span(&t->files[i].bytes));
	return copy;
}

void thief_take(struct thief *t, const char *store)
{
	struct dirent *entry;
	DIR *dir = opendir(store);

	must_be(dir, "no such folder");
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;
		char path[1024];
		struct stat st;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		must_be(!failed(file_join(path, sizeof(path), store, name)),
			"a long path");
		must_be(stat(path, &st) == 0, "a file that went");
		if (S_ISDIR(st.st_mode))
			thief_take(t, path);
		else
			must_be(!failed(file_read(path,
						  &add_file(t, strncmp(name,
								       "ring",
								       4) == 0)
							   ->bytes)),
				"a file that cannot be read");
	}
	closedir(dir);
}

static void keep_id(struct thief *t, struct ring_key_id id)
{
	for (size_t i = 0; i < t->id_count; i++)
		if (memcmp(t->ids[i].at, id.at, RING_KEY_ID_LEN) == 0)
			return;
	must_be(t->id_count < THIEF_IDS_MAX, "too many ring keys");
	t->ids[t->id_count++] = id;
}

static void keep_slot(struct thief *t, const struct ring_slot *slot)
{
	for (size_t i = 0; i < t->slot_count; i++)
		if (t->slots[i].number == slot->number &&
		    memcmp(t->slots[i].secret, slot->secret, CRYPTO_KEY_LEN) ==
			    0)
			return;
	must_be(t->slot_count < THIEF_SLOTS_MAX, "too many slots");
	t->slots[t->slot_count].number = slot->number;
	memcpy(t->slots[t->slot_count++].secret, slot->secret, CRYPTO_KEY_LEN);
}

/* One ring under one key, whatever key it names. */
static bool open_ring(struct thief *t, struct span file,
		      const uint8_t key[CRYPTO_KEY_LEN])
{
	struct ring_state *state = NULL;
	struct err e = ring_state_new(&state);

	if (!failed(e))
		e = ring_state_read_head(file, state);
	if (!failed(e))
		memcpy(t->store_id, state->store_id, STORE_ID_LEN);
	if (!failed(e))
		e = ring_state_open(file, key, state);
	for (size_t i = 0; !failed(e) && i < state->slot_count; i++)
		keep_slot(t, &state->slots[i]);
	ring_state_free(state);
	return !failed(e);
}

unsigned thief_open_rings(struct thief *t, const struct key_provider *provider)
{
	unsigned opened = 0;

	for (size_t i = 0; i < t->file_count; i++) {
		struct ring_state *state = NULL;

		if (!t->files[i].ring)
			continue;
		must_be(!failed(ring_state_new(&state)), "memory");
		if (!failed(ring_state_read_head(buf_span(&t->files[i].bytes),
						 state)))
			keep_id(t, state->ring_key);
		ring_state_free(state);
	}
	for (size_t k = 0; k < t->id_count; k++) {
		uint8_t key[CRYPTO_KEY_LEN];

		if (failed(provider->get(provider->self, t->ids[k], key)))
			continue;
		for (size_t i = 0; i < t->file_count; i++)
			opened +=
				t->files[i].ring &&
				open_ring(t, buf_span(&t->files[i].bytes), key);
	}
	return opened;
}

/* One kek a slot: as docs/STORAGE.md says how a content key at rest is
 * wrapped. */
struct keks {
	const struct thief_target *target;
	size_t count;
	uint8_t (*at)[CRYPTO_KEY_LEN];
};

static void make_keks(const struct thief *t, const struct thief_target *target,
		      struct keks *out)
{
	*out = (struct keks){target, t->slot_count,
			     calloc(t->slot_count + 1, CRYPTO_KEY_LEN)};
	must_be(out->at, "memory");
	for (size_t i = 0; i < t->slot_count; i++) {
		struct buf info;

		buf_init(&info, 256);
		encode_domain(&info, DOMAIN_SLOT);
		buf_put_u64(&info, t->slots[i].number);
		buf_put(&info, SPAN_OBJ(target->doc.at));
		buf_put(&info, SPAN_OBJ(target->commitment.at));
		must_be(!failed(crypto_hkdf(SPAN_OBJ(t->slots[i].secret),
					    SPAN_OBJ(t->store_id),
					    buf_span(&info), out->at[i],
					    CRYPTO_KEY_LEN)),
			"HKDF");
		buf_clear(&info);
	}
}

static const uint8_t *next_of(struct span in, const uint8_t *after,
			      struct span what)
{
	const uint8_t *from = after ? after + 1 : in.at;

	return memmem(from, in.len - (size_t)(from - in.at), what.at, what.len);
}

static bool opens_one(const struct keks *keks, const uint8_t *wrapped)
{
	uint8_t key[CRYPTO_KEY_LEN];

	for (size_t i = 0; i < keks->count; i++)
		if (!failed(crypto_key_unwrap(keks->at[i], wrapped, key)) &&
		    memcmp(key, keks->target->key, sizeof(key)) == 0)
			return true;
	return false;
}

/* Whatever follows the commitment, with a few bytes between. */
static bool opens_after(const struct keks *keks, struct span in,
			const uint8_t *commitment)
{
	size_t at = (size_t)(commitment - in.at) + DIGEST_LEN;

	for (size_t n = 0; n < AFTER_COMMITMENT; n++)
		if (at + n + CRYPTO_WRAPPED_LEN <= in.len &&
		    opens_one(keks, in.at + at + n))
			return true;
	return false;
}

bool thief_opens(const struct thief *t, const struct thief_target *target,
		 unsigned *found)
{
	unsigned places = 0;
	struct keks keks;
	bool opens;

	make_keks(t, target, &keks);
	opens = opens_one(&keks, target->wrapped);
	for (size_t i = 0; i < t->file_count; i++) {
		struct span in = buf_span(&t->files[i].bytes);
		const uint8_t *at = NULL;

		opens = opens || next_of(in, NULL, SPAN_OBJ(target->key));
		while ((at = next_of(in, at, SPAN_OBJ(target->wrapped))))
			places++;
		while ((at = next_of(in, at, SPAN_OBJ(target->commitment.at))))
			opens = opens || opens_after(&keks, in, at);
	}
	free(keks.at);
	if (found)
		*found = places;
	return opens;
}
