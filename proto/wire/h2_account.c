/* What the peer may waste. */
#include "proto/wire/h2_account.h"

/* RFC 9113 s.6; only what is looked at. */
enum frame_type {
	FRAME_DATA = 0,
	FRAME_HEADERS = 1,
	FRAME_PRIORITY = 2,
	FRAME_RST_STREAM = 3,
	FRAME_SETTINGS = 4,
	FRAME_PUSH_PROMISE = 5,
	FRAME_PING = 6,
	FRAME_GOAWAY = 7,
	FRAME_WINDOW_UPDATE = 8,
	FRAME_CONTINUATION = 9,
};

enum {
	FLAG_END_STREAM = 1,
	FLAG_ACK = 1,
	CONTINUATIONS_MAX = 4, /* 16 KiB fit one frame */
	UPDATES_AT_FIRST = 16,
	TOKEN = 1000,
};

void h2_account_init(struct h2_account *a, uint32_t burst, uint32_t per_s,
		     uint64_t waste_max, uint64_t now_ms)
{
	*a = (struct h2_account){
		.burst = burst,
		.per_s = per_s,
		.waste_max = waste_max,
		.tokens_m = (uint64_t)burst * TOKEN,
		.then_ms = now_ms,
		.updates_free = UPDATES_AT_FIRST,
	};
}

bool h2_account_fault(struct h2_account *a, uint64_t now_ms)
{
	uint64_t full = (uint64_t)a->burst * TOKEN;
	uint64_t passed = now_ms > a->then_ms ? now_ms - a->then_ms : 0;

	if (passed > 3600 * 1000)
		passed = 3600 * 1000;
	a->tokens_m += passed * a->per_s;
	if (a->tokens_m > full)
		a->tokens_m = full;
	a->then_ms = now_ms;
	if (a->tokens_m < TOKEN)
		return false;
	a->tokens_m -= TOKEN;
	return true;
}

bool h2_account_frame(struct h2_account *a, const uint8_t head[9],
		      uint64_t now_ms)
{
	uint32_t len =
		(uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];
	uint8_t flags = head[4];

	switch ((enum frame_type)head[3]) {
	case FRAME_DATA:
		if (len == 0 && !(flags & FLAG_END_STREAM))
			break;
		return true;
	case FRAME_HEADERS:
		a->continuations = 0;
		a->useful += len;
		return true;
	case FRAME_CONTINUATION:
		a->useful += len;
		return ++a->continuations <= CONTINUATIONS_MAX;
	case FRAME_SETTINGS:
		/* An ACK too many is the library's to refuse. */
		if ((flags & FLAG_ACK) || !a->first_settings) {
			a->first_settings = true;
			return true;
		}
		break;
	case FRAME_WINDOW_UPDATE:
		if (a->updates_free) {
			a->updates_free--;
			return true;
		}
		break;
	case FRAME_GOAWAY:
	case FRAME_PUSH_PROMISE:
		return true; /* rare, or refused by the library */
	case FRAME_PRIORITY:
	case FRAME_RST_STREAM:
	case FRAME_PING:
		break;
	}
	return h2_account_fault(a, now_ms);
}

bool h2_account_received(struct h2_account *a, uint64_t bytes)
{
	a->received += bytes;
	return a->received / 8 <= a->useful + a->waste_max;
}

void h2_account_useful(struct h2_account *a, uint64_t bytes)
{
	a->useful += bytes;
}

void h2_account_work(struct h2_account *a)
{
	a->updates_free += 2;
}
