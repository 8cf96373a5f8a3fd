/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/usage.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"

enum { STATUS_MIN = 200, STATUS_END = 600 };

static const struct histogram_bounds bounds = {
    .us = {1 * US_PER_MS, 5 * US_PER_MS, 25 * US_PER_MS, 100 * US_PER_MS, 250 * US_PER_MS,
           500 * US_PER_MS, 1 * US_PER_S, 2500 * US_PER_MS, 4500 * US_PER_MS},
    .count = 9,
};

static const struct metrics_family requests = {
    "dcdc_http_requests_total", METRICS_COUNTER,
    "HTTP requests answered, by path and status. Unknown paths are one path, \"unknown\"."};
static const struct metrics_family duration = {
    "dcdc_http_request_duration_seconds", METRICS_HISTOGRAM,
    "Time from the arrival of an HTTP request until its answer was written, by path."};

/* The counters of http_counters by their names there. */
static const struct {
    const char *counter;
    struct metrics_family family;
} connections[] = {
    {"open", {"dcdc_http_connections", METRICS_GAUGE, "HTTP connections that are open."}},
    {"max", {"dcdc_http_connections_max", METRICS_GAUGE, "HTTP connections that may be open."}},
    {"accepted", {"dcdc_http_connections_total", METRICS_COUNTER, "HTTP connections accepted."}},
    {"evicted",
     {"dcdc_http_connections_evicted_total", METRICS_COUNTER,
      "Idle HTTP connections closed to make room for others."}},
    {"too_slow",
     {"dcdc_http_connections_too_slow_total", METRICS_COUNTER,
      "HTTP connections closed because a request did not arrive in time."}},
    {"accept_errors",
     {"dcdc_http_accept_errors_total", METRICS_COUNTER,
      "HTTP connections that could not be accepted."}},
    {"answering",
     {"dcdc_http_requests_pending", METRICS_GAUGE, "HTTP requests that wait for their answers."}},
};

struct row {
    uint64_t outcomes[OUTCOME_COUNT];
    struct histogram durations;
};

struct usage {
    struct row *rows; /* by route; the last one is for unknown paths */
};

struct usage *usage_new(void)
{
    struct usage *usage = malloc(sizeof *usage);

    if (usage == NULL)
        return NULL;
    usage->rows = calloc(route_count + 1, sizeof *usage->rows);
    if (usage->rows == NULL) {
        free(usage);
        return NULL;
    }
    return usage;
}

void usage_free(struct usage *usage)
{
    if (usage == NULL)
        return;
    free(usage->rows);
    free(usage);
}

void usage_count(struct usage *usage, const struct route *route, unsigned outcome,
                 int64_t duration_us)
{
    struct row *row = &usage->rows[route == NULL ? route_count : (size_t)(route - routes)];

    row->outcomes[outcome]++;
    histogram_observe(&row->durations, &bounds, duration_us);
}

static const char *path_of(size_t row)
{
    return row < route_count ? routes[row].path : "unknown";
}

/* {"ok": 12, "read_timeout": 1}, or NULL if the row has no requests. */
static struct json_object *outcomes_to_json(const uint64_t outcomes[OUTCOME_COUNT])
{
    struct json_object *object = NULL;

    for (int i = 0; i < OUTCOME_COUNT; i++) {
        const char *name =
            i == OUTCOME_OK ? "ok" : reason_info((enum reason)(i - OUTCOME_REASON))->name;

        if (outcomes[i] == 0)
            continue;
        if (object == NULL)
            object = json_object_new_object();
        json_object_object_add(object, name, json_object_new_uint64(outcomes[i]));
    }
    return object;
}

struct json_object *usage_to_json(const struct usage *usage)
{
    struct json_object *object = json_object_new_object();

    for (size_t i = 0; i <= route_count; i++) {
        struct json_object *outcomes = outcomes_to_json(usage->rows[i].outcomes);

        if (outcomes != NULL)
            json_object_object_add(object, path_of(i), outcomes);
    }
    return object;
}

/* Several outcomes have the same status. */
static void add_requests(struct metrics *metrics, const char *path,
                         const uint64_t outcomes[OUTCOME_COUNT])
{
    uint64_t counts[STATUS_END - STATUS_MIN] = {0};
    char code[8];

    counts[200 - STATUS_MIN] = outcomes[OUTCOME_OK];
    for (int i = 0; i < REASON_COUNT; i++)
        counts[reason_info((enum reason)i)->http_status - STATUS_MIN] +=
            outcomes[OUTCOME_REASON + i];
    for (int status = STATUS_MIN; status < STATUS_END; status++) {
        if (counts[status - STATUS_MIN] == 0)
            continue;
        snprintf(code, sizeof code, "%d", status);
        metrics_integer(metrics, counts[status - STATUS_MIN], LABELS("path", path, "code", code));
    }
}

void usage_metrics(const struct usage *usage, struct metrics *metrics)
{
    metrics_begin(metrics, &requests);
    for (size_t i = 0; i <= route_count; i++)
        add_requests(metrics, path_of(i), usage->rows[i].outcomes);
    metrics_begin(metrics, &duration);
    for (size_t i = 0; i <= route_count; i++)
        if (usage->rows[i].durations.count > 0)
            metrics_histogram(metrics, &usage->rows[i].durations, &bounds,
                              LABELS("path", path_of(i)));
}

void usage_connections(struct json_object *counters, struct metrics *metrics)
{
    for (size_t i = 0; i < sizeof connections / sizeof connections[0]; i++) {
        struct json_object *value = json_object_object_get(counters, connections[i].counter);

        metrics_begin(metrics, &connections[i].family);
        metrics_integer(metrics, json_object_get_uint64(value), NULL);
    }
}
