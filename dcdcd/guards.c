/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/guards.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/operation_mode.h"

enum {
    SHARING_PERMITTED = 3,
    ASK_AGAIN_US = 500 * US_PER_MS,
    ASK_TIMEOUT_MAX_US = 2 * US_PER_S,
    ALIVE_US = 5 * US_PER_S /* the runner lets them run every second */
};

static const double age_max = 3600; /* s: the most that max_age can be */

static bool guards_battery(const struct guards *guards)
{
    return guards->config->battery.force_dcdc_waiting;
}

static int64_t interval_us(const struct guards *guards)
{
    return guards->config->dcdc.battery_check_interval_us;
}

int64_t guards_ask_timeout_us(const struct guards *guards)
{
    return earlier_us(interval_us(guards) / 5, ASK_TIMEOUT_MAX_US);
}

/* When a yes ends under the present configuration. */
static int64_t yes_end_us(const struct guards *guards)
{
    return guards->yes_us + interval_us(guards) / 10 * 9;
}

void guards_init(struct guards *guards, const struct config *config, int64_t now_us)
{
    *guards = (struct guards){.config = config,
                              .started_us = now_us,
                              .ask_us = now_us,
                              .supervisor_us = now_us,
                              .run_us = {now_us, now_us}};
}

void guards_configure(struct guards *guards, const struct config *config, int64_t now_us)
{
    bool was_on = guards_battery(guards);

    guards->config = config;
    guards->ask_us = now_us;
    if (guards_battery(guards) && !was_on) {
        guards->started_us = now_us;
        guards->has_yes = guards->has_no = false;
    }
    if (guards->has_yes) {
        int64_t until_us = yes_end_us(guards), asked_us = now_us + guards_ask_timeout_us(guards);

        guards->yes_until_us =
            earlier_us(guards->yes_until_us, until_us > asked_us ? until_us : asked_us);
    }
}

/* When the last yes ends, or the time that the first answer after the start may take. */
static int64_t lapse_us(const struct guards *guards)
{
    return guards->has_yes ? guards->yes_until_us
                           : guards->started_us + guards_ask_timeout_us(guards);
}

static bool battery_wants_stop(const struct guards *guards, int64_t now_us)
{
    return guards_battery(guards) && (guards->has_no || now_us >= lapse_us(guards));
}

/* When silence of the supervisor becomes a reason to stop; INT64_MAX if never. */
static int64_t supervisor_lapse_us(const struct guards *guards, bool mode_known, uint16_t mode)
{
    const struct config_dcdc *config = &guards->config->dcdc;

    if (config->supervisor_timeout_us == 0 || (mode_known && mode == MODE_WAITING))
        return INT64_MAX;
    return guards->supervisor_us + config->supervisor_timeout_us +
           (mode == MODE_GRID_AUTONOMY ? config->voltage_reference_delay_us : 0);
}

static void judge(struct guards *guards, enum guard guard, bool wants_stop, int64_t now_us)
{
    guards->tripped[guard] = wants_stop;
    guards->run_us[guard] = now_us;
}

unsigned guards_run(struct guards *guards, bool mode_known, uint16_t mode, int64_t now_us)
{
    unsigned actions = 0;

    if (guards_battery(guards) && !guards->asking && now_us >= guards->ask_us) {
        guards->asking = true;
        guards->asked_us = now_us;
        guards->ask_us = now_us + interval_us(guards) / 5;
        guards->asks++;
        actions |= GUARDS_ASK;
    }
    judge(guards, GUARD_BATTERY, battery_wants_stop(guards, now_us), now_us);
    judge(guards, GUARD_SUPERVISOR, now_us >= supervisor_lapse_us(guards, mode_known, mode),
          now_us);
    if (!guards->tripped[GUARD_BATTERY] && !guards->tripped[GUARD_SUPERVISOR]) {
        guards->stop_us = 0;
    } else if (now_us >= guards->stop_us) {
        guards->stop_us = now_us + interval_us(guards) / 2;
        guards->stops++;
        for (int i = 0; i < GUARD_COUNT; i++)
            guards->stops_by[i] += guards->tripped[i];
        actions |= GUARDS_STOP;
    }
    return actions;
}

int64_t guards_last_run_us(const struct guards *guards)
{
    return earlier_us(guards->run_us[GUARD_BATTERY], guards->run_us[GUARD_SUPERVISOR]);
}

bool guards_alive(const struct guards *guards, int64_t now_us)
{
    return now_us - guards_last_run_us(guards) < ALIVE_US;
}

bool guards_stopping(const struct guards *guards)
{
    return guards->stop_us != 0;
}

int64_t guards_wake_us(const struct guards *guards, bool mode_known, uint16_t mode)
{
    int64_t stop_us = supervisor_lapse_us(guards, mode_known, mode);
    int64_t wake_us = INT64_MAX;

    if (guards_battery(guards)) {
        if (!guards->asking)
            wake_us = guards->ask_us;
        stop_us = earlier_us(stop_us, guards->has_no ? 0 : lapse_us(guards));
    }
    if (stop_us != INT64_MAX)
        wake_us = earlier_us(wake_us, stop_us > guards->stop_us ? stop_us : guards->stop_us);
    return wake_us;
}

void guards_answer(struct guards *guards, enum guards_answer answer, const char *why,
                   int64_t age_us, int64_t now_us)
{
    guards->asking = false;
    if (answer == GUARDS_YES) {
        guards->has_yes = true;
        guards->has_no = false;
        /* The age was told between question and answer; safe is the earlier of the two. */
        guards->yes_us = guards->asked_us - age_us;
        guards->yes_until_us = yes_end_us(guards);
        why = now_us < guards->yes_until_us ? "" : "the battery's last reading is too old";
    } else if (answer == GUARDS_NO) {
        guards->has_no = true;
        guards->noes++;
    } else {
        guards->ask_us = earlier_us(guards->ask_us, now_us + ASK_AGAIN_US);
    }
    snprintf(guards->no, sizeof guards->no, "%s", why);
}

void guards_supervisor_seen(struct guards *guards, int64_t now_us)
{
    guards->supervisor_us = now_us;
    guards->supervisor_seen = true;
}

bool guards_has_cause(const struct guards *guards)
{
    return guards->no[0] != '\0';
}

const char *guards_denial(const struct guards *guards, int64_t now_us)
{
    if (!guards_battery(guards))
        return NULL;
    if (!guards->has_no && guards->has_yes && now_us < lapse_us(guards))
        return NULL;
    return guards_has_cause(guards) ? guards->no : "the battery has not answered yet";
}

/* A reading's age, s; -1 if it is none. */
static double reading_age(struct json_object *result)
{
    struct json_object *age;
    double seconds = -1;

    if (json_object_object_get_ex(result, "age", &age) &&
        (json_object_is_type(age, json_type_double) || json_object_is_type(age, json_type_int)))
        seconds = json_object_get_double(age);
    return seconds >= 0 && seconds <= age_max ? seconds : -1;
}

enum guards_answer guards_judge(struct json_object *result, const struct failure *failure,
                                const char **why, int64_t *age_us)
{
    struct json_object *status;
    double age;

    *why = "";
    *age_us = 0;
    if (result == NULL) {
        *why = failure->text;
        return failure->reason == REASON_UNAVAILABLE || failure->reason == REASON_STOPPING
                   ? GUARDS_UNREACHABLE
                   : GUARDS_NO;
    }
    if (!json_object_is_type(result, json_type_object) ||
        !json_object_object_get_ex(result, "battery_operation_status", &status) ||
        !json_object_is_type(status, json_type_int))
        *why = "battd gave no battery_operation_status";
    else if (json_object_get_int64(status) != SHARING_PERMITTED)
        *why = "the battery denies sharing";
    else if ((age = reading_age(result)) < 0)
        *why = "battd gave no age";
    else
        *age_us = (int64_t)(age * US_PER_S);
    return (*why)[0] == '\0' ? GUARDS_YES : GUARDS_NO;
}

static struct json_object *age(int64_t since_us, int64_t now_us)
{
    char text[32];
    double seconds = (double)(now_us - since_us) / US_PER_S;

    snprintf(text, sizeof text, "%.3f", seconds);
    return json_object_new_double_s(seconds, text);
}

static struct json_object *battery_status(const struct guards *guards, int64_t now_us)
{
    struct json_object *status = json_object_new_object();
    const char *denial = guards_denial(guards, now_us);

    json_object_object_add(status, "enabled", json_object_new_boolean(guards_battery(guards)));
    if (!guards_battery(guards))
        return status;
    json_object_object_add(status, "permitted", json_object_new_boolean(denial == NULL));
    if (denial != NULL)
        json_object_object_add(status, "denial", json_object_new_string(denial));
    if (guards->has_yes)
        json_object_object_add(status, "last_yes_age", age(guards->yes_us, now_us));
    json_object_object_add(status, "asks", json_object_new_uint64(guards->asks));
    json_object_object_add(status, "noes", json_object_new_uint64(guards->noes));
    json_object_object_add(status, "last_run_age", age(guards->run_us[GUARD_BATTERY], now_us));
    return status;
}

static struct json_object *supervisor_status(const struct guards *guards, int64_t now_us)
{
    struct json_object *status = json_object_new_object();
    bool enabled = guards->config->dcdc.supervisor_timeout_us > 0;

    json_object_object_add(status, "enabled", json_object_new_boolean(enabled));
    json_object_object_add(status, "last_seen_age", age(guards->supervisor_us, now_us));
    if (enabled)
        json_object_object_add(status, "last_run_age",
                               age(guards->run_us[GUARD_SUPERVISOR], now_us));
    return status;
}

struct json_object *guards_status(const struct guards *guards, int64_t now_us)
{
    struct json_object *status = json_object_new_object();

    json_object_object_add(status, "battery", battery_status(guards, now_us));
    json_object_object_add(status, "supervisor", supervisor_status(guards, now_us));
    json_object_object_add(status, "stops", json_object_new_uint64(guards->stops));
    return status;
}
