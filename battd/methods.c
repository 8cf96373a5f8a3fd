/* SPDX-License-Identifier: Apache-2.0 */
#include "battd/methods.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "battd/battery_metrics.h"
#include "battd/reply.h"
#include "battd/snapshot.h"
#include "common/clock.h"
#include "common/process_metrics.h"
#include "common/trace_method.h"

/* Makes a method's result from a fresh reading. */
typedef struct json_object *render_fn(const struct reading *reading, int64_t age_us,
                                      const struct config *config);

struct waiter {
    LIST_ENTRY(waiter) link;
    struct rpc_call *call;
    render_fn *render;
    struct battd_methods *methods;
    struct event *timer;
};

LIST_HEAD(waiters, waiter);

struct battd_methods {
    struct event_base *base;
    const struct config *config;
    struct rpc_server *server;
    struct worker *worker;
    struct waiters waiters;
    uint64_t shown; /* frames that those who follow the trace have got */
};

/* Answers call if there is something to answer; returns false when it must wait. */
static bool answer(const struct battd_methods *methods, struct rpc_call *call, render_fn *render)
{
    const struct config *config = methods->config;
    struct snapshot snapshot;
    struct failure failure;
    int64_t now_us;

    worker_snapshot(methods->worker, &snapshot);
    now_us = clock_us();
    switch (snapshot_serve(&snapshot, config->battery_dev.max_age_us, now_us, &failure)) {
    case SNAPSHOT_FRESH:
        rpc_call_reply(call, render(&snapshot.reading, now_us - snapshot.measured_us, config));
        return true;
    case SNAPSHOT_FAILED:
        rpc_call_fail(call, &failure);
        return true;
    case SNAPSHOT_WAIT:
        break;
    }
    return false;
}

static void forget(struct waiter *waiter)
{
    LIST_REMOVE(waiter, link);
    event_free(waiter->timer);
    free(waiter);
}

static void on_deadline(evutil_socket_t fd, short events, void *arg)
{
    struct waiter *waiter = arg;

    (void)fd;
    (void)events;
    if (!answer(waiter->methods, waiter->call, waiter->render))
        rpc_call_fail_with(waiter->call, REASON_BATTERY,
                           "modbus io exception: no fresh reading in time");
    forget(waiter);
}

/* Keeps call until a poll ends or its time is over. Returns false without memory. */
static bool wait_for_poll(struct battd_methods *methods, struct rpc_call *call, render_fn *render)
{
    int64_t left_us = rpc_call_deadline(call) - clock_us();
    struct timeval left = timeval_of_us(left_us > 0 ? left_us : 0);
    struct waiter *waiter = calloc(1, sizeof *waiter);

    if (waiter == NULL)
        return false;
    waiter->call = call;
    waiter->render = render;
    waiter->methods = methods;
    waiter->timer = evtimer_new(methods->base, on_deadline, waiter);
    if (waiter->timer == NULL || evtimer_add(waiter->timer, &left) == -1) {
        if (waiter->timer != NULL)
            event_free(waiter->timer);
        free(waiter);
        return false;
    }
    LIST_INSERT_HEAD(&methods->waiters, waiter, link);
    return true;
}

static void serve(struct battd_methods *methods, struct rpc_call *call, render_fn *render)
{
    if (methods->worker == NULL)
        rpc_call_fail_with(call, REASON_NO_BATTERY, "no battery is configured");
    else if (!answer(methods, call, render) && !wait_for_poll(methods, call, render))
        rpc_call_fail_with(call, REASON_INTERNAL, "out of memory");
}

static struct json_object *render_check_battery(const struct reading *reading, int64_t age_us,
                                                const struct config *config)
{
    (void)config;
    return battery_reply_check(reading, age_us);
}

static struct json_object *render_log_data(const struct reading *reading, int64_t age_us,
                                           const struct config *config)
{
    (void)age_us;
    return battery_reply_log_data(reading, &config->battery);
}

static void run_check_battery(struct rpc_call *call, struct json_object *params, void *app)
{
    (void)params;
    serve(app, call, render_check_battery);
}

static void run_log_data(struct rpc_call *call, struct json_object *params, void *app)
{
    (void)params;
    serve(app, call, render_log_data);
}

static void run_status(struct rpc_call *call, struct json_object *params, void *app)
{
    const struct battd_methods *methods = app;
    struct snapshot snapshot;
    struct json_object *result;

    (void)params;
    if (methods->worker != NULL)
        worker_snapshot(methods->worker, &snapshot);
    result = battery_reply_status(methods->worker != NULL ? &snapshot : NULL,
                                  &methods->config->battery_dev, clock_us());
    json_object_object_add(result, "rpc", rpc_server_counters(methods->server));
    rpc_call_reply(call, result);
}

static void run_metrics(struct rpc_call *call, struct json_object *params, void *app)
{
    const struct battd_methods *methods = app;
    struct snapshot snapshot;
    struct metrics metrics;

    (void)params;
    metrics_init(&metrics, clock_us(), clock_unix_us());
    if (methods->worker != NULL) {
        worker_snapshot(methods->worker, &snapshot);
        battery_metrics(&metrics, &snapshot, methods->config->battery_dev.max_age_us);
    }
    process_metrics(&metrics, "battd");
    rpc_call_reply(call, metrics.families);
}

/* Sends what is new to those who follow. */
static void show_frames(struct battd_methods *methods)
{
    uint64_t end = worker_recorded(methods->worker);
    struct trace_frame frame;

    for (; methods->shown < end; methods->shown++)
        if (rpc_server_followed(methods->server) &&
            worker_frame(methods->worker, methods->shown, &frame))
            trace_method_notify(methods->server, &frame, clock_us());
}

static void run_trace(struct rpc_call *call, struct json_object *params, void *app)
{
    struct battd_methods *methods = app;
    struct json_object *frames;
    struct trace_request request;
    struct trace_frame frame;
    uint64_t first;
    int64_t now_us;

    if (!trace_method_parse(call, params, &request))
        return;
    if (methods->worker == NULL) {
        rpc_call_fail_with(call, REASON_NO_BATTERY, "no battery is configured");
        return;
    }
    show_frames(methods);
    now_us = clock_us();
    first = methods->shown > request.count ? methods->shown - request.count : 0;
    frames = json_object_new_array();
    for (uint64_t i = first; i < methods->shown; i++)
        if (worker_frame(methods->worker, i, &frame))
            json_object_array_add(frames, trace_frame_json(&frame, now_us));
    trace_method_answer(call, &request, methods->shown, frames, now_us);
}

const struct rpc_method battd_method_table[] = {
    {
        .name = "check_battery",
        .help = "RSOC in %, battery_operation_status (3: sharing permitted, 0: denied), age in s",
        .run = run_check_battery,
    },
    {
        .name = "log_data",
        .help = "the battery's state and settings as /1/log/data shows them",
        .run = run_log_data,
    },
    {
        .name = "trace",
        .help = trace_method_help,
        .params = trace_method_params,
        .param_count = TRACE_METHOD_PARAMS,
        .run = run_trace,
    },
    {
        .name = "status",
        .help = "the port, the last reading and error with their ages in s, counters",
        .run = run_status,
    },
    {
        .name = "metrics",
        .help = "the same as metric families",
        .run = run_metrics,
    },
};
const size_t battd_method_count = sizeof battd_method_table / sizeof battd_method_table[0];

struct battd_methods *battd_methods_new(struct event_base *base, const struct config *config)
{
    struct battd_methods *methods = calloc(1, sizeof *methods);

    if (methods == NULL)
        return NULL;
    methods->base = base;
    methods->config = config;
    LIST_INIT(&methods->waiters);
    return methods;
}

void battd_methods_attach(struct battd_methods *methods, struct rpc_server *server,
                          struct worker *worker)
{
    methods->server = server;
    methods->worker = worker;
}

void battd_methods_changed(void *arg)
{
    struct battd_methods *methods = arg;
    struct waiter *next;

    for (struct waiter *waiter = LIST_FIRST(&methods->waiters); waiter != NULL; waiter = next) {
        next = LIST_NEXT(waiter, link);
        if (answer(methods, waiter->call, waiter->render))
            forget(waiter);
    }
    show_frames(methods);
}

void battd_methods_free(struct battd_methods *methods)
{
    struct waiter *next;

    if (methods == NULL)
        return;
    for (struct waiter *waiter = LIST_FIRST(&methods->waiters); waiter != NULL; waiter = next) {
        next = LIST_NEXT(waiter, link);
        rpc_call_fail_with(waiter->call, REASON_STOPPING, "battd is stopping");
        forget(waiter);
    }
    free(methods);
}
