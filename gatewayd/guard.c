/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evhttp tells nobody when it accepts or closes a connection, but it lets us make the bufferevent:
 * we keep a second reference to each. It gets its descriptor only after that, so newcomers are
 * looked at a little later, in the same turn of the loop. evhttp has let go of one when its
 * callbacks are gone. A sweep, running only while there is something to look at, finds those and
 * the slow ones.
 */
#include "gatewayd/guard_parts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/clock.h"
#include "common/log.h"
#include "gatewayd/access.h"

static const struct timeval sweep_interval = {.tv_usec = 200000};
static const int64_t log_interval_us = 60 * (int64_t)US_PER_S; /* of what may go on for ever */

enum {
    /* Accepted in one turn, so that a newcomer is read before it can have become the oldest. */
    NEWCOMERS_MAX = 16,
    OTHER_DESCRIPTORS = 64 /* all that are not HTTP connections, amply */
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
}

static void resume_listeners(struct guard *guard)
{
    if (!guard->paused || guard->stopped || guard->failed)
        return;
    guard->paused = false;
    for (size_t i = 0; i < guard->listener_count; i++)
        evconnlistener_enable(guard->listeners[i]);
}

static void drop_released(struct guard *guard)
{
    struct connection *connection, *next;

    for (connection = LIST_FIRST(&guard->connections); connection != NULL; connection = next) {
        next = LIST_NEXT(connection, link);
        if (guard_released(connection))
            guard_drop(connection);
    }
}

static void expire_slow(struct guard *guard, int64_t now_us)
{
    struct connection *connection;

    for (connection = LIST_FIRST(&guard->connections); connection != NULL;
         connection = LIST_NEXT(connection, link)) {
        if (guard_released(connection) || !guard_too_slow(connection, now_us))
            continue;
        guard->counters.too_slow++;
        guard_expire(connection);
    }
}

static void evict(struct slot *slot, uint64_t *counter)
{
    struct connection *connection = (struct connection *)slot;

    (*counter)++;
    guard_expire(connection);
    if (guard_released(connection))
        guard_drop(connection);
}

/* Makes a newcomer one of the connections; somebody may have to go for it. */
static void greet_one(struct guard *guard, struct connection *connection)
{
    struct in6_addr peer = guard_peer(connection);
    struct slot *surplus;

    LIST_REMOVE(connection, link);
    if (!slots_add(&guard->slots, &connection->slot, &peer,
                   access_standing(guard->limits, &peer))) {
        guard_expire(connection);
        bufferevent_decref(connection->bev);
        free(connection);
        return;
    }
    LIST_INSERT_HEAD(&guard->connections, connection, link);
    guard_watch_buffers(connection);
    if (slots_surplus(&guard->slots, &connection->slot, guard_evictable) == NULL)
        return;
    if (guard_released(connection)) { /* evhttp could not take it */
        guard_drop(connection);
        return;
    }
    drop_released(guard);
    surplus = slots_surplus(&guard->slots, &connection->slot, guard_evictable);
    if (surplus != NULL)
        evict(surplus, surplus == &connection->slot ? &guard->counters.turned_away
                                                    : &guard->counters.evicted);
}

static void greet(evutil_socket_t fd, short what, void *arg)
{
    struct guard *guard = arg;
    struct connection *connection;

    (void)fd, (void)what;
    while ((connection = LIST_FIRST(&guard->newcomers)) != NULL)
        greet_one(guard, connection);
    guard->newcomer_count = 0;
    resume_listeners(guard);
}

static void sweep(evutil_socket_t fd, short what, void *arg)
{
    struct guard *guard = arg;

    (void)fd, (void)what;
    expire_slow(guard, clock_us());
    drop_released(guard);
    guard->failed = false;
    resume_listeners(guard);
    if (guard->slots.open > 0)
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
    guard->failed = true;
    pause_listeners(guard);
    event_add(guard->sweep, &sweep_interval);
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

/* How many connections there may be, with the descriptors that the process can have. */
static unsigned most_connections(unsigned wanted)
{
    rlim_t needed = (rlim_t)wanted + OTHER_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
        return wanted;
    limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= needed)
        return wanted;
    wanted = limit.rlim_cur > 2 * OTHER_DESCRIPTORS ? (unsigned)limit.rlim_cur - OTHER_DESCRIPTORS
                                                    : OTHER_DESCRIPTORS;
    log_warning("http", "%u connections at most: there are no more than %ju descriptors", wanted,
                (uintmax_t)limit.rlim_cur);
    return wanted;
}

struct guard *guard_new(struct event_base *base, const struct config_gateway *limits)
{
    struct guard *guard = calloc(1, sizeof *guard);

    if (guard == NULL)
        return NULL;
    guard->limits = limits;
    guard->counters.max = most_connections(limits->max_connections);
    slots_init(&guard->slots, guard->counters.max, limits->max_connections_per_address);
    LIST_INIT(&guard->connections);
    LIST_INIT(&guard->newcomers);
    LIST_INSERT_HEAD(&guards, guard, link);
    guard->sweep = event_new(base, -1, 0, sweep, guard);
    guard->greet = event_new(base, -1, 0, greet, guard);
    guard->sent_event = event_new(base, -1, 0, handle_sent, guard);
    if (guard->sweep == NULL || guard->greet == NULL || guard->sent_event == NULL) {
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

static unsigned newcomers_at_once(const struct guard *guard)
{
    unsigned few = guard->slots.max < guard->slots.max_per_address ? guard->slots.max
                                                                   : guard->slots.max_per_address;

    return few / 4 < NEWCOMERS_MAX ? few / 4 + 1 : NEWCOMERS_MAX;
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
    bufferevent_incref(bev);
    /* One more than evhttp takes for a request's headers, so that it sees when they are too long.
     */
    bufferevent_setwatermark(bev, EV_READ, 0, guard->limits->max_headers_size + 1);
    LIST_INSERT_HEAD(&guard->newcomers, connection, link);
    guard->counters.accepted++;
    if (++guard->newcomer_count == newcomers_at_once(guard))
        pause_listeners(guard);
    event_active(guard->greet, EV_TIMEOUT, 0);
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
    guard->counters.open = guard->slots.open;
    return &guard->counters;
}

void guard_free(struct guard *guard)
{
    struct connection *connection, *next;

    if (guard == NULL)
        return;
    guard->sent = NULL;
    while ((connection = LIST_FIRST(&guard->newcomers)) != NULL) {
        LIST_REMOVE(connection, link);
        bufferevent_decref(connection->bev);
        free(connection);
    }
    for (connection = LIST_FIRST(&guard->connections); connection != NULL; connection = next) {
        next = LIST_NEXT(connection, link);
        guard_drop(connection);
    }
    if (guard->sweep != NULL)
        event_free(guard->sweep);
    if (guard->greet != NULL)
        event_free(guard->greet);
    if (guard->sent_event != NULL)
        event_free(guard->sent_event);
    LIST_REMOVE(guard, link);
    free(guard);
}
