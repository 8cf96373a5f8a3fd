/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/process_metrics.h"
#include "common/trace_method.h"
#include "dcdcd/set_params.h"

/* A request that came over the socket. */
struct rpc_request {
    struct request request; /* first: the scheduler hands this back */
    struct rpc_call *call;
};

static void on_done(struct request *request, struct json_object *result,
                    const struct failure *failure)
{
    struct rpc_request *rpc = (struct rpc_request *)request;

    if (failure != NULL)
        rpc_call_fail(rpc->call, failure);
    else
        rpc_call_reply(rpc->call, result);
    free(rpc);
}

static bool is_abandoned(const struct request *request)
{
    return rpc_call_abandoned(((const struct rpc_request *)request)->call);
}

/* A request that answers call; on lack of memory the call is answered and NULL returned. */
static struct rpc_request *new_request(struct rpc_call *call)
{
    struct rpc_request *rpc = calloc(1, sizeof *rpc);

    if (rpc == NULL) {
        rpc_call_fail_with(call, REASON_INTERNAL, "out of memory");
        return NULL;
    }
    rpc->call = call;
    rpc->request.arrived_us = clock_us();
    rpc->request.deadline_us = rpc_call_deadline(call);
    rpc->request.done = on_done;
    rpc->request.abandoned = is_abandoned;
    return rpc;
}

/* Whether nothing may be changed; then the failure says why. */
static bool is_read_only(const struct dcdcd *dcdcd, struct failure *failure)
{
    if (!dcdcd->daemon.config->gateway.read_only)
        return false;
    failure_set(failure, REASON_FORBIDDEN, "nothing may be changed: gateway.read_only is set");
    return true;
}

/* Hands a request to the scheduler, unless it would change something and nothing may be changed. */
static void start(struct dcdcd *dcdcd, struct rpc_request *rpc)
{
    struct failure failure;

    if (controller_writes(&rpc->request.call) && is_read_only(dcdcd, &failure))
        request_fail(&rpc->request, &failure);
    else
        port_submit(dcdcd->port, &rpc->request);
}

/* Submits a method without parameters. */
static void submit(struct rpc_call *call, struct dcdcd *dcdcd, const char *method)
{
    struct rpc_request *rpc = new_request(call);

    if (rpc == NULL)
        return;
    rpc->request.call.method = controller_method_find(method);
    start(dcdcd, rpc);
}

/* Submits a method with parameters, unless they are bad. */
static void submit_set(struct rpc_call *call, struct json_object *params, struct dcdcd *dcdcd,
                       const char *method)
{
    struct rpc_request *rpc = new_request(call);
    struct failure failure;

    if (rpc == NULL)
        return;
    if (set_params_parse(controller_method_find(method), params, &rpc->request, &failure)) {
        start(dcdcd, rpc);
    } else {
        free(rpc);
        rpc_call_fail(call, &failure);
    }
}

static void run_remote_get(struct rpc_call *call, struct json_object *params, void *app)
{
    (void)params;
    submit(call, app, "remote_get");
}

static void run_remote_get_status(struct rpc_call *call, struct json_object *params, void *app)
{
    (void)params;
    submit(call, app, "remote_get_status");
}

static void run_clr_alarm(struct rpc_call *call, struct json_object *params, void *app)
{
    (void)params;
    submit(call, app, "remote_ioctl_clr_alarm");
}

static void run_remote_set(struct rpc_call *call, struct json_object *params, void *app)
{
    submit_set(call, params, app, "remote_set");
}

static void run_remote_set_current(struct rpc_call *call, struct json_object *params, void *app)
{
    submit_set(call, params, app, "remote_set_current");
}

static void run_remote_set_voltage(struct rpc_call *call, struct json_object *params, void *app)
{
    submit_set(call, params, app, "remote_set_voltage");
}

static void run_command(struct rpc_call *call, struct json_object *params, void *app)
{
    submit_set(call, params, app, "command");
}

/* Reads the configuration again; the old one stays if the new one is bad. */
static bool reload(struct dcdcd *dcdcd, struct failure *failure)
{
    struct config *old = dcdcd->daemon.config;
    struct config *config = config_load(dcdcd->daemon.config_path, failure);

    if (config == NULL)
        return false;
    if (memcmp(&config->dcdc_dev.port, &old->dcdc_dev.port, sizeof config->dcdc_dev.port) != 0)
        log_warning("config", "the port's new settings are used from the next start on");
    dcdcd->daemon.config = config;
    port_configure(dcdcd->port, config);
    guard_runner_configure(dcdcd->guards, config);
    free(old);
    return true;
}

static void run_remote_ioctl_set(struct rpc_call *call, struct json_object *params, void *app)
{
    struct failure failure;

    (void)params;
    if (!is_read_only(app, &failure) && reload(app, &failure))
        submit(call, app, "remote_ioctl_set");
    else
        rpc_call_fail(call, &failure);
}

static void run_supervisor_seen(struct rpc_call *call, struct json_object *params, void *app)
{
    struct dcdcd *dcdcd = app;

    (void)params;
    guard_runner_supervisor_seen(dcdcd->guards);
    rpc_call_reply(call, json_object_new_boolean(true));
}

static struct json_object *describe_field(const struct eza_field *field, bool writable)
{
    struct json_object *object = json_object_new_object();
    char text[DECIMAL_DOUBLE_SIZE];

    json_object_object_add(object, "name", json_object_new_string(field->name));
    if (field->unit[0] != '\0')
        json_object_object_add(object, "unit", json_object_new_string(field->unit));
    if (writable && field->kind == EZA_SCALED) {
        double min = decimal_to_double(field->min), max = decimal_to_double(field->max);

        json_object_object_add(object, "min",
                               json_object_new_double_s(min, decimal_print_double(min, text)));
        json_object_object_add(object, "max",
                               json_object_new_double_s(max, decimal_print_double(max, text)));
    }
    return object;
}

static struct json_object *describe_command(const struct eza_command *command)
{
    struct json_object *object = json_object_new_object(), *fields = json_object_new_array();
    bool writable = command->request.count > 0;
    char cmd[8];

    snprintf(cmd, sizeof cmd, "0x%02x", command->cmd);
    for (size_t i = 0; i < command->reply.count; i++)
        json_object_array_add(fields, describe_field(&command->reply.field[i], writable));
    json_object_object_add(object, "name", json_object_new_string(command->name));
    json_object_object_add(object, "help", json_object_new_string(command->help));
    json_object_object_add(object, "cmd", json_object_new_string(cmd));
    json_object_object_add(object, "writes", json_object_new_boolean(writable));
    json_object_object_add(object, "fields", fields);
    return object;
}

static void run_list_commands(struct rpc_call *call, struct json_object *params, void *app)
{
    struct json_object *list = json_object_new_array();

    (void)params, (void)app;
    for (size_t i = 0; i < eza_command_count; i++)
        json_object_array_add(list, describe_command(&eza_commands[i]));
    rpc_call_reply(call, list);
}

static void run_status(struct rpc_call *call, struct json_object *params, void *app)
{
    struct dcdcd *dcdcd = app;
    struct json_object *status = port_status(dcdcd->port);

    (void)params;
    json_object_object_add(status, "guards", guard_runner_status(dcdcd->guards));
    json_object_object_add(status, "rpc", rpc_server_counters(dcdcd->server));
    rpc_call_reply(call, status);
}

static void run_metrics(struct rpc_call *call, struct json_object *params, void *app)
{
    struct dcdcd *dcdcd = app;
    struct metrics metrics;

    (void)params;
    metrics_init(&metrics, clock_us(), clock_unix_us());
    port_metrics(dcdcd->port, &metrics);
    guard_runner_metrics(dcdcd->guards, &metrics);
    process_metrics(&metrics, "dcdcd");
    rpc_call_reply(call, metrics.families);
}

static void on_frame(void *arg, const struct trace_frame *frame)
{
    struct dcdcd *dcdcd = arg;

    trace_method_notify(dcdcd->server, frame, clock_us());
}

static void run_trace(struct rpc_call *call, struct json_object *params, void *app)
{
    struct dcdcd *dcdcd = app;
    const struct trace *trace = port_trace(dcdcd->port);
    struct json_object *frames;
    struct trace_request request;
    int64_t now_us = clock_us();

    if (!trace_method_parse(call, params, &request))
        return;
    frames = json_object_new_array();
    for (uint64_t i = trace_newest(trace, request.count); i < trace->count; i++)
        json_object_array_add(frames, trace_frame_json(trace_at(trace, i), now_us));
    port_on_frame(dcdcd->port, on_frame, dcdcd);
    trace_method_answer(call, &request, trace->count, frames, now_us);
}

static bool always(struct json_object *params)
{
    (void)params;
    return true;
}

static bool command_writes(struct json_object *params)
{
    const char *name = rpc_param_text(params, "name");
    const struct eza_command *command = name != NULL ? eza_command_find(name) : NULL;

    return command != NULL && command->request.count > 0;
}

static const struct rpc_param set_params[] = {
    {"mode", true, "0x0000 stop, 0x0002 discharge, 0x0014 constant voltage, 0x0041 charge"},
    {"mode_remembered", false, "true: the mode is the last one, not asked for; it starts nothing"},
    {"dvg", false, "grid voltage, V, 260..390; a stop may lack it"},
    {"drg", false, "grid droop, 0..3.999; a stop may lack it"},
    {"dig", false, "grid current, A, 0..8.5162; a stop may lack it"},
};

static const struct rpc_param current_params[] = {
    {"dig", true, "grid current, A, 0..8.5162"},
};

static const struct rpc_param voltage_params[] = {
    {"dvg", true, "grid voltage, V, 260..390"},
    {"drg", true, "grid droop, 0..3.999"},
};

static const struct rpc_param command_params[] = {
    {"name", true, "a name from list_commands, such as 10-1; a write's fields stand beside it"},
};

#define PARAMS(array) .params = (array), .param_count = sizeof(array) / sizeof((array)[0])

const struct rpc_method dcdcd_methods[] = {
    {.name = "remote_get",
     .help = "mode, status, set points, alarms, meters, limits",
     .run = run_remote_get},
    {.name = "remote_get_status", .help = "mode, status, meters", .run = run_remote_get_status},
    {.name = "remote_set",
     .help = "set mode, grid voltage, droop and current",
     PARAMS(set_params),
     .checks_params = true,
     .changes = always,
     .run = run_remote_set},
    {.name = "remote_set_current",
     .help = "set the grid current",
     PARAMS(current_params),
     .checks_params = true,
     .changes = always,
     .run = run_remote_set_current},
    {.name = "remote_set_voltage",
     .help = "set grid voltage and droop",
     PARAMS(voltage_params),
     .checks_params = true,
     .changes = always,
     .run = run_remote_set_voltage},
    {.name = "remote_ioctl_set",
     .help = "read the configuration again and write its setup values",
     .changes = always,
     .run = run_remote_ioctl_set},
    {.name = "remote_ioctl_clr_alarm",
     .help = "clear the alarms, then as remote_get",
     .changes = always,
     .run = run_clr_alarm},
    {.name = "command",
     .help = "one command of the converter",
     PARAMS(command_params),
     .checks_params = true,
     .changes = command_writes,
     .run = run_command},
    {.name = "list_commands",
     .help = "the converter's commands, their fields, units and ranges",
     .run = run_list_commands},
    {.name = "supervisor_seen",
     .help = "gatewayd says that the supervisor has asked something",
     .run = run_supervisor_seen},
    {.name = "trace",
     .help = trace_method_help,
     .params = trace_method_params,
     .param_count = TRACE_METHOD_PARAMS,
     .run = run_trace},
    {.name = "status", .help = "port, link, guard, counters, ages, last error", .run = run_status},
    {.name = "metrics",
     .help = "the same as metric families, and what the converter answered lately",
     .run = run_metrics},
};

const size_t dcdcd_method_count = sizeof dcdcd_methods / sizeof dcdcd_methods[0];
