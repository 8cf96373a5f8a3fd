/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/audit.h"

#include <stdio.h>

#include "common/address.h"
#include "common/audit.h"
#include "common/clock.h"

/* Lines of one address and kind in a period: whoever may not ask gets one, others a few. */
enum { REFUSALS = 1, OTHERS = 10 };

/* The kinds of lines: reasons, verdicts (negative), and what went well. */
enum { KIND_OK = REASON_COUNT };

void audit_request(const struct audit_entry *entry)
{
    const struct failure *failure = entry->failure;
    bool refused = entry->verdict != ACCESS_GRANTED;
    const char *how = refused ? "refused" : failure == NULL ? "ok" : "failed";
    struct failure target, outcome; /* cut at a character, so that the log stays text */
    char peer[INET6_ADDRSTRLEN], text[1280];

    failure_set(&target, REASON_INTERNAL, "%.200s", entry->target);
    failure_set(&outcome, REASON_INTERNAL, "%s in %.3f s%s%.256s", how,
                (double)entry->took_us / US_PER_S, failure == NULL ? "" : ": ",
                failure == NULL ? "" : failure->text);
    address_print(&entry->peer, peer);
    snprintf(text, sizeof text, "%s %s from %s: %s", entry->method, target.text, peer,
             outcome.text);
    audit_write(&(struct audit_line){
        .text = text,
        .party = peer,
        .outcome = outcome.text,
        .kind = refused           ? -(int)entry->verdict
                : failure == NULL ? KIND_OK
                                  : (int)failure->reason,
        .most = refused ? REFUSALS : OTHERS,
    });
}
