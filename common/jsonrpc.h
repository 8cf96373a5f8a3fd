/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC 2.0 messages, one JSON value a line. Pure: text and json-c objects, no I/O.
 *
 * Narrower than the standard on purpose: params are named (an object), every request has an id
 * (so every request has an answer), no batches. Members beside the standard's: "timeout", the
 * milliseconds that the caller will wait, and "deadline", the same as a time (clock_us) for callers
 * on this machine: so that nothing is done after nobody waits any more; "client", for whom the
 * caller asks, for the log.
 */
#ifndef COMMON_JSONRPC_H
#define COMMON_JSONRPC_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/reason.h"

enum { JSONRPC_LINE_MAX = 64 * 1024, JSONRPC_TIMEOUT_MAX_MS = 4200 };

struct jsonrpc_request {
    struct json_object *id;     /* owned; NULL when the line had none that can be answered to */
    const char *method;         /* borrowed from root */
    struct json_object *params; /* borrowed from root; an object, or NULL when left out */
    int timeout_ms;             /* 1..JSONRPC_TIMEOUT_MAX_MS; the maximum when left out */
    int64_t deadline_us;        /* as "deadline" says, clock_us; INT64_MAX when left out */
    const char *client;         /* borrowed from root; an address, or NULL when left out */
    struct json_object *root;   /* owned */
};

struct jsonrpc_response {
    int64_t id;                 /* -1 when null or not one of ours */
    struct json_object *result; /* borrowed from root; NULL on failure */
    struct failure failure;     /* valid when result is NULL */
    bool refused;               /* a failure, and the peer says that it did not begin (begun) */
    struct json_object *root;   /* owned */
};

/*
 * Parses a request line (without its line end). On success returns true. On error returns false
 * with *failure filled and request->id set when the line had a usable id. Release in both cases.
 */
bool jsonrpc_parse_request(const char *line, size_t length, struct jsonrpc_request *request,
                           struct failure *failure);
void jsonrpc_request_release(struct jsonrpc_request *request);

/* The same for a response line. Release in both cases. */
bool jsonrpc_parse_response(const char *line, size_t length, struct jsonrpc_response *response,
                            struct failure *failure);
void jsonrpc_response_release(struct jsonrpc_response *response);

/* New messages. Takes result and params, borrows id (NULL prints as null). Caller puts. */
struct json_object *jsonrpc_result(struct json_object *id, struct json_object *result);
struct json_object *jsonrpc_error(struct json_object *id, const struct failure *failure);
/* An error that says that the request was not begun ("data": {"begun": false}): repeating is safe.
 */
struct json_object *jsonrpc_refusal(struct json_object *id, const struct failure *failure);
struct json_object *jsonrpc_request(int64_t id, const char *method, struct json_object *params,
                                    int64_t deadline_us);

/* Adds for whom a request is made: an IP address. NULL: nobody in particular. */
void jsonrpc_request_set_client(struct json_object *request, const char *client);

/* A message without an id, which asks for no answer. Takes params. */
struct json_object *jsonrpc_notification(const char *method, struct json_object *params);

/* The message as one line of plain JSON without a line end; lives as long as message. */
const char *jsonrpc_text(struct json_object *message, size_t *length);

#endif
