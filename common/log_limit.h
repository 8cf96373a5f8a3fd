/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps what repeats without end (a cable that comes and goes, a daemon that is started again and
 * again) out of the log. Each module may write LOG_LIMIT_BURST lines at once and one an hour after
 * that; what is beyond is counted and summed up. Pure: the time is a parameter. Used by log.c.
 */
#ifndef COMMON_LOG_LIMIT_H
#define COMMON_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    LOG_LIMIT_MODULES = 24, /* more than any daemon has; others would share the last one */
    LOG_LIMIT_BURST = 20,
    LOG_LIMIT_TEXT_SIZE = 320
};

struct log_limit_row {
    const char *module;             /* borrowed for good; NULL: unused */
    int64_t full_us;                /* when LOG_LIMIT_BURST lines may be written again */
    unsigned more;                  /* lines not written since the last one that was */
    int64_t first_us, last_us;      /* of those */
    int priority;                   /* of the last of them */
    char last[LOG_LIMIT_TEXT_SIZE]; /* its text, cut */
};

/* Begin with all of it zero. */
struct log_limit {
    struct log_limit_row rows[LOG_LIMIT_MODULES];
};

/*
 * Whether a line of this module is to be written now. If not, it is counted, and text and priority
 * are kept for the sum.
 */
bool log_limit_pass(struct log_limit *limit, const char *module, int priority, const char *text,
                    int64_t now_us);

/*
 * True: *row, copied, has lines that were not written, and its sum may be written now. To be called
 * until it is false. INT64_MAX: all are due.
 */
bool log_limit_sum(struct log_limit *limit, int64_t now_us, struct log_limit_row *row);

#endif
