/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When to poll next: a fixed grid of times, and silence after a poll that failed. Pure; the time
 * is a parameter. Used by the worker.
 */
#ifndef BATTD_SCHEDULE_H
#define BATTD_SCHEDULE_H

#include <stdint.h>

#include "battd/outcome.h"

/* Set interval_us and response_us; due_us is when the next poll may begin. */
struct poll_schedule {
    int64_t interval_us; /* between the beginnings of two polls; > 0 */
    int64_t response_us; /* longest wait for an answer */
    int64_t tick_us;     /* the grid's point of the next poll */
    int64_t due_us;
};

/* The port has just been opened: poll now; the grid begins here. */
void poll_schedule_start(struct poll_schedule *schedule, int64_t now_us);

/*
 * A poll has ended: sets due_us. Points of the grid that have passed are left out. After silence
 * another response time passes first, so that a late answer does not meet the next request.
 */
void poll_schedule_ended(struct poll_schedule *schedule, enum outcome outcome, int64_t now_us);

#endif
