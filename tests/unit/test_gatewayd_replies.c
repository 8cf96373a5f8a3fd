/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/replies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const keys[] = {"a", "b", "meter", NULL};

static struct json_object *compose(const char *first, const char *second, struct failure *failure)
{
    struct json_object *const results[] = {json_tokener_parse(first), json_tokener_parse(second)};
    struct json_object *body = reply_compose(keys, results, 2, failure);

    json_object_put(results[0]);
    json_object_put(results[1]);
    return body;
}

/* Numbers must reach the client in the digits that the daemon wrote. */
static void merges_in_the_order_of_the_keys(void **state)
{
    struct failure failure;
    struct json_object *body =
        compose("{\"z\":1,\"meter\":{\"ib\":52.08,\"tmp\":20,\"ig\":6.1e-05},\"a\":98.876953125}",
                "{\"a\":2,\"b\":0.10}", &failure);

    (void)state;
    assert_non_null(body);
    assert_string_equal(
        json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN),
        "{\"a\":98.876953125,\"b\":0.10,\"meter\":{\"ib\":52.08,\"tmp\":20,\"ig\":6.1e-05}}");
    json_object_put(body);
}

static void never_shows_a_hole(void **state)
{
    static const char *const seconds[] = {"{\"b\":null}", "{}", "[]", "7", "null"};

    (void)state;
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        struct failure failure;

        assert_null(compose("{\"a\":1,\"meter\":2}", seconds[i], &failure));
        assert_int_equal(failure.reason, REASON_INTERNAL);
        assert_string_equal(failure.text, "b is missing in the daemon's answer");
    }
}

static void errors_are_json(void **state)
{
    struct failure failure;
    struct json_object *body;

    (void)state;
    failure_set(&failure, REASON_READ_TIMEOUT, "\"read\" timeout\n");
    body = reply_error(&failure);
    assert_string_equal(json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN),
                        "{\"err\":\"\\\"read\\\" timeout?\"}");
    json_object_put(body);
}

static void statuses_are_as_documented(void **state)
{
    static const struct {
        enum reason reason;
        int status;
    } rows[] = {
        {REASON_INVALID_PARAMS, 400}, {REASON_READ_TIMEOUT, 400}, {REASON_CHECKSUM, 400},
        {REASON_BUSY, 400},           {REASON_NAK, 400},          {REASON_BAD_VALUE, 400},
        {REASON_BATTERY, 400},        {REASON_CONFIG, 400},       {REASON_UNAVAILABLE, 503},
        {REASON_STOPPING, 503},       {REASON_NO_PATH, 404},      {REASON_NO_HTTP_METHOD, 405},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct failure failure = {.reason = rows[i].reason};

        assert_int_equal(reply_status(&failure), rows[i].status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_in_the_order_of_the_keys),
        cmocka_unit_test(never_shows_a_hole),
        cmocka_unit_test(errors_are_json),
        cmocka_unit_test(statuses_are_as_documented),
    };

    return cmocka_run_group_tests_name("gatewayd_replies", tests, NULL, NULL);
}
