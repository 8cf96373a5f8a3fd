/* SPDX-License-Identifier: Apache-2.0 */
/* The faults of the EZA2500's frames and its checksum. Pure. Used by eza2500_device. */
#ifndef TESTS_SIM_EZA2500_FAULTS_H
#define TESTS_SIM_EZA2500_FAULTS_H

#include "tests/sim/faults.h"

/* Where things are in a frame (wire facts, "Frame"). */
enum { EZA_AT_START, EZA_AT_LEN, EZA_AT_AD1, EZA_AT_AD2, EZA_AT_CMD, EZA_AT_DATA };
enum { EZA_CHECKSUM_SIZE = 2, EZA_OVERHEAD = EZA_AT_DATA + EZA_CHECKSUM_SIZE };

extern const struct sim_protocol eza2500_protocol;

/* The sum that belongs to a frame of this size: all bytes from AD1 to the last one of the data. */
unsigned eza2500_checksum(const uint8_t *frame, size_t size);

#endif
