/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/slots.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

static const int64_t again_after_us = US_PER_S;

struct slot_address {
    LIST_ENTRY(slot_address) link;
    struct in6_addr network;
    unsigned open[2]; /* [answered] */
};

void slots_init(struct slots *slots, unsigned max, unsigned max_per_address)
{
    *slots = (struct slots){.max = max, .max_per_address = max_per_address};
    for (int standing = 0; standing < ACCESS_STANDINGS; standing++)
        for (int answered = 0; answered < 2; answered++)
            TAILQ_INIT(&slots->queues[standing][answered]);
    for (int i = 0; i < SLOT_BUCKETS; i++)
        LIST_INIT(&slots->buckets[i]);
}

/* What counts as one address. */
static struct in6_addr network_of(const struct in6_addr *peer)
{
    struct in6_addr network = *peer;

    if (!IN6_IS_ADDR_V4MAPPED(peer))
        memset(&network.s6_addr[8], 0, 8);
    return network;
}

static struct slot_addresses *bucket_of(struct slots *slots, const struct in6_addr *network)
{
    uint32_t hash = 2166136261U; /* FNV-1a */

    for (size_t i = 0; i < sizeof network->s6_addr; i++)
        hash = (hash ^ network->s6_addr[i]) * 16777619U;
    return &slots->buckets[(hash >> 16 ^ hash) % SLOT_BUCKETS];
}

static struct slot_address *find_address(struct slots *slots, const struct in6_addr *network)
{
    struct slot_addresses *bucket = bucket_of(slots, network);
    struct slot_address *address;

    for (address = LIST_FIRST(bucket); address != NULL; address = LIST_NEXT(address, link))
        if (memcmp(&address->network, network, sizeof *network) == 0)
            return address;
    address = calloc(1, sizeof *address);
    if (address == NULL)
        return NULL;
    address->network = *network;
    LIST_INSERT_HEAD(bucket, address, link);
    return address;
}

static unsigned open_of(const struct slot_address *address)
{
    return address->open[false] + address->open[true];
}

static void insert(struct slots *slots, struct slot *slot)
{
    slot->address->open[slot->answered]++;
    slots->counts[slot->standing][slot->answered]++;
    TAILQ_INSERT_TAIL(&slots->queues[slot->standing][slot->answered], slot, link);
}

static void take_out(struct slots *slots, struct slot *slot)
{
    slot->address->open[slot->answered]--;
    slots->counts[slot->standing][slot->answered]--;
    TAILQ_REMOVE(&slots->queues[slot->standing][slot->answered], slot, link);
}

bool slots_add(struct slots *slots, struct slot *slot, const struct in6_addr *peer,
               enum access_standing standing)
{
    struct in6_addr network = network_of(peer);

    slot->address = find_address(slots, &network);
    if (slot->address == NULL)
        return false;
    slot->standing = standing;
    slot->answered = false;
    insert(slots, slot);
    slots->open++;
    return true;
}

void slots_remove(struct slots *slots, struct slot *slot)
{
    take_out(slots, slot);
    slots->open--;
    if (open_of(slot->address) > 0)
        return;
    LIST_REMOVE(slot->address, link);
    free(slot->address);
}

void slots_answered(struct slots *slots, struct slot *slot, int64_t now_us)
{
    if (slot->answered && now_us - slot->answered_us < again_after_us)
        return;
    slot->answered_us = now_us;
    take_out(slots, slot);
    slot->answered = true;
    insert(slots, slot);
}

/* The first to go of one standing; address: only of this one, NULL: of any. */
static struct slot *first(struct slots *slots, unsigned standing,
                          const struct slot_address *address, const struct slot *but,
                          bool (*evictable)(const struct slot *slot))
{
    const unsigned *counts = address != NULL ? address->open : slots->counts[standing];
    bool larger = counts[true] > counts[false];
    struct slot *slot;

    for (int i = 0; i < 2; i++)
        for (slot = TAILQ_FIRST(&slots->queues[standing][larger ^ i]); slot != NULL;
             slot = TAILQ_NEXT(slot, link))
            if (slot != but && (address == NULL || slot->address == address) && evictable(slot))
                return slot;
    return NULL;
}

static bool is_full(const struct slots *slots, enum access_standing standing)
{
    unsigned kept = standing < ACCESS_CONTROLS ? slots->max / 4 : 0;

    return slots->open > slots->max - kept;
}

struct slot *slots_surplus(struct slots *slots, struct slot *newest,
                           bool (*evictable)(const struct slot *slot))
{
    struct slot *slot = NULL;

    if (open_of(newest->address) > slots->max_per_address) {
        slot = first(slots, newest->standing, newest->address, newest, evictable);
        return slot != NULL ? slot : newest;
    }
    if (!is_full(slots, newest->standing))
        return NULL;
    for (unsigned standing = 0; slot == NULL && standing <= newest->standing; standing++)
        slot = first(slots, standing, NULL, newest, evictable);
    return slot != NULL ? slot : newest;
}
