/* SPDX-License-Identifier: Apache-2.0 */
#include "battd/unanswered.h"

#include <string.h>

#include "common/clock.h"

enum { LATE_US = 2 * US_PER_S };

static void drop(struct unanswered *unanswered, size_t count)
{
    unanswered->size -= count;
    memmove(unanswered->request, unanswered->request + count,
            unanswered->size * sizeof unanswered->request[0]);
}

void unanswered_add(struct unanswered *unanswered, uint8_t count, int64_t deadline_us)
{
    if (unanswered->size == UNANSWERED_MAX)
        drop(unanswered, 1);
    unanswered->request[unanswered->size].count = count;
    unanswered->request[unanswered->size++].until_us = deadline_us + LATE_US;
}

/* Where the oldest request for so many registers is; size if there is none. */
static size_t find(const struct unanswered *unanswered, uint8_t count)
{
    size_t i = 0;

    while (i < unanswered->size && unanswered->request[i].count != count)
        i++;
    return i;
}

bool unanswered_has(struct unanswered *unanswered, uint8_t count, int64_t now_us)
{
    while (unanswered->size > 0 && unanswered->request[0].until_us <= now_us)
        drop(unanswered, 1);
    return find(unanswered, count) < unanswered->size;
}

bool unanswered_settle(struct unanswered *unanswered, uint8_t count)
{
    size_t oldest = find(unanswered, count);

    if (oldest == unanswered->size)
        return false;
    drop(unanswered, oldest + 1);
    return true;
}

void unanswered_settle_any(struct unanswered *unanswered)
{
    if (unanswered->size > 0)
        drop(unanswered, 1);
}
