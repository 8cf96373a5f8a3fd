/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/wire_faults.h"

#include <string.h>

static bool drop(struct sim_plan *plan, const struct sim_exchange *exchange,
                 const struct sim_argument *argument)
{
    (void)exchange;
    (void)argument;
    plan->copies = 0;
    return true;
}

static bool late(struct sim_plan *plan, const struct sim_exchange *exchange,
                 const struct sim_argument *argument)
{
    (void)exchange;
    plan->late_us += argument->us;
    return true;
}

static bool split(struct sim_plan *plan, const struct sim_exchange *exchange,
                  const struct sim_argument *argument)
{
    (void)exchange;
    plan->gap_us = argument->us;
    return true;
}

/* The last byte belongs to the checksum in both protocols. */
static bool checksum(struct sim_plan *plan, const struct sim_exchange *exchange,
                     const struct sim_argument *argument)
{
    (void)exchange;
    (void)argument;
    if (plan->size == 0)
        return false;
    plan->answer[plan->size - 1] ^= 0x55;
    return true;
}

static bool cut(struct sim_plan *plan, const struct sim_exchange *exchange,
                const struct sim_argument *argument)
{
    (void)exchange;
    if ((size_t)argument->number >= plan->size)
        return false;
    plan->size = (size_t)argument->number;
    return true;
}

/* xorshift32: noise that is the same in every run */
static uint8_t next_noise(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return (uint8_t)(*state >> 24);
}

/* Inserts the argument's bytes, or as many bytes of noise as it says, at place. */
static bool insert(struct sim_plan *plan, size_t place, const struct sim_argument *argument)
{
    size_t count = argument->size > 0 ? argument->size : (size_t)argument->number;

    if (plan->size + count > SIM_ANSWER_MAX)
        return false;
    memmove(plan->answer + place + count, plan->answer + place, plan->size - place);
    plan->size += count;
    for (size_t i = 0; i < count; i++)
        plan->answer[place + i] = argument->size > 0 ? argument->bytes[i] : next_noise(plan->noise);
    return true;
}

static bool noise_before(struct sim_plan *plan, const struct sim_exchange *exchange,
                         const struct sim_argument *argument)
{
    (void)exchange;
    return insert(plan, 0, argument);
}

static bool noise_inside(struct sim_plan *plan, const struct sim_exchange *exchange,
                         const struct sim_argument *argument)
{
    (void)exchange;
    return insert(plan, plan->size / 2, argument);
}

static bool noise_after(struct sim_plan *plan, const struct sim_exchange *exchange,
                        const struct sim_argument *argument)
{
    (void)exchange;
    return insert(plan, plan->size, argument);
}

static bool echo(struct sim_plan *plan, const struct sim_exchange *exchange,
                 const struct sim_argument *argument)
{
    (void)argument;
    if (exchange->request_size > sizeof plan->echo)
        return false;
    memcpy(plan->echo, exchange->request, exchange->request_size);
    plan->echo_size = exchange->request_size;
    return true;
}

static bool echo_changed(struct sim_plan *plan, const struct sim_exchange *exchange,
                         const struct sim_argument *argument)
{
    size_t index = (size_t)sim_argument_or(argument, (long)(exchange->request_size / 2));

    if (index >= exchange->request_size || !echo(plan, exchange, argument))
        return false;
    plan->echo[index] ^= 0x55;
    return true;
}

static bool twice(struct sim_plan *plan, const struct sim_exchange *exchange,
                  const struct sim_argument *argument)
{
    (void)exchange;
    (void)argument;
    plan->copies = 2;
    return true;
}

static bool hangup(struct sim_plan *plan, const struct sim_exchange *exchange,
                   const struct sim_argument *argument)
{
    size_t count = (size_t)sim_argument_or(argument, 0);

    (void)exchange;
    plan->hangup = true;
    if (count < plan->size)
        plan->size = count;
    return true;
}

const struct sim_fault_type sim_wire_faults[] = {
    {.name = "silence",
     .usage = "",
     .deaf = true,
     .help = "the request is not heard: neither carried out nor answered"},
    {.name = "drop",
     .usage = "",
     .apply = drop,
     .help = "the request is carried out, its answer is lost"},
    {.name = "late",
     .usage = "S",
     .kind = SIM_SECONDS,
     .required = true,
     .apply = late,
     .help = "the answer comes S seconds later, those after it no earlier"},
    {.name = "split",
     .usage = "S",
     .kind = SIM_SECONDS,
     .required = true,
     .apply = split,
     .help = "S seconds of silence between the bytes of the answer"},
    {.name = "checksum",
     .usage = "",
     .apply = checksum,
     .help = "the last byte of the checksum is wrong"},
    {.name = "cut",
     .usage = "N",
     .kind = SIM_NUMBER,
     .required = true,
     .max = SIM_ANSWER_MAX,
     .apply = cut,
     .help = "only the first N bytes of the answer are sent"},
    {.name = "noise_before",
     .usage = "N|0xHEX",
     .kind = SIM_NOISE,
     .required = true,
     .apply = noise_before,
     .help = "N (1..128) bytes of noise, or these bytes, before the answer"},
    {.name = "noise_inside",
     .usage = "N|0xHEX",
     .kind = SIM_NOISE,
     .required = true,
     .apply = noise_inside,
     .help = "the same in the middle of the answer"},
    {.name = "noise_after",
     .usage = "N|0xHEX",
     .kind = SIM_NOISE,
     .required = true,
     .apply = noise_after,
     .help = "the same after the answer"},
    {.name = "echo",
     .usage = "",
     .apply = echo,
     .help = "the request comes back byte by byte, then the answer follows"},
    {.name = "echo_changed",
     .usage = "[I]",
     .kind = SIM_NUMBER,
     .max = SIM_FRAME_MAX,
     .apply = echo_changed,
     .help = "the same with byte I (0 is the first; default: the middle) wrong"},
    {.name = "twice", .usage = "", .apply = twice, .help = "the answer is sent two times"},
    {.name = "hangup",
     .usage = "[N]",
     .kind = SIM_NUMBER,
     .max = SIM_ANSWER_MAX,
     .apply = hangup,
     .help = "the port is unplugged after N bytes (default 0) of the answer; come back with: back"},
};

const size_t sim_wire_fault_count = sizeof sim_wire_faults / sizeof sim_wire_faults[0];
