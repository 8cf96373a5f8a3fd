/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the three daemons' main functions share: options, configuration, log, event base, signals,
 * exit status (0 asked to stop, 2 usage, 78 configuration, 75 a live instance, 1 anything else).
 */
#ifndef COMMON_DAEMON_H
#define COMMON_DAEMON_H

#include <event2/event.h>
#include <stdbool.h>

#include "common/config.h"
#include "common/watchdog.h"

enum { EXIT_USAGE = 2, EXIT_CONFIG = 78, EXIT_LIVE_INSTANCE = 75 };

struct daemon {
    const char *name;         /* "dcdcd" */
    const char *summary;      /* one line for --help */
    bool web;                 /* takes --host, --port and --goodbye */
    struct event_base *base;  /* timers as precise as the kernel gives them */
    struct config *config;    /* owned; may be replaced by the daemon */
    const char *config_path;  /* the file that was read */
    const char *run_dir;      /* where the sockets are */
    const char *host;         /* --host, default "localhost" */
    int port;                 /* --port, default 8080; 0: any free one */
    bool goodbye;             /* --goodbye */
    void (*stop)(void *app);  /* asked to stop: SIGTERM or SIGINT */
    bool (*alive)(void *app); /* whether what must make progress does; NULL: the loop is enough */
    void *app;
    struct event *signals[2];
    struct watchdog *watchdog;
    struct event *sums;
};

/*
 * Set name, summary and web; the rest is filled. Returns true to go on; false to exit at once
 * with *exit_status (after --help, --version, --check-config, or an error that was printed).
 */
bool daemon_init(struct daemon *daemon, int argc, char **argv, int *exit_status);

/* The path of a socket in the run directory: daemon_socket(d, "battd") → "…/battd.sock". */
const char *daemon_socket(const struct daemon *daemon, const char *name, char *path, size_t size);

/*
 * Runs the loop until event_base_loopbreak. SIGTERM and SIGINT call stop(app) once, which
 * finishes what is under way and then breaks the loop. The service manager is told when the daemon
 * is ready (now) and stopping, and its watchdog is fed while daemon->alive(app), if set, says so.
 * Returns the exit status.
 */
int daemon_run(struct daemon *daemon, void (*stop)(void *app), void *app);

/* Frees what daemon_init made, the configuration included, and writes what the log has held back.
 */
void daemon_release(struct daemon *daemon);

#endif
