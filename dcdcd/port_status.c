/* SPDX-License-Identifier: Apache-2.0 */
/* What the port tells about itself: `status` and `trace`. */
#include <stdio.h>

#include "common/clock.h"
#include "dcdcd/port_parts.h"

static struct json_object *seconds(int64_t us)
{
    char text[32];

    snprintf(text, sizeof text, "%.3f", (double)us / US_PER_S);
    return json_object_new_double_s((double)us / US_PER_S, text);
}

static struct json_object *counters(const struct port *port)
{
    const struct eza_link_counters *l = &port->link.counters;
    const struct scheduler_counters *s = &port->scheduler.counters;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"opens", port->opens},
        {"requests", l->requests},
        {"answers", l->answers},
        {"timeouts", l->timeouts},
        {"naks", l->naks},
        {"bad_values", l->bad_values},
        {"checksum_errors", l->checksum_errors},
        {"echoes", l->echoes},
        {"foreign", l->foreign},
        {"unexpected", l->unexpected},
        {"late", l->late},
        {"noise_bytes", l->noise_bytes},
        {"retries", s->retries},
        {"reads", s->reads},
        {"sets", s->sets},
        {"stops", s->stops},
        {"passes", s->passes},
        {"shared", s->shared},
        {"superseded", s->superseded},
        {"expired", s->expired},
        {"abandoned", s->abandoned},
        {"refused_overload", s->refused_overload},
    };
    struct json_object *object = json_object_new_object();

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        json_object_object_add(object, rows[i].name, json_object_new_uint64(rows[i].value));
    return object;
}

static const char *state_name(const struct port *port)
{
    if (port->fd < 0)
        return "port_closed";
    return port->answering ? "ok" : "silent";
}

struct json_object *port_status(const struct port *port)
{
    struct json_object *status = json_object_new_object();
    const struct scheduler *scheduler = &port->scheduler;
    char mode[8], direction[DIRECTION_NAME_SIZE];

    json_object_object_add(status, "state", json_object_new_string(state_name(port)));
    json_object_object_add(status, "port", json_object_new_string(port->settings.path));
    json_object_object_add(status, "direction",
                           json_object_new_string(direction_name(&port->settings, direction)));
    if (port->fd < 0)
        json_object_object_add(status, "port_error", json_object_new_string(port->error));
    if (port->link.counters.answers > 0)
        json_object_object_add(status, "last_answer_age", seconds(clock_us() - port->answer_us));
    if (port->last_failure[0] != '\0')
        json_object_object_add(status, "last_error", json_object_new_string(port->last_failure));
    if (scheduler->mode_known) {
        snprintf(mode, sizeof mode, "0x%04x", scheduler->mode);
        json_object_object_add(status, "mode", json_object_new_string(mode));
    }
    json_object_object_add(status, "stop_owed", json_object_new_boolean(scheduler->stop_owed));
    json_object_object_add(status, "waiting",
                           json_object_new_uint64((uint64_t)scheduler->waiting_count));
    json_object_object_add(status, "counters", counters(port));
    return status;
}

const struct trace *port_trace(const struct port *port)
{
    return &port->recorder.trace;
}

void port_on_frame(struct port *port, void (*recorded)(void *arg, const struct trace_frame *frame),
                   void *arg)
{
    port->recorder.recorded = recorded;
    port->recorder.arg = arg;
}
