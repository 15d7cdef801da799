/* TLS 1.3 sessions over two queues. */
#include <assert.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "proto/wire/queue.h"
#include "proto/wire/tls.h"
#include "proto/wire/tls_context.h"

enum {
	RECORD_ROOM = TLS_RECORD_MAX + 256, /* a record with its overhead */
	/* Beyond TLS_OUT_MAX only what the library says of itself: alerts,
	 * key updates, handshake messages. */
	OUT_SLACK = 64 * 1024,
	SERVER_NAME_MAX = 255,
};

struct tls {
	struct tls_context *context;
	SSL *ssl;
	enum tls_state state;
	struct err why; /* of TLS_FAILED */
	bool close_sent;
	struct tls_verify verify;
	struct queue in, out;
	uint8_t *peer, *root; /* DER */
	size_t peer_len, root_len;
	uint8_t plain[TLS_RECORD_MAX];
};

/* ---- the BIO: OpenSSL's view of the queues ---- */

static int bio_read(BIO *bio, char *out, size_t len, size_t *done)
{
	struct tls *t = BIO_get_data(bio);
	struct span have = queue_span(&t->in);

	BIO_clear_retry_flags(bio);
	if (have.len == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	*done = len < have.len ? len : have.len;
	memcpy(out, have.at, *done);
	queue_drop(&t->in, *done);
	return 1;
}

static int bio_write(BIO *bio, const char *in, size_t len, size_t *done)
{
	struct tls *t = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (!queue_put(&t->out, span_of(in, len)))
		return 0;
	*done = len;
	return 1;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *arg)
{
	return cmd == BIO_CTRL_FLUSH;
}

static BIO *bio_new(struct tls *t)
{
	BIO_METHOD *m = t->context->bio_method;
	BIO *bio;

	if (!m) {
		m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "queues");
		if (!m)
			return NULL;
		BIO_meth_set_read_ex(m, bio_read);
		BIO_meth_set_write_ex(m, bio_write);
		BIO_meth_set_ctrl(m, bio_ctrl);
		t->context->bio_method = m;
	}
	bio = BIO_new(m);
	if (bio) {
		BIO_set_data(bio, t);
		BIO_set_init(bio, 1);
	}
	return bio;
}

/* ---- states and errors ---- */

static void tls_enter(struct tls *t, enum tls_state next)
{
	switch (next) {
	case TLS_HANDSHAKE:
		assert(!"a session begins once");
		break;
	case TLS_OPEN:
		assert(t->state == TLS_HANDSHAKE);
		break;
	case TLS_PEER_CLOSED:
		assert(t->state == TLS_OPEN || t->state == TLS_HANDSHAKE);
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
		assert(t->state != TLS_CLOSED && t->state != TLS_FAILED);
		break;
	}
	t->state = next;
}

static struct err fail(struct tls *t, struct err why)
{
	if (t->state == TLS_CLOSED)
		return why;
	if (t->state != TLS_FAILED) {
		t->why = why;
		tls_enter(t, TLS_FAILED);
	}
	return t->why;
}

static struct err reason(const struct tls *t, unsigned long code)
{
	long verify = SSL_get_verify_result(t->ssl);

	switch (ERR_GET_REASON(code)) {
	case SSL_R_CERTIFICATE_VERIFY_FAILED:
		/* The library's texts are static. */
		return err_make(ERR_UNAUTHENTICATED,
				X509_verify_cert_error_string(verify));
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return err_make(ERR_UNAUTHENTICATED,
				"the peer showed no certificate");
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
	case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
		return err_make(ERR_UNAUTHENTICATED,
				"the peer refused our certificate");
	case SSL_R_EE_KEY_TOO_SMALL:
	case SSL_R_CA_KEY_TOO_SMALL:
	case SSL_R_CA_MD_TOO_WEAK:
		return err_make(ERR_UNAUTHENTICATED,
				"a certificate with a weak key or digest");
	case SSL_R_NO_APPLICATION_PROTOCOL:
	case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
	case SSL_R_BAD_EXTENSION:
		return err_make(ERR_UNSUPPORTED, "no ALPN h2");
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
	case SSL_R_VERSION_TOO_LOW:
		return err_make(ERR_UNSUPPORTED, "TLS 1.3 only");
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
		return err_make(ERR_UNSUPPORTED, "no common suite or group");
	case SSL_R_EXCESSIVE_MESSAGE_SIZE:
		return err_make(ERR_TOO_LARGE, "a handshake message too large");
	default:
		return err_make(ERR_MALFORMED, "the peer breaks TLS");
	}
}

/* What a library call that did not succeed means. */
static struct err judge(struct tls *t, int ret)
{
	switch (SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		return ERR_NONE;
	case SSL_ERROR_ZERO_RETURN:
		if (t->state == TLS_OPEN || t->state == TLS_HANDSHAKE)
			tls_enter(t,
				  t->close_sent ? TLS_CLOSED : TLS_PEER_CLOSED);
		return ERR_NONE;
	case SSL_ERROR_SSL:
		return fail(t, reason(t, ERR_peek_error()));
	default:
		return fail(t,
			    err_make(ERR_INTERNAL, "the TLS library failed"));
	}
}

/* ---- handshake ---- */

/* The trusted end of the chain that was verified. */
static struct err keep_root(struct tls *t)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(t->ssl);
	int count = chain ? sk_X509_num(chain) : 0;
	int len;

	if (!t->context->by_digest || count == 0)
		return ERR_NONE;
	len = i2d_X509(sk_X509_value(chain, count - 1), &t->root);
	if (len <= 0)
		return err_make(ERR_NO_MEMORY, "a CA's certificate");
	t->root_len = (size_t)len;
	return ERR_NONE;
}

static struct err keep_peer(struct tls *t)
{
	X509 *x = SSL_get0_peer_certificate(t->ssl);
	int len;

	if (!x)
		return ERR_NONE;
	len = i2d_X509(x, &t->peer);
	if (len <= 0)
		return err_make(ERR_NO_MEMORY, "a peer's certificate");
	t->peer_len = (size_t)len;
	return ERR_NONE;
}

static struct err handshake(struct tls *t)
{
	const unsigned char *alpn;
	unsigned len;
	struct err e;
	int ret;

	ERR_clear_error();
	ret = SSL_do_handshake(t->ssl);
	if (ret != 1)
		return judge(t, ret);
	/* A client that sends no ALPN meets no callback. */
	SSL_get0_alpn_selected(t->ssl, &alpn, &len);
	if (len != 2 || memcmp(alpn, "h2", 2) != 0)
		return fail(t, err_make(ERR_UNSUPPORTED, "no ALPN h2"));
	e = keep_peer(t);
	if (!failed(e))
		e = keep_root(t);
	if (failed(e))
		return fail(t, e);
	tls_enter(t, TLS_OPEN);
	return ERR_NONE;
}

/* ---- public ---- */

static struct err tls_new(struct tls_context *context, uint64_t now_s,
			  struct tls **out)
{
	struct tls *t = calloc(1, sizeof(*t));
	struct err e = err_make(ERR_NO_MEMORY, "a TLS session");
	BIO *bio;

	if (!t)
		return e;
	t->context = tls_context_hold(context);
	t->verify = (struct tls_verify){context, now_s, false};
	queue_init(&t->in, TLS_IN_MAX);
	queue_init(&t->out, TLS_OUT_MAX + OUT_SLACK);
	t->ssl = SSL_new(context->ssl_ctx);
	bio = bio_new(t);
	if (!t->ssl || !bio) {
		BIO_free(bio);
		goto out;
	}
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_app_data(t->ssl, &t->verify);
	X509_VERIFY_PARAM_set_time(SSL_get0_param(t->ssl), (time_t)now_s);
	*out = t;
	t = NULL;
	e = ERR_NONE;
out:
	tls_free(t); /* does nothing after success */
	return e;
}

struct err tls_new_server(struct tls_context *context, uint64_t now_s,
			  struct tls **out)
{
	struct tls *t;
	struct err e;

	assert(context->server);
	e = tls_new(context, now_s, &t);
	if (failed(e))
		return e;
	SSL_set_accept_state(t->ssl);
	*out = t;
	return ERR_NONE;
}

/* The name or address that the server's certificate must carry. */
static bool expect_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return true; /* RFC 6066 s.3: no SNI for addresses */
	return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
	       SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct err tls_new_client(struct tls_context *context, const char *server_name,
			  uint64_t now_s, struct tls **out)
{
	struct tls *t = NULL;
	struct err e;

	assert(!context->server);
	if (server_name &&
	    (!*server_name || strlen(server_name) > SERVER_NAME_MAX))
		return err_make(ERR_USAGE,
				"a server name of no or many letters");
	e = tls_new(context, now_s, &t);
	if (failed(e))
		return e;
	ERR_clear_error();
	e = err_make(ERR_USAGE, "no name for a server");
	if (server_name && !expect_name(t->ssl, server_name))
		goto out;
	SSL_set_connect_state(t->ssl);
	e = handshake(t);
	if (failed(e))
		goto out;
	*out = t;
	t = NULL;
out:
	tls_free(t); /* does nothing after success */
	ERR_clear_error();
	return e;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	queue_clear(&t->in);
	queue_clear(&t->out);
	OPENSSL_free(t->peer);
	OPENSSL_free(t->root);
	tls_context_free(t->context);
	wipe(t, sizeof(*t));
	free(t);
}

struct err tls_recv(struct tls *t, struct span cipher)
{
	if (t->state == TLS_FAILED)
		return t->why;
	if (t->state == TLS_CLOSED || t->state == TLS_PEER_CLOSED)
		return ERR_NONE; /* RFC 8446 s.6.1: ignored after close */
	if (!queue_put(&t->in, cipher))
		return fail(t, err_make(ERR_TOO_LARGE, "cipher bytes unread"));
	return t->state == TLS_HANDSHAKE ? handshake(t) : ERR_NONE;
}

struct err tls_read(struct tls *t, struct span *plain)
{
	size_t len = 0;
	int ret;

	*plain = span_of(NULL, 0);
	if (t->state == TLS_FAILED)
		return t->why;
	if (t->state != TLS_OPEN)
		return ERR_NONE;
	ERR_clear_error();
	ret = SSL_read_ex(t->ssl, t->plain, sizeof(t->plain), &len);
	if (ret != 1)
		return judge(t, ret);
	*plain = span_of(t->plain, len);
	return ERR_NONE;
}

struct err tls_write(struct tls *t, struct span plain, size_t *taken)
{
	size_t at = 0;

	*taken = 0;
	if (t->state == TLS_FAILED)
		return t->why;
	if (t->state == TLS_HANDSHAKE)
		return ERR_NONE;
	if (t->state == TLS_CLOSED || t->close_sent)
		return err_make(ERR_GONE, "the session is closed");
	while (at < plain.len &&
	       queue_len(&t->out) + RECORD_ROOM <= TLS_OUT_MAX) {
		struct span part = span_sub(plain, at, TLS_RECORD_MAX);
		size_t done = 0;
		int ret;

		ERR_clear_error();
		ret = SSL_write_ex(t->ssl, part.at, part.len, &done);
		if (ret != 1) {
			struct err e = judge(t, ret);

			return failed(e)
				       ? e
				       : fail(t, err_make(ERR_INTERNAL,
							  "TLS cannot write"));
		}
		at += done;
	}
	*taken = at;
	return ERR_NONE;
}

struct err tls_close(struct tls *t)
{
	if (t->state == TLS_FAILED)
		return t->why;
	if (t->close_sent || t->state == TLS_CLOSED)
		return ERR_NONE;
	t->close_sent = true;
	if (t->state == TLS_HANDSHAKE) {
		tls_enter(t, TLS_CLOSED);
		return ERR_NONE;
	}
	ERR_clear_error();
	if (SSL_shutdown(t->ssl) < 0)
		return fail(t, err_make(ERR_INTERNAL, "TLS cannot close"));
	if (t->state == TLS_PEER_CLOSED)
		tls_enter(t, TLS_CLOSED);
	return ERR_NONE;
}

struct span tls_pending(const struct tls *t)
{
	return queue_span(&t->out);
}

void tls_sent(struct tls *t, size_t n)
{
	queue_drop(&t->out, n);
}

enum tls_state tls_state(const struct tls *t)
{
	return t->state;
}

struct span tls_peer_certificate(const struct tls *t)
{
	return span_of(t->peer, t->peer_len);
}

bool tls_peer_digest(const struct tls *t, struct digest *out)
{
	struct digest d;

	if (!t->peer || EVP_Digest(t->peer, t->peer_len, d.at, NULL,
				   EVP_sha256(), NULL) != 1)
		return false;
	*out = d;
	return true;
}

struct span tls_peer_root(const struct tls *t)
{
	return span_of(t->root, t->root_len);
}

bool tls_peer_expired(const struct tls *t)
{
	return t->verify.expired;
}

const char *tls_peer_asked_name(const struct tls *t)
{
	const char *name =
		SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);

	return name ? name : "";
}
