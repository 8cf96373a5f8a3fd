/* SPDX-License-Identifier: Apache-2.0 */
#include "battd/battery_metrics.h"

#include "common/link_metrics.h"

enum { SHARING_PERMITTED = 3 };

#define FRESH " Younger than max_age; absent without such a reading."

static const struct metrics_family polls = {"dcdc_battery_polls_total", METRICS_COUNTER,
                                            "Readings of the battery that were tried."};
static const struct metrics_family charge = {"dcdc_battery_state_of_charge_ratio", METRICS_GAUGE,
                                             "State of charge, 0 to 1." FRESH};
static const struct metrics_family permitted = {
    "dcdc_battery_sharing_permitted", METRICS_GAUGE,
    "1 if the battery permits sharing energy, 0 if it denies it." FRESH};

static const char *const kinds[OUTCOME_COUNT] = {
    [OUTCOME_TIMEOUT] = "timeout",     [OUTCOME_CHECKSUM] = "checksum",
    [OUTCOME_EXCEPTION] = "exception", [OUTCOME_FOREIGN] = "foreign",
    [OUTCOME_MALFORMED] = "malformed", [OUTCOME_BAD_VALUE] = "bad_value",
    [OUTCOME_PORT] = "port",
};

static void add_link(struct metrics *metrics, const struct snapshot *snapshot, bool up)
{
    const struct snapshot_counters *counters = &snapshot->counters;
    struct link_error errors[OUTCOME_COUNT];
    size_t count = 0;

    for (int i = 0; i < OUTCOME_COUNT; i++)
        if (kinds[i] != NULL)
            errors[count++] = (struct link_error){kinds[i], counters->outcomes[i]};
    link_metrics(metrics, &(struct link_figures){
                              .device = "battery",
                              .up = up,
                              .open = snapshot->port_open,
                              .opens = counters->opens,
                              .success_us = snapshot->measured ? snapshot->measured_us : 0,
                              .sent = counters->sent,
                              .received = counters->received,
                              .stray_bytes = counters->stray_bytes,
                              .errors = errors,
                              .error_count = count,
                          });
}

void battery_metrics(struct metrics *metrics, const struct snapshot *snapshot, int64_t max_age_us)
{
    struct failure failure;
    bool up = snapshot->port_open &&
              snapshot_serve(snapshot, max_age_us, metrics->now_us, &failure) == SNAPSHOT_FRESH;

    add_link(metrics, snapshot, up);
    metrics_begin(metrics, &polls);
    metrics_integer(metrics, snapshot->counters.polls, NULL);
    metrics_begin(metrics, &charge);
    if (up)
        metrics_value(metrics, snapshot->reading.rsoc / (double)RSOC_MAX, NULL);
    metrics_begin(metrics, &permitted);
    if (up)
        metrics_integer(metrics, snapshot->reading.operation_status == SHARING_PERMITTED, NULL);
}
