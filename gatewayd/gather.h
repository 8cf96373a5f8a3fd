/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks both daemons the same at once and takes what they answer, be it that one is away: for
 * metrics and readiness. Unlike fanout.h it does not wait for a daemon that is not there.
 */
#ifndef GATEWAYD_GATHER_H
#define GATEWAYD_GATHER_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/rpc_client.h"

enum { GATHER_DCDCD, GATHER_BATTD, GATHER_COUNT };

/* The daemons' names. */
extern const char *const gather_names[GATHER_COUNT];

struct gathered {
    struct json_object *result; /* borrowed for the time of the call; NULL: failure says why */
    struct failure failure;
};

typedef void gather_done(void *arg, const struct gathered answers[GATHER_COUNT]);

/*
 * done is called exactly once, at deadline_us (clock_us) at the latest; before this returns if
 * neither daemon is connected. False without memory: done is not called.
 */
bool gather(struct rpc_client *const clients[GATHER_COUNT], const char *method, int64_t deadline_us,
            gather_done *done, void *arg);

#endif
