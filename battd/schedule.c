/* SPDX-License-Identifier: Apache-2.0 */
#include "battd/schedule.h"

#include "common/clock.h"

/* How long the rest of a broken frame may still be coming in. */
enum { BROKEN_FRAME_US = 100 * US_PER_MS };

static int64_t silence_after(const struct poll_schedule *schedule, enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_TIMEOUT:
        return schedule->response_us;
    case OUTCOME_CHECKSUM:
    case OUTCOME_FOREIGN:
    case OUTCOME_MALFORMED:
        return BROKEN_FRAME_US;
    default:
        return 0;
    }
}

void poll_schedule_start(struct poll_schedule *schedule, int64_t now_us)
{
    schedule->tick_us = now_us;
    schedule->due_us = now_us;
}

void poll_schedule_ended(struct poll_schedule *schedule, enum outcome outcome, int64_t now_us)
{
    int64_t quiet_until_us = now_us + silence_after(schedule, outcome);
    int64_t passed = (now_us - schedule->tick_us) / schedule->interval_us;

    schedule->tick_us += (passed + 1) * schedule->interval_us;
    schedule->due_us = schedule->tick_us > quiet_until_us ? schedule->tick_us : quiet_until_us;
}
