#include "relay/lane.h"

#include <stdlib.h>
#include <unistd.h>

enum { READ_ROOM = 64 * 1024, KEEP_ROOM = 1024 * 1024 };

struct lane {
	struct lanes *lanes;
	uv_pipe_t pipe;
	struct channel in;
	struct buf out;	    /* gathered in this turn */
	struct buf writing; /* handed to libuv */
	uv_write_t write;
	bool busy;
	bool greeted;
};

struct lanes {
	struct lane lane[LANE_COUNT];
	uv_idle_t turn; /* runs, once, when something was sent */
	const struct lane_events *events;
	void *owner;
	char *room; /* for reading */
	int handles;
	bool closed;
	struct err fault; /* found while sending; told at the turn's end */
};

static void on_closed(uv_handle_t *handle)
{
	struct lanes *l = handle->data;

	if (--l->handles > 0)
		return;
	for (int i = 0; i < LANE_COUNT; i++) {
		channel_clear(&l->lane[i].in);
		buf_clear(&l->lane[i].out);
		buf_clear(&l->lane[i].writing);
	}
	free(l->room);
	free(l);
}

void lanes_close(struct lanes *l)
{
	if (!l || l->closed)
		return;
	l->closed = true;
	uv_close((uv_handle_t *)&l->turn, on_closed);
	for (int i = 0; i < LANE_COUNT; i++)
		uv_close((uv_handle_t *)&l->lane[i].pipe, on_closed);
}

static void give_up(struct lanes *l, struct err why)
{
	if (l->closed)
		return;
	lanes_close(l);
	l->events->on_gone(l->owner, l, why);
}

static void flush(struct lane *lane);

static void on_written(uv_write_t *write, int status)
{
	struct lane *lane = write->data;
	struct lanes *l = lane->lanes;

	lane->busy = false;
	if (lane->writing.room > KEEP_ROOM)
		buf_clear(&lane->writing);
	else
		buf_reset(&lane->writing);
	if (l->closed)
		return;
	if (status < 0) {
		give_up(l, err_make(ERR_IO, "lane: write"));
		return;
	}
	flush(lane);
	if (!l->closed && l->events->on_drained)
		l->events->on_drained(l->owner, l);
}

static void flush(struct lane *lane)
{
	struct buf free_one = lane->writing;
	uv_buf_t piece;
	int r;

	if (lane->busy || lane->out.len == 0)
		return;
	lane->writing = lane->out;
	lane->out = free_one;
	piece = uv_buf_init((char *)lane->writing.at,
			    (unsigned)lane->writing.len);
	/* Most of the time all of it goes at once, without a callback. */
	r = uv_try_write((uv_stream_t *)&lane->pipe, &piece, 1);
	if (r == (int)lane->writing.len) {
		if (lane->writing.room > KEEP_ROOM)
			buf_clear(&lane->writing);
		else
			buf_reset(&lane->writing);
		return;
	}
	if (r > 0) {
		piece.base += r;
		piece.len -= (unsigned)r;
	}
	lane->busy = true;
	lane->write.data = lane;
	if (uv_write(&lane->write, (uv_stream_t *)&lane->pipe, &piece, 1,
		     on_written)) {
		lane->busy = false;
		lane->lanes->fault = err_make(ERR_IO, "lane: write");
	}
}

static void on_turn(uv_idle_t *turn)
{
	struct lanes *l = turn->data;
	bool drained = false;

	uv_idle_stop(turn);
	for (int i = 0; i < LANE_COUNT; i++) {
		size_t before = l->lane[i].out.len;

		flush(&l->lane[i]);
		drained |= before && !l->lane[i].busy;
	}
	if (failed(l->fault))
		give_up(l, l->fault);
	else if (drained && l->events->on_drained)
		l->events->on_drained(l->owner, l);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct lanes *l = handle->data;

	*out = uv_buf_init(l->room, READ_ROOM);
}

static struct err take(struct lanes *l, struct lane *lane, struct span bytes)
{
	enum lane_name name =
		lane == &l->lane[LANE_BULK] ? LANE_BULK : LANE_REQUESTS;
	struct channel_message m;
	bool have;
	struct err e = channel_recv(&lane->in, bytes);

	while (!failed(e)) {
		e = channel_next(&lane->in, &m, &have);
		if (failed(e) || !have)
			break;
		if (!lane->greeted) {
			if (m.kind != CHANNEL_HELLO ||
			    m.amount != CHANNEL_VERSION)
				return err_make(ERR_VERSION, "lane: no hello");
			lane->greeted = true;
			continue;
		}
		if (m.kind == CHANNEL_HELLO)
			return err_make(ERR_MALFORMED, "lane: hello again");
		l->events->on_message(l->owner, l, name, &m);
		if (l->closed)
			break;
	}
	return e;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
	struct lanes *l = stream->data;
	struct lane *lane = (uv_stream_t *)&l->lane[LANE_BULK].pipe == stream
				    ? &l->lane[LANE_BULK]
				    : &l->lane[LANE_REQUESTS];
	struct err e;

	if (n == 0)
		return;
	if (n < 0) {
		give_up(l, err_make(ERR_IO, "lane: closed by the other side"));
		return;
	}
	e = take(l, lane, span_of(room->base, (size_t)n));
	if (failed(e))
		give_up(l, e);
}

static struct err open_lane(struct lanes *l, uv_loop_t *loop,
			    enum lane_name name, int fd)
{
	struct lane *lane = &l->lane[name];

	lane->lanes = l;
	channel_init(&lane->in, name == LANE_BULK ? CHANNEL_BULK_FRAME_MAX
						  : CHANNEL_FRAME_MAX);
	buf_init(&lane->out, LANE_OUT_MAX);
	buf_init(&lane->writing, LANE_OUT_MAX);
	uv_pipe_init(loop, &lane->pipe, 0);
	lane->pipe.data = l;
	l->handles++;
	if (uv_pipe_open(&lane->pipe, fd)) {
		close(fd);
		return err_make(ERR_IO, "lane: descriptor");
	}
	if (uv_read_start((uv_stream_t *)&lane->pipe, on_room, on_read))
		return err_make(ERR_IO, "lane: read");
	return ERR_NONE;
}

struct err lanes_open(uv_loop_t *loop, int requests, int bulk,
		      const struct lane_events *events, void *owner,
		      struct lanes **out)
{
	static const struct channel_message hello = {.kind = CHANNEL_HELLO,
						     .amount = CHANNEL_VERSION};
	struct lanes *l = calloc(1, sizeof(*l));
	char *room = malloc(READ_ROOM);
	struct err e, e2;

	if (!l || !room) {
		free(l);
		free(room);
		close(requests);
		close(bulk);
		return err_make(ERR_NO_MEMORY, "lanes");
	}
	l->room = room;
	l->events = events;
	l->owner = owner;
	uv_idle_init(loop, &l->turn);
	l->turn.data = l;
	l->handles++;
	e = open_lane(l, loop, LANE_REQUESTS, requests);
	e2 = open_lane(l, loop, LANE_BULK, bulk);
	if (!failed(e))
		e = e2;
	if (failed(e)) {
		lanes_close(l);
		return e;
	}
	lanes_send(l, LANE_REQUESTS, &hello);
	lanes_send(l, LANE_BULK, &hello);
	*out = l;
	return ERR_NONE;
}

void lanes_send(struct lanes *l, enum lane_name name,
		const struct channel_message *m)
{
	struct lane *lane = &l->lane[name];

	if (l->closed)
		return;
	channel_encode(m, &lane->out);
	if (lane->out.bad && !failed(l->fault))
		l->fault = err_make(ERR_TOO_LARGE, "lane: too much to send");
	/* An idle handle keeps the loop from sleeping before it has run. */
	uv_idle_start(&l->turn, on_turn);
}

size_t lanes_pending(const struct lanes *l, enum lane_name name)
{
	return l->lane[name].out.len + l->lane[name].writing.len;
}
