/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The paths for those who watch the unit. None of them touches a wire, none waits for a daemon that
 * is away, none counts as the supervisor. Like actions.h.
 */
#ifndef GATEWAYD_MONITORING_H
#define GATEWAYD_MONITORING_H

struct exchange;

/* The metrics of all three daemons as Prometheus text; of those that answer. */
void action_metrics(struct exchange *exchange);

/* 200, or 503 with what is not ready. */
void action_ready(struct exchange *exchange);

#endif
