/* Many documents by the writer's own functions. */
#include "tests/bench/stock.h"

#include "client/identity.h"
#include "proto/document/segment.h"
#include "relay/guard/core/ops/ops.h"
#include "tests/bench/figure.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	GROUPS = 64, /* of a commit */
	SIGNED = 2,  /* shelves whose manifests are signed */
	SEALED = 96, /* bytes of a sealed title */
	BLOB = STOCK_CONTENT + SEGMENT_ENTRY_LEN + SEGMENT_OVERHEAD,
};

struct stock {
	struct place *p;
	struct core *core;
	const struct crypto_key *author;
	struct key_id author_id;
	struct digest labels[2];
	char spaces[STOCK_SPACES][STOCK_NAME_MAX];
	uint64_t made, chance;
};

void stock_space(size_t i, char out[STOCK_NAME_MAX])
{
	snprintf(out, STOCK_NAME_MAX, "GBR/s%03u", (unsigned)(i % 1000));
}

static void store_label(struct stock *s, struct span xml, struct digest *out)
{
	const struct policing_label *label;
	struct policing_label *owned;
	struct policing *policing = core_policing(s->core);
	struct batch batch;

	world_must(policing_label_xml(policing, xml, NULL, &label, &owned));
	world_must(batch_begin(s->core, true, 0, &batch));
	world_must(ops_store_label(batch.txn, label));
	world_must(batch_commit(&batch));
	*out = label->digest;
	policing_label_free(owned);
	policing_release(policing);
}

struct stock *stock_new(struct place *p)
{
	struct stock *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->p = p;
	s->core = p->relay->core;
	s->author = engine_identity(p->writer->engine)->author;
	s->author_id = crypto_public_id(crypto_key_public(s->author));
	s->chance = 88172645463325252u;
	for (size_t i = 0; i < STOCK_SPACES; i++)
		stock_space(i, s->spaces[i]);
	store_label(s, buf_span(&p->open), &s->labels[0]);
	store_label(s, buf_span(&p->restricted), &s->labels[1]);
	return s;
}

void stock_free(struct stock *s)
{
	free(s);
}

/* Bytes by chance, quickly: xorshift64. */
static void by_chance(struct stock *s, void *out, size_t len)
{
	for (uint8_t *at = out; len;) {
		size_t n = len < 8 ? len : 8;

		s->chance ^= s->chance << 13;
		s->chance ^= s->chance >> 7;
		s->chance ^= s->chance << 17;
		memcpy(at, &s->chance, n);
		at += n;
		len -= n;
	}
}

/* Signature and digest; the payload comes back in `arena`. */
static void sign(struct stock *s, struct manifest *m, bool really,
		 struct arena *arena)
{
	struct buf b;

	buf_init(&b, MANIFEST_JWS_MAX);
	if (really) {
		struct manifest read;

		world_must(manifest_sign(s->author, m, &b));
		world_must(manifest_decode(arena_copy(arena, buf_span(&b)),
					   arena, &read));
		*m = read;
	} else {
		size_t len;

		world_must(manifest_encode(m, &b));
		m->payload = arena_copy(arena, buf_span(&b));
		memset(m->signature, 0x5a, sizeof(m->signature));
		buf_reset(&b);
		manifest_format(m, &b);
		for (len = b.len; b.at[len - 1] != '.';)
			len--;
		world_must(crypto_sha256(span_of(b.at, len - 1), &m->digest));
	}
	buf_clear(&b);
}

static void add_one(struct stock *s, struct document_writer *w, struct txn *txn,
		    size_t shelf, uint64_t now_ms)
{
	uint8_t sealed[SEALED], blob[BLOB];
	struct digest commitment;
	struct document_key key = {.present = true};
	struct manifest m = {
		.home = s->core->nation,
		.space = span_str(s->spaces[shelf / 2]),
		.author = s->author_id,
		.serial = 1,
		.statement = 1,
		.label = s->labels[shelf % 2],
		.suite = SEGMENT_SUITE,
		.size = STOCK_CONTENT,
		.keys = &commitment,
		.keys_count = 1,
		.sealed = SPAN_OBJ(sealed),
		.time = now_ms / 1000,
	};
	struct resolve_revision in = {
		.manifest = &m,
		.from = s->core->nation,
		.now = now_ms / 1000,
		.local = true,
		.replica = s->core->replica,
		.match = RESOLVE_MATCH_NONE,
		.keys = &key,
		.keys_count = 1,
		.slot = 1,
		.content = SPAN_OBJ(blob),
		.place = DOCUMENT_CONTENT_SEGMENTS,
	};
	struct resolve_result result;
	struct opening opening;
	struct arena arena;

	arena_init(&arena, DOCUMENT_ARENA_MAX);
	by_chance(s, sealed, sizeof(sealed));
	by_chance(s, blob, sizeof(blob));
	by_chance(s, commitment.at, DIGEST_LEN);
	by_chance(s, m.table.at, DIGEST_LEN);
	by_chance(s, m.salt, sizeof(m.salt));
	by_chance(s, key.wrapped, sizeof(key.wrapped));
	key.commitment = commitment;
	opening = (struct opening){.space = m.space, .author = m.author};
	memcpy(opening.salt, m.salt, sizeof(opening.salt));
	in.opening = opening;
	/* A thousand documents a second: ids rise, as they do. */
	world_must(docid_make(&opening, m.home, now_ms + s->made, &m.id));
	sign(s, &m, shelf < SIGNED, &arena);
	world_must(resolve_revision(NULL, &in, &arena, &result));
	world_must(document_apply(w, txn, NULL, &result, in.now, NULL));
	arena_clear(&arena);
	s->made++;
}

/* The group with its tree and signature, as writer and sealer make it. */
static void put_group(struct stock *s, const struct document_writer *w,
		      struct txn *txn, uint64_t now)
{
	static struct seal_group tree;
	struct group_row row = {.replica = s->core->replica,
				.time = now,
				.first = w->first,
				.last = w->last,
				.leaves = span_of(w->cores,
						  w->leaves * DIGEST_LEN)};
	uint8_t signature[SEAL_SIG_LEN];

	by_chance(s, row.secret, sizeof(row.secret));
	world_must(group_put(txn, &row, &row.number));
	world_must(seal_group_build(row.secret, row.replica, row.time, w->cores,
				    w->leaves, &tree));
	world_must(seal_group_sign(s->core->seal_key, row.replica, row.time,
				   seal_group_root(&tree), signature));
	world_must(group_sign_row(txn, row.number, seal_group_root(&tree),
				  signature));
	for (uint16_t i = 0; i < w->leaves; i++) {
		struct group_leaf way = {.time = now};

		seal_group_way(&tree, i, &way.place, way.salt, way.path);
		world_must(group_leaf_put(txn, row.number, i, &way));
	}
}

void stock_add(struct stock *s, size_t count, size_t from, size_t to)
{
	static struct document_writer w;
	uint64_t now_ms = clock_ms(&s->core->clock) - 3600 * 1000;
	uint64_t group = 0;

	while (count) {
		struct batch batch;

		world_must(batch_begin(s->core, true, 0, &batch));
		world_must(group_last(batch.txn, &group));
		for (size_t g = 0; g < GROUPS && count; g++) {
			document_writer_begin(&w, s->core->shelves, ++group);
			for (; w.leaves < SEAL_LEAVES && count; count--) {
				uint32_t any;

				by_chance(s, &any, sizeof(any));
				add_one(s, &w, batch.txn,
					from + any % (to - from), now_ms);
			}
			world_must(document_writer_end(&w, batch.txn));
			put_group(s, &w, batch.txn, now_ms / 1000);
		}
		batch.wakes = true;
		world_must(batch_commit(&batch));
	}
	/* The sealer looks for what is unsigned above what it signed last. */
	pthread_mutex_lock(&s->core->lock);
	s->core->sealed_upto = group;
	pthread_mutex_unlock(&s->core->lock);
}

void stock_subject(struct txn *txn, const char *name, struct span clearance,
		   size_t first, size_t count)
{
	char names[STOCK_SPACES][STOCK_NAME_MAX];
	struct span list[STOCK_SPACES];
	struct subject subject = {.name = span_str(name),
				  .clearance = clearance,
				  .spaces = list,
				  .space_count = count};

	for (size_t i = 0; i < count; i++) {
		stock_space((first + i) % STOCK_SPACES, names[i]);
		list[i] = span_str(names[i]);
	}
	world_must(subject_put(txn, &subject));
}

void stock_device(struct place *p, struct txn *txn, struct span certificate,
		  const char *subject)
{
	const struct identity *like = engine_identity(p->reader->engine);
	struct device device = {
		.author_spki =
			crypto_public_spki(crypto_key_public(like->author)),
		.wrapping =
			crypto_public_point(crypto_key_public(like->wrapping)),
		.subject = span_str(subject),
		.certificate_until = UINT64_MAX,
	};

	world_must(crypto_sha256(certificate, &device.certificate));
	memcpy(device.author.at, device.certificate.at, DIGEST_LEN);
	memcpy(device.tls.at, device.certificate.at, DIGEST_LEN);
	world_must(device_put(txn, &device));
}
