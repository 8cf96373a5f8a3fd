/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/port_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/serial.h"

enum {
    READS_A_WAKE_UP = 8,
    ALIVE_US = 5 * US_PER_S /* so late nothing may be */
};

static void pump(struct port *port);

static struct eza_link_settings link_settings(const struct port *port)
{
    const struct config *config = port->config;

    return (struct eza_link_settings){
        .address = {.address1 = config->dcdc_dev.address1,
                    .address2 = config->dcdc_dev.address2,
                    .check = config->dcdc.address_check},
        .byte_ns = serial_time_us(&port->settings, 1000),
        .reply_timeout_us = config->dcdc.reply_timeout_us,
        .gap_us = config->dcdc.command_interval_us,
    };
}

/* What the trace says of an answer. The text lives as long as outcome and text. */
static const char *verdict(const struct eza_outcome *outcome, char text[static TRACE_VERDICT_SIZE])
{
    if (outcome->result == EZA_OK)
        return "ok";
    if (outcome->ercd == 0)
        return outcome->failure.text;
    snprintf(text, TRACE_VERDICT_SIZE, "error: ERCD=%04x", outcome->ercd);
    return text;
}

void port_record_strays(struct port *port, int64_t now_us)
{
    const struct trace_frame *incoming = &port->recorder.incoming;
    size_t kept = trace_frame_kept(incoming);

    if (kept > 0)
        line_recorder_end(&port->recorder, eza_link_stray(&port->link, incoming->bytes, kept),
                          now_us);
}

/* The converter has begun or ceased to answer. */
static void note_answering(struct port *port, bool answering, const char *why, int64_t now_us)
{
    char text[FAILURE_TEXT_SIZE];

    port->answering = answering;
    if (answering) {
        log_info("link", "the converter answers after %.1f s",
                 (double)(now_us - port->silent_us) / US_PER_S);
        return;
    }
    port->silent_us = now_us;
    snprintf(text, sizeof text, "the converter does not answer: %s", why);
    log_warning("link", "%s", text);
    trace_file_want(&port->trace_file, text, now_us);
}

/* The link's answer or failure: recorded, remembered for `status`, logged when it changes. */
static void note_outcome(struct port *port, const struct eza_outcome *outcome, int64_t now_us)
{
    bool answered = outcome->result != EZA_TIMEOUT && outcome->result != EZA_LOST, answering;
    char text[TRACE_VERDICT_SIZE];

    line_recorder_end(&port->recorder, verdict(outcome, text), now_us);
    answers_ended(&port->answers, port->link.command, outcome, now_us);
    port_exchange_ended(port, answered, now_us);
    if (answered)
        port->answer_us = now_us;
    if (outcome->result != EZA_OK)
        snprintf(port->last_failure, sizeof port->last_failure, "%s", outcome->failure.text);
    port->silences = answered ? 0 : port->silences + 1;
    answering = port->silences <= port->config->dcdc.timeout_retries;
    if (answering != port->answering)
        note_answering(port, answering, outcome->failure.text, now_us);
}

static void receive(struct port *port, const uint8_t *bytes, size_t count)
{
    struct eza_outcome outcome;
    int64_t now_us = clock_us();

    line_recorder_received(&port->recorder, bytes, count, now_us);
    if (!eza_link_receive(&port->link, bytes, count, now_us, &outcome))
        return;
    note_outcome(port, &outcome, now_us);
    scheduler_outcome(&port->scheduler, &outcome, now_us);
}

/* Takes what has come in; the port may be lost over it. */
static void read_port(struct port *port)
{
    uint8_t bytes[EZA_LINK_BUFFER];

    for (int i = 0; i < READS_A_WAKE_UP; i++) {
        ssize_t count = read(port->fd, bytes, sizeof bytes);

        if (count > 0) {
            receive(port, bytes, (size_t)count);
        } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
            port_lose(port, count == 0 ? "hung up" : "read", count == 0 ? 0 : errno);
            break;
        } else if (errno == EAGAIN) {
            break;
        }
    }
}

void port_on_readable(evutil_socket_t fd, short events, void *arg)
{
    struct port *port = arg;

    (void)fd, (void)events;
    read_port(port);
    pump(port);
}

/* Writes the request; a frame always fits the terminal's buffer, so less is an error. */
static void transmit(struct port *port, const struct scheduler_exchange *exchange, int64_t now_us)
{
    size_t size;
    ssize_t written;

    port_record_strays(port, now_us);
    size = eza_link_start(&port->link, exchange->command, exchange->values, now_us);
    answers_asked(&port->answers, now_us);
    if (direction_begin(port->direction) != 0) {
        port_lose(port, "direction", errno);
        return;
    }
    written = write(port->fd, port->link.request, size);
    direction_sent(port->direction, size);
    line_recorder_sent(&port->recorder, port->link.request, size, now_us);
    if (written != (ssize_t)size)
        port_lose(port, "write", written < 0 ? errno : EIO);
}

/* The wait counts from now, not from the beginning of the loop's turn: a pin waits for its end. */
static void set_timer(struct port *port, int64_t due_us)
{
    int64_t now_us = clock_us();
    struct timeval wait = timeval_of_us(due_us > now_us ? due_us - now_us : 0);

    port->due_us = due_us;
    if (due_us == INT64_MAX) {
        event_del(port->timer);
        return;
    }
    event_base_update_cache_time(port->base);
    event_add(port->timer, &wait);
}

/* Whether the last request is still on the line: nothing else is sent, no file is written then. */
static bool is_sending(const struct port *port)
{
    return port->fd >= 0 && direction_due_us(port->direction) != INT64_MAX;
}

/* Records strays that are complete, writes a trace file that is due; returns when to look again. */
static int64_t pump_trace(struct port *port, int64_t now_us)
{
    bool idle = eza_link_deadline_us(&port->link) == INT64_MAX;
    int64_t quiet_us = idle ? line_recorder_quiet_us(&port->recorder) : INT64_MAX;

    if (quiet_us <= now_us) {
        port_record_strays(port, now_us);
        quiet_us = INT64_MAX;
    }
    if (is_sending(port))
        return quiet_us;
    trace_file_write(&port->trace_file, &port->recorder.trace, &port->settings, now_us);
    return earlier_us(quiet_us, port->trace_file.due_us);
}

/* Begins the next exchange if the line is free; returns when to look again. */
static int64_t pump_open(struct port *port, int64_t now_us)
{
    struct scheduler_exchange exchange;

    if (eza_link_deadline_us(&port->link) == INT64_MAX && !is_sending(port)) {
        int64_t ready_us = eza_link_ready_us(&port->link);

        if (now_us < ready_us)
            return earlier_us(ready_us, scheduler_deadline_us(&port->scheduler));
        if (!scheduler_next(&port->scheduler, now_us, &exchange))
            return scheduler_wake_us(&port->scheduler);
        transmit(port, &exchange, now_us);
        if (port->fd < 0)
            return earlier_us(port->reopen_us, scheduler_deadline_us(&port->scheduler));
    }
    return earlier_us(
        direction_due_us(port->direction),
        earlier_us(eza_link_deadline_us(&port->link), scheduler_deadline_us(&port->scheduler)));
}

/*
 * Ends the exchange whose deadline has come. Its answer may lie in the port already: on a busy
 * machine it may be this process that is late, woken by another event first.
 */
static void expire_exchange(struct port *port, int64_t now_us)
{
    struct eza_outcome outcome;

    if (port->fd < 0 || now_us < eza_link_deadline_us(&port->link))
        return;
    read_port(port);
    if (port->fd >= 0 && eza_link_expire(&port->link, now_us, &outcome)) {
        note_outcome(port, &outcome, now_us);
        scheduler_outcome(&port->scheduler, &outcome, now_us);
    }
}

/* Does what is due and sets the timer for the rest. */
static void pump(struct port *port)
{
    int64_t now_us = clock_us(), due_us;

    if (port->fd >= 0 && direction_poll(port->direction, now_us) != 0)
        port_lose(port, "direction", errno);
    if (port->fd < 0 && port->reopen_us <= now_us)
        port_try_open(port);
    expire_exchange(port, now_us);
    scheduler_expire(&port->scheduler, now_us);
    if (port->fd >= 0)
        due_us = pump_open(port, now_us);
    else
        due_us = earlier_us(port->reopen_us, scheduler_deadline_us(&port->scheduler));
    if (!is_sending(port))
        stop_memory_keep(&port->stop_memory, scheduler_stop_is_unconfirmed(&port->scheduler));
    set_timer(port, earlier_us(due_us, pump_trace(port, now_us)));
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
    (void)fd, (void)events;
    pump(arg);
}

struct port *port_new(struct event_base *base, const struct config *config, const char *run_dir)
{
    struct port *port = calloc(1, sizeof *port);
    struct eza_link_settings settings;

    if (port == NULL)
        return NULL;
    port->base = base;
    port->config = config;
    port->settings = config->dcdc_dev.port;
    port_open_init(port);
    port->answer_us = clock_us();
    port->answering = true;
    trace_file_init(&port->trace_file, run_dir, "dcdcd");
    settings = link_settings(port);
    eza_link_init(&port->link, &settings);
    scheduler_init(&port->scheduler, config, &port->link);
    stop_memory_init(&port->stop_memory, run_dir);
    if (port->stop_memory.owed)
        scheduler_owe_stop(&port->scheduler, clock_us());
    port->timer = event_new(base, -1, 0, on_timer, port);
    if (port->timer == NULL) {
        free(port);
        return NULL;
    }
    pump(port);
    return port;
}

void port_free(struct port *port)
{
    struct failure failure;

    if (port == NULL)
        return;
    failure_set(&failure, REASON_STOPPING, "dcdcd is stopping");
    scheduler_stop(&port->scheduler, &failure);
    stop_memory_keep(&port->stop_memory, scheduler_stop_is_unconfirmed(&port->scheduler));
    trace_file_finish(&port->trace_file, &port->recorder.trace, &port->settings, clock_us());
    if (port->readable != NULL)
        event_free(port->readable);
    direction_close(port->direction);
    if (port->fd >= 0)
        close(port->fd);
    event_free(port->timer);
    free(port);
}

void port_configure(struct port *port, const struct config *config)
{
    struct eza_link_settings settings;

    port->config = config;
    settings = link_settings(port);
    eza_link_configure(&port->link, &settings);
    scheduler_configure(&port->scheduler, config);
}

void port_submit(struct port *port, struct request *request)
{
    scheduler_submit(&port->scheduler, request, clock_us());
    pump(port);
}

void port_permit(struct port *port, const char *denial)
{
    scheduler_permit(&port->scheduler, denial);
}

void port_save_trace(struct port *port, const char *reason)
{
    trace_file_want_stop(&port->trace_file, reason, clock_us());
    pump(port);
}

bool port_mode(const struct port *port, uint16_t *mode)
{
    *mode = port->scheduler.mode;
    return port->scheduler.mode_known;
}

bool port_alive(const struct port *port, int64_t now_us)
{
    return port->due_us == INT64_MAX || now_us - port->due_us < ALIVE_US;
}
