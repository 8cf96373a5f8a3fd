/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/eza_codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/operation_mode.h"

/* raw × rating / 2^q = raw × rating × 5^q / 10^q: at most 65535 × 78125 × 5^13 < 10^19. */
static struct decimal scale(const struct eza_field *field, uint32_t raw)
{
    struct decimal value = {.coefficient = raw * field->rating.coefficient,
                            .exponent = field->rating.exponent - field->q};

    for (int i = 0; i < field->q; i++)
        value.coefficient *= 5;
    return value;
}

struct decimal eza_decode(const struct eza_field *field, uint16_t raw)
{
    int32_t number = field->type == EZA_S16 ? (int16_t)raw : raw;
    uint32_t magnitude = (uint32_t)abs(number);
    struct decimal value = field->kind == EZA_SCALED ? scale(field, magnitude)
                                                     : (struct decimal){.coefficient = magnitude};

    value.negative = number < 0;
    return value;
}

/* The greatest raw value whose exact decimal is not above value: truncation without rounding. */
static uint16_t unscale(const struct eza_field *field, struct decimal value)
{
    uint32_t low = 0, high = UINT16_MAX;

    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;

        if (decimal_compare(scale(field, middle), value) <= 0)
            low = middle;
        else
            high = middle - 1;
    }
    return (uint16_t)low;
}

static bool encode_number(const struct eza_field *field, const char *text, uint16_t *raw,
                          struct failure *failure)
{
    static const struct decimal byte_min = DECIMAL(0, 0), byte_max = DECIMAL(255, 0);
    bool scaled = field->kind == EZA_SCALED;
    struct decimal min = scaled ? field->min : byte_min, max = scaled ? field->max : byte_max;
    struct decimal value;
    const char *why = decimal_parse(text, &value);
    char limit[DECIMAL_DOUBLE_SIZE];

    if (why != NULL)
        failure_set(failure, REASON_INVALID_PARAMS, "%s: '%.64s': %s", field->name, text, why);
    else if (decimal_compare(value, min) < 0)
        failure_set(failure, REASON_INVALID_PARAMS, "%s: %s is below %s", field->name, text,
                    decimal_print_double(decimal_to_double(min), limit));
    else if (decimal_compare(value, max) > 0)
        failure_set(failure, REASON_INVALID_PARAMS, "%s: %s is above %s", field->name, text,
                    decimal_print_double(decimal_to_double(max), limit));
    else if (!scaled && value.exponent < 0)
        failure_set(failure, REASON_INVALID_PARAMS, "%s: %s is not a whole number", field->name,
                    text);
    else {
        *raw = scaled ? unscale(field, value) : (uint16_t)decimal_to_double(value);
        return true;
    }
    return false;
}

static bool encode_bits(const struct eza_field *field, const char *text, uint16_t *raw,
                        struct failure *failure)
{
    bool hex = strncmp(text, "0x", 2) == 0;
    const char *digits = hex ? text + 2 : text;
    size_t count = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
    unsigned long value = count > 0 && count <= 5 ? strtoul(digits, NULL, hex ? 16 : 10) : ~0UL;

    if (digits[count] != '\0' || value > UINT16_MAX) {
        failure_set(failure, REASON_INVALID_PARAMS, "%s: '%.64s' is not in 0x0000..0xffff",
                    field->name, text);
        return false;
    }
    *raw = (uint16_t)value;
    return true;
}

bool eza_encode(const struct eza_field *field, const char *text, uint16_t *raw,
                struct failure *failure)
{
    return eza_is_text(field) ? encode_bits(field, text, raw, failure)
                              : encode_number(field, text, raw, failure);
}

bool eza_is_text(const struct eza_field *field)
{
    return field->kind == EZA_HEX || field->kind == EZA_MODE || field->kind == EZA_CST;
}

char *eza_print(const struct eza_field *field, uint16_t raw, char text[static EZA_TEXT_SIZE])
{
    if (!eza_is_text(field))
        return decimal_print_double(decimal_to_double(eza_decode(field, raw)), text);
    snprintf(text, EZA_TEXT_SIZE, "0x%04x", raw);
    return text;
}

size_t eza_pack(const struct eza_fields *fields, const struct eza_values *values,
                uint8_t payload[static EZA_PAYLOAD_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < fields->count; i++) {
        payload[n++] = (uint8_t)values->raw[i];
        if (fields->field[i].type != EZA_U8)
            payload[n++] = (uint8_t)(values->raw[i] >> 8);
    }
    return n;
}

void eza_unpack(const struct eza_fields *fields, const uint8_t *payload, struct eza_values *values)
{
    *values = (struct eza_values){0};
    for (size_t i = 0; i < fields->count; i++) {
        values->raw[i] = *payload++;
        if (fields->field[i].type != EZA_U8)
            values->raw[i] = (uint16_t)(values->raw[i] | *payload++ << 8);
    }
}

static bool check_field(const struct eza_field *field, uint16_t raw, struct failure *failure)
{
    if (field->kind == EZA_MODE && operation_mode_find(raw) == NULL)
        failure_set(failure, REASON_BAD_VALUE, "bad value: operationMode: %u", raw);
    else if (field->kind == EZA_CST && eza_alarm_state(raw) > EZA_HEAVY_ALARM)
        failure_set(failure, REASON_BAD_VALUE, "bad value: alarmState: %u", eza_alarm_state(raw));
    else if (field->kind == EZA_CST && eza_running_state(raw) > EZA_DISCHARGE)
        failure_set(failure, REASON_BAD_VALUE, "bad value: runningState: %u",
                    eza_running_state(raw));
    else
        return true;
    return false;
}

bool eza_check(const struct eza_fields *fields, const struct eza_values *values,
               struct failure *failure)
{
    for (size_t i = 0; i < fields->count; i++)
        if (!check_field(&fields->field[i], values->raw[i], failure))
            return false;
    return true;
}
