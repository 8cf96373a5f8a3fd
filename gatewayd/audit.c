/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/audit.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/address.h"
#include "common/clock.h"
#include "common/log.h"
#include "gatewayd/audit_limit.h"

static const int64_t period_us = 600 * (int64_t)US_PER_S;

/* Lines of one address and kind in a period: whoever may not ask gets one, others a few. */
enum { REFUSALS = 1, OTHERS = 10 };

/* The kinds of lines: reasons, verdicts (negative), and what went well. */
enum { KIND_OK = REASON_COUNT };

struct audit {
    struct audit_limit limit;
    struct event *timer; /* pending while there is something to sum up */
};

static void set_timer(struct audit *audit)
{
    int64_t wait_us = audit_limit_due_us(&audit->limit) - clock_us();
    struct timeval wait;

    if (wait_us > period_us || event_pending(audit->timer, EV_TIMEOUT, NULL))
        return;
    if (wait_us < US_PER_MS)
        wait_us = US_PER_MS;
    wait = (struct timeval){.tv_sec = wait_us / US_PER_S, .tv_usec = wait_us % US_PER_S};
    event_add(audit->timer, &wait);
}

static void sum_up(struct audit *audit, int64_t now_us)
{
    struct audit_limit_row row;
    char peer[INET6_ADDRSTRLEN];

    while (audit_limit_sum(&audit->limit, now_us, &row))
        log_info("audit", "%u more from %s in %lld s: %s", row.more,
                 IN6_IS_ADDR_UNSPECIFIED(&row.address) ? "several addresses"
                                                       : address_print(&row.address, peer),
                 (long long)((row.last_us - row.first_us) / US_PER_S), row.last);
}

static void handle_timer(evutil_socket_t fd, short what, void *arg)
{
    struct audit *audit = arg;

    (void)fd, (void)what;
    sum_up(audit, clock_us());
    set_timer(audit);
}

struct audit *audit_new(struct event_base *base)
{
    struct audit *audit = calloc(1, sizeof *audit);

    if (audit == NULL)
        return NULL;
    audit_limit_init(&audit->limit, period_us);
    audit->timer = evtimer_new(base, handle_timer, audit);
    if (audit->timer == NULL) {
        free(audit);
        return NULL;
    }
    return audit;
}

void audit_free(struct audit *audit)
{
    if (audit == NULL)
        return;
    sum_up(audit, INT64_MAX);
    event_free(audit->timer);
    free(audit);
}

void audit_write(struct audit *audit, const struct audit_entry *entry)
{
    const struct failure *failure = entry->failure;
    bool refused = entry->verdict != ACCESS_GRANTED;
    const char *how = refused ? "refused" : failure == NULL ? "ok" : "failed";
    int kind = refused ? -(int)entry->verdict : failure == NULL ? KIND_OK : (int)failure->reason;
    struct failure target, why; /* cut at a character, so that the log stays text */
    char peer[INET6_ADDRSTRLEN];

    failure_set(&target, REASON_INTERNAL, "%.200s", entry->target);
    failure_set(&why, REASON_INTERNAL, "%s%.256s", failure == NULL ? "" : ": ",
                failure == NULL ? "" : failure->text);
    if (audit_limit_pass(&audit->limit, &entry->peer, kind, refused ? REFUSALS : OTHERS, how,
                         why.text, clock_us()))
        log_info("audit", "%s %s from %s: %s in %.3f s%s", entry->method, target.text,
                 address_print(&entry->peer, peer), how, (double)entry->took_us / US_PER_S,
                 why.text);
    else
        set_timer(audit);
}
