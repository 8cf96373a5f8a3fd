/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits on HTTP connections that evhttp does not know: their number, the time that a whole
 * request may take to arrive, and what happens when there are no descriptors left. Also knows
 * when everything is written out. Used by http.c only.
 */
#ifndef GATEWAYD_GUARD_H
#define GATEWAYD_GUARD_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdint.h>

enum { GUARD_LISTENERS_MAX = 8 };

struct guard;

struct guard_counters {
    unsigned open;
    unsigned max;
    uint64_t accepted;
    uint64_t evicted;       /* idle, closed to make room */
    uint64_t too_slow;      /* the request did not arrive in time */
    uint64_t accept_errors; /* no descriptors left */
};

/* NULL without memory. */
struct guard *guard_new(struct event_base *base, unsigned max_connections);

/* Watches a listener; the caller keeps owning it and outlives its use here. */
void guard_watch(struct guard *guard, struct evconnlistener *listener);

/* For evhttp_set_bevcb, with the guard as its argument: the bufferevent of a new connection. */
struct bufferevent *guard_connection(struct event_base *base, void *guard);

/* Takes no more connections, for good. The listeners may be freed afterwards. */
void guard_stop(struct guard *guard);

/* sent(arg) is called once, from the loop, when no connection has anything left to write. */
void guard_when_sent(struct guard *guard, void (*sent)(void *arg), void *arg);

const struct guard_counters *guard_counters(struct guard *guard);

/* After evhttp_free. NULL: no-op. */
void guard_free(struct guard *guard);

#endif
