/* SPDX-License-Identifier: Apache-2.0 */
#include "common/watchdog.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/notify.h"

enum { AGAIN_US = 200 * US_PER_MS };

struct watchdog {
    struct event *timer;
    int64_t interval_us;
    bool (*alive)(void *app);
    void *app;
    bool starving;
};

static void set_timer(struct watchdog *watchdog, int64_t wait_us)
{
    struct timeval wait = timeval_of_us(wait_us);

    event_add(watchdog->timer, &wait);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct watchdog *watchdog = arg;
    bool alive = watchdog->alive == NULL || watchdog->alive(watchdog->app);

    (void)fd, (void)what;
    if (alive)
        notify_send("WATCHDOG=1");
    else if (!watchdog->starving)
        log_error("watchdog", "not fed: something makes no progress");
    watchdog->starving = !alive;
    set_timer(watchdog,
              alive ? watchdog->interval_us : earlier_us(watchdog->interval_us, AGAIN_US));
}

struct watchdog *watchdog_new(struct event_base *base, bool (*alive)(void *app), void *app)
{
    int64_t interval_us = notify_watchdog_us();
    struct watchdog *watchdog = interval_us > 0 ? calloc(1, sizeof *watchdog) : NULL;

    if (watchdog == NULL)
        return NULL;
    *watchdog = (struct watchdog){.interval_us = interval_us, .alive = alive, .app = app};
    watchdog->timer = event_new(base, -1, 0, on_timer, watchdog);
    if (watchdog->timer == NULL) {
        free(watchdog);
        return NULL;
    }
    set_timer(watchdog, interval_us);
    return watchdog;
}

void watchdog_free(struct watchdog *watchdog)
{
    if (watchdog == NULL)
        return;
    event_free(watchdog->timer);
    free(watchdog);
}
