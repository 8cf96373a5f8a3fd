/* SPDX-License-Identifier: Apache-2.0 */
/* common/operation_mode: the specification's table, and modes as clients write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/operation_mode.h"

/* Specification 5.1.4.1; settable: 5.2.1.3, remote_set. */
static void test_table(void **state)
{
    static const struct operation_mode expected[] = {
        {"Waiting", 0x00, true},           {"Hateronomy CV Charging", 0x01, false},
        {"Heteronomy CV", 0x02, true},     {"Heteronomy CV", 0x22, false},
        {"Battery Autonomy", 0x04, false}, {"Grid Autonomy", 0x14, true},
        {"Heteronomy CV", 0x41, true},     {"Grid Autonomy CC Battery", 0x34, false},
    };
    size_t known = 0;

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct operation_mode *mode = operation_mode_find(expected[i].value);

        assert_non_null(mode);
        assert_int_equal(mode->value, expected[i].value);
        assert_string_equal(mode->name, expected[i].name);
        assert_int_equal(mode->settable, expected[i].settable);
    }
    for (unsigned value = 0; value <= UINT16_MAX; value++)
        known += operation_mode_find(value) != NULL;
    assert_int_equal(known, sizeof expected / sizeof expected[0]);
    assert_null(operation_mode_find(0x10000));
    assert_null(operation_mode_find(0x10002));
}

static void test_parse_accepted(void **state)
{
    static const struct {
        const char *text;
        uint16_t mode;
    } texts[] = {
        {"0x0000", MODE_WAITING},
        {"0x0", MODE_WAITING},
        {"0x00", MODE_WAITING},
        {"0x0002", MODE_HETERONOMY_CV},
        {"0x2", MODE_HETERONOMY_CV},
        {"0x0014", MODE_GRID_AUTONOMY},
        {"0x14", MODE_GRID_AUTONOMY},
        {"0x0041", MODE_HETERONOMY_CHARGE},
        {"0x041", MODE_HETERONOMY_CHARGE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct failure failure;
        uint16_t mode = 0xdead;

        if (!operation_mode_parse(texts[i].text, &mode, &failure))
            fail_msg("'%s': %s", texts[i].text, failure.text);
        assert_int_equal(mode, texts[i].mode);
    }
}

static void test_parse_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } texts[] = {
        {"", "bad value: 2"},
        {"0", "bad value: 2"},
        {"2", "bad value: 2"},
        {"0x", "bad value: 2"},
        {"0X0002", "bad value: 2"},
        {" 0x0002", "bad value: 2"},
        {"0x0002 ", "bad value: 2"},
        {"0x+2", "bad value: 2"},
        {"0x-2", "bad value: 2"},
        {"0x 2", "bad value: 2"},
        {"0x0x2", "bad value: 2"},
        {"0x000g", "bad value: 2"},
        {"0x00002", "bad value: 2"},
        {"0x10002", "bad value: 2"},
        {"0x0000000000000000000000000000000000000000000000000000000000000002", "bad value: 2"},
        {"-0x0002", "bad value: 2"},
        {"Waiting", "bad value: 2"},
        {"0x0001", "bad value: operation mode: 1"},
        {"0x0004", "bad value: operation mode: 4"},
        {"0x0022", "bad value: operation mode: 34"},
        {"0x0034", "bad value: operation mode: 52"},
        {"0x0003", "bad value: operation mode: 3"},
        {"0xffff", "bad value: operation mode: 65535"},
        {"0xFFFF", "bad value: operation mode: 65535"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct failure failure;
        uint16_t mode = 0xdead;

        if (operation_mode_parse(texts[i].text, &mode, &failure))
            fail_msg("'%s' is accepted", texts[i].text);
        assert_string_equal(failure.text, texts[i].why);
        assert_int_equal(failure.reason, REASON_BAD_VALUE);
        assert_int_equal(mode, 0xdead);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_parse_accepted),
        cmocka_unit_test(test_parse_refused),
    };

    return cmocka_run_group_tests_name("operation_mode", tests, NULL, NULL);
}
