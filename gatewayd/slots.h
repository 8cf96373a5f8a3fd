/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which connections stay when there are too many. Pure: no descriptor, no clock. Used by guard.c.
 *
 * Closed first are those of the lowest standing. Of one standing there are those that have never
 * been answered a request and those that have: the larger group loses its oldest, by arrival or by
 * last answer. So whoever connects and asks at once is served, and whoever stays connected and asks
 * now and then keeps its connection, however many others wait, drip or ask. A connection is closed
 * only for one of its own or a higher standing. A quarter of all is kept for the highest standing.
 * An IPv6 address counts with all others of its /64 network.
 */
#ifndef GATEWAYD_SLOTS_H
#define GATEWAYD_SLOTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "gatewayd/access.h"

struct slot_address;

/* A connection; the caller's. */
struct slot {
    TAILQ_ENTRY(slot) link;
    struct slot_address *address;
    enum access_standing standing;
    bool answered;       /* a request, at least */
    int64_t answered_us; /* when that counted last */
};

TAILQ_HEAD(slot_queue, slot);
LIST_HEAD(slot_addresses, slot_address);

enum { SLOT_BUCKETS = 64 };

struct slots {
    unsigned max, max_per_address;
    unsigned open;
    struct slot_queue queues[ACCESS_STANDINGS][2]; /* [][answered]; the next to go first */
    unsigned counts[ACCESS_STANDINGS][2];          /* of them */
    struct slot_addresses buckets[SLOT_BUCKETS];
};

/* Both limits are at least 1. */
void slots_init(struct slots *slots, unsigned max, unsigned max_per_address);

/* Takes a new connection. False without memory. */
bool slots_add(struct slots *slots, struct slot *slot, const struct in6_addr *peer,
               enum access_standing standing);

void slots_remove(struct slots *slots, struct slot *slot);

/*
 * A request of the connection has been answered. Within a second of the last time that counts for
 * nothing: who asks without end is not kept for it before somebody who has just been answered.
 */
void slots_answered(struct slots *slots, struct slot *slot, int64_t now_us);

/*
 * The connection to close so that the limits hold with newest, which was added last: NULL if they
 * do; newest itself if there is none for which evictable() is true.
 */
struct slot *slots_surplus(struct slots *slots, struct slot *newest,
                           bool (*evictable)(const struct slot *slot));

#endif
