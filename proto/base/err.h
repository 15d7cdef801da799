/*
 * The one error type.
 *
 * Errors are values: returned, marked [[nodiscard]], passed up unchanged from
 * where they are first known, and logged once, where the request or session
 * ends.  One table (err.c) gives each code its HTTP status, problem type,
 * title and mend; exchange/problem is the only reader of the public columns.
 */
#ifndef PROTO_BASE_ERR_H
#define PROTO_BASE_ERR_H

#include <stdbool.h>

enum err_code {
	ERR_OK = 0,

	/* Faults of ours: memory, disk, an invariant of a library. */
	ERR_NO_MEMORY,	 /* an allocation failed */
	ERR_IO,		 /* reading or writing a file or socket failed */
	ERR_INTERNAL,	 /* a library refused what must work */
	ERR_CORRUPT,	 /* a stored record fails its MAC or its form */
	ERR_DISK_FULL,	 /* no space, or the store's quota is reached */
	ERR_SEALED,	 /* the relay lacks its root key */
	ERR_BUSY,	 /* a queue or credit is at its cap; try again */
	ERR_UNREACHABLE, /* the other side cannot be reached */

	/* What was sent is not of the form it must have. */
	ERR_MALFORMED, /* bytes that do not decode */
	ERR_TOO_LARGE, /* beyond a stated cap */
	ERR_VERSION,   /* a format or schema version this build does not know */
	ERR_UNSUPPORTED, /* known to be possible, not supported: suite, media type */
	ERR_TIME,	 /* a time outside what is allowed */

	/* Proofs. */
	ERR_UNAUTHENTICATED, /* no, or an unknown, certificate or signature key */
	ERR_SIGNATURE,	     /* a signature that does not verify */
	ERR_NONCE,	     /* request nonce stale, foreign or used */
	ERR_REPLAYED,	     /* an old serial or a used token */
	ERR_DIGEST,	     /* bytes that do not have the digest stated */
	ERR_COMMITMENT, /* a content key that fails the author's commitment */
	ERR_STALE_KEY,	/* wrapped for a guard key that has been replaced */
	ERR_FOREIGN_ID, /* a document id that its opening does not make */

	/* Labels and policy. */
	ERR_LABEL,  /* a label that is malformed or invalid under the policy */
	ERR_POLICY, /* a policy file that is malformed or inconsistent */
	ERR_FOREIGN_POLICY,	/* a label under a policy unknown here */
	ERR_ABOVE_CEILING,	/* a label above the ceiling of this relay */
	ERR_LABEL_NOT_RELEASED, /* a label that does not release its own author */

	/* Rights and state. */
	ERR_NOT_RELEASABLE, /* to the outside the same as ERR_NOT_FOUND */
	ERR_NOT_FOUND,
	ERR_FORBIDDEN, /* known, and lacks the right */
	ERR_REVOKED,   /* device or peer frozen, revoked or suspended */
	ERR_POSTURE,   /* the device is out of posture */
	ERR_CONFLICT,  /* compare-and-set lost: If-Match, statement number */
	ERR_EXISTS,    /* If-None-Match: * on what exists */
	ERR_PRECONDITION_REQUIRED, /* a write without If-Match or If-None-Match */
	ERR_MISSING_CONTENT, /* a write names segments that were not brought */
	ERR_MISSING_KEY, /* a write names a key neither brought nor readable */
	ERR_GONE,	 /* cursor of an earlier incarnation; recalled id */
	ERR_RANGE,	 /* a range that cannot be satisfied */

	/* HTTP. */
	ERR_METHOD,	    /* method not allowed on this path */
	ERR_RATE,	    /* too many requests or streams */
	ERR_SLOW,	    /* a body or header that came too slowly */
	ERR_USAGE,	    /* a wrong command line or query parameter */
	ERR_HEAD_TOO_LARGE, /* header fields beyond the limits */
	ERR_URI_TOO_LONG,
	ERR_PUT_BACK, /* the relay's disk is older than what peers saw of it */

	/* Restored from a backup, and not let release yet. */
	ERR_HELD,

	ERR_COUNT
};

/* `detail` is static text for the log or the developer, never content. */
struct [[nodiscard]] err {
	enum err_code code;
	const char *detail;
};

#define ERR_NONE ((struct err){ERR_OK, NULL})

static inline bool failed(struct err e)
{
	return e.code != ERR_OK;
}

/* A fault of ours: it says nothing of what was sent, and the same may succeed
 * when it is asked again. */
static inline bool err_is_ours(struct err e)
{
	return e.code >= ERR_NO_MEMORY && e.code <= ERR_UNREACHABLE;
}

/* Make an error; `detail` must be static text. */
static inline struct err err_make(enum err_code code, const char *detail)
{
	return (struct err){code, detail};
}

/* `e` where it is a fault of ours; else what it tells of what was read. */
static inline struct err err_blame(struct err e, enum err_code code,
				   const char *detail)
{
	return err_is_ours(e) ? e : err_make(code, detail);
}

/* One row of the table. */
struct err_row {
	const char *name;  /* stable: "label-above-ceiling"; the problem type */
	int status;	   /* HTTP status, RFC 9110 s.15 */
	const char *title; /* one short sentence */
	const char *mend;  /* what the caller can do about it */
	int exit_code;	   /* of the `entente` command */
};

/* The row of `code`; never NULL, unknown codes give ERR_INTERNAL's. */
const struct err_row *err_row(enum err_code code);

/* The code whose row has `name`; ERR_INTERNAL if none has. */
enum err_code err_by_name(const char *name);

#endif
