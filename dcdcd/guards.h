/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fail-safe stop: when the battery does not permit sharing, and when the supervisor is gone.
 * Pure: the time is a parameter; guard_runner.c asks and stops.
 *
 * Battery guard (force_dcdc_waiting: Yes). The battery's owner is asked five times in a
 * battery_check_interval. A yes holds until nine tenths of the interval after the battery was
 * measured, so that the stop is out within the interval after sharing was denied or battery or
 * owner was lost. The configuration's reader sees to it that the battery is measured twice in an
 * interval, so that the next yes comes in time. A no, an error or nonsense ends it at once; after a
 * start there is none until the battery has answered, which may take a fifth of the interval, 2 s
 * at most. While there is no yes, other modes are refused and the converter is sent to Waiting at
 * every turn. Nothing is ever started again.
 *
 * Supervisor guard (supervisor_timeout above 0). While the converter is not known to be Waiting
 * and the supervisor has been silent for that long (for voltage_reference_delay longer when the
 * last mode known is 0x0014, whose voltage the neighbours hang on), the converter is sent to
 * Waiting.
 */
#ifndef DCDCD_GUARDS_H
#define DCDCD_GUARDS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/metrics.h"

enum guard { GUARD_BATTERY, GUARD_SUPERVISOR, GUARD_COUNT };

struct guards {
    const struct config *config; /* borrowed */
    int64_t started_us;

    bool asking;      /* an answer is awaited */
    int64_t asked_us; /* when it was asked for */
    int64_t ask_us;   /* when to ask next */
    bool has_yes;
    int64_t yes_us;       /* when the battery was measured for the last yes, at the earliest */
    int64_t yes_until_us; /* when it lapses */
    bool has_no;          /* the last answer was not a yes */
    char no[FAILURE_TEXT_SIZE];

    int64_t supervisor_us; /* when the supervisor was last heard of; the start counts */
    bool supervisor_seen;  /* it was, since the start */

    int64_t stop_us;             /* when the stop is due again while its cause lasts */
    int64_t run_us[GUARD_COUNT]; /* when each last looked whether it wants the stop */
    bool tripped[GUARD_COUNT];   /* and whether it did */
    uint64_t asks, noes, stops;
    uint64_t stops_by[GUARD_COUNT]; /* both may want the same stop */
};

/* What guards_run wants done, as bits. */
enum {
    GUARDS_ASK = 1, /* ask the battery's owner; guards_answer must follow */
    GUARDS_STOP = 2 /* send the converter to Waiting */
};

/* What became of asking the battery's owner. */
enum guards_answer { GUARDS_YES, GUARDS_NO, GUARDS_UNREACHABLE };

void guards_init(struct guards *guards, const struct config *config, int64_t now_us);

/*
 * A new configuration; borrowed. The battery's owner is asked at once; a yes that the new interval
 * would already have ended holds until the answer may be here.
 */
void guards_configure(struct guards *guards, const struct config *config, int64_t now_us);

/* Does what is due. mode: the last that was known (0: none was); mode_known: it still is. */
unsigned guards_run(struct guards *guards, bool mode_known, uint16_t mode, int64_t now_us);

/* When the guard that ran least lately did. */
int64_t guards_last_run_us(const struct guards *guards);

/* Whether each has run lately; a guard that has stopped running is a defect. */
bool guards_alive(const struct guards *guards, int64_t now_us);

/* Whether a cause for the stop was there when guards_run was last called. */
bool guards_stopping(const struct guards *guards);

/* When guards_run has something to do; INT64_MAX if never. */
int64_t guards_wake_us(const struct guards *guards, bool mode_known, uint16_t mode);

/*
 * The answer to what was asked for; why: the reason if it is not a yes; age_us: of a yes, how long
 * before the answer the battery was measured.
 */
void guards_answer(struct guards *guards, enum guards_answer answer, const char *why,
                   int64_t age_us, int64_t now_us);

/* How long to wait for the battery's owner. */
int64_t guards_ask_timeout_us(const struct guards *guards);

/* The supervisor was heard of. */
void guards_supervisor_seen(struct guards *guards, int64_t now_us);

/* Why modes other than Waiting are refused, or NULL if they are not. */
const char *guards_denial(const struct guards *guards, int64_t now_us);

/* Whether guards_denial tells what the battery's owner has said, not that it has yet to. */
bool guards_has_cause(const struct guards *guards);

/*
 * What an answer to battd's check_battery means. result is NULL when the call failed with
 * failure; *why is filled for anything but GUARDS_YES and borrows from failure. *age_us: of a yes,
 * the reading's age; else 0.
 */
enum guards_answer guards_judge(struct json_object *result, const struct failure *failure,
                                const char **why, int64_t *age_us);

/* For `status`: each guard, its last run and what it decided. The caller owns it. */
struct json_object *guards_status(const struct guards *guards, int64_t now_us);

/* For `metrics`: the same (guard_metrics.c). */
void guards_metrics(const struct guards *guards, struct metrics *metrics);

#endif
