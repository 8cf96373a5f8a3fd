/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits on HTTP connections that evhttp does not know: their number in all and per address
 * (slots.h says which go), the time that a whole request may take to arrive and its answer to
 * leave, and what happens when there are no descriptors left. Also knows when everything is
 * written out. Used by http.c only.
 */
#ifndef GATEWAYD_GUARD_H
#define GATEWAYD_GUARD_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdint.h>

#include "common/config.h"

enum { GUARD_LISTENERS_MAX = 8 };

struct guard;

struct guard_counters {
    unsigned open;
    unsigned max;
    uint64_t accepted;
    uint64_t evicted;       /* closed to make room for others */
    uint64_t turned_away;   /* closed at once: there was no room to be made */
    uint64_t too_slow;      /* the request did not arrive, or its answer not leave, in time */
    uint64_t accept_errors; /* no descriptors left */
};

/*
 * limits is borrowed. Lets the process have the descriptors that its connections need; where it
 * may not, there are fewer connections, and the log says so. NULL without memory.
 */
struct guard *guard_new(struct event_base *base, const struct config_gateway *limits);

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
