/* SPDX-License-Identifier: Apache-2.0 */
/* The requests that wait: taking them, and failing those whose time is over. */
#include "dcdcd/scheduler_parts.h"

#include "common/clock.h"

enum { LINK_WAIT_US = 3500 * US_PER_MS }; /* how long a request waits for a port to come back */

void scheduler_remove_waiting(struct scheduler *scheduler, struct request *request)
{
    TAILQ_REMOVE(&scheduler->waiting, request, entry);
    scheduler->waiting_count--;
}

void scheduler_submit(struct scheduler *scheduler, struct request *request, int64_t now_us)
{
    (void)now_us;
    request->stop_pending = request->stopped = false;
    if (request_is_stop(request)) {
        scheduler_submit_stop(scheduler, request);
        return;
    }
    if (scheduler->waiting_count >= SCHEDULER_WAITING_MAX) {
        scheduler->counters.refused_overload++;
        request_fail_text(request, REASON_OVERLOAD, "too many requests are waiting");
        return;
    }
    if (controller_writes(&request->call))
        scheduler->counters.sets++;
    else
        scheduler->counters.reads++;
    TAILQ_INSERT_TAIL(&scheduler->waiting, request, entry);
    scheduler->waiting_count++;
}

static bool is_late(const struct scheduler *scheduler, const struct request *request,
                    int64_t now_us)
{
    return request->deadline_us <= now_us ||
           (!scheduler->link_up && request->arrived_us + LINK_WAIT_US <= now_us);
}

static void fail_late(struct scheduler *scheduler, struct request *request, int64_t now_us)
{
    struct failure failure;

    scheduler->counters.expired++;
    if (request->stop_pending)
        scheduler_owe_stop(scheduler, now_us);
    if (!scheduler->link_up)
        failure_set(&failure, REASON_PORT, "%s", scheduler->link_error);
    else
        failure_set(&failure, REASON_EXPIRED, "not done in time");
    if (request->stopped)
        request_fail_after_stop(request, &failure);
    else
        request_fail(request, &failure);
}

static void expire_list(struct scheduler *scheduler, struct request_list *list, int64_t now_us)
{
    struct request *request, *next;

    for (request = TAILQ_FIRST(list); request != NULL; request = next) {
        next = TAILQ_NEXT(request, entry);
        if (!is_late(scheduler, request, now_us))
            continue;
        TAILQ_REMOVE(list, request, entry);
        if (list == &scheduler->waiting)
            scheduler->waiting_count--;
        fail_late(scheduler, request, now_us);
    }
}

void scheduler_expire(struct scheduler *scheduler, int64_t now_us)
{
    struct request *set = scheduler->set;

    expire_list(scheduler, &scheduler->waiting, now_us);
    expire_list(scheduler, &scheduler->readers, now_us);
    if (set != NULL && is_late(scheduler, set, now_us)) {
        scheduler_end_sequence(scheduler);
        fail_late(scheduler, set, now_us);
    }
}

static int64_t request_due_us(const struct scheduler *scheduler, const struct request *request)
{
    return scheduler->link_up
               ? request->deadline_us
               : earlier_us(request->deadline_us, request->arrived_us + LINK_WAIT_US);
}

int64_t scheduler_deadline_us(const struct scheduler *scheduler)
{
    const struct request *request;
    int64_t due = INT64_MAX;

    for (request = TAILQ_FIRST(&scheduler->waiting); request != NULL;
         request = TAILQ_NEXT(request, entry))
        due = earlier_us(due, request_due_us(scheduler, request));
    for (request = TAILQ_FIRST(&scheduler->readers); request != NULL;
         request = TAILQ_NEXT(request, entry))
        due = earlier_us(due, request_due_us(scheduler, request));
    if (scheduler->set != NULL)
        due = earlier_us(due, request_due_us(scheduler, scheduler->set));
    return due;
}
