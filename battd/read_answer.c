/* SPDX-License-Identifier: Apache-2.0 */
#include "battd/read_answer.h"

#include "battd/read_request.h"

enum {
    EXCEPTION_FLAG = 0x80,
    EXCEPTION_SIZE = 5 /* unit, function, code, CRC */
};

/* By code; Modbus Application Protocol V1.1b3, section 7. */
static const char *const exceptions[] = {
    [1] = "illegal function",
    [2] = "illegal data address",
    [3] = "illegal data value",
    [4] = "device failure",
    [5] = "acknowledge",
    [6] = "device busy",
    [7] = "negative acknowledge",
    [8] = "memory parity error",
    [10] = "gateway path unavailable",
    [11] = "target device failed to respond",
};

static enum outcome read_exception(const uint8_t *frame, size_t size, struct failure *failure)
{
    unsigned code = frame[2];

    if (size != EXCEPTION_SIZE || frame[1] != (READ_INPUT_REGISTERS | EXCEPTION_FLAG) ||
        code >= sizeof exceptions / sizeof exceptions[0] || exceptions[code] == NULL) {
        failure_set(failure, REASON_BATTERY, "malformed exception answer");
        return OUTCOME_MALFORMED;
    }
    failure_set(failure, REASON_BATTERY, "exception %u: %s", code, exceptions[code]);
    return OUTCOME_EXCEPTION;
}

enum outcome read_answer(uint8_t unit, const uint8_t *frame, size_t size,
                         struct read_answer *answer, struct failure *failure)
{
    if (size < EXCEPTION_SIZE || frame[0] != unit) {
        failure_set(failure, REASON_BATTERY, "answer from another unit");
        return OUTCOME_FOREIGN;
    }
    if (frame[1] & EXCEPTION_FLAG)
        return read_exception(frame, size, failure);
    if (frame[1] != READ_INPUT_REGISTERS || frame[2] % 2 != 0 || frame[2] == 0 ||
        frame[2] > 2 * REGISTER_VALUES_MAX || size != 5U + frame[2]) {
        failure_set(failure, REASON_BATTERY, "malformed answer");
        return OUTCOME_MALFORMED;
    }
    answer->count = frame[2] / 2;
    for (size_t i = 0; i < answer->count; i++)
        answer->values[i] = (uint16_t)(frame[3 + 2 * i] << 8 | frame[4 + 2 * i]);
    return OUTCOME_OK;
}
