/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/answers.h"

#include <assert.h>

#include "common/clock.h"

/* Most answers take 15 to 30 ms; 0.1 s beside the line's time is when they are given up. */
const struct histogram_bounds answers_bounds = {
    .us = {10 * US_PER_MS, 15 * US_PER_MS, 20 * US_PER_MS, 30 * US_PER_MS, 50 * US_PER_MS,
           75 * US_PER_MS, 100 * US_PER_MS, 150 * US_PER_MS, 250 * US_PER_MS, 500 * US_PER_MS},
    .count = 10,
};

void answers_asked(struct answers *answers, int64_t now_us)
{
    answers->asked_us = now_us;
}

/* A write whose answer has the fields of its read shares that one's place, which is before it. */
static size_t place_of(const struct eza_command *command)
{
    size_t i = 0;

    while (eza_commands[i].cmd != command->cmd ||
           eza_commands[i].reply.field != command->reply.field)
        i++;
    assert(i < ANSWERS_COMMANDS_MAX);
    return i;
}

void answers_ended(struct answers *answers, const struct eza_command *command,
                   const struct eza_outcome *outcome, int64_t now_us)
{
    bool good = outcome->result == EZA_OK;

    if (!good && outcome->ercd == 0) /* silence, or nothing that makes sense */
        return;
    answers->heard = true;
    histogram_observe(&answers->times[command - eza_commands], &answers_bounds,
                      now_us - answers->asked_us);
    if (!good)
        return;
    answers->success_us = now_us;
    answers->last[place_of(command)] = (struct answer){true, now_us, outcome->values};
}

void answers_forget(struct answers *answers)
{
    answers->heard = false;
    for (size_t i = 0; i < ANSWERS_COMMANDS_MAX; i++)
        answers->last[i].known = false;
}

const struct eza_field *answers_find(const struct answers *answers, const char *row,
                                     const char *field, int64_t max_age_us, int64_t now_us,
                                     uint16_t *raw)
{
    const struct eza_command *command = eza_command_find(row);
    const struct answer *last = &answers->last[place_of(command)];
    int index = eza_field_find(&command->reply, field);

    if (!last->known || now_us - last->received_us >= max_age_us)
        return NULL;
    *raw = last->values.raw[index];
    return &command->reply.field[index];
}
