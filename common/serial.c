/* SPDX-License-Identifier: Apache-2.0 */
#include "common/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/permission.h"
#include "common/serial_holder.h"

static const struct speed {
    unsigned baud;
    speed_t code;
} speeds[] = {
    {1200, B1200},     {1800, B1800},     {2400, B2400},     {4800, B4800},     {9600, B9600},
    {19200, B19200},   {38400, B38400},   {57600, B57600},   {115200, B115200}, {230400, B230400},
    {460800, B460800}, {500000, B500000}, {576000, B576000}, {921600, B921600},
};

static const struct speed *find_speed(unsigned baud)
{
    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++)
        if (speeds[i].baud == baud)
            return &speeds[i];
    return NULL;
}

/* Pseudo terminals have majors 136 to 143 (Linux admin-guide/devices.txt). */
static bool is_pty(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && major(st.st_rdev) >= 136 &&
           major(st.st_rdev) <= 143;
}

static void explain(const char *path, struct failure *failure)
{
    char text[PERMISSION_TEXT_SIZE], holder[SERIAL_HOLDER_SIZE];

    if (errno == EACCES || errno == EPERM)
        failure_set(failure, REASON_PORT, "%s: %s", path, permission_explain(path, errno, text));
    else if (errno == EBUSY || errno == EWOULDBLOCK)
        failure_set(failure, REASON_PORT, "%s: in use by %s", path, serial_holder(path, holder));
    else if (errno == ENOTTY)
        failure_set(failure, REASON_PORT, "%s: not a serial port", path);
    else
        failure_set(failure, REASON_PORT, "%s: %s", path, strerror(errno));
}

int serial_lock(int fd, const char *path, struct failure *failure)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || (!is_pty(fd) && ioctl(fd, TIOCEXCL) != 0)) {
        explain(path, failure);
        return -1;
    }
    return 0;
}

static void make_raw(struct termios *settings, const struct config_port *port, speed_t speed)
{
    cfmakeraw(settings);
    settings->c_cflag |= CLOCAL | CREAD;
    settings->c_cflag &= ~(tcflag_t)(CSTOPB | PARENB | PARODD | CRTSCTS | HUPCL);
    if (port->stop_bits == 2)
        settings->c_cflag |= CSTOPB;
    if (port->parity != CONFIG_PARITY_NONE)
        settings->c_cflag |= PARENB;
    if (port->parity == CONFIG_PARITY_ODD)
        settings->c_cflag |= PARODD;
    settings->c_iflag &= ~(tcflag_t)(IXOFF | IXANY | INPCK);
    settings->c_cc[VMIN] = 1;
    settings->c_cc[VTIME] = 0;
    cfsetspeed(settings, speed);
}

/* tcsetattr succeeds when it could do any of what was asked. Pseudo terminals have no parity. */
static void warn_if_different(int fd, const char *path, const struct termios *wanted)
{
    static const tcflag_t frame = CSIZE | CSTOPB | PARENB | PARODD | CRTSCTS;
    struct termios now;

    if (tcgetattr(fd, &now) != 0 || is_pty(fd))
        return;
    if (((now.c_cflag ^ wanted->c_cflag) & frame) != 0 || cfgetospeed(&now) != cfgetospeed(wanted))
        log_warning("serial", "%s: the driver did not take all settings", path);
}

static int configure(int fd, const struct config_port *port, const struct speed *speed,
                     struct failure *failure)
{
    struct termios settings;

    if (tcgetattr(fd, &settings) != 0) {
        explain(port->path, failure);
        return -1;
    }
    make_raw(&settings, port, speed->code);
    if (tcsetattr(fd, TCSANOW, &settings) != 0 && errno != EINVAL) {
        explain(port->path, failure);
        return -1;
    }
    warn_if_different(fd, port->path, &settings);
    tcflush(fd, TCIOFLUSH);
    return 0;
}

int serial_open(const struct config_port *port, struct failure *failure)
{
    const struct speed *speed = find_speed(port->baud);
    int fd;

    if (speed == NULL) {
        failure_set(failure, REASON_PORT, "%s: speed %u is not supported", port->path, port->baud);
        return -1;
    }
    fd = open(port->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        explain(port->path, failure);
        return -1;
    }
    if (serial_lock(fd, port->path, failure) != 0 || configure(fd, port, speed, failure) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

ssize_t serial_read_until(int fd, uint8_t *bytes, size_t size, int64_t until_us)
{
    struct pollfd input = {.fd = fd, .events = POLLIN};
    size_t count = 0;

    while (count < size) {
        int64_t left_us = until_us - clock_us();
        struct timespec left = timespec_of_us(left_us > 0 ? left_us : 0);
        ssize_t got;

        if (ppoll(&input, 1, &left, NULL) <= 0)
            break;
        got = read(fd, bytes + count, size - count);
        if (got == 0)
            errno = ECONNRESET;
        if (got <= 0)
            return -1;
        count += (size_t)got;
    }
    return (ssize_t)count;
}

int64_t serial_time_us(const struct config_port *port, size_t count)
{
    unsigned parity_bits = port->parity != CONFIG_PARITY_NONE ? 1 : 0;
    unsigned bits = 1 + 8 + parity_bits + port->stop_bits;

    return (int64_t)count * bits * US_PER_S / port->baud;
}
