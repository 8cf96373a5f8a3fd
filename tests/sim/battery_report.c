/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/battery_report.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { UNSENT_MAX = 4096 };

struct battery_report {
    struct event_base *base;
    struct sockaddr_un address;
    double (*power)(void *arg);
    void *arg;
    struct event *tick;
    struct bufferevent *bev; /* NULL: not connected */
};

static void drop(struct battery_report *report)
{
    if (report->bev != NULL)
        bufferevent_free(report->bev);
    report->bev = NULL;
}

static void on_answer(struct bufferevent *bev, void *arg)
{
    struct evbuffer *input = bufferevent_get_input(bev);

    (void)arg;
    evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_event(struct bufferevent *bev, short events, void *arg)
{
    (void)bev;
    if (events & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        drop(arg);
}

/* What fails here is tried again at the next tick. */
static void connect_again(struct battery_report *report)
{
    report->bev = bufferevent_socket_new(report->base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (report->bev == NULL)
        return;
    bufferevent_setcb(report->bev, on_answer, NULL, on_event, report);
    /* On failure on_event may have been called, and bev be gone, when this returns. */
    if (bufferevent_socket_connect(report->bev, (const struct sockaddr *)&report->address,
                                   sizeof report->address) < 0)
        drop(report);
    else if (report->bev != NULL)
        bufferevent_enable(report->bev, EV_READ);
}

static void on_tick(evutil_socket_t fd, short events, void *arg)
{
    struct battery_report *report = arg;

    (void)fd;
    (void)events;
    if (report->bev == NULL)
        connect_again(report);
    if (report->bev == NULL)
        return;
    if (evbuffer_get_length(bufferevent_get_output(report->bev)) > UNSENT_MAX) {
        drop(report);
        return;
    }
    evbuffer_add_printf(bufferevent_get_output(report->bev), "set converter_power %.3f\n",
                        report->power(report->arg));
}

struct battery_report *battery_report_new(struct event_base *base, const char *path,
                                          double (*power)(void *arg), void *arg)
{
    struct battery_report *report = calloc(1, sizeof *report);

    if (report == NULL)
        return NULL;
    report->base = base;
    report->power = power;
    report->arg = arg;
    report->address.sun_family = AF_UNIX;
    if (snprintf(report->address.sun_path, sizeof report->address.sun_path, "%s", path) >=
        (int)sizeof report->address.sun_path)
        goto fail;
    report->tick = event_new(base, -1, EV_PERSIST, on_tick, report);
    if (report->tick == NULL || event_add(report->tick, &(struct timeval){.tv_sec = 1}) < 0)
        goto fail;
    return report;
fail:
    battery_report_free(report);
    return NULL;
}

void battery_report_free(struct battery_report *report)
{
    if (report == NULL)
        return;
    drop(report);
    if (report->tick != NULL)
        event_free(report->tick);
    free(report);
}
