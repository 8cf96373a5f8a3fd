/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/battery_faults.h"

#include <string.h>

/* Unit, function, number of bytes, the registers, CRC. */
enum { AT_UNIT, AT_FUNCTION, AT_COUNT, AT_DATA, EXCEPTION = 0x80, REGISTER_SIZE = 2 };

uint16_t modbus_crc(const uint8_t *bytes, size_t size)
{
    unsigned crc = 0xffff;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) ? (crc >> 1) ^ 0xa001 : crc >> 1;
    }
    return (uint16_t)crc;
}

static void seal(uint8_t *frame, size_t size)
{
    uint16_t crc = modbus_crc(frame, size - MODBUS_CRC_SIZE);

    frame[size - 2] = (uint8_t)crc;
    frame[size - 1] = (uint8_t)(crc >> 8);
}

static bool exception(struct sim_plan *plan, const struct sim_exchange *exchange,
                      const struct sim_argument *argument)
{
    plan->answer[AT_FUNCTION] = (uint8_t)(exchange->cmd | EXCEPTION);
    plan->answer[AT_COUNT] = (uint8_t)argument->number;
    plan->size = AT_DATA + MODBUS_CRC_SIZE;
    return true;
}

static bool unit(struct sim_plan *plan, const struct sim_exchange *exchange,
                 const struct sim_argument *argument)
{
    (void)exchange;
    plan->answer[AT_UNIT] = (uint8_t)sim_argument_or(argument, plan->answer[AT_UNIT] + 1);
    return true;
}

static bool function(struct sim_plan *plan, const struct sim_exchange *exchange,
                     const struct sim_argument *argument)
{
    (void)exchange;
    plan->answer[AT_FUNCTION] = (uint8_t)sim_argument_or(argument, plan->answer[AT_FUNCTION] ^ 7);
    return true;
}

/* True if the answer carries registers. */
static bool carries(const struct sim_plan *plan)
{
    return (plan->answer[AT_FUNCTION] & EXCEPTION) == 0 &&
           plan->size >= AT_DATA + REGISTER_SIZE + MODBUS_CRC_SIZE;
}

static bool one_less(struct sim_plan *plan, const struct sim_exchange *exchange,
                     const struct sim_argument *argument)
{
    (void)exchange;
    (void)argument;
    if (!carries(plan))
        return false;
    plan->answer[AT_COUNT] -= REGISTER_SIZE;
    plan->size -= REGISTER_SIZE;
    return true;
}

static bool one_more(struct sim_plan *plan, const struct sim_exchange *exchange,
                     const struct sim_argument *argument)
{
    (void)exchange;
    (void)argument;
    if (!carries(plan))
        return false;
    memset(plan->answer + plan->size - MODBUS_CRC_SIZE, 0, REGISTER_SIZE);
    plan->answer[AT_COUNT] += REGISTER_SIZE;
    plan->size += REGISTER_SIZE;
    return true;
}

static bool data(struct sim_plan *plan, const struct sim_exchange *exchange,
                 const struct sim_argument *argument)
{
    (void)exchange;
    memcpy(plan->answer + AT_DATA, argument->bytes, argument->size);
    plan->answer[AT_COUNT] = (uint8_t)argument->size;
    plan->size = AT_DATA + argument->size + MODBUS_CRC_SIZE;
    return true;
}

static const struct sim_fault_type faults[] = {
    {.name = "exception",
     .usage = "CODE",
     .kind = SIM_NUMBER,
     .required = true,
     .min = 1,
     .max = UINT8_MAX,
     .apply = exception,
     .help = "the answer is a Modbus exception: 1 function, 2 address, 3 value, 4 device failure"},
    {.name = "unit",
     .usage = "[XX]",
     .kind = SIM_HEX,
     .max = UINT8_MAX,
     .apply = unit,
     .help = "the answer comes from another unit"},
    {.name = "function",
     .usage = "[XX]",
     .kind = SIM_HEX,
     .max = UINT8_MAX,
     .apply = function,
     .help = "the answer is to another function"},
    {.name = "short",
     .usage = "",
     .apply = one_less,
     .help = "the answer has one register less than asked for"},
    {.name = "long",
     .usage = "",
     .apply = one_more,
     .help = "the answer has one register more than asked for"},
    {.name = "data",
     .usage = "HEX",
     .kind = SIM_BYTES,
     .required = true,
     .apply = data,
     .help = "the answer is a sound frame with this data"},
};

const struct sim_protocol battery_protocol = {
    .faults = faults,
    .fault_count = sizeof faults / sizeof faults[0],
    .seal = seal,
    .checksum_size = MODBUS_CRC_SIZE,
};
