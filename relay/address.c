#include "relay/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct err address_parse(const char *text, struct address *out)
{
	struct address a = {0};
	const char *colon = strrchr(text, ':');
	const char *host = text;
	size_t host_len;
	char *end;
	unsigned long port;

	if (!colon || colon == text || !colon[1] || strlen(colon) > 6)
		return err_make(ERR_MALFORMED, "no host:port");
	host_len = (size_t)(colon - text);
	if (host[0] == '[') {
		if (host_len < 3 || host[host_len - 1] != ']')
			return err_make(ERR_MALFORMED, "no [v6]:port");
		host++;
		host_len -= 2;
	} else if (memchr(host, ':', host_len)) {
		return err_make(ERR_MALFORMED, "IPv6 without brackets");
	}
	for (const char *p = colon + 1; *p; p++)
		if (*p < '0' || *p > '9')
			return err_make(ERR_MALFORMED, "port is no number");
	port = strtoul(colon + 1, &end, 10);
	if (port > 65535 || host_len > ADDRESS_TEXT_MAX - 10)
		return err_make(ERR_MALFORMED, "port or host too long");
	for (size_t i = 0; i < host_len; i++)
		if (host[i] <= 0x20 || host[i] >= 0x7f || host[i] == '[' ||
		    host[i] == ']')
			return err_make(ERR_MALFORMED, "host");
	memcpy(a.host, host, host_len);
	a.port = (uint16_t)port;
	*out = a;
	return ERR_NONE;
}

void address_format(const struct address *a, char *out)
{
	bool v6 = strchr(a->host, ':') != NULL;
	size_t n = strlen(a->host);

	/* address_parse keeps the host short enough. */
	if (n > ADDRESS_TEXT_MAX - 10)
		n = ADDRESS_TEXT_MAX - 10;
	snprintf(out, ADDRESS_TEXT_MAX + 1, "%s%.*s%s:%u", v6 ? "[" : "",
		 (int)n, a->host, v6 ? "]" : "", a->port);
}
