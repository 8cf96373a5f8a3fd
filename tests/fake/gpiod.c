/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libgpiod without GPIO: a library of the same name, put before the real one with LD_LIBRARY_PATH,
 * so that the daemons drive their pins as they always do and a simulator hears of it. It has what
 * common/gpio_chip.c uses, of the version that is installed.
 *
 * FAKE_GPIO names a file with one line of /dev/gpiochip0 a row, from offset 0:
 *
 *     NAME [socket=PATH] [consumer=NAME] [slow=S]
 *
 * socket: a datagram socket that is told "take", "high", "low" and "free", each with the time
 * (CLOCK_MONOTONIC, µs). consumer: who has the line already. slow: what a change of level takes.
 * "!label TEXT" is the chip's label, "!denied" a chip that may not be opened. No file, no chip; a
 * file that goes away takes its lines with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <gpiod.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"

enum { LINES_MAX = 64, NAME_SIZE = 32 };

struct fake_line {
    char name[NAME_SIZE], consumer[NAME_SIZE];
    struct sockaddr_un socket;
    int64_t slow_us;
    unsigned offset;
    int lock; /* held while the line is taken; the kernel lets go of it however we end */
};

struct fake_chip {
    char label[NAME_SIZE];
    unsigned count;
    struct fake_line lines[LINES_MAX];
};

static const char *file_name(void)
{
    const char *name = getenv("FAKE_GPIO");

    return name != NULL ? name : "";
}

static void read_row(struct fake_line *line, char *row)
{
    char *word = strtok(row, " \n");

    line->lock = -1;
    line->socket.sun_family = AF_UNIX;
    snprintf(line->name, sizeof line->name, "%s", word);
    while ((word = strtok(NULL, " \n")) != NULL) {
        if (strncmp(word, "socket=", 7) == 0)
            snprintf(line->socket.sun_path, sizeof line->socket.sun_path, "%s", word + 7);
        else if (strncmp(word, "consumer=", 9) == 0)
            snprintf(line->consumer, sizeof line->consumer, "%s", word + 9);
        else if (strncmp(word, "slow=", 5) == 0)
            line->slow_us = (int64_t)(strtod(word + 5, NULL) * US_PER_S);
    }
}

static struct fake_chip *open_fake(const char *path)
{
    struct fake_chip *chip = calloc(1, sizeof *chip);
    FILE *file = strcmp(path, "/dev/gpiochip0") == 0 ? fopen(file_name(), "re") : NULL;
    char row[512];
    int error = 0;

    if (chip == NULL || file == NULL) {
        if (file != NULL)
            fclose(file);
        free(chip);
        errno = ENOENT;
        return NULL;
    }
    while (fgets(row, sizeof row, file) != NULL && chip->count < LINES_MAX) {
        if (strncmp(row, "!denied", 7) == 0)
            error = EACCES;
        else if (sscanf(row, "!label %31s", chip->label) == 1 || row[0] == '\n')
            continue;
        else
            read_row(&chip->lines[chip->count], row);
        chip->lines[chip->count].offset = chip->count;
        chip->count++;
    }
    fclose(file);
    if (error == 0)
        return chip;
    free(chip);
    errno = error;
    return NULL;
}

static int open_lock(const struct fake_line *line)
{
    char path[512];

    snprintf(path, sizeof path, "%s.%u", file_name(), line->offset);
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/* Who has the line: out of the file, or the process that took it. "" for nobody. */
static const char *find_consumer(struct fake_line *line)
{
    int lock = open_lock(line);
    ssize_t size;

    if (line->consumer[0] == '\0' && flock(lock, LOCK_EX | LOCK_NB) != 0) {
        size = read(lock, line->consumer, sizeof line->consumer - 1);
        line->consumer[size > 0 ? size : 0] = '\0';
    }
    close(lock);
    return line->consumer;
}

static void report(const struct fake_line *line, const char *what)
{
    char text[64];
    int size = snprintf(text, sizeof text, "%s %" PRId64, what, clock_us());
    int fd;

    if (line->socket.sun_path[0] == '\0')
        return;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return;
    sendto(fd, text, (size_t)size, MSG_NOSIGNAL,
           (const struct sockaddr *)(const void *)&line->socket, sizeof line->socket);
    close(fd);
}

static int drive(const struct fake_line *line, bool high)
{
    if (access(file_name(), F_OK) != 0) {
        errno = ENODEV;
        return -1;
    }
    if (line->slow_us > 0)
        usleep((useconds_t)line->slow_us);
    report(line, high ? "high" : "low");
    return 0;
}

static int take(struct fake_line *line, const char *consumer, bool high)
{
    int lock = open_lock(line);

    if (line->consumer[0] != '\0' || flock(lock, LOCK_EX | LOCK_NB) != 0) {
        close(lock);
        errno = EBUSY;
        return -1;
    }
    line->lock = lock;
    if (ftruncate(lock, 0) != 0 || write(lock, consumer, strlen(consumer)) < 0)
        return -1;
    report(line, "take");
    return high ? drive(line, true) : 0;
}

static void let_go(struct fake_line *line)
{
    report(line, "free");
    close(line->lock);
    line->lock = -1;
}

/* The same memory under all names: each function gets what another one of them gave. */

struct gpiod_chip {
    struct fake_chip fake;
};

struct gpiod_chip *gpiod_chip_open(const char *path)
{
    return (struct gpiod_chip *)open_fake(path);
}

void gpiod_chip_close(struct gpiod_chip *chip)
{
    free(chip);
}

#ifdef GPIOD_V1

struct gpiod_line {
    struct fake_line fake;
};

const char *gpiod_chip_label(struct gpiod_chip *chip)
{
    return chip->fake.label;
}

unsigned int gpiod_chip_num_lines(struct gpiod_chip *chip)
{
    return chip->fake.count;
}

struct gpiod_line *gpiod_chip_get_line(struct gpiod_chip *chip, unsigned int offset)
{
    if (offset < chip->fake.count)
        return (struct gpiod_line *)&chip->fake.lines[offset];
    errno = EINVAL;
    return NULL;
}

const char *gpiod_line_name(struct gpiod_line *line)
{
    return line->fake.name;
}

const char *gpiod_line_consumer(struct gpiod_line *line)
{
    return find_consumer(&line->fake);
}

int gpiod_line_request_output(struct gpiod_line *line, const char *consumer, int default_val)
{
    return take(&line->fake, consumer, default_val != 0);
}

int gpiod_line_set_value(struct gpiod_line *line, int value)
{
    return drive(&line->fake, value != 0);
}

void gpiod_line_release(struct gpiod_line *line)
{
    let_go(&line->fake);
}

#else

struct gpiod_line_info {
    struct fake_line fake;
};

struct gpiod_line_request {
    struct fake_line fake;
};

struct gpiod_line_settings {
    enum gpiod_line_direction direction;
    enum gpiod_line_value value;
};

struct gpiod_line_config {
    unsigned offset;
    struct gpiod_line_settings settings;
};

struct gpiod_request_config {
    char consumer[NAME_SIZE];
};

struct gpiod_chip_info *gpiod_chip_get_info(struct gpiod_chip *chip)
{
    return (struct gpiod_chip_info *)chip;
}

void gpiod_chip_info_free(struct gpiod_chip_info *info)
{
    (void)info;
}

const char *gpiod_chip_info_get_label(struct gpiod_chip_info *info)
{
    return ((struct fake_chip *)info)->label;
}

size_t gpiod_chip_info_get_num_lines(struct gpiod_chip_info *info)
{
    return ((struct fake_chip *)info)->count;
}

struct gpiod_line_info *gpiod_chip_get_line_info(struct gpiod_chip *chip, unsigned int offset)
{
    if (offset < chip->fake.count)
        return (struct gpiod_line_info *)&chip->fake.lines[offset];
    errno = EINVAL;
    return NULL;
}

void gpiod_line_info_free(struct gpiod_line_info *info)
{
    (void)info;
}

const char *gpiod_line_info_get_name(struct gpiod_line_info *info)
{
    return info->fake.name;
}

const char *gpiod_line_info_get_consumer(struct gpiod_line_info *info)
{
    return find_consumer(&info->fake);
}

struct gpiod_line_settings *gpiod_line_settings_new(void)
{
    return calloc(1, sizeof(struct gpiod_line_settings));
}

void gpiod_line_settings_free(struct gpiod_line_settings *settings)
{
    free(settings);
}

int gpiod_line_settings_set_direction(struct gpiod_line_settings *settings,
                                      enum gpiod_line_direction direction)
{
    settings->direction = direction;
    return 0;
}

int gpiod_line_settings_set_output_value(struct gpiod_line_settings *settings,
                                         enum gpiod_line_value value)
{
    settings->value = value;
    return 0;
}

struct gpiod_line_config *gpiod_line_config_new(void)
{
    return calloc(1, sizeof(struct gpiod_line_config));
}

void gpiod_line_config_free(struct gpiod_line_config *config)
{
    free(config);
}

int gpiod_line_config_add_line_settings(struct gpiod_line_config *config,
                                        const unsigned int *offsets, size_t num_offsets,
                                        struct gpiod_line_settings *settings)
{
    (void)num_offsets;
    config->offset = offsets[0];
    config->settings = *settings;
    return 0;
}

struct gpiod_request_config *gpiod_request_config_new(void)
{
    return calloc(1, sizeof(struct gpiod_request_config));
}

void gpiod_request_config_free(struct gpiod_request_config *config)
{
    free(config);
}

void gpiod_request_config_set_consumer(struct gpiod_request_config *config, const char *consumer)
{
    snprintf(config->consumer, sizeof config->consumer, "%s", consumer);
}

struct gpiod_line_request *gpiod_chip_request_lines(struct gpiod_chip *chip,
                                                    struct gpiod_request_config *req_cfg,
                                                    struct gpiod_line_config *line_cfg)
{
    struct fake_line *line = &chip->fake.lines[line_cfg->offset];

    if (line_cfg->offset >= chip->fake.count ||
        line_cfg->settings.direction != GPIOD_LINE_DIRECTION_OUTPUT) {
        errno = EINVAL;
        return NULL;
    }
    if (take(line, req_cfg->consumer, line_cfg->settings.value == GPIOD_LINE_VALUE_ACTIVE) != 0)
        return NULL;
    return (struct gpiod_line_request *)line;
}

int gpiod_line_request_set_value(struct gpiod_line_request *request, unsigned int offset,
                                 enum gpiod_line_value value)
{
    (void)offset;
    return drive(&request->fake, value == GPIOD_LINE_VALUE_ACTIVE);
}

void gpiod_line_request_release(struct gpiod_line_request *request)
{
    let_go(&request->fake);
}

#endif
