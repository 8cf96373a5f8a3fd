/* SPDX-License-Identifier: Apache-2.0 */
/* Several RPC calls at once with one deadline and one completion. Used by actions.c. */
#ifndef GATEWAYD_FANOUT_H
#define GATEWAYD_FANOUT_H

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

#include "common/rpc_client.h"

enum { FANOUT_MAX = 2 };

struct fanout;

struct fanout_call {
    struct rpc_client *client;
    const char *method;
    struct json_object *params; /* taken; NULL: none */
    const char *behalf;         /* see rpc_client_call_for */
    enum rpc_client_repeat repeat;
};

/*
 * failure NULL: results holds the result of each of the count calls, borrowed for the time of
 * this call. Otherwise the failure of the first call, in the order given, that failed.
 */
typedef void fanout_done(void *arg, struct json_object *const results[], size_t count,
                         const struct failure *failure);

/*
 * Sends 1..FANOUT_MAX calls. done is called exactly once, at deadline_us (clock_us) at the
 * latest: when all have succeeded, or when a call has failed and all before it have succeeded;
 * the others are then cancelled. Returns what fanout_abandon takes until done is called; without
 * memory done is called before this returns NULL.
 */
struct fanout *fanout_start(const struct fanout_call calls[], size_t count, int64_t deadline_us,
                            fanout_done *done, void *arg);

/*
 * Nobody waits for this, which has one call, any more: see rpc_client_abandon. done is called as
 * ever, maybe before this returns.
 */
void fanout_abandon(struct fanout *fanout);

#endif
