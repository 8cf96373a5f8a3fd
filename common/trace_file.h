/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace as a file in the run directory, for when something has gone wrong: what was on the
 * line before it and for a moment after it. One file, replaced as a whole: once a minute at most,
 * and once in 10 s for a guard's stop, which no other cause keeps from being written.
 * JSON lines: first {"trace":"dcdcd","version":…,"reason":…,"time":…,"date":…,"port":…,"baud":…},
 * then the frames, as trace_frame_json shows them. Used by dcdcd's port and battd's worker.
 */
#ifndef COMMON_TRACE_FILE_H
#define COMMON_TRACE_FILE_H

#include <limits.h>
#include <stdint.h>

#include "common/config.h"
#include "common/reason.h"
#include "common/trace.h"

struct trace_file {
    const char *name; /* of the daemon */
    char path[PATH_MAX];
    char reason[FAILURE_TEXT_SIZE]; /* of the file that is due, or was written last */
    int64_t due_us;                 /* INT64_MAX: none */
    int64_t next_us;                /* none is wanted before */
    int64_t next_stop_us;           /* the same of a guard's stop */
};

/* The file is DIR/NAME.trace; name, the daemon's, is borrowed. */
void trace_file_init(struct trace_file *file, const char *dir, const char *name);

/* Something has gone wrong: a file is due soon, unless one was written less than a minute ago. */
void trace_file_want(struct trace_file *file, const char *reason, int64_t now_us);

/*
 * A guard stops the converter: a file is due soon and bears this reason, whatever was written or
 * is due for another one, unless a guard's stop has had one less than 10 s ago. Other reasons get
 * none for a minute.
 */
void trace_file_want_stop(struct trace_file *file, const char *reason, int64_t now_us);

/* Writes the file if it is due. A failure is logged. */
void trace_file_write(struct trace_file *file, const struct trace *trace,
                      const struct config_port *port, int64_t now_us);

/* The same if one is wanted at all, due or not: the daemon ends. */
void trace_file_finish(struct trace_file *file, const struct trace *trace,
                       const struct config_port *port, int64_t now_us);

#endif
