/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of the EZA2500's fields: text to raw, raw to exact decimal and text, raw to payload bytes
 * and back (wire facts, "Q format" and "Status word CST"). Pure; driven by the command table.
 */
#ifndef DCDCD_EZA_CODEC_H
#define DCDCD_EZA_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/eza_commands.h"
#include "common/reason.h"

/* Raw values in the order of a command's fields; EZA_S16 in two's complement. */
struct eza_values {
    uint16_t raw[EZA_FIELDS_MAX];
};

enum { EZA_TEXT_SIZE = DECIMAL_DOUBLE_SIZE, EZA_PAYLOAD_MAX = 2 * EZA_FIELDS_MAX };

/* What CST says; other values are refused by eza_check. */
enum eza_running { EZA_OFF, EZA_CHARGE, EZA_DISCHARGE };
enum eza_alarm { EZA_NO_ALARM, EZA_LIGHT_ALARM, EZA_HEAVY_ALARM };

static inline unsigned eza_running_state(uint16_t cst)
{
    return cst & 3U;
}

static inline unsigned eza_alarm_state(uint16_t cst)
{
    return cst >> 2 & 3U;
}

/*
 * Converts a value that somebody asks for, in the field's unit, to raw: range-checked, truncated
 * toward zero on the exact decimal. Bit fields and modes take "0x0014" or "20". Returns true, or
 * false with *failure filled (REASON_INVALID_PARAMS: "dvg: 0.0 is below 260").
 */
bool eza_encode(const struct eza_field *field, const char *text, uint16_t *raw,
                struct failure *failure);

/* The exact value of a raw one, in the field's unit. For EZA_SCALED and EZA_INTEGER. */
struct decimal eza_decode(const struct eza_field *field, uint16_t raw);

/* True if the field is shown as text ("0x0014") and not as a number. */
bool eza_is_text(const struct eza_field *field);

/* Writes the value as it is shown: the shortest number, or "0x%04x". Returns text. */
char *eza_print(const struct eza_field *field, uint16_t raw, char text[static EZA_TEXT_SIZE]);

/* Payload bytes of values; returns their count. */
size_t eza_pack(const struct eza_fields *fields, const struct eza_values *values,
                uint8_t payload[static EZA_PAYLOAD_MAX]);

/* The reverse; payload holds eza_fields_size(fields) bytes. */
void eza_unpack(const struct eza_fields *fields, const uint8_t *payload, struct eza_values *values);

/*
 * Checks an answer's values for what the specification does not know: modes, alarm and running
 * states. Returns true, or false with *failure filled ("bad value: alarmState: 3").
 */
bool eza_check(const struct eza_fields *fields, const struct eza_values *values,
               struct failure *failure);

#endif
