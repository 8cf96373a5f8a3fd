/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the converter's fields in both directions: all raw values, golden vectors, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dcdcd/eza_codec.h"

static const struct eza_field *field_of(const char *row, const char *name)
{
    const struct eza_command *command = eza_command_find(row);
    int index = eza_field_find(&command->reply, name);

    assert_true(index >= 0);
    return &command->reply.field[index];
}

/* raw × rating as integers below 2^53, so that one division rounds once: the nearest double. */
static double nearest(const struct eza_field *field, uint16_t raw)
{
    int32_t number = field->type == EZA_S16 ? (int16_t)raw : raw;
    double denominator = (double)(1 << field->q);

    for (int i = field->rating.exponent; i < 0; i++)
        denominator *= 10;
    return (double)number * (double)field->rating.coefficient / denominator;
}

static size_t significant_digits(const char *text)
{
    size_t digits = 0, zeros = 0;

    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (digits == 0 && *text == '0'))
            continue;
        zeros = *text == '0' ? zeros + 1 : 0;
        digits++;
    }
    return digits - zeros;
}

static void check_shown(const struct eza_field *field, uint16_t raw)
{
    char text[EZA_TEXT_SIZE], shorter[320];
    double want = nearest(field, raw);
    size_t digits;

    eza_print(field, raw, text);
    if (strtod(text, NULL) != want)
        fail_msg("%s raw %u: %s, want %.17g", field->name, raw, text, want);
    digits = significant_digits(text);
    if (digits < 2)
        return;
    snprintf(shorter, sizeof shorter, "%.*g", (int)digits - 1, want);
    if (strtod(shorter, NULL) == want)
        fail_msg("%s raw %u: %s is not the shortest, %s is", field->name, raw, text, shorter);
}

static void all_raw_values_are_shown_exactly(void **state)
{
    (void)state;
    for (size_t i = 0; i < eza_command_count; i++)
        for (size_t j = 0; j < eza_commands[i].reply.count; j++) {
            const struct eza_field *field = &eza_commands[i].reply.field[j];

            if (field->kind != EZA_SCALED || eza_commands[i].request.count > 0)
                continue;
            for (uint32_t raw = 0; raw <= UINT16_MAX; raw++)
                check_shown(field, (uint16_t)raw);
        }
}

static void shown(const char *row, const char *name, uint16_t raw, const char *want)
{
    char text[EZA_TEXT_SIZE];

    assert_string_equal(eza_print(field_of(row, name), raw, text), want);
}

static void known_values_are_shown(void **state)
{
    (void)state;
    shown("10-1", "ib", 8192, "52.08");
    shown("4-1", "dvg", 12934, "299.98291015625");
    shown("4-1", "dvg", 16384, "380");
    shown("4-1", "drg", 819, "0.0999755859375");
    shown("6-1", "dig", 2097, "1.9998550415039062");
    shown("10-1", "wg", 81, "98.876953125");
    shown("10-1", "wg", (uint16_t)-81, "-98.876953125");
    shown("10-1", "vg", 0, "0");
    shown("10-1", "tmp", 2560, "20");
    shown("11-1", "fan1", 0x8000, "-32768");
    shown("1-1", "mode", 0x14, "0x0014");
}

static void encoded(const char *row, const char *name, const char *text, uint16_t want)
{
    struct failure failure = {.text = ""};
    uint16_t raw = 0;

    if (!eza_encode(field_of(row, name), text, &raw, &failure))
        fail_msg("%s=%s refused: %s", name, text, failure.text);
    assert_int_equal(raw, want);
}

static void texts_are_truncated_exactly(void **state)
{
    (void)state;
    encoded("4-4", "dvg", "300", 12934);
    encoded("4-4", "dvg", "380", 16384);
    encoded("4-4", "dvg", "380.0", 16384);
    encoded("4-4", "dvg", "3.8E2", 16384);
    encoded("4-4", "dvg", "379.9999999999999999", 16383);
    encoded("4-4", "dvg", "349.9878", 15090);
    encoded("4-4", "dvg", "260", 11210);
    encoded("4-4", "dvg", "390", 16815);
    encoded("4-4", "drg", "0.1", 819);
    encoded("4-4", "drg", "1.0E-4", 0);
    encoded("4-4", "drg", "1.220703125e-4", 1);
    encoded("4-4", "drg", "1.220703124999e-4", 0);
    encoded("4-4", "drg", "3.999", 32759);
    encoded("6-4", "dig", "2", 2097);
    encoded("6-4", "dig", "3.30", 3460);
    encoded("6-4", "dig", "8.5162", 8929);
    encoded("6-4", "cib", "52.08", 8192);
    encoded("6-4", "cib", "52.07999999999999", 8191);
    encoded("7-4", "bcf", "0x0003", 3);
    encoded("7-4", "bcf", "65535", 0xffff);
    encoded("9-4", "d0", "255", 255);
    encoded("9-4", "d0", "2.0", 2);
}

static void refused(const char *row, const char *name, const char *text, const char *want)
{
    struct failure failure = {.text = ""};
    uint16_t raw = 0x5555;

    if (eza_encode(field_of(row, name), text, &raw, &failure))
        fail_msg("%s=%s accepted as %u", name, text, raw);
    assert_string_equal(failure.text, want);
    assert_int_equal(failure.reason, REASON_INVALID_PARAMS);
    assert_int_equal(raw, 0x5555);
}

static void bad_texts_are_refused(void **state)
{
    (void)state;
    refused("4-4", "dvg", "0.0", "dvg: 0.0 is below 260");
    refused("4-4", "dvg", "259.9999", "dvg: 259.9999 is below 260");
    refused("4-4", "dvg", "390.0001", "dvg: 390.0001 is above 390");
    refused("4-4", "drg", "-0.0001", "drg: -0.0001 is below 0");
    refused("4-4", "drg", "3.9990000000000001", "drg: 3.9990000000000001 is above 3.999");
    refused("6-4", "dig", "1,5", "dig: '1,5': not a number");
    refused("6-4", "dig", " 1", "dig: ' 1': not a number");
    refused("6-4", "dig", "nan", "dig: 'nan': not a number");
    refused("6-4", "dig", "inf", "dig: 'inf': not a number");
    refused("6-4", "dig", "0x1", "dig: '0x1': not a number");
    refused("6-4", "dig", "", "dig: '': not a number");
    refused("6-4", "dig", "1e999999999", "dig: '1e999999999': exponent beyond 99");
    refused("7-4", "bcf", "0x10000", "bcf: '0x10000' is not in 0x0000..0xffff");
    refused("7-4", "bcf", "0x", "bcf: '0x' is not in 0x0000..0xffff");
    refused("7-4", "bcf", "-1", "bcf: '-1' is not in 0x0000..0xffff");
    refused("9-4", "d0", "256", "d0: 256 is above 255");
    refused("9-4", "d0", "1.5", "d0: 1.5 is not a whole number");
}

static void bytes_and_values_convert(void **state)
{
    const struct eza_fields *meters = &eza_command_find("10-1")->reply;
    const struct eza_fields *clear = &eza_command_find("9-4")->request;
    struct eza_values values = {.raw = {0x1234, 0xfffe}}, back;
    uint8_t payload[EZA_PAYLOAD_MAX];

    (void)state;
    assert_int_equal(eza_pack(meters, &values, payload), 16);
    assert_memory_equal(payload, ((uint8_t[]){0x34, 0x12, 0xfe, 0xff}), 4);
    eza_unpack(meters, payload, &back);
    assert_memory_equal(&values, &back, sizeof back);
    values = (struct eza_values){.raw = {0x12, 0x34}};
    assert_int_equal(eza_pack(clear, &values, payload), 2);
    assert_memory_equal(payload, ((uint8_t[]){0x12, 0x34}), 2);
}

static void checked(const char *row, uint16_t raw, const char *want)
{
    struct eza_values values = {.raw = {raw}};
    struct failure failure = {.text = ""};
    bool good = eza_check(&eza_command_find(row)->reply, &values, &failure);

    assert_string_equal(failure.text, want);
    assert_int_equal(good, want[0] == '\0');
}

static void unknown_states_are_bad_values(void **state)
{
    (void)state;
    checked("1-1", 0x0014, "");
    checked("1-1", 0x0034, "");
    checked("1-1", 3, "bad value: operationMode: 3");
    checked("1-4", 0xffff, "bad value: operationMode: 65535");
    checked("2-1", 0x000a, "");
    checked("2-1", 0xfff0, "");
    checked("2-1", 0x000c, "bad value: alarmState: 3");
    checked("2-1", 0x0003, "bad value: runningState: 3");
    checked("10-1", 0xffff, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_raw_values_are_shown_exactly),
        cmocka_unit_test(known_values_are_shown),
        cmocka_unit_test(texts_are_truncated_exactly),
        cmocka_unit_test(bad_texts_are_refused),
        cmocka_unit_test(bytes_and_values_convert),
        cmocka_unit_test(unknown_states_are_bad_values),
    };

    return cmocka_run_group_tests_name("eza_codec", tests, NULL, NULL);
}
