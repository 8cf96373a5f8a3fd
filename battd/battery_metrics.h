/* SPDX-License-Identifier: Apache-2.0 */
/* What is known about the battery as metrics. Pure. Used by the methods. */
#ifndef BATTD_BATTERY_METRICS_H
#define BATTD_BATTERY_METRICS_H

#include <stdint.h>

#include "battd/snapshot.h"
#include "common/metrics.h"

/*
 * Adds the battery's families. The reading is shown while the port is open and it is younger than
 * max_age_us.
 */
void battery_metrics(struct metrics *metrics, const struct snapshot *snapshot, int64_t max_age_us);

#endif
