/* SPDX-License-Identifier: Apache-2.0 */
/* What the port tells as metrics. Nothing is asked of the converter for it. */
#include <stdio.h>

#include "common/clock.h"
#include "common/link_metrics.h"
#include "common/operation_mode.h"
#include "dcdcd/port_parts.h"

/* The supervisor reads every 5 s: so old a value has been missed twice. */
enum { VALUE_MAX_AGE_S = 15 };

#define FRESH        " From an answer of the last 15 s; absent without one."
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct metrics_family retries = {
    "dcdc_retries_total", METRICS_COUNTER,
    "Requests to the converter that were sent again because of an error."};
static const struct metrics_family reply_duration = {
    "dcdc_reply_duration_seconds", METRICS_HISTOGRAM,
    "Time from a request to the converter until its answer or refusal, by command."};
static const struct metrics_family queue_length = {"dcdc_queue_length", METRICS_GAUGE,
                                                   "Calls that wait for the converter's line."};
static const struct metrics_family calls = {"dcdc_calls_total", METRICS_COUNTER,
                                            "Calls for the converter, by kind."};
static const struct metrics_family calls_dropped = {
    "dcdc_calls_dropped_total", METRICS_COUNTER,
    "Calls for the converter that were given up, by reason."};
static const struct metrics_family calls_shared = {
    "dcdc_calls_shared_total", METRICS_COUNTER,
    "Reads that were answered by a pass begun for another."};
static const struct metrics_family passes = {"dcdc_read_passes_total", METRICS_COUNTER,
                                             "Passes over the converter's values."};
static const struct metrics_family stop_owed = {
    "dcdc_stop_owed", METRICS_GAUGE,
    "1 while a stop is not confirmed by the converter and is being repeated."};
static const struct metrics_family mode = {
    "dcdc_mode", METRICS_GAUGE, "1 for the operation mode that the converter is in." FRESH};
static const struct metrics_family alarm_state = {
    "dcdc_alarm_state", METRICS_GAUGE, "1 for the alarm state that the converter is in." FRESH};
static const struct metrics_family running_state = {
    "dcdc_running_state", METRICS_GAUGE, "1 for what the converter does with power." FRESH};

/* Numbers that the converter answered, from its reads or the answers to its writes. */
static const struct {
    const char *command;
    const char *field;
    struct metrics_family family;
} values[] = {
    {"10-1", "vg", {"dcdc_grid_voltage_volts", METRICS_GAUGE, "Grid voltage." FRESH}},
    {"10-1", "ig", {"dcdc_grid_current_amperes", METRICS_GAUGE, "Grid current." FRESH}},
    {"10-1", "wg", {"dcdc_grid_power_watts", METRICS_GAUGE, "Grid power." FRESH}},
    {"10-1",
     "vb",
     {"dcdc_battery_voltage_volts", METRICS_GAUGE, "Battery voltage at the converter." FRESH}},
    {"10-1",
     "ib",
     {"dcdc_battery_current_amperes", METRICS_GAUGE, "Battery current at the converter." FRESH}},
    {"10-1",
     "wb",
     {"dcdc_battery_power_watts", METRICS_GAUGE, "Battery power at the converter." FRESH}},
    {"10-1",
     "tmp",
     {"dcdc_temperature_celsius", METRICS_GAUGE, "Temperature of the converter." FRESH}},
    {"4-1",
     "dvg",
     {"dcdc_grid_voltage_setpoint_volts", METRICS_GAUGE, "Grid voltage that is set." FRESH}},
    {"4-1", "drg", {"dcdc_grid_droop_setpoint", METRICS_GAUGE, "Grid droop that is set." FRESH}},
    {"6-1",
     "dig",
     {"dcdc_grid_current_setpoint_amperes", METRICS_GAUGE,
      "Grid current limit that is set." FRESH}},
};

static bool is_up(const struct port *port)
{
    return port->fd >= 0 && port->answering && port->answers.heard;
}

/* As answers_find; nothing is known of a converter that is away. */
static const struct eza_field *find(const struct port *port, const char *row, const char *field,
                                    int64_t now_us, uint16_t *raw)
{
    return is_up(port) ? answers_find(&port->answers, row, field,
                                      VALUE_MAX_AGE_S * (int64_t)US_PER_S, now_us, raw)
                       : NULL;
}

static void add_link(const struct port *port, struct metrics *metrics)
{
    const struct eza_link_counters *c = &port->link.counters;
    const struct link_error line_errors[] = {
        {"timeout", c->timeouts},         {"nak", c->naks},    {"bad_value", c->bad_values},
        {"checksum", c->checksum_errors}, {"echo", c->echoes}, {"foreign", c->foreign},
        {"unexpected", c->unexpected},    {"late", c->late},
    };

    link_metrics(metrics, &(struct link_figures){
                              .device = "converter",
                              .up = is_up(port),
                              .open = port->fd >= 0,
                              .opens = port->opens,
                              .success_us = port->answers.success_us,
                              .sent = c->requests,
                              .received = c->answers,
                              .stray_bytes = c->noise_bytes,
                              .errors = line_errors,
                              .error_count = COUNT(line_errors),
                          });
    metrics_begin(metrics, &retries);
    metrics_integer(metrics, port->scheduler.counters.retries, NULL);
    metrics_begin(metrics, &reply_duration);
    for (size_t i = 0; i < eza_command_count; i++)
        if (port->answers.times[i].count > 0)
            metrics_histogram(metrics, &port->answers.times[i], &answers_bounds,
                              LABELS("command", eza_commands[i].name));
}

static void add_calls(const struct scheduler *scheduler, struct metrics *metrics)
{
    const struct scheduler_counters *c = &scheduler->counters;

    metrics_begin(metrics, &queue_length);
    metrics_integer(metrics, scheduler->waiting_count, NULL);
    metrics_begin(metrics, &calls);
    metrics_integer(metrics, c->reads, LABELS("kind", "read"));
    metrics_integer(metrics, c->sets, LABELS("kind", "set"));
    metrics_integer(metrics, c->stops, LABELS("kind", "stop"));
    metrics_begin(metrics, &calls_dropped);
    metrics_integer(metrics, c->superseded, LABELS("reason", "superseded"));
    metrics_integer(metrics, c->expired, LABELS("reason", "expired"));
    metrics_integer(metrics, c->abandoned, LABELS("reason", "abandoned"));
    metrics_integer(metrics, c->refused_overload, LABELS("reason", "overload"));
    metrics_begin(metrics, &calls_shared);
    metrics_integer(metrics, c->shared, NULL);
    metrics_begin(metrics, &passes);
    metrics_integer(metrics, c->passes, NULL);
    metrics_begin(metrics, &stop_owed);
    metrics_integer(metrics, scheduler->stop_owed, NULL);
}

static void add_mode(const struct port *port, struct metrics *metrics)
{
    uint16_t raw;
    char text[8];

    metrics_begin(metrics, &mode);
    if (find(port, "1-1", "mode", metrics->now_us, &raw) == NULL)
        return;
    for (size_t i = 0; i < operation_mode_count; i++) {
        snprintf(text, sizeof text, "0x%04x", operation_modes[i].value);
        metrics_integer(metrics, operation_modes[i].value == raw,
                        LABELS("mode", text, "name", operation_modes[i].name));
    }
}

static void add_states(struct metrics *metrics, const char *const names[], size_t count,
                       unsigned state)
{
    for (size_t i = 0; i < count; i++)
        metrics_integer(metrics, i == state, LABELS("state", names[i]));
}

static void add_status(const struct port *port, struct metrics *metrics)
{
    static const char *const alarms[] = {"none", "light", "heavy"};
    static const char *const runnings[] = {"off", "charge", "discharge"};
    uint16_t cst;
    bool known = find(port, "2-1", "cst", metrics->now_us, &cst) != NULL;

    metrics_begin(metrics, &alarm_state);
    if (known)
        add_states(metrics, alarms, COUNT(alarms), eza_alarm_state(cst));
    metrics_begin(metrics, &running_state);
    if (known)
        add_states(metrics, runnings, COUNT(runnings), eza_running_state(cst));
}

void port_metrics(const struct port *port, struct metrics *metrics)
{
    add_link(port, metrics);
    add_calls(&port->scheduler, metrics);
    add_mode(port, metrics);
    add_status(port, metrics);
    for (size_t i = 0; i < COUNT(values); i++) {
        uint16_t raw;
        const struct eza_field *field =
            find(port, values[i].command, values[i].field, metrics->now_us, &raw);

        metrics_begin(metrics, &values[i].family);
        if (field != NULL)
            metrics_value(metrics, decimal_to_double(eza_decode(field, raw)), NULL);
    }
}
