/* The bytes of every key. */
#include "storage/key.h"

struct key key_empty(void)
{
	struct key k;

	k.len = 0;
	k.bad = false;
	return k;
}

void key_put(struct key *k, struct span bytes)
{
	if (k->bad || bytes.len > KEY_MAX - k->len) {
		k->bad = true;
		return;
	}
	if (bytes.len)
		memcpy(k->at + k->len, bytes.at, bytes.len);
	k->len += bytes.len;
}

void key_put_u8(struct key *k, uint8_t v)
{
	key_put(k, SPAN_OBJ(v));
}

static void put_integer(struct key *k, uint64_t v, size_t len)
{
	uint8_t at[8];

	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(v >> (8 * (len - 1 - i)));
	key_put(k, span_of(at, len));
}

void key_put_u32(struct key *k, uint32_t v)
{
	put_integer(k, v, 4);
}

void key_put_u64(struct key *k, uint64_t v)
{
	put_integer(k, v, 8);
}

/* Text: no zero byte in it, so that one can end it. */
static void put_text(struct key *k, struct span text)
{
	if (text.len == 0 || text.len > KEY_TEXT_MAX ||
	    memchr(text.at, 0, text.len))
		k->bad = true;
	key_put(k, text);
}

struct key key_raw(struct span bytes)
{
	struct key k = key_empty();

	key_put(&k, bytes);
	return k;
}

struct key key_of_kind(enum key_kind kind)
{
	struct key k = key_empty();

	key_put_u8(&k, (uint8_t)kind);
	return k;
}

struct key key_after_prefix(struct key prefix)
{
	while (prefix.len && prefix.at[prefix.len - 1] == 0xff)
		prefix.len--;
	if (prefix.len)
		prefix.at[prefix.len - 1]++;
	return prefix;
}

/* ---- shapes that come again ---- */

static struct key number_key(uint64_t number)
{
	struct key k = key_empty();

	key_put_u64(&k, number);
	return k;
}

static struct key kind_number(enum key_kind kind, uint64_t number)
{
	struct key k = key_of_kind(kind);

	key_put_u64(&k, number);
	return k;
}

static struct key kind_raw(enum key_kind kind, struct span bytes)
{
	struct key k = key_of_kind(kind);

	key_put(&k, bytes);
	return k;
}

static struct key text_key(struct span text)
{
	struct key k = key_empty();

	put_text(&k, text);
	return k;
}

static struct key doc_digest(struct doc_id doc, struct digest digest)
{
	struct key k = key_document(doc);

	key_put(&k, SPAN_OBJ(digest.at));
	return k;
}

static void put_replica(struct key *k, struct replica r)
{
	key_put(k, SPAN_OBJ(r.nation.code));
	key_put_u64(k, r.number);
}

/* ---- table by table ---- */

struct key key_header(void)
{
	return key_of_kind(0);
}

struct key key_version(void)
{
	return key_of_kind(1);
}

struct key key_hold(void)
{
	return key_of_kind(2);
}

struct key key_counter(const char *name)
{
	return text_key(span_str(name));
}

struct key key_document(struct doc_id doc)
{
	return key_raw(SPAN_OBJ(doc.at));
}

struct key key_feed(uint32_t shelf, struct seq seq)
{
	struct key k = key_feed_shelf(shelf);

	key_put_u64(&k, seq.n);
	return k;
}

struct key key_feed_shelf(uint32_t shelf)
{
	struct key k = key_empty();

	key_put_u32(&k, shelf);
	return k;
}

struct err key_feed_decode(struct span key, uint32_t *shelf, struct seq *seq)
{
	struct span_reader r = span_read(key);
	uint32_t s = span_read_u32(&r);
	uint64_t n = span_read_u64(&r);

	if (!span_read_done(&r))
		return err_make(ERR_CORRUPT, "a feed key is malformed");
	*shelf = s;
	seq->n = n;
	return ERR_NONE;
}

struct key key_group(uint64_t number)
{
	return kind_number(KEY_GROUP_ROW, number);
}

struct key key_group_root(struct digest root)
{
	return kind_raw(KEY_GROUP_ROOT, SPAN_OBJ(root.at));
}

struct key key_group_unsigned(uint64_t number)
{
	return kind_number(KEY_GROUP_UNSIGNED, number);
}

struct key key_group_signature(uint64_t number)
{
	return kind_number(KEY_GROUP_SIGNATURE, number);
}

struct key key_group_leaf(uint64_t number, uint16_t leaf)
{
	struct key k = kind_number(KEY_GROUP_LEAF, number);

	key_put_u8(&k, (uint8_t)(leaf >> 8));
	key_put_u8(&k, (uint8_t)leaf);
	return k;
}

struct key key_audit(uint64_t number)
{
	return number_key(number);
}

struct key key_label(struct digest label)
{
	return key_raw(SPAN_OBJ(label.at));
}

struct key key_author(struct key_id author)
{
	return key_raw(SPAN_OBJ(author.at));
}

struct key key_shelf(uint32_t number)
{
	struct key k = key_of_kind(KEY_SHELF_NUMBER);

	key_put_u32(&k, number);
	return k;
}

struct key key_shelf_name(struct digest name)
{
	return kind_raw(KEY_SHELF_NAME, SPAN_OBJ(name.at));
}

struct key key_shelf_label(struct digest label, uint32_t number)
{
	struct key k = key_shelf_label_prefix(label);

	key_put_u32(&k, number);
	return k;
}

struct key key_shelf_label_prefix(struct digest label)
{
	return kind_raw(KEY_SHELF_LABEL, SPAN_OBJ(label.at));
}

struct key key_view(uint64_t number)
{
	return kind_number(KEY_VIEW_NUMBER, number);
}

struct key key_view_content(struct digest content)
{
	return kind_raw(KEY_VIEW_CONTENT, SPAN_OBJ(content.at));
}

struct reader_name reader_device(struct key_id author)
{
	return (struct reader_name){.kind = KEY_READER_DEVICE,
				    .device = author};
}

struct reader_name reader_nation(struct nation nation)
{
	return (struct reader_name){.kind = KEY_READER_NATION,
				    .nation = nation};
}

bool reader_name_eq(const struct reader_name *a, const struct reader_name *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == KEY_READER_NATION ? nation_eq(a->nation, b->nation)
					    : key_id_eq(a->device, b->device);
}

struct key key_ledger(const struct reader_name *reader)
{
	if (reader->kind == KEY_READER_NATION)
		return kind_raw(KEY_READER_NATION,
				SPAN_OBJ(reader->nation.code));
	return kind_raw(KEY_READER_DEVICE, SPAN_OBJ(reader->device.at));
}

struct key key_ledger_loss(const struct reader_name *reader, uint32_t shelf)
{
	struct key k = key_ledger(reader);

	key_put_u32(&k, shelf);
	return k;
}

struct key key_subject(struct span name)
{
	return text_key(name);
}

struct key key_officer(struct span name)
{
	return text_key(name);
}

struct key key_device(struct key_id author)
{
	return kind_raw(KEY_DEVICE_AUTHOR, SPAN_OBJ(author.at));
}

struct key key_device_certificate(struct digest certificate)
{
	return kind_raw(KEY_DEVICE_CERTIFICATE, SPAN_OBJ(certificate.at));
}

struct key key_device_key(struct key_id key)
{
	return kind_raw(KEY_DEVICE_KEY, SPAN_OBJ(key.at));
}

struct key key_device_subject(struct span subject, struct key_id author)
{
	struct key k = key_device_subject_prefix(subject);

	key_put(&k, SPAN_OBJ(author.at));
	return k;
}

struct key key_device_subject_prefix(struct span subject)
{
	struct key k = key_of_kind(KEY_DEVICE_SUBJECT);

	put_text(&k, subject);
	key_put_u8(&k, 0);
	return k;
}

struct key key_space(struct span space)
{
	struct key k = key_of_kind(KEY_SPACE_ROW);

	put_text(&k, space);
	return k;
}

struct key key_space_member(struct span space, struct span subject)
{
	struct key k = key_space_members(space);

	put_text(&k, subject);
	return k;
}

struct key key_space_members(struct span space)
{
	struct key k = key_of_kind(KEY_SPACE_MEMBER);

	put_text(&k, space);
	key_put_u8(&k, 0);
	return k;
}

struct key key_peer(struct nation nation)
{
	return key_raw(SPAN_OBJ(nation.code));
}

struct key key_rule(uint64_t number)
{
	return number_key(number);
}

struct key key_statement(struct doc_id doc, uint64_t number,
			 struct digest digest)
{
	struct key k = key_statements_number(doc, number);

	key_put(&k, SPAN_OBJ(digest.at));
	return k;
}

struct key key_statements(struct doc_id doc)
{
	return key_document(doc);
}

struct key key_statements_number(struct doc_id doc, uint64_t number)
{
	struct key k = key_document(doc);

	key_put_u64(&k, number);
	return k;
}

struct key key_slot(uint64_t slot)
{
	return kind_number(KEY_SLOT_ROW, slot);
}

struct key key_slot_document(uint64_t slot, struct doc_id doc)
{
	struct key k = key_slot_documents(slot);

	key_put(&k, SPAN_OBJ(doc.at));
	return k;
}

struct key key_slot_documents(uint64_t slot)
{
	return kind_number(KEY_SLOT_DOCUMENT, slot);
}

struct key key_slot_purging(uint64_t slot)
{
	return kind_number(KEY_SLOT_PURGING, slot);
}

struct key key_upload(const uint8_t id[LEASE_ID_LEN])
{
	return key_raw(span_of(id, LEASE_ID_LEN));
}

struct key key_token(const uint8_t id[LEASE_ID_LEN])
{
	return key_raw(span_of(id, LEASE_ID_LEN));
}

struct key key_quarantine(struct nation from, struct digest digest)
{
	struct key k = key_peer(from);

	key_put(&k, SPAN_OBJ(digest.at));
	return k;
}

struct key key_nonce(uint64_t slot, struct digest base)
{
	struct key k = key_nonce_slot(slot);

	key_put(&k, SPAN_OBJ(base.at));
	return k;
}

struct key key_nonce_slot(uint64_t slot)
{
	return number_key(slot);
}

struct key key_policy_file(struct digest digest)
{
	return kind_raw(KEY_POLICY_FILE, SPAN_OBJ(digest.at));
}

struct key key_policy_set(struct digest digest)
{
	return kind_raw(KEY_POLICY_SET, SPAN_OBJ(digest.at));
}

struct key key_policy_version(uint64_t number)
{
	return kind_number(KEY_POLICY_VERSION, number);
}

struct key key_receipt(struct doc_id doc, struct replica from)
{
	struct key k = key_document(doc);

	put_replica(&k, from);
	return k;
}

struct key key_receipts(struct doc_id doc)
{
	return key_document(doc);
}

struct key key_tick(struct replica of, uint64_t minute)
{
	struct key k = key_ticks(of);

	key_put_u64(&k, minute);
	return k;
}

struct key key_ticks(struct replica of)
{
	struct key k = key_empty();

	put_replica(&k, of);
	return k;
}

struct key key_certificate(struct digest digest)
{
	return kind_raw(KEY_CERTIFICATE_DIGEST, SPAN_OBJ(digest.at));
}

struct key key_certificate_replica(struct replica of, uint64_t issue)
{
	struct key k = key_certificate_replica_prefix(of);

	key_put_u64(&k, issue);
	return k;
}

struct key key_certificate_replica_prefix(struct replica of)
{
	struct key k = key_of_kind(KEY_CERTIFICATE_REPLICA);

	put_replica(&k, of);
	return k;
}

struct key key_certificate_root(struct nation nation)
{
	return kind_raw(KEY_CERTIFICATE_ROOT, SPAN_OBJ(nation.code));
}

struct key key_segment(struct doc_id doc, struct digest segment)
{
	return doc_digest(doc, segment);
}

struct key key_segments(struct doc_id doc)
{
	return key_document(doc);
}

struct key key_segment_table(struct doc_id doc, struct digest table)
{
	return doc_digest(doc, table);
}
