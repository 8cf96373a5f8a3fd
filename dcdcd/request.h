/* SPDX-License-Identifier: Apache-2.0 */
/* A call of a controller method that waits for its result. The scheduler serves it. Pure. */
#ifndef DCDCD_REQUEST_H
#define DCDCD_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "dcdcd/controller.h"

/* The caller fills the first part and keeps it until done. */
struct request {
    struct controller_call call;
    int64_t arrived_us;
    int64_t deadline_us;
    /* Called once; result (taken by the callee) or failure. The request is the caller's again. */
    void (*done)(struct request *request, struct json_object *result,
                 const struct failure *failure);
    /* Whether nobody waits for the result any more. NULL: somebody always does. */
    bool (*abandoned)(const struct request *request);
    /* The mode was left out and filled in with the last one: it may not start the converter. */
    bool mode_remembered;
    /* Parameters of a stop that could not be used: reported after it. text "" if none. */
    struct failure complaint;

    /* The scheduler's part. */
    TAILQ_ENTRY(request) entry;
    bool stop_pending; /* a stop whose 1-4 is not yet confirmed */
    bool stopped;      /* a stop whose 1-4 is confirmed, with this answer */
    struct eza_values stop_answer;
};

TAILQ_HEAD(request_list, request);

/* True if the request is to send the converter to Waiting. */
bool request_is_stop(const struct request *request);

/* True if the request is to set a mode other than Waiting. */
bool request_sets_other_mode(const struct request *request);

/* Ends a request with a failure; it is the caller's again. */
void request_fail(struct request *request, const struct failure *failure);
void request_fail_text(struct request *request, enum reason reason, const char *text);

/* The same for a stop: the converter did stop, and something else is wrong. */
void request_fail_after_stop(struct request *request, const struct failure *failure);

#endif
