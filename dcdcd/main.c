/* SPDX-License-Identifier: Apache-2.0 */
/* dcdcd: owns the converter's port and serves dcdcd.sock. */
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "dcdcd/methods.h"

/* The daemon ends within 5 s; so long may the converter take to confirm. */
enum { LAST_STOP_US = 4500 * US_PER_MS };

static void leave_when_done(struct dcdcd *dcdcd)
{
    if (dcdcd->answered && !dcdcd->stopping)
        event_base_loopbreak(dcdcd->daemon.base);
}

static void on_answered(void *arg)
{
    struct dcdcd *dcdcd = arg;

    dcdcd->answered = true;
    leave_when_done(dcdcd);
}

static void on_waiting(struct request *request, struct json_object *result,
                       const struct failure *failure)
{
    struct dcdcd *dcdcd = (struct dcdcd *)((char *)request - offsetof(struct dcdcd, last_stop));

    if (failure != NULL)
        log_error("exit", "the converter may be running: %s", failure->text);
    else
        log_info("exit", "the converter is Waiting");
    json_object_put(result);
    dcdcd->stopping = false;
    leave_when_done(dcdcd);
}

/*
 * on_exit: wait leaves no converter running. The stop is sent whatever mode is known: it drops the
 * sets of another mode that wait, and comes after the one on the wire.
 */
static void stop_converter(struct dcdcd *dcdcd)
{
    int64_t now_us = clock_us();

    dcdcd->stopping = true;
    dcdcd->last_stop = (struct request){
        .call = controller_bare_stop(),
        .arrived_us = now_us,
        .deadline_us = now_us + LAST_STOP_US,
        .done = on_waiting,
    };
    port_submit(dcdcd->port, &dcdcd->last_stop);
}

static void stop(void *app)
{
    struct dcdcd *dcdcd = app;

    if (dcdcd->daemon.config->dcdc.wait_on_exit)
        stop_converter(dcdcd);
    rpc_server_stop(dcdcd->server, on_answered, dcdcd);
}

/* The watchdog is fed only while the guards run and the port's machine gets on. */
static bool is_alive(void *app)
{
    const struct dcdcd *dcdcd = app;

    return guard_runner_alive(dcdcd->guards) && port_alive(dcdcd->port, clock_us());
}

int main(int argc, char **argv)
{
    struct dcdcd dcdcd = {
        .daemon = {.name = "dcdcd", .summary = "drives the EZA2500 DC/DC converter on RS485"}};
    struct daemon *daemon = &dcdcd.daemon;
    char path[PATH_MAX];
    int status = EXIT_FAILURE;

    if (!daemon_init(daemon, argc, argv, &status))
        return status;
    dcdcd.server = rpc_server_new(daemon->base, daemon_socket(daemon, "dcdcd", path, sizeof path),
                                  dcdcd_methods, dcdcd_method_count, &dcdcd, &status);
    if (dcdcd.server == NULL)
        goto no_server;
    status = EXIT_FAILURE;
    dcdcd.port = port_new(daemon->base, daemon->config, daemon->run_dir);
    if (dcdcd.port == NULL)
        goto no_port;
    dcdcd.guards = guard_runner_new(daemon->base, daemon->config,
                                    daemon_socket(daemon, "battd", path, sizeof path), dcdcd.port);
    if (dcdcd.guards == NULL)
        goto no_guard;
    daemon->alive = is_alive;
    status = daemon_run(daemon, stop, &dcdcd);
    port_free(dcdcd.port);
    dcdcd.port = NULL;
    guard_runner_free(dcdcd.guards);
no_guard:
    port_free(dcdcd.port);
no_port:
    rpc_server_free(dcdcd.server);
no_server:
    daemon_release(daemon);
    return status;
}
