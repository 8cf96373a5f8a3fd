/* SPDX-License-Identifier: Apache-2.0 */
/* The simulators' models: what the converter and the battery do as time passes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/operation_mode.h"
#include "tests/sim/battery_model.h"
#include "tests/sim/eza2500_model.h"

enum { HEAVY = EZA2500_HEAVY_ALARM << 2 };

/* A converter at time 0 and a clock to go with it. */
struct bench {
    struct eza2500_model model;
    int64_t now_us;
};

static struct bench switched_on(void)
{
    struct bench bench = {.now_us = 0};

    eza2500_init(&bench.model, 0);
    return bench;
}

static void pass(struct bench *bench, double seconds)
{
    bench->now_us += (int64_t)(seconds * US_PER_S);
    eza2500_advance(&bench->model, bench->now_us);
}

static unsigned run(struct bench *bench, const char *name, const uint16_t *in, uint16_t *out)
{
    const struct eza_command *command = eza_command_find(name);

    assert_non_null(command);
    return eza2500_execute(&bench->model, command, in, out);
}

static unsigned set_mode(struct bench *bench, uint16_t mode)
{
    uint16_t out[EZA_FIELDS_MAX] = {0xffff};
    unsigned refused = run(bench, "1-4", &mode, out);

    if (refused == ERCD_NONE)
        assert_int_equal(out[0], mode);
    return refused;
}

static uint16_t cst(struct bench *bench)
{
    uint16_t out[EZA_FIELDS_MAX];

    assert_int_equal(run(bench, "2-1", NULL, out), ERCD_NONE);
    return out[0];
}

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.9g is not within %g of %.9g", value, tolerance, expected);
}

static void test_waits_when_switched_on(void **state)
{
    struct bench bench = switched_on();
    uint16_t out[EZA_FIELDS_MAX];

    (void)state;
    pass(&bench, 10);
    assert_int_equal(run(&bench, "1-1", NULL, out), ERCD_NONE);
    assert_int_equal(out[0], MODE_WAITING);
    assert_int_equal(cst(&bench), 0);
    assert_int_equal(run(&bench, "10-1", NULL, out), ERCD_NONE);
    assert_int_equal(out[0], 15091); /* vg: 350 V of 380 V in Q14 */
    assert_int_equal(out[1], 0);     /* ig */
    assert_int_equal(out[2], 17749); /* vb: 52 V of 48 V in Q14 */
    assert_int_equal(out[3], 0);     /* ib */
    assert_int_equal(out[7], 25 * 128);
}

static void test_remembers_every_row_that_is_written(void **state)
{
    struct bench bench = switched_on();

    (void)state;
    for (size_t i = 0; i < eza_command_count; i++) {
        const struct eza_command *row = &eza_commands[i];
        uint16_t in[EZA_FIELDS_MAX], out[EZA_FIELDS_MAX], again[EZA_FIELDS_MAX];

        if (row->request.count == 0 || row->request.field[0].kind == EZA_MODE)
            continue;
        for (size_t k = 0; k < row->request.count; k++) {
            const struct eza_field *field = &row->request.field[k];

            in[k] = (uint16_t)(field->kind != EZA_SCALED
                                   ? 0x5a
                                   : decimal_to_double(field->max) /
                                         decimal_to_double(field->rating) * ldexp(1, field->q));
        }
        assert_int_equal(eza2500_execute(&bench.model, row, in, out), ERCD_NONE);
        assert_memory_equal(in, out, row->request.count * sizeof in[0]);
        if (strcmp(row->name, "9-4") == 0)
            continue;
        /* The row above it reads the same. */
        assert_int_equal(eza_commands[i - 1].cmd, row->cmd);
        assert_int_equal(eza2500_execute(&bench.model, &eza_commands[i - 1], NULL, again),
                         ERCD_NONE);
        assert_memory_equal(in, again, row->request.count * sizeof in[0]);
    }
}

static void test_refuses_what_is_out_of_range(void **state)
{
    struct bench bench = switched_on();
    uint16_t out[EZA_FIELDS_MAX];
    const uint16_t lowest[] = {11210, 0}; /* 260 V cut down to Q14 of 380 V */
    const uint16_t too_low[] = {11209, 0};
    const uint16_t highest[] = {16815, 32759}; /* 390 V; 3.999 */
    const uint16_t too_high[] = {16816, 0};
    const uint16_t too_steep[] = {15091, 32760};

    (void)state;
    assert_int_equal(run(&bench, "4-4", lowest, out), ERCD_NONE);
    assert_int_equal(run(&bench, "4-4", too_low, out), ERCD_BAD_PARAMETER);
    assert_int_equal(run(&bench, "4-4", too_high, out), ERCD_BAD_PARAMETER);
    assert_int_equal(run(&bench, "4-4", too_steep, out), ERCD_BAD_PARAMETER);
    assert_int_equal(run(&bench, "4-1", NULL, out), ERCD_NONE);
    assert_int_equal(out[0], lowest[0]);
    assert_int_equal(run(&bench, "4-4", highest, out), ERCD_NONE);
    assert_int_equal(set_mode(&bench, 0x0003), ERCD_BAD_PARAMETER);
    assert_int_equal(eza2500_mode(&bench.model), MODE_WAITING);
}

static void test_discharges_with_constant_current(void **state)
{
    struct bench bench = switched_on();

    (void)state;
    eza2500_store(&bench.model, "dig", 2);
    assert_int_equal(set_mode(&bench, MODE_HETERONOMY_CV), ERCD_NONE);
    pass(&bench, 0.05); /* one time constant: 63 % */
    assert_near(bench.model.ig, -2 * (1 - exp(-1)), 0.001);
    pass(&bench, 1);
    assert_near(bench.model.ig, -2, 0.001);
    assert_near(bench.model.wg, -700, 0.5);
    assert_near(bench.model.wb, -755, 0.5); /* 20 W and 5 % are lost */
    assert_true(bench.model.vb < 52);
    assert_near(bench.model.ib, -755 / 52.0, 0.1);
    assert_int_equal(cst(&bench), EZA2500_DISCHARGE);
}

static void test_charges_with_constant_current(void **state)
{
    struct bench bench = switched_on();
    uint16_t out[EZA_FIELDS_MAX];

    (void)state;
    eza2500_store(&bench.model, "dig", 2);
    assert_int_equal(set_mode(&bench, MODE_HETERONOMY_CHARGE), ERCD_NONE);
    pass(&bench, 2);
    assert_int_equal(cst(&bench), EZA2500_CHARGE);
    assert_near(bench.model.wb, 645, 0.5);
    assert_true(bench.model.vb > 52);
    assert_int_equal(run(&bench, "10-1", NULL, out), ERCD_NONE);
    assert_int_equal(out[1], 2097); /* 2 A of 7.8125 A in Q13 */
    pass(&bench, 600);
    assert_near(bench.model.tmp, 25 + 55 * 0.3, 0.2);
}

static void test_obeys_the_limit_of_the_battery_current(void **state)
{
    struct bench bench = switched_on();

    (void)state;
    eza2500_store(&bench.model, "dig", 8);
    eza2500_store(&bench.model, "cib", 10);
    assert_int_equal(set_mode(&bench, MODE_HETERONOMY_CV), ERCD_NONE);
    pass(&bench, 2);
    assert_near(bench.model.ib, -10, 0.5);
    assert_true(bench.model.ig > -2);
}

static void test_stops_charging_a_full_battery(void **state)
{
    struct bench bench = switched_on();

    (void)state;
    eza2500_store(&bench.model, "dig", 2);
    bench.model.battery_voltage = 58;
    assert_int_equal(set_mode(&bench, MODE_HETERONOMY_CHARGE), ERCD_NONE);
    pass(&bench, 2);
    assert_near(bench.model.ig, 0, 0.001);
}

static void test_holds_the_grid_with_droop(void **state)
{
    struct bench bench = switched_on();

    (void)state;
    bench.model.grid_voltage = 0; /* nobody else holds it */
    eza2500_store(&bench.model, "dvg", 380);
    eza2500_store(&bench.model, "drg", 2);
    assert_int_equal(set_mode(&bench, MODE_GRID_AUTONOMY), ERCD_NONE);
    pass(&bench, 5);
    assert_near(bench.model.vg, 380, 0.01);
    assert_int_equal(eza2500_alarm_state(&bench.model), EZA2500_NO_ALARM);
    bench.model.grid_load = 380 * 7.8125; /* the rated current */
    pass(&bench, 1);
    assert_near(bench.model.ig, -7.8125, 0.001);
    assert_near(bench.model.vg, 380 * 0.98, 0.01);
    assert_int_equal(cst(&bench), EZA2500_DISCHARGE);
    bench.model.grid_load = -1000;
    pass(&bench, 1);
    assert_true(bench.model.vg > 380);
    assert_int_equal(cst(&bench), EZA2500_CHARGE);
}

static void test_gives_way_to_an_overload(void **state)
{
    struct bench bench = switched_on();

    (void)state;
    assert_int_equal(set_mode(&bench, MODE_GRID_AUTONOMY), ERCD_NONE);
    pass(&bench, 1);
    bench.model.grid_load = 4900;
    pass(&bench, 1);
    assert_int_equal(eza2500_mode(&bench.model), MODE_WAITING);
    assert_int_equal(bench.model.alarms, ALARM_GRID_UNDERVOLTAGE);
    assert_int_equal(cst(&bench), HEAVY);
}

static void test_waits_after_a_heavy_alarm_until_it_is_cleared(void **state)
{
    struct bench bench = switched_on();
    const uint16_t clear[] = {7, 9};
    uint16_t out[EZA_FIELDS_MAX];

    (void)state;
    eza2500_store(&bench.model, "dig", 1);
    assert_int_equal(set_mode(&bench, MODE_HETERONOMY_CHARGE), ERCD_NONE);
    pass(&bench, 1);
    bench.model.battery_voltage = 62;
    pass(&bench, 1);
    assert_int_equal(eza2500_mode(&bench.model), MODE_WAITING);
    assert_int_equal(cst(&bench), HEAVY);
    assert_int_equal(run(&bench, "9-1", NULL, out), ERCD_NONE);
    assert_int_equal(out[0], ALARM_BATTERY_OVERVOLTAGE);
    assert_int_equal(set_mode(&bench, MODE_HETERONOMY_CHARGE), ERCD_NOT_NOW);
    assert_int_equal(set_mode(&bench, MODE_WAITING), ERCD_NONE);
    assert_int_equal(run(&bench, "9-4", clear, out), ERCD_NONE);
    assert_memory_equal(out, clear, sizeof clear);
    assert_int_equal(cst(&bench), 0);
    bench.model.battery_voltage = 52;
    assert_int_equal(set_mode(&bench, MODE_HETERONOMY_CHARGE), ERCD_NONE);
}

static void test_keeps_an_alarm_whose_cause_is_there(void **state)
{
    struct bench bench = switched_on();
    const uint16_t clear[] = {0, 0};
    uint16_t out[EZA_FIELDS_MAX];

    (void)state;
    bench.model.ambient = 80;
    pass(&bench, 3600);
    assert_int_equal(cst(&bench), EZA2500_LIGHT_ALARM << 2);
    assert_int_equal(run(&bench, "9-4", clear, out), ERCD_NONE);
    assert_int_equal(bench.model.alarms, ALARM_HOT);
    bench.model.ambient = 25;
    pass(&bench, 3600);
    assert_int_equal(bench.model.alarms, ALARM_HOT); /* until it is cleared */
    assert_int_equal(run(&bench, "9-4", clear, out), ERCD_NONE);
    assert_int_equal(bench.model.alarms, 0);
}

static void test_refuses_changes_while_running_when_strict(void **state)
{
    struct bench bench = switched_on();

    (void)state;
    assert_int_equal(set_mode(&bench, MODE_GRID_AUTONOMY), ERCD_NONE);
    assert_int_equal(set_mode(&bench, MODE_HETERONOMY_CHARGE), ERCD_NONE);
    bench.model.strict = true;
    assert_int_equal(set_mode(&bench, MODE_HETERONOMY_CV), ERCD_NOT_NOW);
    assert_int_equal(set_mode(&bench, MODE_HETERONOMY_CHARGE), ERCD_NONE);
    assert_int_equal(set_mode(&bench, MODE_GRID_AUTONOMY), ERCD_NONE);
    assert_int_equal(set_mode(&bench, MODE_HETERONOMY_CV), ERCD_NOT_NOW);
    assert_int_equal(set_mode(&bench, MODE_WAITING), ERCD_NONE);
}

static void test_time_never_runs_backwards(void **state)
{
    struct bench bench = switched_on();
    struct eza2500_model before;

    (void)state;
    pass(&bench, 1);
    before = bench.model;
    eza2500_advance(&bench.model, bench.now_us - US_PER_S);
    assert_memory_equal(&before, &bench.model, sizeof before);
}

static struct battery_model battery(double rsoc)
{
    struct battery_model model;

    battery_init(&model, rsoc, 0);
    model.capacity = 1000;
    return model;
}

static void test_charge_follows_energy(void **state)
{
    struct battery_model model = battery(50);

    (void)state;
    model.load = 360;
    battery_advance(&model, 100 * (int64_t)US_PER_S); /* 10 Wh */
    assert_near(model.rsoc, 51, 1e-9);
    assert_int_equal(battery_rsoc_register(&model), 510);
    model.load = -360;
    model.time_factor = 10;
    battery_advance(&model, 200 * (int64_t)US_PER_S);
    assert_near(model.rsoc, 41, 1e-9);
    battery_advance(&model, 100 * (int64_t)US_PER_S);
    assert_near(model.rsoc, 41, 1e-9);
    battery_advance(&model, 20000 * (int64_t)US_PER_S);
    assert_near(model.rsoc, 0, 0);
}

static void test_a_report_holds_three_seconds(void **state)
{
    struct battery_model model = battery(50);

    (void)state;
    battery_report_power(&model, 36000); /* 1 % a second */
    battery_advance(&model, 2 * (int64_t)US_PER_S);
    assert_near(model.rsoc, 52, 1e-9);
    battery_advance(&model, 100 * (int64_t)US_PER_S);
    assert_near(model.rsoc, 53, 1e-9);
    battery_report_power(&model, -36000);
    battery_advance(&model, 101 * (int64_t)US_PER_S);
    assert_near(model.rsoc, 52, 1e-9);
}

static void set_rsoc(struct battery_model *model, double rsoc)
{
    model->rsoc = rsoc;
    battery_advance(model, model->now_us + 1);
}

static void test_sharing_is_denied_at_both_ends(void **state)
{
    struct battery_model model = battery(50);
    static const struct {
        double rsoc;
        bool permitted;
    } course[] = {{10.1, true}, {10, false},  {11.9, false}, {12.1, true}, {94.9, true},
                  {95, false},  {100, false}, {93.1, false}, {92.9, true}, {95, false},
                  {5, false},   {11, false},  {50, true}};

    (void)state;
    for (size_t i = 0; i < sizeof course / sizeof course[0]; i++) {
        set_rsoc(&model, course[i].rsoc);
        assert_int_equal(battery_permits(&model), course[i].permitted);
        assert_int_equal(battery_status_register(&model), !course[i].permitted);
    }
}

static void test_registers_can_be_set_by_hand(void **state)
{
    struct battery_model model = battery(50);

    (void)state;
    model.sharing = BATTERY_DENIED;
    assert_int_equal(battery_status_register(&model), 1);
    set_rsoc(&model, 5);
    model.sharing = BATTERY_PERMITTED;
    assert_int_equal(battery_status_register(&model), 0);
    model.rsoc_raw = 65535;
    model.status_raw = 0xfffe;
    assert_int_equal(battery_rsoc_register(&model), 65535);
    assert_int_equal(battery_status_register(&model), 0xfffe);
}

/* Whoever adds a row learns of it from the converter, not from a crash. */
static void an_unknown_register_is_refused(void **state)
{
    static const struct eza_field field = {.name = "new", .type = EZA_U16, .kind = EZA_HEX};
    static const struct eza_command command = {
        .name = "17-4", .request = {&field, 1}, .reply = {&field, 1}};
    struct eza2500_model model;
    uint16_t in[EZA_FIELDS_MAX] = {1}, out[EZA_FIELDS_MAX];

    (void)state;
    eza2500_init(&model, 0);
    assert_int_equal(eza2500_execute(&model, &command, in, out), ERCD_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_register_is_refused),
        cmocka_unit_test(test_waits_when_switched_on),
        cmocka_unit_test(test_remembers_every_row_that_is_written),
        cmocka_unit_test(test_refuses_what_is_out_of_range),
        cmocka_unit_test(test_discharges_with_constant_current),
        cmocka_unit_test(test_charges_with_constant_current),
        cmocka_unit_test(test_obeys_the_limit_of_the_battery_current),
        cmocka_unit_test(test_stops_charging_a_full_battery),
        cmocka_unit_test(test_holds_the_grid_with_droop),
        cmocka_unit_test(test_gives_way_to_an_overload),
        cmocka_unit_test(test_waits_after_a_heavy_alarm_until_it_is_cleared),
        cmocka_unit_test(test_keeps_an_alarm_whose_cause_is_there),
        cmocka_unit_test(test_refuses_changes_while_running_when_strict),
        cmocka_unit_test(test_time_never_runs_backwards),
        cmocka_unit_test(test_charge_follows_energy),
        cmocka_unit_test(test_a_report_holds_three_seconds),
        cmocka_unit_test(test_sharing_is_denied_at_both_ends),
        cmocka_unit_test(test_registers_can_be_set_by_hand),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
