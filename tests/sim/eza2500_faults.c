/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/eza2500_faults.h"

#include <string.h>

enum { CMD_MODE = 0x00, CMD_STATUS = 0x01, NAK = 0x80, UNKNOWN_MODE = 0x0099, UNKNOWN_STATE = 3 };

unsigned eza2500_checksum(const uint8_t *frame, size_t size)
{
    unsigned sum = 0;

    for (size_t i = EZA_AT_AD1; i + EZA_CHECKSUM_SIZE < size; i++)
        sum += frame[i];
    return sum & 0xffff;
}

static void seal(uint8_t *frame, size_t size)
{
    unsigned sum = eza2500_checksum(frame, size);

    frame[size - 2] = (uint8_t)sum;
    frame[size - 1] = (uint8_t)(sum >> 8);
}

static bool ad1(struct sim_plan *plan, const struct sim_exchange *exchange,
                const struct sim_argument *argument)
{
    (void)exchange;
    plan->answer[EZA_AT_AD1] = (uint8_t)sim_argument_or(argument, plan->answer[EZA_AT_AD1] ^ 0x40);
    return true;
}

static bool ad2(struct sim_plan *plan, const struct sim_exchange *exchange,
                const struct sim_argument *argument)
{
    (void)exchange;
    plan->answer[EZA_AT_AD2] = (uint8_t)sim_argument_or(argument, plan->answer[EZA_AT_AD2] ^ 0x40);
    return true;
}

static bool command(struct sim_plan *plan, const struct sim_exchange *exchange,
                    const struct sim_argument *argument)
{
    (void)exchange;
    plan->answer[EZA_AT_CMD] = (uint8_t)sim_argument_or(argument, plan->answer[EZA_AT_CMD] ^ 0x20);
    return true;
}

static bool length(struct sim_plan *plan, const struct sim_exchange *exchange,
                   const struct sim_argument *argument)
{
    (void)exchange;
    plan->answer[EZA_AT_LEN] = (uint8_t)sim_argument_or(argument, plan->answer[EZA_AT_LEN] + 2);
    return true;
}

/* Puts other data into the answer. */
static bool replace_data(struct sim_plan *plan, const uint8_t *data, size_t size)
{
    memcpy(plan->answer + EZA_AT_DATA, data, size);
    plan->answer[EZA_AT_LEN] = (uint8_t)size;
    plan->size = size + EZA_OVERHEAD;
    return true;
}

static bool nak(struct sim_plan *plan, const struct sim_exchange *exchange,
                const struct sim_argument *argument)
{
    const uint8_t ercd[] = {(uint8_t)argument->number, (uint8_t)(argument->number >> 8)};

    plan->answer[EZA_AT_CMD] = (uint8_t)(exchange->cmd | NAK);
    return replace_data(plan, ercd, sizeof ercd);
}

static bool data(struct sim_plan *plan, const struct sim_exchange *exchange,
                 const struct sim_argument *argument)
{
    (void)exchange;
    return replace_data(plan, argument->bytes, argument->size);
}

/* True if the answer carries at least one u16 and is none of a refusal. */
static bool carries(const struct sim_plan *plan, unsigned cmd)
{
    return plan->answer[EZA_AT_CMD] == cmd && plan->size >= EZA_OVERHEAD + 2;
}

static bool mode(struct sim_plan *plan, const struct sim_exchange *exchange,
                 const struct sim_argument *argument)
{
    long value = sim_argument_or(argument, UNKNOWN_MODE);

    (void)exchange;
    if (!carries(plan, CMD_MODE))
        return false;
    plan->answer[EZA_AT_DATA] = (uint8_t)value;
    plan->answer[EZA_AT_DATA + 1] = (uint8_t)(value >> 8);
    return true;
}

static bool change_status(struct sim_plan *plan, unsigned shift, long value)
{
    if (!carries(plan, CMD_STATUS))
        return false;
    plan->answer[EZA_AT_DATA] =
        (uint8_t)((plan->answer[EZA_AT_DATA] & ~(3U << shift)) | (unsigned)value << shift);
    return true;
}

static bool running_state(struct sim_plan *plan, const struct sim_exchange *exchange,
                          const struct sim_argument *argument)
{
    (void)exchange;
    return change_status(plan, 0, sim_argument_or(argument, UNKNOWN_STATE));
}

static bool alarm_state(struct sim_plan *plan, const struct sim_exchange *exchange,
                        const struct sim_argument *argument)
{
    (void)exchange;
    return change_status(plan, 2, sim_argument_or(argument, UNKNOWN_STATE));
}

static const struct sim_fault_type faults[] = {
    {.name = "ad1",
     .usage = "[XX]",
     .kind = SIM_HEX,
     .max = UINT8_MAX,
     .apply = ad1,
     .help = "the answer's first address is another one"},
    {.name = "ad2",
     .usage = "[XX]",
     .kind = SIM_HEX,
     .max = UINT8_MAX,
     .apply = ad2,
     .help = "the answer's second address is another one"},
    {.name = "command",
     .usage = "[XX]",
     .kind = SIM_HEX,
     .max = UINT8_MAX,
     .apply = command,
     .help = "the answer's command byte is another one"},
    {.name = "length",
     .usage = "[N]",
     .kind = SIM_NUMBER,
     .max = UINT8_MAX,
     .apply = length,
     .help = "the answer's length byte is wrong (default: 2 too many), the data is as it was"},
    {.name = "data",
     .usage = "HEX",
     .kind = SIM_BYTES,
     .required = true,
     .apply = data,
     .help = "the answer is a sound frame with this data"},
    {.name = "nak",
     .usage = "ERCD",
     .kind = SIM_HEX,
     .required = true,
     .max = UINT16_MAX,
     .refuses = true,
     .apply = nak,
     .help = "the answer is a refusal: ffff fffe fffd fffc fffb (the request is not carried out)"},
    {.name = "mode",
     .usage = "[XXXX]",
     .kind = SIM_HEX,
     .max = UINT16_MAX,
     .apply = mode,
     .help = "answers to 1-1 and 1-4 show this mode (default: 99, unknown)"},
    {.name = "alarm_state",
     .usage = "[0..3]",
     .kind = SIM_NUMBER,
     .max = 3,
     .apply = alarm_state,
     .help = "answers to 2-1 show this alarm state (default: 3, unknown)"},
    {.name = "running_state",
     .usage = "[0..3]",
     .kind = SIM_NUMBER,
     .max = 3,
     .apply = running_state,
     .help = "answers to 2-1 show this running state (default: 3, unknown)"},
};

const struct sim_protocol eza2500_protocol = {
    .faults = faults,
    .fault_count = sizeof faults / sizeof faults[0],
    .seal = seal,
    .checksum_size = EZA_CHECKSUM_SIZE,
};
