/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/methods.h"

#include "common/clock.h"
#include "gatewayd/gateway.h"

static void run_status(struct rpc_call *call, struct json_object *params, void *arg)
{
    const struct methods_app *app = arg;
    struct json_object *status = gateway_status(app->gateway);

    (void)params;
    json_object_object_add(status, "socket", rpc_server_counters(app->server));
    rpc_call_reply(call, status);
}

static void run_metrics(struct rpc_call *call, struct json_object *params, void *arg)
{
    const struct methods_app *app = arg;
    struct metrics metrics;

    (void)params;
    metrics_init(&metrics, clock_us(), clock_unix_us());
    gateway_metrics(app->gateway, &metrics);
    rpc_call_reply(call, metrics.families);
}

const struct rpc_method gatewayd_methods[] = {
    {.name = "status",
     .help = "HTTP connections, requests by path and outcome, both daemons, saved set parameters",
     .run = run_status},
    {.name = "metrics", .help = "the same as metric families", .run = run_metrics},
};
const size_t gatewayd_method_count = sizeof gatewayd_methods / sizeof gatewayd_methods[0];
