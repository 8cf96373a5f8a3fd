/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The battery's register map (wire facts, "Battery on Modbus RTU"): configured register numbers
 * to requests, register values to a reading. Pure. Used by the worker.
 */
#ifndef BATTD_REGISTERS_H
#define BATTD_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REGISTER_BASE = 30001, REGISTER_READS_MAX = 2, REGISTER_VALUES_MAX = 2, RSOC_MAX = 1000 };

/* One "read input registers" request. */
struct register_read {
    uint16_t offset; /* on the wire: the register number minus 30001 */
    uint8_t count;
};

/*
 * The requests of a poll, in order, all of the same length; where their values, laid end to end,
 * hold what.
 */
struct register_plan {
    struct register_read read[REGISTER_READS_MAX];
    size_t read_count;
    size_t rsoc_index;
    size_t status_index;
    struct register_read probe; /* another request, whose answer has another length than theirs */
};

/* What the battery said. */
struct reading {
    uint16_t rsoc;        /* 0.1 %, 0..1000 */
    int operation_status; /* battery_operation_status: 3 sharing permitted, 0 denied */
};

/*
 * Plans a poll for two register numbers (30001..39999): one request when they are adjacent or
 * equal, else RSOC's and then the status's.
 */
struct register_plan registers_plan(uint16_t adr_rsoc, uint16_t adr_status);

/*
 * Reads the values of a plan. Returns true and fills *reading; false when RSOC is out of range,
 * then *reading is left alone.
 */
bool registers_decode(const struct register_plan *plan, const uint16_t values[REGISTER_VALUES_MAX],
                      struct reading *reading);

#endif
