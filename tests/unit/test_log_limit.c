/* SPDX-License-Identifier: Apache-2.0 */
/* How much a module may write, over hours and days of simulated time. */
#include "common/log_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include <cmocka.h>

#include "common/clock.h"

static const int64_t hour_us = 3600 * (int64_t)US_PER_S, day_us = 24 * 3600 * (int64_t)US_PER_S;
static struct log_limit limit;

static int set_up(void **state)
{
    (void)state;
    memset(&limit, 0, sizeof limit);
    return 0;
}

static bool pass(const char *module, const char *text, int64_t now_us)
{
    return log_limit_pass(&limit, module, LOG_WARNING, text, now_us);
}

static unsigned write_burst(const char *module, int64_t now_us)
{
    unsigned lines = 0;

    while (pass(module, "x", now_us))
        lines++;
    return lines;
}

static void a_burst_is_written_the_rest_is_summed_up(void **state)
{
    struct log_limit_row row;

    (void)state;
    assert_int_equal(write_burst("port", 0), LOG_LIMIT_BURST);
    assert_false(log_limit_pass(&limit, "port", LOG_INFO, "is back", 5 * US_PER_S));
    assert_false(log_limit_sum(&limit, hour_us - 1, &row));
    assert_true(log_limit_sum(&limit, hour_us, &row));
    assert_string_equal(row.module, "port");
    assert_string_equal(row.last, "is back");
    assert_int_equal(row.priority, LOG_INFO);
    assert_int_equal(row.more, 2);
    assert_true(row.first_us == 0 && row.last_us == 5 * US_PER_S);
    assert_false(log_limit_sum(&limit, hour_us, &row));
    assert_false(log_limit_sum(&limit, INT64_MAX, &row));
}

/* The log never ends with a line that is not true any more: nothing overtakes the sum. */
static void nothing_is_written_before_the_sum(void **state)
{
    struct log_limit_row row;

    (void)state;
    write_burst("port", 0);
    assert_false(pass("port", "late", 5 * hour_us));
    assert_true(log_limit_sum(&limit, 5 * hour_us, &row));
    assert_int_equal(row.more, 2);
    assert_true(pass("port", "later", 5 * hour_us));
}

static void modules_do_not_count_for_each_other(void **state)
{
    (void)state;
    write_burst("port", 0);
    assert_int_equal(write_burst("guard", 1), LOG_LIMIT_BURST);
}

static void what_is_rare_is_always_written(void **state)
{
    (void)state;
    for (int i = 0; i < 10000; i++)
        assert_true(pass("port", "x", i * hour_us));
}

static void quiet_gives_the_burst_back(void **state)
{
    struct log_limit_row row;

    (void)state;
    write_burst("port", 0);
    assert_true(log_limit_sum(&limit, hour_us, &row));
    assert_int_equal(write_burst("port", day_us), LOG_LIMIT_BURST);
}

/* A cable that comes and goes each second, all day. */
static void a_day_of_it(void **state)
{
    struct log_limit_row row;
    unsigned lines = 0, told = 0, asked = 0;

    (void)state;
    for (int64_t now_us = 0; now_us < day_us; now_us += US_PER_S) {
        asked++;
        told += pass("port", now_us / US_PER_S % 2 ? "is back" : "hung up", now_us);
        while (log_limit_sum(&limit, now_us, &row)) {
            lines++;
            told += row.more;
        }
    }
    while (log_limit_sum(&limit, INT64_MAX, &row)) {
        lines++;
        told += row.more;
    }
    assert_int_equal(told, asked);
    assert_true(lines + LOG_LIMIT_BURST <= LOG_LIMIT_BURST + 24);
    assert_string_equal(row.last, "is back");
}

/* More modules than there is room for share the last row: bounded all the same. */
static void too_many_modules(void **state)
{
    static char names[2 * LOG_LIMIT_MODULES][16];
    unsigned written = 0;

    (void)state;
    for (int i = 0; i < 2 * LOG_LIMIT_MODULES; i++) {
        snprintf(names[i], sizeof names[i], "module%d", i);
        written += write_burst(names[i], 0);
    }
    assert_int_equal(written, LOG_LIMIT_MODULES * LOG_LIMIT_BURST);
}

#define TEST(function) cmocka_unit_test_setup(function, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_burst_is_written_the_rest_is_summed_up),
        TEST(nothing_is_written_before_the_sum),
        TEST(modules_do_not_count_for_each_other),
        TEST(what_is_rare_is_always_written),
        TEST(quiet_gives_the_burst_back),
        TEST(a_day_of_it),
        TEST(too_many_modules),
    };

    return cmocka_run_group_tests_name("log_limit", tests, NULL, NULL);
}
