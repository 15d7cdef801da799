/*
 * Certificates and requests, read and judged with OpenSSL.
 *
 * A key must be of the one form that the seam accepts before any signature
 * is looked at, so a foreign request chooses neither algorithm nor curve.
 */
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "proto/crypto/certificate.h"
#include "proto/crypto/ec_openssl.h"
#include "proto/crypto/err_openssl.h"

enum { SERIAL_MAX = 20 }; /* RFC 5280 s.4.1.2.2 */

static struct err malformed(const char *detail)
{
	return openssl_err(ERR_MALFORMED, detail);
}

static struct err keep(struct arena *arena, struct span bytes, struct span *out)
{
	*out = arena_copy(arena, bytes);
	return arena_check(arena);
}

/* Exactly one certificate and nothing behind it. */
static struct err decode(struct span der, X509 **out)
{
	const uint8_t *at = der.at;
	X509 *x;

	if (der.len > CERTIFICATE_MAX)
		return err_make(ERR_TOO_LARGE, "a certificate too long");
	x = d2i_X509(NULL, &at, (long)der.len);
	if (!x || at != der.at + der.len) {
		X509_free(x);
		return malformed("not a certificate");
	}
	*out = x;
	return ERR_NONE;
}

/* The one value of an attribute; empty if there is none. */
static struct err read_name(const X509_NAME *name, int nid, struct arena *arena,
			    struct span *out)
{
	int i = X509_NAME_get_index_by_NID(name, nid, -1);
	unsigned char *text = NULL;
	struct err e;
	int len;

	*out = span_of(NULL, 0);
	if (i < 0)
		return ERR_NONE;
	if (X509_NAME_get_index_by_NID(name, nid, i) >= 0)
		return malformed("a name given twice");
	len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(
						 X509_NAME_get_entry(name, i)));
	if (len < 0 || len > CERTIFICATE_NAME_MAX)
		e = malformed("a name of a wrong form");
	else
		e = keep(arena, span_of(text, (size_t)len), out);
	for (int j = 0; !failed(e) && j < len; j++)
		if (text[j] < 0x20 || text[j] == 0x7f)
			e = malformed("a control character in a name");
	OPENSSL_free(text);
	return e;
}

/* The SPKI, in the one form, and its key. */
static struct err read_key(X509_PUBKEY *pubkey, struct arena *arena,
			   struct span *spki, struct crypto_public **out)
{
	uint8_t *der = NULL;
	int len = i2d_X509_PUBKEY(pubkey, &der);
	struct crypto_public *key = NULL;
	struct err e;

	if (len <= 0)
		return malformed("no public key");
	e = crypto_public_from_spki(span_of(der, (size_t)len), &key);
	if (!failed(e))
		e = keep(arena, span_of(der, (size_t)len), spki);
	OPENSSL_free(der);
	if (failed(e)) {
		crypto_public_free(key);
		return e;
	}
	*out = key;
	return ERR_NONE;
}

static struct err read_time(const ASN1_TIME *time, uint64_t *out)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;
	bool ok = epoch && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;

	ASN1_TIME_free(epoch);
	if (!ok || days < 0 || seconds < 0)
		return malformed("a time of a wrong form");
	*out = (uint64_t)days * 86400 + (uint64_t)seconds;
	return ERR_NONE;
}

static struct err read_serial(const X509 *x, struct arena *arena,
			      struct span *out)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	struct span bytes = span_of(ASN1_STRING_get0_data(serial),
				    (size_t)ASN1_STRING_length(serial));

	if (ASN1_STRING_type(serial) != V_ASN1_INTEGER ||
	    bytes.len > SERIAL_MAX)
		return malformed("a serial negative or too long");
	while (bytes.len && !bytes.at[0])
		bytes = span_sub(bytes, 1, bytes.len);
	return keep(arena, bytes, out);
}

static struct err read_octets(const ASN1_OCTET_STRING *octets,
			      struct arena *arena, struct span *out)
{
	*out = span_of(NULL, 0);
	if (!octets)
		return ERR_NONE;
	return keep(arena,
		    span_of(ASN1_STRING_get0_data(octets),
			    (size_t)ASN1_STRING_length(octets)),
		    out);
}

static struct err read_extensions(X509 *x, struct arena *arena,
				  struct certificate_facts *out)
{
	uint32_t flags = X509_get_extension_flags(x);
	uint32_t uses;
	struct err e;

	if (flags & (EXFLAG_INVALID | EXFLAG_CRITICAL))
		return malformed("extensions wrong or unknown and critical");
	out->ca = flags & EXFLAG_CA;
	/* One that names no use is for none of ours. */
	uses = flags & EXFLAG_XKUSAGE ? X509_get_extended_key_usage(x) : 0;
	out->client = uses & XKU_SSL_CLIENT;
	out->server = uses & XKU_SSL_SERVER;
	e = read_octets(X509_get0_authority_key_id(x), arena, &out->issuer_key);
	if (!failed(e))
		e = read_octets(X509_get0_subject_key_id(x), arena,
				&out->subject_key);
	return e;
}

static struct err read_facts(X509 *x, struct span der, struct arena *arena,
			     struct certificate_facts *out)
{
	const X509_NAME *subject = X509_get_subject_name(x);
	const X509_NAME *issuer = X509_get_issuer_name(x);
	struct crypto_public *key = NULL;
	struct err e;

	e = read_key(X509_get_X509_PUBKEY(x), arena, &out->spki, &key);
	crypto_public_free(key);
	if (failed(e))
		return e;
	e = read_name(subject, NID_commonName, arena, &out->common_name);
	if (!failed(e))
		e = read_name(subject, NID_organizationName, arena,
			      &out->organization);
	if (!failed(e))
		e = read_name(issuer, NID_commonName, arena,
			      &out->issuer_common_name);
	if (!failed(e))
		e = read_name(issuer, NID_organizationName, arena,
			      &out->issuer_organization);
	if (!failed(e))
		e = read_time(X509_get0_notBefore(x), &out->not_before);
	if (!failed(e))
		e = read_time(X509_get0_notAfter(x), &out->not_after);
	if (!failed(e))
		e = read_serial(x, arena, &out->serial);
	if (!failed(e))
		e = read_extensions(x, arena, out);
	if (!failed(e))
		e = certificate_digest(der, &out->digest);
	return e;
}

struct err certificate_read(struct span der, struct arena *arena,
			    struct certificate_facts *out)
{
	struct certificate_facts facts = {0};
	X509 *x = NULL;
	struct err e = decode(der, &x);

	if (!failed(e))
		e = read_facts(x, der, arena, &facts);
	X509_free(x);
	ERR_clear_error(); /* the library notes what it only tried */
	if (!failed(e))
		*out = facts;
	return e;
}

struct err certificate_digest(struct span der, struct digest *out)
{
	return crypto_sha256(der, out);
}

/* ---- judgement ---- */

/* The path rules of RFC 5280 s.6 from `ca` to `x`, but for time, which the
 * caller hands in and judges. */
static struct err check_path(X509 *x, X509 *ca)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	struct err e = ERR_NONE;

	if (!store || !ctx || X509_STORE_add_cert(store, ca) != 1 ||
	    X509_STORE_CTX_init(ctx, store, x, NULL) != 1) {
		e = openssl_err(ERR_INTERNAL,
				"a certificate check did not begin");
		goto out;
	}
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT |
					      X509_V_FLAG_NO_CHECK_TIME);
	X509_STORE_CTX_set_depth(ctx, 0); /* no CA between */
	if (X509_verify_cert(ctx) != 1)
		e = openssl_err(ERR_UNAUTHENTICATED,
				"a certificate of another authority");
out:
	ERR_clear_error();
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return e;
}

static bool serves(const struct certificate_facts *facts,
		   enum certificate_purpose purpose)
{
	return !facts->ca &&
	       (facts->client || !(purpose & CERTIFICATE_CLIENT)) &&
	       (facts->server || !(purpose & CERTIFICATE_SERVER));
}

static bool in_time(const struct certificate_facts *facts, uint64_t now)
{
	return facts->not_before <= now && now <= facts->not_after;
}

struct err certificate_check(struct span der, struct span ca,
			     enum certificate_purpose purpose, uint64_t now)
{
	struct certificate_facts facts, ca_facts;
	X509 *x = NULL, *issuer = NULL;
	struct arena arena;
	struct err e;

	arena_init(&arena, 2 * CERTIFICATE_MAX);
	e = certificate_read(ca, &arena, &ca_facts);
	if (!failed(e))
		e = certificate_read(der, &arena, &facts);
	if (!failed(e))
		e = decode(ca, &issuer);
	if (!failed(e))
		e = decode(der, &x);
	if (failed(e))
		goto out;
	if (!ca_facts.ca || !serves(&facts, purpose)) {
		e = err_make(ERR_UNAUTHENTICATED,
			     "a certificate for another purpose");
		goto out;
	}
	e = check_path(x, issuer);
	if (!failed(e) && (!in_time(&facts, now) || !in_time(&ca_facts, now)))
		e = err_make(ERR_TIME, "a certificate out of its time");
out:
	X509_free(x);
	X509_free(issuer);
	arena_clear(&arena);
	return e;
}

/* ---- requests ---- */

static struct err read_request(X509_REQ *request, struct arena *arena,
			       struct certificate_request *out)
{
	int nid = X509_REQ_get_signature_nid(request);
	struct crypto_public *key = NULL;
	struct err e;

	if (nid != NID_ecdsa_with_SHA256 && nid != NID_ecdsa_with_SHA384)
		return malformed("a request signed otherwise than ECDSA");
	e = read_key(X509_REQ_get_X509_PUBKEY(request), arena, &out->spki,
		     &key);
	if (!failed(e))
		e = read_name(X509_REQ_get_subject_name(request),
			      NID_commonName, arena, &out->common_name);
	if (!failed(e) && X509_REQ_verify(request, ec_openssl_public(key)) != 1)
		e = openssl_err(ERR_SIGNATURE,
				"a request its key did not sign");
	crypto_public_free(key);
	return e;
}

struct err certificate_read_request(struct span der, struct arena *arena,
				    struct certificate_request *out)
{
	struct certificate_request read = {0};
	const uint8_t *at = der.at;
	X509_REQ *request;
	struct err e;

	if (der.len > CERTIFICATE_MAX)
		return err_make(ERR_TOO_LARGE, "a request too long");
	request = d2i_X509_REQ(NULL, &at, (long)der.len);
	if (!request || at != der.at + der.len)
		e = malformed("not a request");
	else
		e = read_request(request, arena, &read);
	X509_REQ_free(request);
	ERR_clear_error();
	if (!failed(e))
		*out = read;
	return e;
}
