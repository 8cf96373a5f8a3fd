/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon does with its port, by LD_PRELOAD: a pseudo terminal is made to look like a serial
 * port (TIOCEXCL is for those only), and the calls that matter are recorded, a line each, in
 * FAKE_SERIAL/calls. FAKE_SERIAL also stands for /dev/serial, where udev makes stable names.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

/* The device of a real port, ttyS0. */
enum { SERIAL_MAJOR = 4, SERIAL_MINOR = 64 };

static const char *directory(void)
{
    const char *name = getenv("FAKE_SERIAL");

    return name != NULL ? name : "";
}

static bool is_pty(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && major(st->st_rdev) >= 136 && major(st->st_rdev) <= 143;
}

/* True, and recorded, if the descriptor is a port's. */
static bool record(int fd, const char *call)
{
    char path[PATH_MAX];
    int error = errno, calls;
    struct stat st;

    if (fstatat(fd, "", &st, AT_EMPTY_PATH) != 0 || !is_pty(&st)) {
        errno = error;
        return false;
    }
    snprintf(path, sizeof path, "%s/calls", directory());
    calls = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (calls == -1 || dprintf(calls, "%s\n", call) < 0)
        abort();
    close(calls);
    errno = error;
    return true;
}

int fstat(int fd, struct stat *st)
{
    int result = fstatat(fd, "", st, AT_EMPTY_PATH);

    if (result == 0 && is_pty(st))
        st->st_rdev = makedev(SERIAL_MAJOR, SERIAL_MINOR);
    return result;
}

int flock(int fd, int operation)
{
    record(fd, "flock");
    return (int)syscall(SYS_flock, fd, operation);
}

/* The mark would outlive its owner on a pseudo terminal. */
int ioctl(int fd, unsigned long request, ...)
{
    va_list rest;
    void *argument;

    if (request == TIOCEXCL && record(fd, "TIOCEXCL"))
        return 0;
    va_start(rest, request);
    argument = va_arg(rest, void *);
    va_end(rest);
    return (int)syscall(SYS_ioctl, fd, request, argument);
}

int tcsetattr(int fd, int when, const struct termios *settings)
{
    __typeof__(tcsetattr) *real;

    *(void **)&real = dlsym(RTLD_NEXT, "tcsetattr");
    record(fd, "tcsetattr");
    return real(fd, when, settings);
}

ssize_t write(int fd, const void *bytes, size_t count)
{
    record(fd, "write");
    return syscall(SYS_write, fd, bytes, count);
}

static const char *elsewhere(const char *path, char text[static PATH_MAX])
{
    static const char root[] = "/dev/serial/";

    if (strncmp(path, root, sizeof root - 1) != 0)
        return path;
    snprintf(text, PATH_MAX, "%s/%s", directory(), path + sizeof root - 1);
    return text;
}

int stat(const char *path, struct stat *st)
{
    char text[PATH_MAX];

    return fstatat(AT_FDCWD, elsewhere(path, text), st, 0);
}

int lstat(const char *path, struct stat *st)
{
    char text[PATH_MAX];

    return fstatat(AT_FDCWD, elsewhere(path, text), st, AT_SYMLINK_NOFOLLOW);
}

DIR *opendir(const char *path)
{
    __typeof__(opendir) *real;
    char text[PATH_MAX];

    *(void **)&real = dlsym(RTLD_NEXT, "opendir");
    return real(elsewhere(path, text));
}
