/* SPDX-License-Identifier: Apache-2.0 */
/* What `dir_pin` names, and which GPIO line it is. Pure; gpio_line.c looks at the chips. */
#ifndef COMMON_GPIO_PIN_H
#define COMMON_GPIO_PIN_H

#include <stdbool.h>

enum { GPIO_PIN_NAME_SIZE = 64, GPIO_CHIP_PATH_SIZE = 32 };

struct gpio_pin {
    char name[GPIO_PIN_NAME_SIZE];  /* as configured */
    char chip[GPIO_CHIP_PATH_SIZE]; /* "/dev/gpiochip0" when given as CHIP:OFFSET, else "" */
    unsigned offset;                /* with chip */
    unsigned header, number;        /* of a BeagleBone pin, P8_7: 8 and 7; else 0 */
};

/*
 * Reads "gpiochip0:17" and "/dev/gpiochip0:17"; anything else is a line's name. Returns NULL, or
 * why it is neither.
 */
const char *gpio_pin_parse(const char *text, struct gpio_pin *pin);

/*
 * Whether the kernel's name of a line is the pin's: the same, or the same with " [function]"
 * behind it, or a BeagleBone pin with the same numbers (P8_7 is P8_07).
 */
bool gpio_pin_matches(const struct gpio_pin *pin, const char *line_name);

/*
 * On a Raspberry Pi, whose lines partly have the names of their functions: true with the offset of
 * GPIO14 on the chip with this label, if that is the header's controller.
 */
bool gpio_pin_on_raspberry(const struct gpio_pin *pin, const char *label, unsigned *offset);

#endif
