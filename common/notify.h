/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the service manager how we are: sd_notify(3) without its library. */
#ifndef COMMON_NOTIFY_H
#define COMMON_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Sends a state ("READY=1") to $NOTIFY_SOCKET: a path, or '@' and an abstract name. Returns false
 * if there is no such socket or it does not take it; never blocks.
 */
bool notify_send(const char *state);

/* Time between two "WATCHDOG=1" that the manager asks for ($WATCHDOG_USEC / 2); 0: none. */
int64_t notify_watchdog_us(void);

#endif
