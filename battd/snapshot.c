/* SPDX-License-Identifier: Apache-2.0 */
#include "battd/snapshot.h"

#include <stdio.h>

static bool is_fresh(const struct snapshot *snapshot, int64_t max_age_us, int64_t now_us)
{
    return snapshot->measured && now_us - snapshot->measured_us < max_age_us;
}

bool snapshot_succeeded(struct snapshot *snapshot, const struct reading *reading,
                        int64_t measured_us)
{
    bool was_lost = snapshot->lost;

    snapshot->counters.outcomes[OUTCOME_OK]++;
    snapshot->measured = true;
    snapshot->reading = *reading;
    snapshot->measured_us = measured_us;
    snapshot->last_failed = false;
    snapshot->lost = false;
    return was_lost;
}

bool snapshot_failed(struct snapshot *snapshot, enum outcome outcome, const char *error,
                     int64_t max_age_us, int64_t now_us)
{
    bool was_lost = snapshot->lost;

    snapshot->counters.outcomes[outcome]++;
    snapshot->last_failed = true;
    snapshot->failed = true;
    snapshot->failed_us = now_us;
    snprintf(snapshot->error, sizeof snapshot->error, "%s", error);
    if (was_lost || (outcome != OUTCOME_PORT && is_fresh(snapshot, max_age_us, now_us)))
        return false;
    snapshot->lost = true;
    snapshot->lost_us = now_us;
    return true;
}

enum snapshot_verdict snapshot_serve(const struct snapshot *snapshot, int64_t max_age_us,
                                     int64_t now_us, struct failure *failure)
{
    if (is_fresh(snapshot, max_age_us, now_us))
        return SNAPSHOT_FRESH;
    if (snapshot->last_failed) {
        failure_set(failure, REASON_BATTERY, "modbus io exception: %s", snapshot->error);
        return SNAPSHOT_FAILED;
    }
    if (snapshot->stopped) {
        failure_set(failure, REASON_STOPPING, "battd is stopping");
        return SNAPSHOT_FAILED;
    }
    return SNAPSHOT_WAIT;
}
