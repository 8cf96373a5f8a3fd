/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known about the battery, how old it is and what of it may be served. Pure; the time is
 * a parameter. Written by the worker, served by the methods.
 */
#ifndef BATTD_SNAPSHOT_H
#define BATTD_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "battd/outcome.h"
#include "battd/registers.h"
#include "common/reason.h"

struct snapshot_counters {
    uint64_t polls;
    uint64_t outcomes[OUTCOME_COUNT]; /* polls by how they ended; PORT also failures to open */
    uint64_t opens;                   /* of the port */
    uint64_t stray_bytes;             /* that nobody waited for: late, doubled, noise */
    uint64_t sent, received;          /* frames: requests, and what came in */
};

struct snapshot {
    bool port_open;
    bool stopped; /* no poll will come any more */
    bool lost;    /* announced as lost, and not back yet */
    int64_t lost_us;

    bool measured; /* there is a reading */
    struct reading reading;
    int64_t measured_us; /* when it was asked for: it is younger than that */

    bool last_failed; /* the last try, a poll or an opening, failed */
    bool failed;      /* any try ever failed: the next two are valid */
    int64_t failed_us;
    char error[FAILURE_TEXT_SIZE];

    struct snapshot_counters counters;
};

enum snapshot_verdict {
    SNAPSHOT_FRESH,  /* serve the reading */
    SNAPSHOT_FAILED, /* serve the failure */
    SNAPSHOT_WAIT    /* nothing to serve and nothing wrong: a poll is due */
};

/* A poll has ended well. Returns true when the battery was lost and is back now. */
bool snapshot_succeeded(struct snapshot *snapshot, const struct reading *reading,
                        int64_t measured_us);

/*
 * A poll or an opening has failed. outcome: not OUTCOME_OK. Returns true when the battery is to
 * be announced as lost: the port is gone, or nothing fresh is left to serve.
 */
bool snapshot_failed(struct snapshot *snapshot, enum outcome outcome, const char *error,
                     int64_t max_age_us, int64_t now_us);

/*
 * What may be served. FAILED fills *failure: REASON_BATTERY with the last failure's text, or
 * REASON_STOPPING. A reading is fresh until it is max_age_us old; never served after that.
 */
enum snapshot_verdict snapshot_serve(const struct snapshot *snapshot, int64_t max_age_us,
                                     int64_t now_us, struct failure *failure);

#endif
