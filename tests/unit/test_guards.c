/* SPDX-License-Identifier: Apache-2.0 */
/* When the guards ask, deny and stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "common/clock.h"
#include "common/operation_mode.h"
#include "dcdcd/guards.h"

static const struct config battery_config = {
    .dcdc = {.battery_check_interval_us = 10 * US_PER_S},
    .battery = {.force_dcdc_waiting = true},
};

static const struct config supervisor_config = {
    .dcdc = {.battery_check_interval_us = 10 * US_PER_S,
             .supervisor_timeout_us = 20 * US_PER_S,
             .voltage_reference_delay_us = 10 * US_PER_S},
};

static unsigned run(struct guards *guards, uint16_t mode, int64_t seconds)
{
    return guards_run(guards, true, mode, seconds * US_PER_S);
}

static void answer(struct guards *guards, enum guards_answer answer, int64_t seconds)
{
    guards_answer(guards, answer, "why", seconds * US_PER_S);
}

static void nothing_is_done_when_no_guard_is_on(void **state)
{
    static const struct config off = {.dcdc = {.battery_check_interval_us = 10 * US_PER_S}};
    struct guards guards;

    (void)state;
    guards_init(&guards, &off, 0);
    assert_int_equal(run(&guards, MODE_GRID_AUTONOMY, 1000), 0);
    assert_null(guards_denial(&guards, 1000 * US_PER_S));
    assert_int_equal(guards_wake_us(&guards, true, MODE_GRID_AUTONOMY), INT64_MAX);
}

static void a_yes_holds_for_nine_tenths_of_the_interval(void **state)
{
    struct guards guards;

    (void)state;
    guards_init(&guards, &battery_config, 0);
    assert_non_null(guards_denial(&guards, 0));
    assert_int_equal(run(&guards, 0x14, 0), GUARDS_ASK);
    answer(&guards, GUARDS_YES, 1);
    assert_null(guards_denial(&guards, 1 * US_PER_S));
    assert_int_equal(guards_wake_us(&guards, true, 0x14), 5 * US_PER_S);
    assert_int_equal(run(&guards, 0x14, 4), 0);
    assert_int_equal(run(&guards, 0x14, 5), GUARDS_ASK);
    answer(&guards, GUARDS_UNREACHABLE, 6);
    assert_null(guards_denial(&guards, 6 * US_PER_S));
    assert_int_equal(guards_wake_us(&guards, true, 0x14), 6 * US_PER_S + 500 * US_PER_MS);
    assert_int_equal(run(&guards, 0x14, 7), GUARDS_ASK);
    assert_int_equal(guards_wake_us(&guards, true, 0x14), 9 * US_PER_S);
    assert_int_equal(run(&guards, 0x14, 9), GUARDS_STOP);
    assert_string_equal(guards_denial(&guards, 9 * US_PER_S), "why");
}

static void a_no_stops_at_once_and_again_while_it_lasts(void **state)
{
    struct guards guards;

    (void)state;
    guards_init(&guards, &battery_config, 0);
    run(&guards, 0x14, 0);
    answer(&guards, GUARDS_NO, 1);
    assert_string_equal(guards_denial(&guards, 1 * US_PER_S), "why");
    assert_int_equal(guards_wake_us(&guards, true, 0x14), 0);
    assert_int_equal(run(&guards, 0x14, 1), GUARDS_STOP);
    assert_int_equal(run(&guards, 0x00, 5), GUARDS_ASK);
    answer(&guards, GUARDS_UNREACHABLE, 5); /* does not undo the no */
    assert_int_equal(run(&guards, 0x00, 6), GUARDS_ASK | GUARDS_STOP);
    answer(&guards, GUARDS_YES, 6);
    assert_null(guards_denial(&guards, 6 * US_PER_S));
    assert_int_equal(run(&guards, 0x00, 7), 0);
}

static void patience_at_the_start_is_short(void **state)
{
    struct guards guards;

    (void)state;
    guards_init(&guards, &battery_config, 0);
    assert_int_equal(run(&guards, 0x14, 0), GUARDS_ASK);
    assert_int_equal(run(&guards, 0x14, 1), 0);
    answer(&guards, GUARDS_UNREACHABLE, 1);
    assert_int_equal(run(&guards, 0x14, 2) & GUARDS_STOP, GUARDS_STOP);
}

static void the_supervisors_silence_stops(void **state)
{
    struct guards guards;

    (void)state;
    guards_init(&guards, &supervisor_config, 0);
    guards_supervisor_seen(&guards, 5 * US_PER_S);
    assert_int_equal(run(&guards, 0x41, 24), 0);
    assert_int_equal(guards_wake_us(&guards, true, 0x41), 25 * US_PER_S);
    assert_int_equal(run(&guards, 0x41, 25), GUARDS_STOP);
    assert_int_equal(guards_wake_us(&guards, true, 0x41), 30 * US_PER_S);
    assert_int_equal(guards_wake_us(&guards, true, MODE_WAITING), INT64_MAX);
    assert_null(guards_denial(&guards, 25 * US_PER_S));
    guards_supervisor_seen(&guards, 31 * US_PER_S);
    assert_int_equal(run(&guards, 0x41, 31), 0);
}

static void the_voltage_reference_is_held_longer(void **state)
{
    struct guards guards;

    (void)state;
    guards_init(&guards, &supervisor_config, 0);
    assert_int_equal(run(&guards, MODE_GRID_AUTONOMY, 29), 0);
    assert_int_equal(guards_run(&guards, false, 0, 20 * US_PER_S), GUARDS_STOP);
    assert_int_equal(run(&guards, MODE_GRID_AUTONOMY, 29), 0);
    assert_int_equal(run(&guards, MODE_GRID_AUTONOMY, 30), GUARDS_STOP);
}

static void guards_that_do_not_run_are_noticed(void **state)
{
    struct guards guards;

    (void)state;
    guards_init(&guards, &battery_config, 0);
    assert_true(guards_alive(&guards, 4 * US_PER_S));
    assert_false(guards_alive(&guards, 5 * US_PER_S));
    run(&guards, 0, 5);
    assert_true(guards_alive(&guards, 6 * US_PER_S));
}

static void only_a_three_is_a_yes(void **state)
{
    static const struct {
        const char *result;
        enum reason reason; /* of the failure, when there is no result */
        enum guards_answer answer;
    } rows[] = {
        {"{\"rsoc\":50,\"battery_operation_status\":3}", 0, GUARDS_YES},
        {"{\"rsoc\":50,\"battery_operation_status\":0}", 0, GUARDS_NO},
        {"{\"battery_operation_status\":1}", 0, GUARDS_NO},
        {"{\"battery_operation_status\":2}", 0, GUARDS_NO},
        {"{\"battery_operation_status\":3.0}", 0, GUARDS_NO},
        {"{\"battery_operation_status\":\"3\"}", 0, GUARDS_NO},
        {"{\"battery_operation_status\":null}", 0, GUARDS_NO},
        {"{\"rsoc\":50}", 0, GUARDS_NO},
        {"[3]", 0, GUARDS_NO},
        {"3", 0, GUARDS_NO},
        {NULL, REASON_BATTERY, GUARDS_NO},
        {NULL, REASON_NO_BATTERY, GUARDS_NO},
        {NULL, REASON_INTERNAL, GUARDS_NO},
        {NULL, REASON_UNAVAILABLE, GUARDS_UNREACHABLE},
        {NULL, REASON_STOPPING, GUARDS_UNREACHABLE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_object *result =
            rows[i].result != NULL ? json_tokener_parse(rows[i].result) : NULL;
        struct failure failure;
        const char *why;

        failure_set(&failure, rows[i].reason, "failed");
        assert_int_equal(guards_judge(result, &failure, &why), rows[i].answer);
        assert_int_equal(why[0] == '\0', rows[i].answer == GUARDS_YES);
        json_object_put(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_done_when_no_guard_is_on),
        cmocka_unit_test(a_yes_holds_for_nine_tenths_of_the_interval),
        cmocka_unit_test(a_no_stops_at_once_and_again_while_it_lasts),
        cmocka_unit_test(patience_at_the_start_is_short),
        cmocka_unit_test(the_supervisors_silence_stops),
        cmocka_unit_test(the_voltage_reference_is_held_longer),
        cmocka_unit_test(guards_that_do_not_run_are_noticed),
        cmocka_unit_test(only_a_three_is_a_yes),
    };

    return cmocka_run_group_tests_name("guards", tests, NULL, NULL);
}
