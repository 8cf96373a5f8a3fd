/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second reading of the wire facts, "Frame", as simple as can be, against which the targets for
 * frames and link check the first. Addresses are 0 and 16 or, swapped, 16 and 0.
 */
#ifndef TESTS_FUZZ_EZA_ORACLE_H
#define TESTS_FUZZ_EZA_ORACLE_H

#include <stdbool.h>

#include "dcdcd/eza_frame.h"
#include "tests/fuzz/fuzz.h"

static inline uint16_t oracle_sum(const uint8_t *frame)
{
    unsigned sum = 0;

    for (size_t i = 2; i < 5U + frame[1]; i++)
        sum += frame[i];
    return (uint16_t)(sum & 0xffff);
}

/* True if bytes, at least one, begin with a whole reply frame, whatever its checksum. */
static inline bool oracle_whole(const uint8_t *bytes, size_t count)
{
    return bytes[0] == 0x02 && count >= 7 && count >= 7U + bytes[1];
}

/* Gives a whole frame its right checksum. */
static inline void oracle_seal(uint8_t *frame)
{
    frame[5 + frame[1]] = (uint8_t)oracle_sum(frame);
    frame[6 + frame[1]] = (uint8_t)(oracle_sum(frame) >> 8);
}

/* True if bytes begin with a correct frame with this CMD and LEN. */
static inline bool oracle_fits(const uint8_t *bytes, size_t count, uint8_t cmd, size_t length,
                               bool check_address)
{
    return oracle_whole(bytes, count) && bytes[4] == cmd && bytes[1] == length &&
           (!check_address || (bytes[2] == 0 && bytes[3] == 16) ||
            (bytes[2] == 16 && bytes[3] == 0)) &&
           oracle_sum(bytes) == (bytes[5 + length] | bytes[6 + length] << 8);
}

static inline bool oracle_is_reply(const uint8_t *bytes, size_t count,
                                   const struct eza_command *command, bool check_address)
{
    return oracle_whole(bytes, count) &&
           oracle_fits(bytes, count, command->cmd, eza_fields_size(&command->reply), check_address);
}

static inline bool oracle_is_nak(const uint8_t *bytes, size_t count,
                                 const struct eza_command *command, bool check_address)
{
    return oracle_fits(bytes, count, command->cmd | 0x80, 2, check_address);
}

/* True if these are the values of the correct reply at frame. */
static inline bool oracle_holds(const uint8_t *frame, const struct eza_command *command,
                                const struct eza_values *values)
{
    const uint8_t *at = frame + 5;

    for (size_t i = 0; i < command->reply.count; i++) {
        bool wide = command->reply.field[i].type != EZA_U8;

        if (values->raw[i] != (wide ? at[0] | at[1] << 8 : at[0]))
            return false;
        at += wide ? 2 : 1;
    }
    return true;
}

#endif
