/* SPDX-License-Identifier: Apache-2.0 */
/* What the scheduler's four files need of each other; nobody else includes this. */
#ifndef DCDCD_SCHEDULER_PARTS_H
#define DCDCD_SCHEDULER_PARTS_H

#include "dcdcd/scheduler.h"

/* scheduler.c */
void scheduler_learn_mode(struct scheduler *scheduler, uint16_t mode);
/* The sequence under way is over, whatever became of it. */
void scheduler_end_sequence(struct scheduler *scheduler);
/* The same for a set's, whose request it answers: failure is NULL if all went well. */
void scheduler_end_set(struct scheduler *scheduler, const struct failure *failure);
/* Puts the readers of the pass under way back in front of the queue, in their order. */
void scheduler_restart_pass(struct scheduler *scheduler);

/* scheduler_queue.c */
void scheduler_remove_waiting(struct scheduler *scheduler, struct request *request);

/* scheduler_begin.c */
/* Begins the sequence that is to be next; false if there is none. It may be over at once. */
bool scheduler_begin(struct scheduler *scheduler, int64_t now_us);
/* The next command of the sequence has all its tries ahead. */
void scheduler_begin_step(struct scheduler *scheduler);
/* The set that waits for the mode to be read, or NULL. */
struct request *scheduler_set_without_mode(struct scheduler *scheduler);

/* scheduler_stop.c */
void scheduler_submit_stop(struct scheduler *scheduler, struct request *request);
/* Whether a 1-4 Waiting is to go out before anything else. */
bool scheduler_stop_is_wanted(const struct scheduler *scheduler);
/* Whether a stop is owed and to be repeated: while a set of another mode runs it is not. */
bool scheduler_stop_is_repeated(const struct scheduler *scheduler);
bool scheduler_next_stop(struct scheduler *scheduler, int64_t now_us,
                         struct scheduler_exchange *exchange);
void scheduler_stop_outcome(struct scheduler *scheduler, const struct eza_outcome *outcome,
                            int64_t now_us);

#endif
