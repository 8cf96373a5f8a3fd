/* SPDX-License-Identifier: Apache-2.0 */
/* gatewayd: the REST API. Owns no port; asks dcdcd and battd over their sockets. */
#include <limits.h>
#include <stdlib.h>

#include "common/daemon.h"
#include "common/rpc_server.h"
#include "gatewayd/gateway.h"
#include "gatewayd/methods.h"

struct app {
    struct daemon daemon;
    struct methods_app parts;
    bool stopping;
    int running; /* parts that have not stopped yet */
};

static void part_stopped(void *arg)
{
    struct app *app = arg;

    if (--app->running == 0)
        event_base_loopbreak(app->daemon.base);
}

/* Asked to stop, by a signal or by a client. */
static void stop(void *arg)
{
    struct app *app = arg;

    if (app->stopping)
        return;
    app->stopping = true;
    app->running = 2;
    gateway_stop(app->parts.gateway, part_stopped, app);
    rpc_server_stop(app->parts.server, part_stopped, app);
}

/* The socket first: it tells whether another instance is alive. */
static int serve(struct app *app)
{
    struct daemon *daemon = &app->daemon;
    char path[PATH_MAX];
    int exit_status = EXIT_FAILURE;

    app->parts.server =
        rpc_server_new(daemon->base, daemon_socket(daemon, "gatewayd", path, sizeof path),
                       gatewayd_methods, gatewayd_method_count, &app->parts, &exit_status);
    if (app->parts.server == NULL)
        return exit_status;
    app->parts.gateway = gateway_new(daemon, stop, app, &exit_status);
    if (app->parts.gateway != NULL)
        exit_status = daemon_run(daemon, stop, app);
    gateway_free(app->parts.gateway);
    rpc_server_free(app->parts.server);
    return exit_status;
}

int main(int argc, char **argv)
{
    struct app app = {.daemon = {.name = "gatewayd",
                                 .summary = "REST API of the converter and the battery",
                                 .web = true}};
    int exit_status;

    if (daemon_init(&app.daemon, argc, argv, &exit_status))
        exit_status = serve(&app);
    daemon_release(&app.daemon);
    return exit_status;
}
