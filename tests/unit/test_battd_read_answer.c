/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "battd/read_answer.h"

/* The CRC is the bus's business: any two bytes do. */
static enum outcome parse(const uint8_t *frame, size_t size, struct read_answer *answer,
                          struct failure *failure)
{
    *answer = (struct read_answer){.count = 0};
    return read_answer(1, frame, size, answer, failure);
}

static void registers(void **state)
{
    static const uint8_t both[] = {1, 4, 4, 0x01, 0xf4, 0x80, 0x01, 0, 0};
    static const uint8_t one[] = {1, 4, 2, 0x03, 0xe8, 0, 0};
    struct read_answer answer;
    struct failure failure;

    (void)state;
    assert_int_equal(parse(both, sizeof both, &answer, &failure), OUTCOME_OK);
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.values[0], 500);
    assert_int_equal(answer.values[1], 0x8001);
    assert_int_equal(parse(one, sizeof one, &answer, &failure), OUTCOME_OK);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.values[0], 1000);
}

static void what_is_none(void **state)
{
    static const struct {
        enum outcome outcome;
        size_t size;
        uint8_t frame[12];
        const char *text;
    } rows[] = {
        {OUTCOME_FOREIGN, 0, {1}, "answer from another unit"},
        {OUTCOME_FOREIGN, 7, {2, 4, 2}, "answer from another unit"},
        {OUTCOME_FOREIGN, 7, {0, 4, 2}, "answer from another unit"},
        {OUTCOME_MALFORMED, 7, {1, 3, 2}, "malformed answer"},
        {OUTCOME_MALFORMED, 8, {1, 4, 2}, "malformed answer"},
        {OUTCOME_MALFORMED, 6, {1, 4, 1}, "malformed answer"},
        {OUTCOME_MALFORMED, 5, {1, 4, 0}, "malformed answer"},
        {OUTCOME_MALFORMED, 11, {1, 4, 6}, "malformed answer"},
        {OUTCOME_MALFORMED, 5, {1, 0x83, 2}, "malformed exception answer"},
        {OUTCOME_MALFORMED, 6, {1, 0x84, 2}, "malformed exception answer"},
        {OUTCOME_MALFORMED, 5, {1, 0x84, 0}, "malformed exception answer"},
        {OUTCOME_MALFORMED, 5, {1, 0x84, 9}, "malformed exception answer"},
        {OUTCOME_MALFORMED, 5, {1, 0x84, 12}, "malformed exception answer"},
        {OUTCOME_EXCEPTION, 5, {1, 0x84, 2}, "exception 2: illegal data address"},
        {OUTCOME_EXCEPTION, 5, {1, 0x84, 11}, "exception 11: target device failed to respond"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct read_answer answer;
        struct failure failure = {.text = ""};

        assert_int_equal(parse(rows[i].frame, rows[i].size, &answer, &failure), rows[i].outcome);
        assert_string_equal(failure.text, rows[i].text);
        assert_int_equal(answer.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers),
        cmocka_unit_test(what_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
