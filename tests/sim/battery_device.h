/* SPDX-License-Identifier: Apache-2.0 */
/* The battery on its line: Modbus RTU requests in, answers out. Used by battery_main. */
#ifndef TESTS_SIM_BATTERY_DEVICE_H
#define TESTS_SIM_BATTERY_DEVICE_H

#include "tests/sim/simulator.h"

struct battery_device;

extern const struct sim_device battery_type;

struct battery_device_config {
    uint8_t unit;                  /* 1..247 */
    unsigned adr_rsoc, adr_status; /* register numbers, 30001..39999, different */
    double rsoc;                   /* % */
    double capacity;               /* Wh */
};

/* NULL after saying why on stderr. */
struct battery_device *battery_device_new(const struct battery_device_config *config);

/* NULL: no-op. */
void battery_device_free(struct battery_device *device);

/* What the device sends its answers through; borrowed. */
void battery_device_attach(struct battery_device *device, struct simulator *simulator);

#endif
