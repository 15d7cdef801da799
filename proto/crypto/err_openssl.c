/* Errors of OpenSSL. */
#include "proto/crypto/err_openssl.h"

#include <openssl/err.h>

void openssl_forget_errors(void)
{
	ERR_clear_error();
}
