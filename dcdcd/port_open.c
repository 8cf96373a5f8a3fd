/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the port, closes it when it is lost, and says when to try again. */
#include "dcdcd/port_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/serial.h"
#include "common/serial_alias.h"

enum {
    REOPEN_MIN_US = 100 * US_PER_MS,
    REOPEN_MAX_US = 1500 * US_PER_MS,
    PROVED_US = US_PER_S /* a port that takes requests so long without an error works */
};

void port_open_init(struct port *port)
{
    port->backoff = (struct backoff){.min_us = REOPEN_MIN_US, .max_us = REOPEN_MAX_US};
    port->fd = -1;
    port->closed_us = clock_us();
}

/* Closes the port; it is tried again after a while. Logged once, when it was open or at start. */
static void close_port(struct port *port, const char *why)
{
    int64_t now_us = clock_us();

    if (port->fd >= 0) {
        event_del(port->readable);
        event_free(port->readable);
        port->readable = NULL;
        direction_close(port->direction);
        port->direction = NULL;
        close(port->fd);
        port->fd = -1;
        if (eza_link_deadline_us(&port->link) != INT64_MAX)
            line_recorder_end(&port->recorder, "port lost", now_us);
        port_record_strays(port, now_us);
        if (port->error[0] == '\0') {
            port->closed_us = now_us;
            trace_file_want(&port->trace_file, why, now_us);
        }
    }
    /* After a loss that was logged, the file being gone is no news. */
    if (strcmp(port->error, why) != 0 &&
        (port->error[0] == '\0' || access(port->settings.path, F_OK) == 0))
        log_error("port", "%s", why);
    snprintf(port->error, sizeof port->error, "%s", why);
    eza_link_reset(&port->link);
    answers_forget(&port->answers);
    port->reopen_us = now_us + backoff_failed(&port->backoff);
    scheduler_link_lost(&port->scheduler, why, now_us);
}

void port_lose(struct port *port, const char *what, int error)
{
    char text[FAILURE_TEXT_SIZE];

    snprintf(text, sizeof text, "%s: %s%s%s", port->settings.path, what, error != 0 ? ": " : "",
             error != 0 ? strerror(error) : "");
    close_port(port, text);
}

/* Opens the port, its direction and its event, or none of them. */
static bool open_port(struct port *port, struct failure *failure)
{
    int fd = serial_open(&port->settings, failure);

    if (fd < 0)
        return false;
    port->direction = direction_open(&port->settings, fd, failure);
    if (port->direction == NULL)
        goto close_fd;
    port->readable = event_new(port->base, fd, EV_READ | EV_PERSIST, port_on_readable, port);
    if (port->readable == NULL || event_add(port->readable, NULL) != 0) {
        failure_set(failure, REASON_PORT, "out of memory");
        goto close_direction;
    }
    port->fd = fd;
    return true;
close_direction:
    if (port->readable != NULL)
        event_free(port->readable);
    port->readable = NULL;
    direction_close(port->direction);
    port->direction = NULL;
close_fd:
    close(fd);
    return false;
}

void port_try_open(struct port *port)
{
    struct failure failure;
    const char *direction;

    if (!open_port(port, &failure)) {
        close_port(port, failure.text);
        return;
    }
    if (port->opens++ == 0)
        serial_alias_suggest(port->settings.path);
    port->opened_us = clock_us();
    if (port->error[0] == '\0') {
        direction = direction_text(port->direction);
        log_info("port", "%s is open%s%s", port->settings.path, direction[0] != '\0' ? ", " : "",
                 direction);
    }
    scheduler_link_up(&port->scheduler);
}

void port_exchange_ended(struct port *port, bool answered, int64_t now_us)
{
    if (port->error[0] == '\0' || (!answered && now_us - port->opened_us < PROVED_US))
        return;
    log_info("port", "%s is back after %.1f s", port->settings.path,
             (double)(now_us - port->closed_us) / US_PER_S);
    port->error[0] = '\0';
    backoff_succeeded(&port->backoff);
}
