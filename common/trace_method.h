/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RPC method `trace`, as far as it is the same in every daemon: its parameters, its answer,
 * and the notifications that follow the answer. Used by the daemons' methods.
 */
#ifndef COMMON_TRACE_METHOD_H
#define COMMON_TRACE_METHOD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/rpc_server.h"
#include "common/trace.h"

enum { TRACE_METHOD_PARAMS = 2 };

extern const struct rpc_param trace_method_params[TRACE_METHOD_PARAMS];
extern const char trace_method_help[];

struct trace_request {
    bool follow;  /* send what comes, too; default no */
    size_t count; /* how many of the newest frames, 0..TRACE_FRAMES; default all */
};

/* False after having answered call, whose parameters were bad. */
bool trace_method_parse(struct rpc_call *call, struct json_object *params,
                        struct trace_request *request);

/*
 * Answers call: {"time":…, "recorded":…, "frames":[…]}. recorded: frames ever; takes frames. With
 * request->follow the connection gets each later frame (trace_method_notify) too.
 */
void trace_method_answer(struct rpc_call *call, const struct trace_request *request,
                         uint64_t recorded, struct json_object *frames, int64_t now_us);

/* Sends a frame to those who follow; costs nothing when nobody does. */
void trace_method_notify(struct rpc_server *server, const struct trace_frame *frame,
                         int64_t now_us);

#endif
