/* Certificates and keys as PEM (RFC 7468), with OpenSSL. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "proto/crypto/certificate.h"
#include "proto/crypto/ec_openssl.h"
#include "proto/crypto/err_openssl.h"

static struct err fault(const char *detail)
{
	return openssl_err(ERR_INTERNAL, detail);
}

/* Append what was written to a memory BIO. */
static struct err take(BIO *bio, struct buf *out)
{
	char *at = NULL;
	long len = BIO_get_mem_data(bio, &at);

	buf_put(out, span_of(at, len > 0 ? (size_t)len : 0));
	return buf_check(out);
}

/* A BIO over foreign text, with its cap. */
static struct err over(struct span pem, BIO **out)
{
	if (pem.len > CERTIFICATE_PEM_MAX)
		return err_make(ERR_TOO_LARGE, "PEM too long");
	*out = pem.len ? BIO_new_mem_buf(pem.at, (int)pem.len) : NULL;
	if (!*out)
		return openssl_err(ERR_MALFORMED, "no PEM");
	return ERR_NONE;
}

struct err certificate_to_pem(struct span der, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct err e;

	if (!bio ||
	    PEM_write_bio(bio, PEM_STRING_X509, "", der.at, (long)der.len) <= 0)
		e = fault("PEM did not write");
	else
		e = take(bio, out);
	BIO_free(bio);
	return e;
}

struct err certificate_from_pem(struct span pem, struct buf *out)
{
	uint8_t *der = NULL;
	X509 *x = NULL;
	BIO *bio = NULL;
	struct err e = over(pem, &bio);
	int len;

	if (failed(e))
		return e;
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	len = x ? i2d_X509(x, &der) : -1;
	if (len <= 0) {
		e = openssl_err(ERR_MALFORMED, "no certificate in PEM");
	} else {
		buf_put(out, span_of(der, (size_t)len));
		e = buf_check(out);
	}
	ERR_clear_error();
	OPENSSL_free(der);
	X509_free(x);
	BIO_free(bio);
	return e;
}

struct err certificate_key_to_pem(const struct crypto_key *key, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
	struct err e;

	if (!bio ||
	    PEM_write_bio_PKCS8PrivateKey(bio, ec_openssl_private(key), NULL,
					  NULL, 0, NULL, NULL) != 1)
		e = fault("PEM did not write");
	else
		e = take(bio, out);
	BIO_free(bio);
	return e;
}

/* An encrypted key is refused, and nobody asked for a passphrase. */
static int no_passphrase(char *out, int len, int writing, void *self)
{
	return -1;
}

struct err certificate_key_from_pem(struct span pem, struct crypto_key **out)
{
	EVP_PKEY *pkey = NULL;
	BIO *bio = NULL;
	struct err e = over(pem, &bio);

	if (failed(e))
		return e;
	pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	if (!pkey)
		e = openssl_err(ERR_MALFORMED, "no private key in PEM");
	else
		e = ec_openssl_import(pkey, out);
	ERR_clear_error();
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	return e;
}
