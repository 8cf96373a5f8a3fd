/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The converter's line as frames: one for each request, one for all that came back for it
 * (silence too), one for what came when nothing was awaited. Pure. Used by the port.
 */
#ifndef DCDCD_LINE_RECORDER_H
#define DCDCD_LINE_RECORDER_H

#include <stddef.h>
#include <stdint.h>

#include "common/trace.h"

/* Begin with all of it zero but for recorded. */
struct line_recorder {
    struct trace trace;
    struct trace_frame incoming; /* what has come in since the last frame; size 0: nothing */
    /* Called for each frame, or NULL. */
    void (*recorded)(void *arg, const struct trace_frame *frame);
    void *arg;
};

/* A request was sent. What came in before belongs to its predecessor: end that first. */
void line_recorder_sent(struct line_recorder *recorder, const uint8_t *bytes, size_t count,
                        int64_t now_us);

void line_recorder_received(struct line_recorder *recorder, const uint8_t *bytes, size_t count,
                            int64_t now_us);

/* What came in, or silence, is a frame of its own, and this is what it was. */
void line_recorder_end(struct line_recorder *recorder, const char *verdict, int64_t now_us);

/* When the line has been quiet for so long that nothing more belongs to what came in; INT64_MAX. */
int64_t line_recorder_quiet_us(const struct line_recorder *recorder);

#endif
