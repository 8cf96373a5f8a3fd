/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which command goes out next. Stops overtake everything, sets overtake waiting reads, reads that
 * wait for the same are answered by one pass. Retries, deadlines, and the mode that the converter
 * is known to be in. Pure: the time is a parameter, port.c does the exchanges.
 *
 * What may follow what:
 *  - A stop's 1-4 is the next command after the one being answered. Sets of another mode that
 *    arrived before it fail with REASON_SUPERSEDED, whether they wait or run; other sets and a read
 *    pass under way begin again after it; a stop whose own 1-4 is confirmed goes on with its other
 *    commands after it.
 *  - A stop that cannot be confirmed fails to its caller and stays owed: its 1-4 is repeated once a
 *    second until the converter confirms it or the 1-4 of a later set of another mode. While such a
 *    set is under way the stop is not repeated; it is again, at once, if the set ends before.
 *  - A set waits for the command sequence under way, not for waiting reads, unless one of them has
 *    waited for 2 s: then a read pass goes first, so that sets without end do not starve reads.
 *  - A read never joins a pass that began before it arrived.
 *  - A set whose mode was only remembered (request.h) begins while the converter is in another mode
 *    than Waiting and no stop is owed; otherwise it fails.
 *  - A set that has not begun by its deadline, or whose client has gone before, is dropped.
 */
#ifndef DCDCD_SCHEDULER_H
#define DCDCD_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include "dcdcd/controller.h"
#include "dcdcd/eza_link.h"
#include "dcdcd/request.h"
#include "dcdcd/retry.h"

enum { SCHEDULER_WAITING_MAX = 64 };

struct scheduler_counters {
    uint64_t reads, sets, stops, passes, shared, superseded, expired, abandoned, refused_overload,
        retries; /* exchanges that were repeated */
};

/* What the exchange under way is for. */
enum exchange_kind { EXCHANGE_NONE, EXCHANGE_STOP, EXCHANGE_FLUSH, EXCHANGE_STEP };

struct scheduler {
    const struct config *config; /* borrowed */
    struct eza_link *link;       /* borrowed */
    struct scheduler_counters counters;

    bool link_up;
    char link_error[FAILURE_TEXT_SIZE]; /* while it is not */
    bool mode_known;
    uint16_t mode;
    bool sharing_denied; /* the battery's owner does not permit; other modes than Waiting refused */
    char sharing_reason[FAILURE_TEXT_SIZE];

    struct request_list waiting; /* in order of arrival; stops that are not confirmed among them */
    size_t waiting_count;

    bool running; /* sequence is under way */
    struct sequence sequence;
    struct request *set;         /* that the sequence is for, or NULL */
    struct request_list readers; /* that the sequence serves, if set is NULL; may be empty */
    struct retry retry;
    bool step_begun; /* the step's own command has been sent at least once */

    struct retry stop_retry;
    bool stop_trying; /* stop_retry is in use */
    bool stop_owed;
    int64_t stop_owed_us; /* since when */
    int64_t probe_us;     /* when the mode may be asked for again */

    enum exchange_kind exchange;
    int64_t exchange_us; /* when it began */
    struct eza_values stop_values;
};

/* The exchange to start: values are NULL for a read; borrowed until the outcome is given. */
struct scheduler_exchange {
    const struct eza_command *command;
    const struct eza_values *values;
};

void scheduler_init(struct scheduler *scheduler, const struct config *config,
                    struct eza_link *link);

/* A new configuration, from the next sequence on. */
void scheduler_configure(struct scheduler *scheduler, const struct config *config);

/* Takes a request. Over SCHEDULER_WAITING_MAX a request that is no stop fails at once. */
void scheduler_submit(struct scheduler *scheduler, struct request *request, int64_t now_us);

/*
 * The exchange to begin now, if there is one; the link must be up, free, and past its gap. Fails
 * what is late. Returns true and fills *exchange; the outcome must follow.
 */
bool scheduler_next(struct scheduler *scheduler, int64_t now_us,
                    struct scheduler_exchange *exchange);

/* A stop that was asked for is not confirmed: it is repeated, from now on, until it is. */
void scheduler_owe_stop(struct scheduler *scheduler, int64_t now_us);

/* Whether a stop waits to be confirmed or is owed: what a restart must not forget. */
bool scheduler_stop_is_unconfirmed(const struct scheduler *scheduler);

/* The exchange has ended. */
void scheduler_outcome(struct scheduler *scheduler, const struct eza_outcome *outcome,
                       int64_t now_us);

/* When scheduler_expire has something to do, or INT64_MAX. */
int64_t scheduler_deadline_us(const struct scheduler *scheduler);

/* When scheduler_next has something to do without a new event, if the link is free; INT64_MAX. */
int64_t scheduler_wake_us(const struct scheduler *scheduler);

/* Fails what is past its deadline. */
void scheduler_expire(struct scheduler *scheduler, int64_t now_us);

/* The port is open: a stop that is wanted or owed goes out at once. */
void scheduler_link_up(struct scheduler *scheduler);

/* The port is gone (text says why): what runs fails or waits for its return. */
void scheduler_link_lost(struct scheduler *scheduler, const char *text, int64_t now_us);

/* Whether modes other than Waiting may be set; reason: why not, NULL if they may. */
void scheduler_permit(struct scheduler *scheduler, const char *denial);

/* Fails everything that waits or runs, for good. Stops that were not confirmed stay owed. */
void scheduler_stop(struct scheduler *scheduler, const struct failure *failure);

#endif
