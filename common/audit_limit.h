/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a flood out of the audit: of one kind of line about the same party the first few of a
 * period are written, the rest is counted and summed up when the period ends. Pure: the time is a
 * parameter. Used by audit.c.
 */
#ifndef COMMON_AUDIT_LIMIT_H
#define COMMON_AUDIT_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    AUDIT_LIMIT_ROWS = 32, /* parties and kinds at once; beyond them: one row for all others */
    AUDIT_LIMIT_PARTY_SIZE = 80,
    AUDIT_LIMIT_TEXT_SIZE = 320
};

struct audit_limit_row {
    bool used;
    char party[AUDIT_LIMIT_PARTY_SIZE]; /* the party; "" in the row for all others */
    int kind;
    unsigned lines;                   /* in this period, written and not */
    unsigned more;                    /* of them not written */
    char last[AUDIT_LIMIT_TEXT_SIZE]; /* of those: the last one's outcome */
    int64_t first_us, last_us;        /* of the lines */
};

/* Begin with all but the period zero. */
struct audit_limit {
    int64_t period_us;
    struct audit_limit_row rows[AUDIT_LIMIT_ROWS + 1];
};

/*
 * Whether a line of this kind about party is to be written now; most: so many are in a period. If
 * not, it is counted, and the outcome is kept for the sum.
 */
bool audit_limit_pass(struct audit_limit *limit, const char *party, int kind, unsigned most,
                      const char *outcome, int64_t now_us);

/*
 * Ends a period that is over. True: *row, copied, has lines that were not written. To be called
 * until it is false. INT64_MAX ends all.
 */
bool audit_limit_sum(struct audit_limit *limit, int64_t now_us, struct audit_limit_row *row);

#endif
