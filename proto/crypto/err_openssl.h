/*
 * Errors of OpenSSL as ours.  No OpenSSL header, and no use beyond
 * *_openssl.c.
 */
#ifndef PROTO_CRYPTO_ERR_OPENSSL_H
#define PROTO_CRYPTO_ERR_OPENSSL_H

#include "proto/base/memory.h"

/* An error `code`, or ERR_NO_MEMORY if the library lacked that.  Its error
 * queue belongs to the thread and would mislead the next TLS call: emptied. */
void openssl_forget_errors(void);
static inline struct err openssl_err(enum err_code code, const char *detail)
{
	openssl_forget_errors();
	return memory_blame(code, detail);
}

#endif
