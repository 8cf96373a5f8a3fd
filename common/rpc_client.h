/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to another daemon's socket that heals itself: connects again at most 50 ms after
 * the peer is back, many calls at once, each with a deadline and exactly one completion.
 */
#ifndef COMMON_RPC_CLIENT_H
#define COMMON_RPC_CLIENT_H

#include <event2/event.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/reason.h"

struct rpc_client;
struct rpc_client_call;

/*
 * result: borrowed for the time of this call; NULL on failure, then *failure says why
 * (REASON_UNAVAILABLE: the peer could not be reached, went away, or did not answer in time;
 * failure->from_peer: it has answered so itself).
 * It may make and cancel calls, but not free the client.
 */
typedef void rpc_client_done(void *arg, struct json_object *result, const struct failure *failure);

/* What may happen to a call whose connection breaks after it was sent. */
enum rpc_client_repeat {
    RPC_REPEAT, /* it is sent again: reads, and stops */
    RPC_ONCE    /* it fails: it may have been executed */
};

/* peer: the name used in failures and logs ("battd"). Never fails to start; NULL without memory. */
struct rpc_client *rpc_client_new(struct event_base *base, const char *path, const char *peer);

/* Fails all calls with REASON_STOPPING. NULL: no-op. Calls made meanwhile get NULL. */
void rpc_client_free(struct rpc_client *client);

/*
 * Sends a call now, or when the peer is connected. A call that cannot be sent by
 * deadline_us - 900 ms fails then; one not answered by deadline_us fails then (clock_us times).
 * The peer is told a deadline 100 ms before, so that its reason arrives and it does nothing after
 * it however long it was stopped. A peer that is stopping and has not begun it is no failure: the
 * call waits for the next one. Takes params (NULL: none). done is called exactly once, never before
 * this returns, unless the call is cancelled. NULL without memory: done is not called.
 */
struct rpc_client_call *rpc_client_call(struct rpc_client *client, const char *method,
                                        struct json_object *params, int64_t deadline_us,
                                        enum rpc_client_repeat repeat, rpc_client_done *done,
                                        void *arg);

/* The same on behalf of an IP address, which the peer writes into its log. NULL: nobody's. */
struct rpc_client_call *rpc_client_call_for(struct rpc_client *client, const char *behalf,
                                            const char *method, struct json_object *params,
                                            int64_t deadline_us, enum rpc_client_repeat repeat,
                                            rpc_client_done *done, void *arg);

/* done will not be called. A peer that has got the call is told that nobody waits for it. */
void rpc_client_cancel(struct rpc_client_call *call);

/*
 * The same, but done is called: at once with REASON_EXPIRED if the call has not been sent, and it
 * never will be; otherwise with what the peer answers, which may have begun it before.
 */
void rpc_client_abandon(struct rpc_client_call *call);

bool rpc_client_connected(const struct rpc_client *client);

/*
 * For `status`: {"connected":…, "connects":…, "calls":…, "failures":…, "last_error":…}; the last
 * one is "" when there was none. Caller owns.
 */
struct json_object *rpc_client_counters(const struct rpc_client *client);

#endif
