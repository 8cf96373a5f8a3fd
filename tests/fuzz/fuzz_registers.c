/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The battery's registers: whatever a device holds in them, a poll reads the two that are
 * configured, and what is served is 0 to 100 % and a status, or an error. Input: both register
 * numbers, which plan, two values for all registers of even and odd number.
 */
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
    struct register_plan plan = fuzz_byte(&input) % 2 == 0
                                    ? registers_plan(adr_rsoc, adr_status)
                                    : registers_plan_single(adr_rsoc, adr_status);
    const uint16_t held[] = {fuzz_u16(&input), fuzz_u16(&input)};
    uint16_t values[REGISTER_VALUES_MAX] = {0};
    uint16_t rsoc = held[(adr_rsoc - 30001) % 2], status = held[(adr_status - 30001) % 2];
    struct reading reading = {.rsoc = 7, .operation_status = 7};

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
