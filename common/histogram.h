/* SPDX-License-Identifier: Apache-2.0 */
/* Durations counted by size, as a Prometheus histogram wants them. Pure. */
#ifndef COMMON_HISTOGRAM_H
#define COMMON_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BOUNDS_MAX = 12 };

/* The upper bounds of the buckets, µs, ascending; what is above the last falls into one more. */
struct histogram_bounds {
    int64_t us[HISTOGRAM_BOUNDS_MAX];
    size_t count;
};

/* Begin with all of it zero. */
struct histogram {
    uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* of each bucket alone, not summed up */
    uint64_t count;                            /* of all */
    int64_t sum_us;
};

/* Counts a duration; a bound belongs to the bucket that it ends. Below 0 counts as 0. */
void histogram_observe(struct histogram *histogram, const struct histogram_bounds *bounds,
                       int64_t us);

#endif
