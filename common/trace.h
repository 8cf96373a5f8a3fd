/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last frames that went over a bus: a ring that is always on and costs one copy a frame.
 * Pure; the time is a parameter. Owned by dcdcd's port and by battd's worker; trace_method.h
 * shows it to clients.
 */
#ifndef COMMON_TRACE_H
#define COMMON_TRACE_H

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

/* So many bytes are an answer, its request's echo and 64 bytes of noise on either side. */
enum { TRACE_FRAMES = 512, TRACE_BYTES = 192, TRACE_VERDICT_SIZE = 48 };

enum trace_direction { TRACE_SENT, TRACE_RECEIVED };

/* What was sent in one piece, or what came in up to a verdict. Begin with all of it zero. */
struct trace_frame {
    int64_t time_us; /* sent: of the first byte; received: of the last byte, or of the verdict */
    enum trace_direction direction;
    uint32_t size; /* bytes on the line; the last TRACE_BYTES are kept: an answer ends its frame */
    uint8_t bytes[TRACE_BYTES];
    char verdict[TRACE_VERDICT_SIZE]; /* ASCII */
};

/* Begin with all of it zero. */
struct trace {
    uint64_t count; /* frames that were ever added; they are numbered from 0 */
    struct trace_frame ring[TRACE_FRAMES];
};

/* More bytes of the same frame, at now_us. */
void trace_frame_append(struct trace_frame *frame, const uint8_t *bytes, size_t count,
                        int64_t now_us);

/* How many bytes of the frame are kept, 0..TRACE_BYTES. */
size_t trace_frame_kept(const struct trace_frame *frame);

/* What it was; a longer text is cut. */
void trace_frame_judge(struct trace_frame *frame, const char *verdict);

/* Adds a copy of the frame; the oldest is forgotten. */
void trace_add(struct trace *trace, const struct trace_frame *frame);

/* The number of the first of the newest count frames: they go up to trace->count. */
uint64_t trace_newest(const struct trace *trace, size_t count);

/* A frame by its number, or NULL when it is not there any more, or not yet. */
const struct trace_frame *trace_at(const struct trace *trace, uint64_t number);

/*
 * {"time":12.345678,"age":0.1,"dir":">","hex":"0500…","verdict":"sent"}; dir is ">" for sent and
 * "<" for received; with "more": how many bytes came before those of hex and were not kept. The
 * caller owns it.
 */
struct json_object *trace_frame_json(const struct trace_frame *frame, int64_t now_us);

/* Seconds with all their microseconds. The caller owns it. */
struct json_object *trace_seconds(int64_t us);

#endif
