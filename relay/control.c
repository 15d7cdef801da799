#include "relay/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void put_digests(struct buf *b, const struct digest *at, size_t count)
{
	buf_put_u16(b, (uint16_t)count);
	buf_put(b, span_of(at, count * sizeof(*at)));
}

static void start_encode(const struct control_start *s, struct buf *b)
{
	buf_put_u8(b, s->json);
	buf_put_var(b, span_str(s->folder));
	buf_put(b, SPAN_OBJ(s->nation.code));
	buf_put_var(b, span_str(s->name));
	buf_put_var(b, span_str(s->ceiling));
	buf_put_var(b, span_str(s->endpoint));
	buf_put_var(b, span_str(s->peer_endpoint));
	buf_put_u64(b, s->quota_bytes);
	buf_put_u8(b, s->has_root_key);
	buf_put(b, SPAN_OBJ(s->root_key));
	put_digests(b, s->suspects, s->suspect_count);
	put_digests(b, s->quarantined, s->quarantined_count);
	buf_put_var(b, span_str(s->reference));
}

static void get_text(struct span_reader *r, char *out, size_t room)
{
	struct span text = span_read_var(r);

	if (text.len >= room) {
		r->bad = true;
		return;
	}
	if (text.len)
		memcpy(out, text.at, text.len);
	out[text.len] = 0;
}

static void get_digests(struct span_reader *r, struct digest *at, size_t *count)
{
	size_t n = span_read_u16(r);

	if (n > CONTROL_DIGESTS_MAX) {
		r->bad = true;
		return;
	}
	span_read_into(r, at, n * sizeof(*at));
	*count = n;
}

static bool start_decode(struct span bytes, struct control_start *s)
{
	struct span_reader r = span_read(bytes);

	s->json = span_read_u8(&r);
	get_text(&r, s->folder, sizeof(s->folder));
	span_read_into(&r, s->nation.code, sizeof(s->nation.code));
	get_text(&r, s->name, sizeof(s->name));
	get_text(&r, s->ceiling, sizeof(s->ceiling));
	get_text(&r, s->endpoint, sizeof(s->endpoint));
	get_text(&r, s->peer_endpoint, sizeof(s->peer_endpoint));
	s->quota_bytes = span_read_u64(&r);
	s->has_root_key = span_read_u8(&r);
	span_read_into(&r, s->root_key, sizeof(s->root_key));
	get_digests(&r, s->suspects, &s->suspect_count);
	get_digests(&r, s->quarantined, &s->quarantined_count);
	get_text(&r, s->reference, sizeof(s->reference));
	return span_read_done(&r);
}

struct err control_send(int fd, const struct control_packet *p)
{
	union {
		struct cmsghdr align;
		char at[CMSG_SPACE(2 * sizeof(int))];
	} extra = {0};
	struct iovec piece;
	struct msghdr msg = {.msg_iov = &piece, .msg_iovlen = 1};
	struct buf b;
	struct err e;

	buf_init(&b, CONTROL_PACKET_MAX);
	buf_put_u8(&b, (uint8_t)p->kind);
	buf_put_u8(&b, (uint8_t)p->peer);
	if (p->kind == CONTROL_START)
		start_encode(p->start, &b);
	else if (p->kind == CONTROL_STANDING)
		buf_put_var(&b, span_str(p->reference));
	e = buf_check(&b);
	if (failed(e))
		goto out;
	if (p->kind == CONTROL_LANES) {
		struct cmsghdr *c;

		msg.msg_control = extra.at;
		msg.msg_controllen = sizeof(extra.at);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(2 * sizeof(int));
		memcpy(CMSG_DATA(c), p->fds, 2 * sizeof(int));
	}
	piece = (struct iovec){b.at, b.len};
	if (sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		e = errno == EAGAIN ? err_make(ERR_BUSY, "control: full")
				    : err_make(ERR_IO, "control: send");
out:
	buf_wipe(&b);
	return e;
}

/* Descriptors that came along; closes what was not asked for. */
static int take_fds(struct msghdr *msg, int fds[2])
{
	int count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int),
			       sizeof(int));
			if (count < 2)
				fds[count++] = fd;
			else
				close(fd);
		}
	}
	return count;
}

static struct err packet_decode(struct span bytes, int fd_count,
				struct control_packet *p)
{
	struct span_reader r = span_read(bytes);
	uint8_t kind = span_read_u8(&r), peer = span_read_u8(&r);

	if (r.bad || kind < CONTROL_START || kind > CONTROL_READY ||
	    peer > CONTROL_FRONT || (kind == CONTROL_LANES) != (fd_count == 2))
		return err_make(ERR_MALFORMED, "control: packet");
	p->kind = (enum control_kind)kind;
	p->peer = (enum control_peer)peer;
	if (p->kind == CONTROL_STANDING)
		get_text(&r, p->reference, sizeof(p->reference));
	if (p->kind != CONTROL_START)
		return r.bad || r.left.len
			       ? err_make(ERR_MALFORMED, "control: packet")
			       : ERR_NONE;
	if (!p->start || !start_decode(r.left, p->start))
		return err_make(ERR_MALFORMED, "control: start");
	return ERR_NONE;
}

struct err control_recv(int fd, struct control_packet *p, bool *have)
{
	union {
		struct cmsghdr align;
		char at[CMSG_SPACE(8 * sizeof(int))];
	} extra;
	struct buf b;
	struct iovec piece;
	struct msghdr msg = {.msg_iov = &piece,
			     .msg_iovlen = 1,
			     .msg_control = extra.at,
			     .msg_controllen = sizeof(extra.at)};
	int fds[2] = {-1, -1}, count = 0;
	ssize_t n;
	struct err e = ERR_NONE;

	*have = false;
	buf_init(&b, CONTROL_PACKET_MAX);
	if (!buf_grow(&b, CONTROL_PACKET_MAX))
		return err_make(ERR_NO_MEMORY, "control");
	piece = (struct iovec){b.at, b.room};
	do
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		if (errno != EAGAIN)
			e = err_make(ERR_IO, "control: receive");
		goto out;
	}
	b.len = (size_t)n;
	if (n == 0) {
		e = err_make(ERR_GONE, "control: the supervisor is gone");
		goto out;
	}
	count = take_fds(&msg, fds);
	e = packet_decode(buf_span(&b), count, p);
	if (failed(e))
		goto out;
	p->fds[0] = fds[0];
	p->fds[1] = fds[1];
	count = 0;
	*have = true;
out:
	for (int i = 0; i < count; i++)
		close(fds[i]);
	b.len = b.room < CONTROL_PACKET_MAX ? b.room : CONTROL_PACKET_MAX;
	buf_wipe(&b);
	return e;
}
