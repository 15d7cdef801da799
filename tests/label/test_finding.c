/* What is wrong with a label, told in one printable sentence. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "proto/label/finding.h"

static void a_finding_names_its_line_and_gives_its_code(void **state)
{
	struct label_problem p;
	struct err e = finding_make(&p, ERR_LABEL, "detail", 7, "no %s", "tag");

	assert_int_equal(e.code, ERR_LABEL);
	assert_string_equal(e.detail, "detail");
	assert_int_equal(p.line, 7);
	assert_string_equal(p.text, "line 7, no tag");
	e = finding_make(&p, ERR_POLICY, "detail", 0, "whole");
	assert_int_equal(p.line, 0);
	assert_string_equal(p.text, "whole");
	e = finding_make(NULL, ERR_POLICY, "detail", 3, "nobody asked");
	assert_int_equal(e.code, ERR_POLICY);
}

static void control_characters_become_spaces(void **state)
{
	struct label_problem p;

	(void)finding_make(&p, ERR_LABEL, "detail", 0, "a\nb\033[1mc\177d")
		.code;
	assert_string_equal(p.text, "a b [1mc d");
}

/* Characters of two, three and four bytes, at every place of the cut. */
static void a_long_text_is_cut_at_a_whole_character(void **state)
{
	static const char *const letters[] = {"\303\244", "\342\202\254",
					      "\360\237\234\201"};
	char text[3 * LABEL_PROBLEM_MAX];
	struct label_problem p;

	for (size_t l = 0; l < 3; l++) {
		size_t width = strlen(letters[l]);

		for (size_t before = 0; before < width; before++) {
			size_t len = before;

			memset(text, 'x', before);
			while (len + width < sizeof(text)) {
				memcpy(text + len, letters[l], width);
				len += width;
			}
			text[len] = '\0';
			(void)finding_make(&p, ERR_LABEL, "detail", 0, "%s",
					   text)
				.code;
			len = strlen(p.text);
			assert_true(len < LABEL_PROBLEM_MAX);
			assert_true(len + width >= LABEL_PROBLEM_MAX);
			assert_int_equal((len - before) % width, 0);
			assert_memory_equal(p.text, text, len);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_finding_names_its_line_and_gives_its_code),
		cmocka_unit_test(control_characters_become_spaces),
		cmocka_unit_test(a_long_text_is_cut_at_a_whole_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
