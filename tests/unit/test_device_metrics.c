/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of the devices' answers, and for how long it is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "battd/battery_metrics.h"
#include "common/clock.h"
#include "common/operation_mode.h"
#include "dcdcd/answers.h"
#include "dcdcd/guards.h"
#include "tests/unit/metrics_fixture.h"

#define S       INT64_C(1000000)
#define MS      INT64_C(1000)
#define MAX_AGE (15 * S)
#define T0      (100 * S)

/* answers */

static struct answers answers;

static int forget(void **state)
{
    (void)state;
    answers = (struct answers){0};
    return 0;
}

static void ended(const char *name, enum eza_result result, uint16_t ercd, uint16_t raw,
                  int64_t now_us)
{
    struct eza_outcome outcome = {.result = result, .ercd = ercd, .values = {.raw = {raw}}};

    answers_ended(&answers, eza_command_find(name), &outcome, now_us);
}

static const struct eza_field *find(const char *row, const char *field, int64_t now_us,
                                    uint16_t *raw)
{
    return answers_find(&answers, row, field, MAX_AGE, now_us, raw);
}

static void each_command_has_room(void **state)
{
    (void)state;
    assert_true(eza_command_count <= ANSWERS_COMMANDS_MAX);
}

static void a_value_is_there_until_it_is_too_old(void **state)
{
    uint16_t raw;

    (void)state;
    assert_null(find("10-1", "vg", T0, &raw));
    ended("10-1", EZA_OK, 0, 1234, T0);
    assert_string_equal(find("10-1", "vg", T0 + MAX_AGE - 1, &raw)->name, "vg");
    assert_int_equal(raw, 1234);
    assert_null(find("10-1", "vg", T0 + MAX_AGE, &raw));
    assert_null(find("4-1", "dvg", T0, &raw));
    assert_int_equal(answers.success_us, T0);
}

static void failures_leave_the_value_and_its_age(void **state)
{
    static const struct {
        enum eza_result result;
        uint16_t ercd;
    } failures[] = {{EZA_TIMEOUT, 0},
                    {EZA_RETRYABLE, 0},
                    {EZA_RETRYABLE, 0xfffc},
                    {EZA_REFUSED, 0xfffe},
                    {EZA_LOST, 0}};
    uint16_t raw;

    (void)state;
    ended("10-1", EZA_OK, 0, 7, T0);
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        ended("10-1", failures[i].result, failures[i].ercd, 9, T0 + S);
    assert_non_null(find("10-1", "vg", T0 + MAX_AGE - 1, &raw));
    assert_int_equal(raw, 7);
    assert_null(find("10-1", "vg", T0 + MAX_AGE, &raw));
    assert_int_equal(answers.success_us, T0);
}

static void the_answer_to_a_write_counts(void **state)
{
    uint16_t raw;

    (void)state;
    ended("1-1", EZA_OK, 0, MODE_WAITING, T0);
    ended("1-4", EZA_OK, 0, MODE_HETERONOMY_CHARGE, T0 + S);
    assert_non_null(find("1-1", "mode", T0 + S, &raw));
    assert_int_equal(raw, MODE_HETERONOMY_CHARGE);
}

/* 9-1 and 9-4 share the command byte, 15-1 and 16-1 the fields: neither pair means the same. */
static void other_commands_do_not(void **state)
{
    uint16_t raw;

    (void)state;
    ended("9-1", EZA_OK, 0, 5, T0);
    ended("9-4", EZA_OK, 0, 1, T0);
    assert_non_null(find("9-1", "alm1", T0, &raw));
    assert_int_equal(raw, 5);
    ended("15-1", EZA_OK, 0, 2, T0);
    assert_null(find("16-1", "min", T0, &raw));
}

static void a_lost_port_ends_it(void **state)
{
    uint16_t raw;

    (void)state;
    ended("10-1", EZA_OK, 0, 7, T0);
    assert_true(answers.heard);
    answers_forget(&answers);
    assert_false(answers.heard);
    assert_null(find("10-1", "vg", T0, &raw));
    assert_int_equal(answers.success_us, T0);
}

static void times_of_answers_and_refusals(void **state)
{
    const struct histogram *times = &answers.times[eza_command_find("1-1") - eza_commands];

    (void)state;
    answers_asked(&answers, T0);
    ended("1-1", EZA_OK, 0, 0, T0 + 12 * MS);
    answers_asked(&answers, T0 + S);
    ended("1-1", EZA_REFUSED, 0xfffe, 0, T0 + S + 40 * MS);
    answers_asked(&answers, T0 + 2 * S);
    ended("1-1", EZA_TIMEOUT, 0, 0, T0 + 2 * S + 110 * MS);
    assert_int_equal(times->count, 2);
    assert_int_equal(times->counts[1], 1); /* up to 15 ms */
    assert_int_equal(times->counts[4], 1); /* up to 50 ms */
    assert_int_equal(times->sum_us, 52 * MS);
}

static void silence_is_not_being_heard(void **state)
{
    (void)state;
    ended("1-1", EZA_TIMEOUT, 0, 0, T0);
    ended("1-1", EZA_RETRYABLE, 0, 0, T0);
    assert_false(answers.heard);
    ended("1-1", EZA_REFUSED, 0xfffe, 0, T0);
    assert_true(answers.heard);
    assert_int_equal(answers.success_us, 0);
}

/* battery */

#define BATTERY_MAX_AGE (5 * S)

static char *battery_text(const struct snapshot *snapshot, int64_t now_us)
{
    struct metrics metrics;

    metrics_init(&metrics, now_us, now_us);
    battery_metrics(&metrics, snapshot, BATTERY_MAX_AGE);
    return metrics_text(&metrics);
}

static void assert_battery(const struct snapshot *snapshot, int64_t now_us, bool there)
{
    char *text = battery_text(snapshot, now_us);

    assert_true(has_line(text, there ? "dcdc_link_up{device=\"battery\"} 1\n"
                                     : "dcdc_link_up{device=\"battery\"} 0\n"));
    assert_int_equal(has_line(text, "dcdc_battery_state_of_charge_ratio 0.501\n"), there);
    assert_int_equal(has_line(text, "dcdc_battery_state_of_charge_ratio"), there);
    assert_int_equal(has_line(text, "dcdc_battery_sharing_permitted 1\n"), there);
    assert_int_equal(has_line(text, "dcdc_battery_sharing_permitted"), there);
    assert_true(has_line(text, "dcdc_errors_total{device=\"battery\",kind=\"timeout\"} "));
    free(text);
}

static void a_reading_is_shown_while_it_is_fresh(void **state)
{
    const struct reading reading = {501, 3};
    struct snapshot snapshot = {.port_open = true};

    (void)state;
    assert_battery(&snapshot, T0, false);
    snapshot_succeeded(&snapshot, &reading, T0);
    assert_battery(&snapshot, T0 + BATTERY_MAX_AGE - 1, true);
    assert_battery(&snapshot, T0 + BATTERY_MAX_AGE, false);
    snapshot_failed(&snapshot, OUTCOME_TIMEOUT, "silent", BATTERY_MAX_AGE, T0 + S);
    assert_battery(&snapshot, T0 + S, true);
    snapshot.port_open = false;
    assert_battery(&snapshot, T0 + S, false);
}

static void denied_is_zero(void **state)
{
    const struct reading reading = {0, 0};
    struct snapshot snapshot = {.port_open = true};
    char *text;

    (void)state;
    snapshot_succeeded(&snapshot, &reading, T0);
    text = battery_text(&snapshot, T0);
    assert_true(has_line(text, "dcdc_battery_sharing_permitted 0\n"));
    assert_true(has_line(text, "dcdc_battery_state_of_charge_ratio 0\n"));
    free(text);
}

/* guards */

static void guards_tell_who_tripped(void **state)
{
    static const struct config config = {
        .dcdc = {.battery_check_interval_us = 10 * US_PER_S, .supervisor_timeout_us = 20 * S},
        .battery = {.force_dcdc_waiting = true},
    };
    struct guards guards;
    struct metrics metrics;
    char *text;

    (void)state;
    guards_init(&guards, &config, T0);
    guards_run(&guards, true, MODE_HETERONOMY_CHARGE, T0);
    guards_answer(&guards, GUARDS_NO, "no", 0, T0);
    guards_run(&guards, true, MODE_HETERONOMY_CHARGE, T0 + 1);
    metrics_init(&metrics, T0 + 1, T0 + 1);
    guards_metrics(&guards, &metrics);
    text = metrics_text(&metrics);
    assert_true(has_line(text, "dcdc_guard_enabled{guard=\"supervisor\"} 1\n"));
    assert_true(has_line(text, "dcdc_guard_tripped{guard=\"battery\"} 1\n"));
    assert_true(has_line(text, "dcdc_guard_tripped{guard=\"supervisor\"} 0\n"));
    assert_true(has_line(text, "dcdc_guard_stops_total{guard=\"battery\"} 1\n"));
    assert_true(has_line(text, "dcdc_guard_stops_total{guard=\"supervisor\"} 0\n"));
    assert_false(has_line(text, "dcdc_supervisor_last_seen_timestamp_seconds"));
    free(text);
    guards_supervisor_seen(&guards, T0 + S);
    guards_answer(&guards, GUARDS_YES, "", 0, T0 + 19 * S);
    guards_run(&guards, true, MODE_HETERONOMY_CHARGE, T0 + 22 * S);
    metrics_init(&metrics, T0 + 22 * S, T0 + 22 * S);
    guards_metrics(&guards, &metrics);
    text = metrics_text(&metrics);
    assert_true(has_line(text, "dcdc_guard_tripped{guard=\"supervisor\"} 1\n"));
    assert_true(has_line(text, "dcdc_guard_stops_total{guard=\"supervisor\"} 1\n"));
    assert_true(has_line(text, "dcdc_supervisor_last_seen_timestamp_seconds 101\n"));
    free(text);
}

static void a_guard_that_is_off_has_no_state(void **state)
{
    static const struct config config = {.dcdc = {.battery_check_interval_us = 10 * US_PER_S}};
    struct guards guards;
    struct metrics metrics;
    char *text;

    (void)state;
    guards_init(&guards, &config, T0);
    metrics_init(&metrics, T0, T0);
    guards_metrics(&guards, &metrics);
    text = metrics_text(&metrics);
    assert_true(has_line(text, "dcdc_guard_enabled{guard=\"battery\"} 0\n"));
    assert_false(has_line(text, "dcdc_guard_tripped"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_has_room),
        cmocka_unit_test_setup(a_value_is_there_until_it_is_too_old, forget),
        cmocka_unit_test_setup(failures_leave_the_value_and_its_age, forget),
        cmocka_unit_test_setup(the_answer_to_a_write_counts, forget),
        cmocka_unit_test_setup(other_commands_do_not, forget),
        cmocka_unit_test_setup(a_lost_port_ends_it, forget),
        cmocka_unit_test_setup(times_of_answers_and_refusals, forget),
        cmocka_unit_test_setup(silence_is_not_being_heard, forget),
        cmocka_unit_test(a_reading_is_shown_while_it_is_fresh),
        cmocka_unit_test(denied_is_zero),
        cmocka_unit_test(guards_tell_who_tripped),
        cmocka_unit_test(a_guard_that_is_off_has_no_state),
    };

    return cmocka_run_group_tests_name("device_metrics", tests, NULL, NULL);
}
