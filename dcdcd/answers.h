/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the converter answered last, how old that is, and how long its answers took, for `metrics`:
 * nobody sets or refuses anything because of it. Pure; the port feeds it.
 */
#ifndef DCDCD_ANSWERS_H
#define DCDCD_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/histogram.h"
#include "dcdcd/eza_link.h"

enum { ANSWERS_COMMANDS_MAX = 32 };

struct answer {
    bool known;
    int64_t received_us;
    struct eza_values values;
};

/* Begin with all of it zero. */
struct answers {
    int64_t asked_us;   /* when the last request was sent */
    bool heard;         /* there was an answer, be it a refusal, since the port was opened */
    int64_t success_us; /* when the last answer with valid values came; 0: none yet */
    /* By the index of the command; a write shares the values of its read. */
    struct answer last[ANSWERS_COMMANDS_MAX];
    struct histogram times[ANSWERS_COMMANDS_MAX]; /* from request to answer or refusal */
};

/* Of the times. */
extern const struct histogram_bounds answers_bounds;

/* A request was sent. */
void answers_asked(struct answers *answers, int64_t now_us);

/* It has ended. command: a row of eza_commands. */
void answers_ended(struct answers *answers, const struct eza_command *command,
                   const struct eza_outcome *outcome, int64_t now_us);

/* The port is gone: no value is known any more. */
void answers_forget(struct answers *answers);

/*
 * A field of the last answer to the named read, or to the write that has the same fields. Returns
 * its description and fills *raw; NULL when there is none younger than max_age_us.
 */
const struct eza_field *answers_find(const struct answers *answers, const char *row,
                                     const char *field, int64_t max_age_us, int64_t now_us,
                                     uint16_t *raw);

#endif
