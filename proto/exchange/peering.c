/* Nations' first contact, and the certificates they pass on. */
#include "proto/exchange/peering.h"

#include "proto/crypto/certificate.h"
#include "proto/document/replica.h"
#include "proto/exchange/member.h"

void peering_request_encode(const struct peering_request *request,
			    struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	json_member_bytes(&w, "ca", request->ca);
	json_member_bytes(&w, "certificate", request->certificate);
	json_member_string(&w, "endpoint", request->endpoint);
	json_member_bytes(&w, "invitation", SPAN_OBJ(request->invitation));
	json_member_bytes(&w, "mac", SPAN_OBJ(request->mac));
	json_member_nation(&w, "nation", request->nation);
	json_member_bytes(&w, "root", request->root);
	json_close_object(&w);
}

struct err peering_request_decode(struct span body, struct arena *arena,
				  struct peering_request *out)
{
	static const char *const names[] = {"ca",	"certificate",
					    "endpoint", "invitation",
					    "mac",	"nation",
					    "root",	NULL};
	struct peering_request r = {0};
	struct json *json;
	struct err e = member_open(body, PEERING_BODY_MAX, names, &json);

	if (!failed(e))
		e = member_blob(json, "ca", CERTIFICATE_MAX, arena, &r.ca);
	if (!failed(e))
		e = member_blob(json, "certificate", REPLICA_BLOB_MAX, arena,
				&r.certificate);
	if (!failed(e))
		e = member_text(json, "endpoint", ENROL_ENDPOINT_MAX, arena,
				&r.endpoint);
	if (!failed(e))
		e = enrol_endpoint_check(r.endpoint);
	if (!failed(e))
		e = json_get_fixed(json, "invitation", r.invitation,
				   sizeof(r.invitation));
	if (!failed(e))
		e = json_get_fixed(json, "mac", r.mac, sizeof(r.mac));
	if (!failed(e))
		e = json_get_nation(json, "nation", &r.nation);
	if (!failed(e))
		e = member_blob(json, "root", CRYPTO_SPKI_MAX, arena, &r.root);
	if (!failed(e))
		*out = r;
	json_free(json);
	return e;
}

void peering_answer_encode(const struct peering_answer *answer, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	json_member_bytes(&w, "ca", answer->ca);
	json_member_bytes(&w, "certificate", answer->certificate);
	json_member_bytes(&w, "mac", SPAN_OBJ(answer->mac));
	json_member_bytes(&w, "root", answer->root);
	json_close_object(&w);
}

struct err peering_answer_decode(struct span body, struct arena *arena,
				 struct peering_answer *out)
{
	static const char *const names[] = {"ca", "certificate", "mac", "root",
					    NULL};
	struct peering_answer a = {0};
	struct json *json;
	struct err e = member_open(body, PEERING_BODY_MAX, names, &json);

	if (!failed(e))
		e = member_blob(json, "ca", CERTIFICATE_MAX, arena, &a.ca);
	if (!failed(e))
		e = member_blob(json, "certificate", REPLICA_BLOB_MAX, arena,
				&a.certificate);
	if (!failed(e))
		e = json_get_fixed(json, "mac", a.mac, sizeof(a.mac));
	if (!failed(e))
		e = member_blob(json, "root", CRYPTO_SPKI_MAX, arena, &a.root);
	if (!failed(e))
		*out = a;
	json_free(json);
	return e;
}

void peering_certificates_encode(const struct peering_certificate *list,
				 size_t count, struct buf *out)
{
	struct json_writer w = json_write(out);

	json_open_object(&w);
	json_put_name(&w, "certificates");
	json_open_array(&w);
	for (size_t i = 0; i < count; i++) {
		json_open_object(&w);
		json_member_bytes(&w, "certificate", list[i].certificate);
		json_member_bytes(&w, "root", list[i].root);
		json_close_object(&w);
	}
	json_close_array(&w);
	json_close_object(&w);
}

struct err peering_certificates_decode(struct span body, struct arena *arena,
				       const struct peering_certificate **list,
				       size_t *count)
{
	static const char *const names[] = {"certificates", NULL};
	static const char *const item[] = {"certificate", "root", NULL};
	struct peering_certificate *made = NULL;
	const struct json *array;
	struct json *json;
	size_t n = 0;
	struct err e =
		member_open(body, PEERING_CERTIFICATES_BODY_MAX, names, &json);

	if (!failed(e))
		e = member_array(json, "certificates", PEERING_CERTIFICATES_MAX,
				 &array, &n);
	if (!failed(e)) {
		made = arena_array(arena, n ? n : 1, sizeof(*made));
		if (!made)
			e = arena_check(arena);
	}
	for (size_t i = 0; i < n && !failed(e); i++) {
		const struct json *one = json_at(array, i);

		e = json_only(one, item);
		if (!failed(e))
			e = member_blob(one, "certificate", REPLICA_BLOB_MAX,
					arena, &made[i].certificate);
		if (!failed(e))
			e = member_blob(one, "root", CRYPTO_SPKI_MAX, arena,
					&made[i].root);
	}
	if (!failed(e)) {
		*list = made;
		*count = n;
	}
	json_free(json);
	return e;
}
