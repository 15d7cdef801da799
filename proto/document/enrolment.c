/* What enrolment hashes, MACs and signs. */
#include "proto/document/enrolment.h"

#include "proto/document/encoding.h"

enum { ENCODED_MAX = 1024 };

struct err enrolment_transcript(const struct enrolment *e, struct digest *out)
{
	struct buf b;
	struct err err;

	buf_init(&b, ENCODED_MAX);
	encode_domain(&b, DOMAIN_ENROL);
	buf_put(&b, SPAN_OBJ(e->token));
	encoding_put_nation(&b, e->nation);
	encoding_put_digest(&b, e->ca);
	encoding_put_digest(&b, e->root);
	buf_put_var(&b, e->tls_spki);
	buf_put_var(&b, e->author_spki);
	buf_put_var(&b, e->wrapping);
	err = encoding_hash(&b, out);
	buf_clear(&b);
	return err;
}

static struct err derive(enum domain d, const uint8_t *secret,
			 const uint8_t *token, uint8_t out[32])
{
	struct buf b;
	struct err e;

	buf_init(&b, ENCODED_MAX);
	encode_domain(&b, d);
	buf_put(&b, span_of(token, ENROLMENT_ID_LEN));
	e = encoding_derive(span_of(secret, ENROLMENT_SECRET_LEN), &b, out);
	buf_clear(&b);
	return e;
}

struct err enrolment_keys_derive(const uint8_t secret[ENROLMENT_SECRET_LEN],
				 const uint8_t token[ENROLMENT_ID_LEN],
				 struct enrolment_keys *out)
{
	struct err e =
		derive(DOMAIN_TOKEN_REQUEST, secret, token, out->request);

	if (!failed(e))
		e = derive(DOMAIN_TOKEN_ANSWER, secret, token, out->answer);
	if (failed(e))
		wipe(out, sizeof(*out));
	return e;
}

struct err enrolment_challenge(const struct enrolment_keys *keys,
			       struct digest transcript,
			       uint8_t out[ENROLMENT_MAC_LEN])
{
	struct buf b;
	struct err e;

	buf_init(&b, ENCODED_MAX);
	encode_domain(&b, DOMAIN_CHALLENGE);
	encoding_put_digest(&b, transcript);
	e = encoding_mac(keys->request, &b, out);
	buf_clear(&b);
	return e;
}

static void encode_proof(struct digest transcript, struct buf *b)
{
	encode_domain(b, DOMAIN_ENROL_PROOF);
	encoding_put_digest(b, transcript);
}

struct err enrolment_prove(const struct crypto_key *author,
			   struct digest transcript,
			   uint8_t proof[ENROLMENT_PROOF_LEN])
{
	struct buf b;
	struct err e;

	buf_init(&b, ENCODED_MAX);
	encode_proof(transcript, &b);
	e = encoding_sign(author, CRYPTO_P256, &b, proof);
	buf_clear(&b);
	return e;
}

struct err enrolment_check_proof(const struct crypto_public *author,
				 struct digest transcript, struct span proof)
{
	struct buf b;
	struct err e;

	buf_init(&b, ENCODED_MAX);
	encode_proof(transcript, &b);
	e = buf_check(&b);
	if (!failed(e))
		e = encoding_verify(author, CRYPTO_P256, buf_span(&b), proof);
	buf_clear(&b);
	return e;
}

struct err enrolment_request_mac(const struct enrolment_keys *keys,
				 struct digest transcript, struct span csr,
				 struct span attestation,
				 const uint8_t proof[ENROLMENT_PROOF_LEN],
				 uint8_t out[ENROLMENT_MAC_LEN])
{
	struct digest csr_digest, attestation_digest;
	struct buf b;
	struct err e = crypto_sha256(csr, &csr_digest);

	if (!failed(e))
		e = crypto_sha256(attestation, &attestation_digest);
	if (failed(e))
		return e;
	buf_init(&b, ENCODED_MAX);
	encode_domain(&b, DOMAIN_ENROL_REQUEST);
	encoding_put_digest(&b, transcript);
	encoding_put_digest(&b, csr_digest);
	encoding_put_digest(&b, attestation_digest);
	buf_put(&b, span_of(proof, ENROLMENT_PROOF_LEN));
	e = encoding_mac(keys->request, &b, out);
	buf_clear(&b);
	return e;
}

struct err enrolment_answer_mac(const struct enrolment_keys *keys,
				const uint8_t request_mac[ENROLMENT_MAC_LEN],
				struct span certificate, struct span replica,
				uint8_t out[ENROLMENT_MAC_LEN])
{
	struct digest certificate_digest, replica_digest;
	struct buf b;
	struct err e = crypto_sha256(certificate, &certificate_digest);

	if (!failed(e))
		e = crypto_sha256(replica, &replica_digest);
	if (failed(e))
		return e;
	buf_init(&b, ENCODED_MAX);
	encode_domain(&b, DOMAIN_ENROL_ANSWER);
	buf_put(&b, span_of(request_mac, ENROLMENT_MAC_LEN));
	encoding_put_digest(&b, certificate_digest);
	encoding_put_digest(&b, replica_digest);
	e = encoding_mac(keys->answer, &b, out);
	buf_clear(&b);
	return e;
}

struct err enrolment_check_mac(const uint8_t expected[ENROLMENT_MAC_LEN],
			       struct span mac)
{
	if (!span_eq_const_time(span_of(expected, ENROLMENT_MAC_LEN), mac))
		return err_make(ERR_SIGNATURE, "MAC of the enrolment");
	return ERR_NONE;
}
