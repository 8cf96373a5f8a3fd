/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/saved.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/decimal.h"
#include "common/log.h"
#include "common/operation_mode.h"

enum { FILE_MAX = 1024, FILE_MODE = 0640 };

struct saved {
    char path[PATH_MAX];
    char new_path[PATH_MAX + 4]; /* renamed to path when it is complete */
    struct parameters parameters;
    bool write_failed; /* and that was logged */
};

static bool value_good(enum parameter parameter, const char *text)
{
    struct failure failure;
    struct decimal number;
    uint16_t mode;

    if (parameter == PARAMETER_MODE)
        return operation_mode_parse(text, &mode, &failure);
    return decimal_parse(text, &number) == NULL;
}

/* Fills *parameters from {"mode": "0x0014", …}. Returns false if that is not what object is. */
static bool from_json(struct json_object *object, struct parameters *parameters)
{
    int found = 0;

    if (!json_object_is_type(object, json_type_object))
        return false;
    for (int i = 0; i < PARAMETER_COUNT; i++) {
        struct json_object *value;
        const char *text;

        if (!json_object_object_get_ex(object, parameter_names[i], &value))
            continue;
        text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
        if (strlen(text) >= QUERY_VALUE_SIZE ||
            strlen(text) != (size_t)json_object_get_string_len(value) ||
            !value_good((enum parameter)i, text))
            return false;
        memcpy(parameters->text[i], text, strlen(text) + 1);
        found++;
    }
    return found == json_object_object_length(object);
}

static bool parse(const char *text, size_t length, struct parameters *parameters)
{
    struct json_tokener *tokener = json_tokener_new_ex(3);
    struct json_object *object;
    struct parameters read = {.text = {{0}}};
    bool good;

    if (tokener == NULL)
        return false;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    object = json_tokener_parse_ex(tokener, text, (int)length);
    good = json_tokener_get_error(tokener) == json_tokener_success && from_json(object, &read);
    if (good)
        *parameters = read;
    json_object_put(object);
    json_tokener_free(tokener);
    return good;
}

static void read_file(struct saved *saved)
{
    int fd = open(saved->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char text[FILE_MAX];
    ssize_t length;

    if (fd < 0) {
        if (errno != ENOENT)
            log_warning("saved", "%s: %s", saved->path, strerror(errno));
        return;
    }
    length = read(fd, text, sizeof text);
    if (length < 0)
        log_warning("saved", "%s: %s", saved->path, strerror(errno));
    else if (!parse(text, (size_t)length, &saved->parameters))
        log_warning("saved", "%s: not a file of ours, not used", saved->path);
    close(fd);
}

static bool write_all(const char *path, const char *text, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    ssize_t written;

    if (fd < 0)
        return false;
    written = write(fd, text, length);
    close(fd);
    if (written >= 0 && written < (ssize_t)length)
        errno = ENOSPC;
    return written == (ssize_t)length;
}

static void write_file(struct saved *saved)
{
    struct json_object *object = parameters_to_json(&saved->parameters);
    size_t length;
    const char *text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN, &length);
    bool failed =
        !write_all(saved->new_path, text, length) || rename(saved->new_path, saved->path) != 0;

    if (failed && !saved->write_failed)
        log_warning("saved", "%s: %s", saved->path, strerror(errno));
    saved->write_failed = failed;
    json_object_put(object);
}

struct saved *saved_open(const char *path)
{
    struct saved *saved = calloc(1, sizeof *saved);

    if (saved == NULL)
        return NULL;
    snprintf(saved->path, sizeof saved->path, "%s", path);
    snprintf(saved->new_path, sizeof saved->new_path, "%s.new", saved->path);
    read_file(saved);
    return saved;
}

const struct parameters *saved_get(const struct saved *saved)
{
    return &saved->parameters;
}

void saved_update(struct saved *saved, const struct parameters *news)
{
    if (parameters_update(&saved->parameters, news))
        write_file(saved);
}

void saved_forget(struct saved *saved)
{
    static const struct parameters none;

    if (memcmp(&saved->parameters, &none, sizeof none) == 0)
        return;
    saved->parameters = none;
    write_file(saved);
}

void saved_close(struct saved *saved)
{
    free(saved);
}
