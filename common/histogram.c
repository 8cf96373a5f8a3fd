/* SPDX-License-Identifier: Apache-2.0 */
#include "common/histogram.h"

void histogram_observe(struct histogram *histogram, const struct histogram_bounds *bounds,
                       int64_t us)
{
    size_t bucket = 0;

    if (us < 0)
        us = 0;
    while (bucket < bounds->count && us > bounds->us[bucket])
        bucket++;
    histogram->counts[bucket]++;
    histogram->count++;
    histogram->sum_us += us;
}
