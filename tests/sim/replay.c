/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/replay.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/sim/faults.h"

enum { FRAMES_MAX = 64 * 1024, FILLER = 0xff };

struct replay {
    struct replay_frame *frame;
    bool *request; /* whether the frame with the same index is one */
    size_t count;
    size_t next; /* where to look first */
};

static bool grow(struct replay *replay)
{
    size_t count = replay->count + 1;
    struct replay_frame *frame = realloc(replay->frame, count * sizeof *frame);
    bool *request;

    if (frame == NULL)
        return false;
    replay->frame = frame;
    request = realloc(replay->request, count * sizeof *request);
    if (request == NULL)
        return false;
    replay->request = request;
    replay->count = count;
    return true;
}

/* Puts the bytes that were not kept before those that were. False if there cannot be so many. */
static bool fill(struct replay_frame *frame, int64_t missing)
{
    size_t room = sizeof frame->bytes - frame->size, filled;

    if (missing < 0)
        return false;
    filled = missing < (int64_t)room ? (size_t)missing : room;
    memmove(frame->bytes + filled, frame->bytes, frame->size);
    memset(frame->bytes, FILLER, filled);
    frame->size += filled;
    return true;
}

/* A frame as trace_frame_json makes it; false if it is none. */
static bool add_frame(struct replay *replay, struct json_object *object)
{
    struct json_object *time, *direction, *hex, *more = NULL;
    struct replay_frame frame = {0};
    int size;

    if (!json_object_object_get_ex(object, "time", &time) ||
        !json_object_object_get_ex(object, "dir", &direction) ||
        !json_object_object_get_ex(object, "hex", &hex) ||
        !json_object_is_type(direction, json_type_string) ||
        !json_object_is_type(hex, json_type_string) || replay->count == FRAMES_MAX)
        return false;
    size = sim_parse_hex(json_object_get_string(hex), frame.bytes, sizeof frame.bytes);
    if (size < 0)
        return false;
    frame.size = (size_t)size;
    json_object_object_get_ex(object, "more", &more);
    if (!fill(&frame, json_object_get_int64(more)) || !grow(replay))
        return false;
    frame.time_us = (int64_t)(json_object_get_double(time) * US_PER_S + 0.5);
    replay->frame[replay->count - 1] = frame;
    replay->request[replay->count - 1] = strcmp(json_object_get_string(direction), ">") == 0;
    return true;
}

/* The frames of an answer to `trace`. */
static bool add_frames(struct replay *replay, struct json_object *frames)
{
    for (size_t i = 0; i < json_object_array_length(frames); i++)
        if (!add_frame(replay, json_object_array_get_idx(frames, i)))
            return false;
    return true;
}

static bool add_line(struct replay *replay, struct json_object *line)
{
    struct json_object *part;

    if (json_object_object_get_ex(line, "trace", &part))
        return true; /* the file's header */
    if (json_object_object_get_ex(line, "params", &part))
        return add_frame(replay, part);
    if (json_object_object_get_ex(line, "result", &part))
        return json_object_object_get_ex(part, "frames", &part) &&
               json_object_is_type(part, json_type_array) && add_frames(replay, part);
    return add_frame(replay, line);
}

/* False after saying which line is wrong. */
static bool load(struct replay *replay, FILE *file, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    bool good = true;

    for (unsigned number = 1; good && getline(&text, &size, file) > 0; number++) {
        struct json_object *line = json_tokener_parse(text);

        good = json_object_is_type(line, json_type_object) && add_line(replay, line);
        if (!good)
            fprintf(stderr, "%s:%u: not a line of a trace\n", path, number);
        json_object_put(line);
    }
    free(text);
    return good;
}

struct replay *replay_load(const char *path)
{
    struct replay *replay = calloc(1, sizeof *replay);
    FILE *file = fopen(path, "re");
    bool good = false;

    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    } else if (replay != NULL) {
        good = load(replay, file, path);
        if (good && replay->count == 0)
            fprintf(stderr, "%s: no frames\n", path);
        good = good && replay->count > 0;
    }
    if (file != NULL)
        fclose(file);
    if (good)
        return replay;
    replay_free(replay);
    return NULL;
}

void replay_free(struct replay *replay)
{
    if (replay == NULL)
        return;
    free(replay->frame);
    free(replay->request);
    free(replay);
}

static bool equals(const struct replay *replay, size_t index, const uint8_t *request, size_t size)
{
    const struct replay_frame *frame = &replay->frame[index];

    return replay->request[index] && frame->size == size &&
           memcmp(frame->bytes, request, size) == 0;
}

const struct replay_frame *replay_answers(struct replay *replay, const uint8_t *request,
                                          size_t size, size_t *count, int64_t *sent_us)
{
    size_t end;

    for (size_t i = 0; i < replay->count; i++) {
        size_t found = (replay->next + i) % replay->count;

        if (!equals(replay, found, request, size))
            continue;
        for (end = found + 1; end < replay->count && !replay->request[end];)
            end++;
        replay->next = end;
        *count = end - found - 1;
        *sent_us = replay->frame[found].time_us;
        return &replay->frame[found] + 1;
    }
    return NULL;
}
