/* SPDX-License-Identifier: Apache-2.0 */
#include "common/trace.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"

size_t trace_frame_kept(const struct trace_frame *frame)
{
    return frame->size < TRACE_BYTES ? frame->size : TRACE_BYTES;
}

void trace_frame_append(struct trace_frame *frame, const uint8_t *bytes, size_t count,
                        int64_t now_us)
{
    size_t kept = trace_frame_kept(frame);
    size_t taken = count < TRACE_BYTES ? count : TRACE_BYTES;
    size_t stay = kept < TRACE_BYTES - taken ? kept : TRACE_BYTES - taken;

    memmove(frame->bytes, frame->bytes + kept - stay, stay);
    memcpy(frame->bytes + stay, bytes + count - taken, taken);
    frame->time_us = now_us;
    if (__builtin_add_overflow(frame->size, count, &frame->size))
        frame->size = UINT32_MAX;
}

void trace_frame_judge(struct trace_frame *frame, const char *verdict)
{
    size_t length = strnlen(verdict, TRACE_VERDICT_SIZE - 1);

    memcpy(frame->verdict, verdict, length);
    frame->verdict[length] = '\0';
}

void trace_add(struct trace *trace, const struct trace_frame *frame)
{
    trace->ring[trace->count % TRACE_FRAMES] = *frame;
    trace->count++;
}

uint64_t trace_newest(const struct trace *trace, size_t count)
{
    uint64_t kept = trace->count < TRACE_FRAMES ? trace->count : TRACE_FRAMES;

    return trace->count - (count < kept ? count : kept);
}

const struct trace_frame *trace_at(const struct trace *trace, uint64_t number)
{
    if (number >= trace->count || trace->count - number > TRACE_FRAMES)
        return NULL;
    return &trace->ring[number % TRACE_FRAMES];
}

struct json_object *trace_seconds(int64_t us)
{
    double seconds = (double)us / US_PER_S;
    char text[32];

    snprintf(text, sizeof text, "%.6f", seconds);
    return json_object_new_double_s(seconds, text);
}

static struct json_object *hex(const struct trace_frame *frame)
{
    static const char digits[] = "0123456789abcdef";
    size_t kept = trace_frame_kept(frame);
    char text[2 * TRACE_BYTES];

    for (size_t i = 0; i < kept; i++) {
        text[2 * i] = digits[frame->bytes[i] >> 4];
        text[2 * i + 1] = digits[frame->bytes[i] & 0xf];
    }
    return json_object_new_string_len(text, (int)(2 * kept));
}

struct json_object *trace_frame_json(const struct trace_frame *frame, int64_t now_us)
{
    const char *direction = frame->direction == TRACE_SENT ? ">" : "<";
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "time", trace_seconds(frame->time_us));
    json_object_object_add(object, "age", trace_seconds(now_us - frame->time_us));
    json_object_object_add(object, "dir", json_object_new_string(direction));
    json_object_object_add(object, "hex", hex(frame));
    if (frame->size > TRACE_BYTES)
        json_object_object_add(object, "more", json_object_new_int64(frame->size - TRACE_BYTES));
    json_object_object_add(object, "verdict", json_object_new_string(frame->verdict));
    return object;
}
