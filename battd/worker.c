/* SPDX-License-Identifier: Apache-2.0 */
#include "battd/worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "battd/bus.h"
#include "battd/registers.h"
#include "battd/schedule.h"
#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/serial_alias.h"
#include "common/trace_file.h"
#include "common/trace_log.h"

enum {
    REOPEN_MIN_US = 100 * US_PER_MS,
    REOPEN_MAX_US = 2 * US_PER_S,
    ALIVE_US = 5 * US_PER_S /* so late a sign of life may be */
};

struct worker {
    const struct config_battery_dev *config;
    struct register_plan plan;
    void (*changed)(void *arg);
    void *arg;
    struct event *wake;
    int wake_fd; /* written by the thread: something was published */
    int stop_fd; /* written by the loop: readable from then on */
    pthread_t thread;

    pthread_mutex_t lock; /* guards the next three */
    int64_t next_sign_us; /* when the thread will have given another sign of life */
    struct snapshot published;
    struct trace trace;

    /* the thread's own */
    struct bus *bus;
    struct poll_schedule schedule;
    struct backoff reopen;
    struct snapshot snapshot;
    struct trace_file trace_file;
};

enum wait_result { WAIT_OVER, WAIT_HANGUP, WAIT_STOP };

static void raise_event(int fd)
{
    const uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one);

    /* It fails only when the counter is full: then it is readable all the same. */
    (void)written;
}

static void publish(struct worker *worker)
{
    worker->snapshot.port_open = bus_descriptor(worker->bus) != -1;
    worker->snapshot.counters.stray_bytes = bus_stray_bytes(worker->bus);
    pthread_mutex_lock(&worker->lock);
    worker->published = worker->snapshot;
    pthread_mutex_unlock(&worker->lock);
    raise_event(worker->wake_fd);
}

static void on_frame(void *arg, const struct trace_frame *frame)
{
    struct worker *worker = arg;

    trace_log("bus", frame);
    if (frame->direction == TRACE_SENT)
        worker->snapshot.counters.sent++;
    else if (frame->size > 0)
        worker->snapshot.counters.received++;
    pthread_mutex_lock(&worker->lock);
    trace_add(&worker->trace, frame);
    pthread_mutex_unlock(&worker->lock);
    raise_event(worker->wake_fd);
}

/* The thread says that it will have got on by then. */
static void promise(struct worker *worker, int64_t by_us)
{
    pthread_mutex_lock(&worker->lock);
    worker->next_sign_us = by_us;
    pthread_mutex_unlock(&worker->lock);
}

/*
 * Waits until due_us, or until the open port hangs up, or until asked to stop. poll(), because
 * it alone counts the time during which the process was stopped (SIGSTOP).
 */
static enum wait_result wait_until(struct worker *worker, int64_t due_us)
{
    struct pollfd fds[] = {
        {.fd = worker->stop_fd, .events = POLLIN},
        {.fd = bus_descriptor(worker->bus)}, /* -1 is passed over */
    };

    promise(worker, due_us);
    for (;;) {
        int64_t left_us = due_us - clock_us();
        int64_t left_ms = left_us > 0 ? (left_us + US_PER_MS - 1) / US_PER_MS : 0;

        if (poll(fds, 2, (int)left_ms) == -1)
            continue;
        if (fds[0].revents != 0)
            return WAIT_STOP;
        if (fds[1].revents != 0)
            return WAIT_HANGUP;
        if (left_ms == 0)
            return WAIT_OVER;
    }
}

static void succeed(struct worker *worker, const struct reading *reading, int64_t measured_us)
{
    int64_t lost_us = worker->snapshot.lost_us;

    if (snapshot_succeeded(&worker->snapshot, reading, measured_us))
        log_info("battery", "back after %.1f s", (double)(measured_us - lost_us) / US_PER_S);
    else if (worker->snapshot.counters.outcomes[OUTCOME_OK] == 1)
        log_info("battery", "answers on %s", worker->config->port.path);
}

static void note_loss(struct worker *worker, const char *error)
{
    char text[FAILURE_TEXT_SIZE];

    snprintf(text, sizeof text, "lost: %s", error);
    log_warning("battery", "%s", text);
    if (worker->trace.count > 0)
        trace_file_want(&worker->trace_file, text, clock_us());
}

/* After a loss that was logged, why the port cannot be opened is news, but not that it is gone. */
static bool is_news(const struct worker *worker, enum outcome outcome, const char *error)
{
    return outcome == OUTCOME_PORT && strcmp(error, worker->snapshot.error) != 0 &&
           access(worker->config->port.path, F_OK) == 0;
}

static void fail(struct worker *worker, enum outcome outcome, const char *error)
{
    bool news = is_news(worker, outcome, error);

    if (snapshot_failed(&worker->snapshot, outcome, error, worker->config->max_age_us, clock_us()))
        note_loss(worker, error);
    else if (news)
        log_warning("battery", "%s", error);
    else
        log_debug("battery", "%s", error);
    if (outcome == OUTCOME_PORT)
        bus_close(worker->bus);
}

static bool open_port(struct worker *worker)
{
    struct failure failure;

    if (!bus_open(worker->bus, &failure)) {
        fail(worker, OUTCOME_PORT, failure.text);
        publish(worker);
        return false;
    }
    if (worker->snapshot.counters.opens++ == 0)
        serial_alias_suggest(worker->config->port.path);
    poll_schedule_start(&worker->schedule, clock_us());
    return true;
}

static enum outcome ask(struct worker *worker, const struct register_read *read, uint16_t *values,
                        struct failure *failure)
{
    promise(worker, clock_us() + bus_response_us(worker->bus));
    return bus_read(worker->bus, read, values, failure);
}

/*
 * Until no answer to an earlier poll can come any more, so that none is taken for a later one's. A
 * battery that refuses the probe answers it, too.
 */
static enum outcome settle(struct worker *worker, struct failure *failure)
{
    enum outcome outcome = OUTCOME_OK;
    uint16_t values[REGISTER_VALUES_MAX];

    while ((outcome == OUTCOME_OK || outcome == OUTCOME_EXCEPTION) &&
           bus_expects(worker->bus, worker->plan.read[0].count))
        outcome = ask(worker, &worker->plan.probe, values, failure);
    return outcome == OUTCOME_EXCEPTION ? OUTCOME_OK : outcome;
}

/* Runs the plan's requests and fills *reading. */
static enum outcome read_registers(struct worker *worker, struct reading *reading,
                                   struct failure *failure)
{
    const struct register_plan *plan = &worker->plan;
    uint16_t values[REGISTER_VALUES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < plan->read_count; i++) {
        enum outcome outcome = ask(worker, &plan->read[i], values + count, failure);

        if (outcome != OUTCOME_OK)
            return outcome;
        count += plan->read[i].count;
    }
    if (!registers_decode(plan, values, reading)) {
        failure_set(failure, REASON_BATTERY, "RSOC %u is above %d", values[plan->rsoc_index],
                    RSOC_MAX);
        return OUTCOME_BAD_VALUE;
    }
    return OUTCOME_OK;
}

static void poll_battery(struct worker *worker)
{
    struct failure failure;
    struct reading reading;
    enum outcome outcome = settle(worker, &failure);
    /* No answer is older than its request. How long it lay there, if we were stopped, who knows. */
    int64_t measured_us = clock_us();

    if (outcome == OUTCOME_OK)
        outcome = read_registers(worker, &reading, &failure);

    worker->snapshot.counters.polls++;
    if (outcome == OUTCOME_OK)
        succeed(worker, &reading, measured_us);
    else
        fail(worker, outcome, failure.text);
    if (outcome != OUTCOME_PORT)
        backoff_succeeded(&worker->reopen);
    poll_schedule_ended(&worker->schedule, outcome, clock_us());
    publish(worker);
}

static void lose_port(struct worker *worker)
{
    struct failure failure;

    failure_set(&failure, REASON_PORT, "%s: hung up", worker->config->port.path);
    fail(worker, OUTCOME_PORT, failure.text);
    publish(worker);
}

/* Opens the port if need be and polls once. A lost port is left alone for a while. */
static enum wait_result step(struct worker *worker)
{
    enum wait_result result = WAIT_OVER;

    if (bus_descriptor(worker->bus) != -1 || open_port(worker)) {
        result = wait_until(worker, worker->schedule.due_us);
        if (result == WAIT_HANGUP)
            lose_port(worker);
        else if (result == WAIT_OVER)
            poll_battery(worker);
    }
    if (result != WAIT_STOP && bus_descriptor(worker->bus) == -1)
        result = wait_until(worker, clock_us() + backoff_failed(&worker->reopen));
    return result;
}

static void *run(void *arg)
{
    struct worker *worker = arg;
    enum wait_result result;

    /* Without the lock: only this thread changes the trace. */
    do {
        trace_file_write(&worker->trace_file, &worker->trace, &worker->config->port, clock_us());
        result = step(worker);
    } while (result != WAIT_STOP);
    bus_close(worker->bus);
    trace_file_finish(&worker->trace_file, &worker->trace, &worker->config->port, clock_us());
    worker->snapshot.stopped = true;
    publish(worker);
    promise(worker, INT64_MAX);
    return NULL;
}

static void on_wake(evutil_socket_t fd, short events, void *arg)
{
    struct worker *worker = arg;
    uint64_t count;

    (void)events;
    if (read(fd, &count, sizeof count) == sizeof count)
        worker->changed(worker->arg);
}

/* Signals are the loop's: the thread starts with all of them blocked. */
static int start_thread(struct worker *worker)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        pthread_setname_np(worker->thread, "modbus");
    return error;
}

static void release(struct worker *worker)
{
    if (worker->wake != NULL)
        event_free(worker->wake);
    bus_free(worker->bus);
    if (worker->wake_fd != -1)
        close(worker->wake_fd);
    if (worker->stop_fd != -1)
        close(worker->stop_fd);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}

struct worker *worker_new(struct event_base *base, const struct config_battery_dev *config,
                          const char *run_dir, void (*changed)(void *arg), void *arg)
{
    struct worker *worker = calloc(1, sizeof *worker);
    int error = ENOMEM;

    if (worker == NULL)
        goto fail;
    worker->config = config;
    worker->plan = registers_plan(config->adr_rsoc, config->adr_status);
    trace_file_init(&worker->trace_file, run_dir, "battd");
    worker->changed = changed;
    worker->arg = arg;
    worker->reopen = (struct backoff){.min_us = REOPEN_MIN_US, .max_us = REOPEN_MAX_US};
    pthread_mutex_init(&worker->lock, NULL);
    worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    worker->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    worker->bus = bus_new(config, worker->plan.read[0].count, on_frame, worker);
    if (worker->wake_fd == -1 || worker->stop_fd == -1 || worker->bus == NULL)
        goto fail_release;
    worker->schedule = (struct poll_schedule){.interval_us = config->poll_interval_us,
                                              .response_us = bus_response_us(worker->bus)};
    worker->wake = event_new(base, worker->wake_fd, EV_READ | EV_PERSIST, on_wake, worker);
    if (worker->wake == NULL || event_add(worker->wake, NULL) == -1)
        goto fail_release;
    worker->next_sign_us = clock_us();
    error = start_thread(worker);
    if (error == 0)
        return worker;
fail_release:
    release(worker);
fail:
    log_error("battery", "cannot start: %s", strerror(error));
    return NULL;
}

void worker_snapshot(struct worker *worker, struct snapshot *snapshot)
{
    pthread_mutex_lock(&worker->lock);
    *snapshot = worker->published;
    pthread_mutex_unlock(&worker->lock);
}

uint64_t worker_recorded(struct worker *worker)
{
    uint64_t count;

    pthread_mutex_lock(&worker->lock);
    count = worker->trace.count;
    pthread_mutex_unlock(&worker->lock);
    return count;
}

bool worker_frame(struct worker *worker, uint64_t number, struct trace_frame *frame)
{
    const struct trace_frame *found;

    pthread_mutex_lock(&worker->lock);
    found = trace_at(&worker->trace, number);
    if (found != NULL)
        *frame = *found;
    pthread_mutex_unlock(&worker->lock);
    return found != NULL;
}

bool worker_alive(struct worker *worker, int64_t now_us)
{
    int64_t next_sign_us;

    pthread_mutex_lock(&worker->lock);
    next_sign_us = worker->next_sign_us;
    pthread_mutex_unlock(&worker->lock);
    return now_us < next_sign_us || now_us - next_sign_us < ALIVE_US;
}

void worker_stop(struct worker *worker)
{
    raise_event(worker->stop_fd);
}

bool worker_free(struct worker *worker, int64_t until_us)
{
    struct timespec until = timespec_of_us(until_us);

    if (worker == NULL)
        return true;
    worker_stop(worker);
    if (pthread_clockjoin_np(worker->thread, NULL, CLOCK_MONOTONIC, &until) != 0) {
        bus_end_sending(worker->bus);
        return false;
    }
    release(worker);
    return true;
}
