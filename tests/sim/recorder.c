/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/recorder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

struct record {
    enum sim_direction direction;
    int64_t start_us, end_us;
    char *hex; /* owned */
};

struct sim_recorder {
    bool debug;
    size_t first, count;
    struct record ring[SIM_RECORDS_MAX];
};

static const char *const directions[] = {[SIM_RX] = "rx", [SIM_TX] = "tx"};

struct sim_recorder *sim_recorder_new(bool debug)
{
    struct sim_recorder *recorder = calloc(1, sizeof *recorder);

    if (recorder != NULL)
        recorder->debug = debug;
    return recorder;
}

/* Takes the oldest record out of the ring; its hex is the caller's. */
static struct record take_first(struct sim_recorder *recorder)
{
    struct record record = recorder->ring[recorder->first];

    recorder->ring[recorder->first].hex = NULL;
    recorder->first = (recorder->first + 1) % SIM_RECORDS_MAX;
    recorder->count--;
    return record;
}

void sim_recorder_free(struct sim_recorder *recorder)
{
    if (recorder == NULL)
        return;
    while (recorder->count > 0)
        free(take_first(recorder).hex);
    free(recorder);
}

static char *hex_text(const uint8_t *bytes, size_t size)
{
    char *hex = malloc(2 * size + 1);

    if (hex == NULL)
        return NULL;
    for (size_t i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    hex[2 * size] = '\0';
    return hex;
}

void sim_recorder_add(struct sim_recorder *recorder, enum sim_direction direction,
                      const uint8_t *bytes, size_t size, int64_t start_us, int64_t end_us)
{
    struct record record = {
        .direction = direction,
        .start_us = start_us,
        .end_us = end_us,
        .hex = hex_text(bytes, size),
    };

    if (record.hex == NULL)
        return;
    if (recorder->debug)
        fprintf(stderr, "%" PRId64 ".%06" PRId64 " %s %s\n", start_us / US_PER_S,
                start_us % US_PER_S, directions[direction], record.hex);
    if (recorder->count == SIM_RECORDS_MAX)
        free(take_first(recorder).hex);
    recorder->ring[(recorder->first + recorder->count) % SIM_RECORDS_MAX] = record;
    recorder->count++;
}

/* Seconds with all their microseconds. */
static struct json_object *seconds(int64_t time_us)
{
    char text[32];

    snprintf(text, sizeof text, "%" PRId64 ".%06" PRId64, time_us / US_PER_S, time_us % US_PER_S);
    return json_object_new_double_s((double)time_us / US_PER_S, text);
}

struct json_object *sim_recorder_take(struct sim_recorder *recorder)
{
    struct json_object *list = json_object_new_array();

    while (recorder->count > 0) {
        struct record record = take_first(recorder);
        struct json_object *frame = json_object_new_object();

        json_object_object_add(frame, "t", seconds(record.start_us));
        json_object_object_add(frame, "end", seconds(record.end_us));
        json_object_object_add(frame, "dir", json_object_new_string(directions[record.direction]));
        json_object_object_add(frame, "hex", json_object_new_string(record.hex));
        json_object_array_add(list, frame);
        free(record.hex);
    }
    return list;
}
