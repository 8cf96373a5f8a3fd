/* SPDX-License-Identifier: Apache-2.0 */
/* A list of commands to do one after the other, and their answers. Pure. */
#ifndef DCDCD_SEQUENCE_H
#define DCDCD_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "dcdcd/eza_codec.h"

enum { SEQUENCE_MAX = 8 };

struct sequence_step {
    const struct eza_command *command;
    struct eza_values values; /* what a write asks for */
    bool dig_as_read;         /* a 6-4 that keeps the dig which the 6-1 before it has read */
    struct eza_values answer; /* valid for the steps before sequence->done */
};

struct sequence {
    struct sequence_step step[SEQUENCE_MAX];
    size_t count;
    size_t done; /* steps answered */
};

/* Appends a read of the named row. */
void sequence_read(struct sequence *sequence, const char *name);

/* Appends a write of the named row and returns its step; the caller sets the values by field. */
struct sequence_step *sequence_write(struct sequence *sequence, const char *name);

/* Sets a field of a write's values; the field must exist. */
void sequence_set(struct sequence_step *step, const char *field, uint16_t raw);

/* The next step with its values complete, or NULL when all are done. */
const struct sequence_step *sequence_next(struct sequence *sequence);

/* The answer to the next step. */
void sequence_answer(struct sequence *sequence, const struct eza_values *answer);

/*
 * A field of the last answer to the named row or to its counterpart with the same fields ("4-1"
 * finds 4-4 too). Returns the field's description and *raw, or NULL if there is no such answer.
 */
const struct eza_field *sequence_find(const struct sequence *sequence, const char *row,
                                      const char *field, uint16_t *raw);

/* True if every command of wanted is in sequence: its answers serve both. */
bool sequence_covers(const struct sequence *sequence, const struct sequence *wanted);

#endif
