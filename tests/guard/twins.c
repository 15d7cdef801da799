/*
 * Two relays that began as one.
 *
 * Compared of a page: status, length of the body, fresh, more, the length of
 * the cursor, shelves to forget, every row with its heads (signing input of
 * the manifest, dot, shelf, size, winner, length of the seal), every shelf,
 * all in their order; time, policy and length of the page's signature.  Of
 * everything else: status, ETag, Retry-After and the whole body.  Left out,
 * since they are drawn at random or sealed, are the cursor's bytes, seals,
 * ECDSA signatures, wrapped keys and references; their lengths are not.  Of a
 * cursor's bytes it is compared whether they are those that were sent; that
 * two answers to one cursor bear different ones can tell of what is hidden
 * (docs/SECURITY.md, known faults).
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/exchange/changes.h"
#include "proto/exchange/keys.h"
#include "tests/guard/twins.h"

enum { CONTENT_ROOM = SEGMENT_SIZE + 5000 };

const char *const twin_spaces[TWIN_SPACES] = {"GBR/ops", "GBR/two"};

static void file(const char *name, struct buf *out)
{
	char path[256];

	snprintf(path, sizeof(path), "docs/policy/%s.xml", name);
	world_file(path, out);
}

/* A relay of the folder that `a` made, in a folder of its own. */
static void copy_relay(struct twins *t)
{
	struct world_relay *from = t->a.relay, *to = &t->b.w.relays[0];
	char command[3 * WORLD_PATH], folder[WORLD_PATH];

	memcpy(folder, t->b.w.folder, sizeof(folder));
	*to = *from;
	to->core = NULL;
	to->officer_key = NULL;
	buf_init(&to->certificate, 64);
	buf_init(&to->officer, 64);
	snprintf(to->folder, sizeof(to->folder), "%.90s/GBR", folder);
	snprintf(command, sizeof(command), "cp -a %s %s", from->folder,
		 to->folder);
	if (system(command) != 0)
		abort();
	t->b.w.relay_count = 1;
	t->b.relay = to;
}

struct twins *twins_new(uint64_t seed)
{
	struct twins *t = calloc(1, sizeof(*t));
	static const char *const labels[] = {"labels/unclassified",
					     "labels/unclassified-staff",
					     "labels/restricted-rel-gbr",
					     "labels/restricted-rel-all",
					     "labels/restricted-orion"};
	struct testrandom source;
	struct random draw;
	const char *spaces[TWIN_SPACES];
	size_t count = 0;
	uint8_t drawn[3];
	struct world *w = &t->a.w;

	testrandom_init(&source, seed);
	draw = testrandom(&source);
	world_must(random_fill(&draw, drawn, sizeof(drawn)));
	t->cleared = drawn[0] & 1;
	t->spaces = 1 + drawn[1] % 3;
	for (unsigned i = 0; i < TWIN_SPACES; i++)
		if (t->spaces >> i & 1)
			spaces[count++] = twin_spaces[i];
	file("clearances/gbr-restricted-orion", &t->orion);
	file(t->cleared ? "clearances/gbr-restricted"
			: "clearances/gbr-unclassified",
	     &t->clearance);
	for (int i = 0; i < TWIN_LABELS; i++)
		file(labels[i], &t->labels[i]);
	world_new(w, seed);
	world_new(&t->b.w, seed + 1);
	t->a.relay = world_relay(w, "GBR");
	world_subject(w, t->a.relay, "alice", buf_span(&t->orion),
		      SUBJECT_WRITE | SUBJECT_LABEL | SUBJECT_DELETE |
			      SUBJECT_RECALL,
		      twin_spaces, TWIN_SPACES);
	world_subject(w, t->a.relay, "bob", buf_span(&t->clearance),
		      drawn[2] % 4 ? SUBJECT_WRITE : 0, spaces, count);
	t->alice = world_device(w, t->a.relay, "alice");
	t->bob = world_device(w, t->a.relay, "bob");
	world_close(w, t->a.relay);
	copy_relay(t);
	t->b.w.time.now_ms = w->time.now_ms;
	world_open(w, t->a.relay);
	world_open(&t->b.w, t->b.relay);
	t->a.alice = forge_device(w, t->alice);
	t->a.bob = forge_device(w, t->bob);
	t->b.alice = t->a.alice;
	t->b.bob = t->a.bob;
	t->b.alice.w = t->b.bob.w = &t->b.w;
	t->b.alice.relay = t->b.bob.relay = t->b.relay;
	buf_init(&t->a.seen, 8 << 20);
	buf_init(&t->b.seen, 8 << 20);
	return t;
}

bool twins_sees(const struct twins *t, unsigned label, unsigned space)
{
	return t->spaces >> space & 1 && label < (t->cleared ? 4 : 2);
}

static void forget_docs(struct twin *t)
{
	for (int i = 0; i < TWIN_DOCS; i++) {
		forge_revision_clear(&t->visible[i].head);
		forge_revision_clear(&t->secret[i].head);
	}
	memset(t->visible, 0, sizeof(t->visible));
	memset(t->secret, 0, sizeof(t->secret));
}

void twins_free(struct twins *t)
{
	forget_docs(&t->a);
	forget_docs(&t->b);
	job_free(t->a.poll);
	job_free(t->b.poll);
	buf_clear(&t->a.seen);
	buf_clear(&t->b.seen);
	world_free(&t->a.w);
	world_free(&t->b.w);
	buf_clear(&t->orion);
	buf_clear(&t->clearance);
	for (int i = 0; i < TWIN_LABELS; i++)
		buf_clear(&t->labels[i]);
	free(t);
}

static void begin(struct twin *t, uint64_t common, uint64_t hidden)
{
	forget_docs(t);
	memset(t->chains, 0, sizeof(t->chains));
	job_free(t->poll);
	t->poll = NULL;
	testrandom_init(&t->common_source, common);
	testrandom_init(&t->hidden_source, hidden);
	t->common = testrandom(&t->common_source);
	t->hidden = testrandom(&t->hidden_source);
	t->bob.random = &t->common;
	/* Ids of one seed are not those of another. */
	testclock_forward(&t->w.time, 1000);
}

void twins_begin(struct twins *t, uint64_t seed)
{
	begin(&t->a, seed * 3, seed * 3 + 1);
	begin(&t->b, seed * 3, seed * 3 + 2);
}

/* ---- writing ---- */

static void upload(struct twin *t, const struct forge_revision *r)
{
	char id[DOC_ID_TEXT_LEN + 1], table[DIGEST_TEXT_LEN + 1], target[256];
	struct forge_request q = {.method = "POST",
				  .target = target,
				  .body = buf_span(&r->blob)};
	struct world_answer answer;

	doc_id_format(r->m.id, id);
	digest_format(r->m.table, table);
	snprintf(target, sizeof(target),
		 "/v1/documents/%s/content?table=%s&size=%llu", id, table,
		 (unsigned long long)r->m.size);
	forge_ask(&t->alice, &q, &answer);
	world_answer_clear(&answer);
}

static bool send(struct twin *t, struct twin_doc *d, struct forge_revision *r)
{
	struct world_answer answer;
	int status;

	r->m.serial = ++d->serial;
	if (!r->with_content)
		upload(t, r);
	status = forge_put(&t->alice, r, &answer);
	world_answer_clear(&answer);
	if (status != 200 && status != 201) {
		forge_revision_clear(r);
		return false;
	}
	forge_revision_clear(&d->head);
	d->head = *r;
	d->head.m.keys = d->head.keys;
	d->head.m.parents = d->head.parents;
	return true;
}

static struct span some_content(const struct random *random,
				uint8_t out[CONTENT_ROOM])
{
	uint16_t len;

	world_must(random_fill(random, &len, sizeof(len)));
	world_must(random_fill(random, out, 8));
	if (len % 16 == 0) /* of two segments, uploaded beforehand */
		return span_of(out, CONTENT_ROOM);
	return span_of(out, len % 4000);
}

bool twin_put(struct twin *t, struct twin_doc *d, unsigned space,
	      struct span label, const struct random *random)
{
	struct forge_revision r;
	uint8_t plain[CONTENT_ROOM] = {0};

	t->alice.random = (struct random *)random;
	forge_first(&t->alice, twin_spaces[space], label,
		    some_content(random, plain), &r);
	d->used = send(t, d, &r);
	d->space = space;
	d->number = 1;
	d->statement = d->head.digest;
	return d->used;
}

bool twin_edit(struct twin *t, struct twin_doc *d, const struct random *random)
{
	struct forge_revision r;
	uint8_t plain[CONTENT_ROOM] = {0};

	t->alice.random = (struct random *)random;
	forge_edit(&t->alice, &d->head, some_content(random, plain), &r);
	return send(t, d, &r);
}

bool twin_state(struct twin *t, struct twin_doc *d, enum statement_kind kind,
		struct span label, const struct random *random)
{
	struct forge_statement s;
	struct world_answer answer;
	int status;

	t->alice.random = (struct random *)random;
	forge_statement(&t->alice, &d->head, kind, label, &s);
	s.s.number = d->number + 1;
	s.previous[0] = d->statement;
	status = forge_state(&t->alice, &s, &answer);
	world_answer_clear(&answer);
	if (status != 200)
		return false;
	d->number++;
	d->statement = s.digest;
	d->gone = kind != STATEMENT_LABEL;
	if (!d->gone) {
		d->head.m.statement = d->number;
		d->head.m.label = s.s.label;
		d->head.label = label;
	}
	return true;
}

/* ---- what bob saw ---- */

static void say_digest(struct buf *out, const char *name, struct digest d)
{
	char text[DIGEST_TEXT_LEN + 1];

	digest_format(d, text);
	buf_printf(out, " %s=%s", name, text);
}

/* The signing input of a JWS, and its whole length. */
static void say_jws(struct buf *out, struct span jws)
{
	size_t end = jws.len;

	while (end && jws.at[end - 1] != '.')
		end--;
	buf_printf(out, " jws=%zu ", jws.len);
	buf_put(out, span_sub(jws, 0, end));
}

static void say_row(struct buf *out, const struct changes_row *row)
{
	char id[DOC_ID_TEXT_LEN + 1], dot[VERSION_DOT_TEXT_MAX + 1];

	doc_id_format(row->id, id);
	buf_printf(out, "row %s %.3s %.*s number=%llu statements=%zu", id,
		   row->home.code, (int)row->opening.space.len,
		   (const char *)row->opening.space.at,
		   (unsigned long long)row->number, row->statements_count);
	buf_put(out, SPAN_OBJ(row->opening.salt));
	buf_put(out, SPAN_OBJ(row->opening.author));
	for (size_t i = 0; i < row->digests_count; i++)
		say_digest(out, "in-force", row->digests[i]);
	for (size_t i = 0; i < row->heads_count; i++) {
		const struct changes_head *h = &row->heads[i];

		dot_format(h->dot, dot);
		buf_printf(out,
			   "\n head %s seal=%zu content=%llu winner=%d "
			   "evidence=%zu",
			   dot, h->seal.len, (unsigned long long)h->content,
			   h->winner, h->evidence_count);
		say_digest(out, "shelf", h->shelf);
		say_jws(out, h->manifest);
	}
	buf_put_str(out, "\n");
}

static void say_page(struct buf *out, const struct changes_page *page)
{
	buf_printf(out,
		   "page fresh=%d more=%d cursor=%zu forget=%zu "
		   "rows=%zu\n",
		   page->fresh, page->more, page->cursor.len,
		   page->forget_count, page->rows_count);
	for (size_t i = 0; i < page->forget_count; i++)
		say_digest(out, "forget", page->forget[i]);
	for (size_t i = 0; i < page->rows_count; i++)
		say_row(out, &page->rows[i]);
	for (size_t i = 0; i < page->shelves_count; i++) {
		const struct changes_shelf *s = &page->shelves[i];

		say_digest(out, "shelf", s->shelf);
		buf_printf(out, " %.*s %llu", (int)s->space.len,
			   (const char *)s->space.at,
			   (unsigned long long)s->condition);
		for (size_t l = 0; l < s->labels_count; l++)
			say_digest(out, "label", s->labels[l]);
	}
}

/* Everything but what is drawn at random: a reference's letters. */
static void say_answer(struct buf *out, const struct world_answer *a)
{
	static const char name[] = "\"reference\":\"";
	struct span body = buf_span(&a->body);
	size_t at = 0;

	buf_printf(out, "%d etag=%s after=%s allow=%s body=%zu\n", a->status,
		   a->etag, a->retry_after, a->allow, body.len);
	while (at < body.len) {
		struct span left = span_sub(body, at, body.len);

		if (left.len > sizeof(name) &&
		    memcmp(left.at, name, sizeof(name) - 1) == 0) {
			at += sizeof(name) - 1;
			while (at < body.len && body.at[at] != '"')
				at++;
			continue;
		}
		buf_put_u8(out, body.at[at++]);
	}
}

static int ask(struct twin *t, const char *target, struct world_answer *out)
{
	struct forge_request q = {.method = "GET", .target = target};

	buf_reset(&t->seen);
	return forge_ask(&t->bob, &q, out);
}

/* The answer to a page; true if there is more. */
static bool take_page(struct twin *t, struct twin_chain *chain,
		      const struct world_answer *answer)
{
	struct changes_page page = {0};
	struct page_signature signature;
	struct arena arena;

	if (answer->status != 200) {
		say_answer(&t->seen, answer);
		return false;
	}
	arena_init(&arena, CHANGES_ARENA_MAX);
	world_must(changes_page_decode(buf_span(&answer->body), &arena, &page));
	world_must(page_parse(span_str(answer->page), &signature));
	buf_printf(&t->seen, "200 body=%zu page=%zu time=%llu\n",
		   answer->body.len, strlen(answer->page),
		   (unsigned long long)signature.time);
	say_digest(&t->seen, "policy", signature.policy);
	say_page(&t->seen, &page);
	buf_printf(&t->seen, "as sent=%d\n",
		   span_eq_str(page.cursor, chain->since));
	memcpy(chain->before, chain->since, sizeof(chain->before));
	snprintf(chain->since, sizeof(chain->since), "%.*s",
		 (int)page.cursor.len, (const char *)page.cursor.at);
	arena_clear(&arena);
	return page.more;
}

static void page_target(const char *since, unsigned limit, unsigned wait_s,
			char out[512])
{
	snprintf(out, 512,
		 "/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA&limit=%u&wait=%u&"
		 "since=%s",
		 limit, wait_s, since);
}

bool twin_page(struct twin *t, unsigned chain, enum twin_since since,
	       unsigned limit, unsigned wait_s)
{
	struct twin_chain *c = &t->chains[chain];
	struct world_answer answer;
	char target[512];
	bool more;

	if (since == TWIN_AFRESH)
		memset(c, 0, sizeof(*c));
	if (since == TWIN_AGAIN && c->before[0])
		memcpy(c->since, c->before, sizeof(c->since));
	page_target(c->since, limit, wait_s, target);
	ask(t, target, &answer);
	more = take_page(t, c, &answer);
	world_answer_clear(&answer);
	return more;
}

bool twin_poll(struct twin *t, unsigned chain)
{
	struct world_request q = {.listener = CORE_DEVICE,
				  .certificate = t->bob.certificate,
				  .method = "GET"};
	char target[512];

	page_target(t->chains[chain].since, 40, 50, target);
	q.target = target;
	t->polled = chain;
	t->poll = world_begin(t->relay, &q);
	return !twin_poll_again(t);
}

bool twin_poll_again(struct twin *t)
{
	struct world_answer answer;

	buf_reset(&t->seen);
	if (!world_look_again(t->relay, &t->poll, &answer)) {
		buf_put_str(&t->seen, "parked\n");
		return false;
	}
	take_page(t, &t->chains[t->polled], &answer);
	world_answer_clear(&answer);
	return true;
}

void twin_get(struct twin *t, const char *target)
{
	struct world_answer answer;
	struct changes_page page;
	struct arena arena;

	ask(t, target, &answer);
	arena_init(&arena, CHANGES_ARENA_MAX);
	/* A document has seals and signatures: compared as a row. */
	if (!failed(changes_document_decode(buf_span(&answer.body), &arena,
					    &page))) {
		buf_printf(&t->seen, "%d etag=%s body=%zu\n", answer.status,
			   answer.etag, answer.body.len);
		say_page(&t->seen, &page);
	} else {
		say_answer(&t->seen, &answer);
	}
	arena_clear(&arena);
	world_answer_clear(&answer);
}

void twin_keys(struct twin *t, struct doc_id id, struct digest commitment)
{
	char name[DIGEST_TEXT_LEN + 1], doc[DOC_ID_TEXT_LEN + 1], body[512];
	struct forge_request q = {.method = "POST", .target = "/v1/keys"};
	const struct keys_grant *grants = NULL;
	struct world_answer answer;
	struct arena arena;
	size_t count = 0;

	digest_format(commitment, name);
	doc_id_format(id, doc);
	snprintf(body, sizeof(body),
		 "{\"keys\":[{\"commitment\":\"%s\",\"document\":\"%s\"}]}",
		 name, doc);
	q.body = span_str(body);
	buf_reset(&t->seen);
	if (forge_ask_signed(&t->bob, &q, &answer) != 200) {
		say_answer(&t->seen, &answer);
		world_answer_clear(&answer);
		return;
	}
	arena_init(&arena, 1 << 20);
	world_must(keys_answer_decode(buf_span(&answer.body), &arena, &grants,
				      &count));
	buf_printf(&t->seen, "%d body=%zu keys=%zu granted=%d", answer.status,
		   answer.body.len, count, grants[0].granted);
	if (grants[0].granted)
		buf_printf(&t->seen, " until=%llu",
			   (unsigned long long)grants[0].key.until);
	else
		buf_printf(&t->seen, " %s %s", grants[0].problem.name,
			   grants[0].problem.detail);
	arena_clear(&arena);
	world_answer_clear(&answer);
}

void twin_probe_label(struct twin *t, struct span label)
{
	struct forge_revision r;
	struct world_answer answer;

	buf_reset(&t->seen);
	forge_first(&t->bob, "GBR/ops", label, span_str("x"), &r);
	r.with_label = false;
	forge_put(&t->bob, &r, &answer);
	say_answer(&t->seen, &answer);
	forge_revision_clear(&r);
	world_answer_clear(&answer);
}

void twin_probe_edit(struct twin *t, const struct forge_revision *over,
		     struct span label)
{
	struct forge_revision r;
	struct world_answer answer;

	buf_reset(&t->seen);
	forge_edit(&t->bob, over, span_str("x"), &r);
	r.label = label; /* one that he may use */
	r.with_label = true;
	world_must(crypto_sha256(label, &r.m.label));
	r.brought = 0; /* of a parent that he would have to see */
	forge_put(&t->bob, &r, &answer);
	say_answer(&t->seen, &answer);
	forge_revision_clear(&r);
	world_answer_clear(&answer);
}
