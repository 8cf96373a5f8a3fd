/* SPDX-License-Identifier: Apache-2.0 */
/* Stops: what they do to the queue, their retries, and the stop that is owed. See scheduler.h. */
#include "dcdcd/scheduler_parts.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/operation_mode.h"

enum { OWED_STOP_PERIOD_US = US_PER_S };

static const char superseded[] = "superseded by a stop";

void scheduler_owe_stop(struct scheduler *scheduler, int64_t now_us)
{
    if (!scheduler->stop_owed)
        scheduler->stop_owed_us = now_us;
    scheduler->stop_owed = true;
    scheduler->stop_retry = (struct retry){0};
    scheduler->stop_trying = false;
}

static void supersede_waiting(struct scheduler *scheduler, struct request *request)
{
    scheduler_remove_waiting(scheduler, request);
    scheduler->counters.superseded++;
    request_fail_text(request, REASON_SUPERSEDED, superseded);
}

/* The set under way, which is no stop: over if it sets a mode, begun again after the stop if not.
 */
static void interrupt_set(struct scheduler *scheduler)
{
    struct request *set = scheduler->set;

    scheduler_end_sequence(scheduler);
    if (request_sets_other_mode(set)) {
        scheduler->counters.superseded++;
        request_fail_text(set, REASON_SUPERSEDED, superseded);
    } else {
        TAILQ_INSERT_HEAD(&scheduler->waiting, set, entry);
        scheduler->waiting_count++;
    }
}

/* A stop has come: no mode that was asked for before it will be set. */
static void supersede(struct scheduler *scheduler)
{
    struct request *request, *next;

    for (request = TAILQ_FIRST(&scheduler->waiting); request != NULL; request = next) {
        next = TAILQ_NEXT(request, entry);
        if (request_sets_other_mode(request))
            supersede_waiting(scheduler, request);
    }
    if (scheduler->set != NULL && !request_is_stop(scheduler->set))
        interrupt_set(scheduler);
    else if (scheduler->set == NULL && scheduler->running)
        scheduler_restart_pass(scheduler);
}

void scheduler_submit_stop(struct scheduler *scheduler, struct request *request)
{
    request->stop_pending = true;
    scheduler->counters.stops++;
    supersede(scheduler);
    TAILQ_INSERT_TAIL(&scheduler->waiting, request, entry);
    scheduler->waiting_count++;
    /* A stop that is being retried is retried at once: the new one has all its tries ahead. */
    if (scheduler->exchange != EXCHANGE_STOP)
        scheduler->stop_trying = false;
    else
        scheduler->stop_retry = retry_new(&scheduler->config->dcdc);
}

bool scheduler_stop_is_wanted(const struct scheduler *scheduler)
{
    const struct request *request;

    for (request = TAILQ_FIRST(&scheduler->waiting); request != NULL;
         request = TAILQ_NEXT(request, entry)) {
        if (request->stop_pending)
            return true;
    }
    return false;
}

bool scheduler_stop_is_repeated(const struct scheduler *scheduler)
{
    return scheduler->stop_owed &&
           !(scheduler->set != NULL && request_sets_other_mode(scheduler->set));
}

bool scheduler_stop_is_unconfirmed(const struct scheduler *scheduler)
{
    return scheduler->stop_owed || scheduler_stop_is_wanted(scheduler);
}

bool scheduler_next_stop(struct scheduler *scheduler, int64_t now_us,
                         struct scheduler_exchange *exchange)
{
    bool wanted = scheduler_stop_is_wanted(scheduler);
    bool repeated = scheduler_stop_is_repeated(scheduler);

    if (wanted && !scheduler->stop_trying)
        scheduler->stop_retry = retry_new(&scheduler->config->dcdc);
    if ((!wanted && !repeated) || now_us < scheduler->stop_retry.not_before_us)
        return false;
    scheduler->stop_trying = wanted;
    scheduler->stop_values = (struct eza_values){.raw = {MODE_WAITING}};
    scheduler->exchange = EXCHANGE_STOP;
    *exchange = (struct scheduler_exchange){eza_command_find("1-4"), &scheduler->stop_values};
    return true;
}

/* All stops that were there when the 1-4 began are done with it, but for their other commands. */
static void stop_confirmed(struct scheduler *scheduler, const struct eza_values *answer,
                           int64_t now_us)
{
    struct request *request;

    for (request = TAILQ_FIRST(&scheduler->waiting); request != NULL;
         request = TAILQ_NEXT(request, entry)) {
        if (!request->stop_pending || request->arrived_us > scheduler->exchange_us)
            continue;
        request->stop_pending = false;
        request->stopped = true;
        request->stop_answer = *answer;
    }
    if (scheduler->stop_owed)
        log_info("stop", "confirmed after %.1f s",
                 (double)(now_us - scheduler->stop_owed_us) / US_PER_S);
    scheduler->stop_owed = false;
    scheduler->stop_trying = false;
    scheduler->stop_retry = (struct retry){0};
}

static void stop_failed(struct scheduler *scheduler, const struct failure *failure, int64_t now_us)
{
    struct request *request, *next;

    if (!scheduler->stop_owed)
        log_error("stop", "not confirmed: %s; it is repeated until it is", failure->text);
    scheduler_owe_stop(scheduler, now_us);
    scheduler->stop_retry.not_before_us = now_us + OWED_STOP_PERIOD_US;
    for (request = TAILQ_FIRST(&scheduler->waiting); request != NULL; request = next) {
        next = TAILQ_NEXT(request, entry);
        if (!request->stop_pending || request->arrived_us > scheduler->exchange_us)
            continue;
        scheduler_remove_waiting(scheduler, request);
        request_fail(request, failure);
    }
}

void scheduler_stop_outcome(struct scheduler *scheduler, const struct eza_outcome *outcome,
                            int64_t now_us)
{
    struct eza_outcome judged = *outcome;

    if (judged.result == EZA_OK) {
        scheduler_learn_mode(scheduler, judged.values.raw[0]);
        if (scheduler->mode == MODE_WAITING) {
            stop_confirmed(scheduler, &judged.values, now_us);
            return;
        }
        judged.result = EZA_RETRYABLE;
        failure_set(&judged.failure, REASON_BAD_VALUE, "bad value: operationMode: %u",
                    scheduler->mode);
    }
    if (outcome->result != EZA_OK)
        scheduler->mode_known = false;
    if (retry_again(&scheduler->stop_retry, judged.result, now_us,
                    scheduler->config->dcdc.wait_for_retry_us))
        scheduler->counters.retries++;
    else
        stop_failed(scheduler, &judged.failure, now_us);
}
