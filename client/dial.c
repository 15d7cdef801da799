/* A TCP connection to host and port. */
#include "client/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t dial_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct err dial_split(const char *endpoint, char host[256], char port[8])
{
	const char *colon = strrchr(endpoint, ':');
	size_t len = colon ? (size_t)(colon - endpoint) : 0;
	const char *from = endpoint;

	if (len > 2 && from[0] == '[' && from[len - 1] == ']') {
		from++;
		len -= 2;
	}
	if (len == 0 || len > 255 || strlen(colon + 1) > 5)
		return err_make(ERR_USAGE, "an address is host:port");
	memcpy(host, from, len);
	host[len] = 0;
	snprintf(port, 8, "%s", colon + 1);
	return ERR_NONE;
}

static int dial_one(const struct addrinfo *a, uint64_t until)
{
	struct pollfd p;
	int fd = socket(a->ai_family,
			a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
			a->ai_protocol);
	int bad = 0, one = 1;
	socklen_t len = sizeof(bad);
	uint64_t now = dial_now_ms();

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	p = (struct pollfd){fd, POLLOUT, 0};
	if (errno == EINPROGRESS && now < until &&
	    poll(&p, 1, (int)(until - now)) == 1 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &bad, &len) == 0 && bad == 0)
		return fd;
	close(fd);
	return -1;
}

struct err dial_open(const char *host, const char *port, unsigned most_ms,
		     int *out)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_family = AF_UNSPEC};
	struct addrinfo *list = NULL;
	uint64_t until = dial_now_ms() + most_ms;
	int fd = -1;

	/* RFC 6761 s.6.3: the loopback, whatever a hosts file says. */
	if (strcmp(host, "localhost") == 0)
		host = NULL;
	if (getaddrinfo(host, port, &hints, &list) != 0)
		return err_make(ERR_UNREACHABLE, "the name is not known");
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
		fd = dial_one(a, until);
	freeaddrinfo(list);
	if (fd < 0)
		return err_make(ERR_UNREACHABLE, "nobody answers there");
	*out = fd;
	return ERR_NONE;
}
