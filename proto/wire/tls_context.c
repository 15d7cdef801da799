/* TLS contexts: certificates, keys, roots and the rules of verification. */
#define _GNU_SOURCE /* memmem */
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "proto/crypto/crypto.h"
#include "proto/wire/tls_context.h"

enum { CHAIN_DEPTH = 3, ROOTS_MAX = 256, DER_MAX = 64 * 1024 };

static const uint8_t alpn_h2[] = {2, 'h', '2'};

static bool is_pem(struct span s)
{
	return s.len && memmem(s.at, s.len, "-----BEGIN", 10);
}

/* No passphrases: a key that needs one is not ours to open. */
static int no_password(char *buf, int size, int writing, void *arg)
{
	return 0;
}

/* Give each certificate of `text` to `take`, which owns it if true. */
static struct err each_certificate(struct span text,
				   bool (*take)(void *arg, size_t i, X509 *x),
				   void *arg)
{
	const uint8_t *at = text.at;
	BIO *bio = NULL;
	X509 *x = NULL;
	size_t count = 0;
	struct err e = err_make(ERR_MALFORMED, "a certificate cannot be read");

	if (text.len == 0 || text.len > 4u * 1024 * 1024)
		return e;
	if (!is_pem(text)) {
		x = d2i_X509(NULL, &at, (long)text.len);
		if (x && at == text.at + text.len && take(arg, 0, x))
			return ERR_NONE;
		X509_free(x);
		return e;
	}
	bio = BIO_new_mem_buf(text.at, (int)text.len);
	if (!bio)
		return err_make(ERR_NO_MEMORY, "reading a certificate");
	while (count < ROOTS_MAX &&
	       (x = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
		if (!take(arg, count++, x)) {
			X509_free(x);
			goto out;
		}
	}
	/* The loop ends at the end of the text, and nowhere before. */
	if (count && count < ROOTS_MAX &&
	    ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
		e = ERR_NONE;
out:
	BIO_free(bio);
	ERR_clear_error();
	return e;
}

static bool take_own(void *arg, size_t i, X509 *x)
{
	SSL_CTX *ctx = arg;

	if (i > CHAIN_DEPTH)
		return false;
	if (i > 0)
		return SSL_CTX_add0_chain_cert(ctx, x) == 1;
	if (SSL_CTX_use_certificate(ctx, x) != 1)
		return false;
	X509_free(x);
	return true;
}

struct roots {
	SSL_CTX *ctx;
	bool server;
};

static bool take_root(void *arg, size_t i, X509 *x)
{
	struct roots *roots = arg;

	if (X509_STORE_add_cert(SSL_CTX_get_cert_store(roots->ctx), x) != 1)
		return false;
	/* The names that a CertificateRequest lists. */
	if (roots->server && SSL_CTX_add_client_CA(roots->ctx, x) != 1)
		return false;
	X509_free(x);
	return true;
}

static struct err use_key(SSL_CTX *ctx, struct span key)
{
	const uint8_t *at = key.at;
	EVP_PKEY *pkey = NULL;
	BIO *bio = NULL;
	struct err e = err_make(ERR_MALFORMED, "a private key cannot be read");

	if (key.len == 0 || key.len > DER_MAX)
		return e;
	if (is_pem(key)) {
		bio = BIO_new_mem_buf(key.at, (int)key.len);
		if (bio)
			pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password,
						       NULL);
	} else {
		pkey = d2i_AutoPrivateKey(NULL, &at, (long)key.len);
	}
	if (!pkey)
		goto out;
	e = err_make(ERR_USAGE, "the key is not that of the certificate");
	if (SSL_CTX_use_PrivateKey(ctx, pkey) == 1 &&
	    SSL_CTX_check_private_key(ctx) == 1)
		e = ERR_NONE;
out:
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return e;
}

/* ALPN h2 or nothing (RFC 7301 s.3.2). */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		   const unsigned char *in, unsigned in_len, void *arg)
{
	if (SSL_select_next_proto((unsigned char **)out, out_len, alpn_h2,
				  sizeof(alpn_h2), in,
				  in_len) == OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* A client certificate that ended within the time of grace is taken. */
static int on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_verify *verify = SSL_get_app_data(ssl);
	const X509 *x = X509_STORE_CTX_get_current_cert(store);
	time_t then;

	if (ok ||
	    X509_STORE_CTX_get_error(store) != X509_V_ERR_CERT_HAS_EXPIRED ||
	    X509_STORE_CTX_get_error_depth(store) != 0 || !x ||
	    verify->context->client_grace_s == 0 ||
	    verify->context->client_grace_s > verify->now_s)
		return ok;
	then = (time_t)(verify->now_s - verify->context->client_grace_s);
	if (X509_cmp_time(X509_get0_notAfter(x), &then) != 1)
		return 0;
	verify->expired = true;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* TLS_CLIENT_ANY: the handshake proves the key, and that is all. */
static int on_verify_any(X509_STORE_CTX *store, void *arg)
{
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* The CA that a digest names, out of the chain that the server sent. */
static int on_verify_digest(X509_STORE_CTX *store, void *arg)
{
	const struct tls_context *context = arg;
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(store);
	STACK_OF(X509) *trusted = sk_X509_new_null();
	int ok = 0;

	for (int i = 0; trusted && i < sk_X509_num(chain); i++) {
		X509 *x = sk_X509_value(chain, i);
		struct digest d;

		if (X509_digest(x, EVP_sha256(), d.at, NULL) == 1 &&
		    digest_eq(d, context->root_digest))
			sk_X509_push(trusted, x);
	}
	if (!trusted || sk_X509_num(trusted) == 0) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
		goto out;
	}
	X509_STORE_CTX_set0_trusted_stack(store, trusted);
	ok = X509_verify_cert(store) == 1;
out:
	sk_X509_free(trusted);
	return ok;
}

static bool set_rules(SSL_CTX *ctx)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_CLEANSE_PLAINTEXT);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* 128 bits: no SHA-1, no RSA below 3072. */
	SSL_CTX_set_security_level(ctx, 3);
	SSL_CTX_set_max_cert_list(ctx, TLS_CHAIN_BYTES_MAX);
	SSL_CTX_set_verify_depth(ctx, CHAIN_DEPTH);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT |
						   X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_hostflags(
		param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
			       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_num_tickets(ctx, 0) == 1 &&
	       SSL_CTX_set_max_early_data(ctx, 0) == 1 &&
	       SSL_CTX_set_recv_max_early_data(ctx, 0) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, "TLS_AES_256_GCM_SHA384:"
					     "TLS_CHACHA20_POLY1305_SHA256:"
					     "TLS_AES_128_GCM_SHA256") == 1 &&
	       SSL_CTX_set1_groups_list(ctx, "P-256:X25519:P-384") == 1;
}

static struct err load(struct tls_context *c, const struct tls_config *config)
{
	struct roots roots = {c->ssl_ctx, c->server};
	struct err e = ERR_NONE;

	if (config->certificate.len) {
		e = each_certificate(config->certificate, take_own, c->ssl_ctx);
		if (!failed(e))
			e = use_key(c->ssl_ctx, config->key);
	} else if (c->server) {
		e = err_make(ERR_USAGE, "a server needs a certificate");
	}
	if (!failed(e) && config->roots.len)
		e = each_certificate(config->roots, take_root, &roots);
	return e;
}

static struct err set_client_auth(SSL_CTX *ctx, const struct tls_config *config)
{
	int mode = SSL_VERIFY_PEER;

	switch (config->client) {
	case TLS_CLIENT_NONE:
		SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
		return ERR_NONE;
	case TLS_CLIENT_ANY:
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_cert_verify_callback(ctx, on_verify_any, NULL);
		return ERR_NONE;
	case TLS_CLIENT_REQUIRED:
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
		break;
	case TLS_CLIENT_OPTIONAL:
		break;
	}
	if (!config->roots.len)
		return err_make(ERR_USAGE, "client certificates without roots");
	SSL_CTX_set_verify(ctx, mode, on_verify);
	return ERR_NONE;
}

static struct err set_client_side(struct tls_context *c,
				  const struct tls_config *config)
{
	SSL_CTX *ctx = c->ssl_ctx;

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (SSL_CTX_set_alpn_protos(ctx, alpn_h2, sizeof(alpn_h2)) != 0)
		return err_make(ERR_NO_MEMORY, "ALPN");
	if (config->root_digest) {
		c->by_digest = true;
		c->root_digest = *config->root_digest;
		SSL_CTX_set_cert_verify_callback(ctx, on_verify_digest, c);
	} else if (!config->roots.len) {
		return err_make(ERR_USAGE, "a client needs a pinned CA");
	}
	return ERR_NONE;
}

static struct err context_new(const struct tls_config *config, bool server,
			      struct tls_context **out)
{
	struct tls_context *c = calloc(1, sizeof(*c));
	struct err e;

	if (!c)
		return err_make(ERR_NO_MEMORY, "a TLS context");
	ERR_clear_error();
	c->holders = 1;
	c->server = server;
	c->client_grace_s = config->client_grace_s;
	c->ssl_ctx =
		SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	e = err_make(ERR_INTERNAL, "TLS rules are refused by the library");
	if (!c->ssl_ctx || !set_rules(c->ssl_ctx))
		goto out;
	e = load(c, config);
	if (failed(e))
		goto out;
	if (server) {
		SSL_CTX_set_alpn_select_cb(c->ssl_ctx, on_alpn, NULL);
		e = set_client_auth(c->ssl_ctx, config);
	} else {
		e = set_client_side(c, config);
	}
	if (failed(e))
		goto out;
	*out = c;
	c = NULL;
out:
	tls_context_free(c); /* does nothing after success */
	ERR_clear_error();
	return e;
}

struct err tls_context_new_server(const struct tls_config *config,
				  struct tls_context **out)
{
	return context_new(config, true, out);
}

struct err tls_context_new_client(const struct tls_config *config,
				  struct tls_context **out)
{
	return context_new(config, false, out);
}

struct tls_context *tls_context_hold(struct tls_context *context)
{
	context->holders++;
	return context;
}

void tls_context_free(struct tls_context *context)
{
	if (!context || --context->holders)
		return;
	SSL_CTX_free(context->ssl_ctx);
	BIO_meth_free(context->bio_method); /* made by the first session */
	free(context);
}
