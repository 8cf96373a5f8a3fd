/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of JSON-RPC, as requests and as responses: what is taken is JSON and within its bounds,
 * and what is answered to it can be read by our own client. Input: a line.
 */
#include "common/jsonrpc.h"
#include "common/reason.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/json_oracle.h"

/* Reads an answer back; takes message. failure: the one that it must report, or NULL. */
static void check_answer(struct json_object *message, struct json_object *id,
                         const struct failure *failure)
{
    struct jsonrpc_response response;
    struct failure error;
    size_t length;
    const char *line = jsonrpc_text(message, &length);

    CHECK(length == strlen(line) && strchr(line, '\n') == NULL && oracle_is_json(line));
    CHECK(jsonrpc_parse_response(line, length, &response, &error));
    CHECK(json_object_equal(json_object_object_get(response.root, "id"), id));
    if (failure == NULL)
        CHECK(response.result != NULL);
    else
        CHECK(response.result == NULL && response.failure.reason == failure->reason &&
              strcmp(response.failure.text, failure->text) == 0);
    jsonrpc_response_release(&response);
    json_object_put(message);
}

static void check_request(const char *line, size_t length)
{
    struct jsonrpc_request request;
    struct failure failure = {.text = ""};

    if (jsonrpc_parse_request(line, length, &request, &failure)) {
        CHECK(strlen(line) == length && oracle_is_json(line));
        CHECK(request.id != NULL && request.method != NULL);
        CHECK((size_t)json_object_get_string_len(json_object_object_get(request.root, "method")) ==
              strlen(request.method));
        CHECK(request.params == NULL || json_object_is_type(request.params, json_type_object));
        CHECK(request.timeout_ms >= 1 && request.timeout_ms <= JSONRPC_TIMEOUT_MAX_MS);
        check_answer(jsonrpc_result(request.id, request.params != NULL
                                                    ? json_object_get(request.params)
                                                    : json_object_new_string(request.method)),
                     request.id, NULL);
        failure_set(&failure, REASON_NO_METHOD, "unknown method: %s", request.method);
        check_answer(jsonrpc_refusal(request.id, &failure), request.id, &failure);
    } else {
        CHECK(failure.text[0] != '\0');
        CHECK(failure.reason == REASON_PARSE || failure.reason == REASON_INVALID_REQUEST);
        check_answer(jsonrpc_error(request.id, &failure), request.id, &failure);
    }
    jsonrpc_request_release(&request);
}

static void check_response(const char *line, size_t length)
{
    struct jsonrpc_response response;
    struct failure failure = {.text = ""};

    if (jsonrpc_parse_response(line, length, &response, &failure)) {
        CHECK(strlen(line) == length && oracle_is_json(line));
        CHECK(response.id >= -1);
        CHECK(response.result != NULL || response.failure.reason < REASON_COUNT);
        CHECK(response.result == NULL || !response.refused);
    } else {
        CHECK(failure.text[0] != '\0');
        CHECK(failure.reason == REASON_PARSE || failure.reason == REASON_INVALID_REQUEST);
    }
    jsonrpc_response_release(&response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct fuzz_input input = {data, size};
    char *line = fuzz_text(&input);

    check_request(line, size);
    check_response(line, size);
    free(line);
    return 0;
}
