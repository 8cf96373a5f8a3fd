/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The direction of an RS485 line: sending while a request is on the line, receiving at all other
 * times (specification 5.4.1). By a GPIO pin, by the serial driver, or by nobody here. Used around
 * each write: by dcdcd's port from its loop, by battd's bus on its thread.
 *
 *     direction_begin → write() → direction_sent → (direction_poll when due, or direction_finish)
 */
#ifndef COMMON_DIRECTION_H
#define COMMON_DIRECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/config.h"
#include "common/reason.h"

struct direction;

/*
 * Takes the direction of an open port as its configuration says, to receiving at once. config and
 * fd are borrowed. With a pin the calling thread gets real-time priority if it may: it must be the
 * one that calls the rest. Returns NULL with *failure filled (REASON_PORT: what to do instead).
 */
struct direction *direction_open(const struct config_port *config, int fd, struct failure *failure);

/* To receiving, at once, and lets go of the pin. Before the port is closed. NULL: no-op. */
void direction_close(struct direction *direction);

/* To sending. 0, or -1 with errno: then nothing may be written. */
int direction_begin(struct direction *direction);

/* So many bytes were written since: they are out when the line has had the time for them. */
void direction_sent(struct direction *direction, size_t count);

/* When direction_poll must be called (clock_us), or INT64_MAX: the line is receiving. */
int64_t direction_due_us(const struct direction *direction);

/* To receiving if the last stop bit is out. 0, or -1 with errno: the pin cannot be driven. */
int direction_poll(struct direction *direction, int64_t now_us);

/* The same, waiting for it: not longer than the bytes take, but for a UART that hangs. */
int direction_finish(struct direction *direction);

/* For the log: "direction by pin P8_7, line 2 of /dev/gpiochip2"; "" when nobody here switches. */
const char *direction_text(const struct direction *direction);

enum { DIRECTION_NAME_SIZE = sizeof((struct config_port *)NULL)->dir_pin + 8 };

/* For `status`: "pin P8_7", "kernel" or "none". Returns text. */
char *direction_name(const struct config_port *config, char text[static DIRECTION_NAME_SIZE]);

#endif
