/* SPDX-License-Identifier: Apache-2.0 */
#include "common/operation_mode.h"

#include <stdlib.h>
#include <string.h>

/* "Hateronomy CV Charging" is spelled as in the specification: clients compare the text. */
const struct operation_mode operation_modes[] = {
    {"Waiting", MODE_WAITING, true},
    {"Hateronomy CV Charging", 0x0001, false},
    {"Heteronomy CV", MODE_HETERONOMY_CV, true},
    {"Heteronomy CV", 0x0022, false},
    {"Battery Autonomy", 0x0004, false},
    {"Grid Autonomy", MODE_GRID_AUTONOMY, true},
    {"Grid Autonomy CC Battery", 0x0034, false},
    {"Heteronomy CV", MODE_HETERONOMY_CHARGE, true},
};
const size_t operation_mode_count = sizeof operation_modes / sizeof operation_modes[0];

const struct operation_mode *operation_mode_find(unsigned value)
{
    for (size_t i = 0; i < operation_mode_count; i++)
        if (operation_modes[i].value == value)
            return &operation_modes[i];
    return NULL;
}

bool operation_mode_parse(const char *text, uint16_t *mode, struct failure *failure)
{
    const struct operation_mode *found;
    size_t digits = 0;
    unsigned value;

    if (strncmp(text, "0x", 2) == 0 && strlen(text) <= 6)
        digits = strspn(text + 2, "0123456789abcdefABCDEF");
    if (digits == 0 || text[2 + digits] != '\0') {
        failure_set(failure, REASON_BAD_VALUE, "bad value: 2");
        return false;
    }
    value = (unsigned)strtoul(text + 2, NULL, 16);
    found = operation_mode_find(value);
    if (found == NULL || !found->settable) {
        failure_set(failure, REASON_BAD_VALUE, "bad value: operation mode: %u", value);
        return false;
    }
    *mode = found->value;
    return true;
}
