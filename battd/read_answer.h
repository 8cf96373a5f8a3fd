/* SPDX-License-Identifier: Apache-2.0 */
/* What a frame on the battery's bus says. Pure; used by bus. */
#ifndef BATTD_READ_ANSWER_H
#define BATTD_READ_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "battd/outcome.h"
#include "battd/registers.h"
#include "common/reason.h"

enum { READ_ANSWER_SIZE_MAX = 5 + 2 * REGISTER_VALUES_MAX /* unit, function, length, …, CRC */ };

/* An answer's registers. */
struct read_answer {
    uint8_t count; /* 1..REGISTER_VALUES_MAX */
    uint16_t values[REGISTER_VALUES_MAX];
};

/*
 * Reads a frame whose CRC is right: an answer of this unit to a read of input registers. Returns
 * OUTCOME_OK and fills *answer; or OUTCOME_EXCEPTION, OUTCOME_FOREIGN, OUTCOME_MALFORMED, in words
 * in failure->text.
 */
enum outcome read_answer(uint8_t unit, const uint8_t *frame, size_t size,
                         struct read_answer *answer, struct failure *failure);

#endif
