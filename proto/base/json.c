/* JSON in through jansson; JSON out, and its canonical form, by hand. */
#include <jansson.h>
#include <stdlib.h>

#include "proto/base/base64.h"
#include "proto/base/json.h"
#include "proto/base/memory.h"

/* struct json is never defined: a value is jansson's own. */
static const json_t *in(const struct json *j)
{
	return (const json_t *)j;
}

static const struct json *as(const json_t *j)
{
	return (const struct json *)j;
}

[[gnu::constructor]] static void take_memory(void)
{
	json_set_alloc_funcs(memory_get, memory_drop);
}

static struct err wrong(void)
{
	return err_make(ERR_MALFORMED, "member missing or of a wrong type");
}

/* Integers of 0..2^53-1 and no fractions, all the way down. */
static bool numbers_ok(const json_t *j)
{
	const char *name;
	json_t *value;
	size_t i;

	switch (json_typeof(j)) {
	case JSON_REAL:
		return false;
	case JSON_INTEGER:
		return json_integer_value(j) >= 0 &&
		       (uint64_t)json_integer_value(j) <= JSON_INTEGER_MAX;
	case JSON_ARRAY:
		json_array_foreach((json_t *)j, i,
				   value) if (!numbers_ok(value)) return false;
		return true;
	case JSON_OBJECT:
		json_object_foreach((json_t *)j, name,
				    value) if (!numbers_ok(value)) return false;
		return true;
	default:
		return true;
	}
}

/* Brackets outside strings: jansson's own limit is 2048 levels. */
static bool depth_ok(struct span text)
{
	size_t depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];

		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return false;
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		}
	}
	return true;
}

struct err json_parse(struct span text, struct json **out)
{
	json_error_t error;
	json_t *j;

	if (!depth_ok(text))
		return err_make(ERR_MALFORMED, "JSON nested too deeply");
	(void)memory_ran_out();
	j = json_loadb((const char *)text.at, text.len,
		       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	/* Without memory jansson cuts strings short and says nothing. */
	if (memory_ran_out()) {
		json_decref(j);
		return err_make(ERR_NO_MEMORY, "no memory for JSON");
	}
	if (!j)
		return err_make(ERR_MALFORMED, "not JSON of RFC 8259");
	if (!numbers_ok(j)) {
		json_decref(j);
		return err_make(ERR_MALFORMED,
				"a JSON number is no integer below 2^53");
	}
	*out = (struct json *)j;
	return ERR_NONE;
}

void json_free(struct json *j)
{
	json_decref((json_t *)j);
}

static const json_t *get(const struct json *object, const char *name)
{
	return json_object_get(in(object), name);
}

struct err json_as_string(const struct json *value, struct span *out)
{
	if (!json_is_string(in(value)))
		return wrong();
	*out = span_of(json_string_value(in(value)),
		       json_string_length(in(value)));
	return ERR_NONE;
}

struct err json_as_u64(const struct json *value, uint64_t *out)
{
	if (!json_is_integer(in(value)))
		return wrong();
	*out = (uint64_t)json_integer_value(in(value));
	return ERR_NONE;
}

struct err json_as_digest(const struct json *value, struct digest *out)
{
	struct span text;
	struct err e = json_as_string(value, &text);

	if (failed(e))
		return e;
	return digest_parse(text, out);
}

struct err json_as_bytes(const struct json *value, struct arena *arena,
			 struct span *out)
{
	struct span text, copy;
	struct buf bytes;
	struct err e = json_as_string(value, &text);

	if (failed(e))
		return e;
	buf_init(&bytes, text.len);
	e = base64url_decode(text, &bytes);
	if (!failed(e)) {
		copy = arena_copy(arena, buf_span(&bytes));
		e = arena_check(arena);
	}
	buf_wipe(&bytes);
	if (!failed(e))
		*out = copy;
	return e;
}

struct err json_get_string(const struct json *object, const char *name,
			   struct span *out)
{
	return json_as_string(as(get(object, name)), out);
}

struct err json_get_u64(const struct json *object, const char *name,
			uint64_t *out)
{
	return json_as_u64(as(get(object, name)), out);
}

struct err json_get_bool(const struct json *object, const char *name, bool *out)
{
	const json_t *j = get(object, name);

	if (!json_is_boolean(j))
		return wrong();
	*out = json_is_true(j);
	return ERR_NONE;
}

struct err json_get_object(const struct json *object, const char *name,
			   const struct json **out)
{
	const json_t *j = get(object, name);

	if (!json_is_object(j))
		return wrong();
	*out = as(j);
	return ERR_NONE;
}

struct err json_get_array(const struct json *object, const char *name,
			  const struct json **out)
{
	const json_t *j = get(object, name);

	if (!json_is_array(j))
		return wrong();
	*out = as(j);
	return ERR_NONE;
}

struct err json_get_fixed(const struct json *object, const char *name,
			  void *out, size_t len)
{
	struct span text;
	struct err e = json_get_string(object, name, &text);

	if (failed(e))
		return e;
	return base64url_decode_fixed(text, out, len);
}

struct err json_get_bytes(const struct json *object, const char *name,
			  struct arena *arena, struct span *out)
{
	return json_as_bytes(as(get(object, name)), arena, out);
}

struct err json_get_digest(const struct json *object, const char *name,
			   struct digest *out)
{
	return json_as_digest(as(get(object, name)), out);
}

struct err json_get_doc_id(const struct json *object, const char *name,
			   struct doc_id *out)
{
	struct span text;
	struct err e = json_get_string(object, name, &text);

	if (failed(e))
		return e;
	return doc_id_parse(text, out);
}

struct err json_get_nation(const struct json *object, const char *name,
			   struct nation *out)
{
	struct span text;
	struct err e = json_get_string(object, name, &text);

	if (failed(e))
		return e;
	return nation_parse(text, out);
}

bool json_has(const struct json *object, const char *name)
{
	return get(object, name) != NULL;
}

struct err json_only(const struct json *object, const char *const *names)
{
	const char *name;
	json_t *value;

	if (!json_is_object(in(object)))
		return err_make(ERR_MALFORMED, "not a JSON object");
	json_object_foreach((json_t *)object, name, value)
	{
		const char *const *known = names;

		while (*known && strcmp(*known, name) != 0)
			known++;
		if (!*known)
			return err_make(ERR_MALFORMED, "unknown JSON member");
	}
	return ERR_NONE;
}

size_t json_count(const struct json *array)
{
	return json_array_size(in(array));
}

const struct json *json_at(const struct json *array, size_t i)
{
	return as(json_array_get(in(array), i));
}

bool json_member(const struct json *object, size_t i, const char **name,
		 const struct json **value)
{
	json_t *o = (json_t *)object;
	void *iter = json_object_iter(o);

	while (iter && i--)
		iter = json_object_iter_next(o, iter);
	if (!iter)
		return false;
	*name = json_object_iter_key(iter);
	*value = as(json_object_iter_value(iter));
	return true;
}

/* Bytes in front that stand as they are: eight at a time, by the high bits of
 * byte-wise differences (a byte of 0x80 or more never sets its own). */
static size_t plain_len(struct span text)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
	size_t i = 0;

	for (; i + 8 <= text.len; i += 8) {
		uint64_t v, quote, slash;

		memcpy(&v, text.at + i, 8);
		quote = v ^ ones * '"';
		slash = v ^ ones * '\\';
		if (((v - ones * 0x20) & ~v & high) |
		    ((quote - ones) & ~quote & high) |
		    ((slash - ones) & ~slash & high))
			break;
	}
	while (i < text.len && text.at[i] >= 0x20 && text.at[i] != '"' &&
	       text.at[i] != '\\')
		i++;
	return i;
}

/* RFC 8785 s.3.2.2.2: the two-letter escapes, \u00xx for the rest below 20. */
static void put_quoted(struct buf *out, struct span text)
{
	size_t plain = plain_len(text), from = 0;
	uint8_t *at;

	if (plain == text.len) { /* as nearly always */
		at = buf_grow(out, text.len + 2);
		if (!at)
			return;
		at[0] = '"';
		if (text.len)
			memcpy(at + 1, text.at, text.len);
		at[text.len + 1] = '"';
		return;
	}
	buf_put_u8(out, '"');
	for (size_t i = plain; i < text.len; i++) {
		uint8_t c = text.at[i];
		const char *two = NULL;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_put(out, span_sub(text, from, i - from));
		from = i + 1;
		switch (c) {
		case '"':
			two = "\\\"";
			break;
		case '\\':
			two = "\\\\";
			break;
		case '\b':
			two = "\\b";
			break;
		case '\f':
			two = "\\f";
			break;
		case '\n':
			two = "\\n";
			break;
		case '\r':
			two = "\\r";
			break;
		case '\t':
			two = "\\t";
			break;
		}
		if (two)
			buf_put_str(out, two);
		else
			buf_printf(out, "\\u%04x", c);
	}
	buf_put(out, span_sub(text, from, text.len - from));
	buf_put_u8(out, '"');
}

/* The order of UTF-16 code units, on UTF-8: as bytes, but that U+E000..U+FFFF
 * (first byte EE, EF) come after what needs surrogates (F0 and up). */
static int name_cmp(const void *a, const void *b)
{
	const uint8_t *x = *(const uint8_t *const *)a;
	const uint8_t *y = *(const uint8_t *const *)b;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	if (*x >= 0xee && *y >= 0xee && (*x >= 0xf0) != (*y >= 0xf0))
		return *x >= 0xf0 ? -1 : 1;
	return (int)*x - (int)*y;
}

static void put_canonical(const json_t *j, struct buf *out);

static void put_members(const json_t *j, struct buf *out)
{
	size_t count = json_object_size(j), n = 0;
	const char **names = calloc(count + 1, sizeof(*names));
	const char *name;
	json_t *value;

	if (!names) {
		out->bad = out->starved = true;
		return;
	}
	json_object_foreach((json_t *)j, name, value) names[n++] = name;
	qsort(names, n, sizeof(*names), name_cmp);
	buf_put_u8(out, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_put_u8(out, ',');
		put_quoted(out, span_str(names[i]));
		buf_put_u8(out, ':');
		put_canonical(json_object_get(j, names[i]), out);
	}
	buf_put_u8(out, '}');
	free(names);
}

static void put_canonical(const json_t *j, struct buf *out)
{
	size_t i;
	json_t *value;

	switch (json_typeof(j)) {
	case JSON_OBJECT:
		put_members(j, out);
		break;
	case JSON_ARRAY:
		buf_put_u8(out, '[');
		json_array_foreach((json_t *)j, i, value)
		{
			if (i)
				buf_put_u8(out, ',');
			put_canonical(value, out);
		}
		buf_put_u8(out, ']');
		break;
	case JSON_STRING:
		put_quoted(out, span_of(json_string_value(j),
					json_string_length(j)));
		break;
	case JSON_INTEGER:
		buf_printf(out, "%lld", (long long)json_integer_value(j));
		break;
	case JSON_TRUE:
		buf_put_str(out, "true");
		break;
	case JSON_FALSE:
		buf_put_str(out, "false");
		break;
	case JSON_NULL:
		buf_put_str(out, "null");
		break;
	case JSON_REAL: /* json_parse refuses it */
		out->bad = true;
		break;
	}
}

struct err json_canonical(const struct json *value, struct buf *out)
{
	put_canonical(in(value), out);
	return buf_check(out);
}

struct json_writer json_write(struct buf *out)
{
	return (struct json_writer){out, false};
}

static void before(struct json_writer *w)
{
	if (w->comma)
		buf_put_u8(w->out, ',');
	w->comma = true;
}

static void open_with(struct json_writer *w, uint8_t bracket)
{
	before(w);
	buf_put_u8(w->out, bracket);
	w->comma = false;
}

static void close_with(struct json_writer *w, uint8_t bracket)
{
	buf_put_u8(w->out, bracket);
	w->comma = true;
}

void json_open_object(struct json_writer *w)
{
	open_with(w, '{');
}

void json_close_object(struct json_writer *w)
{
	close_with(w, '}');
}

void json_open_array(struct json_writer *w)
{
	open_with(w, '[');
}

void json_close_array(struct json_writer *w)
{
	close_with(w, ']');
}

void json_put_name(struct json_writer *w, const char *name)
{
	before(w);
	put_quoted(w->out, span_str(name));
	buf_put_u8(w->out, ':');
	w->comma = false;
}

void json_put_string(struct json_writer *w, struct span text)
{
	before(w);
	put_quoted(w->out, text);
}

void json_put_u64(struct json_writer *w, uint64_t v)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);

	before(w);
	do
		digits[--at] = (uint8_t)('0' + v % 10);
	while (v /= 10);
	buf_put(w->out, span_of(digits + at, sizeof(digits) - at));
}

void json_put_bool(struct json_writer *w, bool v)
{
	before(w);
	buf_put_str(w->out, v ? "true" : "false");
}

void json_put_null(struct json_writer *w)
{
	before(w);
	buf_put_str(w->out, "null");
}

void json_put_bytes(struct json_writer *w, struct span bytes)
{
	before(w);
	buf_put_u8(w->out, '"');
	base64url_encode(bytes, w->out);
	buf_put_u8(w->out, '"');
}

void json_put_raw(struct json_writer *w, struct span text)
{
	before(w);
	buf_put(w->out, text);
}

void json_member_string(struct json_writer *w, const char *name,
			struct span text)
{
	json_put_name(w, name);
	json_put_string(w, text);
}

void json_member_str(struct json_writer *w, const char *name, const char *text)
{
	json_member_string(w, name, span_str(text));
}

void json_member_u64(struct json_writer *w, const char *name, uint64_t v)
{
	json_put_name(w, name);
	json_put_u64(w, v);
}

void json_member_bool(struct json_writer *w, const char *name, bool v)
{
	json_put_name(w, name);
	json_put_bool(w, v);
}

void json_member_bytes(struct json_writer *w, const char *name,
		       struct span bytes)
{
	json_put_name(w, name);
	json_put_bytes(w, bytes);
}

void json_member_digest(struct json_writer *w, const char *name,
			struct digest d)
{
	json_member_bytes(w, name, span_of(d.at, DIGEST_LEN));
}

void json_member_key_id(struct json_writer *w, const char *name,
			struct key_id k)
{
	json_member_bytes(w, name, span_of(k.at, DIGEST_LEN));
}

void json_member_doc_id(struct json_writer *w, const char *name,
			struct doc_id id)
{
	char text[DOC_ID_TEXT_LEN + 1];

	doc_id_format(id, text);
	json_member_str(w, name, text);
}

void json_member_nation(struct json_writer *w, const char *name,
			struct nation n)
{
	json_member_string(w, name, span_of(n.code, NATION_LEN));
}

void json_member_replica(struct json_writer *w, const char *name,
			 struct replica r)
{
	char text[REPLICA_TEXT_MAX + 1];

	replica_format(r, text);
	json_member_str(w, name, text);
}
