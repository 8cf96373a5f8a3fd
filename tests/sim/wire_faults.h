/* SPDX-License-Identifier: Apache-2.0 */
/* The faults that any answer can suffer on its way, whatever the protocol. Pure. Used by faults. */
#ifndef TESTS_SIM_WIRE_FAULTS_H
#define TESTS_SIM_WIRE_FAULTS_H

#include "tests/sim/faults.h"

extern const struct sim_fault_type sim_wire_faults[];
extern const size_t sim_wire_fault_count;

#endif
