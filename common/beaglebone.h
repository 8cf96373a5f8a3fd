/* SPDX-License-Identifier: Apache-2.0 */
/* The BeagleBone's header pins that can be GPIO: data, for kernels that do not name the lines. */
#ifndef COMMON_BEAGLEBONE_H
#define COMMON_BEAGLEBONE_H

#include <stddef.h>
#include <stdint.h>

struct beaglebone_pin {
    uint8_t header; /* 8 or 9 */
    uint8_t number; /* on the header */
    uint8_t bank;   /* GPIO controller, 0..3 */
    uint8_t offset; /* line of the controller */
};

extern const struct beaglebone_pin beaglebone_pins[];
extern const size_t beaglebone_pin_count;

/* The row of a header's pin; NULL when it cannot be GPIO (power, reset, analog input) or is none.
 */
const struct beaglebone_pin *beaglebone_pin_find(unsigned header, unsigned number);

/* Physical address of a pin's controller, by which the kernel knows it whatever its number is. */
uint32_t beaglebone_controller(const struct beaglebone_pin *pin);

#endif
