/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The converter's serial port: moves bytes between the descriptor and the link, runs the one timer,
 * and opens the port again when it was lost. Owns descriptor, link and scheduler.
 */
#ifndef DCDCD_PORT_H
#define DCDCD_PORT_H

#include <event2/event.h>
#include <json-c/json.h>

#include "common/config.h"
#include "common/metrics.h"
#include "common/trace.h"
#include "dcdcd/scheduler.h"

struct port;

/*
 * Opens the port, now or when it can be opened. config is borrowed. run_dir: where the trace is
 * saved when the link is lost. NULL without memory.
 */
struct port *port_new(struct event_base *base, const struct config *config, const char *run_dir);

/* Fails what waits with REASON_STOPPING and closes. NULL: no-op. */
void port_free(struct port *port);

/* A new configuration for all but the port itself; borrowed. */
void port_configure(struct port *port, const struct config *config);

/* Takes a request: see scheduler_submit. */
void port_submit(struct port *port, struct request *request);

/* See scheduler_permit. */
void port_permit(struct port *port, const char *denial);

/* The mode that the converter is in; false if it is not known: then the last that was, or 0. */
bool port_mode(const struct port *port, uint16_t *mode);

/* Whether what was due has been done: reopening, deadlines, retries, the next command. */
bool port_alive(const struct port *port, int64_t now_us);

/* A guard stops the converter: the trace is to be saved soon; see trace_file_want_stop. */
void port_save_trace(struct port *port, const char *reason);

/* The last frames on the line. */
const struct trace *port_trace(const struct port *port);

/* recorded(arg, frame) is called for each frame from now on; it must not use the port. */
void port_on_frame(struct port *port, void (*recorded)(void *arg, const struct trace_frame *frame),
                   void *arg);

/* For `status`: state of port, link and scheduler. The caller owns it. */
struct json_object *port_status(const struct port *port);

/* For `metrics`: the same, and what the converter answered lately. */
void port_metrics(const struct port *port, struct metrics *metrics);

#endif
