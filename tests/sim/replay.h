/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recorded trace as an answering machine: a request that equals a recorded one is followed by
 * what followed the recorded one. Used by eza2500_device.
 *
 * The file is dcdcd.trace, or what `trace` on dcdcd's socket printed, followed or not. Bytes that
 * the trace counted and did not keep ("more") are sent as 0xff, which begins nothing, as far as a
 * frame has room for them: what came last decides.
 */
#ifndef TESTS_SIM_REPLAY_H
#define TESTS_SIM_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "tests/sim/line.h"

/* A frame of the trace. */
struct replay_frame {
    int64_t time_us; /* received: of the last byte; sent: of the first */
    size_t size;     /* 0: silence */
    uint8_t bytes[SIM_SEND_MAX];
};

struct replay;

/* NULL after saying why on stderr: no such file, a line that is no JSON, no request in it. */
struct replay *replay_load(const char *path);
void replay_free(struct replay *replay);

/*
 * Finds the next recorded request that equals this one, beginning after the one found last and
 * again at the start when there is none. Returns what came back for it, *count frames until the
 * next request, and when it was sent in *sent_us; NULL when no request equals it.
 */
const struct replay_frame *replay_answers(struct replay *replay, const uint8_t *request,
                                          size_t size, size_t *count, int64_t *sent_us);

#endif
