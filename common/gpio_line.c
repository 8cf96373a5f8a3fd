/* SPDX-License-Identifier: Apache-2.0 */
#include "common/gpio_line.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/beaglebone.h"
#include "common/gpio_chip.h"
#include "common/gpio_pin.h"
#include "common/permission.h"

enum { CHIPS_MAX = 64 }; /* the kernel gives the lowest number that is free */

struct gpio_line {
    struct gpio_pin pin;
    struct gpio_chip *chip;
    unsigned offset;
    char path[GPIO_CHIP_PATH_SIZE];
    char place[GPIO_CHIP_PATH_SIZE + 24];
    /* what the search has met */
    bool any_chip;
    char denied[GPIO_CHIP_PATH_SIZE]; /* a chip that may not be opened, or "" */
    int denied_error;
};

static const char sysfs_chips[] = "/sys/bus/gpio/devices";

bool gpio_controller_is(const char *sysfs, unsigned chip, uint32_t address)
{
    char link[PATH_MAX], device[PATH_MAX], controller[32];

    snprintf(link, sizeof link, "%s/gpiochip%u", sysfs, chip);
    snprintf(controller, sizeof controller, "/%x.gpio/", (unsigned)address);
    return realpath(link, device) != NULL && strstr(device, controller) != NULL;
}

/* The ways to find a line on a chip, best first. Each fills line->offset when it finds. */

static bool by_name(struct gpio_line *line, unsigned number)
{
    unsigned count = gpio_chip_line_count(line->chip);
    struct gpio_line_info info;

    (void)number;
    for (line->offset = 0; line->offset < count; line->offset++)
        if (gpio_chip_line_info(line->chip, line->offset, &info) &&
            gpio_pin_matches(&line->pin, info.name))
            return true;
    return false;
}

static bool by_controller(struct gpio_line *line, unsigned number)
{
    const struct beaglebone_pin *pin = beaglebone_pin_find(line->pin.header, line->pin.number);

    if (pin == NULL || !gpio_controller_is(sysfs_chips, number, beaglebone_controller(pin)))
        return false;
    line->offset = pin->offset;
    return true;
}

static bool by_label(struct gpio_line *line, unsigned number)
{
    (void)number;
    return gpio_pin_on_raspberry(&line->pin, gpio_chip_label(line->chip), &line->offset) &&
           line->offset < gpio_chip_line_count(line->chip);
}

typedef bool find_on_chip(struct gpio_line *line, unsigned number);

static bool open_chip(struct gpio_line *line, const char *path)
{
    snprintf(line->path, sizeof line->path, "%s", path);
    line->chip = gpio_chip_open(line->path);
    if (line->chip == NULL && (errno == EACCES || errno == EPERM)) {
        line->denied_error = errno;
        memcpy(line->denied, line->path, sizeof line->denied);
    }
    return line->chip != NULL;
}

/* Leaves the chip open on which the line was found. */
static bool find_one_way(struct gpio_line *line, find_on_chip *find)
{
    char path[GPIO_CHIP_PATH_SIZE];

    for (unsigned number = 0; number < CHIPS_MAX; number++) {
        snprintf(path, sizeof path, "/dev/gpiochip%u", number);
        if (!open_chip(line, path))
            continue;
        line->any_chip = true;
        if (find(line, number))
            return true;
        gpio_chip_close(line->chip);
        line->chip = NULL;
    }
    return false;
}

static bool fail(const struct gpio_line *line, struct failure *failure, const char *why)
{
    failure_set(failure, REASON_PORT, "direction pin %s: %s", line->pin.name, why);
    return false;
}

static bool fail_denied(const struct gpio_line *line, struct failure *failure)
{
    char text[PERMISSION_TEXT_SIZE];

    failure_set(failure, REASON_PORT, "direction pin %s: %s: %s", line->pin.name, line->denied,
                permission_explain(line->denied, line->denied_error, text));
    return false;
}

static bool fail_search(const struct gpio_line *line, struct failure *failure)
{
    if (line->denied[0] != '\0')
        return fail_denied(line, failure);
    if (!line->any_chip)
        return fail(line, failure,
                    "this machine has no GPIO chip (/dev/gpiochip*): say dir_pin: \"not_used\" if "
                    "the adapter switches by itself");
    if (line->pin.header != 0 && beaglebone_pin_find(line->pin.header, line->pin.number) == NULL)
        return fail(line, failure, "this pin of the header cannot be GPIO: choose another one");
    return fail(line, failure,
                "no GPIO line has this name: gpioinfo shows them; gpiochip0:17 is a line without a "
                "name, \"not_used\" an adapter that switches by itself");
}

static bool find_by_search(struct gpio_line *line, struct failure *failure)
{
    static find_on_chip *const ways[] = {by_name, by_controller, by_label};

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (find_one_way(line, ways[i]))
            return true;
    return fail_search(line, failure);
}

static bool find_by_offset(struct gpio_line *line, struct failure *failure)
{
    char why[80];

    line->offset = line->pin.offset;
    if (!open_chip(line, line->pin.chip))
        return line->denied[0] != '\0' ? fail_denied(line, failure)
                                       : fail(line, failure, strerror(errno));
    if (line->offset < gpio_chip_line_count(line->chip))
        return true;
    snprintf(why, sizeof why, "the chip has %u lines, counted from 0",
             gpio_chip_line_count(line->chip));
    return fail(line, failure, why);
}

/* Names who has the line. A BeagleBone's kernel may itself have all header pins. */
static bool fail_busy(struct gpio_line *line, struct failure *failure)
{
    struct gpio_line_info info;
    bool told = gpio_chip_line_info(line->chip, line->offset, &info) && info.consumer[0] != '\0';

    failure_set(failure, REASON_PORT, "direction pin %s: %s is in use by %s%s", line->pin.name,
                line->place, told ? info.consumer : "another program",
                line->pin.header != 0
                    ? ": each RS485 line needs a pin of its own; is it the kernel's, switch the "
                      "universal cape off (enable_uboot_cape_universal in /boot/uEnv.txt)"
                    : "");
    return false;
}

static bool take(struct gpio_line *line, struct failure *failure)
{
    snprintf(line->place, sizeof line->place, "line %u of %s", line->offset, line->path);
    if (gpio_chip_take(line->chip, line->offset, program_invocation_short_name) == 0)
        return true;
    if (errno == EBUSY)
        return fail_busy(line, failure);
    failure_set(failure, REASON_PORT, "direction pin %s: %s cannot be an output: %s",
                line->pin.name, line->place, strerror(errno));
    return false;
}

struct gpio_line *gpio_line_open(const char *dir_pin, struct failure *failure)
{
    struct gpio_line *line = calloc(1, sizeof *line);
    const char *why;

    if (line == NULL) {
        failure_set(failure, REASON_PORT, "out of memory");
        return NULL;
    }
    why = gpio_pin_parse(dir_pin, &line->pin);
    if (why != NULL)
        fail(line, failure, why);
    else if ((line->pin.chip[0] != '\0' ? find_by_offset : find_by_search)(line, failure) &&
             take(line, failure))
        return line;
    gpio_chip_close(line->chip);
    free(line);
    return NULL;
}

void gpio_line_close(struct gpio_line *line)
{
    if (line == NULL)
        return;
    gpio_chip_drive(line->chip, false);
    gpio_chip_close(line->chip);
    free(line);
}

int gpio_line_set(struct gpio_line *line, bool high)
{
    return gpio_chip_drive(line->chip, high);
}

const char *gpio_line_place(const struct gpio_line *line)
{
    return line->place;
}
