/* SPDX-License-Identifier: Apache-2.0 */
/* JSON-RPC messages in both directions, and a table of broken ones. */
#include "common/jsonrpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

/* A request whose members after the version are given. */
#define V2(members) "{\"jsonrpc\":\"2.0\"," members "}"

/* The line in memory of exactly its size, so that the sanitizer sees a read past its end. */
static char *exact(const char *text, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);

    assert_non_null(copy);
    memcpy(copy, text, length);
    return copy;
}

static bool parse(const char *text, size_t length, struct jsonrpc_request *request,
                  struct failure *failure)
{
    char *line = exact(text, length);
    bool good = jsonrpc_parse_request(line, length, request, failure);

    free(line);
    return good;
}

static void test_request(void **state)
{
    static const char line[] =
        V2("\"id\":7,\"method\":\"remote_set\",\"params\":{\"dvg\":\"350.0\"},\"timeout\":1500,"
           "\"deadline\":6789012345");
    struct jsonrpc_request request;
    struct failure failure;

    (void)state;
    assert_true(parse(line, strlen(line), &request, &failure));
    assert_int_equal(json_object_get_int(request.id), 7);
    assert_string_equal(request.method, "remote_set");
    assert_int_equal(request.timeout_ms, 1500);
    assert_int_equal(request.deadline_us, 6789012345);
    assert_string_equal(json_object_get_string(json_object_object_get(request.params, "dvg")),
                        "350.0");
    jsonrpc_request_release(&request);
}

static void test_request_forms(void **state)
{
    static const struct {
        const char *line;
        const char *id;
        int timeout_ms;
    } rows[] = {
        {V2("\"id\":0,\"method\":\"ping\""), "0", JSONRPC_TIMEOUT_MAX_MS},
        {V2("\"id\":-3,\"method\":\"ping\""), "-3", JSONRPC_TIMEOUT_MAX_MS},
        {V2("\"id\":1.5,\"method\":\"ping\""), "1.5", JSONRPC_TIMEOUT_MAX_MS},
        {V2("\"id\":\"a b\",\"method\":\"ping\""), "\"a b\"", JSONRPC_TIMEOUT_MAX_MS},
        {V2("\"method\":\"ping\",\"id\":\"\",\"other\":[1]"), "\"\"", JSONRPC_TIMEOUT_MAX_MS},
        {V2("\"id\":1,\"method\":\"ping\",\"params\":{}") " \t\r", "1", JSONRPC_TIMEOUT_MAX_MS},
        {" " V2("\"id\":1,\"method\":\"ping\",\"timeout\":1"), "1", 1},
        {V2("\"id\":1,\"method\":\"ping\",\"timeout\":4200"), "1", 4200},
        {V2("\"id\":1,\"method\":\"ping\",\"timeout\":4201"), "1", 4200},
        {V2("\"id\":1,\"method\":\"ping\",\"timeout\":9999999999999999999"), "1", 4200},
        {V2("\"id\":\"\xc2\xb0\",\"method\":\"ping\"") " ", "\"\xc2\xb0\"", JSONRPC_TIMEOUT_MAX_MS},
        {V2("\"id\":9223372036854775807,\"method\":\"ping\""), "9223372036854775807",
         JSONRPC_TIMEOUT_MAX_MS},
        {V2("\"id\":-999999999999999999,\"method\":\"ping\""), "-999999999999999999",
         JSONRPC_TIMEOUT_MAX_MS},
        {V2("\"id\":12345678901234567890.5,\"method\":\"ping\""), "12345678901234567890.5",
         JSONRPC_TIMEOUT_MAX_MS},
    };
    struct jsonrpc_request request;
    struct failure failure;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_true(parse(rows[i].line, strlen(rows[i].line), &request, &failure));
        assert_string_equal(json_object_to_json_string_ext(request.id, JSON_C_TO_STRING_PLAIN),
                            rows[i].id);
        assert_string_equal(request.method, "ping");
        assert_int_equal(request.timeout_ms, rows[i].timeout_ms);
        jsonrpc_request_release(&request);
    }
}

/* id: what can be answered to, NULL when the line has none. */
static const struct broken {
    const char *line;
    enum reason reason;
    const char *id;
} broken[] = {
    {"", REASON_PARSE, NULL},
    {"   ", REASON_PARSE, NULL},
    {"hello", REASON_PARSE, NULL},
    {"{", REASON_PARSE, NULL},
    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"", REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"ping\"") "x", REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"ping\"") "{}", REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"ping\","), REASON_PARSE, NULL},
    {V2("\"id\":01,\"method\":\"ping\""), REASON_PARSE, NULL},
    {V2("\"id\":00.1,\"method\":\"ping\""), REASON_PARSE, NULL},
    {V2("\"id\":-01,\"method\":\"ping\""), REASON_PARSE, NULL},
    {V2("\"id\":01e1,\"method\":\"ping\""), REASON_PARSE, NULL},
    {V2("\"id\":-.5,\"method\":\"ping\""), REASON_PARSE, NULL},
    {V2("\"id\":99999999999999999999,\"method\":\"ping\""), REASON_PARSE, NULL},
    {V2("\"id\":-9999999999999999999,\"method\":\"ping\""), REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"ping\",\"x\":\"\xc2\xb0\","), REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"ping\",\"x\":\"\xc2\xb0\"") "x", REASON_PARSE, NULL},
    {V2("\"id\":\"\xc2\xb0\""), REASON_INVALID_REQUEST, "\"\xc2\xb0\""},
    {V2("\"id\":1e01"), REASON_INVALID_REQUEST, "1e01"},
    {V2("\"id\":0.0,\"x\":[0,10,100,-0,1e-01]"), REASON_INVALID_REQUEST, "0.0"},
    {V2("\"id\":1,'method':\"ping\""), REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"ping\",\"params\":{\"a\":NaN}"), REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"ping\",\"params\":{\"a\":-Infinity}"), REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"ping\",\"params\":{\"a\":1.}"), REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"ping\",\"params\":{\"a\":TRUE}"), REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"pi\tng\""), REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"ping\\u0000x\""), REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"\xff\""), REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"\xc0\xaf\""), REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"\xed\xa0\x80\""), REASON_PARSE, NULL},
    {V2("\"id\":1,\"method\":\"a\\\xff\""), REASON_PARSE, NULL},
    {V2("\"id\":1,/*c*/\"method\":\"ping\""), REASON_PARSE, NULL},
    {"[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]", REASON_PARSE, NULL},
    {"1 ", REASON_INVALID_REQUEST, NULL},
    {"\"ping\"", REASON_INVALID_REQUEST, NULL},
    {"null", REASON_INVALID_REQUEST, NULL},
    {"1", REASON_INVALID_REQUEST, NULL},
    {"-12.5", REASON_INVALID_REQUEST, NULL},
    {"[]", REASON_INVALID_REQUEST, NULL},
    {"[" V2("\"id\":1,\"method\":\"ping\"") "]", REASON_INVALID_REQUEST, NULL},
    {"{}", REASON_INVALID_REQUEST, NULL},
    {"{\"id\":1,\"method\":\"ping\"}", REASON_INVALID_REQUEST, "1"},
    {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"ping\"}", REASON_INVALID_REQUEST, "1"},
    {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", REASON_INVALID_REQUEST, "1"},
    {V2("\"method\":\"ping\""), REASON_INVALID_REQUEST, NULL},
    {V2("\"id\":null,\"method\":\"ping\""), REASON_INVALID_REQUEST, NULL},
    {V2("\"id\":true,\"method\":\"ping\""), REASON_INVALID_REQUEST, NULL},
    {V2("\"id\":[1],\"method\":\"ping\""), REASON_INVALID_REQUEST, NULL},
    {V2("\"id\":\"x\""), REASON_INVALID_REQUEST, "\"x\""},
    {V2("\"id\":1,\"method\":5"), REASON_INVALID_REQUEST, "1"},
    {V2("\"id\":1,\"method\":\"ping\",\"params\":[]"), REASON_INVALID_REQUEST, "1"},
    {V2("\"id\":1,\"method\":\"ping\",\"params\":null"), REASON_INVALID_REQUEST, "1"},
    {V2("\"id\":1,\"method\":\"ping\",\"timeout\":0"), REASON_INVALID_REQUEST, "1"},
    {V2("\"id\":1,\"method\":\"ping\",\"timeout\":-5"), REASON_INVALID_REQUEST, "1"},
    {V2("\"id\":1,\"method\":\"ping\",\"timeout\":1.5"), REASON_INVALID_REQUEST, "1"},
    {V2("\"id\":1,\"method\":\"ping\",\"timeout\":\"9\""), REASON_INVALID_REQUEST, "1"},
    {V2("\"id\":1,\"method\":\"ping\",\"deadline\":0"), REASON_INVALID_REQUEST, "1"},
    {V2("\"id\":1,\"method\":\"ping\",\"deadline\":1.5"), REASON_INVALID_REQUEST, "1"},
};

static void test_broken_requests(void **state)
{
    struct jsonrpc_request request;
    struct failure failure;

    (void)state;
    for (size_t i = 0; i < COUNT(broken); i++) {
        if (parse(broken[i].line, strlen(broken[i].line), &request, &failure))
            fail_msg("accepted: %s", broken[i].line);
        if (failure.reason != broken[i].reason || (request.id == NULL) != (broken[i].id == NULL))
            fail_msg("%s: %s", broken[i].line, failure.text);
        assert_int_not_equal(failure.text[0], '\0');
        if (request.id != NULL)
            assert_string_equal(json_object_to_json_string_ext(request.id, JSON_C_TO_STRING_PLAIN),
                                broken[i].id);
        jsonrpc_request_release(&request);
    }
}

static void test_a_nul_inside_is_broken(void **state)
{
    static const char line[] = V2("\"id\":1,\"method\":\"ping\"") "\0";
    struct jsonrpc_request request;
    struct failure failure;

    (void)state;
    assert_false(parse(line, sizeof line - 1, &request, &failure));
    assert_int_equal(failure.reason, REASON_PARSE);
    jsonrpc_request_release(&request);
}

/* Every beginning of a good line is an error, and none reads past its end. */
static void test_cut_requests(void **state)
{
    static const char line[] =
        V2("\"id\":12,\"method\":\"a\\\"\\u00e9\",\"params\":{\"x\":[1.5e3,true,null,\"\\\\\"]}");
    struct jsonrpc_request request;
    struct failure failure;

    (void)state;
    for (size_t length = 0; length < strlen(line); length++) {
        assert_false(parse(line, length, &request, &failure));
        assert_int_equal(failure.reason, REASON_PARSE);
        jsonrpc_request_release(&request);
    }
    assert_true(parse(line, strlen(line), &request, &failure));
    jsonrpc_request_release(&request);
}

static void expect_text(struct json_object *message, const char *expected)
{
    size_t length;
    const char *text = jsonrpc_text(message, &length);

    assert_string_equal(text, expected);
    assert_int_equal(length, strlen(expected));
    json_object_put(message);
}

static void test_messages(void **state)
{
    struct json_object *id = json_object_new_string("a/b");
    struct json_object *params = json_object_new_object();
    struct failure failure;

    (void)state;
    failure_set(&failure, REASON_READ_TIMEOUT, "read timeout");
    expect_text(jsonrpc_result(id, json_object_new_int(5)),
                "{\"jsonrpc\":\"2.0\",\"id\":\"a/b\",\"result\":5}");
    expect_text(jsonrpc_error(NULL, &failure),
                "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32001,"
                "\"message\":\"read timeout\",\"data\":{\"reason\":\"read_timeout\"}}}");
    expect_text(jsonrpc_refusal(id, &failure),
                "{\"jsonrpc\":\"2.0\",\"id\":\"a/b\",\"error\":{\"code\":-32001,"
                "\"message\":\"read timeout\",\"data\":{\"reason\":\"read_timeout\","
                "\"begun\":false}}}");
    json_object_object_add(params, "dig", json_object_new_string("2.3\n"));
    expect_text(jsonrpc_request(3, "remote_set_current", params, 900),
                "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"remote_set_current\","
                "\"params\":{\"dig\":\"2.3\\n\"},\"deadline\":900}");
    expect_text(jsonrpc_request(4, "ping", NULL, INT64_MAX),
                "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"ping\"}");
    json_object_put(id);
}

static bool parse_response(const char *text, struct jsonrpc_response *response,
                           struct failure *failure)
{
    char *line = exact(text, strlen(text));
    bool good = jsonrpc_parse_response(line, strlen(text), response, failure);

    free(line);
    return good;
}

static void test_responses(void **state)
{
    struct jsonrpc_response response;
    struct failure failure;

    (void)state;
    assert_true(parse_response(V2("\"id\":9,\"result\":{\"rsoc\":50.1}"), &response, &failure));
    assert_int_equal(response.id, 9);
    assert_non_null(json_object_object_get(response.result, "rsoc"));
    jsonrpc_response_release(&response);

    assert_true(parse_response(
        V2("\"id\":null,\"error\":{\"code\":-32007,\"message\":\"modbus io exception\"}"),
        &response, &failure));
    assert_int_equal(response.id, -1);
    assert_null(response.result);
    assert_int_equal(response.failure.reason, REASON_BATTERY);
    assert_string_equal(response.failure.text, "modbus io exception");
    assert_false(response.refused);
    jsonrpc_response_release(&response);
}

/* What one side writes the other side reads, for every reason. */
static void test_every_reason_travels(void **state)
{
    struct jsonrpc_response response;
    struct json_object *id = json_object_new_int(1);
    struct failure failure, unused;

    (void)state;
    for (int i = 0; i < 2 * REASON_COUNT; i++) {
        bool refusal = i >= REASON_COUNT;
        struct json_object *message;
        const char *text;
        size_t length;

        failure_set(&failure, (enum reason)(i % REASON_COUNT), "why \"%d\" \xc2\xb0", i);
        message = refusal ? jsonrpc_refusal(id, &failure) : jsonrpc_error(id, &failure);
        text = jsonrpc_text(message, &length);
        assert_true(jsonrpc_parse_response(text, length, &response, &unused));
        assert_int_equal(response.id, 1);
        assert_int_equal(response.failure.reason, failure.reason);
        assert_string_equal(response.failure.text, failure.text);
        assert_int_equal(response.refused, refusal);
        jsonrpc_response_release(&response);
        json_object_put(message);
    }
    json_object_put(id);
}

static void test_broken_responses(void **state)
{
    static const char *const lines[] = {
        "",
        "[]",
        "{}",
        "{\"id\":1,\"result\":1}",
        V2("\"id\":1"),
        V2("\"id\":1,\"result\":null"),
        V2("\"id\":1,\"error\":\"x\""),
        V2("\"id\":1,\"error\":{\"code\":\"1\",\"message\":\"x\"}"),
        V2("\"id\":1,\"error\":{\"code\":1}"),
        V2("\"id\":1,\"error\":{\"code\":1,\"message\":2}"),
    };
    struct jsonrpc_response response;
    struct failure failure;

    (void)state;
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_false(parse_response(lines[i], &response, &failure));
        assert_int_not_equal(failure.text[0], '\0');
        jsonrpc_response_release(&response);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),          cmocka_unit_test(test_request_forms),
        cmocka_unit_test(test_broken_requests),  cmocka_unit_test(test_a_nul_inside_is_broken),
        cmocka_unit_test(test_cut_requests),     cmocka_unit_test(test_messages),
        cmocka_unit_test(test_responses),        cmocka_unit_test(test_every_reason_travels),
        cmocka_unit_test(test_broken_responses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
