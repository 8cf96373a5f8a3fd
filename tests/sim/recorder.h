/* SPDX-License-Identifier: Apache-2.0 */
/* The last frames that went over a simulated line, for the control command `wire`. Used by line. */
#ifndef TESTS_SIM_RECORDER_H
#define TESTS_SIM_RECORDER_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIM_RECORDS_MAX = 4096 }; /* the oldest are forgotten first */

/* rx: what the simulator heard; tx: what it sent */
enum sim_direction { SIM_RX, SIM_TX };

struct sim_recorder;

/* debug: each frame is printed on stderr too. NULL without memory. */
struct sim_recorder *sim_recorder_new(bool debug);
void sim_recorder_free(struct sim_recorder *recorder);

/* Records a frame: when its first byte began and its last byte ended on the line (clock_us). */
void sim_recorder_add(struct sim_recorder *recorder, enum sim_direction direction,
                      const uint8_t *bytes, size_t size, int64_t start_us, int64_t end_us);

/* The frames, oldest first, as [{"t":s,"end":s,"dir":"rx","hex":"…"}]; they are forgotten. */
struct json_object *sim_recorder_take(struct sim_recorder *recorder);

#endif
