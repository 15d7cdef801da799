/*
 * TLS 1.3 as a machine: bytes in, bytes out; no sockets and no clock.
 *
 * RFC 8446 over OpenSSL, which stands in tls.c alone.  TLS 1.3 only; ALPN
 * "h2" is required on both sides (RFC 7301); no tickets, no early data, no
 * renegotiation, no compression; peers' certificate chains of at most 16 KiB
 * and three certificates.  Whether a certificate is known, and to whom it
 * belongs, is not judged here: the machine says which one it saw.
 *
 * A context is what many sessions share: own certificate and key, roots,
 * rules.  It belongs to one thread.  When certificates or roots change, make
 * a new context and free the old one; sessions that use it go on.
 *
 * Driving: tls_recv, then tls_read until it gives an empty span; then
 * tls_write; then send tls_pending and report with tls_sent.  After an error
 * tls_pending may still hold an alert worth sending.
 */
#ifndef PROTO_WIRE_TLS_H
#define PROTO_WIRE_TLS_H

#include "proto/base/buf.h"
#include "proto/base/id.h"

struct tls_context;
struct tls;

/* What a server asks of its clients. */
enum tls_client_auth {
	TLS_CLIENT_NONE,     /* sends no CertificateRequest */
	TLS_CLIENT_OPTIONAL, /* takes none, or one that is valid */
	TLS_CLIENT_REQUIRED,
	/* Takes none, or any: its key is proved, its chain is not judged
	 * (enrolment and first contact of nations; the guard decides). */
	TLS_CLIENT_ANY,
};

struct tls_config {
	/* PEM (leaf first, then its chain) or one DER certificate. A server
	 * must have one; a client may. */
	struct span certificate;
	/* Private key, PEM or DER, PKCS #8 or SEC 1; with `certificate`. Only
	 * read in tls_context_new, so wipe it afterwards. */
	struct span key;
	/* PEM, any number, or one DER certificate. Server: the CAs that client
	 * certificates must chain to. Client: the pinned CA of the server; the
	 * system's trust store is never used. */
	struct span roots;
	/* Client: in place of roots, the SHA-256 of the DER certificate of the
	 * CA, as a QR code or an invitation names it; the server must send
	 * that CA in its chain. tls_peer_root then gives it. NULL: roots. */
	const struct digest *root_digest;
	enum tls_client_auth client; /* server only */
	/* A client certificate that ended at most so long ago is taken, and
	 * tls_peer_expired says so. 0: none is. */
	uint64_t client_grace_s;
};

enum tls_state {
	TLS_HANDSHAKE,
	TLS_OPEN,
	TLS_PEER_CLOSED, /* close_notify came: nothing more to read */
	TLS_CLOSED,	 /* close_notify sent, and one came */
	TLS_FAILED,	 /* an error was returned; it stays */
};

enum {
	TLS_RECORD_MAX = 16384,	  /* plaintext of one tls_read */
	TLS_IN_MAX = 256 * 1024,  /* cipher bytes held unread */
	TLS_OUT_MAX = 256 * 1024, /* cipher bytes held unsent: tls_write
				     * takes no more beyond it */
	TLS_CHAIN_BYTES_MAX = 16384,
};

/*
 * Owns: drop with tls_context_free.  Copies what it needs from `config`.
 * ERR_MALFORMED for a certificate, key or root that cannot be read,
 * ERR_USAGE for a server without certificate, a key that is not the
 * certificate's, or client certificates asked for without roots.
 */
struct err tls_context_new_server(const struct tls_config *config,
				  struct tls_context **out);
struct err tls_context_new_client(const struct tls_config *config,
				  struct tls_context **out);
void tls_context_free(struct tls_context *context);

/*
 * A session; certificates are judged at `now_s` (UTC seconds).  The context
 * may be freed before it.
 */
struct err tls_new_server(struct tls_context *context, uint64_t now_s,
			  struct tls **out);
/*
 * `server_name`: a DNS name (sent as SNI too) or an IP address, that the
 * server's certificate must carry; NULL checks the chain alone.
 */
struct err tls_new_client(struct tls_context *context, const char *server_name,
			  uint64_t now_s, struct tls **out);
void tls_free(struct tls *tls);

/*
 * Take bytes from the peer; all are taken.  ERR_TOO_LARGE beyond TLS_IN_MAX
 * (the owner did not tls_read), ERR_UNAUTHENTICATED for a peer's certificate
 * that is missing, not trusted, of another name or out of its time,
 * ERR_UNSUPPORTED for no ALPN h2 or no common version, ERR_MALFORMED for what
 * breaks the protocol.
 */
struct err tls_recv(struct tls *tls, struct span cipher);

/*
 * The next plaintext, borrowed until the next call of any function here;
 * empty when there is none.  Errors as tls_recv.
 */
struct err tls_read(struct tls *tls, struct span *plain);

/*
 * Encrypt from `plain`; `taken` says how many bytes were: fewer at
 * TLS_OUT_MAX, none during the handshake.
 */
struct err tls_write(struct tls *tls, struct span plain, size_t *taken);

/* Send close_notify. A second call does nothing. */
struct err tls_close(struct tls *tls);

/* Bytes for the peer, borrowed until the next call; tls_sent drops `n`. */
struct span tls_pending(const struct tls *tls);
void tls_sent(struct tls *tls, size_t n);

enum tls_state tls_state(const struct tls *tls);

/* The peer's certificate as DER, borrowed from the session; empty if it
 * showed none or the handshake is not finished. */
struct span tls_peer_certificate(const struct tls *tls);
/* SHA-256 of it; false, and nothing written, if there is none. */
bool tls_peer_digest(const struct tls *tls, struct digest *out);
/* Client, with root_digest: the CA's certificate as DER, borrowed. */
struct span tls_peer_root(const struct tls *tls);
/* True if it was taken by grace. */
bool tls_peer_expired(const struct tls *tls);
/* The name asked for by SNI; "" if none. Borrowed from the session. */
const char *tls_peer_asked_name(const struct tls *tls);

#endif
