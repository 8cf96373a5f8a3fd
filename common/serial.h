/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a serial port so that nothing else talks on it. The only file that sees termios.h. */
#ifndef COMMON_SERIAL_H
#define COMMON_SERIAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/config.h"
#include "common/reason.h"

/*
 * Opens the port for reading and writing: non-blocking, close-on-exec, not the controlling
 * terminal, raw 8 bits, VMIN 1 (so that read() == 0 means hung up). Locked (serial_lock) before
 * its settings are touched. Returns the descriptor, or -1 with *failure filled (REASON_PORT).
 */
int serial_open(const struct config_port *port, struct failure *failure);

/*
 * Locks an open port: flock, then TIOCEXCL (not on a pseudo terminal, where the mark would
 * outlive us). Returns 0, or -1 with *failure filled (REASON_PORT, naming the holder:
 * serial_holder.h).
 */
int serial_lock(int fd, const char *path, struct failure *failure);

/*
 * Reads from a non-blocking port until size bytes have come or until until_us (clock_us), waiting.
 * Returns how many came, or -1 with errno (ECONNRESET: hung up).
 */
ssize_t serial_read_until(int fd, uint8_t *bytes, size_t size, int64_t until_us);

/* Microseconds that count bytes take on this port, start and stop bits included. */
int64_t serial_time_us(const struct config_port *port, size_t count);

#endif
