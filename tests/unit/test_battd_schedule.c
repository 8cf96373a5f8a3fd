/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "battd/schedule.h"

#define S     INT64_C(1000000)
#define MS    INT64_C(1000)
#define START (70 * S)

static struct poll_schedule started(int64_t interval_us, int64_t response_us)
{
    struct poll_schedule schedule = {.interval_us = interval_us, .response_us = response_us};

    poll_schedule_start(&schedule, START);
    return schedule;
}

static void polls_at_once_when_opened(void **state)
{
    struct poll_schedule schedule = started(S, S);

    (void)state;
    assert_int_equal(schedule.due_us, START);
}

/* The time that polls take, or that the thread comes late, never adds up. */
static void keeps_to_its_grid(void **state)
{
    struct poll_schedule schedule = started(S, S);

    (void)state;
    for (int i = 1; i <= 1000; i++) {
        poll_schedule_ended(&schedule, OUTCOME_OK, schedule.due_us + (i * 37 % 900) * MS);
        assert_int_equal(schedule.due_us, START + i * S);
    }
}

static void missed_points_are_left_out(void **state)
{
    struct poll_schedule schedule = started(S, S);

    (void)state;
    poll_schedule_ended(&schedule, OUTCOME_OK, START + 10 * S + 400 * MS);
    assert_int_equal(schedule.due_us, START + 11 * S);
    poll_schedule_ended(&schedule, OUTCOME_OK, START + 12 * S);
    assert_int_equal(schedule.due_us, START + 13 * S);
}

static void silence_is_followed_by_a_response_time(void **state)
{
    struct poll_schedule schedule = started(S, S + 20 * MS);

    (void)state;
    poll_schedule_ended(&schedule, OUTCOME_TIMEOUT, START + S + 20 * MS);
    assert_int_equal(schedule.due_us, START + 2 * S + 40 * MS);
    /* The grid stays where it was. */
    poll_schedule_ended(&schedule, OUTCOME_OK, START + 2 * S + 70 * MS);
    assert_int_equal(schedule.due_us, START + 3 * S);
}

static void a_long_interval_covers_the_response_time(void **state)
{
    struct poll_schedule schedule = started(10 * S, S);

    (void)state;
    poll_schedule_ended(&schedule, OUTCOME_TIMEOUT, START + S);
    assert_int_equal(schedule.due_us, START + 10 * S);
}

static void a_broken_frame_is_let_out(void **state)
{
    static const enum outcome broken[] = {OUTCOME_CHECKSUM, OUTCOME_FOREIGN, OUTCOME_MALFORMED};

    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct poll_schedule schedule = started(50 * MS, S);

        poll_schedule_ended(&schedule, broken[i], START + 30 * MS);
        assert_int_equal(schedule.due_us, START + 130 * MS);
    }
}

static void other_answers_delay_nothing(void **state)
{
    static const enum outcome whole[] = {OUTCOME_OK, OUTCOME_EXCEPTION, OUTCOME_BAD_VALUE};

    (void)state;
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        struct poll_schedule schedule = started(50 * MS, S);

        poll_schedule_ended(&schedule, whole[i], START + 30 * MS);
        assert_int_equal(schedule.due_us, START + 50 * MS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polls_at_once_when_opened),
        cmocka_unit_test(keeps_to_its_grid),
        cmocka_unit_test(missed_points_are_left_out),
        cmocka_unit_test(silence_is_followed_by_a_response_time),
        cmocka_unit_test(a_long_interval_covers_the_response_time),
        cmocka_unit_test(a_broken_frame_is_let_out),
        cmocka_unit_test(other_answers_delay_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
