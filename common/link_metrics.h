/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics that the converter's and the battery's line have in common. Pure. */
#ifndef COMMON_LINK_METRICS_H
#define COMMON_LINK_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/metrics.h"

struct link_error {
    const char *kind; /* "timeout" */
    uint64_t count;
};

struct link_figures {
    const char *device; /* "converter", "battery" */
    bool up;            /* the port is open and the device answers */
    bool open;          /* the port is */
    uint64_t opens;
    int64_t success_us; /* when valid values last came; 0: never */
    uint64_t sent;      /* requests */
    uint64_t received;  /* answers, good or bad */
    uint64_t stray_bytes;
    const struct link_error *errors;
    size_t error_count;
};

/* Adds the families, labelled device="…". */
void link_metrics(struct metrics *metrics, const struct link_figures *figures);

#endif
