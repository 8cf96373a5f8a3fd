/* SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/config_schema.h"
#include "common/config_walk.h"
#include "common/gpio_pin.h"
#include "common/yaml_tree.h"

/* Takes dcdc.<name> and battery.<name> that the devices refer to; checks all others too. */
static bool resolve_dcdc(struct config_walk *walk, struct config_parsed *parsed)
{
    struct config_dcdc entry;
    bool found;
    char names[160];

    if (!config_walk_entries(walk, config_schema_dcdc_row, parsed->dcdc_name, &entry,
                             &parsed->config.dcdc, sizeof entry, &found))
        return false;
    config_walk_names(walk, config_schema_dcdc_row, names, sizeof names);
    if (!found)
        return config_walk_fail(walk, config_walk_given(walk, parsed->dcdc_name), "",
                                "'%s' is not in dcdc (known: %s)", parsed->dcdc_name, names);
    return true;
}

static bool resolve_battery(struct config_walk *walk, struct config_parsed *parsed)
{
    const struct config_mark *given = config_walk_given(walk, parsed->battery_name);
    struct config_battery entry;
    bool found, optional = !parsed->config.battery_dev.present;
    char names[160];

    if (!config_walk_entries(walk, config_schema_battery_row, parsed->battery_name, &entry,
                             &parsed->config.battery, sizeof entry, &found))
        return false;
    config_walk_names(walk, config_schema_battery_row, names, sizeof names);
    if (!found && !optional)
        return config_walk_fail(walk, given, "", "'%s' is not in battery (known: %s)",
                                parsed->battery_name, names);
    if (optional && parsed->config.battery.force_dcdc_waiting)
        return config_walk_fail(walk, given, "",
                                "'%s' has force_dcdc_waiting, which asks a battery, and "
                                "battery_dev.class is 'None'",
                                parsed->battery_name);
    return true;
}

/* The driver of a port that switches its direction takes whole milliseconds (TIOCSRS485). */
static bool check_delay(struct config_walk *walk, const struct config_port *port,
                        const int64_t *delay_us)
{
    const struct config_mark *given = config_walk_given(walk, delay_us);

    if (*delay_us != 0 && port->direction != CONFIG_DIRECTION_KERNEL)
        return config_walk_fail(walk, given, "", "needs direction: kernel");
    if (*delay_us % US_PER_MS != 0)
        return config_walk_fail(walk, given, "", "not whole milliseconds");
    return true;
}

/* "not_used" is how files say that there is no direction pin (specification 5.4.1). */
static bool check_direction(struct config_walk *walk, struct config_port *port)
{
    const struct config_mark *pin = config_walk_given(walk, port->dir_pin);
    bool used = strcmp(port->dir_pin, "not_used") != 0;
    struct gpio_pin parsed;
    const char *why;

    if (port->direction == CONFIG_DIRECTION_PIN && !used)
        port->direction = CONFIG_DIRECTION_NONE;
    if (port->direction != CONFIG_DIRECTION_PIN) {
        if (pin != NULL && used)
            return config_walk_fail(walk, pin, "", "a pin, and direction is not pin");
        port->dir_pin[0] = '\0';
    }
    why = gpio_pin_parse(port->dir_pin, &parsed);
    if (why != NULL)
        return config_walk_fail(walk, pin, "", "'%s': %s", port->dir_pin, why);
    return check_delay(walk, port, &port->rts_delay_before_us) &&
           check_delay(walk, port, &port->rts_delay_after_us);
}

/* One pin cannot switch two lines. Left out twice it is P8_9 twice: that is found when used. */
static bool check_pins(struct config_walk *walk, const struct config *config)
{
    const char *dcdc = config->dcdc_dev.port.dir_pin, *battery = config->battery_dev.port.dir_pin;
    const struct config_mark *given = config_walk_given(walk, battery);

    if (config->battery_dev.present && given != NULL && config_walk_given(walk, dcdc) != NULL &&
        battery[0] != '\0' && strcmp(dcdc, battery) == 0)
        return config_walk_fail(walk, given, "", "'%s' is the converter's pin too", battery);
    return true;
}

static bool check_ports(struct config_walk *walk, struct config *config)
{
    const struct config_mark *dcdc = config_walk_given(walk, &config_schema_dcdc_dev);
    const char *path = config->battery_dev.port.path;

    if (config->dcdc_dev.port.path[0] == '\0')
        return config_walk_fail(walk, dcdc, "params", "required key missing: [device file, speed]");
    if (config->battery_dev.present && strcmp(path, config->dcdc_dev.port.path) == 0)
        return config_walk_fail(walk, config_walk_given(walk, path), "",
                                "'%.64s' is the converter's port too", path);
    return check_direction(walk, &config->dcdc_dev.port) &&
           check_direction(walk, &config->battery_dev.port) && check_pins(walk, config);
}

static bool check_battery_dev(struct config_walk *walk, struct config_parsed *parsed)
{
    const struct config_battery_dev *device = &parsed->config.battery_dev;
    const struct config_mark *place = config_walk_given(walk, &config_schema_battery_dev);
    const struct config_mark *age = config_walk_given(walk, &device->max_age_us);
    const struct config_mark *interval = config_walk_given(walk, &device->poll_interval_us);

    if (place == NULL)
        return config_walk_fail(walk, config_walk_given(walk, &config_schema_root),
                                "ess_system.battery_dev", "required key missing");
    if (config_walk_given(walk, &device->present) == NULL)
        return config_walk_fail(walk, place, "class", "required key missing");
    if (!device->present)
        return true;
    if (!config_walk_required(walk, &config_schema_battery_dev, parsed))
        return false;
    if (device->max_age_us <= device->poll_interval_us)
        return config_walk_fail(walk, age != NULL ? age : interval, "",
                                "max_age is not above poll_interval");
    return true;
}

/*
 * The battery guard's yes counts from when the battery was measured: it must be measured twice in
 * the interval, or a healthy battery would stop the converter.
 */
static bool check_guard(struct config_walk *walk, const struct config *config)
{
    const int64_t *poll_us = &config->battery_dev.poll_interval_us;
    const struct config_mark *given = config_walk_given(walk, poll_us);

    if (!config->battery.force_dcdc_waiting ||
        *poll_us * 2 <= config->dcdc.battery_check_interval_us)
        return true;
    return config_walk_fail(
        walk, given != NULL ? given : config_walk_given(walk, &config_schema_battery_dev),
        given != NULL ? "" : "poll_interval",
        "above half of battery_check_interval, which force_dcdc_waiting needs");
}

static bool read_document(struct config_walk *walk, struct config_parsed *parsed)
{
    return config_walk_root(walk, &config_schema_root, parsed) &&
           config_walk_required(walk, &config_schema_root, parsed) &&
           check_battery_dev(walk, parsed) && check_ports(walk, &parsed->config) &&
           resolve_dcdc(walk, parsed) && resolve_battery(walk, parsed) &&
           check_guard(walk, &parsed->config);
}

struct config *config_parse(const char *text, size_t size, const char *name,
                            struct failure *failure)
{
    struct config_parsed parsed = {0};
    struct yaml_tree_error error;
    struct yaml_tree *tree = NULL;
    struct config *config = NULL;
    struct config_walk walk;

    if (size > CONFIG_SIZE_MAX) {
        failure_set(failure, REASON_CONFIG, "%s: larger than %d bytes", name, CONFIG_SIZE_MAX);
        return NULL;
    }
    tree = yaml_tree_parse(text, size, &error);
    if (tree == NULL) {
        failure_set(failure, REASON_CONFIG, "%s:%u: %s", name, error.line, error.text);
        return NULL;
    }
    config_walk_init(&walk, name, tree, failure);
    if (!read_document(&walk, &parsed))
        goto free_tree;
    config = malloc(sizeof *config);
    if (config == NULL)
        failure_set(failure, REASON_CONFIG, "%s: not enough memory", name);
    else
        *config = parsed.config;
free_tree:
    yaml_tree_free(tree);
    return config;
}

/* Reads what fits and one byte more, so that a file that is too large shows. */
static ssize_t read_all(int fd, char *text, size_t size)
{
    size_t length = 0;
    ssize_t got;

    do {
        got = read(fd, text + length, size - length);
        if (got > 0)
            length += (size_t)got;
    } while (length < size && (got > 0 || (got < 0 && errno == EINTR)));
    return got < 0 ? -1 : (ssize_t)length;
}

/* Opens a regular file; without O_NONBLOCK a FIFO would wait for its writer. */
static int open_regular(const char *path, const char **why)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, &status) < 0)
        *why = strerror(errno);
    else if (S_ISDIR(status.st_mode))
        *why = strerror(EISDIR);
    else if (!S_ISREG(status.st_mode))
        *why = "not a regular file";
    else
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

struct config *config_load(const char *path, struct failure *failure)
{
    char *text = malloc(CONFIG_SIZE_MAX + 1);
    const char *why = "not enough memory";
    struct config *config = NULL;
    ssize_t length = -1;
    int fd = -1;

    if (text != NULL)
        fd = open_regular(path, &why);
    if (fd >= 0) {
        length = read_all(fd, text, CONFIG_SIZE_MAX + 1);
        why = strerror(errno);
        close(fd);
    }
    if (length >= 0)
        config = config_parse(text, (size_t)length, path, failure);
    else
        failure_set(failure, REASON_CONFIG, "%s: cannot be read: %s", path, why);
    free(text);
    return config;
}
