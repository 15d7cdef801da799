/* Three nations with five devices. */
#include <stdio.h>

#include "proto/crypto/crypto.h"
#include "tests/federation/three.h"

const char *const three_spaces[2] = {"GBR/ops", "DEU/ops"};

static const char *const label_files[THREE_LABELS] = {
	[REL_ALL] = "labels/restricted-rel-gbr-deu-fra",
	[REL_DEFR] = "labels/restricted-rel-deu-fra",
	[REL_GBR] = "labels/restricted-rel-gbr",
	[OPEN] = "labels/unclassified",
	[SECRET] = "labels/confidential-rel-gbr-deu-fra",
};

static const struct {
	const char *name, *clearance;
} people[THREE_DEVICES] = {
	[ALICE] = {"alice", "clearances/gbr-restricted"},
	[BOB] = {"bob", "clearances/gbr-unclassified"},
	[DORA] = {"dora", "clearances/deu-restricted"},
	[EMIL] = {"emil", "clearances/deu-unclassified"},
	[FLEUR] = {"fleur", "clearances/fra-restricted"},
};

static void file(const char *name, struct buf *out)
{
	char path[256];

	snprintf(path, sizeof(path), "docs/policy/%s.xml", name);
	world_file(path, out);
}

static struct world_relay *relay_of(struct three *t, int device)
{
	return device <= BOB ? t->gbr : device <= EMIL ? t->deu : t->fra;
}

void three_new(struct three *t, uint64_t seed)
{
	enum {
		ALL = SUBJECT_WRITE | SUBJECT_LABEL | SUBJECT_DELETE |
		      SUBJECT_RECALL
	};
	struct world *w = &t->w;

	world_new(w, seed);
	for (int i = 0; i < THREE_LABELS; i++) {
		file(label_files[i], &t->labels[i]);
		world_must(
			crypto_sha256(buf_span(&t->labels[i]), &t->digests[i]));
	}
	t->gbr = world_relay(w, "GBR");
	t->deu = world_relay(w, "DEU");
	t->fra = world_relay(w, "FRA");
	for (int i = 0; i < THREE_DEVICES; i++) {
		file(people[i].clearance, &t->clearances[i]);
		world_subject(w, relay_of(t, i), people[i].name,
			      buf_span(&t->clearances[i]), ALL, three_spaces,
			      2);
		t->devices[i] = world_device(w, relay_of(t, i), people[i].name);
	}
	world_peer(w, t->gbr, buf_span(&t->clearances[ALICE]), t->deu,
		   buf_span(&t->clearances[DORA]));
	world_peer(w, t->gbr, buf_span(&t->clearances[ALICE]), t->fra,
		   buf_span(&t->clearances[FLEUR]));
	world_peer(w, t->deu, buf_span(&t->clearances[DORA]), t->fra,
		   buf_span(&t->clearances[FLEUR]));
}

void three_free(struct three *t)
{
	world_free(&t->w);
	for (int i = 0; i < THREE_LABELS; i++)
		buf_clear(&t->labels[i]);
	for (int i = 0; i < THREE_DEVICES; i++)
		buf_clear(&t->clearances[i]);
}

bool three_releases(enum three_label label, enum three_device device)
{
	static const uint8_t released[THREE_LABELS] = {
		[REL_ALL] = 1 << ALICE | 1 << DORA | 1 << FLEUR,
		[REL_DEFR] = 1 << DORA | 1 << FLEUR,
		[REL_GBR] = 1 << ALICE,
		[OPEN] = (1 << THREE_DEVICES) - 1,
	};

	return released[label] >> device & 1;
}

void three_settle(struct three *t)
{
	for (int i = 0; i < 3; i++) {
		testclock_forward(&t->w.time, 60000);
		world_pump(&t->w);
	}
	for (size_t i = 0; i < t->w.device_count; i++)
		world_must(world_sync(&t->w, &t->w.devices[i]));
}

struct document *three_document(struct world_relay *r, struct doc_id id,
				struct arena *arena)
{
	struct document *doc = NULL;
	struct txn *txn = NULL;

	world_must(txn_begin_read(r->core->store, STORE_RECORDS, &txn));
	world_must(record_copy(txn, id, arena, &doc));
	txn_abort(&txn);
	return doc;
}

bool three_quarantined(struct world_relay *r, struct nation from,
		       struct digest digest, struct quarantined *out)
{
	struct quarantined q = {0};
	struct txn *txn = NULL;
	struct arena arena;
	bool found = false;

	arena_init(&arena, 1 << 20);
	world_must(txn_begin_read(r->core->store, STORE_RECORDS, &txn));
	while (!found && !failed(quarantine_next(txn, &arena, &q)))
		found = nation_eq(q.from, from) && digest_eq(q.digest, digest);
	txn_abort(&txn);
	if (found) {
		*out = q;
		out->detail = span_of(NULL, 0); /* of the arena */
	}
	arena_clear(&arena);
	return found;
}
