/* SPDX-License-Identifier: Apache-2.0 */
#include "common/gpio_chip.h"

#include <errno.h>
#include <gpiod.h>
#include <stdio.h>
#include <stdlib.h>

static void copy(char text[static GPIO_TEXT_SIZE], const char *from)
{
    snprintf(text, GPIO_TEXT_SIZE, "%s", from != NULL ? from : "");
}

#ifdef GPIOD_V1

struct gpio_chip {
    struct gpiod_chip *chip;
    struct gpiod_line *line; /* the one that was taken; the chip owns it */
};

struct gpio_chip *gpio_chip_open(const char *path)
{
    struct gpio_chip *chip = calloc(1, sizeof *chip);

    if (chip == NULL)
        return NULL;
    chip->chip = gpiod_chip_open(path);
    if (chip->chip == NULL) {
        int error = errno;

        free(chip);
        errno = error;
        return NULL;
    }
    return chip;
}

void gpio_chip_close(struct gpio_chip *chip)
{
    if (chip == NULL)
        return;
    if (chip->line != NULL)
        gpiod_line_release(chip->line);
    gpiod_chip_close(chip->chip);
    free(chip);
}

const char *gpio_chip_label(const struct gpio_chip *chip)
{
    return gpiod_chip_label(chip->chip);
}

unsigned gpio_chip_line_count(const struct gpio_chip *chip)
{
    return gpiod_chip_num_lines(chip->chip);
}

bool gpio_chip_line_info(struct gpio_chip *chip, unsigned offset, struct gpio_line_info *info)
{
    struct gpiod_line *line = gpiod_chip_get_line(chip->chip, offset);

    copy(info->name, line != NULL ? gpiod_line_name(line) : NULL);
    copy(info->consumer, line != NULL ? gpiod_line_consumer(line) : NULL);
    return line != NULL;
}

int gpio_chip_take(struct gpio_chip *chip, unsigned offset, const char *consumer)
{
    struct gpiod_line *line = gpiod_chip_get_line(chip->chip, offset);

    if (line == NULL || gpiod_line_request_output(line, consumer, 0) != 0)
        return -1;
    chip->line = line;
    return 0;
}

int gpio_chip_drive(struct gpio_chip *chip, bool high)
{
    return gpiod_line_set_value(chip->line, high);
}

#else

struct gpio_chip {
    struct gpiod_chip *chip;
    struct gpiod_chip_info *info;
    struct gpiod_line_request *request; /* of the line that was taken */
    unsigned offset;                    /* its */
};

struct gpio_chip *gpio_chip_open(const char *path)
{
    struct gpio_chip *chip = calloc(1, sizeof *chip);
    int error;

    if (chip == NULL)
        return NULL;
    chip->chip = gpiod_chip_open(path);
    if (chip->chip == NULL)
        goto fail;
    chip->info = gpiod_chip_get_info(chip->chip);
    if (chip->info == NULL)
        goto fail;
    return chip;
fail:
    error = errno;
    gpio_chip_close(chip);
    errno = error;
    return NULL;
}

void gpio_chip_close(struct gpio_chip *chip)
{
    if (chip == NULL)
        return;
    if (chip->request != NULL)
        gpiod_line_request_release(chip->request);
    if (chip->info != NULL)
        gpiod_chip_info_free(chip->info);
    if (chip->chip != NULL)
        gpiod_chip_close(chip->chip);
    free(chip);
}

const char *gpio_chip_label(const struct gpio_chip *chip)
{
    return gpiod_chip_info_get_label(chip->info);
}

unsigned gpio_chip_line_count(const struct gpio_chip *chip)
{
    return (unsigned)gpiod_chip_info_get_num_lines(chip->info);
}

bool gpio_chip_line_info(struct gpio_chip *chip, unsigned offset, struct gpio_line_info *info)
{
    struct gpiod_line_info *told = gpiod_chip_get_line_info(chip->chip, offset);

    copy(info->name, told != NULL ? gpiod_line_info_get_name(told) : NULL);
    copy(info->consumer, told != NULL ? gpiod_line_info_get_consumer(told) : NULL);
    if (told == NULL)
        return false;
    gpiod_line_info_free(told);
    return true;
}

int gpio_chip_take(struct gpio_chip *chip, unsigned offset, const char *consumer)
{
    struct gpiod_line_settings *settings = gpiod_line_settings_new();
    struct gpiod_line_config *lines = gpiod_line_config_new();
    struct gpiod_request_config *config = gpiod_request_config_new();
    int error = ENOMEM;

    if (settings == NULL || lines == NULL || config == NULL)
        goto free_all;
    gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT);
    gpiod_line_settings_set_output_value(settings, GPIOD_LINE_VALUE_INACTIVE);
    gpiod_request_config_set_consumer(config, consumer);
    if (gpiod_line_config_add_line_settings(lines, &offset, 1, settings) == 0)
        chip->request = gpiod_chip_request_lines(chip->chip, config, lines);
    error = chip->request != NULL ? 0 : errno;
    chip->offset = offset;
free_all:
    if (config != NULL)
        gpiod_request_config_free(config);
    if (lines != NULL)
        gpiod_line_config_free(lines);
    if (settings != NULL)
        gpiod_line_settings_free(settings);
    errno = error;
    return error == 0 ? 0 : -1;
}

int gpio_chip_drive(struct gpio_chip *chip, bool high)
{
    return gpiod_line_request_set_value(chip->request, chip->offset,
                                        high ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE);
}

#endif
