/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evhttp tells nobody when it accepts or closes a connection, but it lets us make the bufferevent:
 * we keep a second reference to each. evhttp has let go of one when its callbacks are gone.
 * A sweep, running only while there is something to look at, finds those and the slow ones.
 */
#include "gatewayd/guard.h"

#include <event2/buffer.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/log.h"

static const struct timeval sweep_interval = {.tv_usec = 200000};
static const int64_t request_time_us = 5 * (int64_t)US_PER_S;  /* first to last byte of a request */
static const int64_t evictable_after_us = US_PER_S;            /* of being idle */
static const int64_t log_interval_us = 60 * (int64_t)US_PER_S; /* of what may go on for ever */

LIST_HEAD(connection_list, connection);
LIST_HEAD(guard_list, guard);

struct connection {
    LIST_ENTRY(connection) link;
    struct guard *guard;
    struct bufferevent *bev;
    int64_t first_us;  /* when the request that is arriving began; 0: none is */
    int64_t active_us; /* when anything was last received or answered */
    bool unsent;       /* its output is not empty */
};

struct guard {
    LIST_ENTRY(guard) link;
    struct evconnlistener *listeners[GUARD_LISTENERS_MAX];
    size_t listener_count;
    struct event *sweep;
    struct connection_list connections;
    struct guard_counters counters;
    unsigned unsent; /* connections with output */
    bool paused;     /* the listeners are disabled */
    bool stopped;    /* for good */
    int64_t logged_us;
    struct event *sent_event;
    void (*sent)(void *arg);
    void *sent_arg;
};

/* evhttp owns the argument of a listener's callbacks, so guards are found by the listener. */
static struct guard_list guards = LIST_HEAD_INITIALIZER(guards);

static struct guard *guard_of(const struct evconnlistener *listener)
{
    struct guard *guard;

    for (guard = LIST_FIRST(&guards); guard != NULL; guard = LIST_NEXT(guard, link))
        for (size_t i = 0; i < guard->listener_count; i++)
            if (guard->listeners[i] == listener)
                return guard;
    return NULL;
}

static void pause_listeners(struct guard *guard)
{
    if (guard->paused)
        return;
    guard->paused = true;
    for (size_t i = 0; i < guard->listener_count; i++)
        evconnlistener_disable(guard->listeners[i]);
    event_add(guard->sweep, &sweep_interval);
}

static void resume_listeners(struct guard *guard)
{
    if (!guard->paused || guard->stopped)
        return;
    guard->paused = false;
    for (size_t i = 0; i < guard->listener_count; i++)
        evconnlistener_enable(guard->listeners[i]);
}

static void set_unsent(struct connection *connection, bool unsent)
{
    struct guard *guard = connection->guard;

    if (connection->unsent == unsent)
        return;
    connection->unsent = unsent;
    if (unsent)
        guard->unsent++;
    else if (--guard->unsent == 0 && guard->sent != NULL)
        event_active(guard->sent_event, EV_TIMEOUT, 0);
}

static void input_changed(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
    struct connection *connection = arg;

    (void)input;
    if (info->n_added == 0)
        return;
    connection->active_us = clock_us();
    if (connection->first_us == 0)
        connection->first_us = connection->active_us;
}

/* An answer begins to be written only after its whole request has arrived. */
static void output_changed(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
    struct connection *connection = arg;

    if (info->n_added > 0) {
        connection->first_us = 0;
        connection->active_us = clock_us();
    }
    set_unsent(connection, evbuffer_get_length(output) > 0);
}

static bool released(const struct connection *connection)
{
    bufferevent_event_cb on_event;

    bufferevent_getcb(connection->bev, NULL, NULL, &on_event, NULL);
    return on_event == NULL;
}

/* A request is being waited for or read: evhttp stops reading while one is being answered. */
static bool reading(const struct connection *connection)
{
    return (bufferevent_get_enabled(connection->bev) & EV_READ) != 0;
}

static bool idle(const struct connection *connection)
{
    return reading(connection) && connection->first_us == 0 && !connection->unsent;
}

/* Makes evhttp close the connection. */
static void expire(struct connection *connection)
{
    bufferevent_trigger_event(connection->bev, BEV_EVENT_TIMEOUT | BEV_EVENT_READING, 0);
}

static void drop(struct connection *connection)
{
    set_unsent(connection, false);
    evbuffer_remove_cb(bufferevent_get_input(connection->bev), input_changed, connection);
    evbuffer_remove_cb(bufferevent_get_output(connection->bev), output_changed, connection);
    bufferevent_decref(connection->bev);
    LIST_REMOVE(connection, link);
    connection->guard->counters.open--;
    free(connection);
}

static void drop_released(struct guard *guard)
{
    struct connection *connection, *next;

    for (connection = LIST_FIRST(&guard->connections); connection != NULL; connection = next) {
        next = LIST_NEXT(connection, link);
        if (released(connection))
            drop(connection);
    }
}

static void expire_slow(struct guard *guard, int64_t now_us)
{
    struct connection *connection;

    for (connection = LIST_FIRST(&guard->connections); connection != NULL;
         connection = LIST_NEXT(connection, link)) {
        if (connection->first_us == 0 || now_us - connection->first_us < request_time_us ||
            !reading(connection))
            continue;
        connection->first_us = 0;
        guard->counters.too_slow++;
        expire(connection);
    }
}

/* Closes the connection that has been idle the longest, so that idle ones cannot lock out others.
 */
static void evict_one(struct guard *guard, int64_t now_us)
{
    struct connection *connection, *oldest = NULL;

    for (connection = LIST_FIRST(&guard->connections); connection != NULL;
         connection = LIST_NEXT(connection, link))
        if (idle(connection) && (oldest == NULL || connection->active_us < oldest->active_us))
            oldest = connection;
    if (oldest == NULL || now_us - oldest->active_us < evictable_after_us)
        return;
    guard->counters.evicted++;
    expire(oldest);
    drop_released(guard);
}

/* Whether this many further connections leave no room for yet another. */
static bool full(const struct guard *guard, unsigned further)
{
    return guard->counters.open + further >= guard->counters.max;
}

/* Makes sure that there will be room for another connection, if possible. */
static bool make_room(struct guard *guard, unsigned further)
{
    if (full(guard, further))
        drop_released(guard);
    if (full(guard, further))
        evict_one(guard, clock_us());
    return !full(guard, further);
}

static void sweep(evutil_socket_t fd, short what, void *arg)
{
    struct guard *guard = arg;

    (void)fd, (void)what;
    expire_slow(guard, clock_us());
    drop_released(guard);
    if (guard->paused && make_room(guard, 0))
        resume_listeners(guard);
    if (guard->counters.open > 0 || (guard->paused && !guard->stopped))
        event_add(guard->sweep, &sweep_interval);
}

/* Typically EMFILE: the connection stays in the backlog, so trying at once would spin. */
static void accept_failed(struct evconnlistener *listener, void *evhttp)
{
    int error = errno;
    struct guard *guard = guard_of(listener);
    int64_t now_us = clock_us();

    (void)evhttp;
    if (guard == NULL)
        return;
    if (guard->counters.accept_errors++ == 0 || now_us - guard->logged_us >= log_interval_us) {
        log_warning("http", "accept: %s", strerror(error));
        guard->logged_us = now_us;
    }
    pause_listeners(guard);
}

static void handle_sent(evutil_socket_t fd, short what, void *arg)
{
    struct guard *guard = arg;
    void (*sent)(void *) = guard->sent;

    (void)fd, (void)what;
    if (sent == NULL || guard->unsent > 0)
        return;
    guard->sent = NULL;
    sent(guard->sent_arg);
}

struct guard *guard_new(struct event_base *base, unsigned max_connections)
{
    struct guard *guard = calloc(1, sizeof *guard);

    if (guard == NULL)
        return NULL;
    guard->counters.max = max_connections;
    LIST_INIT(&guard->connections);
    LIST_INSERT_HEAD(&guards, guard, link);
    guard->sweep = event_new(base, -1, 0, sweep, guard);
    guard->sent_event = event_new(base, -1, 0, handle_sent, guard);
    if (guard->sweep == NULL || guard->sent_event == NULL) {
        guard_free(guard);
        return NULL;
    }
    return guard;
}

void guard_watch(struct guard *guard, struct evconnlistener *listener)
{
    if (guard->listener_count == GUARD_LISTENERS_MAX)
        return;
    guard->listeners[guard->listener_count++] = listener;
    evconnlistener_set_error_cb(listener, accept_failed);
}

struct bufferevent *guard_connection(struct event_base *base, void *arg)
{
    struct guard *guard = arg;
    struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    struct connection *connection = calloc(1, sizeof *connection);

    if (bev == NULL || connection == NULL) {
        free(connection);
        return bev;
    }
    connection->guard = guard;
    connection->bev = bev;
    connection->active_us = clock_us();
    bufferevent_incref(bev);
    evbuffer_add_cb(bufferevent_get_input(bev), input_changed, connection);
    evbuffer_add_cb(bufferevent_get_output(bev), output_changed, connection);
    if (!make_room(guard, 1))
        pause_listeners(guard);
    LIST_INSERT_HEAD(&guard->connections, connection, link);
    guard->counters.accepted++;
    guard->counters.open++;
    if (!event_pending(guard->sweep, EV_TIMEOUT, NULL))
        event_add(guard->sweep, &sweep_interval);
    return bev;
}

void guard_stop(struct guard *guard)
{
    pause_listeners(guard);
    guard->stopped = true;
    guard->listener_count = 0;
}

void guard_when_sent(struct guard *guard, void (*sent)(void *arg), void *arg)
{
    guard->sent = sent;
    guard->sent_arg = arg;
    event_active(guard->sent_event, EV_TIMEOUT, 0);
}

const struct guard_counters *guard_counters(struct guard *guard)
{
    drop_released(guard);
    return &guard->counters;
}

void guard_free(struct guard *guard)
{
    struct connection *connection, *next;

    if (guard == NULL)
        return;
    guard->sent = NULL;
    for (connection = LIST_FIRST(&guard->connections); connection != NULL; connection = next) {
        next = LIST_NEXT(connection, link);
        drop(connection);
    }
    if (guard->sweep != NULL)
        event_free(guard->sweep);
    if (guard->sent_event != NULL)
        event_free(guard->sent_event);
    LIST_REMOVE(guard, link);
    free(guard);
}
