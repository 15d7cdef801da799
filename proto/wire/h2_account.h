/*
 * The accountant of one connection: what the peer may waste.
 *
 * nghttp2 1.52 leaves most floods to the application (rapid reset apart).
 * Every frame that does no work costs a token of one bucket: RST_STREAM
 * received, RST_STREAM sent for a fault of the peer (refused streams too),
 * frames that are invalid, PRIORITY, SETTINGS after the first, PING,
 * unknown types, empty DATA that ends nothing, WINDOW_UPDATE beyond two for
 * each DATA frame and request.  And as nginx does: of all bytes received, an
 * eighth may exceed the useful ones (header blocks, DATA) by a constant.
 */
#ifndef PROTO_WIRE_H2_ACCOUNT_H
#define PROTO_WIRE_H2_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

struct h2_account {
	uint32_t burst, per_s;
	uint64_t waste_max;

	uint64_t tokens_m; /* thousandths */
	uint64_t then_ms;
	uint64_t updates_free;	   /* WINDOW_UPDATEs that cost nothing */
	uint64_t received, useful; /* bytes */
	uint32_t continuations;	   /* of the header block being read */
	bool first_settings;
};

void h2_account_init(struct h2_account *a, uint32_t burst, uint32_t per_s,
		     uint64_t waste_max, uint64_t now_ms);

/* One fault; false if the bucket is empty: a flood. */
[[nodiscard]] bool h2_account_fault(struct h2_account *a, uint64_t now_ms);

/* The nine octets of a received frame (RFC 9113 s.4.1); false for a flood. */
[[nodiscard]] bool h2_account_frame(struct h2_account *a, const uint8_t head[9],
				    uint64_t now_ms);
/* Bytes received, all; false beyond the ratio. */
[[nodiscard]] bool h2_account_received(struct h2_account *a, uint64_t bytes);
/* Body bytes, in either direction. */
void h2_account_useful(struct h2_account *a, uint64_t bytes);
/* A DATA frame was sent, or a request begun: two more WINDOW_UPDATEs. */
void h2_account_work(struct h2_account *a);

#endif
