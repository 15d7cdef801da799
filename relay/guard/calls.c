#include "relay/guard/calls.h"
#include "relay/guard/task.h"

#include <stdlib.h>

struct outcome {
	struct work work; /* first */
	uint64_t id;
	int status;
	struct core_field fields[CHANNEL_FIELDS_MAX];
	size_t field_count;
	struct span body;
	struct buf bytes; /* of the message; fields and body lie in it */
};

void calls_ask(struct guard *g)
{
	if (g->calling || g->stopping || !g->link ||
	    g->calls.count >= GUARD_CALLS_MAX)
		return;
	g->calling = true;
	g->due_count = 0;
	g->calls_work.kind = WORK_CALLS;
	workers_submit(g->writer, &g->calls_work);
}

/* The loop leaves `due` alone while `calling` is set; `calls` is read here
 * only for its count, which rises on the loop after this. */
void calls_collect(struct guard *g)
{
	while (g->due_count < GUARD_CALLS_MAX / 4 &&
	       core_call_next(g->core, &g->due[g->due_count]))
		g->due_count++;
}

static void submit_outcome(struct guard *g, struct outcome *o)
{
	o->work.kind = WORK_CALL_DONE;
	workers_submit(g->writer, &o->work);
}

static void unreachable(struct guard *g, uint64_t id)
{
	struct outcome *o = calloc(1, sizeof(*o));

	if (!o)
		return; /* the core's own time limit takes it back */
	o->id = id;
	buf_init(&o->bytes, 0);
	submit_outcome(g, o);
}

static void send_call(struct guard *g, const struct core_call *call)
{
	struct channel_field fields[12];
	struct channel_message m = {
		.kind = CHANNEL_CALL,
		.id = call->id,
		.amount = call->answer_max,
		.certificate = call->ca,
		.digest = call->ca_digest,
		.method = call->method,
		.authority = span_str(call->endpoint),
		.target = call->target,
		.fields = fields,
		.field_count = call->field_count,
		.body = call->body,
	};

	for (size_t i = 0; i < call->field_count; i++)
		fields[i] = (struct channel_field){call->fields[i].name,
						   call->fields[i].value};
	if (!g->link || call->answer_max > CHANNEL_BODY_MAX ||
	    failed(table_put(&g->calls, call->id, (void *)call))) {
		unreachable(g, call->id);
		return;
	}
	lanes_send(g->link, LANE_REQUESTS, &m);
}

void calls_collected(struct guard *g)
{
	g->calling = false;
	for (size_t i = 0; i < g->due_count; i++)
		send_call(g, g->due[i]);
	g->due_count = 0;
}

void calls_message(struct guard *g, const struct channel_message *m)
{
	struct outcome *o;

	if (m->kind != CHANNEL_ANSWER || !table_take(&g->calls, m->id))
		return;
	o = calloc(1, sizeof(*o));
	if (!o)
		return;
	o->id = m->id;
	o->status = m->status;
	buf_init(&o->bytes, CHANNEL_FRAME_MAX);
	/* Fields first, then the body; spans are made when all is copied, for
	 * the buffer moves as it grows. */
	for (size_t i = 0; i < m->field_count; i++) {
		buf_put(&o->bytes, m->fields[i].name);
		buf_put(&o->bytes, m->fields[i].value);
	}
	buf_put(&o->bytes, m->body);
	if (failed(buf_check(&o->bytes))) {
		o->status = 0;
		submit_outcome(g, o);
		return;
	}
	for (size_t i = 0, at = 0; i <= m->field_count; i++) {
		if (i == m->field_count) {
			o->body = span_of(o->bytes.at + at, m->body.len);
			break;
		}
		o->fields[i].name =
			span_of(o->bytes.at + at, m->fields[i].name.len);
		at += m->fields[i].name.len;
		o->fields[i].value =
			span_of(o->bytes.at + at, m->fields[i].value.len);
		at += m->fields[i].value.len;
	}
	o->field_count = m->field_count;
	submit_outcome(g, o);
}

void calls_lost(struct guard *g)
{
	const struct core_call *call;

	while ((call = table_any(&g->calls))) {
		table_take(&g->calls, call->id);
		unreachable(g, call->id);
	}
}

void calls_write_outcome(struct guard *g, struct work *work)
{
	struct outcome *o = (struct outcome *)work;

	core_call_done(g->core, o->id, o->status, o->fields, o->field_count,
		       o->body);
}

void calls_outcome_done(struct guard *g, struct work *work)
{
	struct outcome *o = (struct outcome *)work;

	buf_clear(&o->bytes);
	free(o);
}
