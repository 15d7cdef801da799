/*
 * Certificates and requests, made with OpenSSL (RFC 5280, RFC 2986).
 *
 * Extensions are built as values, never from configuration text, so that no
 * name can smuggle in a second one.
 */
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "proto/crypto/certificate.h"
#include "proto/crypto/ec_openssl.h"
#include "proto/crypto/err_openssl.h"

/* The last second of the year 9999: what a GeneralizedTime can say. */
#define TIME_MAX UINT64_C(253402300799)
enum { KEY_IDENTIFIER_LEN = 20, DNS_NAME_MAX = 253 };
enum { USE_DIGITAL_SIGNATURE = 0, USE_CERT_SIGN = 5, USE_CRL_SIGN = 6 };

static struct err fault(const char *detail)
{
	return openssl_err(ERR_INTERNAL, detail);
}

/* ES256 and ES384: the hash goes with the curve. */
static const EVP_MD *md_for(const struct crypto_key *key)
{
	return crypto_key_curve(key) == CRYPTO_P256 ? EVP_sha256()
						    : EVP_sha384();
}

/* ---- names and times ---- */

static struct err name_add(X509_NAME *name, int nid, struct span text)
{
	if (!text.len || text.len > CERTIFICATE_NAME_MAX)
		return err_make(ERR_MALFORMED, "a name empty or too long");
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < 0x20 || text.at[i] == 0x7f)
			return err_make(ERR_MALFORMED, "a control character");
	if (X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, text.at,
				       (int)text.len, -1, 0) != 1)
		return openssl_err(ERR_MALFORMED, "a name that is not UTF-8");
	return ERR_NONE;
}

static struct err set_subject(X509 *x, const struct certificate_order *order)
{
	X509_NAME *name = X509_NAME_new();
	struct err e = ERR_NONE;

	if (!name)
		e = fault("no memory for a name");
	if (!failed(e) && order->organization.len)
		e = name_add(name, NID_organizationName, order->organization);
	if (!failed(e))
		e = name_add(name, NID_commonName, order->common_name);
	if (!failed(e) && X509_set_subject_name(x, name) != 1)
		e = fault("a subject did not set");
	X509_NAME_free(name);
	return e;
}

static struct err set_times(X509 *x, const struct certificate_order *order)
{
	if (order->not_before > order->not_after || order->not_after > TIME_MAX)
		return err_make(ERR_MALFORMED, "a certificate's times");
	if (!ASN1_TIME_set(X509_getm_notBefore(x), (time_t)order->not_before) ||
	    !ASN1_TIME_set(X509_getm_notAfter(x), (time_t)order->not_after))
		return fault("a time did not set");
	return ERR_NONE;
}

/* RFC 5280 s.4.1.2.2: positive, at most 20 bytes. */
static struct err set_serial(X509 *x, const struct certificate_order *order)
{
	uint8_t serial[CERTIFICATE_SERIAL_LEN];
	BIGNUM *number;
	struct err e = ERR_NONE;

	memcpy(serial, order->serial, sizeof(serial));
	serial[0] &= 0x7f;
	number = BN_bin2bn(serial, sizeof(serial), NULL);
	if (!number)
		e = fault("no memory for a serial");
	else if (BN_is_zero(number))
		e = err_make(ERR_MALFORMED, "a serial of zeros");
	else if (!BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)))
		e = fault("a serial did not set");
	BN_free(number);
	return e;
}

/* ---- extensions ---- */

static struct err ext_add(X509 *x, int nid, void *value, bool critical)
{
	if (!value ||
	    X509_add1_ext_i2d(x, nid, value, critical, X509V3_ADD_DEFAULT) != 1)
		return fault("an extension did not set");
	return ERR_NONE;
}

static struct err add_basic(X509 *x, bool ca)
{
	BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
	struct err e;

	if (basic && ca) {
		basic->ca = 0xff;		     /* DER's TRUE */
		basic->pathlen = ASN1_INTEGER_new(); /* 0: no CA below */
	}
	if (basic && ca && !basic->pathlen)
		e = fault("no memory for an extension");
	else
		e = ext_add(x, NID_basic_constraints, basic, true);
	BASIC_CONSTRAINTS_free(basic);
	return e;
}

static struct err add_usage(X509 *x, bool ca)
{
	ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
	bool ok = bits != NULL;
	struct err e;

	if (ok && ca)
		ok = ASN1_BIT_STRING_set_bit(bits, USE_CERT_SIGN, 1) &&
		     ASN1_BIT_STRING_set_bit(bits, USE_CRL_SIGN, 1);
	else if (ok)
		ok = ASN1_BIT_STRING_set_bit(bits, USE_DIGITAL_SIGNATURE, 1);
	e = ok ? ext_add(x, NID_key_usage, bits, true)
	       : fault("no memory for an extension");
	ASN1_BIT_STRING_free(bits);
	return e;
}

static struct err add_purpose(X509 *x, enum certificate_purpose purpose)
{
	EXTENDED_KEY_USAGE *uses = EXTENDED_KEY_USAGE_new();
	bool ok = uses != NULL;
	struct err e;

	/* The objects are the library's own and static: no copy, no free. */
	if (ok && purpose & CERTIFICATE_SERVER)
		ok = sk_ASN1_OBJECT_push(uses, OBJ_nid2obj(NID_server_auth)) >
		     0;
	if (ok && purpose & CERTIFICATE_CLIENT)
		ok = sk_ASN1_OBJECT_push(uses, OBJ_nid2obj(NID_client_auth)) >
		     0;
	e = ok ? ext_add(x, NID_ext_key_usage, uses, false)
	       : fault("no memory for an extension");
	EXTENDED_KEY_USAGE_free(uses);
	return e;
}

/* RFC 7093 s.2 method 1: the first 160 bits of SHA-256 over the point. */
static struct err key_identifier(const struct crypto_public *key,
				 ASN1_OCTET_STRING **out)
{
	struct key_id id = crypto_public_point_id(key);

	*out = ASN1_OCTET_STRING_new();
	if (!*out ||
	    ASN1_OCTET_STRING_set(*out, id.at, KEY_IDENTIFIER_LEN) != 1)
		return fault("no memory for a key identifier");
	return ERR_NONE;
}

static struct err add_key_ids(X509 *x, const struct crypto_public *subject,
			      const struct crypto_public *issuer)
{
	AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
	ASN1_OCTET_STRING *id = NULL;
	struct err e;

	e = key_identifier(subject, &id);
	if (!failed(e))
		e = ext_add(x, NID_subject_key_identifier, id, false);
	if (!failed(e) && !authority)
		e = fault("no memory for an extension");
	if (!failed(e))
		e = key_identifier(issuer, &authority->keyid);
	if (!failed(e))
		e = ext_add(x, NID_authority_key_identifier, authority, false);
	ASN1_OCTET_STRING_free(id);
	AUTHORITY_KEYID_free(authority);
	return e;
}

/* Letters, digits, hyphens and dots; a name of a host, nothing else. */
static bool is_dns_name(const char *text)
{
	size_t len = strlen(text);

	if (!len || len > DNS_NAME_MAX || text[0] == '.' || text[0] == '-')
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") == len;
}

static struct err alt_name(const char *text, GENERAL_NAME **out)
{
	ASN1_OCTET_STRING *address = a2i_IPADDRESS(text);
	ASN1_IA5STRING *dns = NULL;
	GENERAL_NAME *name = GENERAL_NAME_new();
	struct err e = ERR_NONE;

	if (!name) {
		e = fault("no memory for a name");
	} else if (address) {
		GENERAL_NAME_set0_value(name, GEN_IPADD, address);
		address = NULL;
	} else if (!is_dns_name(text)) {
		e = err_make(ERR_MALFORMED, "no host name and no address");
	} else {
		dns = ASN1_IA5STRING_new();
		if (!dns || ASN1_STRING_set(dns, text, -1) != 1)
			e = fault("no memory for a name");
	}
	if (!failed(e) && dns) {
		GENERAL_NAME_set0_value(name, GEN_DNS, dns);
		dns = NULL;
	}
	if (!failed(e)) {
		*out = name;
		name = NULL;
	}
	ERR_clear_error(); /* a2i_IPADDRESS complains of every host name */
	ASN1_OCTET_STRING_free(address);
	ASN1_IA5STRING_free(dns);
	GENERAL_NAME_free(name);
	return e;
}

static struct err add_alt_names(X509 *x, const struct certificate_order *order)
{
	GENERAL_NAMES *names;
	struct err e = ERR_NONE;

	if (order->alt_count > CERTIFICATE_ALT_MAX)
		return err_make(ERR_TOO_LARGE, "too many alternative names");
	if (!order->alt_count)
		return order->purpose & CERTIFICATE_SERVER
			       ? err_make(ERR_MALFORMED,
					  "a server without a name")
			       : ERR_NONE;
	names = GENERAL_NAMES_new();
	for (size_t i = 0; names && !failed(e) && i < order->alt_count; i++) {
		GENERAL_NAME *name = NULL;

		e = alt_name(order->alt_names[i], &name);
		if (!failed(e) && sk_GENERAL_NAME_push(names, name) <= 0) {
			GENERAL_NAME_free(name);
			e = fault("no memory for a name");
		}
	}
	if (!failed(e))
		e = ext_add(x, NID_subject_alt_name, names, false);
	GENERAL_NAMES_free(names);
	return e;
}

/* ---- certificates ---- */

static struct err append(uint8_t *der, int len, struct buf *out)
{
	if (len <= 0)
		return fault("DER did not encode");
	buf_put(out, span_of(der, (size_t)len));
	return buf_check(out);
}

/* Subject, times, serial and key: what both kinds have. */
static struct err begin(const struct certificate_order *order,
			const struct crypto_public *subject, X509 **out)
{
	X509 *x = X509_new();
	struct err e = ERR_NONE;

	if (!x || X509_set_version(x, X509_VERSION_3) != 1 ||
	    X509_set_pubkey(x, ec_openssl_public(subject)) != 1)
		e = fault("a certificate did not begin");
	if (!failed(e))
		e = set_subject(x, order);
	if (!failed(e))
		e = set_times(x, order);
	if (!failed(e))
		e = set_serial(x, order);
	if (failed(e)) {
		X509_free(x);
		return e;
	}
	*out = x;
	return ERR_NONE;
}

static struct err finish(X509 *x, const struct crypto_key *key, struct buf *out)
{
	uint8_t *der = NULL;
	struct err e;
	int len;

	if (X509_sign(x, ec_openssl_private(key), md_for(key)) <= 0)
		return fault("a certificate did not sign");
	len = i2d_X509(x, &der);
	e = append(der, len, out);
	OPENSSL_free(der);
	return e;
}

struct err certificate_make_ca(const struct crypto_key *key,
			       const struct certificate_order *order,
			       struct buf *out)
{
	const struct crypto_public *public = crypto_key_public(key);
	X509 *x = NULL;
	struct err e = begin(order, public, &x);

	if (!failed(e) &&
	    X509_set_issuer_name(x, X509_get_subject_name(x)) != 1)
		e = fault("an issuer did not set");
	if (!failed(e))
		e = add_basic(x, true);
	if (!failed(e))
		e = add_usage(x, true);
	if (!failed(e))
		e = add_key_ids(x, public, public);
	if (!failed(e))
		e = finish(x, key, out);
	X509_free(x);
	return e;
}

/* The CA's certificate, if it is one and of this key. */
static struct err ca_of(struct span der, const struct crypto_key *key,
			X509 **out)
{
	const struct crypto_public *public = crypto_key_public(key);
	struct certificate_facts facts;
	struct arena arena;
	const uint8_t *at = der.at;
	struct err e;

	arena_init(&arena, CERTIFICATE_MAX);
	e = certificate_read(der, &arena, &facts);
	if (!failed(e) &&
	    (!facts.ca || !span_eq(facts.spki, crypto_public_spki(public))))
		e = err_make(ERR_UNAUTHENTICATED, "not the CA of this key");
	if (!failed(e)) {
		*out = d2i_X509(NULL, &at, (long)der.len);
		if (!*out)
			e = fault("a CA did not decode twice");
	}
	arena_clear(&arena);
	return e;
}

struct err certificate_issue(const struct crypto_key *ca_key, struct span ca,
			     struct span spki,
			     const struct certificate_order *order,
			     struct buf *out)
{
	struct crypto_public *subject = NULL;
	X509 *issuer = NULL, *x = NULL;
	struct err e;

	if (!(order->purpose & CERTIFICATE_BOTH))
		return err_make(ERR_MALFORMED, "a certificate for no purpose");
	e = ca_of(ca, ca_key, &issuer);
	if (!failed(e))
		e = crypto_public_from_spki(spki, &subject);
	if (!failed(e))
		e = begin(order, subject, &x);
	if (!failed(e) &&
	    X509_set_issuer_name(x, X509_get_subject_name(issuer)) != 1)
		e = fault("an issuer did not set");
	if (!failed(e))
		e = add_basic(x, false);
	if (!failed(e))
		e = add_usage(x, false);
	if (!failed(e))
		e = add_purpose(x, order->purpose);
	if (!failed(e))
		e = add_alt_names(x, order);
	if (!failed(e))
		e = add_key_ids(x, subject, crypto_key_public(ca_key));
	if (!failed(e))
		e = finish(x, ca_key, out);
	X509_free(x);
	X509_free(issuer);
	crypto_public_free(subject);
	return e;
}

/* ---- requests ---- */

struct err certificate_make_request(const struct crypto_key *key,
				    struct span common_name, struct buf *out)
{
	X509_REQ *request = X509_REQ_new();
	X509_NAME *name = X509_NAME_new();
	uint8_t *der = NULL;
	struct err e;
	int len;

	if (!request || !name ||
	    X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
	    X509_REQ_set_pubkey(request, ec_openssl_private(key)) != 1) {
		e = fault("a request did not begin");
		goto out;
	}
	e = name_add(name, NID_commonName, common_name);
	if (failed(e))
		goto out;
	if (X509_REQ_set_subject_name(request, name) != 1 ||
	    X509_REQ_sign(request, ec_openssl_private(key), md_for(key)) <= 0) {
		e = fault("a request did not sign");
		goto out;
	}
	len = i2d_X509_REQ(request, &der);
	e = append(der, len, out);
out:
	OPENSSL_free(der);
	X509_NAME_free(name);
	X509_REQ_free(request);
	return e;
}
