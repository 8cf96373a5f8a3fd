/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A serial port that can be opened but not written to, as an adapter may be that hangs: to be put
 * before the C library with LD_PRELOAD. Writing to a terminal fails while the file BROKEN_PORT
 * names is there.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t write(int fd, const void *bytes, size_t count)
{
    const char *name = getenv("BROKEN_PORT");

    if (fd > STDERR_FILENO && isatty(fd) && name != NULL && access(name, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_write, fd, bytes, count);
}
