/* Memory for libraries; its want is remembered. */
#include <stdlib.h>
#include <string.h>

#include "proto/base/memory.h"

static _Thread_local bool ran_out;

void *memory_get(size_t len)
{
	void *at = malloc(len ? len : 1);

	if (!at)
		ran_out = true;
	return at;
}

void *memory_resize(void *at, size_t len)
{
	void *to = realloc(at, len ? len : 1);

	if (!to)
		ran_out = true;
	return to;
}

char *memory_text(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		ran_out = true;
	return copy;
}

void memory_drop(void *at)
{
	free(at);
}

bool memory_ran_out(void)
{
	bool did = ran_out;

	ran_out = false;
	return did;
}
