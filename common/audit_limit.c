/* SPDX-License-Identifier: Apache-2.0 */
#include "common/audit_limit.h"

#include <stdio.h>
#include <string.h>

static int64_t ends_us(const struct audit_limit *limit, const struct audit_limit_row *row)
{
    return row->first_us + limit->period_us;
}

/* A period that is over and has left nothing to be summed up is no period. */
static bool is_free(const struct audit_limit *limit, const struct audit_limit_row *row,
                    int64_t now_us)
{
    return !row->used || (row->more == 0 && ends_us(limit, row) <= now_us);
}

/* The row of these; a free one; else the one for all others. */
static struct audit_limit_row *find_row(struct audit_limit *limit, const char *party, int kind,
                                        int64_t now_us)
{
    struct audit_limit_row *others = &limit->rows[AUDIT_LIMIT_ROWS], *free_row = NULL;

    for (struct audit_limit_row *row = limit->rows; row < others; row++) {
        if (is_free(limit, row, now_us))
            free_row = row;
        else if (row->kind == kind && strcmp(row->party, party) == 0)
            return row;
    }
    if (free_row == NULL && !is_free(limit, others, now_us))
        return others;
    if (free_row != NULL) {
        *free_row = (struct audit_limit_row){.kind = kind};
        snprintf(free_row->party, sizeof free_row->party, "%s", party);
    } else {
        free_row = others;
        *others = (struct audit_limit_row){.kind = 0};
    }
    free_row->used = true;
    free_row->first_us = now_us;
    return free_row;
}

bool audit_limit_pass(struct audit_limit *limit, const char *party, int kind, unsigned most,
                      const char *outcome, int64_t now_us)
{
    struct audit_limit_row *row = find_row(limit, party, kind, now_us);

    if (row->lines++ < most)
        return true;
    row->more++;
    row->last_us = now_us;
    snprintf(row->last, sizeof row->last, "%s", outcome);
    return false;
}

bool audit_limit_sum(struct audit_limit *limit, int64_t now_us, struct audit_limit_row *row)
{
    for (size_t i = 0; i <= AUDIT_LIMIT_ROWS; i++) {
        if (!limit->rows[i].used || limit->rows[i].more == 0 ||
            ends_us(limit, &limit->rows[i]) > now_us)
            continue;
        *row = limit->rows[i];
        limit->rows[i].used = false;
        return true;
    }
    return false;
}
