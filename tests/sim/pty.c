/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static bool make_raw(int fd)
{
    struct termios settings;

    if (tcgetattr(fd, &settings) < 0)
        return false;
    cfmakeraw(&settings);
    settings.c_cflag |= CLOCAL | CREAD;
    return tcsetattr(fd, TCSANOW, &settings) == 0;
}

bool sim_pty_open(struct sim_pty *pty)
{
    int error;

    pty->slave = -1;
    pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (pty->master < 0)
        return false;
    if (grantpt(pty->master) < 0 || unlockpt(pty->master) < 0 ||
        ptsname_r(pty->master, pty->name, sizeof pty->name) != 0)
        goto fail;
    pty->slave = open(pty->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (pty->slave < 0 || !make_raw(pty->slave))
        goto fail;
    return true;
fail:
    error = errno;
    sim_pty_close(pty);
    errno = error;
    return false;
}

unsigned sim_pty_baud(const struct sim_pty *pty)
{
    static const struct {
        unsigned baud;
        speed_t code;
    } speeds[] = {{1200, B1200},   {2400, B2400},   {4800, B4800},   {9600, B9600},
                  {19200, B19200}, {38400, B38400}, {57600, B57600}, {115200, B115200}};
    struct termios settings;

    if (tcgetattr(pty->master, &settings) == 0)
        for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++)
            if (cfgetospeed(&settings) == speeds[i].code)
                return speeds[i].baud;
    return 0;
}

void sim_pty_close(struct sim_pty *pty)
{
    if (pty->slave >= 0)
        close(pty->slave);
    if (pty->master >= 0)
        close(pty->master);
    pty->slave = pty->master = -1;
}

bool sim_pty_link(const struct sim_pty *pty, const char *link)
{
    char fresh[PATH_MAX];
    struct stat status;

    if (lstat(link, &status) == 0 && !S_ISLNK(status.st_mode)) {
        errno = EEXIST;
        return false;
    }
    if (snprintf(fresh, sizeof fresh, "%s.%ld", link, (long)getpid()) >= (int)sizeof fresh) {
        errno = ENAMETOOLONG;
        return false;
    }
    unlink(fresh);
    return symlink(pty->name, fresh) == 0 && rename(fresh, link) == 0;
}

void sim_pty_unlink(const struct sim_pty *pty, const char *link)
{
    char target[sizeof pty->name];
    ssize_t length = readlink(link, target, sizeof target);

    if (length >= 0 && (size_t)length == strlen(pty->name) &&
        memcmp(target, pty->name, (size_t)length) == 0)
        unlink(link);
}
