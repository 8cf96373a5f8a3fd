/* SPDX-License-Identifier: Apache-2.0 */
/* The converter's operation modes (specification 5.1.4.1): one const table. Pure. */
#ifndef COMMON_OPERATION_MODE_H
#define COMMON_OPERATION_MODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/reason.h"

enum {
    MODE_WAITING = 0x0000,          /* stop */
    MODE_HETERONOMY_CV = 0x0002,    /* discharge: constant current into the grid */
    MODE_GRID_AUTONOMY = 0x0014,    /* constant grid voltage */
    MODE_HETERONOMY_CHARGE = 0x0041 /* charge: constant current out of the grid */
};

struct operation_mode {
    const char *name; /* "Waiting": status.operationMode */
    uint16_t value;
    bool settable; /* /remote/set accepts it */
};

extern const struct operation_mode operation_modes[];
extern const size_t operation_mode_count;

/* The row of a mode, or NULL when the specification does not know it. */
const struct operation_mode *operation_mode_find(unsigned value);

/*
 * Reads a mode as clients write it: "0x" and 1 to 4 hexadecimal digits, one of the settable ones.
 * Returns true, or false with *failure filled (REASON_BAD_VALUE): "bad value: 2" for other text,
 * "bad value: operation mode: 1" for other modes.
 */
bool operation_mode_parse(const char *text, uint16_t *mode, struct failure *failure);

#endif
