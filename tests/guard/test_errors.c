/* What is refused on a write, and how. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/guard/refusal.h"

/* A label like `xml` with one text replaced by another of any length. */
static void replaced(struct span xml, const char *from, const char *to,
		     struct buf *out)
{
	size_t len = strlen(from), at = 0;

	buf_init(out, 64 << 10);
	while (at + len <= xml.len && memcmp(xml.at + at, from, len) != 0)
		at++;
	assert_true(at + len <= xml.len);
	buf_put(out, span_sub(xml, 0, at));
	buf_put_str(out, to);
	buf_put(out, span_sub(xml, at + len, xml.len));
}

static void refused_label(struct refusal_scene *s, struct span xml,
			  enum err_code code)
{
	struct forge_revision r;

	refusal_draft(&s->alice, xml, &r);
	refusal_of_put(s, &s->alice, &r, code);
}

/* ---- labels ---- */

static void a_malformed_label_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	static const char *const texts[] = {
		"x",
		"<",
		"<label/>",
		"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\">]>"
		"<a>&b;</a>",
		"<originatorConfidentialityLabel "
		"xmlns=\"urn:nato:stanag:4774:confidentialitymetadatalabel:1:0"
		"\"/>",
		"\xff\xfe<",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		refused_label(s, span_str(texts[i]), ERR_LABEL);
	refused_label(s, span_sub(buf_span(&s->rel_gbr), 0, 300), ERR_LABEL);
}

static void a_label_that_the_policy_does_not_know_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct buf b;

	replaced(buf_span(&s->rel_gbr), ">RESTRICTED<", ">HUSH<", &b);
	refused_label(s, buf_span(&b), ERR_LABEL);
	buf_clear(&b);
	replaced(buf_span(&s->rel_gbr), ">GBR<", ">XYZ<", &b);
	refused_label(s, buf_span(&b), ERR_LABEL);
	buf_clear(&b);
}

static void a_label_of_a_foreign_policy_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct buf b, c;

	replaced(buf_span(&s->rel_gbr), "76319676", "76319677", &b);
	replaced(buf_span(&b), ">ENTENTE<", ">NARNIA<", &c);
	refused_label(s, buf_span(&c), ERR_FOREIGN_POLICY);
	buf_clear(&b);
	buf_clear(&c);
}

static void a_label_above_the_ceiling_is_refused(void **state)
{
	struct refusal_scene *s = *state;

	refused_label(s, buf_span(&s->secret), ERR_ABOVE_CEILING);
}

static void a_label_that_its_author_may_not_see_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_revision r;

	refused_label(s, buf_span(&s->orion), ERR_LABEL_NOT_RELEASED);
	refused_label(s, buf_span(&s->deu_fra), ERR_LABEL_NOT_RELEASED);
	refusal_draft(&s->bob, buf_span(&s->rel_gbr), &r);
	refusal_of_put(s, &s->bob, &r, ERR_LABEL_NOT_RELEASED);
	/* Nor one in a space that he is no member of. */
	forge_first(&s->alice, "GBR/other", buf_span(&s->rel_gbr),
		    span_str("x"), &r);
	refusal_of_put(s, &s->alice, &r, ERR_LABEL_NOT_RELEASED);
}

static void a_label_is_brought_and_is_the_one_that_is_named(void **state)
{
	struct refusal_scene *s = *state;
	struct world_answer answer;
	struct forge_revision r;

	refusal_draft(&s->alice, buf_span(&s->rel_all), &r);
	r.label = buf_span(&s->open);
	refusal_of_put(s, &s->alice, &r, ERR_DIGEST);
	refusal_draft(&s->alice, buf_span(&s->rel_all), &r);
	r.with_label = false;
	refusal_of_put(s, &s->alice, &r, ERR_LABEL);
	/* One that the author sees need not be brought again. */
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	r.with_label = false;
	assert_int_equal(forge_put(&s->alice, &r, &answer), 201);
	world_answer_clear(&answer);
	forge_revision_clear(&r);
}

/* Else whoever guesses a label's bytes learns who works under it. */
static void a_label_known_from_others_is_not_known(void **state)
{
	struct refusal_scene *s = *state;
	struct span labels[] = {buf_span(&s->rel_gbr), buf_span(&s->orion)};
	struct world_answer answers[2];
	struct problem problems[2];
	struct arena arena;

	arena_init(&arena, 1 << 20);
	for (int i = 0; i < 2; i++) {
		struct forge_revision r;

		refusal_draft(&s->bob, labels[i], &r);
		r.with_label = false;
		forge_put(&s->bob, &r, &answers[i]);
		world_must(problem_parse(buf_span(&answers[i].body), 0, &arena,
					 &problems[i]));
		forge_revision_clear(&r);
	}
	assert_string_equal(problems[0].name, problems[1].name);
	assert_string_equal(problems[0].detail, problems[1].detail);
	arena_clear(&arena);
	refusal_is(s, &answers[0], ERR_LABEL);
	refusal_is(s, &answers[1], ERR_LABEL);
}

/* ---- preconditions and replays ---- */

static void a_stale_if_match_is_refused_with_the_heads(void **state)
{
	struct refusal_scene *s = *state;
	struct world_answer answer;
	struct forge_revision first, second;
	char head[DIGEST_TEXT_LEN + 1];

	forge_edit(&s->alice, &s->plan, span_str("two"), &first);
	assert_int_equal(forge_put(&s->alice, &first, &answer), 200);
	world_answer_clear(&answer);
	forge_edit(&s->walt, &s->plan, span_str("also two"), &second);
	forge_put(&s->walt, &second, &answer);
	digest_format(first.digest, head);
	assert_true(refusal_says(&answer, "\"heads\":["));
	assert_true(refusal_says(&answer, head));
	assert_true(refusal_says(&answer, "\"statement\":{"));
	refusal_is(s, &answer, ERR_CONFLICT);
	forge_revision_clear(&first);
	forge_revision_clear(&second);
}

static void what_exists_is_not_created_again(void **state)
{
	struct refusal_scene *s = *state;
	struct world_answer answer;
	struct forge_revision r;

	/* The same bytes again are the same write. */
	assert_int_equal(forge_send(&s->alice, &s->plan, &answer), 200);
	world_answer_clear(&answer);
	forge_edit(&s->alice, &s->plan, span_str("two"), &r);
	r.precondition = "if-none-match";
	strcpy(r.tag, "*");
	refusal_of_put(s, &s->alice, &r, ERR_EXISTS);
}

static void a_write_says_what_it_is_made_over(void **state)
{
	struct refusal_scene *s = *state;
	static const char *const tags[] = {"W/\"x\"", "\"x\"", "",
					   "\"\"",    "x",     "\"a\", \"b\""};
	struct forge_revision r;

	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	r.precondition = NULL;
	refusal_of_put(s, &s->alice, &r, ERR_PRECONDITION_REQUIRED);
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
		r.precondition = i % 2 ? "if-match" : "if-none-match";
		strcpy(r.tag, tags[i]);
		refusal_of_put(s, &s->alice, &r, ERR_MALFORMED);
	}
}

static void a_replayed_manifest_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_revision r;

	forge_edit(&s->alice, &s->plan, span_str("two"), &r);
	r.m.serial = s->plan.m.serial;
	refusal_of_put(s, &s->alice, &r, ERR_REPLAYED);
}

static void a_manifest_under_an_old_statement_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_revision r;

	forge_edit(&s->alice, &s->plan, span_str("two"), &r);
	r.m.statement = 2;
	refusal_of_put(s, &s->alice, &r, ERR_CONFLICT);
	/* Or with another label than the statement's. */
	forge_edit(&s->alice, &s->plan, span_str("two"), &r);
	r.label = buf_span(&s->open);
	r.with_label = true;
	world_must(crypto_sha256(r.label, &r.m.label));
	refusal_of_put(s, &s->alice, &r, ERR_LABEL);
}

/* ---- signatures and ids ---- */

static void a_foreign_signature_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct world_answer answer;
	struct forge_revision r;

	/* Signed by bob, in alice's name. */
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	forge_sign(&s->bob, &r);
	forge_send(&s->alice, &r, &answer);
	refusal_is(s, &answer, ERR_SIGNATURE);
	/* Signed by alice, sent by bob. */
	forge_sign(&s->alice, &r);
	forge_send(&s->bob, &r, &answer);
	refusal_is(s, &answer, ERR_UNAUTHENTICATED);
	forge_revision_clear(&r);
}

static void a_replayed_or_altered_signature_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct world_answer answer;
	struct forge_revision r;
	uint8_t *last;

	/* The signature of another manifest: 86 letters at the end. */
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	forge_sign(&s->alice, &r);
	memcpy(r.jws.at + r.jws.len - 86, s->plan.jws.at + s->plan.jws.len - 86,
	       86);
	forge_send(&s->alice, &r, &answer);
	refusal_is(s, &answer, ERR_SIGNATURE);
	forge_sign(&s->alice, &r);
	last = r.jws.at + r.jws.len - 40;
	*last = *last == 'A' ? 'B' : 'A';
	forge_send(&s->alice, &r, &answer);
	refusal_is(s, &answer, ERR_SIGNATURE);
	/* And none at all. */
	forge_sign(&s->alice, &r);
	r.jws.len -= 86;
	forge_send(&s->alice, &r, &answer);
	refusal_is(s, &answer, ERR_MALFORMED);
	forge_revision_clear(&r);
}

static void a_foreign_id_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct world_answer answer;
	struct forge_revision r, edit;
	char id[DOC_ID_TEXT_LEN + 1], other[DOC_ID_TEXT_LEN + 1];
	struct buf payload, changed;

	/* A first manifest whose salt does not make its id. */
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	buf_init(&payload, MANIFEST_PAYLOAD_MAX);
	world_must(manifest_encode(&r.m, &payload));
	doc_id_format(r.m.id, id);
	memcpy(other, id, sizeof(other));
	other[DOC_ID_TEXT_LEN - 1] = id[DOC_ID_TEXT_LEN - 1] == '0' ? '1' : '0';
	replaced(buf_span(&payload), id, other, &changed);
	forge_sign_payload(&s->alice, &r, buf_span(&changed));
	world_must(doc_id_parse(span_str(other), &r.m.id));
	forge_send(&s->alice, &r, &answer);
	refusal_is(s, &answer, ERR_FOREIGN_ID);
	buf_clear(&payload);
	buf_clear(&changed);
	/* A manifest of another document than the path. */
	r.m.id = s->plan.m.id;
	forge_sign_payload(&s->alice, &r, span_str("{}"));
	forge_send(&s->alice, &r, &answer);
	refusal_is(s, &answer, ERR_MALFORMED);
	forge_revision_clear(&r);
	forge_edit(&s->alice, &s->plan, span_str("two"), &edit);
	forge_sign(&s->alice, &edit);
	edit.m.id.at[15] ^= 1;
	forge_send(&s->alice, &edit, &answer);
	refusal_is(s, &answer, ERR_FOREIGN_ID);
	forge_revision_clear(&edit);
	/* An opening that somebody else made. */
	forge_edit(&s->alice, &s->plan, span_str("two"), &edit);
	edit.opening.salt[0] ^= 1;
	refusal_of_put(s, &s->alice, &edit, ERR_FOREIGN_ID);
	forge_edit(&s->alice, &s->plan, span_str("two"), &edit);
	edit.with_opening = false;
	refusal_of_put(s, &s->alice, &edit, ERR_MALFORMED);
}

static void an_id_of_the_far_future_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_revision r;

	testclock_forward(&s->w.time, UINT64_C(8) * 24 * 3600 * 1000);
	refusal_draft(&s->alice, buf_span(&s->rel_gbr), &r);
	/* Only the test turns time back. */
	s->w.time.now_ms -= UINT64_C(8) * 24 * 3600 * 1000;
	refusal_of_put(s, &s->alice, &r, ERR_TIME);
}

/* ---- statements ---- */

static void refused_statement(struct refusal_scene *s, struct forge *f,
			      struct forge_statement *statement,
			      enum err_code code)
{
	struct world_answer answer;

	forge_state(f, statement, &answer);
	refusal_is(s, &answer, code);
}

static void a_statement_without_right_or_number_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	struct span label = buf_span(&s->rel_all);
	struct forge_statement st;

	for (int kind = STATEMENT_LABEL; kind <= STATEMENT_RECALL; kind++) {
		forge_statement(&s->walt, &s->plan, (enum statement_kind)kind,
				label, &st);
		refused_statement(s, &s->walt, &st, ERR_FORBIDDEN);
	}
	forge_statement(&s->alice, &s->plan, STATEMENT_LABEL, label, &st);
	st.s.number = 3;
	refused_statement(s, &s->alice, &st, ERR_CONFLICT);
	forge_statement(&s->alice, &s->plan, STATEMENT_LABEL, label, &st);
	st.heads[0].at[0] ^= 1;
	refused_statement(s, &s->alice, &st, ERR_CONFLICT);
	forge_statement(&s->alice, &s->plan, STATEMENT_DELETE, label, &st);
	st.opening.salt[0] ^= 1;
	refused_statement(s, &s->alice, &st, ERR_FOREIGN_ID);
	forge_statement(&s->alice, &s->plan, STATEMENT_DELETE, label, &st);
	memcpy(st.s.home.code, "DEU", NATION_LEN);
	refused_statement(s, &s->alice, &st, ERR_FORBIDDEN);
}

static void a_statement_brings_a_label_that_may_stand(void **state)
{
	struct refusal_scene *s = *state;
	struct forge_statement st;

	forge_statement(&s->alice, &s->plan, STATEMENT_LABEL,
			buf_span(&s->secret), &st);
	refused_statement(s, &s->alice, &st, ERR_ABOVE_CEILING);
	forge_statement(&s->alice, &s->plan, STATEMENT_LABEL,
			buf_span(&s->deu_fra), &st);
	refused_statement(s, &s->alice, &st, ERR_LABEL_NOT_RELEASED);
	forge_statement(&s->alice, &s->plan, STATEMENT_LABEL, span_str("<x/>"),
			&st);
	refused_statement(s, &s->alice, &st, ERR_LABEL);
}

static void a_recalled_document_is_refused_for_ever(void **state)
{
	struct refusal_scene *s = *state;
	struct world_answer answer;
	struct forge_statement st;

	forge_statement(&s->alice, &s->plan, STATEMENT_RECALL, span_str(""),
			&st);
	assert_int_equal(forge_state(&s->alice, &st, &answer), 200);
	world_answer_clear(&answer);
	forge_send(&s->alice, &s->plan, &answer);
	refusal_is(s, &answer, ERR_GONE);
}

#define scene(f) cmocka_unit_test_setup_teardown(f, refusal_begin, refusal_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene(a_malformed_label_is_refused),
		scene(a_label_that_the_policy_does_not_know_is_refused),
		scene(a_label_of_a_foreign_policy_is_refused),
		scene(a_label_above_the_ceiling_is_refused),
		scene(a_label_that_its_author_may_not_see_is_refused),
		scene(a_label_is_brought_and_is_the_one_that_is_named),
		scene(a_label_known_from_others_is_not_known),
		scene(a_stale_if_match_is_refused_with_the_heads),
		scene(what_exists_is_not_created_again),
		scene(a_write_says_what_it_is_made_over),
		scene(a_replayed_manifest_is_refused),
		scene(a_manifest_under_an_old_statement_is_refused),
		scene(a_foreign_signature_is_refused),
		scene(a_replayed_or_altered_signature_is_refused),
		scene(a_foreign_id_is_refused),
		scene(an_id_of_the_far_future_is_refused),
		scene(a_statement_without_right_or_number_is_refused),
		scene(a_statement_brings_a_label_that_may_stand),
		scene(a_recalled_document_is_refused_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
