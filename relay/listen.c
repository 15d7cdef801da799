#include "relay/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 512 };

static uint16_t port_of(int fd)
{
	struct sockaddr_storage a = {0};
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		return 0;
	return ntohs(a.ss_family == AF_INET6
			     ? ((struct sockaddr_in6 *)&a)->sin6_port
			     : ((struct sockaddr_in *)&a)->sin_port);
}

static int open_one(const struct addrinfo *a)
{
	int on = 1;
	int fd = socket(a->ai_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int why;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

struct err listen_open(const struct address *want, int *fd, struct address *got)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	char port[8];
	int s = -1;

	snprintf(port, sizeof(port), "%u", want->port);
	if (getaddrinfo(want->host, port, &hints, &found) != 0) {
		errno = EADDRNOTAVAIL;
		return err_make(ERR_IO, "listener: no such host");
	}
	for (const struct addrinfo *a = found; a && s < 0; a = a->ai_next)
		s = open_one(a);
	freeaddrinfo(found);
	if (s < 0)
		return err_make(ERR_IO, "listener: not opened");
	*got = *want;
	got->port = port_of(s);
	*fd = s;
	return ERR_NONE;
}
