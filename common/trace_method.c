/* SPDX-License-Identifier: Apache-2.0 */
#include "common/trace_method.h"

#include <stdlib.h>

const struct rpc_param trace_method_params[TRACE_METHOD_PARAMS] = {
    {"follow", false,
     "true: each later frame is sent as a notification, until the connection ends"},
    {"count", false, "how many of the newest frames, 0..512; all when left out"},
};
const char trace_method_help[] =
    "the last 512 frames on the line: time in s, dir (> sent, < received), hex, verdict";

/* False when follow is there and neither true nor false. */
static bool parse_follow(struct json_object *params, bool *follow)
{
    struct json_object *value;

    *follow = false;
    if (!json_object_object_get_ex(params, "follow", &value) || value == NULL)
        return true;
    *follow = json_object_get_boolean(value);
    return json_object_is_type(value, json_type_boolean);
}

static bool parse_count(struct json_object *params, size_t *count)
{
    const char *text = rpc_param_text(params, "count");
    char *end;
    long number;

    *count = TRACE_FRAMES;
    if (text == NULL)
        return json_object_object_get(params, "count") == NULL;
    number = strtol(text, &end, 10);
    *count = (size_t)number;
    return end != text && *end == '\0' && number >= 0 && number <= TRACE_FRAMES;
}

bool trace_method_parse(struct rpc_call *call, struct json_object *params,
                        struct trace_request *request)
{
    if (!parse_follow(params, &request->follow)) {
        rpc_call_fail_with(call, REASON_INVALID_PARAMS, "follow: not true or false");
        return false;
    }
    if (!parse_count(params, &request->count)) {
        rpc_call_fail_with(call, REASON_INVALID_PARAMS, "count: not a whole number from 0 to %d",
                           (int)TRACE_FRAMES);
        return false;
    }
    return true;
}

void trace_method_answer(struct rpc_call *call, const struct trace_request *request,
                         uint64_t recorded, struct json_object *frames, int64_t now_us)
{
    struct json_object *result = json_object_new_object();

    json_object_object_add(result, "time", trace_seconds(now_us));
    json_object_object_add(result, "recorded", json_object_new_uint64(recorded));
    json_object_object_add(result, "frames", frames);
    if (request->follow)
        rpc_call_reply_and_follow(call, result);
    else
        rpc_call_reply(call, result);
}

void trace_method_notify(struct rpc_server *server, const struct trace_frame *frame, int64_t now_us)
{
    if (rpc_server_followed(server))
        rpc_server_notify(server, "trace", trace_frame_json(frame, now_us));
}
