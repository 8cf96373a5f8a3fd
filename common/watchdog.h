/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds the service manager's watchdog (sd_watchdog_enabled(3)) from the event loop. */
#ifndef COMMON_WATCHDOG_H
#define COMMON_WATCHDOG_H

#include <event2/event.h>
#include <stdbool.h>

struct watchdog;

/*
 * Feeds it from now on, twice as often as the manager asks for, while alive(app) says that what
 * must make progress does; NULL: the loop is enough. When it says no, it is asked again soon: after
 * the process was frozen, all is late at first. NULL when the manager asks for nothing, or without
 * memory.
 */
struct watchdog *watchdog_new(struct event_base *base, bool (*alive)(void *app), void *app);

/* NULL: no-op. */
void watchdog_free(struct watchdog *watchdog);

#endif
