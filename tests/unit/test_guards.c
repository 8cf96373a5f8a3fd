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
    guards_answer(guards, answer, "why", 0, seconds * US_PER_S);
}

/* A yes about a reading of this age; asked for and given at the same time. */
static void say_yes(struct guards *guards, int64_t age_us, int64_t now_us)
{
    guards_answer(guards, GUARDS_YES, "", age_us, now_us);
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
    assert_int_equal(guards_wake_us(&guards, true, 0x14), 2 * US_PER_S);
    assert_int_equal(run(&guards, 0x14, 1), 0);
    assert_int_equal(run(&guards, 0x14, 2), GUARDS_ASK);
    assert_int_equal(guards_wake_us(&guards, true, 0x14), 9 * US_PER_S);
    answer(&guards, GUARDS_UNREACHABLE, 3);
    assert_null(guards_denial(&guards, 3 * US_PER_S));
    assert_int_equal(guards_wake_us(&guards, true, 0x14), 3 * US_PER_S + 500 * US_PER_MS);
    assert_int_equal(run(&guards, 0x14, 7), GUARDS_ASK);
    answer(&guards, GUARDS_UNREACHABLE, 8);
    assert_int_equal(run(&guards, 0x14, 8), 0);
    assert_int_equal(run(&guards, 0x14, 9), GUARDS_ASK | GUARDS_STOP);
    assert_string_equal(guards_denial(&guards, 9 * US_PER_S), "why");
}

/* It is the battery that permits: what its owner knows may be old already. */
static void a_yes_holds_from_the_measurement_on(void **state)
{
    struct guards guards;

    (void)state;
    guards_init(&guards, &battery_config, 20 * US_PER_S);
    run(&guards, 0x14, 20);
    say_yes(&guards, 6 * US_PER_S, 20 * US_PER_S);
    assert_null(guards_denial(&guards, 20 * US_PER_S));
    assert_int_equal(run(&guards, 0x14, 22), GUARDS_ASK);
    assert_int_equal(guards_wake_us(&guards, true, 0x14), 23 * US_PER_S);
    assert_int_equal(run(&guards, 0x14, 23), GUARDS_STOP);
    say_yes(&guards, 9 * US_PER_S, 23 * US_PER_S);
    assert_int_equal(run(&guards, 0x00, 28) & GUARDS_STOP, GUARDS_STOP);
    assert_string_equal(guards_denial(&guards, 28 * US_PER_S),
                        "the battery's last reading is too old");
    say_yes(&guards, 5 * US_PER_S, 28 * US_PER_S);
    assert_null(guards_denial(&guards, 28 * US_PER_S));
}

/* Measured as seldom as the configuration may say, asked at every moment of that. */
static void a_healthy_battery_is_never_stopped(void **state)
{
    enum { PERIOD_US = 5 * US_PER_S, POLL_US = US_PER_S, STEP_US = 100 * US_PER_MS };

    (void)state;
    for (int64_t shift_us = 0; shift_us < PERIOD_US; shift_us += STEP_US) {
        struct guards guards;

        guards_init(&guards, &battery_config, 0);
        for (int64_t now_us = 0; now_us < 100 * US_PER_S; now_us += STEP_US) {
            /* The last measurement that has ended by now. */
            int64_t age_us = POLL_US + (now_us + shift_us) % PERIOD_US;
            unsigned actions = guards_run(&guards, true, 0x14, now_us);

            assert_int_equal(actions & GUARDS_STOP, 0);
            if (actions & GUARDS_ASK)
                say_yes(&guards, age_us, now_us);
        }
    }
}

static void a_shorter_interval_stops_nothing_that_is_permitted(void **state)
{
    static const struct config shorter = {
        .dcdc = {.battery_check_interval_us = 1 * US_PER_S},
        .battery = {.force_dcdc_waiting = true},
    };
    struct guards guards;
    int64_t now_us = 4 * US_PER_S;

    (void)state;
    guards_init(&guards, &battery_config, 0);
    run(&guards, 0x14, 0);
    answer(&guards, GUARDS_YES, 0);
    run(&guards, 0x14, 3);
    answer(&guards, GUARDS_YES, 3);
    guards_configure(&guards, &shorter, now_us);
    assert_int_equal(guards_wake_us(&guards, true, 0x14), now_us);
    assert_int_equal(guards_run(&guards, true, 0x14, now_us), GUARDS_ASK);
    assert_null(guards_denial(&guards, now_us));
    /* So long may the answer take. */
    assert_int_equal(guards_wake_us(&guards, true, 0x14), now_us + 200 * US_PER_MS);
    guards_configure(&guards, &shorter, now_us + 100 * US_PER_MS);
    assert_int_equal(guards_run(&guards, true, 0x14, now_us + 200 * US_PER_MS), GUARDS_STOP);
    say_yes(&guards, 0, now_us + 200 * US_PER_MS);
    assert_null(guards_denial(&guards, now_us + 200 * US_PER_MS));
}

static void a_longer_interval_lengthens_no_yes(void **state)
{
    static const struct config longer = {
        .dcdc = {.battery_check_interval_us = 60 * US_PER_S},
        .battery = {.force_dcdc_waiting = true},
    };
    struct guards guards;

    (void)state;
    guards_init(&guards, &battery_config, 0);
    run(&guards, 0x14, 0);
    answer(&guards, GUARDS_YES, 0);
    guards_configure(&guards, &longer, 1 * US_PER_S);
    assert_int_equal(run(&guards, 0x14, 1), GUARDS_ASK);
    assert_int_equal(run(&guards, 0x14, 9), GUARDS_STOP);
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
    assert_int_equal(run(&guards, MODE_GRID_AUTONOMY, 30), GUARDS_STOP);
}

/* A line that is lost for a moment makes the mode unknown; the neighbours hang on it no less. */
static void the_voltage_reference_is_held_while_the_mode_is_unknown(void **state)
{
    struct guards guards;

    (void)state;
    guards_init(&guards, &supervisor_config, 0);
    assert_int_equal(guards_run(&guards, false, MODE_GRID_AUTONOMY, 29 * US_PER_S), 0);
    assert_int_equal(guards_wake_us(&guards, false, MODE_GRID_AUTONOMY), 30 * US_PER_S);
    assert_int_equal(guards_run(&guards, false, MODE_GRID_AUTONOMY, 30 * US_PER_S), GUARDS_STOP);
    guards_init(&guards, &supervisor_config, 0);
    assert_int_equal(guards_run(&guards, false, 0, 20 * US_PER_S), GUARDS_STOP); /* never known */
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

static void each_guard_tells_its_last_run(void **state)
{
    static const struct config both = {
        .dcdc = {.battery_check_interval_us = 10 * US_PER_S, .supervisor_timeout_us = US_PER_S},
        .battery = {.force_dcdc_waiting = true},
    };
    static const char *const names[GUARD_COUNT] = {"battery", "supervisor"};
    struct guards guards;

    (void)state;
    guards_init(&guards, &both, 0);
    run(&guards, 0, 5);
    guards.run_us[GUARD_BATTERY] = 2 * US_PER_S;
    for (int i = 0; i < GUARD_COUNT; i++) {
        struct json_object *status = guards_status(&guards, 7 * US_PER_S), *guard, *age;

        assert_true(json_object_object_get_ex(status, names[i], &guard));
        assert_true(json_object_object_get_ex(guard, "last_run_age", &age));
        assert_string_equal(json_object_get_string(age), i == GUARD_BATTERY ? "5.000" : "2.000");
        json_object_put(status);
    }
    /* One that stands is enough to be noticed. */
    assert_int_equal(guards_last_run_us(&guards), 2 * US_PER_S);
    assert_false(guards_alive(&guards, 7 * US_PER_S));
}

static void only_a_three_is_a_yes(void **state)
{
    static const struct {
        const char *result;
        enum reason reason; /* of the failure, when there is no result */
        enum guards_answer answer;
    } rows[] = {
        {"{\"rsoc\":50,\"battery_operation_status\":3,\"age\":0.25}", 0, GUARDS_YES},
        {"{\"battery_operation_status\":3,\"age\":0}", 0, GUARDS_YES},
        {"{\"battery_operation_status\":3}", 0, GUARDS_NO},
        {"{\"battery_operation_status\":3,\"age\":null}", 0, GUARDS_NO},
        {"{\"battery_operation_status\":3,\"age\":\"1\"}", 0, GUARDS_NO},
        {"{\"battery_operation_status\":3,\"age\":-0.001}", 0, GUARDS_NO},
        {"{\"battery_operation_status\":3,\"age\":1e300}", 0, GUARDS_NO},
        {"{\"battery_operation_status\":3,\"age\":NaN}", 0, GUARDS_NO},
        {"{\"battery_operation_status\":0,\"age\":0.25}", 0, GUARDS_NO},
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
        int64_t age_us;

        failure_set(&failure, rows[i].reason, "failed");
        assert_int_equal(guards_judge(result, &failure, &why, &age_us), rows[i].answer);
        assert_int_equal(age_us, i == 0 ? 250 * US_PER_MS : 0);
        assert_int_equal(why[0] == '\0', rows[i].answer == GUARDS_YES);
        json_object_put(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_done_when_no_guard_is_on),
        cmocka_unit_test(a_yes_holds_for_nine_tenths_of_the_interval),
        cmocka_unit_test(a_yes_holds_from_the_measurement_on),
        cmocka_unit_test(a_healthy_battery_is_never_stopped),
        cmocka_unit_test(a_shorter_interval_stops_nothing_that_is_permitted),
        cmocka_unit_test(a_longer_interval_lengthens_no_yes),
        cmocka_unit_test(a_no_stops_at_once_and_again_while_it_lasts),
        cmocka_unit_test(patience_at_the_start_is_short),
        cmocka_unit_test(the_supervisors_silence_stops),
        cmocka_unit_test(the_voltage_reference_is_held_longer),
        cmocka_unit_test(the_voltage_reference_is_held_while_the_mode_is_unknown),
        cmocka_unit_test(guards_that_do_not_run_are_noticed),
        cmocka_unit_test(each_guard_tells_its_last_run),
        cmocka_unit_test(only_a_three_is_a_yes),
    };

    return cmocka_run_group_tests_name("guards", tests, NULL, NULL);
}
