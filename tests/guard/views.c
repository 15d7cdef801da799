/* Readers whose rights change, and a model of what they hold. */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/base64.h"
#include "proto/crypto/certificate.h"
#include "relay/guard/core/state.h"
#include "storage/peer.h"
#include "tests/guard/views.h"

const char *const views_labels[VIEWS_LABELS] = {"unclassified",
						"unclassified-staff",
						"restricted-rel-all",
						"restricted-rel-gbr-deu-fra",
						"restricted-rel-gbr",
						"restricted-orion"};
const char *const views_spaces[VIEWS_SPACES] = {"GBR/ops", "GBR/two"};

static const char *const unknown[VIEWS_POLICIES] = {NULL, "ALL", "DEU",
						    "ORION"};
enum { EVERYTHING = (1 << VIEWS_SPACES) - 1 };

static void file(const char *folder, const char *name, struct buf *out)
{
	char path[256];

	snprintf(path, sizeof(path), "docs/policy/%s%s.xml", folder, name);
	world_file(path, out);
}

/* ---- made and freed ---- */

static void rename_value(struct buf *text, const char *value)
{
	char name[64];
	uint8_t *at;

	snprintf(name, sizeof(name), "tagCategory name=\"%s\"", value);
	at = memmem(text->at, text->len, name, strlen(name));
	if (!at)
		abort();
	memcpy(at + strlen("tagCategory name=\""), "XXXXX", strlen(value));
}

static struct policy *load(const char *without)
{
	struct policy *policy = NULL;
	struct span files[2];
	struct buf text[2];

	file("", "alliance.spif", &text[0]);
	file("", "germany.spif", &text[1]);
	if (without)
		rename_value(&text[0], without);
	files[0] = buf_span(&text[0]);
	files[1] = buf_span(&text[1]);
	/* The national policy maps to values of the first. */
	world_must(policy_load(files, without ? 1 : 2, NULL, &policy));
	buf_clear(&text[0]);
	buf_clear(&text[1]);
	return policy;
}

static void make_officer(struct views *v)
{
	char path[256];
	struct buf pem;

	snprintf(path, sizeof(path), "%s/operator/security-officer.pem",
		 v->gbr->folder);
	world_file(path, &pem);
	buf_init(&v->officer_certificate, CERTIFICATE_MAX);
	world_must(
		certificate_from_pem(buf_span(&pem), &v->officer_certificate));
	buf_clear(&pem);
	snprintf(path, sizeof(path), "%s/operator/security-officer.key",
		 v->gbr->folder);
	world_file(path, &pem);
	world_must(certificate_key_from_pem(buf_span(&pem), &v->officer_key));
	buf_clear(&pem);
	v->officer = forge_officer(&v->w, v->gbr);
	v->officer.certificate = buf_span(&v->officer_certificate);
	v->officer.key = v->officer_key;
}

static void put_documents(struct views *v)
{
	for (unsigned i = 0; i < VIEWS_DOCS; i++) {
		struct views_doc *d = &v->docs[i];

		d->label = i % VIEWS_LABELS;
		d->space = i / VIEWS_LABELS;
		world_must(world_put(&v->w, v->alice, views_spaces[d->space],
				     label_bytes(v->labels[d->label]), "title",
				     span_str(views_labels[d->label]), &d->id));
	}
}

struct views *views_new(void)
{
	static const struct views_reader readers[VIEWS_READERS] = {
		{.name = "bob", .clearance = "gbr-restricted", .spaces = 1},
		{.name = "carol",
		 .clearance = "gbr-restricted-orion",
		 .spaces = EVERYTHING},
		{.name = "dora",
		 .clearance = "deu-restricted-orion",
		 .spaces = EVERYTHING},
		{.name = "emil", .clearance = "deu-unclassified", .spaces = 1},
	};
	struct views *v = calloc(1, sizeof(*v));
	struct buf deu, gbr;

	if (!v)
		abort();
	world_new(&v->w, 17);
	for (unsigned l = 0; l < VIEWS_LABELS; l++) {
		struct buf xml;

		file("labels/", views_labels[l], &xml);
		world_must(label_parse(buf_span(&xml), NULL, &v->labels[l]));
		buf_clear(&xml);
	}
	for (unsigned p = 0; p < VIEWS_POLICIES; p++)
		v->policies[p] = load(unknown[p]);
	v->gbr = world_relay(&v->w, "GBR");
	v->deu = world_relay(&v->w, "DEU");
	make_officer(v);
	file("clearances/", "deu-restricted-orion", &deu);
	file("clearances/", "gbr-restricted-orion", &gbr);
	world_subject(&v->w, v->gbr, "alice", buf_span(&gbr),
		      SUBJECT_WRITE | SUBJECT_LABEL | SUBJECT_DELETE |
			      SUBJECT_RECALL,
		      views_spaces, VIEWS_SPACES);
	v->alice = world_device(&v->w, v->gbr, "alice");
	for (int i = 0; i < VIEWS_READERS; i++) {
		struct views_reader *r = &v->readers[i];

		*r = readers[i];
		r->relay = i < 2 ? v->gbr : v->deu;
		views_clear(v, r, r->clearance, r->spaces);
		r->device = world_device(&v->w, r->relay, r->name);
	}
	world_peer(&v->w, v->gbr, buf_span(&gbr), v->deu, buf_span(&deu));
	v->profile = (struct views_profile){"deu-restricted-orion",
					    "RESTRICTED", EVERYTHING};
	buf_clear(&deu);
	buf_clear(&gbr);
	put_documents(v);
	views_settle(v);
	return v;
}

void views_free(struct views *v)
{
	world_free(&v->w);
	for (unsigned l = 0; l < VIEWS_LABELS; l++)
		label_free(v->labels[l]);
	for (unsigned p = 0; p < VIEWS_POLICIES; p++)
		policy_free(v->policies[p]);
	buf_clear(&v->officer_certificate);
	crypto_key_free(v->officer_key);
	free(v);
}

/* ---- changes ---- */

static size_t names_of(unsigned spaces, const char *out[VIEWS_SPACES])
{
	size_t count = 0;

	for (unsigned s = 0; s < VIEWS_SPACES; s++)
		if (spaces >> s & 1)
			out[count++] = views_spaces[s];
	return count;
}

void views_clear(struct views *v, struct views_reader *r, const char *clearance,
		 unsigned spaces)
{
	const char *names[VIEWS_SPACES];
	struct buf xml;

	r->clearance = clearance;
	r->spaces = spaces;
	file("clearances/", clearance, &xml);
	world_subject(&v->w, r->relay, r->name, buf_span(&xml), SUBJECT_WRITE,
		      names, names_of(spaces, names));
	buf_clear(&xml);
}

void views_relabel(struct views *v, struct views_doc *d, unsigned label)
{
	world_must(world_sync(&v->w, v->alice));
	world_must(world_state(&v->w, v->alice, d->id, STATEMENT_LABEL,
			       label_bytes(v->labels[label])));
	d->label = label;
}

int views_policy(struct views *v, unsigned policy)
{
	struct forge_request q = {.method = "PUT",
				  .target = "/admin/v1/policy"};
	const struct policy *p = v->policies[policy];
	struct world_answer answer;
	struct buf body;
	int status;

	buf_init(&body, 8 << 20);
	buf_put_str(&body, "{\"files\":[");
	for (size_t i = 0; i < policy_file_count(p); i++) {
		buf_put_str(&body, i ? ",\"" : "\"");
		base64url_encode(policy_file(p, i), &body);
		buf_put_str(&body, "\"");
	}
	buf_put_str(&body, "]}");
	q.body = buf_span(&body);
	status = forge_ask_signed(&v->officer, &q, &answer);
	world_answer_clear(&answer);
	buf_clear(&body);
	if (status == 200)
		v->policy = policy;
	return status;
}

/* As an invitation that is accepted again leaves it. */
void views_narrow(struct views *v, struct views_profile profile)
{
	const char *names[VIEWS_SPACES];
	struct span spaces[VIEWS_SPACES];
	struct batch batch;
	struct arena arena;
	struct peer peer;
	struct buf xml;

	v->profile = profile;
	file("clearances/", profile.clearance, &xml);
	arena_init(&arena, 1 << 20);
	world_must(batch_begin(v->gbr->core, false, 0, &batch));
	world_must(peer_get(batch.txn, v->deu->nation, &arena, &peer));
	peer.profile =
		(struct peer_profile){.clearance = buf_span(&xml),
				      .ceiling = span_str(profile.ceiling),
				      .spaces = spaces,
				      .space_count =
					      names_of(profile.spaces, names)};
	for (size_t i = 0; i < peer.profile.space_count; i++)
		spaces[i] = span_str(names[i]);
	world_must(peer_put(batch.txn, &peer));
	batch.wakes = batch.authority = true;
	world_must(batch_commit(&batch));
	arena_clear(&arena);
	buf_clear(&xml);
}

void views_settle(struct views *v)
{
	for (int i = 0; i < 3; i++) {
		world_pump(&v->w);
		testclock_forward(&v->w.time, 60000);
	}
	world_must(world_sync(&v->w, v->alice));
	for (int i = 0; i < VIEWS_READERS; i++)
		if (!v->readers[i].late)
			world_must(world_sync(&v->w, v->readers[i].device));
}

/* ---- the model ---- */

static bool decides(struct views *v, unsigned policy, const struct views_doc *d,
		    struct reader_spec *spec, const char *clearance,
		    unsigned spaces)
{
	const struct policy *p = v->policies[policy];
	struct rules_spec ceiling = {.ceiling = span_str("RESTRICTED"),
				     .all_spaces = true};
	const char *names[VIEWS_SPACES];
	struct span list[VIEWS_SPACES];
	struct clearance *parsed = NULL;
	struct reader *reader = NULL;
	struct bound *bound = NULL;
	const struct bound *const *bounds = (const struct bound *const *)&bound;
	struct rules *rules = NULL;
	struct buf xml;
	bool released;

	file("clearances/", clearance, &xml);
	world_must(clearance_parse(buf_span(&xml), NULL, &parsed));
	spec->clearance = parsed;
	spec->spaces = list;
	spec->space_count = names_of(spaces, names);
	for (size_t i = 0; i < spec->space_count; i++)
		list[i] = span_str(names[i]);
	spec->in_posture = true;
	world_must(reader_new(p, spec, &reader));
	world_must(bound_new(p, v->labels[d->label], &bound));
	world_must(rules_new(p, &ceiling, &rules));
	released = decide(p, rules,
			  &(struct shelf_view){span_str(views_spaces[d->space]),
					       bounds, 1, SHELF_CONDITION_NONE},
			  reader)
			   .released;
	rules_free(rules);
	bound_free(bound);
	reader_free(reader);
	clearance_free(parsed);
	buf_clear(&xml);
	return released;
}

/* Of DEU a device holds what GBR lets pass and its own relay releases. */
static bool ought_to_hold(struct views *v, const struct views_reader *r,
			  const struct views_doc *d)
{
	struct reader_spec device = {.kind = READER_DEVICE};
	struct reader_spec nation = {.kind = READER_NATION,
				     .ceiling = span_str(v->profile.ceiling)};
	bool home = r->relay == v->gbr;

	return !d->gone &&
	       decides(v, home ? v->policy : 0, d, &device, r->clearance,
		       r->spaces) &&
	       (home || decides(v, v->policy, d, &nation, v->profile.clearance,
				v->profile.spaces));
}

void views_check(struct views *v, const char *when)
{
	unsigned wrong = 0;

	for (int i = 0; i < VIEWS_READERS; i++) {
		struct views_reader *r = &v->readers[i];

		for (unsigned n = 0; n < VIEWS_DOCS && !r->late; n++) {
			struct views_doc *d = &v->docs[n];
			bool ought = ought_to_hold(v, r, d);
			struct buf plain;

			buf_init(&plain, 1 << 20);
			if (ought != (world_heads(r->device, d->id) > 0) ||
			    (ought && failed(world_read(&v->w, r->device, d->id,
							&plain)))) {
				wrong++;
				fprintf(stderr, "%s: %s %s %s in %s\n", when,
					r->name,
					ought ? "lacks" : "still holds",
					views_labels[d->label],
					views_spaces[d->space]);
			}
			buf_clear(&plain);
		}
	}
	if (wrong)
		abort();
}
