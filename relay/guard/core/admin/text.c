/* Text that operators see or send. */
#include "relay/guard/core/admin/text.h"

enum { TEXT_SHOWN_MAX = 1024 };

/* The length of the character that begins at `at`; 0 if there is none. */
static size_t character(const uint8_t *at, size_t left)
{
	uint8_t c = at[0];
	size_t len = c < 0x80	? 1
		     : c < 0xc2 ? 0
		     : c < 0xe0 ? 2
		     : c < 0xf0 ? 3
		     : c < 0xf5 ? 4
				: 0;

	if (len == 0 || len > left)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && at[1] < 0xa0) || (c == 0xed && at[1] > 0x9f) ||
	    (c == 0xf0 && at[1] < 0x90) || (c == 0xf4 && at[1] > 0x8f))
		return 0;
	return len;
}

bool admin_text_valid(struct span text)
{
	size_t len;

	for (size_t i = 0; i < text.len; i += len) {
		len = character(text.at + i, text.len - i);
		if (len == 0)
			return false;
	}
	return true;
}

void admin_text_member(struct json_writer *w, const char *name,
		       struct span text)
{
	char shown[TEXT_SHOWN_MAX];
	size_t n = 0, i = 0;

	while (i < text.len && n + 4 < sizeof(shown)) {
		size_t len = character(text.at + i, text.len - i);

		if (len)
			memcpy(shown + n, text.at + i, len);
		else
			shown[n] = '?';
		n += len ? len : 1;
		i += len ? len : 1;
	}
	json_member_string(w, name, span_of(shown, n));
}
