/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metric families as JSON, what the method `metrics` of each daemon answers with; gatewayd makes
 * Prometheus text of them (gatewayd/exposition.h). Pure.
 *
 *   [{"name":"dcdc_link_up","type":"gauge","help":"…",
 *     "samples":[{"labels":{"device":"converter"},"value":1}]},
 *    {"name":"dcdc_reply_duration_seconds","type":"histogram","help":"…",
 *     "samples":[{"labels":{"command":"1-1"},"bounds":[0.01,0.1],"counts":[7,1,0],"sum":0.08}]}]
 *
 * counts has one member more than bounds: what was above the last. A value that is not known has
 * no sample; a family may have none.
 */
#ifndef COMMON_METRICS_H
#define COMMON_METRICS_H

#include <json-c/json.h>
#include <stdint.h>

#include "common/histogram.h"

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

/* "counter", "gauge", "histogram" */
const char *metrics_type_name(enum metrics_type type);

struct metrics_family {
    const char *name; /* with its unit; counters end in _total */
    enum metrics_type type;
    const char *help;
};

/* Families in the making. */
struct metrics {
    struct json_object *families; /* an array, for who made this */
    struct json_object *samples;  /* of the last family; borrowed */
    int64_t now_us;               /* clock_us */
    int64_t unix_us;              /* the same instant since 1970 */
};

void metrics_init(struct metrics *metrics, int64_t now_us, int64_t unix_us);

/* Begins the next family; the samples that follow are its. */
void metrics_begin(struct metrics *metrics, const struct metrics_family *family);

/* Labels of a sample, name and value in turn: LABELS("device", device). */
#define LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A sample of the family. labels: LABELS(…), or NULL for none; the texts are copied. */
void metrics_integer(struct metrics *metrics, uint64_t value, const char *const *labels);
void metrics_value(struct metrics *metrics, double value, const char *const *labels);
/* An instant of clock_us, as Unix time in seconds, to the millisecond. */
void metrics_instant(struct metrics *metrics, int64_t at_us, const char *const *labels);
void metrics_histogram(struct metrics *metrics, const struct histogram *histogram,
                       const struct histogram_bounds *bounds, const char *const *labels);

#endif
