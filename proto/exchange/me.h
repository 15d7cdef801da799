/*
 * The small answers by which a reader finds its way: `GET /v1/relay`, `/v1/me`,
 * `/v1/policy`, `/v1/labels/{digest}`, `/v1/authors/{key id}` (docs/API.md).
 */
#ifndef PROTO_EXCHANGE_ME_H
#define PROTO_EXCHANGE_ME_H

#include "proto/base/json.h"
#include "proto/exchange/nonce.h"

enum {
	ME_ANSWER_MAX = 256 * 1024,
	ME_POLICY_MAX = 16 << 20, /* body of a policy answer */
	ME_POLICY_FILES_MAX = 32,
	ME_SPACES_MAX = 4096,
	ME_MARKINGS_MAX = 16,
	ME_VERSIONS_MAX = 16,
};

/* ---- GET /v1/relay ---- */

struct me_limits {
	uint64_t inline_max; /* "inline": plaintext that goes in a PUT */
	uint64_t keys;
	uint64_t page_rows;
	uint64_t segment;
	uint64_t write;
};

struct me_relay {
	struct nation nation;
	struct replica replica;
	struct span ceiling;	 /* a classification's name */
	struct span certificate; /* replica certificate blob */
	struct span root;	 /* SPKI of the seal root */
	struct digest policy;
	struct me_limits limits;
	uint64_t time; /* UTC seconds */
};

/* Writes "versions":[1]. */
void me_relay_encode(const struct me_relay *relay, struct buf *out);
/* ERR_VERSION if version 1 is not among the versions. */
struct err me_relay_decode(struct span body, struct arena *arena,
			   struct me_relay *out);

/* ---- GET /v1/me ---- */

/* What a subject may write, as flags. */
enum me_right {
	ME_WRITE = 1,
	ME_LABEL = 2,
	ME_DELETE = 4,
	ME_RECALL = 8,
};

/* ["write","label",...] as an array value, and back. */
void me_rights_write(unsigned rights, struct json_writer *w);
struct err me_rights_read(const struct json *array, unsigned *out);

/* A reader: a device by its author key, or a nation. */
struct me_reader {
	bool device;
	struct key_id key;    /* of a device */
	struct nation nation; /* of a nation */
};

/* The JSON string: base64url of the key id, or three letters. */
void me_reader_write(const struct me_reader *reader, struct json_writer *w);
struct err me_reader_parse(struct span text, struct me_reader *out);

struct me_answer {
	struct me_reader reader; /* its kind is "kind" */
	struct nation nation;
	struct nonce nonce;
	/* Of devices: */
	struct span subject;
	unsigned rights;
	const struct span *spaces;
	size_t spaces_count;
};

void me_answer_encode(const struct me_answer *answer, struct buf *out);
struct err me_answer_decode(struct span body, struct arena *arena,
			    struct me_answer *out);

/* ---- GET /v1/policy ---- */

struct me_policy {
	struct span ceiling;
	struct digest digest;
	const struct span *files; /* governing policy first */
	size_t files_count;
};

void me_policy_encode(const struct me_policy *policy, struct buf *out);
struct err me_policy_decode(struct span body, struct arena *arena,
			    struct me_policy *out);

/* ---- GET /v1/labels/{digest} ---- */

struct me_marking {
	struct span language; /* "en" */
	struct span text;
};

struct me_label {
	struct digest digest;
	struct span label; /* XML */
	struct span color; /* "green"; may be empty */
	const struct me_marking *markings;
	size_t markings_count;
};

void me_label_encode(const struct me_label *label, struct buf *out);
struct err me_label_decode(struct span body, struct arena *arena,
			   struct me_label *out);

/* ---- GET /v1/authors/{key id} ---- */

struct me_author {
	struct span author;	 /* author record blob */
	struct span certificate; /* replica certificate it stands under */
};

void me_author_encode(const struct me_author *author, struct buf *out);
struct err me_author_decode(struct span body, struct arena *arena,
			    struct me_author *out);

#endif
