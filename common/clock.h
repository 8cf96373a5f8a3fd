/* SPDX-License-Identifier: Apache-2.0 */
/* The one clock: CLOCK_MONOTONIC in microseconds. Pure code takes the time as a parameter. */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

/* Not an enum: clang warns when one of those meets a double. */
#define US_PER_MS 1000
#define US_PER_S  1000000

/* Microseconds since an arbitrary start; never runs backwards. */
static inline int64_t clock_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

/* Microseconds since 1970, as far as this machine knows. For showing only: it may jump. */
static inline int64_t clock_unix_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

/* A time in microseconds, not negative, as system and libraries take it. */
static inline struct timeval timeval_of_us(int64_t us)
{
    return (struct timeval){.tv_sec = (time_t)(us / US_PER_S),
                            .tv_usec = (suseconds_t)(us % US_PER_S)};
}

static inline struct timespec timespec_of_us(int64_t us)
{
    return (struct timespec){.tv_sec = (time_t)(us / US_PER_S),
                             .tv_nsec = (long)(us % US_PER_S * 1000)};
}

/* The earlier of two times. */
static inline int64_t earlier_us(int64_t a_us, int64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

#endif
