/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The battery's registers: whatever a device holds in them, a poll reads the two that are
 * configured, and what is served is 0 to 100 % and a status, or an error. Input: both register
 * numbers, two values for all registers of even and odd number, a frame.
 */
#include "battd/read_answer.h"
#include "battd/registers.h"
#include "battd/reply.h"

#include "tests/fuzz/fuzz.h"

/* Reads as the bus does: the values of all requests end to end. */
static void read_all(const struct register_plan *plan, const uint16_t held[2],
                     uint16_t values[static REGISTER_VALUES_MAX])
{
    size_t count = 0;

    CHECK(plan->read_count >= 1 && plan->read_count <= REGISTER_READS_MAX);
    for (size_t i = 0; i < plan->read_count; i++)
        for (unsigned j = 0; j < plan->read[i].count; j++) {
            CHECK(count < REGISTER_VALUES_MAX && plan->read[i].offset + j <= 9998);
            values[count++] = held[(plan->read[i].offset + j) % 2];
        }
    CHECK(plan->rsoc_index < count && plan->status_index < count);
    CHECK(plan->probe.count != plan->read[0].count);
}

/* Any bytes as a frame of the battery's: values are those of a whole answer, or there are none. */
static void check_frame(const uint8_t *frame, size_t size)
{
    struct read_answer answer = {.count = 0};
    struct failure failure = {.text = ""};
    enum outcome outcome = read_answer(1, frame, size, &answer, &failure);

    CHECK((outcome == OUTCOME_OK) == (failure.text[0] == '\0'));
    if (outcome != OUTCOME_OK) {
        CHECK(answer.count == 0);
        CHECK(outcome != OUTCOME_EXCEPTION || (size == 5 && frame[0] == 1 && frame[1] == 0x84));
        return;
    }
    CHECK(frame[0] == 1 && frame[1] == 4);
    CHECK(answer.count >= 1 && answer.count <= REGISTER_VALUES_MAX);
    CHECK(frame[2] == 2 * answer.count && size == 5U + frame[2]);
    for (size_t i = 0; i < answer.count; i++)
        CHECK(answer.values[i] == frame[3 + 2 * i] * 256 + frame[4 + 2 * i]);
}

static void check_reply(const struct reading *reading)
{
    struct json_object *reply = battery_reply_check(reading, 412000);
    double rsoc = json_object_get_double(json_object_object_get(reply, "rsoc"));

    CHECK(rsoc >= 0 && rsoc <= 100 && rsoc * 10 - reading->rsoc < 1e-9);
    json_object_put(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint16_t adr_rsoc = (uint16_t)(30001 + fuzz_u16(&input) % 9999);
    uint16_t adr_status = (uint16_t)(30001 + fuzz_u16(&input) % 9999);
    struct register_plan plan = registers_plan(adr_rsoc, adr_status);
    const uint16_t held[] = {fuzz_u16(&input), fuzz_u16(&input)};
    uint16_t values[REGISTER_VALUES_MAX] = {0};
    uint16_t rsoc = held[(adr_rsoc - 30001) % 2], status = held[(adr_status - 30001) % 2];
    struct reading reading = {.rsoc = 7, .operation_status = 7};

    check_frame(input.data, input.size);
    read_all(&plan, held, values);
    if (registers_decode(&plan, values, &reading)) {
        CHECK(reading.rsoc == rsoc && rsoc <= 1000);
        CHECK(reading.operation_status == (status % 2 == 0 ? 3 : 0));
        check_reply(&reading);
    } else {
        CHECK(rsoc > 1000 && reading.rsoc == 7 && reading.operation_status == 7);
    }
    return 0;
}
