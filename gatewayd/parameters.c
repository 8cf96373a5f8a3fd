/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/parameters.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/operation_mode.h"

#define BIT(parameter) (1U << (parameter))
#define MODE           BIT(PARAMETER_MODE)
#define DVG            BIT(PARAMETER_DVG)
#define DIG            BIT(PARAMETER_DIG)
#define DRG            BIT(PARAMETER_DRG)

static const char bare_stop[] = "0x0000";

const char *const parameter_names[PARAMETER_COUNT] = {
    [PARAMETER_MODE] = "mode",
    [PARAMETER_DVG] = "dvg",
    [PARAMETER_DIG] = "dig",
    [PARAMETER_DRG] = "drg",
};

static const unsigned taken_by_path[] = {
    [SET_PATH_DCDC] = MODE | DVG | DIG | DRG,
    [SET_PATH_ALL] = MODE | DVG | DIG | DRG,
    [SET_PATH_CURRENT] = DIG,
    [SET_PATH_VOLTAGE] = DVG | DRG,
};

static const struct {
    unsigned sent;      /* what the converter's daemon is given */
    unsigned not_saved; /* what must come with the request itself */
} methods[] = {
    [SET_ALL] = {MODE | DVG | DIG | DRG, 0},
    [SET_CURRENT] = {DIG, DIG},
    [SET_VOLTAGE] = {DVG | DRG, DVG},
};

/* Every method wants these known, in this order, whether it sends them or not. */
static const struct {
    enum parameter parameter;
    const char *missing;
} required[] = {
    {PARAMETER_MODE, "No operationMode"},
    {PARAMETER_DIG, "No dig"},
    {PARAMETER_DVG, "No dvg"},
};

/* What the query gives. */
struct asked {
    struct parameters given;
    unsigned seen; /* BITs */
    bool stop;
};

static int find_parameter(const char *name, unsigned taken)
{
    for (int i = 0; i < PARAMETER_COUNT; i++)
        if ((taken & BIT(i)) != 0 && strcmp(parameter_names[i], name) == 0)
            return i;
    return -1;
}

static bool refuse(struct failure *failure, const char *name, const char *problem)
{
    failure_set(failure, REASON_INVALID_PARAMS, "%s: %s", name, problem);
    return false;
}

/* Enters one pair into *asked. Returns false with *failure filled if it is wrong. */
static bool ask(struct asked *asked, const struct query_pair *pair, unsigned taken,
                struct failure *failure)
{
    int found = pair->key_problem == NULL ? find_parameter(pair->key, taken) : -1;
    bool mode = found == PARAMETER_MODE && pair->value_problem == NULL;
    uint16_t value = 0;
    bool mode_good = mode && operation_mode_parse(pair->value, &value, failure);
    unsigned bit;

    if (mode_good && value == MODE_WAITING)
        asked->stop = true;
    if (pair->key_problem != NULL)
        return refuse(failure, pair->key, pair->key_problem);
    if (found < 0)
        return refuse(failure, "unknown parameter", pair->key);
    bit = BIT(found);
    if ((asked->seen & bit) != 0)
        return refuse(failure, pair->key, "given twice");
    asked->seen |= bit;
    if (pair->value_problem != NULL)
        return refuse(failure, pair->key, pair->value_problem);
    if (mode && !mode_good)
        return false;
    snprintf(asked->given.text[found], QUERY_VALUE_SIZE, "%s", pair->value);
    return true;
}

/* Reads the whole query, to see a stop wherever it is. *failure: the first that is wrong. */
static bool ask_all(struct asked *asked, const char *query, unsigned taken, struct failure *failure)
{
    struct query_pair pair;
    struct failure later;
    bool good = true;

    while (query_next(&query, &pair))
        if (!ask(asked, &pair, taken, good ? failure : &later))
            good = false;
    return good;
}

static enum set_method choose_method(enum set_path path, unsigned seen)
{
    if (path == SET_PATH_CURRENT || (path == SET_PATH_DCDC && seen == DIG))
        return SET_CURRENT;
    if (path == SET_PATH_VOLTAGE ||
        (path == SET_PATH_DCDC && (seen & DVG) != 0 && (seen & (MODE | DIG)) == 0))
        return SET_VOLTAGE;
    return SET_ALL;
}

/* The given ones, and for those left out the saved ones. */
static void fill(struct parameters *all, const struct parameters *saved, unsigned not_saved)
{
    for (int i = 0; i < PARAMETER_COUNT; i++)
        if (all->text[i][0] == '\0' && (not_saved & BIT(i)) == 0)
            memcpy(all->text[i], saved->text[i], QUERY_VALUE_SIZE);
    if (all->text[PARAMETER_DRG][0] == '\0' && all->text[PARAMETER_DVG][0] != '\0')
        memcpy(all->text[PARAMETER_DRG], "0", 2);
}

static bool complete(const struct parameters *all, struct failure *failure)
{
    for (size_t i = 0; i < sizeof required / sizeof required[0]; i++) {
        if (all->text[required[i].parameter][0] == '\0') {
            failure_set(failure, REASON_INVALID_PARAMS, "%s", required[i].missing);
            return false;
        }
    }
    return true;
}

static void keep_only(struct parameters *parameters, unsigned kept)
{
    for (int i = 0; i < PARAMETER_COUNT; i++)
        if ((kept & BIT(i)) == 0)
            parameters->text[i][0] = '\0';
}

bool set_request_read(enum set_path path, const char *query, const struct parameters *saved,
                      struct set_request *set)
{
    struct asked asked = {.seen = 0};
    bool good = ask_all(&asked, query, taken_by_path[path], &set->problem);

    set->stop = asked.stop;
    set->complaint = asked.stop && !good;
    set->method = choose_method(path, asked.seen);
    set->send = asked.given;
    set->mode_remembered =
        !asked.stop && set->method == SET_ALL && asked.given.text[PARAMETER_MODE][0] == '\0';
    if (set->complaint) {
        keep_only(&set->send, 0);
        memcpy(set->send.text[PARAMETER_MODE], bare_stop, sizeof bare_stop);
        return true;
    }
    if (!good)
        return false;
    fill(&set->send, saved, methods[set->method].not_saved);
    if (!set->stop && !complete(&set->send, &set->problem))
        return false;
    keep_only(&set->send, methods[set->method].sent);
    return true;
}

bool parameters_update(struct parameters *parameters, const struct parameters *news)
{
    bool changed = false;

    for (int i = 0; i < PARAMETER_COUNT; i++) {
        if (news->text[i][0] != '\0' && strcmp(news->text[i], parameters->text[i]) != 0) {
            memcpy(parameters->text[i], news->text[i], QUERY_VALUE_SIZE);
            changed = true;
        }
    }
    return changed;
}

struct json_object *parameters_to_json(const struct parameters *parameters)
{
    struct json_object *object = json_object_new_object();

    for (int i = 0; i < PARAMETER_COUNT; i++)
        if (parameters->text[i][0] != '\0')
            json_object_object_add(object, parameter_names[i],
                                   json_object_new_string(parameters->text[i]));
    return object;
}
