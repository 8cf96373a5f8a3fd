/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests counted by path, outcome and duration; what `metrics` tells of HTTP. Pure. */
#ifndef GATEWAYD_USAGE_H
#define GATEWAYD_USAGE_H

#include <json-c/json.h>
#include <stdint.h>

#include "common/metrics.h"
#include "common/reason.h"
#include "gatewayd/routes.h"

/* How requests end: "ok", then the reasons. */
enum { OUTCOME_OK, OUTCOME_REASON, OUTCOME_COUNT = OUTCOME_REASON + REASON_COUNT };

struct usage;

/* NULL without memory. */
struct usage *usage_new(void);
void usage_free(struct usage *usage);

/* Counts an answer. route: a row of routes, NULL for an unknown path; outcome: see above. */
void usage_count(struct usage *usage, const struct route *route, unsigned outcome,
                 int64_t duration_us);

/* For `status`: {"/all/get":{"ok":12,"read_timeout":1},…,"unknown":{…}}. Caller owns. */
struct json_object *usage_to_json(const struct usage *usage);

/* Adds requests by path and status, and their durations by path. */
void usage_metrics(const struct usage *usage, struct metrics *metrics);

/* Adds what http_counters (gatewayd/http.h) has returned. */
void usage_connections(struct json_object *counters, struct metrics *metrics);

#endif
