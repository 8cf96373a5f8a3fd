/* SPDX-License-Identifier: Apache-2.0 */
/* When to try again: doubling waits between two bounds. Pure; the time is a parameter. */
#ifndef COMMON_BACKOFF_H
#define COMMON_BACKOFF_H

#include <stdint.h>

/* Set min_us and max_us; wait_us is the last wait, 0 when the last try succeeded. */
struct backoff {
    int64_t min_us; /* first wait */
    int64_t max_us; /* longest wait */
    int64_t wait_us;
};

/* A try has failed: how long to wait before the next one, in µs. */
int64_t backoff_failed(struct backoff *backoff);

/* A try has succeeded: the next failure waits min_us again. */
void backoff_succeeded(struct backoff *backoff);

#endif
