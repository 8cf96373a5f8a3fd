/* SPDX-License-Identifier: Apache-2.0 */
/* battd: owns the battery's port and answers on battd.sock from what it polled. */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "battd/methods.h"
#include "battd/worker.h"
#include "common/clock.h"
#include "common/daemon.h"
#include "common/log.h"
#include "common/rpc_server.h"

/* From being asked to stop to the end, whatever the bus does. */
enum { STOP_US = 4700 * US_PER_MS };

struct battd {
    struct daemon daemon;
    struct rpc_server *server;
    struct battd_methods *methods;
    struct worker *worker; /* NULL when no battery is configured */
    int64_t stop_by_us;
};

static void on_answered(void *arg)
{
    struct battd *battd = arg;

    event_base_loopbreak(battd->daemon.base);
}

/* The worker ends too: requests that wait for a poll get the one on the bus or an error. */
static void stop(void *app)
{
    struct battd *battd = app;

    battd->stop_by_us = clock_us() + STOP_US;
    if (battd->worker != NULL)
        worker_stop(battd->worker);
    rpc_server_stop(battd->server, on_answered, battd);
}

/* The watchdog is fed only while the thread on the bus gets on. */
static bool is_alive(void *app)
{
    struct battd *battd = app;

    return battd->worker == NULL || worker_alive(battd->worker, clock_us());
}

static bool start_worker(struct battd *battd)
{
    const struct config_battery_dev *config = &battd->daemon.config->battery_dev;

    if (!config->present) {
        log_info("battery", "none is configured");
        return true;
    }
    battd->worker = worker_new(battd->daemon.base, config, battd->daemon.run_dir,
                               battd_methods_changed, battd->methods);
    return battd->worker != NULL;
}

/* Serves until asked to stop. The socket is taken first: a second instance never opens the port. */
static int serve(struct battd *battd)
{
    struct daemon *daemon = &battd->daemon;
    char path[PATH_MAX];
    int status = EXIT_FAILURE;

    battd->methods = battd_methods_new(daemon->base, daemon->config);
    if (battd->methods == NULL)
        return status;
    battd->server = rpc_server_new(daemon->base, daemon_socket(daemon, "battd", path, sizeof path),
                                   battd_method_table, battd_method_count, battd->methods, &status);
    if (battd->server == NULL || !start_worker(battd))
        goto out;
    battd_methods_attach(battd->methods, battd->server, battd->worker);
    daemon->alive = is_alive;
    status = daemon_run(daemon, stop, battd);
out:
    battd_methods_free(battd->methods);
    rpc_server_free(battd->server);
    return status;
}

int main(int argc, char **argv)
{
    struct battd battd = {.daemon = {.name = "battd", .summary = "reads a battery on Modbus RTU"}};
    int status;

    if (!daemon_init(&battd.daemon, argc, argv, &status))
        return status;
    status = serve(&battd);
    /* A thread that is still on the bus goes with the process, and needs what it uses till then. */
    if (!worker_free(battd.worker, battd.stop_by_us))
        return status;
    daemon_release(&battd.daemon);
    return status;
}
