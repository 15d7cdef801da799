#include "relay/front/request.h"

#include "proto/exchange/problem.h"
#include "relay/log.h"

#include <stdio.h>
#include <stdlib.h>

/* A client may go on sending for so long after its answer. */
enum { DROPPED_MAX = 256 * 1024, REFUSAL_MAX = 8 * 1024 };

static void hold(struct request *r)
{
	size_t now = r->body.room + r->answer.room;

	r->conn->front->held += now - r->held;
	r->held = now;
}

/* Opens the client's window by so much of what an upload brought. */
static void consume(struct request *r, size_t n)
{
	if (n > r->unconsumed)
		n = r->unconsumed;
	r->unconsumed -= n;
	h2_consume(r->conn->h2, r->stream, n);
}

/* ---- answers ---- */

static bool names(const struct channel_message *m, const char *name)
{
	for (size_t i = 0; i < m->field_count; i++)
		if (span_eq_str(m->fields[i].name, name))
			return true;
	return false;
}

static void push_answer(struct request *r)
{
	struct h2 *h2 = r->conn->h2;
	size_t taken = 0;
	struct err e;

	if (r->pushed < r->answer.len) {
		e = h2_body_push_some(h2, r->stream,
				      span_of(r->answer.at + r->pushed,
					      r->answer.len - r->pushed),
				      &taken);
		if (failed(e))
			return; /* closed: its event comes */
		r->pushed += taken;
	}
	if (r->state == REQUEST_STREAMING && taken && r->id &&
	    !r->answer_ended) {
		struct channel_message credit = {.kind = CHANNEL_CREDIT,
						 .id = r->id,
						 .amount = taken};

		lanes_send(r->conn->front->guard, LANE_BULK, &credit);
	}
	if (r->pushed == r->answer.len) {
		r->pushed = 0;
		buf_reset(&r->answer);
		if (r->state == REQUEST_ANSWERING || r->answer_ended) {
			buf_clear(&r->answer);
			r->state = REQUEST_DONE;
			e = h2_body_end(h2, r->stream);
			(void)e; /* closed: its event comes */
		}
	} else if (r->state == REQUEST_STREAMING) {
		buf_consume(&r->answer, r->pushed);
		r->pushed = 0;
	}
	hold(r);
}

static void respond(struct request *r, const struct channel_message *m)
{
	struct h2_field fields[CHANNEL_FIELDS_MAX + 4];
	struct h2_head head = {.status = m->status, .fields = fields};
	uint64_t len = m->streams ? m->amount : m->body.len;
	bool bodiless = r->head_only || m->status == 204 || m->status == 304 ||
			len == 0;
	char length[24];
	struct err e;

	for (size_t i = 0; i < m->field_count; i++)
		fields[head.count++] = (struct h2_field){m->fields[i].name,
							 m->fields[i].value};
	if (m->status != 204 && m->status != 304 &&
	    !names(m, "content-length") && !(r->head_only && !len)) {
		snprintf(length, sizeof(length), "%llu",
			 (unsigned long long)len);
		fields[head.count++] =
			(struct h2_field){span_str("content-length"),
					  span_str(length)};
	}
	if (!names(m, "cache-control"))
		fields[head.count++] =
			(struct h2_field){span_str("cache-control"),
					  span_str("no-store")};
	e = h2_respond(r->conn->h2, r->stream, &head, !bodiless);
	consume(r, SIZE_MAX);
	buf_clear(&r->body);
	if (failed(e) || bodiless) {
		r->state = REQUEST_DONE;
	} else if (m->streams) {
		r->state = REQUEST_STREAMING;
		r->left = m->amount;
	} else {
		size_t taken = 0;

		r->state = REQUEST_ANSWERING;
		e = h2_body_push_some(r->conn->h2, r->stream, m->body, &taken);
		if (!failed(e))
			buf_put(&r->answer, span_sub(m->body, taken, SIZE_MAX));
		if (r->answer.bad)
			h2_reset(r->conn->h2, r->stream, H2_INTERNAL_ERROR);
		else
			push_answer(r);
	}
	hold(r);
	conn_touch(r->conn);
}

/* Without a guard. */
static void respond_alone(struct request *r, struct err e)
{
	struct channel_field fields[] = {
		{span_str("content-type"), span_str(PROBLEM_MEDIA_TYPE)},
		{span_str("retry-after"), span_str("1")},
	};
	struct channel_message m = {.kind = CHANNEL_ANSWER, .fields = fields};
	struct buf body;

	buf_init(&body, 4096);
	problem_format(e, span_str(r->conn->front->reference), span_str(""),
		       &body);
	m.status = (uint16_t)problem_status(e);
	m.field_count = m.status == 503 ? 2 : 1;
	m.body = buf_span(&body);
	respond(r, &m);
	buf_clear(&body);
}

/* ---- to the guard ---- */

static void leave_guard(struct request *r)
{
	if (r->id)
		table_take(&r->conn->front->requests, r->id);
	r->id = 0;
}

static void cancel(struct request *r)
{
	struct channel_message m = {.kind = CHANNEL_CANCEL, .id = r->id};

	if (r->id && r->conn->front->guard)
		lanes_send(r->conn->front->guard, LANE_REQUESTS, &m);
	leave_guard(r);
}

static struct err guard_away(void)
{
	return err_make(ERR_BUSY, "the guard is away");
}

/* The message of this request, without fields and body; its number is new. */
static struct channel_message message_of(struct request *r)
{
	return (struct channel_message){.kind = CHANNEL_REQUEST,
					.id = ++r->conn->front->last_id,
					.listener = (uint8_t)r->conn->listener,
					.certificate = tls_peer_certificate(
						r->conn->tls),
					.method = r->head->method,
					.authority = r->head->authority,
					.target = r->head->path};
}

/* False, and answered, if there is no guard to send it to. */
static bool send_to_guard(struct request *r, const struct channel_message *m)
{
	struct front *f = r->conn->front;

	if (!f->guard || failed(table_put(&f->requests, m->id, r))) {
		respond_alone(r, guard_away());
		return false;
	}
	r->id = m->id;
	lanes_send(f->guard, LANE_REQUESTS, m);
	return true;
}

/* The guard knows who asks, and seals the reference. */
static void refuse(struct request *r, struct err why)
{
	struct channel_message m;

	cancel(r);
	if (!r->conn->front->guard) {
		respond_alone(r, why);
		return;
	}
	m = message_of(r);
	m.status = (uint16_t)why.code;
	m.amount = REFUSAL_MAX;
	m.body = span_str(why.detail ? why.detail : "");
	/* What a head beyond its limits holds is nobody's matter. */
	if (failed(r->head_refused))
		m.method = m.authority = m.target = span_str("");
	if (!send_to_guard(r, &m))
		return;
	r->state = REQUEST_ASKED;
	consume(r, SIZE_MAX);
	buf_clear(&r->body);
	hold(r);
}

static void ask(struct request *r)
{
	struct channel_field fields[CHANNEL_FIELDS_MAX];
	struct channel_message m = message_of(r);

	m.streams = r->route.body_streams;
	m.amount = r->route.answer_max;
	m.fields = fields;
	for (size_t i = 0; i < r->head->count; i++) {
		const struct h2_field *field = &r->head->fields[i];

		if (!route_field_passes(field->name))
			continue;
		if (m.field_count == CHANNEL_FIELDS_MAX) {
			refuse(r,
			       err_make(ERR_HEAD_TOO_LARGE, "too many fields"));
			return;
		}
		fields[m.field_count++] =
			(struct channel_field){field->name, field->value};
	}
	if (!m.streams)
		m.body = buf_span(&r->body);
	if (!send_to_guard(r, &m))
		return;
	r->state = m.streams ? REQUEST_UPLOADING : REQUEST_ASKED;
	if (!m.streams)
		buf_clear(&r->body);
	hold(r);
}

/* It lives; it is ready if the guard is there. */
static void respond_here(struct request *r)
{
	bool readiness = r->head->path.len >= 7 &&
			 memcmp(r->head->path.at, "/readyz", 7) == 0;
	struct channel_field type = {span_str("content-type"),
				     span_str("application/json")};
	struct channel_message m = {.kind = CHANNEL_ANSWER,
				    .status = 200,
				    .fields = &type,
				    .field_count = 1,
				    .body = span_str(
					    readiness ? "{\"ready\":true}"
						      : "{\"alive\":true}")};

	if (readiness && !r->conn->front->guard)
		respond_alone(r, guard_away());
	else
		respond(r, &m);
}

/* What has come and may go; then the end. */
static void send_pieces(struct request *r)
{
	struct lanes *guard = r->conn->front->guard;
	struct channel_message piece = {.kind = CHANNEL_PIECE, .id = r->id},
			       end = {.kind = CHANNEL_END, .id = r->id};
	size_t sent = 0;

	while (r->credit && sent < r->body.len) {
		size_t n = r->body.len - sent;

		if (n > CHANNEL_PIECE_MAX)
			n = CHANNEL_PIECE_MAX;
		if (n > r->credit)
			n = (size_t)r->credit;
		piece.body = span_of(r->body.at + sent, n);
		lanes_send(guard, LANE_BULK, &piece);
		sent += n;
		r->credit -= n;
	}
	if (sent) {
		buf_consume(&r->body, sent);
		h2_pass(r->conn->h2, r->stream, sent);
	}
	if (r->credited && r->ended && r->body.len == 0 && !r->end_sent) {
		r->end_sent = true;
		end.whole = true;
		lanes_send(guard, LANE_BULK, &end);
	}
}

/* ---- from the client ---- */

static bool has_length_beyond(const struct h2_head *head, uint64_t max)
{
	for (size_t i = 0; i < head->count; i++) {
		struct span v = head->fields[i].value;
		uint64_t n = 0;

		if (!span_eq_str(head->fields[i].name, "content-length"))
			continue;
		/* Its form was checked by HTTP/2 (RFC 9113 s.8.1.1). */
		for (size_t k = 0; k < v.len && n <= max; k++)
			n = n * 10 + (uint64_t)(v.at[k] - '0');
		if (n > max)
			return true;
	}
	return false;
}

static struct err judge(const struct request *r)
{
	const struct conn *c = r->conn;

	if (failed(r->head_refused))
		return r->head_refused;
	if (r->route.here)
		return ERR_NONE;
	if (!c->has_certificate && !r->route.open && c->listener != ROUTE_PEER)
		return err_make(ERR_UNAUTHENTICATED, "no certificate");
	if (has_length_beyond(r->head, r->route.body_max))
		return err_make(ERR_TOO_LARGE, "body larger than its limit");
	if (!c->front->guard)
		return guard_away();
	if (c->front->held > FRONT_HELD_MAX)
		return err_make(ERR_BUSY, "the front holds enough");
	return ERR_NONE;
}

void request_begin(struct conn *c, const struct h2_event *event)
{
	struct request *r = calloc(1, sizeof(*r));
	struct err e;

	if (!r) {
		h2_reset(c->h2, event->stream, H2_REFUSED_STREAM);
		return;
	}
	c->requests++;
	r->conn = c;
	r->stream = event->stream;
	r->head = event->head;
	r->ended = event->end;
	r->head_refused = event->why;
	r->route = route_find(c->listener, r->head->method, r->head->path);
	r->allowed = CHANNEL_WINDOW;
	r->head_only = span_eq_str(r->head->method, "HEAD");
	buf_init(&r->body, r->route.body_streams ? CHANNEL_WINDOW
						 : (size_t)r->route.body_max);
	buf_init(&r->answer, CHANNEL_BODY_MAX);
	h2_set_owner(c->h2, r->stream, r);
	e = judge(r);
	/* Clients there are (curl 7.88) that drop an answer which comes before
	 * the end of their request, so a short body is heard out. */
	if (failed(e) && !r->ended)
		r->refused = e;
	else if (failed(e))
		refuse(r, e);
	else if (r->route.here)
		respond_here(r);
	else if (r->ended || r->route.body_streams)
		ask(r);
}

void request_data(struct request *r, struct span data)
{
	struct h2 *h2 = r->conn->h2;

	r->received += data.len;
	switch (r->state) {
	case REQUEST_UPLOADING:
		r->unconsumed += data.len;
		if (r->received > r->route.body_max) {
			refuse(r, err_make(ERR_TOO_LARGE,
					   "body beyond its limit"));
			return;
		}
		/* Fits: the client's window is as large. */
		buf_put(&r->body, data);
		if (r->body.bad)
			h2_reset(h2, r->stream, H2_INTERNAL_ERROR);
		else if (r->credit)
			send_pieces(r);
		hold(r);
		return;
	case REQUEST_GATHERING:
		if (failed(r->refused)) {
			if (r->received > DROPPED_MAX)
				refuse(r, r->refused);
		} else if (r->received > r->route.body_max) {
			refuse(r, err_make(ERR_TOO_LARGE,
					   "body beyond its limit"));
		} else {
			buf_put(&r->body, data);
			hold(r);
		}
		h2_consume(h2, r->stream, data.len);
		return;
	case REQUEST_ASKED:
	case REQUEST_ANSWERING:
	case REQUEST_STREAMING:
	case REQUEST_DONE:
		r->dropped += data.len;
		h2_consume(h2, r->stream, data.len);
		/* RFC 9113 s.8.1: an answer before the end of its request. */
		if (r->dropped > DROPPED_MAX)
			h2_reset(h2, r->stream, H2_NO_ERROR);
		return;
	}
}

void request_end(struct request *r)
{
	r->ended = true;
	if (r->state == REQUEST_GATHERING && failed(r->refused))
		refuse(r, r->refused);
	else if (r->state == REQUEST_GATHERING)
		ask(r);
	else if (r->state == REQUEST_UPLOADING)
		send_pieces(r);
}

void request_slow(struct request *r, struct err why)
{
	if (r->state == REQUEST_GATHERING || r->state == REQUEST_UPLOADING)
		refuse(r, why);
	conn_touch(r->conn);
}

void request_writable(struct request *r)
{
	if (r->state == REQUEST_ANSWERING || r->state == REQUEST_STREAMING)
		push_answer(r);
}

void request_closed(struct request *r)
{
	cancel(r);
	r->conn->front->held -= r->held;
	buf_clear(&r->body);
	buf_clear(&r->answer);
	free(r);
}

/* ---- from the guard ---- */

static void answer_came(struct request *r, const struct channel_message *m)
{
	struct channel_message credit = {.kind = CHANNEL_CREDIT,
					 .id = r->id,
					 .amount = CHANNEL_WINDOW};

	if (r->state != REQUEST_ASKED && r->state != REQUEST_UPLOADING)
		return;
	respond(r, m);
	if (!m->streams)
		leave_guard(r);
	else if (r->state == REQUEST_STREAMING)
		lanes_send(r->conn->front->guard, LANE_BULK, &credit);
	else
		cancel(r); /* HEAD: the length was all that was asked for */
}

static void piece_came(struct request *r, const struct channel_message *m)
{
	if (r->state != REQUEST_STREAMING)
		return;
	if (m->kind == CHANNEL_END) {
		leave_guard(r);
		r->answer_ended = true;
		if (!m->whole || r->left)
			h2_reset(r->conn->h2, r->stream, H2_INTERNAL_ERROR);
		else
			push_answer(r);
	} else if (m->body.len > r->left ||
		   r->answer.len + m->body.len > CHANNEL_WINDOW) {
		cancel(r);
		h2_reset(r->conn->h2, r->stream, H2_INTERNAL_ERROR);
	} else {
		r->left -= m->body.len;
		buf_put(&r->answer, m->body);
		push_answer(r);
	}
	conn_touch(r->conn);
}

/* The client may have sent as much as the guard has said in all: so much is
 * consumed of what came, and the window is widened by what is beyond. */
static void credit_came(struct request *r, uint64_t amount)
{
	uint64_t more, some;

	if (r->state != REQUEST_UPLOADING || amount > CHANNEL_WINDOW_MAX ||
	    r->credit + amount > CHANNEL_WINDOW_MAX)
		return;
	r->credited += amount;
	r->credit += amount;
	more = r->credited > r->allowed ? r->credited - r->allowed : 0;
	r->allowed += more;
	some = more < r->unconsumed ? more : r->unconsumed;
	consume(r, (size_t)some);
	if (more > some)
		h2_widen(r->conn->h2, r->stream, (size_t)(more - some));
	send_pieces(r);
	hold(r);
	conn_touch(r->conn);
}

void request_message(struct front *f, const struct channel_message *m)
{
	struct request *r = table_get(&f->requests, m->id);

	if (!r)
		return; /* crossed with its end */
	switch (m->kind) {
	case CHANNEL_ANSWER:
		answer_came(r, m);
		return;
	case CHANNEL_PIECE:
	case CHANNEL_END:
		piece_came(r, m);
		return;
	case CHANNEL_CREDIT:
		credit_came(r, m->amount);
		return;
	case CHANNEL_HELLO:
	case CHANNEL_REQUEST:
	case CHANNEL_CANCEL:
	case CHANNEL_CALL:
		return;
	}
}

void request_guard_lost(struct request *r)
{
	leave_guard(r);
	if (r->state == REQUEST_ASKED || r->state == REQUEST_UPLOADING) {
		respond_alone(r, guard_away());
	} else if (r->state == REQUEST_STREAMING) {
		h2_reset(r->conn->h2, r->stream, H2_INTERNAL_ERROR);
		conn_touch(r->conn);
	}
}
