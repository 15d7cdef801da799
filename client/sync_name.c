/* A document's title as the name of a file. */
#include "client/sync_name.h"

#include "client/cli.h"

#include <stdio.h>

enum { TITLE_PART_MAX = 180, ID_PART = 8 };

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

bool sync_name_passed_over(const char *name)
{
	return name[0] == '.' || ends_with(name, SYNC_LABEL_END) ||
	       ends_with(name, SYNC_NEW_END);
}

/* At most `max` bytes, and no half of a character. */
static void cut(char *text, size_t max)
{
	size_t n = strlen(text);

	if (n <= max)
		return;
	n = max;
	while (n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80)
		n--;
	text[n] = 0;
}

void sync_name(struct span title, struct doc_id document,
	       const struct dot *conflict, char out[SYNC_NAME_MAX + 1])
{
	char id[DOC_ID_TEXT_LEN + 1], dot[VERSION_DOT_TEXT_MAX + 1];
	char name[TITLE_PART_MAX + 8] = "";
	const char *extension;
	struct buf clean;
	size_t n;

	buf_init(&clean, 4 * TITLE_PART_MAX);
	cli_clean(span_sub(title, 0, 2 * TITLE_PART_MAX), &clean);
	snprintf(name, TITLE_PART_MAX + 4, "%s", buf_cstr(&clean));
	cut(name, TITLE_PART_MAX);
	buf_clear(&clean);
	for (char *p = name; *p; p++)
		if (*p == '/' || *p == '\\')
			*p = '_';
	/* Neither hidden, nor an option of some command, nor a part of a path
	 * with a meaning. */
	if (name[0] == '.' || name[0] == '-' || name[0] == ' ' ||
	    name[0] == '~')
		name[0] = '_';
	for (n = strlen(name); n > 0 && name[n - 1] == ' '; n--)
		name[n - 1] = 0;
	if (n == 0) {
		doc_id_format(document, id);
		snprintf(name, sizeof(name), "%s", id);
	}
	if (sync_name_passed_over(name))
		strcat(name, "_");
	if (!conflict) {
		snprintf(out, SYNC_NAME_MAX + 1, "%s", name);
		return;
	}
	dot_format(*conflict, dot);
	extension = strrchr(name, '.');
	extension = extension && extension != name ? extension
						   : name + strlen(name);
	snprintf(out, SYNC_NAME_MAX + 1, "%.*s (conflict %s)%s",
		 (int)(extension - name), name, dot, extension);
}

void sync_name_own(struct doc_id document, char name[SYNC_NAME_MAX + 1])
{
	char id[DOC_ID_TEXT_LEN + 1], copy[SYNC_NAME_MAX + 1];

	doc_id_format(document, id);
	snprintf(copy, sizeof(copy), "%s", name);
	cut(copy, SYNC_NAME_MAX - ID_PART - 1);
	snprintf(name, SYNC_NAME_MAX + 1, "%.8s %.*s",
		 id + DOC_ID_TEXT_LEN - ID_PART, SYNC_NAME_MAX - ID_PART - 1,
		 copy);
}
