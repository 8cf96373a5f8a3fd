/* SPDX-License-Identifier: Apache-2.0 */
/* The waits between tries. */
#include "common/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_waits(struct backoff *backoff, const int64_t *waits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(backoff_failed(backoff), waits[i]);
        assert_int_equal(backoff->wait_us, waits[i]);
    }
}

static void test_doubles_between_its_bounds(void **state)
{
    static const int64_t waits[] = {5, 10, 20, 40, 50, 50, 50};
    struct backoff backoff = {.min_us = 5, .max_us = 50};

    (void)state;
    expect_waits(&backoff, waits, sizeof waits / sizeof waits[0]);
    backoff_succeeded(&backoff);
    assert_int_equal(backoff.wait_us, 0);
    expect_waits(&backoff, waits, 3);
}

static void test_equal_bounds(void **state)
{
    static const int64_t waits[] = {7, 7, 7};
    struct backoff backoff = {.min_us = 7, .max_us = 7};

    (void)state;
    expect_waits(&backoff, waits, 3);
}

static void test_does_not_overflow(void **state)
{
    struct backoff backoff = {.min_us = 1, .max_us = INT64_MAX};
    int64_t last = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        int64_t wait = backoff_failed(&backoff);

        assert_true(wait > last || wait == INT64_MAX);
        last = wait;
    }
    assert_true(last == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles_between_its_bounds),
        cmocka_unit_test(test_equal_bounds),
        cmocka_unit_test(test_does_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
