/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/guard_runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/operation_mode.h"
#include "common/rpc_client.h"
#include "dcdcd/guards.h"

/* The mode may change without a word to the guards, so they run at least this often. */
enum { TURN_US = US_PER_S };

struct guard_runner {
    struct guards guards;
    struct port *port;
    struct rpc_client *battery;
    struct rpc_client_call *check;
    struct event *timer;
    struct request stop;
    bool stopping;                  /* stop is with the scheduler */
    char denial[FAILURE_TEXT_SIZE]; /* "" while sharing is permitted */
    int64_t denied_us;              /* since when it is not */
    bool cause_told;                /* the log has it */
    bool guarding;                  /* a cause for the stop lasts, and is logged */
};

static void run(struct guard_runner *runner);

static void on_stopped(struct request *request, struct json_object *result,
                       const struct failure *failure)
{
    struct guard_runner *runner =
        (struct guard_runner *)((char *)request - offsetof(struct guard_runner, stop));

    (void)failure; /* the scheduler keeps on trying, and logs it */
    json_object_put(result);
    runner->stopping = false;
}

static void stop_converter(struct guard_runner *runner, int64_t now_us)
{
    if (runner->stopping)
        return;
    runner->stopping = true;
    runner->stop = (struct request){
        .call = controller_bare_stop(),
        .arrived_us = now_us,
        .deadline_us = now_us + runner->guards.config->dcdc.battery_check_interval_us,
        .done = on_stopped,
    };
    port_submit(runner->port, &runner->stop);
}

static void on_checked(void *arg, struct json_object *result, const struct failure *failure)
{
    struct guard_runner *runner = arg;
    const char *why;
    int64_t age_us;
    enum guards_answer answer = guards_judge(result, failure, &why, &age_us);

    runner->check = NULL;
    guards_answer(&runner->guards, answer, why, age_us, clock_us());
    run(runner);
}

static void ask_battery(struct guard_runner *runner, int64_t now_us)
{
    runner->check = rpc_client_call(runner->battery, "check_battery", NULL,
                                    now_us + guards_ask_timeout_us(&runner->guards), RPC_REPEAT,
                                    on_checked, runner);
}

/*
 * Logged when it begins and ends: the texts of an unreadable battery's errors change at each try.
 * Before the battery has answered there is no cause yet.
 */
static void note_permission(struct guard_runner *runner, const char *denial, int64_t now_us)
{
    bool was_denied = runner->denial[0] != '\0', has_cause = guards_has_cause(&runner->guards);

    if (denial == NULL && was_denied)
        log_info("guard", "the battery permits sharing after %.1f s",
                 (double)(now_us - runner->denied_us) / US_PER_S);
    if (denial != NULL && !was_denied)
        runner->denied_us = now_us;
    if (denial != NULL && (!was_denied || (has_cause && !runner->cause_told)))
        log_warning("guard", "sharing is not permitted: %s", denial);
    runner->cause_told = denial != NULL && (has_cause || (was_denied && runner->cause_told));
    snprintf(runner->denial, sizeof runner->denial, "%s", denial != NULL ? denial : "");
}

/* Tells the scheduler whether other modes are permitted. */
static void pass_on_permission(struct guard_runner *runner, int64_t now_us)
{
    const char *denial = guards_denial(&runner->guards, now_us);

    port_permit(runner->port, denial);
    note_permission(runner, denial, now_us);
}

static void set_timer(struct guard_runner *runner, bool mode_known, uint16_t mode, int64_t now_us)
{
    int64_t wait_us = guards_wake_us(&runner->guards, mode_known, mode) - now_us;
    struct timeval wait;

    if (wait_us > TURN_US)
        wait_us = TURN_US;
    if (wait_us < 0)
        wait_us = 0;
    wait = timeval_of_us(wait_us);
    event_add(runner->timer, &wait);
}

/*
 * The stop is repeated while its cause lasts, but logged once. The trace is saved if the converter
 * may have been running.
 */
static void note_cause(struct guard_runner *runner, bool waiting)
{
    bool guarding = guards_stopping(&runner->guards);
    bool begins = guarding && !runner->guarding;
    const char *cause = runner->denial[0] != '\0' ? runner->denial : "the supervisor is silent";
    char text[FAILURE_TEXT_SIZE + 64];

    runner->guarding = guarding;
    if (!begins)
        return;
    snprintf(text, sizeof text, "the converter is sent to Waiting: %s", cause);
    log_warning("guard", "%s", text);
    if (!waiting)
        port_save_trace(runner->port, text);
}

static void run(struct guard_runner *runner)
{
    int64_t now_us = clock_us();
    uint16_t mode = 0;
    bool mode_known = port_mode(runner->port, &mode);
    unsigned actions = guards_run(&runner->guards, mode_known, mode, now_us);

    pass_on_permission(runner, now_us);
    if (actions & GUARDS_STOP)
        stop_converter(runner, now_us);
    note_cause(runner, mode_known && mode == MODE_WAITING);
    if (actions & GUARDS_ASK)
        ask_battery(runner, now_us);
    set_timer(runner, mode_known, mode, now_us);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd, (void)events;
    run(arg);
}

void guard_runner_configure(struct guard_runner *runner, const struct config *config)
{
    guards_configure(&runner->guards, config, clock_us());
    run(runner);
}

void guard_runner_supervisor_seen(struct guard_runner *runner)
{
    guards_supervisor_seen(&runner->guards, clock_us());
}

struct guard_runner *guard_runner_new(struct event_base *base, const struct config *config,
                                      const char *battery_socket, struct port *port)
{
    struct guard_runner *runner = calloc(1, sizeof *runner);

    if (runner == NULL)
        return NULL;
    runner->port = port;
    runner->timer = event_new(base, -1, 0, on_timer, runner);
    runner->battery = rpc_client_new(base, battery_socket, "battd");
    if (runner->timer == NULL || runner->battery == NULL) {
        guard_runner_free(runner);
        return NULL;
    }
    guards_init(&runner->guards, config, clock_us());
    run(runner);
    return runner;
}

void guard_runner_free(struct guard_runner *runner)
{
    if (runner == NULL)
        return;
    if (runner->check != NULL)
        rpc_client_cancel(runner->check);
    rpc_client_free(runner->battery);
    if (runner->timer != NULL)
        event_free(runner->timer);
    free(runner);
}

bool guard_runner_alive(const struct guard_runner *runner)
{
    return guards_alive(&runner->guards, clock_us());
}

struct json_object *guard_runner_status(const struct guard_runner *runner)
{
    struct json_object *status = guards_status(&runner->guards, clock_us());

    json_object_object_add(status, "battd", rpc_client_counters(runner->battery));
    return status;
}

void guard_runner_metrics(const struct guard_runner *runner, struct metrics *metrics)
{
    guards_metrics(&runner->guards, metrics);
}
