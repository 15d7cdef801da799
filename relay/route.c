#include "relay/route.h"

enum {
	KIB = 1024,
	MIB = 1024 * 1024,
	WRITE_MAX = 64 * KIB, /* of a PUT or statement, docs/API.md */
};
#define UPLOAD_MAX (UINT64_C(64) << 30)

/* A path segment that may be anything stands as '*'; "**" is all that is
 * left.  The first row that fits counts. */
struct row {
	unsigned listeners; /* bits */
	const char *method; /* NULL: any */
	const char *path;
	struct route route;
};

enum {
	D = 1 << ROUTE_DEVICE,
	P = 1 << ROUTE_PEER,
	A = 1 << ROUTE_ADMIN,
};

static const struct row table[] = {
	{D | A, "GET", "/livez", {0, false, 0, true, true}},
	{D | A, "HEAD", "/livez", {0, false, 0, true, true}},

	{D, "POST", "/v1/enrol", {WRITE_MAX, false, 128 * KIB, true, false}},
	{D | P, "GET", "/v1/relay", {0, false, 64 * KIB, false, false}},
	{D | P, "GET", "/v1/me", {0, false, 32 * KIB, false, false}},
	{D | P, "GET", "/v1/policy", {0, false, 4 * MIB, false, false}},
	{D | P, "GET", "/v1/labels/*", {0, false, 256 * KIB, false, false}},
	{D | P, "GET", "/v1/authors/*", {0, false, 64 * KIB, false, false}},
	{D | P, "GET", "/v1/changes", {0, false, 1 * MIB, false, false}},
	{D | P,
	 "POST",
	 "/v1/keys",
	 {WRITE_MAX, false, 256 * KIB, false, false}},
	{D | P, "GET", "/v1/documents/*", {0, false, 1 * MIB, false, false}},
	{D | P,
	 "PUT",
	 "/v1/documents/*",
	 {WRITE_MAX, false, 1 * MIB, false, false}},
	{D | P,
	 "POST",
	 "/v1/documents/*/statements",
	 {WRITE_MAX, false, 256 * KIB, false, false}},
	{D | P,
	 "GET",
	 "/v1/documents/*/content",
	 {0, false, 64 * KIB, false, false}},
	{D | P,
	 "HEAD",
	 "/v1/documents/*/content",
	 {0, false, 64 * KIB, false, false}},
	{D | P,
	 "POST",
	 "/v1/documents/*/content",
	 {UPLOAD_MAX, true, 64 * KIB, false, false}},
	{D | P,
	 "PATCH",
	 "/v1/uploads/*",
	 {UPLOAD_MAX, true, 64 * KIB, false, false}},
	{D | P, NULL, "/v1/uploads/*", {0, false, 64 * KIB, false, false}},

	/* First contact of a nation: the guard looks at its certificate. */
	{P,
	 "POST",
	 "/v1/peer/invitation",
	 {WRITE_MAX, false, 128 * KIB, true, false}},
	{P, "GET", "/v1/peer/certificates", {0, false, 1 * MIB, false, false}},
	{P, "GET", "/v1/peer/ticks", {0, false, 128 * KIB, false, false}},
	{P,
	 "POST",
	 "/v1/peer/ticks",
	 {WRITE_MAX, false, 8 * KIB, false, false}},

	{A, "GET", "/readyz", {0, false, 0, true, true}},
	{A,
	 "PUT",
	 "/admin/v1/policy",
	 {6 * MIB, false, 256 * KIB, false, false}},
	{A, "GET", "/admin/v1/policy", {0, false, 6 * MIB, false, false}},
	{A, "GET", "/admin/v1/**", {0, false, 2 * MIB, false, false}},
	{A, "GET", "/metrics", {0, false, 256 * KIB, false, false}},
	{A, NULL, "/admin/v1/**", {512 * KIB, false, 512 * KIB, false, false}},
};

/* What is not in the table: the guard says 404 or 405. */
static const struct route unknown = {16 * KIB, false, 16 * KIB, false, false};

static bool path_fits(const char *pattern, struct span path)
{
	const uint8_t *at = path.at, *end = path.at + path.len;

	while (*pattern) {
		if (pattern[0] == '*' && pattern[1] == '*')
			return at < end;
		if (*pattern == '*') {
			if (at == end || *at == '/')
				return false;
			while (at < end && *at != '/')
				at++;
			pattern++;
			continue;
		}
		if (at == end || *at != (uint8_t)*pattern)
			return false;
		at++;
		pattern++;
	}
	return at == end;
}

struct route route_find(enum route_listener listener, struct span method,
			struct span target)
{
	const uint8_t *mark =
		target.len ? memchr(target.at, '?', target.len) : NULL;
	struct span path =
		mark ? span_sub(target, 0, (size_t)(mark - target.at)) : target;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct row *row = &table[i];

		if (!(row->listeners & (1u << listener)))
			continue;
		if (row->method && !span_eq_str(method, row->method))
			continue;
		if (path_fits(row->path, path))
			return row->route;
	}
	return unknown;
}

const char *route_listener_name(enum route_listener listener)
{
	switch (listener) {
	case ROUTE_DEVICE:
		return "device";
	case ROUTE_PEER:
		return "peer";
	case ROUTE_ADMIN:
		return "admin";
	case ROUTE_LISTENERS:
		break;
	}
	return "unknown";
}

bool route_field_passes(struct span name)
{
	static const char *const passes[] =
		{"accept",	   "accept-language", "content-digest",
		 "content-length", "content-type",    "if-match",
		 "if-none-match",  "range",	      "signature",
		 "signature-input"};

	for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++)
		if (span_eq_str(name, passes[i]))
			return true;
	/* draft-ietf-httpbis-resumable-upload */
	return name.len > 7 && memcmp(name.at, "upload-", 7) == 0;
}
