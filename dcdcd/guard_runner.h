/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the guards (guards.h): asks battd, sends the converter to Waiting, keeps the time. */
#ifndef DCDCD_GUARD_RUNNER_H
#define DCDCD_GUARD_RUNNER_H

#include <event2/event.h>
#include <json-c/json.h>

#include "common/config.h"
#include "common/metrics.h"
#include "dcdcd/port.h"

struct guard_runner;

/* battery_socket: battd's. All is borrowed. NULL without memory. */
struct guard_runner *guard_runner_new(struct event_base *base, const struct config *config,
                                      const char *battery_socket, struct port *port);
void guard_runner_free(struct guard_runner *runner);

/* A new configuration; borrowed. */
void guard_runner_configure(struct guard_runner *runner, const struct config *config);

/* The supervisor was heard of. */
void guard_runner_supervisor_seen(struct guard_runner *runner);

/* Whether the guards have run lately. */
bool guard_runner_alive(const struct guard_runner *runner);

/* For `status`. The caller owns it. */
struct json_object *guard_runner_status(const struct guard_runner *runner);

/* For `metrics`. */
void guard_runner_metrics(const struct guard_runner *runner, struct metrics *metrics);

#endif
