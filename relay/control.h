/*
 * What the supervisor says to the processes that it starts, and they to it:
 * one packet each on a SOCK_SEQPACKET pair, which the child finds as
 * descriptor CONTROL_FD.  The supervisor reads nothing but the kind of a
 * child's packet: no foreign bytes reach it.
 */
#ifndef RELAY_CONTROL_H
#define RELAY_CONTROL_H

#include "proto/base/buf.h"
#include "proto/base/id.h"

enum {
	CONTROL_FD = 3,	      /* of every child */
	CONTROL_FIRST_FD = 4, /* front: its listeners in order; guard: the page
			       * of what is in hand */
	CONTROL_PACKET_MAX = 64 * 1024,
	CONTROL_DIGESTS_MAX = 512,
	CONTROL_TEXT_MAX = 4096,
	CONTROL_REFERENCE_MAX = 256,
};

enum control_kind {
	CONTROL_START = 1, /* first: struct control_start */
	CONTROL_LANES,	   /* two descriptors; `peer` at the other end */
	CONTROL_STOP,	   /* finish what is in hand, then exit */
	CONTROL_STANDING,  /* front: the guard has died; `reference` */
	CONTROL_READY,	   /* child: serving */
};

/* Who is at the other end of a pair of lanes. */
enum control_peer { CONTROL_GUARD, CONTROL_LINK, CONTROL_FRONT };

/* All that a child is told about the world. Texts are NUL-terminated. */
struct control_start {
	bool json; /* log lines */
	char folder[CONTROL_TEXT_MAX];
	struct nation nation;
	char name[256], ceiling[256], endpoint[256], peer_endpoint[256];
	uint64_t quota_bytes;
	bool has_root_key; /* for the guard only; wipe it */
	uint8_t root_key[32];
	/* Requests that were in hand at one death of a guard: to be worked on
	 * alone; and those at two: never again (relay/inhand.h). */
	struct digest suspects[CONTROL_DIGESTS_MAX];
	size_t suspect_count;
	struct digest quarantined[CONTROL_DIGESTS_MAX];
	size_t quarantined_count;
	/* For a front: of refusals without a guard (relay/reference.h). */
	char reference[CONTROL_REFERENCE_MAX];
};

struct control_packet {
	enum control_kind kind;
	enum control_peer peer;
	int fds[2];		     /* of LANES; owned by who receives */
	struct control_start *start; /* of START, to be filled; may be NULL */
	char reference[CONTROL_REFERENCE_MAX]; /* of STANDING */
};

/* Never blocks: ERR_BUSY if the other side does not read, ERR_IO. */
struct err control_send(int fd, const struct control_packet *p);
/* One packet; `have` is false if none is there (and the socket does not
 * block). ERR_GONE at the end, ERR_MALFORMED. `start` must be set if START
 * may come. */
struct err control_recv(int fd, struct control_packet *p, bool *have);

#endif
