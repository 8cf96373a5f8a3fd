/* SPDX-License-Identifier: Apache-2.0 */
/* The simulators' lines: what is heard at another speed than it was sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/sim/uart.h"

static void test_the_same_speed(void **state)
{
    uint8_t bytes[256], heard[256];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    assert_int_equal(sim_uart_hear(bytes, 256, 19200, 19200, heard, sizeof heard), 256);
    assert_memory_equal(heard, bytes, sizeof bytes);
}

/* As near as clocks of real devices are. */
static void test_nearly_the_same_speed(void **state)
{
    static const uint8_t bytes[] = {0x05, 0x00, 0x00, 0x10, 0x00, 0x10, 0xff};
    uint8_t heard[sizeof bytes];

    (void)state;
    assert_int_equal(sim_uart_hear(bytes, sizeof bytes, 19200, 19500, heard, sizeof heard),
                     sizeof bytes);
    assert_memory_equal(heard, bytes, sizeof bytes);
}

/* Worked out by hand: start, bits from the lowest, stop, each bit twice, or every other one. */
static void test_other_speeds(void **state)
{
    static const struct {
        uint8_t byte;
        unsigned heard_baud;
        uint8_t heard[3];
        size_t count;
    } rows[] = {
        {0xff, 19200, {0xfe}, 1},       /* 00 11111111 … */
        {0x00, 19200, {0x00, 0x00}, 1}, /* 18 low: one byte without a stop bit */
        {0x55, 19200, {0x66, 0xe6}, 2}, /* 00 11 00 11 …: the second from the 13th on */
        {0xff, 4800, {0}, 0},           /* the start bit is over before its middle */
        {0x00, 4800, {0xf8}, 1},        /* low until the middle of the 5th */
    };
    uint8_t heard[3];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t count =
            sim_uart_hear(&rows[i].byte, 1, 9600, rows[i].heard_baud, heard, sizeof heard);

        assert_int_equal(count, rows[i].count);
        assert_memory_equal(heard, rows[i].heard, rows[i].count);
    }
}

static void test_no_more_than_there_is_room_for(void **state)
{
    static const uint8_t bytes[] = {0x55, 0x55, 0x55, 0x55};
    uint8_t heard[3] = {0, 0, 0xaa};

    (void)state;
    assert_int_equal(sim_uart_hear(bytes, sizeof bytes, 1200, 115200, heard, 2), 2);
    assert_int_equal(heard[2], 0xaa);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_speed),
        cmocka_unit_test(test_nearly_the_same_speed),
        cmocka_unit_test(test_other_speeds),
        cmocka_unit_test(test_no_more_than_there_is_room_for),
    };

    return cmocka_run_group_tests_name("sim_uart", tests, NULL, NULL);
}
