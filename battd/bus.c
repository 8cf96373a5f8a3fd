/* SPDX-License-Identifier: Apache-2.0 */
#include "battd/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <modbus.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <unistd.h>

#include "battd/read_answer.h"
#include "battd/read_request.h"
#include "battd/unanswered.h"
#include "common/clock.h"
#include "common/decimal.h"
#include "common/direction.h"
#include "common/log.h"
#include "common/serial.h"

enum {
    SILENT_CHARS = 4, /* a frame begins after 3.5 characters of silence */
    QUIET_TRIES_MAX = 64
};

struct bus {
    const struct config_battery_dev *config;
    modbus_t *modbus;
    int fd;
    struct direction *direction; /* NULL while closed */
    int64_t response_us;
    uint64_t stray_bytes;
    struct unanswered unanswered;
    bool echoes;                     /* the adapter: our own bytes come before the answer */
    uint8_t echo[READ_REQUEST_SIZE]; /* what came in its place before the last answer */
    size_t echo_size;
    pthread_mutex_t line; /* held while a request is on the line */
    bus_recorded *recorded;
    void *arg;
};

/* One request and the time until which its answer is waited for. */
struct exchange {
    uint8_t count; /* of registers */
    uint8_t request[READ_REQUEST_SIZE];
    int64_t deadline_us;
};

/* A frame: its bytes, as far as they came, and what they say. */
struct incoming {
    uint8_t bytes[MODBUS_RTU_MAX_ADU_LENGTH];
    size_t size;
    struct read_answer answer;
};

/* What libmodbus reports by errno; anything else is the port's. */
static const struct bus_error {
    int number;
    enum outcome outcome;
    const char *text;
} bus_errors[] = {
    {EMBBADCRC, OUTCOME_CHECKSUM, "bad checksum"},
    {EMBBADDATA, OUTCOME_MALFORMED, "malformed answer"},
    {EMBMDATA, OUTCOME_MALFORMED, "answer too long"},
};

struct bus *bus_new(const struct config_battery_dev *config, uint8_t polled, bus_recorded *recorded,
                    void *arg)
{
    const struct config_port *port = &config->port;
    struct bus *bus = calloc(1, sizeof *bus);

    if (bus == NULL)
        return NULL;
    bus->config = config;
    bus->recorded = recorded;
    bus->arg = arg;
    bus->fd = -1;
    pthread_mutex_init(&bus->line, NULL);
    bus->response_us =
        config->timeout_us + serial_time_us(port, READ_REQUEST_SIZE + READ_ANSWER_SIZE_MAX);
    bus->modbus =
        modbus_new_rtu(port->path, (int)port->baud, (char)port->parity, 8, (int)port->stop_bits);
    if (bus->modbus == NULL)
        goto fail;
    unanswered_add(&bus->unanswered, polled, clock_us() + bus->response_us);
    if (modbus_set_slave(bus->modbus, config->unit) == -1 ||
        /* None between bytes: the response timeout then covers the whole answer. */
        modbus_set_byte_timeout(bus->modbus, 0, 0) == -1)
        goto fail;
    return bus;
fail:
    bus_free(bus);
    return NULL;
}

void bus_free(struct bus *bus)
{
    if (bus == NULL)
        return;
    bus_close(bus);
    modbus_free(bus->modbus);
    pthread_mutex_destroy(&bus->line);
    free(bus);
}

/*
 * The descriptor is ours, not modbus_connect's, which changes a port's settings before anybody
 * could lock it.
 */
bool bus_open(struct bus *bus, struct failure *failure)
{
    int fd = serial_open(&bus->config->port, failure);

    if (fd == -1)
        return false;
    if (fd >= FD_SETSIZE) { /* libmodbus uses select() */
        failure_set(failure, REASON_PORT, "too many open files");
        close(fd);
        return false;
    }
    bus->direction = direction_open(&bus->config->port, fd, failure);
    if (bus->direction == NULL) {
        close(fd);
        return false;
    }
    bus->fd = fd;
    modbus_set_socket(bus->modbus, fd);
    return true;
}

void bus_close(struct bus *bus)
{
    if (bus->fd == -1)
        return;
    direction_close(bus->direction);
    bus->direction = NULL;
    close(bus->fd);
    bus->fd = -1;
    modbus_set_socket(bus->modbus, -1);
}

int bus_descriptor(const struct bus *bus)
{
    return bus->fd;
}

int64_t bus_response_us(const struct bus *bus)
{
    return bus->response_us;
}

uint64_t bus_stray_bytes(const struct bus *bus)
{
    return bus->stray_bytes;
}

static void record(const struct bus *bus, enum trace_direction direction, const uint8_t *bytes,
                   size_t count, const char *verdict)
{
    struct trace_frame frame = {.direction = direction};

    trace_frame_append(&frame, bytes, count, clock_us());
    trace_frame_judge(&frame, verdict);
    bus->recorded(bus->arg, &frame);
}

/* Drops what has come in, after a look at it. */
static void drop_input(struct bus *bus, struct trace_frame *stray)
{
    uint8_t bytes[TRACE_BYTES];
    ssize_t count;

    while ((count = read(bus->fd, bytes, sizeof bytes)) > 0) {
        trace_frame_append(stray, bytes, (size_t)count, clock_us());
        bus->stray_bytes += (uint64_t)count;
        if (count < (ssize_t)sizeof bytes)
            break;
    }
    modbus_flush(bus->modbus);
}

/* Drops what comes in until nothing has come for the silence between frames. */
static void wait_quiet(struct bus *bus)
{
    int64_t silence_us = serial_time_us(&bus->config->port, SILENT_CHARS);
    struct timespec silence = timespec_of_us(silence_us);
    struct trace_frame stray = {.direction = TRACE_RECEIVED};

    for (int i = 0; i < QUIET_TRIES_MAX; i++) {
        struct pollfd input = {.fd = bus->fd, .events = POLLIN};

        drop_input(bus, &stray);
        /* A port that has hung up stays readable: the request will tell. */
        if (ppoll(&input, 1, &silence, NULL) <= 0 || (input.revents & (POLLHUP | POLLERR)))
            break;
    }
    if (stray.size == 0)
        return;
    trace_frame_judge(&stray, bus->unanswered.size > 0 ? "late" : "stray");
    bus->recorded(bus->arg, &stray);
}

static enum outcome fail_timeout(const struct bus *bus, struct failure *failure)
{
    char seconds[DECIMAL_DOUBLE_SIZE];

    decimal_print_double((double)bus->config->timeout_us / US_PER_S, seconds);
    failure_set(failure, REASON_BATTERY, "no answer within %s s", seconds);
    return OUTCOME_TIMEOUT;
}

static enum outcome fail_errno(const struct bus *bus, int number, struct failure *failure)
{
    if (number == ETIMEDOUT)
        return fail_timeout(bus, failure);
    for (size_t i = 0; i < sizeof bus_errors / sizeof bus_errors[0]; i++) {
        if (bus_errors[i].number != number)
            continue;
        failure_set(failure, REASON_BATTERY, "%s", bus_errors[i].text);
        return bus_errors[i].outcome;
    }
    failure_set(failure, REASON_PORT, "%s: %s", bus->config->port.path,
                number == ECONNRESET ? "hung up" : modbus_strerror(number));
    return OUTCOME_PORT;
}

/* What stands in the answer's buffer until something comes; unlikely to come itself. */
static uint8_t filler(size_t index)
{
    return (uint8_t)(0xa5 + 59 * index);
}

/*
 * How much libmodbus wrote into the answer's buffer: it does not say so when it gives up. (The
 * last byte of a bad answer is missed if it happens to be the filler.)
 */
static size_t received_count(const uint8_t *answer, int result)
{
    size_t count = MODBUS_RTU_MAX_ADU_LENGTH;

    if (result > 0)
        return (size_t)result;
    while (count > 0 && answer[count - 1] == filler(count - 1))
        count--;
    return count;
}

/*
 * Sends a request and turns the line round. Not by libmodbus' own RTS callback, which sleeps for a
 * computed time and a margin on both sides and does not look at the UART. Returns 0 or an errno.
 */
static int send_request(struct bus *bus, const uint8_t request[static READ_REQUEST_SIZE])
{
    int error = 0;

    pthread_mutex_lock(&bus->line);
    if (direction_begin(bus->direction) != 0) {
        error = errno;
        goto unlock;
    }
    if (modbus_send_raw_request(bus->modbus, request, READ_REQUEST_SIZE - 2) == -1)
        error = errno;
    direction_sent(bus->direction, READ_REQUEST_SIZE);
    if (direction_finish(bus->direction) != 0 && error == 0)
        error = errno;
unlock:
    pthread_mutex_unlock(&bus->line);
    return error;
}

/*
 * Behind an adapter that echoes, an answer comes after our own bytes, of which echo_size are here
 * already. Nothing else is dropped: if other bytes come, the adapter is another one by now, or
 * somebody has talked into the request. Returns 0 or an errno.
 */
static int drop_echo(struct bus *bus, const struct exchange *exchange)
{
    ssize_t count = serial_read_until(bus->fd, bus->echo + bus->echo_size,
                                      sizeof bus->echo - bus->echo_size, exchange->deadline_us);

    if (count == -1)
        return errno;
    bus->echo_size += (size_t)count;
    if (bus->echo_size == READ_REQUEST_SIZE &&
        memcmp(bus->echo, exchange->request, READ_REQUEST_SIZE) == 0)
        return 0;
    bus->echoes = false;
    bus->stray_bytes += bus->echo_size;
    return bus->echo_size == 0 ? ETIMEDOUT : EMBBADDATA;
}

/* Waits for one frame and reads it. */
static enum outcome receive_frame(struct bus *bus, const struct exchange *exchange,
                                  struct incoming *incoming, struct failure *failure)
{
    int64_t left_us = exchange->deadline_us - clock_us();
    int result;

    if (left_us < 1) /* what is here already is taken all the same */
        left_us = 1;
    modbus_set_response_timeout(bus->modbus, (uint32_t)(left_us / US_PER_S),
                                (uint32_t)(left_us % US_PER_S));
    for (size_t i = 0; i < sizeof incoming->bytes; i++)
        incoming->bytes[i] = filler(i);
    result = modbus_receive_confirmation(bus->modbus, incoming->bytes);
    incoming->size = received_count(incoming->bytes, result);
    if (result == -1)
        return fail_errno(bus, errno, failure);
    return read_answer(bus->config->unit, incoming->bytes, (size_t)result, &incoming->answer,
                       failure);
}

/*
 * What came as an answer is the echo, or its beginning: from now on it is expected. Drops the rest
 * of it and waits for the answer behind it.
 */
static enum outcome learn_echo(struct bus *bus, const struct exchange *exchange,
                               struct incoming *incoming, struct failure *failure)
{
    int error;

    log_info("battery", "%s echoes what is sent", bus->config->port.path);
    bus->echoes = true;
    if (incoming->size > READ_REQUEST_SIZE) /* the answer's head is gone with it */
        return fail_errno(bus, EMBBADCRC, failure);
    memcpy(bus->echo, incoming->bytes, incoming->size);
    bus->echo_size = incoming->size;
    incoming->size = 0;
    error = drop_echo(bus, exchange);
    if (error != 0)
        return fail_errno(bus, error, failure);
    return receive_frame(bus, exchange, incoming, failure);
}

/* What came in, and before it the echo, goes into the trace. */
static void record_incoming(struct bus *bus, const struct incoming *incoming, const char *verdict)
{
    struct trace_frame frame = {.direction = TRACE_RECEIVED};

    trace_frame_append(&frame, bus->echo, bus->echo_size, clock_us());
    trace_frame_append(&frame, incoming->bytes, incoming->size, clock_us());
    trace_frame_judge(&frame, verdict);
    bus->recorded(bus->arg, &frame);
    bus->echo_size = 0;
}

static const char *verdict(enum outcome outcome, const struct failure *failure)
{
    if (outcome == OUTCOME_OK)
        return "ok";
    return outcome == OUTCOME_PORT ? "port lost" : failure->text;
}

/* An answer settles the request that it belongs to; there must have been one. */
static enum outcome settle(struct bus *bus, enum outcome outcome, const struct read_answer *answer,
                           struct failure *failure)
{
    if (outcome == OUTCOME_EXCEPTION)
        unanswered_settle_any(&bus->unanswered);
    else if (outcome == OUTCOME_OK && !unanswered_settle(&bus->unanswered, answer->count))
        return fail_errno(bus, EMBBADDATA, failure);
    return outcome;
}

/* Waits for the answer; late ones to requests of another size are dropped. */
static enum outcome receive(struct bus *bus, const struct exchange *exchange,
                            struct incoming *incoming, struct failure *failure)
{
    for (;;) {
        enum outcome outcome = receive_frame(bus, exchange, incoming, failure);

        if (outcome != OUTCOME_OK && !bus->echoes &&
            read_request_is(exchange->request, incoming->bytes, incoming->size))
            outcome = learn_echo(bus, exchange, incoming, failure);
        outcome = settle(bus, outcome, &incoming->answer, failure);
        if (outcome != OUTCOME_OK || incoming->answer.count == exchange->count) {
            record_incoming(bus, incoming, verdict(outcome, failure));
            return outcome;
        }
        record_incoming(bus, incoming, "late");
        bus->stray_bytes += incoming->size;
    }
}

/* Asks and waits for the answer. */
static enum outcome run_exchange(struct bus *bus, struct exchange *exchange,
                                 struct incoming *incoming, struct failure *failure)
{
    enum outcome outcome;
    int error = send_request(bus, exchange->request);

    exchange->deadline_us = clock_us() + bus->response_us;
    unanswered_add(&bus->unanswered, exchange->count, exchange->deadline_us);
    if (error == 0 && bus->echoes)
        error = drop_echo(bus, exchange);
    if (error == 0)
        return receive(bus, exchange, incoming, failure);
    outcome = fail_errno(bus, error, failure);
    record_incoming(bus, incoming, verdict(outcome, failure));
    return outcome;
}

enum outcome bus_read(struct bus *bus, const struct register_read *read, uint16_t *values,
                      struct failure *failure)
{
    struct exchange exchange = {.count = read->count};
    struct incoming incoming = {.size = 0};
    enum outcome outcome;

    read_request(bus->config->unit, read, exchange.request);
    wait_quiet(bus);
    record(bus, TRACE_SENT, exchange.request, READ_REQUEST_SIZE, "sent");
    outcome = run_exchange(bus, &exchange, &incoming, failure);
    if (outcome == OUTCOME_OK)
        memcpy(values, incoming.answer.values, read->count * sizeof *values);
    return outcome;
}

bool bus_expects(struct bus *bus, uint8_t count)
{
    return unanswered_has(&bus->unanswered, count, clock_us());
}

void bus_end_sending(struct bus *bus)
{
    pthread_mutex_lock(&bus->line);
}
