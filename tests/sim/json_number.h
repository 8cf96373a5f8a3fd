/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in the answers of the control socket. Used by eza2500_state and battery_device. */
#ifndef TESTS_SIM_JSON_NUMBER_H
#define TESTS_SIM_JSON_NUMBER_H

#include <json-c/json.h>
#include <math.h>

#include "common/decimal.h"

/* Adds a finite number, rounded to six places and printed as shortly as possible. */
static inline void sim_json_add(struct json_object *object, const char *name, double value)
{
    char text[DECIMAL_DOUBLE_SIZE];
    double rounded = round(value * 1e6) / 1e6;

    decimal_print_double(rounded, text);
    json_object_object_add(object, name, json_object_new_double_s(rounded, text));
}

#endif
