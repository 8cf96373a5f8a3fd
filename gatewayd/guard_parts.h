/* SPDX-License-Identifier: Apache-2.0 */
/* What guard.c and guard_connection.c share; used by no other file. */
#ifndef GATEWAYD_GUARD_PARTS_H
#define GATEWAYD_GUARD_PARTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "gatewayd/guard.h"
#include "gatewayd/slots.h"

LIST_HEAD(connection_list, connection);
LIST_HEAD(guard_list, guard);

struct connection {
    struct slot slot; /* first: what slots.h gives back; in use once it is no newcomer */
    LIST_ENTRY(connection) link;
    struct guard *guard;
    struct bufferevent *bev;
    int64_t first_us; /* when the request that is arriving began; 0: none is */
    int64_t sent_us;  /* when anything of its output was last added or sent */
    bool unsent;      /* its output is not empty */
};

struct guard {
    LIST_ENTRY(guard) link;
    struct evconnlistener *listeners[GUARD_LISTENERS_MAX];
    size_t listener_count;
    struct event *sweep;
    struct event *greet; /* active while there are newcomers */
    const struct config_gateway *limits;
    struct slots slots;
    struct connection_list connections;
    struct connection_list newcomers;
    unsigned newcomer_count;
    struct guard_counters counters;
    unsigned unsent; /* connections with output */
    bool paused;     /* the listeners are disabled */
    bool failed;     /* for want of descriptors: until the next sweep */
    bool stopped;    /* for good */
    int64_t logged_us;
    struct event *sent_event;
    void (*sent)(void *arg);
    void *sent_arg;
};

/* Makes a connection know what comes in and goes out on it; it must have its slot. */
void guard_watch_buffers(struct connection *connection);

/* evhttp has let go of it. */
bool guard_released(const struct connection *connection);

/* No request of it is being carried out. An answer that is still here is no reason to keep it. */
bool guard_evictable(const struct slot *slot);

/* Its request does not arrive in time, or its answer does not leave. */
bool guard_too_slow(const struct connection *connection, int64_t now_us);

/* Makes evhttp close it. */
void guard_expire(struct connection *connection);

/* Ends the watch and frees; evhttp must have let go of it, or be gone. */
void guard_drop(struct connection *connection);

/* Who is at the other end; :: if it has gone already. */
struct in6_addr guard_peer(const struct connection *connection);

#endif
