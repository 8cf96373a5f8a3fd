/* SPDX-License-Identifier: Apache-2.0 */
/* The converter's model as JSON, for the control command `state`. Used by eza2500_device. */
#ifndef TESTS_SIM_EZA2500_STATE_H
#define TESTS_SIM_EZA2500_STATE_H

#include <json-c/json.h>

#include "tests/sim/eza2500_model.h"

/* Mode, alarms, meters, registers and surroundings, in their units. Caller owns. */
struct json_object *eza2500_state(const struct eza2500_model *model);

#endif
