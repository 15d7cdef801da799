/* What is wrong, and where. */
#include <stdarg.h>
#include <stdio.h>

#include "proto/label/finding.h"

/* No control characters, and no character cut in two at the end. */
static void tidy(char *text)
{
	size_t len = strlen(text);
	size_t start = len;

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = ' ';
	}
	while (start > 0 && len - start < 4 &&
	       ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)text[start - 1] >= 0xc0) {
		unsigned char lead = (unsigned char)text[start - 1];
		size_t want = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;

		if (len - start < want)
			text[start - 1] = '\0';
	}
}

struct err finding_make(struct label_problem *problem, enum err_code code,
			const char *detail, unsigned line, const char *fmt, ...)
{
	size_t used = 0;
	va_list args;

	if (!problem)
		return err_make(code, detail);
	problem->line = line;
	if (line > 0)
		used = (size_t)snprintf(problem->text, sizeof(problem->text),
					"line %u, ", line);
	va_start(args, fmt);
	vsnprintf(problem->text + used, sizeof(problem->text) - used, fmt,
		  args);
	va_end(args);
	tidy(problem->text);
	return err_make(code, detail);
}
