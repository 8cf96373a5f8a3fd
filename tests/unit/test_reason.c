/* SPDX-License-Identifier: Apache-2.0 */
/* The list of reasons and the texts of failures. */
#include "common/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_rows_are_complete_and_unique(void **state)
{
    (void)state;
    for (int i = 0; i < REASON_COUNT; i++) {
        const struct reason_info *info = reason_info((enum reason)i);

        assert_non_null(info->name);
        assert_true(info->rpc_code <= -32001 && info->rpc_code >= -32768);
        assert_true(info->http_status >= 400 && info->http_status < 600);
        assert_int_equal(reason_from_rpc_code(info->rpc_code), i);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(info->name, reason_info((enum reason)k)->name);
    }
}

static void test_standard_codes(void **state)
{
    static const struct {
        enum reason reason;
        int code;
    } rows[] = {
        {REASON_PARSE, -32700},     {REASON_INVALID_REQUEST, -32600},
        {REASON_NO_METHOD, -32601}, {REASON_INVALID_PARAMS, -32602},
        {REASON_INTERNAL, -32603},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(reason_info(rows[i].reason)->rpc_code, rows[i].code);
    assert_int_equal(reason_from_rpc_code(0), REASON_INTERNAL);
    assert_int_equal(reason_from_rpc_code(-1), REASON_INTERNAL);
}

static void test_http_status(void **state)
{
    static const struct {
        enum reason reason;
        int status;
    } rows[] = {
        {REASON_READ_TIMEOUT, 400},  {REASON_BUSY, 400},           {REASON_INVALID_PARAMS, 400},
        {REASON_NOT_PERMITTED, 400}, {REASON_CONFIG, 400},         {REASON_PORT, 400},
        {REASON_SUPERSEDED, 400},    {REASON_EXPIRED, 503},        {REASON_OVERLOAD, 503},
        {REASON_UNAVAILABLE, 503},   {REASON_STOPPING, 503},       {REASON_INTERNAL, 500},
        {REASON_NO_PATH, 404},       {REASON_NO_HTTP_METHOD, 405}, {REASON_FORBIDDEN, 403},
        {REASON_TARGET_SIZE, 414},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(reason_info(rows[i].reason)->http_status, rows[i].status);
}

static void test_text_is_clean(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain", "plain"},
        {"", ""},
        {"tab\tline\nbell\aend\x7f", "tab?line?bell?end?"},
        {"25 \xc2\xb0"
         "C",
         "25 \xc2\xb0"
         "C"},
        {"\xe6\x9b\xb8 \xf0\x9f\x98\x80", "\xe6\x9b\xb8 \xf0\x9f\x98\x80"},
        {"\x80 \xff \xc0\xaf", "? ? ??"},              /* stray and overlong bytes */
        {"\xed\xa0\x80 \xf4\x90\x80\x80", "??? ????"}, /* a surrogate, beyond U+10FFFF */
        {"\xc2\x85", "??"},                            /* U+0085, a control character */
        {"cut \xe6\x9b", "cut ??"},
    };
    struct failure failure;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        failure_set(&failure, REASON_CONFIG, "%s", rows[i].in);
        assert_int_equal(failure.reason, REASON_CONFIG);
        assert_string_equal(failure.text, rows[i].out);
    }
}

/* With each number of bytes before it, a long run of 3-byte characters is cut between two. */
static void test_text_is_cut_at_a_character(void **state)
{
    char text[3 * FAILURE_TEXT_SIZE];
    struct failure failure;

    (void)state;
    for (size_t ahead = 0; ahead < 6; ahead++) {
        memset(text, 'a', ahead);
        for (size_t i = ahead; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xe6\x9b\xb8", 4);
        failure_set(&failure, REASON_BUSY, "%s", text);
        assert_true(strlen(failure.text) < FAILURE_TEXT_SIZE);
        assert_true(strlen(failure.text) >= FAILURE_TEXT_SIZE - 3);
        assert_int_equal((strlen(failure.text) - ahead) % 3, 0);
        assert_memory_equal(failure.text, text, strlen(failure.text));
    }
}

static void test_text_may_be_its_own_argument(void **state)
{
    struct failure failure;

    (void)state;
    failure_set(&failure, REASON_BUSY, "timeout");
    failure_set(&failure, REASON_NAK, "stopped; %s", failure.text);
    assert_string_equal(failure.text, "stopped; timeout");
    assert_int_equal(failure.reason, REASON_NAK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_complete_and_unique),
        cmocka_unit_test(test_standard_codes),
        cmocka_unit_test(test_http_status),
        cmocka_unit_test(test_text_is_clean),
        cmocka_unit_test(test_text_is_cut_at_a_character),
        cmocka_unit_test(test_text_may_be_its_own_argument),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
