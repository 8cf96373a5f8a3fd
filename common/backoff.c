/* SPDX-License-Identifier: Apache-2.0 */
#include "common/backoff.h"

int64_t backoff_failed(struct backoff *backoff)
{
    int64_t wait = backoff->wait_us;

    if (wait < backoff->min_us)
        wait = backoff->min_us;
    else if (wait > backoff->max_us / 2)
        wait = backoff->max_us;
    else
        wait *= 2;
    backoff->wait_us = wait;
    return wait;
}

void backoff_succeeded(struct backoff *backoff)
{
    backoff->wait_us = 0;
}
