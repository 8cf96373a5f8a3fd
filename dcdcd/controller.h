/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The specification's controller methods (5.2.1.3) as a table: which commands each sends in which
 * order, and what its result is made of. Pure; scheduler.c runs the sequences.
 */
#ifndef DCDCD_CONTROLLER_H
#define DCDCD_CONTROLLER_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "dcdcd/sequence.h"

/* Parts of a result; the specification's objects of the same names. */
enum {
    RESULT_METER = 1 << 0,
    RESULT_PARAM = 1 << 1,
    RESULT_POWERMETER = 1 << 2,
    RESULT_STATUS = 1 << 3,       /* alarm, alarmState, operationMode, runningState, status … */
    RESULT_STATUS_BRIEF = 1 << 4, /* alarmState, operationMode, runningState */
    RESULT_VDIS = 1 << 5,
    RESULT_SETUP = 1 << 6, /* dcdc_converter_name, dcdc_setup_parameter */
    RESULT_ROW = 1 << 7    /* the fields of the one command */
};

/* What a set asks for, in raw values; a stop may lack any but the mode. */
struct set_values {
    bool has_mode, has_dvg, has_drg, has_dig;
    uint16_t mode, dvg, drg, dig;
};

struct controller_method;

/* One call of a method. */
struct controller_call {
    const struct controller_method *method;
    struct set_values set;         /* remote_set* */
    const struct eza_command *row; /* command */
    struct eza_values row_values;  /* command, when the row is a write */
};

struct controller_method {
    const char *name;
    bool writes; /* changes something at the converter; for "command" the row decides */
    /* Fills an empty sequence. mode: what the converter is in now (for calls that set another). */
    void (*plan)(const struct controller_call *call, const struct config *config, uint16_t mode,
                 struct sequence *sequence);
    unsigned result; /* RESULT_… */
};

/* The method with this name, or NULL. "command" is one of them. */
const struct controller_method *controller_method_find(const char *name);

/* A call that sends 1-4 Waiting and nothing else. */
struct controller_call controller_bare_stop(void);

/* True if the call changes something at the converter. */
bool controller_writes(const struct controller_call *call);

/* True if the call sets the mode; then *mode is which. MODE_WAITING makes it a stop. */
bool controller_sets_mode(const struct controller_call *call, uint16_t *mode);

/* The result of a call whose sequence is done; the caller owns it. NULL without memory. */
struct json_object *controller_result(const struct controller_call *call,
                                      const struct config *config, const struct sequence *sequence);

#endif
