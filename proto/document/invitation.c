/* The MACs of a peering. */
#include "proto/document/invitation.h"

#include "proto/document/encoding.h"

enum { ENCODED_MAX = 1024 };

static struct err derive(enum domain d, const uint8_t *secret,
			 const uint8_t *id, uint8_t out[32])
{
	struct buf b;
	struct err e;

	buf_init(&b, ENCODED_MAX);
	encode_domain(&b, d);
	buf_put(&b, span_of(id, INVITATION_ID_LEN));
	e = encoding_derive(span_of(secret, INVITATION_SECRET_LEN), &b, out);
	buf_clear(&b);
	return e;
}

struct err invitation_keys_derive(const uint8_t secret[INVITATION_SECRET_LEN],
				  const uint8_t id[INVITATION_ID_LEN],
				  struct invitation_keys *out)
{
	struct err e =
		derive(DOMAIN_INVITATION_REQUEST, secret, id, out->request);

	if (!failed(e))
		e = derive(DOMAIN_INVITATION_ANSWER, secret, id, out->answer);
	if (failed(e))
		wipe(out, sizeof(*out));
	return e;
}

struct err invitation_request_mac(const struct invitation_keys *keys,
				  const struct invitation *invitation,
				  struct span invited_certificate,
				  uint8_t out[INVITATION_MAC_LEN])
{
	const struct invitation_side *a = &invitation->inviting;
	const struct invitation_side *b = &invitation->invited;
	struct digest certificate;
	struct buf buf;
	struct err e;

	if (a->endpoint.len > INVITATION_ENDPOINT_MAX ||
	    b->endpoint.len > INVITATION_ENDPOINT_MAX)
		return err_make(ERR_TOO_LARGE, "endpoint of an invitation");
	e = crypto_sha256(invited_certificate, &certificate);
	if (failed(e))
		return e;
	buf_init(&buf, ENCODED_MAX);
	encode_domain(&buf, DOMAIN_PEER_REQUEST);
	buf_put(&buf, SPAN_OBJ(invitation->id));
	encoding_put_nation(&buf, a->nation);
	encoding_put_nation(&buf, b->nation);
	encoding_put_digest(&buf, a->root);
	encoding_put_digest(&buf, b->root);
	encoding_put_digest(&buf, a->ca);
	encoding_put_digest(&buf, b->ca);
	buf_put_var(&buf, a->endpoint);
	buf_put_var(&buf, b->endpoint);
	encoding_put_digest(&buf, certificate);
	e = encoding_mac(keys->request, &buf, out);
	buf_clear(&buf);
	return e;
}

struct err invitation_answer_mac(const struct invitation_keys *keys,
				 const uint8_t request_mac[INVITATION_MAC_LEN],
				 struct span inviting_certificate,
				 uint8_t out[INVITATION_MAC_LEN])
{
	struct digest certificate;
	struct buf b;
	struct err e = crypto_sha256(inviting_certificate, &certificate);

	if (failed(e))
		return e;
	buf_init(&b, ENCODED_MAX);
	encode_domain(&b, DOMAIN_PEER_ANSWER);
	buf_put(&b, span_of(request_mac, INVITATION_MAC_LEN));
	encoding_put_digest(&b, certificate);
	e = encoding_mac(keys->answer, &b, out);
	buf_clear(&b);
	return e;
}

struct err invitation_check_mac(const uint8_t expected[INVITATION_MAC_LEN],
				struct span mac)
{
	if (!span_eq_const_time(span_of(expected, INVITATION_MAC_LEN), mac))
		return err_make(ERR_SIGNATURE, "MAC of the peering");
	return ERR_NONE;
}
