/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/address.h"
#include "common/daemon.h"
#include "common/log.h"

enum { BACKLOG = 512, PORT_TRIES = 8 };

static int port_of(int fd)
{
    struct sockaddr_storage end;
    socklen_t size = sizeof end;

    return getsockname(fd, (struct sockaddr *)&end, &size) == 0
               ? port_of_socket((struct sockaddr *)&end)
               : 0;
}

static bool set_options(int fd, const struct addrinfo *address)
{
    int on = 1;

    /* "::" alone means every address of both families. */
    if (address->ai_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)address->ai_addr;
        int only_v6 = !IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);

        if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6) != 0)
            return false;
    }
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0;
}

/* Returns a listening socket, or -1 with errno. */
static int open_one(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0)
        return -1;
    if (set_options(fd, address) && bind(fd, address->ai_addr, address->ai_addrlen) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void set_port(struct addrinfo *address, int port)
{
    if (address->ai_family == AF_INET6) {
        struct sockaddr_in6 *v6 = (void *)address->ai_addr;

        v6->sin6_port = htons((uint16_t)port);
    } else if (address->ai_family == AF_INET) {
        struct sockaddr_in *v4 = (void *)address->ai_addr;

        v4->sin_port = htons((uint16_t)port);
    }
}

/* The machine simply lacks this family or address. */
static bool not_here(int error)
{
    return error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == EPROTONOSUPPORT;
}

struct sockets {
    int *fds;
    size_t count;
    int port;  /* 0 until the first one is open, if any port will do */
    int error; /* errno of the last that could not be opened; 0: said already */
};

/* Opens one address more. Returns false if there is no point in going on. */
static bool add_address(struct sockets *sockets, struct addrinfo *address)
{
    int fd;

    if (sockets->count == LISTEN_MAX)
        return false;
    set_port(address, sockets->port);
    fd = open_one(address);
    if (fd < 0) {
        sockets->error = errno;
        return not_here(errno);
    }
    sockets->fds[sockets->count++] = fd;
    sockets->port = port_of(fd);
    return true;
}

static bool add_host(struct sockets *sockets, const char *host)
{
    struct addrinfo hints = {
        .ai_flags = AI_PASSIVE, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(host, NULL, &hints, &found);
    bool good = failed == 0;

    if (failed != 0) {
        log_error("http", "--host %s: %s", host, gai_strerror(failed));
        sockets->error = 0;
    }
    for (struct addrinfo *address = found; good && address != NULL; address = address->ai_next)
        good = add_address(sockets, address);
    if (found != NULL)
        freeaddrinfo(found);
    return good;
}

static bool add_all(struct sockets *sockets, const char *host)
{
    if (strcmp(host, "localhost") != 0)
        return add_host(sockets, host) && sockets->count > 0;
    return add_host(sockets, "127.0.0.1") && add_host(sockets, "::1") && sockets->count > 0;
}

size_t listen_open(const char *host, int port, int fds[static LISTEN_MAX], int *port_used,
                   int *exit_status)
{
    struct sockets sockets;

    /* A free port of one family may be in use in the other: then another one is tried. */
    for (int tries = 0; tries < PORT_TRIES; tries++) {
        sockets = (struct sockets){.fds = fds, .port = port};
        if (add_all(&sockets, host)) {
            *port_used = sockets.port;
            return sockets.count;
        }
        while (sockets.count > 0)
            close(fds[--sockets.count]);
        if (port != 0 || sockets.error != EADDRINUSE)
            break;
    }
    if (sockets.error != 0)
        log_error("http", "cannot listen on %s port %d: %s", host, port, strerror(sockets.error));
    *exit_status = sockets.error == EADDRINUSE ? EXIT_LIVE_INSTANCE : EXIT_FAILURE;
    return 0;
}
