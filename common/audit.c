/* SPDX-License-Identifier: Apache-2.0 */
#include "common/audit.h"

#include "common/audit_limit.h"
#include "common/clock.h"
#include "common/log.h"

static struct audit_limit limit = {.period_us = 600 * (int64_t)US_PER_S};

void audit_write(const struct audit_line *line)
{
    if (line->most == AUDIT_ALWAYS ||
        audit_limit_pass(&limit, line->party, line->kind, line->most, line->outcome, clock_us()))
        log_audit("%s", line->text);
}

void audit_sum_up(int64_t now_us)
{
    struct audit_limit_row row;

    while (audit_limit_sum(&limit, now_us, &row))
        log_audit("%u more from %s in %lld s: %s", row.more,
                  row.party[0] != '\0' ? row.party : "several parties",
                  (long long)((row.last_us - row.first_us) / US_PER_S), row.last);
}
