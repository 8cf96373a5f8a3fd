/* SPDX-License-Identifier: Apache-2.0 */
/* How the converter's meters and alarms follow from what is set. Pure. Used by eza2500_model. */
#ifndef TESTS_SIM_EZA2500_PHYSICS_H
#define TESTS_SIM_EZA2500_PHYSICS_H

#include "tests/sim/eza2500_model.h"

/* True in the modes that hold the grid's voltage. */
bool eza2500_holds_grid(uint16_t mode);

/* Lets the meters move from model->now_us to now_us, then looks for alarms. */
void eza2500_step(struct eza2500_model *model, int64_t now_us);

/* Puts the meters where they would be after a long time. */
void eza2500_settle(struct eza2500_model *model);

/* The bits of alm1 whose cause is there now. */
uint16_t eza2500_causes(const struct eza2500_model *model);

#endif
