/* SPDX-License-Identifier: Apache-2.0 */
#include "common/link_metrics.h"

static const struct metrics_family link_up = {
    "dcdc_link_up", METRICS_GAUGE,
    "1 while the port is open and the device answers. The battery is asked all the time, the "
    "converter when somebody wants to know: see dcdc_last_success_timestamp_seconds."};
static const struct metrics_family port_open = {"dcdc_port_open", METRICS_GAUGE,
                                                "1 while the serial port is open."};
static const struct metrics_family port_opens = {"dcdc_port_opens_total", METRICS_COUNTER,
                                                 "Openings of the serial port."};
static const struct metrics_family last_success = {
    "dcdc_last_success_timestamp_seconds", METRICS_GAUGE,
    "When the device last gave valid values, in Unix time. Absent until it has."};
static const struct metrics_family frames = {
    "dcdc_frames_total", METRICS_COUNTER,
    "Requests sent to the device, and frames that came back."};
static const struct metrics_family errors = {
    "dcdc_errors_total", METRICS_COUNTER,
    "What went wrong between here and the device, by kind. One request may cause several."};
static const struct metrics_family stray_bytes = {"dcdc_stray_bytes_total", METRICS_COUNTER,
                                                  "Bytes on the line that belong to no frame."};

void link_metrics(struct metrics *metrics, const struct link_figures *figures)
{
    const char *device = figures->device;

    metrics_begin(metrics, &link_up);
    metrics_integer(metrics, figures->up, LABELS("device", device));
    metrics_begin(metrics, &port_open);
    metrics_integer(metrics, figures->open, LABELS("device", device));
    metrics_begin(metrics, &port_opens);
    metrics_integer(metrics, figures->opens, LABELS("device", device));
    metrics_begin(metrics, &last_success);
    if (figures->success_us > 0)
        metrics_instant(metrics, figures->success_us, LABELS("device", device));
    metrics_begin(metrics, &frames);
    metrics_integer(metrics, figures->sent, LABELS("device", device, "direction", "sent"));
    metrics_integer(metrics, figures->received, LABELS("device", device, "direction", "received"));
    metrics_begin(metrics, &errors);
    for (size_t i = 0; i < figures->error_count; i++)
        metrics_integer(metrics, figures->errors[i].count,
                        LABELS("device", device, "kind", figures->errors[i].kind));
    metrics_begin(metrics, &stray_bytes);
    metrics_integer(metrics, figures->stray_bytes, LABELS("device", device));
}
