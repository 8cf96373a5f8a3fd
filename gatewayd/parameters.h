/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set parameters: which of mode, dvg, dig and drg a request gives, which are taken from the
 * saved ones, and which method of the converter's daemon they make. Pure.
 * The syntax of the query and the mode are checked here; numbers are checked by dcdcd.
 */
#ifndef GATEWAYD_PARAMETERS_H
#define GATEWAYD_PARAMETERS_H

#include <json-c/json.h>
#include <stdbool.h>

#include "common/reason.h"
#include "gatewayd/query.h"

enum parameter { PARAMETER_MODE, PARAMETER_DVG, PARAMETER_DIG, PARAMETER_DRG, PARAMETER_COUNT };

/* "mode", "dvg", "dig", "drg" */
extern const char *const parameter_names[PARAMETER_COUNT];

/* The texts as clients sent them; "" for one that is not there. */
struct parameters {
    char text[PARAMETER_COUNT][QUERY_VALUE_SIZE];
};

/* Who is asked to set what (specification 5.2.1.3). */
enum set_method { SET_ALL, SET_CURRENT, SET_VOLTAGE };

/* The paths differ in the parameters that they take and in how the method is chosen. */
enum set_path {
    SET_PATH_DCDC,    /* /dcdc/set: the method follows from what is given */
    SET_PATH_ALL,     /* /remote/set */
    SET_PATH_CURRENT, /* /remote/set/current */
    SET_PATH_VOLTAGE  /* /remote/set/voltage */
};

struct set_request {
    enum set_method method;
    struct parameters send; /* for the converter; "" is left out */
    bool mode_remembered;   /* the mode is not the request's, but the saved one */
    bool stop;              /* mode 0x0000 was asked for */
    bool complaint;         /* a stop whose request is wrong otherwise: `problem` says how */
    struct failure problem;
};

/*
 * Works out what a request asks for. query: without its '?', "" if there was none. Returns true
 * with *set filled, or false with set->problem filled: the request is refused.
 *
 * A stop is never refused: if anything else is wrong with the request, *set holds the bare stop
 * and set->complaint is true; the client is told after the stop has been sent.
 */
bool set_request_read(enum set_path path, const char *query, const struct parameters *saved,
                      struct set_request *set);

/* Overwrites those of *parameters that are there in *news. Returns whether anything changed. */
bool parameters_update(struct parameters *parameters, const struct parameters *news);

/* {"mode": "0x0014", …}: those that are there. Caller owns. */
struct json_object *parameters_to_json(const struct parameters *parameters);

#endif
