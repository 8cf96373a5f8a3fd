/* SPDX-License-Identifier: Apache-2.0 */
/* A GPIO line as an output, found by what a configuration calls it. Used by direction. */
#ifndef COMMON_GPIO_LINE_H
#define COMMON_GPIO_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/reason.h"

struct gpio_line;

/*
 * Finds the line of `dir_pin` (gpio_pin.h) and takes it, low from the first moment: as CHIP:OFFSET;
 * else by the kernel's name on any chip; else as a BeagleBone header pin by its controller's
 * address; else as GPIOn of a Raspberry Pi's header. Returns NULL with *failure filled
 * (REASON_PORT: what to do instead).
 */
struct gpio_line *gpio_line_open(const char *dir_pin, struct failure *failure);

/* Low, then released. NULL: no-op. */
void gpio_line_close(struct gpio_line *line);

/* 0, or -1 with errno. */
int gpio_line_set(struct gpio_line *line, bool high);

/* Where it was found: "line 2 of /dev/gpiochip2". */
const char *gpio_line_place(const struct gpio_line *line);

/*
 * Whether the chip with this number is the controller at a physical address. sysfs: where the
 * kernel lists the chips, "/sys/bus/gpio/devices".
 */
bool gpio_controller_is(const char *sysfs, unsigned chip, uint32_t address);

#endif
