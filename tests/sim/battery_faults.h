/* SPDX-License-Identifier: Apache-2.0 */
/* The faults of Modbus RTU answers and their CRC. Pure. Used by battery_device. */
#ifndef TESTS_SIM_BATTERY_FAULTS_H
#define TESTS_SIM_BATTERY_FAULTS_H

#include "tests/sim/faults.h"

enum { MODBUS_CRC_SIZE = 2 };

extern const struct sim_protocol battery_protocol;

/* CRC-16/MODBUS of these bytes; its low byte goes first on the wire. */
uint16_t modbus_crc(const uint8_t *bytes, size_t size);

#endif
