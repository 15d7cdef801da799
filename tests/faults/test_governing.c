/* What officers ask and change, while one call after the other fails. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "proto/base/base64.h"
#include "tests/faults/verb.h"

static void base64_member(struct asked *a, const char *before,
			  const struct buf *bytes, const char *after)
{
	buf_put_str(&a->body, before);
	base64url_encode(buf_span(bytes), &a->body);
	buf_put_str(&a->body, after);
}

static void a_subject(struct asked *a)
{
	base64_member(a, "{\"clearance\":\"", &a->s->restricted,
		      "\",\"rights\":[\"write\",\"label\",\"delete\","
		      "\"recall\"],\"spaces\":[\"GBR/ops\"]}");
}

/* One that is there, to be taken away. */
static void no_subject(struct asked *a)
{
	static const char *const spaces[] = {"GBR/ops"};

	world_subject(&a->s->w, a->s->gbr, "walt", buf_span(&a->s->restricted),
		      SUBJECT_WRITE, spaces, 1);
}

static void members(struct asked *a)
{
	buf_put_str(&a->body, "{\"members\":[\"alice\"]}");
}

static void of_alice(struct asked *a)
{
	buf_put_str(&a->body, "{\"subject\":\"alice\"}");
}

static void a_peer(struct asked *a)
{
	base64_member(a, "{\"ceiling\":\"RESTRICTED\",\"clearance\":\"",
		      &a->s->deu_r,
		      "\",\"nation\":\"FRA\",\"spaces\":[\"*\"]}");
}

static void the_policy(struct asked *a)
{
	base64_member(a, "{\"files\":[\"", &a->s->policies[0], "\",\"");
	base64_member(a, "", &a->s->policies[1], "\"]}");
}

static void why(struct asked *a)
{
	buf_put_str(&a->body, "{\"document\":\"");
	verb_add_doc(a, &a->s->plan, "");
	/* The id belongs into the body. */
	buf_put_str(&a->body, a->target + strlen("/admin/v1/explain"));
	a->target[strlen("/admin/v1/explain")] = 0;
	base64_member(a, "\",\"clearance\":\"", &a->s->restricted, "\"}");
}

static void of_bob(struct asked *a, const char *rest)
{
	char text[DIGEST_TEXT_LEN + 1];
	struct digest d;

	memcpy(d.at, crypto_public_id(crypto_key_public(a->s->bob.key)).at,
	       DIGEST_LEN);
	digest_format(d, text);
	verb_add(a, text);
	verb_add(a, rest);
}

static void bob(struct asked *a)
{
	of_bob(a, "");
}

static void bob_freeze(struct asked *a)
{
	of_bob(a, "/freeze");
}

static void bob_resume(struct asked *a)
{
	of_bob(a, "/resume");
}

static void released(struct asked *a)
{
	assert_non_null(strstr(buf_cstr(&a->answer), "\"rule\":\"released\""));
}

static const struct verb asking_rows[] = {
	VERB(operator, "GET", "/admin/v1/status"),
	VERB(operator, "GET", "/admin/v1/subjects"),
	VERB(operator, "GET", "/admin/v1/spaces"),
	VERB(operator, "GET", "/admin/v1/devices"),
	VERB(operator, "GET", "/admin/v1/devices/", .make = bob),
	VERB(operator, "GET", "/admin/v1/peers"),
	VERB(operator, "GET", "/admin/v1/quarantine"),
	VERB(operator, "GET", "/admin/v1/documents"),
	VERB(operator, "GET", "/admin/v1/documents/", .make = verb_of_plan),
	VERB(operator, "GET", "/admin/v1/policy"),
	VERB(auditor, "GET", "/admin/v1/audit"),
	VERB(auditor, "GET", "/admin/v1/audit/verify"),
	VERB(auditor, "POST", "/admin/v1/explain", .make = why,
	     .end = released),
};

static const struct verb changing_rows[] = {
	VERB(operator, "PUT", "/admin/v1/subjects/alice", .is_signed = true,
	     .make = a_subject),
	VERB(operator, "DELETE", "/admin/v1/subjects/walt", .is_signed = true,
	     .make = no_subject, .again = no_subject),
	VERB(operator, "PUT", "/admin/v1/spaces/GBR/ops", .is_signed = true,
	     .make = members),
	VERB(operator, "POST", "/admin/v1/devices/invitations",
	     .is_signed = true, .make = of_alice),
	VERB(operator, "POST", "/admin/v1/peers/invitations", .is_signed = true,
	     .make = a_peer),
	VERB(security, "POST", "/admin/v1/devices/", .is_signed = true,
	     .make = bob_freeze),
	VERB(security, "POST", "/admin/v1/devices/", .is_signed = true,
	     .make = bob_resume),
	VERB(security, "POST", "/admin/v1/peers/DEU/suspend",
	     .is_signed = true),
	VERB(operator, "POST", "/admin/v1/peers/DEU/resume", .is_signed = true),
	VERB(security, "PUT", "/admin/v1/policy", .is_signed = true,
	     .make = the_policy),
};

static void officers_are_told_or_told_why_not(void **state)
{
	verb_run(*state, asking_rows,
		 sizeof(asking_rows) / sizeof(*asking_rows));
}

static void what_officers_change_is_changed_or_refused(void **state)
{
	verb_run(*state, changing_rows,
		 sizeof(changing_rows) / sizeof(*changing_rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(officers_are_told_or_told_why_not),
		cmocka_unit_test(what_officers_change_is_changed_or_refused),
	};

	return cmocka_run_group_tests(tests, verb_begin, verb_finish);
}
