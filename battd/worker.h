/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that owns the battery's bus: opens the port, polls, opens it again after it was
 * lost, and publishes what it knows. Used by main and the methods, on the event loop.
 */
#ifndef BATTD_WORKER_H
#define BATTD_WORKER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "battd/snapshot.h"
#include "common/config.h"
#include "common/trace.h"

struct worker;

/*
 * Starts the thread. config is borrowed and must be that of a present battery. run_dir: where the
 * trace is saved when the battery is lost. changed(arg) is called from the loop soon after each
 * poll, each failure to open, and each frame on the bus. A missing port is a state, not an error.
 * Returns NULL after logging why.
 */
struct worker *worker_new(struct event_base *base, const struct config_battery_dev *config,
                          const char *run_dir, void (*changed)(void *arg), void *arg);

/* A copy of what is known now. Never waits for the bus. */
void worker_snapshot(struct worker *worker, struct snapshot *snapshot);

/* How many frames were ever recorded; they are numbered from 0. */
uint64_t worker_recorded(struct worker *worker);

/* A copy of a frame; false when it is not there any more, or not yet. Never waits for the bus. */
bool worker_frame(struct worker *worker, uint64_t number, struct trace_frame *frame);

/* Whether the thread gets on as it should: it polls, or waits as long as it said it would. */
bool worker_alive(struct worker *worker, int64_t now_us);

/* Asks the thread to end after the request that is on the bus. Returns at once. */
void worker_stop(struct worker *worker);

/*
 * Waits until until_us (clock_us) for the thread to end, then frees all. Returns false when it
 * has not ended: all is left to it and the process should exit. NULL: no-op, true.
 */
bool worker_free(struct worker *worker, int64_t until_us);

#endif
