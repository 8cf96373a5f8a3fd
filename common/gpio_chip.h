/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GPIO chip, of which one line may be taken as an output. The only file that sees gpiod.h:
 * libgpiod 1 (Debian 12; GPIOD_V1 is defined) and 2 have nothing in common but the name.
 * Used by gpio_line.
 */
#ifndef COMMON_GPIO_CHIP_H
#define COMMON_GPIO_CHIP_H

#include <stdbool.h>

enum { GPIO_TEXT_SIZE = 32 }; /* the kernel's limit, with NUL */

struct gpio_chip;

/* What the kernel tells of a line; "" for what it does not tell. */
struct gpio_line_info {
    char name[GPIO_TEXT_SIZE];
    char consumer[GPIO_TEXT_SIZE]; /* who has it */
};

/* Opens /dev/gpiochipN. NULL with errno. */
struct gpio_chip *gpio_chip_open(const char *path);

/* Closes it; a line that was taken is released as it stands. NULL: no-op. */
void gpio_chip_close(struct gpio_chip *chip);

const char *gpio_chip_label(const struct gpio_chip *chip);
unsigned gpio_chip_line_count(const struct gpio_chip *chip);

/* False when the kernel does not tell; *info is empty then. */
bool gpio_chip_line_info(struct gpio_chip *chip, unsigned offset, struct gpio_line_info *info);

/* Takes a line as an output that is low from the first moment. 0, or -1 with errno. */
int gpio_chip_take(struct gpio_chip *chip, unsigned offset, const char *consumer);

/* Drives the line that was taken. 0, or -1 with errno. */
int gpio_chip_drive(struct gpio_chip *chip, bool high);

#endif
