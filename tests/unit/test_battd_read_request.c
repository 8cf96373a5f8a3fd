/* SPDX-License-Identifier: Apache-2.0 */
/* A battery request's bytes, and what is taken for its echo. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "battd/read_request.h"

/* Modbus over serial line V1.02, 6.2.2 shows the CRC's order; these were computed apart. */
static const uint8_t rsoc[] = {0x01, 0x04, 0x00, 0x1d, 0x00, 0x02, 0xe1, 0xcd};

static void bytes(void **state)
{
    const struct register_read read = {.offset = 29, .count = 2};
    uint8_t request[READ_REQUEST_SIZE];

    (void)state;
    read_request(1, &read, request);
    assert_memory_equal(request, rsoc, sizeof rsoc);
}

static void echo(void **state)
{
    static const uint8_t long_one[] = {0x01, 0x04, 0x00, 0x1d, 0x00, 0x02, 0xe1, 0xcd, 0x01, 0x04};
    static const uint8_t answer[] = {0x01, 0x04, 0x04, 0x01, 0xf4, 0x00, 0x00, 0xba, 0x41};
    uint8_t changed[sizeof rsoc] = {0x01, 0x04, 0x00, 0x1d, 0x00, 0x02, 0xe1, 0xcc};

    (void)state;
    for (size_t count = 0; count <= sizeof rsoc; count++)
        assert_int_equal(read_request_is(rsoc, rsoc, count), count >= 5);
    assert_true(read_request_is(rsoc, long_one, sizeof long_one));
    assert_false(read_request_is(rsoc, answer, sizeof answer));
    assert_false(read_request_is(rsoc, changed, sizeof changed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bytes), cmocka_unit_test(echo)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
