/*
 * Certificates for tests, made in memory: a CA, and what it issues.
 */
#ifndef TESTS_SUPPORT_PKI_H
#define TESTS_SUPPORT_PKI_H

#include "proto/crypto/certificate.h"

/* A key with its certificate; PEM of both. Clear with pki_clear. */
struct pki {
	struct crypto_key *key;
	struct buf der; /* the certificate */
	struct buf pem; /* the certificate, then the CA's where it has one */
	struct buf key_pem;
};

enum {
	PKI_FROM = 1700000000,	/* every certificate's first second */
	PKI_NOW = 1710000000,	/* a time within */
	PKI_TO = 1720000000,	/* the last, */
	PKI_CA_TO = 1900000000, /* and that of a CA */
};

/* Each asserts that it succeeds. */
void pki_ca(struct pki *out, const char *name);
/* A server for "relay.test" and 127.0.0.1. */
void pki_server(struct pki *out, const struct pki *ca);
void pki_client(struct pki *out, const struct pki *ca, const char *name,
		const char *organization);
void pki_clear(struct pki *p);

#endif
