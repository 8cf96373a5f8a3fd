/* SPDX-License-Identifier: Apache-2.0 */
#include "battd/registers.h"

/* battery_operation_status (specification 5.1.4.1) */
enum { SHARING_DENIED = 0, SHARING_PERMITTED = 3 };

static struct register_read read_of(uint16_t first, int count)
{
    return (struct register_read){(uint16_t)(first - REGISTER_BASE), (uint8_t)count};
}

struct register_plan registers_plan(uint16_t adr_rsoc, uint16_t adr_status)
{
    const struct register_read one = read_of(adr_rsoc, 1), two = read_of(adr_rsoc, 2);

    switch (adr_status - adr_rsoc) {
    case 0:
        return (struct register_plan){{one}, 1, 0, 0, two};
    case 1:
        return (struct register_plan){{two}, 1, 0, 1, one};
    case -1:
        return (struct register_plan){{read_of(adr_status, 2)}, 1, 1, 0, one};
    default:
        return (struct register_plan){{one, read_of(adr_status, 1)}, 2, 0, 1, two};
    }
}

bool registers_decode(const struct register_plan *plan, const uint16_t values[REGISTER_VALUES_MAX],
                      struct reading *reading)
{
    uint16_t rsoc = values[plan->rsoc_index];
    bool denied = values[plan->status_index] & 1;

    if (rsoc > RSOC_MAX)
        return false;
    *reading = (struct reading){rsoc, denied ? SHARING_DENIED : SHARING_PERMITTED};
    return true;
}
