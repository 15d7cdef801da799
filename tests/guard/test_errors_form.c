/* What is refused for its form: methods, paths, parameters, bodies. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/guard/refusal.h"

static void a_method_or_path_that_is_not_there_is_refused(void **state)
{
	struct refusal_scene *s = *state;
	static const struct {
		const char *method, *target;
		const char *allow; /* NULL: no such path */
	} rows[] = {
		{"DELETE", "/v1/me", "GET"},
		{"get", "/v1/me", "GET"},
		{"", "/v1/me", "GET"},
		{"OPTIONS", "/v1/keys", "POST"},
		{"POST", "/v1/documents/x", "GET, PUT"},
		{"PUT", "/v1/documents/x/content", "GET, HEAD, POST"},
		{"GET", "/v1/uploads/x", "PATCH, HEAD, DELETE"},
		{"GET", "/v1/nothing", NULL},
		{"GET", "/", NULL},
		{"GET", "/v1/me/more", NULL},
		{"GET", "/V1/me", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct forge_request q = {.method = rows[i].method,
					  .target = rows[i].target};
		struct world_answer answer;

		forge_ask(&s->alice, &q, &answer);
		if (rows[i].allow) {
			for (const char *m = answer.allow; *m; m++)
				assert_true(strchr(" ,", *m) ||
					    (*m >= 'A' && *m <= 'Z'));
			assert_int_equal(strlen(answer.allow),
					 strlen(rows[i].allow));
		}
		refusal_is(s, &answer,
			   rows[i].allow ? ERR_METHOD : ERR_NOT_FOUND);
	}
}

static void targets_and_parameters_of_no_form_are_refused(void **state)
{
	struct refusal_scene *s = *state;
	static const struct {
		const char *target;
		enum err_code code;
	} rows[] = {
		{"", ERR_MALFORMED},
		{"v1/me", ERR_MALFORMED},
		{"/v1//me", ERR_MALFORMED},
		{"/v1/../v1/me", ERR_MALFORMED},
		{"/v1/%", ERR_MALFORMED},
		{"/v1/%00", ERR_MALFORMED},
		{"/v1/me#x", ERR_MALFORMED},
		{"/v1/\xff", ERR_MALFORMED},
		{"/a/b/c/d/e/f/g/h/i/j/k/l/m/n", ERR_MALFORMED},
		{"/v1/changes", ERR_USAGE},
		{"/v1/changes?ask=AAAA", ERR_USAGE},
		{"/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA&x=1", ERR_USAGE},
		{"/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA&ask=x", ERR_MALFORMED},
		{"/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA&limit=0", ERR_USAGE},
		{"/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA&limit=1001",
		 ERR_USAGE},
		{"/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA&limit=1e9", ERR_USAGE},
		{"/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA&wait=56", ERR_USAGE},
		{"/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA&wait="
		 "18446744073709551616",
		 ERR_USAGE},
		{"/v1/changes?ask=AAAAAAAAAAAAAAAAAAAAAA&since=x",
		 ERR_MALFORMED},
		{"/v1/documents/x", ERR_MALFORMED},
		{"/v1/labels/x", ERR_MALFORMED},
		{"/v1/authors/x", ERR_MALFORMED},
		{"/v1/policy?ask=x", ERR_USAGE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct forge_request q = {.method = "GET",
					  .target = rows[i].target};
		struct world_answer answer;

		forge_ask(&s->alice, &q, &answer);
		refusal_is(s, &answer, rows[i].code);
	}
}

static void hostile_bodies_are_refused(void **state)
{
	struct refusal_scene *s = *state;
	static const char *const texts[] = {
		"",
		"{",
		"null",
		"[]",
		"{}",
		"{\"manifest\":1,\"keys\":[]}",
		"{\"keys\":[],\"keys\":[],\"manifest\":\"a.b.c\"}",
		"{\"keys\":[],\"manifest\":\"a.b.c\",\"other\":1}",
		"{\"keys\":[],\"manifest\":\"\xff\"}",
		"{\"keys\":[],\"manifest\":\"a\\u0000\"}",
		"{\"keys\":[1e999],\"manifest\":\"\"}",
		"{\"keys\":{},\"manifest\":\"\"} x",
	};
	char target[128] = "/v1/documents/";
	struct forge_request q = {
		.method = "PUT",
		.target = target,
		.field = {span_str("if-none-match"), span_str("*")},
	};
	struct world_answer answer;
	struct buf deep;

	doc_id_format(s->plan.m.id, target + strlen(target));
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		q.body = span_str(texts[i]);
		forge_ask(&s->alice, &q, &answer);
		refusal_is(s, &answer, ERR_MALFORMED);
	}
	buf_init(&deep, 1 << 20);
	buf_put_str(&deep, "{\"keys\":");
	for (int i = 0; i < 30000; i++)
		buf_put_u8(&deep, '[');
	q.body = buf_span(&deep);
	forge_ask(&s->alice, &q, &answer);
	refusal_is(s, &answer, ERR_MALFORMED);
	/* More keys at once than the limit. */
	buf_reset(&deep);
	buf_put_str(&deep, "{\"keys\":[");
	for (int i = 0; i < 257; i++)
		buf_printf(&deep,
			   "%s{\"commitment\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			   "AAAAAAAAAAAA\",\"document\":"
			   "\"00000000-0000-7000-8000-000000000000\"}",
			   i ? "," : "");
	buf_put_str(&deep, "]}");
	q = (struct forge_request){.method = "POST",
				   .target = "/v1/keys",
				   .body = buf_span(&deep)};
	forge_ask_signed(&s->alice, &q, &answer);
	assert_true(answer.status == 400 || answer.status == 413);
	refusal_is(s, &answer,
		   answer.status == 400 ? ERR_MALFORMED : ERR_TOO_LARGE);
	buf_clear(&deep);
}

#define scene(f) cmocka_unit_test_setup_teardown(f, refusal_begin, refusal_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene(a_method_or_path_that_is_not_there_is_refused),
		scene(targets_and_parameters_of_no_form_are_refused),
		scene(hostile_bodies_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
