/* SPDX-License-Identifier: Apache-2.0 */
#include "common/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The length of an address whose name is not ended by a NUL. */
static socklen_t make_address(const char *name, struct sockaddr_un *address)
{
    size_t length = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || length >= sizeof address->sun_path)
        return 0;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, length);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '/'));
}

bool notify_send(const char *state)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t length = name != NULL ? make_address(name, &address) : 0;
    ssize_t sent;
    int fd;

    if (length == 0)
        return false;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, length);
    close(fd);
    return sent == (ssize_t)strlen(state);
}

int64_t notify_watchdog_us(void)
{
    const char *interval = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    long long us = interval != NULL ? atoll(interval) : 0;

    if (us <= 0 || (pid != NULL && atoll(pid) != getpid()))
        return 0;
    return us / 2;
}
