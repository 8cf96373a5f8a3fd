/* SPDX-License-Identifier: Apache-2.0 */
/* Audit lines: their text, and how a flood of them is summed up. */
#include "common/rpc_audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/audit_limit.h"
#include "common/clock.h"
#include "common/utf8.h"

static const int64_t period_us = 600 * (int64_t)US_PER_S;
static const struct rpc_caller caller = {.uid = 997, .pid = 421};
static struct audit_limit limit;

static int set_up(void **state)
{
    (void)state;
    limit = (struct audit_limit){.period_us = period_us};
    return 0;
}

static void the_text_says_who_what_and_how_it_ended(void **state)
{
    struct json_object *params = json_tokener_parse("{\"mode\":\"0x0000\",\"dig\":2.30}");
    struct failure failure;
    char text[RPC_AUDIT_SIZE];

    (void)state;
    rpc_audit_text(text, "remote_set", params, &caller, "192.0.2.7", 311000, NULL);
    assert_string_equal(text, "remote_set {\"mode\":\"0x0000\",\"dig\":2.30} from uid 997 pid 421 "
                              "for 192.0.2.7: ok in 0.311 s");
    failure_set(&failure, REASON_READ_TIMEOUT, "read timeout");
    rpc_audit_text(text, "remote_ioctl_set", NULL, &caller, NULL, 4400000, &failure);
    assert_string_equal(text,
                        "remote_ioctl_set from uid 997 pid 421: failed in 4.400 s: read timeout");
    json_object_put(params);
}

/* What a client sends cannot push out who it was, break the line, or make it no text. */
static void long_and_strange_parameters(void **state)
{
    struct json_object *params = json_object_new_object();
    char value[2000], text[RPC_AUDIT_SIZE];

    (void)state;
    for (size_t ahead = 0; ahead < 4; ahead++) {
        memset(value, 'a', ahead);
        for (size_t i = ahead; i + 3 < sizeof value; i += 3)
            memcpy(value + i, "\xe6\x9b\xb8", 4);
        json_object_object_add(params, "dig", json_object_new_string(value));
        rpc_audit_text(text, "remote_set", params, &caller, "2001:db8::1", 1, NULL);
        assert_non_null(strstr(text, " from uid 997 pid 421 for 2001:db8::1: ok in 0.000 s"));
        for (size_t i = 0, size; text[i] != '\0'; i += size) {
            size = utf8_length(text + i, strlen(text) - i);
            assert_true(size > 0);
        }
    }
    json_object_object_add(params, "dig", json_object_new_string("1\nok\x01"));
    rpc_audit_text(text, "remote_set", params, &caller, NULL, 1, NULL);
    assert_null(strpbrk(text, "\n\x01"));
    json_object_put(params);
}

static bool pass(const char *party, int kind, unsigned most, const char *outcome, int64_t now_us)
{
    return audit_limit_pass(&limit, party, kind, most, outcome, now_us);
}

static void repeats_are_summed_up(void **state)
{
    struct audit_limit_row row;

    (void)state;
    assert_true(pass("10.0.0.1", 1, 1, "refused: a", 0));
    assert_false(audit_limit_sum(&limit, period_us, &row));
    for (int i = 1; i <= 1000; i++)
        assert_false(pass("10.0.0.1", 1, 1, "refused: b", i));
    assert_true(pass("10.0.0.2", 1, 1, "refused: a", 5));
    assert_true(pass("10.0.0.1", 2, 1, "refused: a", 5));
    assert_false(audit_limit_sum(&limit, period_us - 1, &row));
    assert_true(audit_limit_sum(&limit, period_us, &row));
    assert_string_equal(row.party, "10.0.0.1");
    assert_int_equal(row.more, 1000);
    assert_int_equal(row.last_us - row.first_us, 1000);
    assert_string_equal(row.last, "refused: b");
    assert_false(audit_limit_sum(&limit, period_us, &row));
    assert_true(pass("10.0.0.1", 1, 1, "refused: c", period_us));
}

static void a_few_of_a_kind_may_pass(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        assert_true(pass("10.0.0.1", 1, 10, "", i));
    assert_false(pass("10.0.0.1", 1, 10, "", 10));
}

/* Slowly, each is written: nothing waits to be summed up. */
static void what_is_rare_is_written(void **state)
{
    struct audit_limit_row row;

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_true(pass("10.0.0.1", 1, 1, "", i * period_us));
    assert_false(audit_limit_sum(&limit, INT64_MAX, &row));
}

/* A flood from 100,000 addresses for a day: a bounded number of lines. */
static void many_addresses(void **state)
{
    struct audit_limit_row row;
    unsigned lines = 0;
    uint64_t more = 0, asked = 0;
    char peer[64];

    (void)state;
    for (int64_t now_us = 0; now_us < 86400 * (int64_t)US_PER_S; now_us += US_PER_S) {
        snprintf(peer, sizeof peer, "2001:db8::%x:%x", (unsigned)(asked >> 16) & 0xffff,
                 (unsigned)asked & 0xffff);
        lines += pass(peer, 1, 1, "", now_us);
        asked++;
        while (audit_limit_sum(&limit, now_us, &row)) {
            lines++;
            more += row.more;
        }
    }
    while (audit_limit_sum(&limit, INT64_MAX, &row)) {
        lines++;
        more += row.more;
    }
    assert_true(lines <= 144 * (AUDIT_LIMIT_ROWS + 2));
    assert_true(asked - more <= lines && asked > more);
}

static void the_end_sums_up_all(void **state)
{
    struct audit_limit_row row;

    (void)state;
    pass("10.0.0.1", 1, 1, "", 0);
    pass("10.0.0.1", 1, 1, "", 1);
    assert_true(audit_limit_sum(&limit, INT64_MAX, &row));
    assert_int_equal(row.more, 1);
    assert_false(audit_limit_sum(&limit, INT64_MAX, &row));
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_text_says_who_what_and_how_it_ended),
        TEST(long_and_strange_parameters),
        TEST(repeats_are_summed_up),
        TEST(a_few_of_a_kind_may_pass),
        TEST(what_is_rare_is_written),
        TEST(many_addresses),
        TEST(the_end_sums_up_all),
    };

    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
