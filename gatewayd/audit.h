/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gatewayd's audit lines: requests that were refused, and those that would have changed something
 * and got no answer from dcdcd, which writes the lines of all others. What one address repeats is
 * summed up.
 */
#ifndef GATEWAYD_AUDIT_H
#define GATEWAYD_AUDIT_H

#include <netinet/in.h>
#include <stdint.h>

#include "common/reason.h"
#include "gatewayd/access.h"

struct audit_entry {
    struct in6_addr peer;
    const char *method, *target; /* the target is cut when long */
    int64_t took_us;
    enum access_verdict verdict;   /* not granted: refused before anything was done */
    const struct failure *failure; /* NULL: it went well */
};

/* "GET /dcdc/set?dig=2 from 192.0.2.7: failed in 3.501 s: …" */
void audit_request(const struct audit_entry *entry);

#endif
