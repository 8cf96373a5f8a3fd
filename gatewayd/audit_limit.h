/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a flood out of the log: of one kind of line about one address the first few of a period
 * are written, the rest is counted and summed up when the period ends. Pure: the time is a
 * parameter. Used by audit.c.
 */
#ifndef GATEWAYD_AUDIT_LIMIT_H
#define GATEWAYD_AUDIT_LIMIT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    AUDIT_LIMIT_ROWS = 32, /* addresses and kinds at once; beyond them: one row for all others */
    AUDIT_LIMIT_TEXT_SIZE = 160
};

struct audit_limit_row {
    bool used;
    struct in6_addr address; /* "::" in the row for all others */
    int kind;
    unsigned lines;                   /* in this period, written and not */
    unsigned more;                    /* of them not written */
    char last[AUDIT_LIMIT_TEXT_SIZE]; /* of those: the last one's outcome */
    int64_t first_us, last_us;        /* of the lines */
};

struct audit_limit {
    int64_t period_us;
    struct audit_limit_row rows[AUDIT_LIMIT_ROWS + 1];
};

void audit_limit_init(struct audit_limit *limit, int64_t period_us);

/*
 * Whether a line of this kind about this address is to be written now; most: so many are in a
 * period. If not, it is counted; how and why, its outcome, are kept for the sum.
 */
bool audit_limit_pass(struct audit_limit *limit, const struct in6_addr *address, int kind,
                      unsigned most, const char *how, const char *why, int64_t now_us);

/*
 * Ends a period that is over. True: *row, copied, has lines that were not written. To be called
 * until it is false. INT64_MAX ends all.
 */
bool audit_limit_sum(struct audit_limit *limit, int64_t now_us, struct audit_limit_row *row);

/* When the next period with lines that were not written ends; INT64_MAX: there is none. */
int64_t audit_limit_due_us(const struct audit_limit *limit);

#endif
