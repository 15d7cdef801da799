/* The small answers by which a reader finds its way. */
#include "proto/exchange/me.h"

#include "proto/base/base64.h"
#include "proto/document/author.h"
#include "proto/exchange/member.h"

/* ---- GET /v1/relay ---- */

void me_relay_encode(const struct me_relay *relay, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	json_member_string(&w, "ceiling", relay->ceiling);
	json_member_bytes(&w, "certificate", relay->certificate);
	json_put_name(&w, "limits");
	json_open_object(&w);
	json_member_u64(&w, "inline", relay->limits.inline_max);
	json_member_u64(&w, "keys", relay->limits.keys);
	json_member_u64(&w, "page_rows", relay->limits.page_rows);
	json_member_u64(&w, "segment", relay->limits.segment);
	json_member_u64(&w, "write", relay->limits.write);
	json_close_object(&w);
	json_member_nation(&w, "nation", relay->nation);
	json_member_digest(&w, "policy", relay->policy);
	json_member_replica(&w, "replica", relay->replica);
	json_member_bytes(&w, "root", relay->root);
	json_member_u64(&w, "time", relay->time);
	json_put_name(&w, "versions");
	json_open_array(&w);
	json_put_u64(&w, 1);
	json_close_array(&w);
	json_close_object(&w);
}

static struct err read_limits(const struct json *object, struct me_limits *out)
{
	static const char *const names[] = {"inline",  "keys",	"page_rows",
					    "segment", "write", NULL};
	const struct json *limits;
	struct err e = json_get_object(object, "limits", &limits);

	if (!failed(e))
		e = json_only(limits, names);
	if (!failed(e))
		e = json_get_u64(limits, "inline", &out->inline_max);
	if (!failed(e))
		e = json_get_u64(limits, "keys", &out->keys);
	if (!failed(e))
		e = json_get_u64(limits, "page_rows", &out->page_rows);
	if (!failed(e))
		e = json_get_u64(limits, "segment", &out->segment);
	if (!failed(e))
		e = json_get_u64(limits, "write", &out->write);
	return e;
}

/* One of the versions must be 1. */
static struct err check_versions(const struct json *object)
{
	const struct json *array;
	size_t n;
	bool found = false;
	struct err e =
		member_array(object, "versions", ME_VERSIONS_MAX, &array, &n);

	for (size_t i = 0; !failed(e) && i < n; i++) {
		uint64_t v = 0;

		e = json_as_u64(json_at(array, i), &v);
		found = found || v == 1;
	}
	if (!failed(e) && !found)
		e = err_make(ERR_VERSION, "the relay does not speak version 1");
	return e;
}

struct err me_relay_decode(struct span body, struct arena *arena,
			   struct me_relay *out)
{
	static const char *const names[] = {"ceiling",	"certificate",
					    "limits",	"nation",
					    "policy",	"replica",
					    "root",	"time",
					    "versions", NULL};
	struct me_relay r = {0};
	struct span replica;
	struct json *json;
	struct err e = member_open(body, ME_ANSWER_MAX, names, &json);

	if (!failed(e))
		e = check_versions(json);
	if (!failed(e))
		e = member_text(json, "ceiling", 256, arena, &r.ceiling);
	if (!failed(e))
		e = member_blob(json, "certificate", REPLICA_BLOB_MAX, arena,
				&r.certificate);
	if (!failed(e))
		e = read_limits(json, &r.limits);
	if (!failed(e))
		e = json_get_nation(json, "nation", &r.nation);
	if (!failed(e))
		e = json_get_digest(json, "policy", &r.policy);
	if (!failed(e))
		e = json_get_string(json, "replica", &replica);
	if (!failed(e))
		e = replica_parse(replica, &r.replica);
	if (!failed(e))
		e = member_blob(json, "root", CRYPTO_SPKI_MAX, arena, &r.root);
	if (!failed(e))
		e = json_get_u64(json, "time", &r.time);
	if (!failed(e))
		*out = r;
	json_free(json);
	return e;
}

/* ---- rights and readers ---- */

static const struct {
	const char *name;
	unsigned right;
} rights_table[] = {
	{"write", ME_WRITE},
	{"label", ME_LABEL},
	{"delete", ME_DELETE},
	{"recall", ME_RECALL},
};
enum { RIGHTS = sizeof(rights_table) / sizeof(rights_table[0]) };

void me_rights_write(unsigned rights, struct json_writer *w)
{
	json_open_array(w);
	for (size_t i = 0; i < RIGHTS; i++)
		if (rights & rights_table[i].right)
			json_put_string(w, span_str(rights_table[i].name));
	json_close_array(w);
}

struct err me_rights_read(const struct json *array, unsigned *out)
{
	unsigned rights = 0;

	if (json_count(array) > RIGHTS)
		return err_make(ERR_MALFORMED, "a right is named twice");
	for (size_t i = 0; i < json_count(array); i++) {
		unsigned right = 0;
		struct span name;
		struct err e = json_as_string(json_at(array, i), &name);

		if (failed(e))
			return e;
		for (size_t k = 0; k < RIGHTS; k++)
			if (span_eq_str(name, rights_table[k].name))
				right = rights_table[k].right;
		if (!right || rights & right)
			return err_make(ERR_MALFORMED,
					"rights are write, label, delete, "
					"recall, each once");
		rights |= right;
	}
	*out = rights;
	return ERR_NONE;
}

void me_reader_write(const struct me_reader *reader, struct json_writer *w)
{
	if (reader->device)
		json_put_bytes(w, SPAN_OBJ(reader->key.at));
	else
		json_put_string(w, span_of(reader->nation.code, NATION_LEN));
}

struct err me_reader_parse(struct span text, struct me_reader *out)
{
	struct me_reader r = {0};
	struct err e;

	r.device = text.len != NATION_LEN;
	e = r.device ? key_id_parse(text, &r.key)
		     : nation_parse(text, &r.nation);
	if (!failed(e))
		*out = r;
	return e;
}

/* ---- GET /v1/me ---- */

void me_answer_encode(const struct me_answer *answer, struct buf *out)
{
	struct json_writer w = json_write(out);
	char nonce[NONCE_TEXT_LEN + 1];

	nonce_format(&answer->nonce, nonce);
	json_open_object(&w);
	json_member_str(&w, "kind",
			answer->reader.device ? "device" : "nation");
	json_member_nation(&w, "nation", answer->nation);
	json_member_str(&w, "nonce", nonce);
	json_put_name(&w, "reader");
	me_reader_write(&answer->reader, &w);
	if (answer->reader.device) {
		json_put_name(&w, "rights");
		me_rights_write(answer->rights, &w);
		json_put_name(&w, "spaces");
		json_open_array(&w);
		for (size_t i = 0; i < answer->spaces_count; i++)
			json_put_string(&w, answer->spaces[i]);
		json_close_array(&w);
		json_member_string(&w, "subject", answer->subject);
	}
	json_close_object(&w);
}

static struct err read_device(const struct json *object, struct arena *arena,
			      struct me_answer *a)
{
	const struct json *array;
	struct span *list;
	size_t n;
	struct err e = json_get_array(object, "rights", &array);

	if (!failed(e))
		e = me_rights_read(array, &a->rights);
	if (!failed(e))
		e = member_text(object, "subject", 256, arena, &a->subject);
	if (!failed(e))
		e = member_array(object, "spaces", ME_SPACES_MAX, &array, &n);
	if (failed(e))
		return e;
	list = arena_array(arena, n ? n : 1, sizeof(*list));
	if (!list)
		return arena_check(arena);
	for (size_t i = 0; i < n && !failed(e); i++) {
		e = json_as_string(json_at(array, i), &list[i]);
		if (!failed(e))
			e = space_check(list[i]);
		if (!failed(e))
			list[i] = arena_copy(arena, list[i]);
	}
	a->spaces = list;
	a->spaces_count = n;
	return failed(e) ? e : arena_check(arena);
}

struct err me_answer_decode(struct span body, struct arena *arena,
			    struct me_answer *out)
{
	static const char *const device[] = {"kind",	"nation", "nonce",
					     "reader",	"rights", "spaces",
					     "subject", NULL};
	static const char *const nation[] = {"kind", "nation", "nonce",
					     "reader", NULL};
	struct me_answer a = {0};
	struct span kind, text;
	struct json *json;
	struct err e = member_open(body, ME_ANSWER_MAX, device, &json);

	if (!failed(e))
		e = json_get_string(json, "kind", &kind);
	if (!failed(e))
		e = json_get_nation(json, "nation", &a.nation);
	if (!failed(e))
		e = json_get_string(json, "nonce", &text);
	if (!failed(e))
		e = nonce_parse(text, &a.nonce);
	if (!failed(e))
		e = json_get_string(json, "reader", &text);
	if (!failed(e))
		e = me_reader_parse(text, &a.reader);
	if (!failed(e) &&
	    !span_eq_str(kind, a.reader.device ? "device" : "nation"))
		e = err_make(ERR_MALFORMED, "kind and reader differ");
	if (!failed(e))
		e = a.reader.device ? read_device(json, arena, &a)
				    : json_only(json, nation);
	if (!failed(e))
		*out = a;
	json_free(json);
	return e;
}

/* ---- GET /v1/policy ---- */

void me_policy_encode(const struct me_policy *policy, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	json_member_string(&w, "ceiling", policy->ceiling);
	json_member_digest(&w, "digest", policy->digest);
	json_put_name(&w, "files");
	json_open_array(&w);
	for (size_t i = 0; i < policy->files_count; i++)
		json_put_bytes(&w, policy->files[i]);
	json_close_array(&w);
	json_close_object(&w);
}

struct err me_policy_decode(struct span body, struct arena *arena,
			    struct me_policy *out)
{
	static const char *const names[] = {"ceiling", "digest", "files", NULL};
	struct me_policy p = {0};
	const struct json *array;
	struct span *list = NULL;
	struct json *json;
	struct err e = member_open(body, ME_POLICY_MAX, names, &json);

	if (!failed(e))
		e = member_text(json, "ceiling", 256, arena, &p.ceiling);
	if (!failed(e))
		e = json_get_digest(json, "digest", &p.digest);
	if (!failed(e))
		e = member_array(json, "files", ME_POLICY_FILES_MAX, &array,
				 &p.files_count);
	if (!failed(e)) {
		list = arena_array(arena, p.files_count + 1, sizeof(*list));
		if (!list)
			e = err_make(ERR_TOO_LARGE, "no room for the files");
	}
	for (size_t i = 0; !failed(e) && i < p.files_count; i++) {
		struct span text;
		struct buf bytes;

		e = json_as_string(json_at(array, i), &text);
		if (failed(e))
			break;
		buf_init(&bytes, ME_POLICY_MAX);
		e = base64url_decode(text, &bytes);
		list[i] = arena_copy(arena, buf_span(&bytes));
		buf_clear(&bytes);
	}
	if (!failed(e))
		e = arena_check(arena);
	p.files = list;
	if (!failed(e))
		*out = p;
	json_free(json);
	return e;
}

/* ---- GET /v1/labels ---- */

void me_label_encode(const struct me_label *label, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	json_member_string(&w, "color", label->color);
	json_member_digest(&w, "digest", label->digest);
	json_member_bytes(&w, "label", label->label);
	json_put_name(&w, "marking");
	json_open_object(&w);
	for (size_t i = 0; i < label->markings_count; i++) {
		char name[64];
		struct span language = label->markings[i].language;

		if (language.len >= sizeof(name)) {
			out->bad = true;
			break;
		}
		memcpy(name, language.at, language.len);
		name[language.len] = 0;
		json_member_string(&w, name, label->markings[i].text);
	}
	json_close_object(&w);
	json_close_object(&w);
}

struct err me_label_decode(struct span body, struct arena *arena,
			   struct me_label *out)
{
	static const char *const names[] = {"color", "digest", "label",
					    "marking", NULL};
	struct me_label l = {0};
	struct me_marking *list = NULL;
	const struct json *marking, *value;
	const char *name;
	struct json *json;
	struct err e = member_open(body, ME_ANSWER_MAX, names, &json);

	if (!failed(e))
		e = member_text(json, "color", 64, arena, &l.color);
	if (!failed(e))
		e = json_get_digest(json, "digest", &l.digest);
	if (!failed(e))
		e = member_blob(json, "label", ME_ANSWER_MAX, arena, &l.label);
	if (!failed(e))
		e = json_get_object(json, "marking", &marking);
	if (!failed(e)) {
		list = arena_array(arena, ME_MARKINGS_MAX, sizeof(*list));
		if (!list)
			e = err_make(ERR_TOO_LARGE, "no room for the markings");
	}
	while (!failed(e) &&
	       json_member(marking, l.markings_count, &name, &value)) {
		struct span text;

		if (l.markings_count == ME_MARKINGS_MAX) {
			e = err_make(ERR_MALFORMED, "too many languages");
			break;
		}
		e = json_as_string(value, &text);
		if (failed(e))
			break;
		list[l.markings_count].language =
			arena_copy(arena, span_str(name));
		list[l.markings_count++].text = arena_copy(arena, text);
	}
	if (!failed(e))
		e = arena_check(arena);
	l.markings = list;
	if (!failed(e))
		*out = l;
	json_free(json);
	return e;
}

/* ---- GET /v1/authors ---- */

void me_author_encode(const struct me_author *author, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	json_member_bytes(&w, "author", author->author);
	json_member_bytes(&w, "certificate", author->certificate);
	json_close_object(&w);
}

struct err me_author_decode(struct span body, struct arena *arena,
			    struct me_author *out)
{
	static const char *const names[] = {"author", "certificate", NULL};
	struct me_author a = {0};
	struct json *json;
	struct err e = member_open(body, ME_ANSWER_MAX, names, &json);

	if (!failed(e))
		e = member_blob(json, "author", AUTHOR_BLOB_MAX, arena,
				&a.author);
	if (!failed(e))
		e = member_blob(json, "certificate", REPLICA_BLOB_MAX, arena,
				&a.certificate);
	if (!failed(e))
		*out = a;
	json_free(json);
	return e;
}
