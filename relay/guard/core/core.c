/* Opening and closing: ring, store, policy, who the relay is. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/crypto/certificate.h"
#include "relay/guard/core/backing.h"
#include "relay/guard/core/housekeeping.h"
#include "relay/guard/core/pulls.h"
#include "relay/guard/core/reference.h"
#include "relay/guard/core/state.h"
#include "relay/guard/core/ticking.h"
#include "storage/author_store.h"
#include "storage/file.h"
#include "storage/hold.h"
#include "storage/policy_store.h"
#include "storage/root_key.h"
#include "storage/root_rotate.h"

enum { PATH_ROOM = 4096 };

/* ---- files of the relay's folder ---- */

static struct err read_in(const struct core *core, const char *name,
			  struct buf *out)
{
	char path[PATH_ROOM];
	struct err e = file_join(path, sizeof(path), core->folder, name);

	if (!failed(e))
		e = file_read(path, out);
	return e;
}

static struct err read_pem_certificate(const struct core *core,
				       const char *name, struct buf *der)
{
	struct buf pem;
	struct err e;

	buf_init(&pem, CERTIFICATE_PEM_MAX);
	e = read_in(core, name, &pem);
	if (!failed(e))
		e = certificate_from_pem(buf_span(&pem), der);
	buf_clear(&pem);
	return e;
}

/* ---- first start ---- */

/* Officers that `entente init` made: operator/<role>.pem. */
static struct err first_officers(struct core *core, struct txn *txn)
{
	struct err e = ERR_NONE;

	for (int r = OFFICER_OPERATOR; r <= OFFICER_AUDITOR && !failed(e);
	     r++) {
		const char *role = officer_role_text((enum officer_role)r);
		struct certificate_facts facts;
		struct officer officer;
		struct arena arena;
		char name[80];
		struct buf der;

		buf_init(&der, CERTIFICATE_MAX);
		arena_init(&arena, 64 << 10);
		snprintf(name, sizeof(name), "operator/%s.pem", role);
		e = read_pem_certificate(core, name, &der);
		if (e.code == ERR_NOT_FOUND) {
			e = ERR_NONE;
			goto next;
		}
		if (!failed(e))
			e = certificate_check(buf_span(&der),
					      buf_span(&core->ca),
					      CERTIFICATE_CLIENT,
					      core_now_s(core));
		if (!failed(e))
			e = certificate_read(buf_span(&der), &arena, &facts);
		if (!failed(e)) {
			officer = (struct officer){span_str(role),
						   (enum officer_role)r,
						   facts.digest, facts.spki};
			e = officer_put(txn, &officer);
		}
	next:
		arena_clear(&arena);
		buf_clear(&der);
	}
	return e;
}

static struct err put_policy(struct txn *txn, const struct policy *policy,
			     uint64_t now)
{
	struct digest files[POLICY_FILES_MAX];
	size_t count = policy_file_count(policy);
	uint64_t number;
	struct err e = ERR_NONE;

	for (size_t i = 0; i < count && !failed(e); i++)
		e = policy_store_put_file(txn, policy_file(policy, i),
					  &files[i]);
	if (!failed(e))
		e = policy_store_put_set(txn, policy_digest(policy), files,
					 count);
	if (!failed(e))
		e = policy_store_activate(txn, policy_digest(policy), now,
					  &number);
	return e;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of policy/NN-*.spif.xml, sorted: the first governs. */
static struct err policy_names(const struct core *core,
			       char *names[POLICY_FILES_MAX], size_t *count)
{
	char path[PATH_ROOM];
	struct dirent *entry;
	DIR *dir;
	struct err e = file_join(path, sizeof(path), core->folder, "policy");

	*count = 0;
	if (failed(e))
		return e;
	dir = opendir(path);
	if (!dir)
		return err_make(ERR_NOT_FOUND,
				"no folder policy/ in the relay's folder");
	while (!failed(e) && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (len < 9 || strcmp(entry->d_name + len - 9, ".spif.xml"))
			continue;
		if (*count == POLICY_FILES_MAX)
			e = err_make(ERR_TOO_LARGE, "too many policy files");
		else if (!(names[(*count)++] = strdup(entry->d_name)))
			e = err_make(ERR_NO_MEMORY, "policy");
	}
	closedir(dir);
	qsort(names, *count, sizeof(*names), by_name);
	if (!failed(e) && !*count)
		e = err_make(ERR_NOT_FOUND, "no policy/00-*.spif.xml in the "
					    "relay's folder");
	return e;
}

static struct err first_policy(struct core *core, struct txn *txn)
{
	char *names[POLICY_FILES_MAX] = {0};
	struct buf files[POLICY_FILES_MAX];
	struct span spans[POLICY_FILES_MAX];
	struct label_problem problem = {0};
	struct policy *policy = NULL;
	size_t count = 0, read = 0;
	struct err e = policy_names(core, names, &count);

	for (; !failed(e) && read < count; read++) {
		char name[NAME_MAX + 16];

		snprintf(name, sizeof(name), "policy/%.255s", names[read]);
		buf_init(&files[read], POLICY_FILE_MAX);
		e = read_in(core, name, &files[read]);
		spans[read] = buf_span(&files[read]);
	}
	if (!failed(e))
		e = policy_load(spans, count, &problem, &policy);
	if (!failed(e) && !policy_has_class(policy, core->ceiling))
		e = err_make(ERR_POLICY, "the ceiling is no classification of "
					 "the governing policy");
	if (!failed(e))
		e = put_policy(txn, policy, core_now_s(core));
	policy_free(policy);
	while (read)
		buf_clear(&files[--read]);
	while (count)
		free(names[--count]);
	return e;
}

/* Ring and store from the start file; then the file goes. */
static struct err first_ring(struct core *core, const uint8_t *root_key,
			     const char *start_path, const char *ring_folder)
{
	struct keyfile_start start = {0};
	char path[PATH_ROOM];
	struct buf plain;
	struct err e;

	buf_init(&plain, KEYFILE_START_FILE_MAX);
	e = start_file_open(start_path, root_key, &plain, &start);
	if (!failed(e) && !nation_eq(start.replica.nation, core->nation))
		e = err_make(ERR_CONFLICT, "the start file is of another "
					   "nation than the configuration");
	if (!failed(e))
		e = file_join(path, sizeof(path), core->folder, "keys/replica");
	/* Before the ring: where there is one, this is not done again. */
	if (!failed(e))
		e = file_write(path, start.certificate, false);
	if (!failed(e))
		e = file_make_folder(ring_folder);
	if (!failed(e))
		e = ring_create(ring_folder, &core->provider, &core->random,
				&start);
	if (!failed(e))
		core->replica = start.replica;
	keyfile_start_wipe(&start);
	buf_wipe(&plain);
	return e;
}

/* What a fresh store needs before it serves: pins, policy, officers. */
static struct err first_rows(struct core *core)
{
	struct batch batch;
	struct err e = batch_begin(core, true, 0, &batch);

	if (failed(e))
		return e;
	e = trust_pin(core->trust, batch.txn, core->nation,
		      buf_span(&core->root), buf_span(&core->certificate));
	if (!failed(e))
		e = first_policy(core, batch.txn);
	if (!failed(e))
		e = first_officers(core, batch.txn);
	if (failed(e)) {
		batch_abort(&batch);
		return e;
	}
	return batch_commit(&batch);
}

/* ---- every start ---- */

static struct err load_policy(struct core *core, struct txn *txn)
{
	struct digest digests[POLICY_STORE_FILES_MAX];
	struct span files[POLICY_STORE_FILES_MAX];
	size_t count = POLICY_STORE_FILES_MAX;
	struct policy_version version;
	struct policy *policy = NULL;
	struct err e = policy_store_current(txn, &version);

	if (!failed(e))
		e = policy_store_get_set(txn, version.set, digests, &count);
	for (size_t i = 0; i < count && !failed(e); i++)
		e = policy_store_get_file(txn, digests[i], &files[i]);
	if (!failed(e))
		e = policy_load(files, count, NULL, &policy);
	if (!failed(e))
		e = policing_new(policy, core->ceiling, core->shelves,
				 &core->policing);
	if (failed(e))
		policy_free(policy);
	return e;
}

static struct err load_keys(struct core *core)
{
	struct err e = ring_private(core->ring, KEYFILE_SEAL, &core->seal_key);

	if (!failed(e))
		e = ring_private(core->ring, KEYFILE_REQUEST,
				 &core->request_key);
	if (!failed(e))
		e = ring_private(core->ring, KEYFILE_GUARD_P256,
				 &core->guard_p256);
	if (!failed(e))
		e = ring_private(core->ring, KEYFILE_GUARD_P384,
				 &core->guard_p384);
	if (!failed(e))
		e = ring_private(core->ring, KEYFILE_DEVICE_CA, &core->ca_key);
	return e;
}

/* Until the start file goes nothing is in the store: one that is not there, or
 * half there, is made.  Later it would be a store that was lost. */
static struct err open_store(struct core *core,
			     const struct core_config *config)
{
	char path[PATH_ROOM], start[PATH_ROOM];
	struct store_options options = {.random = core->random,
					.clock = core->clock,
					.quota = config->quota_bytes,
					.faults = config->faults,
					.lock = core->folder_lock};
	struct err e = file_join(path, sizeof(path), core->folder, "store");

	if (!failed(e))
		e = file_join(start, sizeof(start), core->folder, "keys/start");
	if (failed(e))
		return e;
	options.path = path;
	ring_store_id(core->ring, options.store_id);
	ring_mac_key(core->ring, options.mac_key);
	if (access(start, F_OK) == 0)
		e = store_create(&options, core->replica);
	if (e.code == ERR_EXISTS)
		e = ERR_NONE;
	if (!failed(e))
		e = store_open(&options, &core->store);
	wipe(&options, sizeof(options));
	return e;
}

/* The replica number stands in the certificate. */
static struct err read_identity(struct core *core)
{
	struct replica_certificate *c = NULL;
	struct err e = read_pem_certificate(core, "tls/ca.pem", &core->ca);

	if (!failed(e))
		e = read_in(core, "tls/root.spki", &core->root);
	if (!failed(e))
		e = read_in(core, "keys/replica", &core->certificate);
	if (!failed(e))
		e = replica_decode(buf_span(&core->certificate), &c);
	if (!failed(e))
		core->replica = c->draft.replica;
	replica_free(c);
	return e;
}

static struct err open_ring(struct core *core, const struct core_config *config)
{
	char start[PATH_ROOM], ring[PATH_ROOM], keys[PATH_ROOM];
	struct err e = file_join(keys, sizeof(keys), core->folder, "keys");

	if (!failed(e))
		e = root_rotate_settle(keys);
	if (!failed(e))
		e = file_join(start, sizeof(start), core->folder, "keys/start");

	if (!failed(e))
		e = file_join(ring, sizeof(ring), core->folder, "store");
	if (!failed(e))
		e = file_join(keys, sizeof(keys), core->folder, "keys/ring");
	if (!failed(e))
		e = key_provider_file_open(keys, config->root_key,
					   &core->random, &core->provider);
	if (!failed(e))
		e = reference_standing_key(config->root_key,
					   core->standing_key);
	if (failed(e))
		return e;
	e = ring_open(ring, &core->provider, &core->random, &core->clock,
		      &core->ring);
	if (e.code == ERR_NOT_FOUND) {
		e = first_ring(core, config->root_key, start, ring);
		if (!failed(e))
			e = ring_open(ring, &core->provider, &core->random,
				      &core->clock, &core->ring);
	}
	return e;
}

/* First of all: opening the ring destroys other ring keys. */
static struct err lock_store(struct core *core)
{
	char path[PATH_ROOM];
	struct err e = file_join(path, sizeof(path), core->folder, "store");

	return failed(e) ? e : store_lock(path, &core->folder_lock);
}

static struct err load_hold(struct core *core)
{
	struct txn *txn = NULL;
	struct hold hold;
	struct err e = txn_begin_read(core->store, STORE_RECORDS, &txn);

	if (!failed(e))
		e = hold_get(txn, &hold);
	txn_abort(&txn);
	if (!failed(e))
		atomic_store(&core->held, hold.held);
	return e;
}

static struct err load(struct core *core, const struct core_config *config)
{
	struct policy_version version;
	struct txn *txn = NULL;
	char start[PATH_ROOM];
	struct err e = lock_store(core);

	if (!failed(e))
		e = open_ring(core, config);
	if (!failed(e))
		e = read_identity(core);
	if (!failed(e))
		e = load_keys(core);
	if (!failed(e))
		e = open_store(core, config);
	if (!failed(e))
		e = shelf_index_open(core->store, &core->shelves);
	if (!failed(e))
		e = txn_begin_read(core->store, STORE_RECORDS, &txn);
	if (!failed(e)) {
		e = policy_store_current(txn, &version);
		txn_abort(&txn);
		if (e.code == ERR_NOT_FOUND)
			e = first_rows(core);
	}
	if (!failed(e))
		e = file_join(start, sizeof(start), core->folder, "keys/start");
	if (!failed(e)) /* the keys are in the ring, the rows are durable */
		e = start_file_destroy(start);
	if (!failed(e))
		e = txn_begin_read(core->store, STORE_RECORDS, &txn);
	if (!failed(e))
		e = load_policy(core, txn);
	txn_abort(&txn);
	if (!failed(e))
		e = ticking_open(core);
	if (!failed(e))
		e = load_hold(core);
	if (!failed(e))
		e = backing_open(core);
	if (!failed(e))
		e = housekeeping_start(core);
	if (!failed(e))
		e = pulls_open(core);
	return e;
}

struct err core_open(const struct core_config *config, struct core **out)
{
	struct core *core = calloc(1, sizeof(*core));
	struct err e = err_make(ERR_NO_MEMORY, "core");

	if (!core)
		return e;
	core->nation = config->nation;
	core->clock = config->clock;
	core->random = config->random;
	core->started_s = core_now_s(core);
	core->sealed_end = &core->sealed;
	pthread_mutex_init(&core->lock, NULL);
	pthread_rwlock_init(&core->policing_lock, NULL);
	buf_init(&core->ca, CERTIFICATE_MAX);
	buf_init(&core->root, CRYPTO_SPKI_MAX);
	buf_init(&core->certificate, REPLICA_BLOB_MAX);
	core->folder = strdup(config->folder);
	core->ceiling = strdup(config->ceiling);
	core->endpoint = strdup(config->endpoint);
	core->peer_endpoint = strdup(config->peer_endpoint);
	core->refusals = calloc(CORE_REFUSALS_MAX, sizeof(*core->refusals));
	core->garbage = calloc(CORE_GARBAGE_MAX, sizeof(*core->garbage));
	if (core->folder && core->ceiling && core->endpoint &&
	    core->peer_endpoint && core->refusals && core->garbage)
		e = keycache_new(&core->keys);
	if (!failed(e))
		e = agreements_new(core->clock, &core->agreements);
	if (!failed(e))
		e = trust_new(&core->trust);
	if (!failed(e))
		e = load(core, config);
	if (failed(e)) {
		core_close(core);
		return e;
	}
	*out = core;
	return ERR_NONE;
}

void core_close(struct core *core)
{
	if (!core)
		return;
	pulls_close(core);
	backing_close(core);
	sealed_groups_free(core, core->sealed);
	policing_release(core->policing);
	shelf_index_close(core->shelves);
	store_close(core->store);
	ring_close(core->ring);
	if (core->provider.close)
		core->provider.close(core->provider.self);
	store_unlock(core->folder_lock);
	trust_free(core->trust);
	keycache_free(core->keys);
	agreements_free(core->agreements);
	buf_clear(&core->ca);
	buf_clear(&core->root);
	buf_clear(&core->certificate);
	pthread_rwlock_destroy(&core->policing_lock);
	pthread_mutex_destroy(&core->lock);
	free(core->folder);
	free(core->ceiling);
	free(core->endpoint);
	free(core->peer_endpoint);
	free(core->refusals);
	free(core->garbage);
	free(core);
}
