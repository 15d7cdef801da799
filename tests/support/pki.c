/* Certificates for tests. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/support/pki.h"

enum { ROOM = 64 * 1024 };

static void begin(struct pki *p)
{
	*p = (struct pki){0};
	buf_init(&p->der, ROOM);
	buf_init(&p->pem, ROOM);
	buf_init(&p->key_pem, ROOM);
	assert_false(failed(crypto_key_generate(CRYPTO_P256, &p->key)));
	assert_false(failed(certificate_key_to_pem(p->key, &p->key_pem)));
}

static struct certificate_order order(const char *name,
				      enum certificate_purpose purpose)
{
	static uint8_t serial;
	struct certificate_order o = {
		.purpose = purpose,
		.common_name = span_str(name),
		.not_before = PKI_FROM,
		.not_after = PKI_TO,
	};

	memset(o.serial, 0x11, sizeof(o.serial));
	o.serial[CERTIFICATE_SERIAL_LEN - 1] = ++serial;
	return o;
}

void pki_ca(struct pki *out, const char *name)
{
	struct certificate_order o = order(name, CERTIFICATE_BOTH);

	o.not_after = PKI_CA_TO;
	begin(out);
	assert_false(failed(certificate_make_ca(out->key, &o, &out->der)));
	assert_false(
		failed(certificate_to_pem(buf_span(&out->der), &out->pem)));
}

static void issue(struct pki *out, const struct pki *ca,
		  const struct certificate_order *o)
{
	assert_false(
		failed(certificate_issue(ca->key, buf_span(&ca->der),
					 crypto_public_spki(
						 crypto_key_public(out->key)),
					 o, &out->der)));
	assert_false(
		failed(certificate_to_pem(buf_span(&out->der), &out->pem)));
	assert_false(failed(certificate_to_pem(buf_span(&ca->der), &out->pem)));
}

void pki_server(struct pki *out, const struct pki *ca)
{
	static const char *const names[] = {"relay.test", "127.0.0.1"};
	struct certificate_order o = order("relay", CERTIFICATE_SERVER);

	o.alt_names = names;
	o.alt_count = 2;
	begin(out);
	issue(out, ca, &o);
}

void pki_client(struct pki *out, const struct pki *ca, const char *name,
		const char *organization)
{
	struct certificate_order o = order(name, CERTIFICATE_CLIENT);

	o.organization = span_str(organization);
	begin(out);
	issue(out, ca, &o);
}

void pki_clear(struct pki *p)
{
	crypto_key_free(p->key);
	buf_clear(&p->der);
	buf_clear(&p->pem);
	buf_wipe(&p->key_pem);
}
