/* SPDX-License-Identifier: Apache-2.0 */
/* Tells battery-sim once a second what power flows into the battery. Used by eza2500_main. */
#ifndef TESTS_SIM_BATTERY_REPORT_H
#define TESTS_SIM_BATTERY_REPORT_H

#include <event2/event.h>

struct battery_report;

/*
 * path: battery-sim's control socket, borrowed; it may come later, go and come back. power(arg)
 * gives W. NULL without memory.
 */
struct battery_report *battery_report_new(struct event_base *base, const char *path,
                                          double (*power)(void *arg), void *arg);

/* NULL: no-op. */
void battery_report_free(struct battery_report *report);

#endif
