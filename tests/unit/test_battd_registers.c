/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "battd/registers.h"

static void assert_read(const struct register_plan *plan, size_t i, unsigned offset, unsigned count)
{
    assert_int_equal(plan->read[i].offset, offset);
    assert_int_equal(plan->read[i].count, count);
}

static void adjacent_registers_are_one_request(void **state)
{
    struct register_plan plan = registers_plan(30030, 30031);

    (void)state;
    assert_int_equal(plan.read_count, 1);
    assert_read(&plan, 0, 29, 2);
    assert_int_equal(plan.rsoc_index, 0);
    assert_int_equal(plan.status_index, 1);
}

static void adjacent_in_the_other_order(void **state)
{
    struct register_plan plan = registers_plan(30031, 30030);

    (void)state;
    assert_int_equal(plan.read_count, 1);
    assert_read(&plan, 0, 29, 2);
    assert_int_equal(plan.rsoc_index, 1);
    assert_int_equal(plan.status_index, 0);
}

static void distant_registers_are_two_requests(void **state)
{
    struct register_plan plan = registers_plan(30030, 30032);

    (void)state;
    assert_int_equal(plan.read_count, 2);
    assert_read(&plan, 0, 29, 1);
    assert_read(&plan, 1, 31, 1);
    assert_int_equal(plan.rsoc_index, 0);
    assert_int_equal(plan.status_index, 1);
}

static void the_ends_of_the_range(void **state)
{
    struct register_plan plan = registers_plan(39999, 30001);

    (void)state;
    assert_int_equal(plan.read_count, 2);
    assert_read(&plan, 0, 9998, 1);
    assert_read(&plan, 1, 0, 1);
}

static void one_register_for_both_is_read_once(void **state)
{
    struct register_plan plan = registers_plan(30001, 30001);

    (void)state;
    assert_int_equal(plan.read_count, 1);
    assert_read(&plan, 0, 0, 1);
    assert_int_equal(plan.rsoc_index, plan.status_index);
}

static void the_probe_is_answered_in_another_length(void **state)
{
    static const uint16_t status[] = {30029, 30030, 30031, 30040};

    (void)state;
    for (size_t i = 0; i < sizeof status / sizeof status[0]; i++) {
        struct register_plan plan = registers_plan(30030, status[i]);

        assert_int_equal(plan.probe.offset, 29);
        for (size_t j = 0; j < plan.read_count; j++)
            assert_int_equal(plan.read[j].count + plan.probe.count, 3);
    }
}

/* For every register value: what rsoc and status mean, whichever comes first. */
static void every_value(void **state)
{
    const struct register_plan forward = registers_plan(30030, 30031);
    const struct register_plan backward = registers_plan(30031, 30030);

    (void)state;
    for (unsigned raw = 0; raw <= UINT16_MAX; raw++) {
        struct reading reading = {1234, -1};
        const uint16_t rsoc[] = {(uint16_t)raw, 0}, status[] = {(uint16_t)raw, 777};

        assert_int_equal(registers_decode(&forward, rsoc, &reading), raw <= 1000);
        assert_int_equal(reading.rsoc, raw <= 1000 ? raw : 1234);
        assert_int_equal(reading.operation_status, raw <= 1000 ? 3 : -1);

        assert_true(registers_decode(&backward, status, &reading));
        assert_int_equal(reading.rsoc, 777);
        assert_int_equal(reading.operation_status, raw % 2 == 0 ? 3 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adjacent_registers_are_one_request),
        cmocka_unit_test(adjacent_in_the_other_order),
        cmocka_unit_test(distant_registers_are_two_requests),
        cmocka_unit_test(the_ends_of_the_range),
        cmocka_unit_test(one_register_for_both_is_read_once),
        cmocka_unit_test(the_probe_is_answered_in_another_length),
        cmocka_unit_test(every_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
