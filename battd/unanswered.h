/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests that may still be answered, oldest first. An answer of Modbus does not tell which
 * request it belongs to; how many registers it holds is all that it shows. The battery answers in
 * order, if at all, and no later than LATE_US after a request's deadline. Pure; the time is a
 * parameter. Used by the bus.
 */
#ifndef BATTD_UNANSWERED_H
#define BATTD_UNANSWERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many as can be sent, one every 0.1 s, while the first may still be answered. */
enum { UNANSWERED_MAX = 64 };

/* Begin with all of it zero. */
struct unanswered {
    struct {
        uint8_t count; /* of registers */
        int64_t until_us;
    } request[UNANSWERED_MAX];
    size_t size;
};

/* A request for so many registers is sent; its answer is waited for until deadline_us. */
void unanswered_add(struct unanswered *unanswered, uint8_t count, int64_t deadline_us);

/* Whether an answer with so many registers may still come. */
bool unanswered_has(struct unanswered *unanswered, uint8_t count, int64_t now_us);

/*
 * An answer with so many registers has come. It is at least the oldest such request's, so nothing
 * before that will be answered. Returns false when none was waited for.
 */
bool unanswered_settle(struct unanswered *unanswered, uint8_t count);

/* An exception has come: it is at least the oldest request's. */
void unanswered_settle_any(struct unanswered *unanswered);

#endif
