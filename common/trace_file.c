/* SPDX-License-Identifier: Apache-2.0 */
#include "common/trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

/* Long enough for all tries of a command that is not answered, and for a stop's confirmation. */
enum { AFTERMATH_US = 2 * US_PER_S, INTERVAL_US = 60 * US_PER_S, STOP_INTERVAL_US = 10 * US_PER_S };

void trace_file_init(struct trace_file *file, const char *dir, const char *name)
{
    *file = (struct trace_file){
        .name = name, .due_us = INT64_MAX, .next_us = INT64_MIN, .next_stop_us = INT64_MIN};
    snprintf(file->path, sizeof file->path, "%s/%s.trace", dir, name);
}

static void make_due(struct trace_file *file, const char *reason, int64_t now_us)
{
    file->due_us = now_us + AFTERMATH_US;
    file->next_us = now_us + INTERVAL_US;
    snprintf(file->reason, sizeof file->reason, "%s", reason);
}

void trace_file_want(struct trace_file *file, const char *reason, int64_t now_us)
{
    if (file->due_us == INT64_MAX && now_us >= file->next_us)
        make_due(file, reason, now_us);
}

void trace_file_want_stop(struct trace_file *file, const char *reason, int64_t now_us)
{
    if (now_us < file->next_stop_us)
        return;
    make_due(file, reason, now_us);
    file->next_stop_us = now_us + STOP_INTERVAL_US;
}

static struct json_object *header(const struct trace_file *file, const struct config_port *port,
                                  int64_t now_us)
{
    struct json_object *object = json_object_new_object();
    time_t now = time(NULL);
    struct tm utc;
    char date[32] = "";

    if (gmtime_r(&now, &utc) != NULL)
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_object_object_add(object, "trace", json_object_new_string(file->name));
    json_object_object_add(object, "version", json_object_new_string(VERSION));
    json_object_object_add(object, "reason", json_object_new_string(file->reason));
    json_object_object_add(object, "time", trace_seconds(now_us));
    json_object_object_add(object, "date", json_object_new_string(date));
    json_object_object_add(object, "port", json_object_new_string(port->path));
    json_object_object_add(object, "baud", json_object_new_int64(port->baud));
    return object;
}

/* Takes object. */
static void write_line(FILE *stream, struct json_object *object)
{
    fputs(json_object_to_json_string_ext(object,
                                         JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
          stream);
    fputc('\n', stream);
    json_object_put(object);
}

/* 0, or the errno of what went wrong. */
static int write_all(const struct trace_file *file, const char *path, const struct trace *trace,
                     const struct config_port *port, int64_t now_us)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
    FILE *stream = fd != -1 ? fdopen(fd, "w") : NULL;
    bool failed;

    if (stream == NULL) {
        int error = errno;

        if (fd != -1)
            close(fd);
        return error;
    }
    write_line(stream, header(file, port, now_us));
    for (uint64_t i = trace_newest(trace, TRACE_FRAMES); i < trace->count; i++)
        write_line(stream, trace_frame_json(trace_at(trace, i), now_us));
    failed = ferror(stream) != 0;
    if (fclose(stream) != 0)
        return errno;
    return failed ? EIO : 0;
}

void trace_file_write(struct trace_file *file, const struct trace *trace,
                      const struct config_port *port, int64_t now_us)
{
    char temporary[PATH_MAX + 4];
    int error;

    if (now_us < file->due_us)
        return;
    file->due_us = INT64_MAX;
    snprintf(temporary, sizeof temporary, "%s.tmp", file->path);
    error = write_all(file, temporary, trace, port, now_us);
    if (error == 0 && rename(temporary, file->path) != 0)
        error = errno;
    if (error == 0) {
        log_info("trace", "%s: %s", file->path, file->reason);
        return;
    }
    log_warning("trace", "%s: %s", file->path, strerror(error));
    unlink(temporary);
}

void trace_file_finish(struct trace_file *file, const struct trace *trace,
                       const struct config_port *port, int64_t now_us)
{
    if (file->due_us != INT64_MAX)
        file->due_us = now_us;
    trace_file_write(file, trace, port, now_us);
}
