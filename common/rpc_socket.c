/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rpc_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/daemon.h"
#include "common/log.h"

enum { BACKLOG = 128 };

/* A new socket and the address of path; -1 with errno set. */
static int new_socket(const char *path, struct sockaddr_un *address)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address->sun_path, path, strlen(path) + 1);
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int rpc_socket_connect(const char *path)
{
    struct sockaddr_un address;
    int fd = new_socket(path, &address);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int saved_errno = errno;

        close(fd);
        errno = saved_errno;
        return -1;
    }
    return fd;
}

static int failed(const char *path, const char *what)
{
    log_error("rpc", "%s: %s: %s", path, what, strerror(errno));
    return EXIT_FAILURE;
}

static int live(const char *path)
{
    log_error("rpc", "%s: a live instance owns this socket", path);
    return EXIT_LIVE_INSTANCE;
}

/* The lock file stays for good: removing it would let two owners lock two files of one name. */
static int lock(const char *path, int *lock_fd)
{
    char name[sizeof((struct sockaddr_un *)0)->sun_path + 8];

    if ((size_t)snprintf(name, sizeof name, "%s.lock", path) >= sizeof name) {
        errno = ENAMETOOLONG;
        return failed(path, "cannot lock");
    }
    *lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*lock_fd < 0)
        return failed(name, errno == ENOENT ? "the run directory is missing" : "cannot open");
    if (flock(*lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return errno == EWOULDBLOCK ? live(path) : failed(name, "cannot lock");
}

/* Removes a socket that nobody listens on. A live one may be older than the lock file. */
static int remove_stale(const char *path)
{
    struct stat st;
    int fd;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : failed(path, "cannot look");
    if (!S_ISSOCK(st.st_mode)) {
        log_error("rpc", "%s: is there and is not a socket", path);
        return EXIT_FAILURE;
    }
    fd = rpc_socket_connect(path);
    if (fd >= 0) {
        close(fd);
        return live(path);
    }
    if (errno == EAGAIN) /* its backlog is full */
        return live(path);
    if (errno != ECONNREFUSED)
        return failed(path, "cannot connect");
    return unlink(path) == 0 ? 0 : failed(path, "cannot remove");
}

static int bind_and_listen(const char *path, int *fd)
{
    struct sockaddr_un address;
    int made = new_socket(path, &address);
    mode_t mask;
    int bound;

    if (made < 0)
        return failed(path, "cannot make a socket");
    mask = umask(0117);
    bound = bind(made, (struct sockaddr *)&address, sizeof address);
    umask(mask);
    if (bound != 0) {
        int status = failed(path, "cannot bind");

        close(made);
        return status;
    }
    *fd = made; /* from here on the file is ours to remove */
    return listen(made, BACKLOG) == 0 ? 0 : failed(path, "cannot listen");
}

int rpc_socket_listen(const char *path, struct rpc_socket *listening)
{
    int status;

    listening->fd = listening->lock_fd = -1;
    status = lock(path, &listening->lock_fd);
    if (status == 0)
        status = remove_stale(path);
    if (status == 0)
        status = bind_and_listen(path, &listening->fd);
    if (status != 0)
        rpc_socket_close(path, listening);
    return status;
}

void rpc_socket_unlisten(const char *path, struct rpc_socket *listening)
{
    if (listening->fd < 0)
        return;
    unlink(path);
    close(listening->fd);
    listening->fd = -1;
}

void rpc_socket_close(const char *path, struct rpc_socket *listening)
{
    rpc_socket_unlisten(path, listening);
    if (listening->lock_fd >= 0)
        close(listening->lock_fd);
    listening->lock_fd = -1;
}
