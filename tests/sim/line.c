/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/sim/pin.h"
#include "tests/sim/pty.h"
#include "tests/sim/recorder.h"
#include "tests/sim/uart.h"

enum {
    BITS_PER_BYTE = 10, /* with start and stop bit */
    SILENCE_US = 5000,  /* between frames, on top of SILENCE_BYTES */
    SILENCE_BYTES = 4,
    HEARD_MAX = 320, /* longest burst that is recorded as one frame */
    HANGUP_US = 5000 /* a hang-up discards what the peer has not read: leave it time */
};

/* A transmission, planned or under way. */
struct burst {
    struct burst *next;
    int64_t start_us, gap_us;
    int64_t began_us, ended_us; /* when it really began on the line, and the last byte so far */
    size_t size, sent;
    bool echo, hangup;
    uint8_t bytes[];
};

struct sim_line {
    struct sim_line_config config;
    struct event_base *base;
    struct sim_pty pty;
    struct event *readable;
    struct event *due;
    struct sim_recorder *recorder;
    struct sim_pin *pin; /* NULL: the transceiver switches by itself */
    bool check_speed;

    struct burst *plan; /* by start_us; the first may be under way */
    size_t planned;
    int64_t sent_until_us; /* end of the last byte sent */

    /* Bytes heard without a pause since run_us: their times follow from their number. */
    int64_t run_us;
    size_t run_bytes;
    /* What is recorded as the next frame. */
    uint8_t heard[HEARD_MAX];
    size_t heard_size;
    int64_t heard_start_us, heard_end_us;
};

int64_t sim_line_bytes_us(const struct sim_line *line, size_t count)
{
    if (line->config.baud == 0)
        return 0;
    return (int64_t)count * BITS_PER_BYTE * US_PER_S / line->config.baud;
}

static void record_heard(struct sim_line *line)
{
    if (line->heard_size > 0)
        sim_recorder_add(line->recorder, SIM_RX, line->heard, line->heard_size,
                         line->heard_start_us, line->heard_end_us);
    line->heard_size = 0;
}

/* True if a byte that begins at start_us is apart from what was heard before. */
static bool is_apart(const struct sim_line *line, int64_t start_us)
{
    return start_us - line->heard_end_us > SILENCE_US + sim_line_bytes_us(line, SILENCE_BYTES);
}

static void hear(struct sim_line *line, uint8_t byte, int64_t now_us)
{
    int64_t start_us = line->run_us + sim_line_bytes_us(line, line->run_bytes);
    bool after_silence;

    if (now_us > start_us) {
        line->run_us = start_us = now_us;
        line->run_bytes = 0;
    }
    line->run_bytes++;
    after_silence = is_apart(line, start_us);
    if (after_silence || line->heard_size == HEARD_MAX)
        record_heard(line);
    if (line->heard_size == 0)
        line->heard_start_us = start_us;
    line->heard[line->heard_size++] = byte;
    line->heard_end_us = line->run_us + sim_line_bytes_us(line, line->run_bytes);
    line->config.byte(line->config.arg, byte, after_silence, start_us, line->heard_end_us);
}

/* The peer's speed if bytes suffer from it, else 0. */
static unsigned other_speed(const struct sim_line *line)
{
    unsigned baud = line->check_speed && line->config.baud > 0 ? sim_pty_baud(&line->pty) : 0;

    return baud != line->config.baud ? baud : 0;
}

/* there_us: the first of the bytes was there then. */
static void hear_all(struct sim_line *line, const uint8_t *bytes, size_t count, int64_t there_us)
{
    int64_t now_us = clock_us();
    unsigned baud = other_speed(line);
    uint8_t garbage[HEARD_MAX];

    if (baud > 0) {
        count = sim_uart_hear(bytes, count, baud, line->config.baud, garbage, sizeof garbage);
        bytes = garbage;
    }
    sim_pin_update(line->pin, sim_line_bytes_us(line, 1000));
    for (size_t i = 0; i < count; i++)
        if (sim_pin_hears(line->pin, there_us))
            hear(line, bytes[i], now_us);
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
    struct sim_line *line = arg;
    uint8_t bytes[256];
    int64_t there_us = clock_us();
    ssize_t count = read(fd, bytes, sizeof bytes);

    (void)events;
    if (count > 0)
        hear_all(line, bytes, (size_t)count, there_us);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
        fprintf(stderr, "%s: the pseudo terminal failed: %s\n", line->config.link,
                count == 0 ? "end of file" : strerror(errno));
        sim_line_hangup(line);
    }
}

/* When the given number of bytes of a burst have ended on the line. */
static int64_t burst_due_us(const struct sim_line *line, const struct burst *burst, size_t count)
{
    int64_t start_us = burst->sent > 0 ? burst->began_us : burst->start_us;

    if (burst->sent == 0 && start_us < line->sent_until_us)
        start_us = line->sent_until_us;
    return start_us + sim_line_bytes_us(line, count) +
           (count > 1 ? (int64_t)(count - 1) : 0) * burst->gap_us;
}

/* When something is to be done about a burst: its next byte, or its end. */
static int64_t next_due_us(const struct sim_line *line, const struct burst *burst)
{
    if (burst->sent < burst->size)
        return burst_due_us(line, burst, burst->sent + 1);
    return burst_due_us(line, burst, burst->size) + (burst->hangup ? HANGUP_US : 0);
}

static void arm(struct sim_line *line)
{
    const struct burst *burst = line->plan;
    struct timeval wait;
    int64_t wait_us;

    if (burst == NULL) {
        event_del(line->due);
        return;
    }
    wait_us = next_due_us(line, burst) - clock_us();
    if (wait_us < 0)
        wait_us = 0;
    /* Without this the wait would count from the beginning of the loop's turn. */
    event_base_update_cache_time(line->base);
    wait = timeval_of_us(wait_us);
    event_add(line->due, &wait);
}

static void drop_first(struct sim_line *line)
{
    struct burst *burst = line->plan;

    line->plan = burst->next;
    line->planned--;
    free(burst);
}

/* What the peer got of a burst goes into the record. */
static void record_sent(struct sim_line *line, const struct burst *burst)
{
    if (burst->sent > 0)
        sim_recorder_add(line->recorder, SIM_TX, burst->bytes, burst->sent, burst->began_us,
                         burst->ended_us);
}

static void finish_first(struct sim_line *line)
{
    struct burst *burst = line->plan;
    bool hangup = burst->hangup;

    if (burst->size > 0)
        line->sent_until_us = burst_due_us(line, burst, burst->size);
    record_sent(line, burst);
    drop_first(line);
    if (hangup)
        sim_line_hangup(line);
}

/* A peer that does not read loses bytes, as with a UART. */
static void write_bytes(struct sim_line *line, const uint8_t *bytes, size_t count)
{
    unsigned baud = other_speed(line);
    uint8_t garbage[SIM_SEND_MAX];

    if (baud > 0) {
        count = sim_uart_hear(bytes, count, line->config.baud, baud, garbage, sizeof garbage);
        bytes = garbage;
    }
    if (write(line->pty.master, bytes, count) < 0 && errno != EAGAIN)
        perror(line->config.link);
}

/* Writes bytes of a burst but those during which the peer's transceiver was sending itself. */
static void write_through(struct sim_line *line, const struct burst *burst, size_t from, size_t to)
{
    uint8_t bytes[SIM_SEND_MAX];
    size_t count = 0;

    sim_pin_update(line->pin, sim_line_bytes_us(line, 1000));
    for (size_t i = from; i < to; i++) {
        int64_t end_us = burst_due_us(line, burst, i + 1);

        if (burst->echo || !sim_pin_covers(line->pin, end_us - sim_line_bytes_us(line, 1), end_us))
            bytes[count++] = burst->bytes[i];
    }
    if (count > 0)
        write_bytes(line, bytes, count);
}

/* Writes the bytes of a burst that have ended by now; returns true when all have. */
static bool write_due(struct sim_line *line, struct burst *burst, int64_t now_us)
{
    size_t count = burst->sent;

    while (count < burst->size && burst_due_us(line, burst, count + 1) <= now_us)
        count++;
    if (count > burst->sent) {
        if (burst->sent == 0)
            burst->began_us = burst_due_us(line, burst, 0);
        write_through(line, burst, burst->sent, count);
        burst->sent = count;
        burst->ended_us = now_us; /* of before the write: the peer cannot have read them earlier */
    }
    return count == burst->size && next_due_us(line, burst) <= now_us;
}

static void on_due(evutil_socket_t fd, short events, void *arg)
{
    struct sim_line *line = arg;

    (void)fd;
    (void)events;
    while (line->plan != NULL && write_due(line, line->plan, clock_us()))
        finish_first(line);
    arm(line);
}

static bool listen_to_pty(struct sim_line *line)
{
    line->readable =
        event_new(line->base, line->pty.master, EV_READ | EV_PERSIST, on_readable, line);
    return line->readable != NULL && event_add(line->readable, NULL) == 0;
}

/* The request was not heard to its end: what was planned to answer it is not sent. */
static void on_cut(void *arg)
{
    struct sim_line *line = arg;

    while (line->plan != NULL)
        drop_first(line);
    event_del(line->due);
}

static void forget_readable(struct sim_line *line)
{
    if (line->readable != NULL)
        event_free(line->readable);
    line->readable = NULL;
}

struct sim_line *sim_line_new(struct event_base *base, const struct sim_line_config *config)
{
    struct sim_line *line = calloc(1, sizeof *line);

    if (line == NULL)
        return NULL;
    line->config = *config;
    line->base = base;
    line->pty.master = line->pty.slave = -1;
    line->recorder = sim_recorder_new(config->debug);
    line->due = evtimer_new(base, on_due, line);
    if (config->pin != NULL)
        line->pin = sim_pin_new(base, config->pin, on_cut, line);
    if (line->recorder == NULL || line->due == NULL || (config->pin != NULL && line->pin == NULL) ||
        !sim_pty_open(&line->pty) || !sim_line_back(line)) {
        fprintf(stderr, "%s: cannot make a port: %s\n", config->link, strerror(errno));
        sim_line_free(line);
        return NULL;
    }
    return line;
}

void sim_line_free(struct sim_line *line)
{
    if (line == NULL)
        return;
    forget_readable(line);
    while (line->plan != NULL)
        drop_first(line);
    sim_pin_free(line->pin);
    if (line->due != NULL)
        event_free(line->due);
    sim_recorder_free(line->recorder);
    if (line->pty.master >= 0)
        sim_pty_unlink(&line->pty, line->config.link);
    sim_pty_close(&line->pty);
    free(line);
}

void sim_line_send(struct sim_line *line, const struct sim_send *send)
{
    struct burst **place = &line->plan;
    struct burst *burst;

    if (!sim_line_present(line) || line->planned == SIM_SENDS_MAX || send->size > SIM_SEND_MAX)
        return;
    burst = malloc(sizeof *burst + send->size);
    if (burst == NULL)
        return;
    *burst = (struct burst){.start_us = send->start_us,
                            .gap_us = send->gap_us,
                            .size = send->size,
                            .echo = send->echo,
                            .hangup = send->hangup};
    memcpy(burst->bytes, send->bytes, send->size);
    while (*place != NULL && ((*place)->sent > 0 || (*place)->start_us <= send->start_us))
        place = &(*place)->next;
    burst->next = *place;
    *place = burst;
    line->planned++;
    arm(line);
}

void sim_line_frame_complete(struct sim_line *line)
{
    record_heard(line);
}

/*
 * The next pseudo terminal is opened before the old one is closed, so that it has another name
 * even when the peer lets go of the old one at once.
 */
void sim_line_hangup(struct sim_line *line)
{
    struct sim_pty old = line->pty;

    if (!sim_line_present(line))
        return;
    forget_readable(line);
    event_del(line->due);
    record_heard(line);
    if (line->plan != NULL)
        record_sent(line, line->plan);
    while (line->plan != NULL)
        drop_first(line);
    sim_pty_unlink(&old, line->config.link);
    if (!sim_pty_open(&line->pty))
        perror(line->config.link);
    sim_pty_close(&old);
}

bool sim_line_back(struct sim_line *line)
{
    if (sim_line_present(line))
        return true;
    if (line->pty.master < 0 && !sim_pty_open(&line->pty))
        return false;
    /* The peer's first byte begins a frame, however soon it comes. */
    line->heard_end_us = INT64_MIN / 2;
    if (listen_to_pty(line) && sim_pty_link(&line->pty, line->config.link))
        return true;
    forget_readable(line);
    return false;
}

bool sim_line_present(const struct sim_line *line)
{
    return line->readable != NULL;
}

void sim_line_set_baud(struct sim_line *line, unsigned baud)
{
    line->config.baud = baud;
}

unsigned sim_line_baud(const struct sim_line *line)
{
    return line->config.baud;
}

void sim_line_check_speed(struct sim_line *line, bool check)
{
    line->check_speed = check;
}

struct json_object *sim_line_take_pin_records(struct sim_line *line)
{
    sim_pin_update(line->pin, sim_line_bytes_us(line, 1000));
    return line->pin != NULL ? sim_pin_take_records(line->pin) : NULL;
}

struct json_object *sim_line_take_records(struct sim_line *line)
{
    if (is_apart(line, clock_us()))
        record_heard(line);
    return sim_recorder_take(line->recorder);
}
