/* What devices write, while one call after the other fails. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/exchange/statements.h"
#include "tests/faults/verb.h"

enum { BIG = SEGMENT_SIZE + 5000, FIRST_PIECE = 100000 };

/* Of the row that runs: one at a time. */
static struct {
	char tag[HTTP_ETAG_TEXT_LEN + 1];
	char offset[32];
	struct buf blob; /* of an upload */
} now;

static struct doc_id id_of_target(const struct asked *a)
{
	struct doc_id id;

	world_must(doc_id_parse(span_of(a->target + strlen("/v1/documents/"),
					DOC_ID_TEXT_LEN),
				&id));
	return id;
}

static void is_kept(struct asked *a)
{
	asking_acked(a->s, id_of_target(a));
}

/* Ids hold the time: two of one millisecond differ in less. */
static void a_moment_later(struct asked *a)
{
	testclock_forward(&a->s->w.time, 5);
}

/* The PUT of `r`, which is cleared. */
static void put_of(struct asked *a, struct forge_revision *r)
{
	struct buf body;

	forge_sign(a->who, r);
	forge_body(r, &body);
	buf_put(&a->body, buf_span(&body));
	buf_clear(&body);
	strcpy(now.tag, r->tag);
	verb_field(a, r->precondition, now.tag);
	verb_add_doc(a, r, "");
	forge_revision_clear(r);
}

static void a_first_revision(struct asked *a)
{
	struct forge_revision r;

	a_moment_later(a);
	forge_first(a->who, "GBR/ops", buf_span(&a->s->rel_gbr),
		    span_str("another plan"), &r);
	put_of(a, &r);
}

/* A document for the row, accepted. */
static void made(struct asked *a, struct forge_revision *r)
{
	struct world_answer answer;

	a_moment_later(a);
	forge_first(a->who, "GBR/ops", buf_span(&a->s->rel_gbr),
		    span_str("first"), r);
	if (forge_put(a->who, r, &answer) != 201)
		fail_msg("%d: %.*s", answer.status, (int)answer.body.len,
			 (const char *)answer.body.at);
	world_answer_clear(&answer);
}

static void an_edit(struct asked *a)
{
	struct forge_revision first, r;

	made(a, &first);
	forge_edit(a->who, &first, span_str("second"), &r);
	put_of(a, &r);
	forge_revision_clear(&first);
}

/* ---- statements ---- */

static void statement_of(struct asked *a, enum statement_kind kind,
			 struct span label)
{
	struct forge_statement s;
	struct statements_request request;
	struct forge_revision first;
	struct buf jws;

	made(a, &first);
	forge_statement(a->who, &first, kind, label, &s);
	buf_init(&jws, STATEMENT_JWS_MAX);
	world_must(statement_sign(a->who->key, &s.s, &jws));
	request = (struct statements_request){.statement = buf_span(&jws),
					      .opening = s.opening,
					      .has_label = s.with_label,
					      .label = label};
	world_must(statements_request_encode(&request, &a->body));
	verb_add_doc(a, &first, "/statements");
	buf_clear(&jws);
	forge_revision_clear(&first);
}

static void another_label(struct asked *a)
{
	statement_of(a, STATEMENT_LABEL, buf_span(&a->s->rel_all));
}

static void a_deletion(struct asked *a)
{
	statement_of(a, STATEMENT_DELETE, span_str(""));
}

static void a_recall(struct asked *a)
{
	statement_of(a, STATEMENT_RECALL, span_str(""));
}

/* ---- uploads ---- */

/* Bytes that nobody has yet, and the target of their upload. */
static void content_of(struct asked *a)
{
	uint8_t *plain = calloc(1, BIG);
	char text[128], table[DIGEST_TEXT_LEN + 1];
	struct forge_revision r;

	a_moment_later(a);
	forge_first(a->who, "GBR/ops", buf_span(&a->s->rel_gbr),
		    span_of(plain, BIG), &r);
	free(plain);
	digest_format(r.m.table, table);
	snprintf(text, sizeof(text), "/content?table=%s&size=%d", table, BIG);
	verb_add_doc(a, &r, text);
	buf_clear(&now.blob);
	buf_init(&now.blob, 1 << 20);
	buf_put(&now.blob, buf_span(&r.blob));
	forge_revision_clear(&r);
}

static void a_whole_upload(struct asked *a)
{
	content_of(a);
	buf_put(&a->body, buf_span(&now.blob));
	verb_field(a, "upload-complete", "?1");
}

/* Ends those that stand, as a device that gives up does: it may have 64. */
static void dropped(struct asked *a, const char *target)
{
	struct forge_request q = {.method = "DELETE", .target = target};
	struct world_answer answer;

	forge_ask(a->who, &q, &answer);
	world_answer_clear(&answer);
}

static void is_dropped(struct asked *a)
{
	if (a->location[0])
		dropped(a, a->location);
}

/* An upload that has its first piece; `a` then has its address. */
static void begun(struct asked *a)
{
	struct asked post;
	struct err e;

	asked_init(&post, a->s, a->who, "POST");
	strcpy(post.target, "/v1/documents/");
	content_of(&post);
	buf_put(&post.body, span_sub(buf_span(&now.blob), 0, FIRST_PIECE));
	verb_field(&post, "upload-complete", "?0");
	e = asked_ask(&post);
	world_must(e);
	snprintf(a->target, sizeof(a->target), "%s", post.location);
	asked_clear(&post);
}

/* From where it stands now; another one, if it came to its end. */
static void the_rest(struct asked *a)
{
	struct asked head;
	unsigned long at;

	asked_init(&head, a->s, a->who, "HEAD");
	strcpy(head.target, a->target);
	if (failed(asked_ask(&head)) && head.status == 404) {
		begun(a);
		strcpy(head.target, a->target);
		world_must(asked_ask(&head));
	}
	snprintf(now.offset, sizeof(now.offset), "%s", head.offset);
	at = strtoul(now.offset, NULL, 10);
	buf_reset(&a->body);
	buf_put(&a->body, span_sub(buf_span(&now.blob), at, now.blob.len));
	a->field_count = 0;
	verb_field(a, "upload-offset", now.offset);
	verb_field(a, "upload-complete", "?1");
	asked_clear(&head);
}

static void a_second_piece(struct asked *a)
{
	begun(a);
	the_rest(a);
}

static void is_dropped_too(struct asked *a)
{
	dropped(a, a->target);
}

/* Dropped already, says 404: another one then. */
static void is_begun(struct asked *a)
{
	struct asked head;

	asked_init(&head, a->s, a->who, "HEAD");
	strcpy(head.target, a->target);
	if (failed(asked_ask(&head)) && head.status == 404)
		begun(a);
	asked_clear(&head);
}

static const struct verb writing[] = {
	VERB(alice, "PUT", "/v1/documents/", .make = a_first_revision,
	     .end = is_kept),
	VERB(alice, "PUT", "/v1/documents/", .make = an_edit, .end = is_kept),
	VERB(alice, "POST", "/v1/documents/", .make = another_label,
	     .end = is_kept),
	VERB(alice, "POST", "/v1/documents/", .make = a_deletion),
	VERB(alice, "POST", "/v1/documents/", .make = a_recall),
	VERB(alice, "POST", "/v1/documents/", .make = a_whole_upload,
	     .end = is_dropped),
	VERB(alice, "PATCH", "/v1/uploads/", .make = a_second_piece,
	     .end = is_dropped_too, .again = the_rest),
	VERB(alice, "HEAD", "/v1/uploads/", .make = begun,
	     .end = is_dropped_too),
	VERB(alice, "DELETE", "/v1/uploads/", .make = begun, .again = is_begun),
};

static void what_a_device_writes_is_kept_or_refused(void **state)
{
	verb_run(*state, writing, sizeof(writing) / sizeof(*writing));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_device_writes_is_kept_or_refused),
	};
	int failures = cmocka_run_group_tests(tests, verb_begin, verb_finish);

	buf_clear(&now.blob);
	return failures;
}
