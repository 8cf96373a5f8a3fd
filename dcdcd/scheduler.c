/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/scheduler_parts.h"

#include <stdio.h>

#include "common/clock.h"

void scheduler_init(struct scheduler *scheduler, const struct config *config, struct eza_link *link)
{
    *scheduler = (struct scheduler){.config = config, .link = link};
    snprintf(scheduler->link_error, sizeof scheduler->link_error, "the port is not open yet");
    TAILQ_INIT(&scheduler->waiting);
    TAILQ_INIT(&scheduler->readers);
}

void scheduler_configure(struct scheduler *scheduler, const struct config *config)
{
    scheduler->config = config;
}

void scheduler_permit(struct scheduler *scheduler, const char *denial)
{
    scheduler->sharing_denied = denial != NULL;
    snprintf(scheduler->sharing_reason, sizeof scheduler->sharing_reason, "%s",
             denial != NULL ? denial : "");
}

void scheduler_learn_mode(struct scheduler *scheduler, uint16_t mode)
{
    scheduler->mode_known = true;
    scheduler->mode = mode;
}

void scheduler_end_sequence(struct scheduler *scheduler)
{
    /* The outcome of what is on the wire will not be looked at: the mode may be set by then. */
    if (scheduler->exchange == EXCHANGE_STEP && scheduler->set != NULL &&
        request_sets_other_mode(scheduler->set))
        scheduler->mode_known = false;
    scheduler->running = false;
    scheduler->set = NULL;
    if (scheduler->exchange != EXCHANGE_STOP)
        scheduler->exchange = EXCHANGE_NONE;
}

void scheduler_restart_pass(struct scheduler *scheduler)
{
    struct request *reader;

    while ((reader = TAILQ_LAST(&scheduler->readers, request_list)) != NULL) {
        TAILQ_REMOVE(&scheduler->readers, reader, entry);
        TAILQ_INSERT_HEAD(&scheduler->waiting, reader, entry);
        scheduler->waiting_count++;
    }
    scheduler_end_sequence(scheduler);
}

void scheduler_end_set(struct scheduler *scheduler, const struct failure *failure)
{
    struct request *set = scheduler->set;

    scheduler_end_sequence(scheduler);
    if (failure == NULL)
        set->done(set, controller_result(&set->call, scheduler->config, &scheduler->sequence),
                  NULL);
    else if (set->stopped)
        request_fail_after_stop(set, failure);
    else
        request_fail(set, failure);
}

static bool next_step(struct scheduler *scheduler, int64_t now_us,
                      struct scheduler_exchange *exchange)
{
    const struct sequence_step *step;
    const struct eza_command *flush;

    while (!scheduler->running)
        if (!scheduler_begin(scheduler, now_us))
            return false;
    if (now_us < scheduler->retry.not_before_us)
        return false;
    step = sequence_next(&scheduler->sequence);
    /* A late answer to an earlier try of this very step would do: it is as fresh. */
    flush = scheduler->step_begun ? NULL
                                  : eza_link_flush_command(scheduler->link, step->command, now_us);
    scheduler->step_begun = flush == NULL;
    scheduler->exchange = flush != NULL ? EXCHANGE_FLUSH : EXCHANGE_STEP;
    exchange->command = flush != NULL ? flush : step->command;
    exchange->values = exchange->command->request.count > 0 ? &step->values : NULL;
    return true;
}

bool scheduler_next(struct scheduler *scheduler, int64_t now_us,
                    struct scheduler_exchange *exchange)
{
    scheduler_expire(scheduler, now_us);
    scheduler->exchange_us = now_us;
    return scheduler_next_stop(scheduler, now_us, exchange) ||
           (!scheduler_stop_is_wanted(scheduler) && next_step(scheduler, now_us, exchange));
}

static void end_read_pass(struct scheduler *scheduler, const struct failure *failure)
{
    struct request_list readers = TAILQ_HEAD_INITIALIZER(readers);
    struct request *reader;

    TAILQ_CONCAT(&readers, &scheduler->readers, entry);
    scheduler_end_sequence(scheduler);
    while ((reader = TAILQ_FIRST(&readers)) != NULL) {
        TAILQ_REMOVE(&readers, reader, entry);
        if (failure != NULL)
            request_fail(reader, failure);
        else
            reader->done(reader,
                         controller_result(&reader->call, scheduler->config, &scheduler->sequence),
                         NULL);
    }
}

/* The mode could not be read: the set that needs it fails; otherwise it is asked again later. */
static void probe_failed(struct scheduler *scheduler, const struct failure *failure)
{
    struct request *set = scheduler_set_without_mode(scheduler);

    if (set == NULL)
        return;
    scheduler_remove_waiting(scheduler, set);
    request_fail(set, failure);
}

static void end_running(struct scheduler *scheduler, const struct failure *failure)
{
    bool probe = scheduler->set == NULL && TAILQ_EMPTY(&scheduler->readers);

    if (scheduler->set != NULL)
        scheduler_end_set(scheduler, failure);
    else
        end_read_pass(scheduler, failure);
    if (probe && failure != NULL)
        probe_failed(scheduler, failure);
}

static bool sets_mode(const struct sequence_step *step)
{
    return step->command->request.count > 0 && step->command->reply.field[0].kind == EZA_MODE;
}

static void step_done(struct scheduler *scheduler, const struct eza_values *values)
{
    const struct sequence_step *step = sequence_next(&scheduler->sequence);

    if (step->command->reply.field[0].kind == EZA_MODE)
        scheduler_learn_mode(scheduler, values->raw[0]);
    if (sets_mode(step) && values->raw[0] == step->values.raw[0])
        scheduler->stop_owed = false; /* somebody wanted another mode later, and has it */
    sequence_answer(&scheduler->sequence, values);
    scheduler_begin_step(scheduler);
    if (scheduler->sequence.done == scheduler->sequence.count)
        end_running(scheduler, NULL);
}

/*
 * A mode that could not be set or read for certain is not known any more. A refusal is no more
 * certain than silence: it carries no values, so it may belong to an earlier request.
 */
static void doubt_mode(struct scheduler *scheduler, const struct eza_outcome *outcome)
{
    const struct sequence_step *step = sequence_next(&scheduler->sequence);
    bool bad_mode = step->command->reply.field[0].kind == EZA_MODE &&
                    outcome->failure.reason == REASON_BAD_VALUE;

    if (sets_mode(step) || bad_mode)
        scheduler->mode_known = false;
}

static void exchange_failed(struct scheduler *scheduler, enum exchange_kind kind,
                            const struct eza_outcome *outcome, int64_t now_us)
{
    if (kind == EXCHANGE_STEP)
        doubt_mode(scheduler, outcome);
    if (retry_again(&scheduler->retry, outcome->result, now_us,
                    scheduler->config->dcdc.wait_for_retry_us))
        scheduler->counters.retries++;
    else
        end_running(scheduler, &outcome->failure);
}

void scheduler_outcome(struct scheduler *scheduler, const struct eza_outcome *outcome,
                       int64_t now_us)
{
    enum exchange_kind kind = scheduler->exchange;

    scheduler->exchange = EXCHANGE_NONE;
    if (kind == EXCHANGE_STOP)
        scheduler_stop_outcome(scheduler, outcome, now_us);
    else if (kind != EXCHANGE_NONE && outcome->result != EZA_OK)
        exchange_failed(scheduler, kind, outcome, now_us);
    else if (kind == EXCHANGE_STEP)
        step_done(scheduler, &outcome->values);
}

int64_t scheduler_wake_us(const struct scheduler *scheduler)
{
    int64_t due = scheduler_deadline_us(scheduler);

    if (!scheduler->link_up)
        return due;
    /* Nothing else goes before a stop that is wanted: looking for it would be a busy loop. */
    if (scheduler_stop_is_wanted(scheduler))
        return earlier_us(due, scheduler->stop_retry.not_before_us);
    if (scheduler_stop_is_repeated(scheduler))
        due = earlier_us(due, scheduler->stop_retry.not_before_us);
    if (scheduler->running)
        due = earlier_us(due, scheduler->retry.not_before_us);
    else if (!scheduler->mode_known)
        due = earlier_us(due, scheduler->probe_us);
    return due;
}

void scheduler_link_up(struct scheduler *scheduler)
{
    scheduler->link_up = true;
    scheduler->probe_us = 0;
    scheduler->stop_retry.not_before_us = 0;
}

void scheduler_link_lost(struct scheduler *scheduler, const char *text, int64_t now_us)
{
    struct failure failure;

    scheduler->link_up = false;
    scheduler->mode_known = false;
    scheduler->exchange = EXCHANGE_NONE;
    snprintf(scheduler->link_error, sizeof scheduler->link_error, "%s", text);
    failure_set(&failure, REASON_PORT, "%s", text);
    if (scheduler->set != NULL)
        scheduler_end_set(scheduler, &failure);
    else if (scheduler->running)
        scheduler_restart_pass(scheduler);
    scheduler_expire(scheduler, now_us);
}

void scheduler_stop(struct scheduler *scheduler, const struct failure *failure)
{
    struct request *request;

    scheduler->stop_owed = scheduler_stop_is_unconfirmed(scheduler);
    if (scheduler->running)
        end_running(scheduler, failure);
    while ((request = TAILQ_FIRST(&scheduler->waiting)) != NULL) {
        scheduler_remove_waiting(scheduler, request);
        request_fail(request, failure);
    }
}
