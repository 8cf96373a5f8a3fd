/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The converter on its line: requests in, answers out, its own small codec (not the driver's, so
 * that an error there is not mirrored here). Used by eza2500_main.
 */
#ifndef TESTS_SIM_EZA2500_DEVICE_H
#define TESTS_SIM_EZA2500_DEVICE_H

#include "tests/sim/replay.h"
#include "tests/sim/simulator.h"

struct eza2500_device;

extern const struct sim_device eza2500_type;

/* Answers requests with these addresses only. NULL without memory. */
struct eza2500_device *eza2500_device_new(uint8_t address1, uint8_t address2);
void eza2500_device_free(struct eza2500_device *device);

/* What the device sends its answers through; borrowed. */
void eza2500_device_attach(struct eza2500_device *device, struct simulator *simulator);

/* Answers from a recorded trace, borrowed, and no more from the model; no faults apply. */
void eza2500_device_replay(struct eza2500_device *device, struct replay *replay);

/* The power that flows into the battery now, in W. */
double eza2500_device_battery_power(struct eza2500_device *device);

#endif
