/* SPDX-License-Identifier: Apache-2.0 */
#include "common/gpio_pin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char device_dir[] = "/dev/", chip_prefix[] = "gpiochip";

/* A decimal number of at most four digits at *text, which is moved behind it. */
static bool take_number(const char **text, unsigned *number)
{
    size_t digits = strspn(*text, "0123456789");

    if (digits == 0 || digits > 4)
        return false;
    *number = (unsigned)strtoul(*text, NULL, 10);
    *text += digits;
    return true;
}

/* "P8_7" or "P8_07", and nothing behind it but a space. */
static bool read_header(const char *text, unsigned *header, unsigned *number)
{
    if (text[0] != 'P' || (text[1] != '8' && text[1] != '9') || text[2] != '_')
        return false;
    *header = (unsigned)(text[1] - '0');
    text += 3;
    return take_number(&text, number) && (*text == '\0' || *text == ' ');
}

/* Whether text names a chip at all, as "gpiochip0" at its beginning does. */
static bool names_chip(const char *text)
{
    unsigned number;

    if (strncmp(text, chip_prefix, strlen(chip_prefix)) != 0)
        return false;
    text += strlen(chip_prefix);
    return take_number(&text, &number) && (*text == ':' || *text == '\0');
}

static const char *read_chip(const char *text, struct gpio_pin *pin)
{
    size_t length = strcspn(text, ":");
    const char *offset = text + length + 1;

    if (text[length] == '\0' || !take_number(&offset, &pin->offset) || *offset != '\0')
        return "a chip's line is CHIP:OFFSET, as gpiochip0:17";
    snprintf(pin->chip, sizeof pin->chip, "%s%.*s", device_dir, (int)length, text);
    return NULL;
}

const char *gpio_pin_parse(const char *text, struct gpio_pin *pin)
{
    *pin = (struct gpio_pin){.header = 0};
    if (strlen(text) >= sizeof pin->name)
        return "too long for a line's name";
    memcpy(pin->name, text, strlen(text) + 1);
    if (!read_header(text, &pin->header, &pin->number))
        pin->header = 0;
    if (strncmp(text, device_dir, strlen(device_dir)) == 0)
        text += strlen(device_dir);
    return names_chip(text) ? read_chip(text, pin) : NULL;
}

bool gpio_pin_matches(const struct gpio_pin *pin, const char *line_name)
{
    size_t length = strlen(pin->name);
    unsigned header, number;

    if (strncmp(line_name, pin->name, length) == 0 &&
        (line_name[length] == '\0' || strncmp(line_name + length, " [", 2) == 0))
        return true;
    return pin->header != 0 && read_header(line_name, &header, &number) && header == pin->header &&
           number == pin->number;
}

bool gpio_pin_on_raspberry(const struct gpio_pin *pin, const char *label, unsigned *offset)
{
    static const char *const labels[] = {"pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1"};
    const char *digits = pin->name + 4;

    if (strncmp(pin->name, "GPIO", 4) != 0 || !take_number(&digits, offset) || *digits != '\0')
        return false;
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (strcmp(label, labels[i]) == 0)
            return true;
    return false;
}
