/* SPDX-License-Identifier: Apache-2.0 */
/* Which sequence begins when none is under way: a set, a pass for readers, a probe of the mode. */
#include "dcdcd/scheduler_parts.h"

#include "common/clock.h"
#include "common/operation_mode.h"

enum {
    PROBE_PERIOD_US = US_PER_S,
    READ_PATIENCE_US = 2 * US_PER_S /* after which a read goes before sets, once */
};

void scheduler_begin_step(struct scheduler *scheduler)
{
    scheduler->retry = retry_new(&scheduler->config->dcdc);
    scheduler->step_begun = false;
}

static void begin_sequence(struct scheduler *scheduler)
{
    scheduler->sequence = (struct sequence){0};
    scheduler->running = true;
    scheduler->set = NULL;
    scheduler_begin_step(scheduler);
}

/* The sequence of a set begins; a bare stop's is over with it. */
static void begin_set(struct scheduler *scheduler, struct request *request)
{
    scheduler_remove_waiting(scheduler, request);
    begin_sequence(scheduler);
    scheduler->set = request;
    request->call.method->plan(&request->call, scheduler->config, scheduler->mode,
                               &scheduler->sequence);
    if (request->stopped)
        sequence_answer(&scheduler->sequence, &request->stop_answer);
    else if (request_sets_other_mode(request))
        scheduler->stop_retry.not_before_us = 0; /* of an owed stop, should the set fail */
    if (scheduler->sequence.done == scheduler->sequence.count)
        scheduler_end_set(scheduler, NULL);
}

/* A read of the mode alone, that nobody waits for. */
static void begin_probe(struct scheduler *scheduler, int64_t now_us)
{
    begin_sequence(scheduler);
    sequence_read(&scheduler->sequence, "1-1");
    scheduler->probe_us = now_us + PROBE_PERIOD_US;
}

static void plan_read(const struct scheduler *scheduler, const struct request *request,
                      struct sequence *sequence)
{
    *sequence = (struct sequence){0};
    request->call.method->plan(&request->call, scheduler->config, scheduler->mode, sequence);
}

/* The pass for the oldest reader, or for a later one that covers it; takes along all it serves. */
static void begin_pass(struct scheduler *scheduler, struct request *oldest)
{
    struct request *request, *next;
    struct sequence wanted;

    begin_sequence(scheduler);
    scheduler->counters.passes++;
    plan_read(scheduler, oldest, &scheduler->sequence);
    for (request = TAILQ_FIRST(&scheduler->waiting); request != NULL;
         request = TAILQ_NEXT(request, entry)) {
        if (controller_writes(&request->call))
            continue;
        plan_read(scheduler, request, &wanted);
        if (sequence_covers(&wanted, &scheduler->sequence))
            scheduler->sequence = wanted;
    }
    for (request = TAILQ_FIRST(&scheduler->waiting); request != NULL; request = next) {
        next = TAILQ_NEXT(request, entry);
        if (controller_writes(&request->call))
            continue;
        plan_read(scheduler, request, &wanted);
        if (!sequence_covers(&scheduler->sequence, &wanted))
            continue;
        scheduler_remove_waiting(scheduler, request);
        if (!TAILQ_EMPTY(&scheduler->readers))
            scheduler->counters.shared++;
        TAILQ_INSERT_TAIL(&scheduler->readers, request, entry);
    }
}

/* Why a set may not be done now, or NULL. */
static const char *set_forbidden(const struct scheduler *scheduler, const struct request *request)
{
    return scheduler->sharing_denied && request_sets_other_mode(request) ? scheduler->sharing_reason
                                                                         : NULL;
}

/* Whether a mode that nobody named would start the converter, or go on in spite of a stop. */
static bool starts_from_memory(const struct scheduler *scheduler, const struct request *request)
{
    bool waiting = scheduler->mode_known && scheduler->mode == MODE_WAITING;

    return request->mode_remembered && request_sets_other_mode(request) &&
           (waiting || scheduler->stop_owed);
}

/* The first waiting set; sets that need not be done any more are ended on the way. */
static struct request *first_set(struct scheduler *scheduler)
{
    struct request *request, *next;
    const char *why;

    for (request = TAILQ_FIRST(&scheduler->waiting); request != NULL; request = next) {
        next = TAILQ_NEXT(request, entry);
        if (!controller_writes(&request->call))
            continue;
        if (request->stopped && request->complaint.text[0] == '\0')
            return request;
        if (request->stopped) {
            scheduler_remove_waiting(scheduler, request);
            request_fail_after_stop(request, &request->complaint);
        } else if (request->abandoned != NULL && request->abandoned(request)) {
            scheduler_remove_waiting(scheduler, request);
            scheduler->counters.abandoned++;
            request_fail_text(request, REASON_EXPIRED, "nobody waits for this any more");
        } else if ((why = set_forbidden(scheduler, request)) != NULL) {
            scheduler_remove_waiting(scheduler, request);
            request_fail_text(request, REASON_NOT_PERMITTED, why);
        } else if (starts_from_memory(scheduler, request)) {
            scheduler_remove_waiting(scheduler, request);
            request_fail_text(request, REASON_INVALID_PARAMS,
                              "No operationMode; a saved mode does not start the converter");
        } else {
            return request;
        }
    }
    return NULL;
}

static struct request *first_read(const struct scheduler *scheduler)
{
    struct request *request;

    for (request = TAILQ_FIRST(&scheduler->waiting); request != NULL;
         request = TAILQ_NEXT(request, entry)) {
        if (!controller_writes(&request->call))
            return request;
    }
    return NULL;
}

/* Whether the order of this set's commands depends on a mode that is not known. */
static bool needs_mode(const struct scheduler *scheduler, const struct request *set)
{
    return !scheduler->mode_known && request_sets_other_mode(set);
}

struct request *scheduler_set_without_mode(struct scheduler *scheduler)
{
    struct request *set = first_set(scheduler);

    return set != NULL && needs_mode(scheduler, set) ? set : NULL;
}

bool scheduler_begin(struct scheduler *scheduler, int64_t now_us)
{
    struct request *set = first_set(scheduler), *read = first_read(scheduler);
    bool read_first =
        read != NULL && (set == NULL || now_us - read->arrived_us >= READ_PATIENCE_US);

    if (read_first)
        begin_pass(scheduler, read);
    else if (set != NULL && !needs_mode(scheduler, set))
        begin_set(scheduler, set);
    else if (set != NULL || (!scheduler->mode_known && scheduler->probe_us <= now_us))
        begin_probe(scheduler, now_us);
    else
        return false;
    return true;
}
