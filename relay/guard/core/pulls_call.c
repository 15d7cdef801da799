/* The calls that can be under way: a fixed number. */
#include "relay/guard/core/pulls_state.h"

struct pulls_call *pulls_call_free(struct pulls *p)
{
	for (int i = 0; i < PULLS_CALLS_MAX; i++)
		if (!p->outs[i].busy) {
			struct pulls_call *o = &p->outs[i];

			buf_reset(&o->ca);
			buf_reset(&o->target);
			buf_reset(&o->body);
			arena_clear(&o->arena);
			o->call = (struct core_call){.id = ++p->next_id};
			o->accepting = false;
			return o;
		}
	return NULL;
}
