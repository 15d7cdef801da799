/* The relay at a glance. */
#include "proto/label/policy.h"
#include "relay/guard/core/admin/admin.h"
#include "storage/document_internal.h"

enum {
	STATUS_COUNT_MAX = 10000, /* documents counted */
	STATUS_ARENA_MAX = 1 << 20,
};

struct counts {
	uint64_t subjects, documents, audit;
	uint64_t devices[DEVICE_REVOKED + 1]; /* by state */
	uint64_t peers[PEER_SUSPENDED + 1];
	uint32_t shelves;
};

static struct err count_subjects(struct txn *txn, struct counts *c)
{
	char name[SUBJECT_NAME_MAX];
	struct subject s = {0};
	struct arena arena;
	struct err e;

	arena_init(&arena, STATUS_ARENA_MAX);
	while (!failed(e = subject_next(txn, &arena, &s))) {
		c->subjects++;
		s.name = span_sub(s.name, 0, sizeof(name));
		memcpy(name, s.name.at, s.name.len);
		s.name = span_of(name, s.name.len);
		arena_clear(&arena);
	}
	arena_clear(&arena);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err count_devices(struct txn *txn, struct counts *c)
{
	struct device d = {0};
	struct arena arena;
	struct err e;

	arena_init(&arena, STATUS_ARENA_MAX);
	while (!failed(e = device_next(txn, &arena, &d))) {
		if (d.state <= DEVICE_REVOKED)
			c->devices[d.state]++;
		arena_clear(&arena);
	}
	arena_clear(&arena);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err count_peers(struct txn *txn, struct counts *c)
{
	struct peer p = {0};
	struct arena arena;
	struct err e;

	arena_init(&arena, STATUS_ARENA_MAX);
	while (!failed(e = peer_next(txn, &arena, &p))) {
		c->peers[p.state == PEER_ACTIVE ? PEER_ACTIVE
						: PEER_SUSPENDED]++;
		arena_clear(&arena);
	}
	arena_clear(&arena);
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err count_documents(struct txn *txn, struct counts *c)
{
	struct doc_id id = {0};
	struct err e = ERR_NONE;

	while (c->documents < STATUS_COUNT_MAX &&
	       !failed(e = document_next_internal(txn, &id)))
		c->documents++;
	return e.code == ERR_NOT_FOUND ? ERR_NONE : e;
}

static struct err count(struct job *job, struct counts *c)
{
	struct txn *txn = NULL;
	struct digest link;
	struct err e = txn_begin_read(job->core->store, STORE_RECORDS, &txn);

	if (!failed(e))
		e = count_subjects(txn, c);
	if (!failed(e))
		e = count_devices(txn, c);
	if (!failed(e))
		e = count_peers(txn, c);
	if (!failed(e))
		e = count_documents(txn, c);
	if (!failed(e))
		e = shelf_count(txn, &c->shelves);
	if (!failed(e))
		e = audit_head(txn, &c->audit, &link);
	txn_abort(&txn);
	return e;
}

static void put_counts(const struct counts *c, struct json_writer *w)
{
	json_put_name(w, "counts");
	json_open_object(w);
	json_member_u64(w, "audit", c->audit);
	json_member_u64(w, "devices", c->devices[DEVICE_ACTIVE]);
	json_member_u64(w, "devices_frozen", c->devices[DEVICE_FROZEN]);
	json_member_u64(w, "devices_revoked", c->devices[DEVICE_REVOKED]);
	json_member_u64(w, "documents", c->documents);
	json_member_bool(w, "documents_more", c->documents == STATUS_COUNT_MAX);
	json_member_u64(w, "peers", c->peers[PEER_ACTIVE]);
	json_member_u64(w, "peers_suspended", c->peers[PEER_SUSPENDED]);
	json_member_u64(w, "shelves", c->shelves);
	json_member_u64(w, "subjects", c->subjects);
	json_close_object(w);
}

static void put_store(const struct store_usage *u, struct json_writer *w)
{
	json_put_name(w, "store");
	json_open_object(w);
	json_member_u64(w, "file", u->file);
	json_member_bool(w, "full", u->full);
	json_member_u64(w, "quota", u->quota);
	json_member_u64(w, "used", u->used);
	json_close_object(w);
}

static struct err status_check(struct job *job)
{
	struct core *core = job->core;
	const struct officer *officer = &job->asker.officer;
	struct store_usage usage;
	struct counts counts = {0};
	uint64_t now = core_now_s(core), lost;
	struct json_writer w;
	struct err e = count(job, &counts);

	if (!failed(e))
		e = store_usage(core->store, &usage);
	if (failed(e))
		return e;
	pthread_mutex_lock(&core->lock);
	lost = core->refusals_lost;
	pthread_mutex_unlock(&core->lock);
	w = json_write(&job->body);
	json_open_object(&w);
	json_member_nation(&w, "nation", core->nation);
	json_member_replica(&w, "replica", core->replica);
	json_member_str(&w, "ceiling", core->ceiling);
	json_member_str(&w, "policy_name",
			policy_name(policing_policy(job->policing), 0));
	json_member_digest(&w, "policy", policing_digest(job->policing));
	json_member_str(&w, "endpoint", core->endpoint);
	json_member_str(&w, "peer_endpoint", core->peer_endpoint);
	json_member_bool(&w, "held", atomic_load(&core->held));
	json_member_u64(&w, "time", now);
	json_member_u64(&w, "uptime",
			now > core->started_s ? now - core->started_s : 0);
	json_member_string(&w, "officer", officer->name);
	json_member_str(&w, "role", officer_role_text(officer->role));
	json_member_u64(&w, "refusals_lost", lost);
	put_counts(&counts, &w);
	put_store(&usage, &w);
	json_close_object(&w);
	answer_json(job, 200);
	return buf_check(&job->body);
}

const struct operation admin_status = {
	.name = "admin.status",
	.method = "GET",
	.path = "/admin/v1/status",
	.listeners = 1u << CORE_ADMIN,
	.askers = ASKER_OFFICER,
	.roles = ADMIN_OPERATOR | ADMIN_SECURITY | ADMIN_AUDITOR,
	.check = status_check,
};
