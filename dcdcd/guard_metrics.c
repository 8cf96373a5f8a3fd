/* SPDX-License-Identifier: Apache-2.0 */
/* What the guards tell as metrics. Pure. */
#include "dcdcd/guards.h"

static const char *const guard_names[GUARD_COUNT] = {
    [GUARD_BATTERY] = "battery",
    [GUARD_SUPERVISOR] = "supervisor",
};

static const struct metrics_family enabled = {
    "dcdc_guard_enabled", METRICS_GAUGE,
    "1 if the configuration enables the guard: battery is force_dcdc_waiting, supervisor is "
    "supervisor_timeout."};
static const struct metrics_family tripped = {
    "dcdc_guard_tripped", METRICS_GAUGE,
    "1 while the guard keeps sending the converter to Waiting. Only of guards that are enabled."};
static const struct metrics_family stops = {
    "dcdc_guard_stops_total", METRICS_COUNTER,
    "Stops that the guard has sent; repeated while their cause lasts."};
static const struct metrics_family last_run = {"dcdc_guards_last_run_timestamp_seconds",
                                               METRICS_GAUGE,
                                               "When the guards last ran, Unix time."};
static const struct metrics_family last_seen = {
    "dcdc_supervisor_last_seen_timestamp_seconds", METRICS_GAUGE,
    "When a client last used the REST API, Unix time; scrapes and probes do not count. Absent "
    "until one has."};

void guards_metrics(const struct guards *guards, struct metrics *metrics)
{
    const bool on[GUARD_COUNT] = {
        [GUARD_BATTERY] = guards->config->battery.force_dcdc_waiting,
        [GUARD_SUPERVISOR] = guards->config->dcdc.supervisor_timeout_us > 0,
    };

    metrics_begin(metrics, &enabled);
    for (int i = 0; i < GUARD_COUNT; i++)
        metrics_integer(metrics, on[i], LABELS("guard", guard_names[i]));
    metrics_begin(metrics, &tripped);
    for (int i = 0; i < GUARD_COUNT; i++)
        if (on[i])
            metrics_integer(metrics, guards->tripped[i], LABELS("guard", guard_names[i]));
    metrics_begin(metrics, &stops);
    for (int i = 0; i < GUARD_COUNT; i++)
        metrics_integer(metrics, guards->stops_by[i], LABELS("guard", guard_names[i]));
    metrics_begin(metrics, &last_run);
    metrics_instant(metrics, guards_last_run_us(guards), NULL);
    metrics_begin(metrics, &last_seen);
    if (guards->supervisor_seen)
        metrics_instant(metrics, guards->supervisor_us, NULL);
}
