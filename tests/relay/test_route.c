/* The front's table of routes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "relay/channel.h"
#include "relay/route.h"

static struct route find(enum route_listener l, const char *method,
			 const char *target)
{
	return route_find(l, span_str(method), span_str(target));
}

static void uploads_stream_and_writes_do_not(void **state)
{
	assert_true(find(ROUTE_DEVICE, "POST", "/v1/documents/a/content?x=1")
			    .body_streams);
	assert_true(find(ROUTE_PEER, "PATCH", "/v1/uploads/9").body_streams);
	assert_false(find(ROUTE_DEVICE, "PUT", "/v1/documents/a").body_streams);
	assert_int_equal(find(ROUTE_DEVICE, "PUT", "/v1/documents/a").body_max,
			 65536);
}

static void
only_enrolment_and_life_are_open_on_the_device_listener(void **state)
{
	assert_true(find(ROUTE_DEVICE, "POST", "/v1/enrol").open);
	assert_true(find(ROUTE_DEVICE, "GET", "/livez").open);
	assert_false(find(ROUTE_DEVICE, "GET", "/v1/enrol").open);
	assert_false(find(ROUTE_DEVICE, "GET", "/v1/changes").open);
	assert_false(find(ROUTE_DEVICE, "GET", "/nothing").open);
	assert_false(find(ROUTE_DEVICE, "POST", "/v1/enrol/x").open);
	assert_false(find(ROUTE_PEER, "POST", "/v1/enrol").open);
}

static void a_listener_has_only_its_own_routes(void **state)
{
	assert_true(find(ROUTE_ADMIN, "PUT", "/admin/v1/policy").body_max >
		    1 << 20);
	assert_true(find(ROUTE_DEVICE, "PUT", "/admin/v1/policy").body_max <
		    1 << 16);
	assert_false(find(ROUTE_PEER, "GET", "/livez").here);
	assert_true(find(ROUTE_ADMIN, "GET", "/livez?x").here);
}

static void a_segment_is_one_segment(void **state)
{
	assert_false(find(ROUTE_DEVICE, "POST", "/v1/documents/a/b/content")
			     .body_streams);
	assert_false(find(ROUTE_DEVICE, "POST", "/v1/documents//content")
			     .body_streams);
	assert_false(find(ROUTE_DEVICE, "POST", "/v1/documents/a/contents")
			     .body_streams);
	assert_int_equal(find(ROUTE_DEVICE, "GET", "").body_max,
			 find(ROUTE_DEVICE, "GET", "/none").body_max);
}

static void every_answer_fits_the_channel(void **state)
{
	static const char *const some[] = {"/v1/policy", "/v1/changes",
					   "/admin/v1/policy", "/none"};

	for (size_t i = 0; i < 4; i++)
		for (int l = 0; l < ROUTE_LISTENERS; l++)
			assert_true(find((enum route_listener)l, "GET", some[i])
					    .answer_max <= CHANNEL_BODY_MAX);
}

static void foreign_fields_do_not_pass(void **state)
{
	assert_true(route_field_passes(span_str("if-match")));
	assert_true(route_field_passes(span_str("upload-offset")));
	assert_true(route_field_passes(span_str("signature-input")));
	assert_false(route_field_passes(span_str("cookie")));
	assert_false(route_field_passes(span_str("x-forwarded-for")));
	assert_false(route_field_passes(span_str("upload-")));
	assert_false(route_field_passes(span_str("authorization")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uploads_stream_and_writes_do_not),
		cmocka_unit_test(
			only_enrolment_and_life_are_open_on_the_device_listener),
		cmocka_unit_test(a_listener_has_only_its_own_routes),
		cmocka_unit_test(a_segment_is_one_segment),
		cmocka_unit_test(every_answer_fits_the_channel),
		cmocka_unit_test(foreign_fields_do_not_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
