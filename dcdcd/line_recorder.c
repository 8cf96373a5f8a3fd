/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/line_recorder.h"

#include "common/clock.h"
#include "common/trace_log.h"

enum { QUIET_US = 10 * US_PER_MS };

static void record(struct line_recorder *recorder, const struct trace_frame *frame)
{
    trace_add(&recorder->trace, frame);
    trace_log("link", frame);
    if (recorder->recorded != NULL)
        recorder->recorded(recorder->arg, frame);
}

void line_recorder_sent(struct line_recorder *recorder, const uint8_t *bytes, size_t count,
                        int64_t now_us)
{
    struct trace_frame frame = {.direction = TRACE_SENT};

    trace_frame_append(&frame, bytes, count, now_us);
    trace_frame_judge(&frame, "sent");
    record(recorder, &frame);
}

void line_recorder_received(struct line_recorder *recorder, const uint8_t *bytes, size_t count,
                            int64_t now_us)
{
    trace_frame_append(&recorder->incoming, bytes, count, now_us);
}

void line_recorder_end(struct line_recorder *recorder, const char *verdict, int64_t now_us)
{
    struct trace_frame *incoming = &recorder->incoming;

    incoming->direction = TRACE_RECEIVED;
    if (incoming->size == 0)
        incoming->time_us = now_us;
    trace_frame_judge(incoming, verdict);
    record(recorder, incoming);
    incoming->size = 0;
}

int64_t line_recorder_quiet_us(const struct line_recorder *recorder)
{
    return recorder->incoming.size > 0 ? recorder->incoming.time_us + QUIET_US : INT64_MAX;
}
