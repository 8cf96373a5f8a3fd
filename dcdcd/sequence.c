/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/sequence.h"

#include <assert.h>

static struct sequence_step *append(struct sequence *sequence, const char *name)
{
    struct sequence_step *step;

    assert(sequence->count < SEQUENCE_MAX);
    step = &sequence->step[sequence->count++];
    *step = (struct sequence_step){.command = eza_command_find(name)};
    assert(step->command != NULL);
    return step;
}

void sequence_read(struct sequence *sequence, const char *name)
{
    append(sequence, name);
}

struct sequence_step *sequence_write(struct sequence *sequence, const char *name)
{
    return append(sequence, name);
}

void sequence_set(struct sequence_step *step, const char *field, uint16_t raw)
{
    int index = eza_field_find(&step->command->request, field);

    assert(index >= 0);
    step->values.raw[index] = raw;
}

const struct sequence_step *sequence_next(struct sequence *sequence)
{
    struct sequence_step *step = &sequence->step[sequence->done];
    uint16_t dig;

    if (sequence->done == sequence->count)
        return NULL;
    if (step->dig_as_read && sequence_find(sequence, "6-1", "dig", &dig) != NULL)
        sequence_set(step, "dig", dig);
    return step;
}

void sequence_answer(struct sequence *sequence, const struct eza_values *answer)
{
    assert(sequence->done < sequence->count);
    sequence->step[sequence->done++].answer = *answer;
}

const struct eza_field *sequence_find(const struct sequence *sequence, const char *row,
                                      const char *field, uint16_t *raw)
{
    const struct eza_command *wanted = eza_command_find(row);

    for (size_t i = sequence->done; i-- > 0;) {
        const struct sequence_step *step = &sequence->step[i];
        int index = eza_field_find(&step->command->reply, field);

        if (wanted == NULL || step->command->cmd != wanted->cmd || index < 0)
            continue;
        *raw = step->answer.raw[index];
        return &step->command->reply.field[index];
    }
    return NULL;
}

static bool contains(const struct sequence *sequence, const struct eza_command *command)
{
    for (size_t i = 0; i < sequence->count; i++)
        if (sequence->step[i].command == command)
            return true;
    return false;
}

bool sequence_covers(const struct sequence *sequence, const struct sequence *wanted)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (!contains(sequence, wanted->step[i].command))
            return false;
    return true;
}
