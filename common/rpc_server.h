/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC 2.0 by line on a Unix socket: a table of methods, any number of requests at once on a
 * connection, exactly one answer for each. ping, list_methods and cancel are built in. A client
 * that sends no more (a shell pipe) still gets its answers, after a space every 0.2 s while they
 * are being made. More clients or requests than these bounds are refused with REASON_OVERLOAD; a
 * client that leaves more than RPC_OUTPUT_MAX bytes unread is dropped. A call of a method that
 * changes something leaves one audit line in the log (rpc_audit.h), however it ends.
 */
#ifndef COMMON_RPC_SERVER_H
#define COMMON_RPC_SERVER_H

#include <event2/event.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/reason.h"

enum {
    RPC_CLIENTS_MAX = 128,
    /*
     * Requests of one connection that wait for their answers. Far more than dcdcd lets wait
     * before it refuses reads, so that a stop always finds room.
     */
    RPC_PENDING_MAX = 512,
    RPC_OUTPUT_MAX = 1024 * 1024
};

struct rpc_server;
struct rpc_call; /* a request that waits for its answer */

struct rpc_param {
    const char *name;
    bool required;
    const char *help;
};

struct rpc_method {
    const char *name;
    const char *help; /* one line */
    const struct rpc_param *params;
    size_t param_count;
    /* The handler checks the parameters itself: it gets whatever object the client sent. */
    bool checks_params;
    /* Whether a call with these params changes something: then it is audited. NULL: none does. */
    bool (*changes)(struct json_object *params);
    /*
     * Must answer call exactly once with rpc_call_reply or rpc_call_fail, now or later. params
     * is borrowed for the time of this call: an object (empty when left out), its names checked
     * against the table unless checks_params.
     */
    void (*run)(struct rpc_call *call, struct json_object *params, void *app);
};

/*
 * Binds path (mode 0660). A stale socket file is replaced; a live one is left alone. Returns NULL
 * with the exit status in *exit_status (75: a live instance owns the socket, else 1) after
 * logging why. methods and app are borrowed.
 */
struct rpc_server *rpc_server_new(struct event_base *base, const char *path,
                                  const struct rpc_method *methods, size_t method_count, void *app,
                                  int *exit_status);

/*
 * Stops: no new connections; new requests are answered with REASON_STOPPING; when the last
 * pending call is answered and written out, or after 4.6 s, done(arg) is called, once.
 */
void rpc_server_stop(struct rpc_server *server, void (*done)(void *arg), void *arg);

/*
 * Answers what is pending with REASON_STOPPING, closes all, removes the socket file. The calls are
 * gone then: end what would answer them first. NULL: no-op.
 */
void rpc_server_free(struct rpc_server *server);

/* Answers. reply takes result. The call is gone afterwards. */
void rpc_call_reply(struct rpc_call *call, struct json_object *result);
void rpc_call_fail(struct rpc_call *call, const struct failure *failure);

/* The same with the text given here. */
void rpc_call_fail_with(struct rpc_call *call, enum reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Answers like rpc_call_reply; from then on the call's connection also gets what rpc_server_notify
 * sends, also when it sends no more itself, until it is closed.
 */
void rpc_call_reply_and_follow(struct rpc_call *call, struct json_object *result);

/* Whether rpc_server_notify has anybody to send to. */
bool rpc_server_followed(const struct rpc_server *server);

/* Sends a notification to all connections that follow; takes params. No handler is called. */
void rpc_server_notify(struct rpc_server *server, const char *method, struct json_object *params);

/* When the caller stops waiting (clock_us): arrival + its timeout, at most 4.2 s, or its deadline.
 */
int64_t rpc_call_deadline(const struct rpc_call *call);

/*
 * True once nobody wants the answer: its caller has said so with the method `cancel`, or the other
 * end of the connection is closed, as the kernel knows it now. A peer that only shut down its
 * sending side, or that is stopped or stuck, has not gone. The call must be answered all the same.
 */
bool rpc_call_abandoned(const struct rpc_call *call);

/*
 * The text of a parameter that is a string or a number, or NULL when it is missing or of another
 * type. Valid as long as params. Numbers are as they were written, but for integers beyond 64
 * bits, which become the nearest that fits.
 */
const char *rpc_param_text(struct json_object *params, const char *name);

/* Counters for `status`: {"clients":…, "pending":…, "requests":…, "errors":…}. Caller owns. */
struct json_object *rpc_server_counters(const struct rpc_server *server);

#endif
