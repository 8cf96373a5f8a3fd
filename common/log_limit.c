/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log_limit.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"

static const int64_t refill_us = 3600 * (int64_t)US_PER_S;

static struct log_limit_row *find_row(struct log_limit *limit, const char *module)
{
    struct log_limit_row *row = limit->rows;

    while (row < &limit->rows[LOG_LIMIT_MODULES - 1] && row->module != NULL &&
           strcmp(row->module, module) != 0)
        row++;
    if (row->module == NULL)
        *row = (struct log_limit_row){.module = module, .full_us = INT64_MIN};
    return row;
}

/* Whether a line may be written; then it has been counted. */
static bool take(struct log_limit_row *row, int64_t now_us)
{
    int64_t from_us = row->full_us > now_us ? row->full_us : now_us;

    if (from_us - now_us > (LOG_LIMIT_BURST - 1) * refill_us)
        return false;
    row->full_us = from_us + refill_us;
    return true;
}

bool log_limit_pass(struct log_limit *limit, const char *module, int priority, const char *text,
                    int64_t now_us)
{
    struct log_limit_row *row = find_row(limit, module);

    /* What was not written is summed up before anything new is written. */
    if (row->more == 0 && take(row, now_us))
        return true;
    if (row->more++ == 0)
        row->first_us = now_us;
    row->last_us = now_us;
    row->priority = priority;
    snprintf(row->last, sizeof row->last, "%s", text);
    return false;
}

bool log_limit_sum(struct log_limit *limit, int64_t now_us, struct log_limit_row *row)
{
    for (size_t i = 0; i < LOG_LIMIT_MODULES; i++) {
        struct log_limit_row *at = &limit->rows[i];

        if (at->more == 0 || (now_us != INT64_MAX && !take(at, now_us)))
            continue;
        *row = *at;
        at->more = 0;
        return true;
    }
    return false;
}
