/* SPDX-License-Identifier: Apache-2.0 */
#include "dcdcd/set_params.h"

#include <stdio.h>
#include <string.h>

#include "common/operation_mode.h"
#include "common/rpc_server.h"

/* Adds to what is wrong so far. */
static void complain(struct failure *failure, const char *text)
{
    struct failure so_far = *failure;

    failure_set(failure, REASON_INVALID_PARAMS, "%s%s%s", so_far.text,
                so_far.text[0] != '\0' ? "; " : "", text);
}

static bool is_present(struct json_object *params, const char *name)
{
    return json_object_object_get_ex(params, name, NULL);
}

/* Reads one value if it is there; complains if it is no good or, when required, missing. */
static bool take(struct json_object *params, const struct eza_field *field, const char *missing,
                 uint16_t *raw, struct failure *failure)
{
    const char *text = rpc_param_text(params, field->name);
    struct failure wrong = {.text = ""};

    if (text != NULL && eza_encode(field, text, raw, &wrong))
        return true;
    if (text == NULL && is_present(params, field->name))
        failure_set(&wrong, REASON_INVALID_PARAMS, "%s: neither text nor a number", field->name);
    else if (text == NULL && missing != NULL)
        failure_set(&wrong, REASON_INVALID_PARAMS, "%s", missing);
    if (wrong.text[0] != '\0')
        complain(failure, wrong.text);
    return false;
}

static const struct eza_field *field_of(const char *row, const char *name)
{
    const struct eza_command *command = eza_command_find(row);

    return &command->request.field[eza_field_find(&command->request, name)];
}

static void refuse_unknown(struct json_object *params, const char *const *known, size_t count,
                           struct failure *failure)
{
    char text[128];

    json_object_object_foreach(params, key, value)
    {
        size_t i = 0;

        (void)value;
        while (i < count && strcmp(known[i], key) != 0)
            i++;
        if (i < count)
            continue;
        snprintf(text, sizeof text, "unknown parameter: %.64s", key);
        complain(failure, text);
    }
}

/* The mode; its texts are the ones that clients know from /remote/set. */
static bool take_mode(struct json_object *params, struct set_values *set, struct failure *failure)
{
    const char *text = rpc_param_text(params, "mode");

    if (text == NULL)
        failure_set(failure, REASON_INVALID_PARAMS, "No operationMode");
    else
        set->has_mode = operation_mode_parse(text, &set->mode, failure);
    return set->has_mode;
}

/* Whether the mode is only what gatewayd remembered. */
static void take_remembered(struct json_object *params, struct request *request,
                            struct failure *failure)
{
    struct json_object *value;

    if (!json_object_object_get_ex(params, "mode_remembered", &value))
        return;
    if (!json_object_is_type(value, json_type_boolean))
        complain(failure, "mode_remembered: neither true nor false");
    request->mode_remembered = json_object_get_boolean(value);
}

static bool parse_set(const struct controller_method *method, struct json_object *params,
                      struct request *request, struct failure *failure)
{
    static const char *const known[] = {"mode", "mode_remembered", "dig", "dvg", "drg"};
    struct set_values *set = &request->call.set;
    bool mode = strcmp(method->name, "remote_set") == 0;
    bool dig = mode || strcmp(method->name, "remote_set_current") == 0;
    bool dvg = mode || !dig;
    bool stop;

    if (mode && !take_mode(params, set, failure))
        return false;
    stop = mode && set->mode == MODE_WAITING;
    take_remembered(params, request, failure);
    if (dig)
        set->has_dig =
            take(params, field_of("6-4", "dig"), stop ? NULL : "No dig", &set->dig, failure);
    if (dvg) {
        set->has_dvg =
            take(params, field_of("4-4", "dvg"), stop ? NULL : "No dvg", &set->dvg, failure);
        set->has_drg =
            take(params, field_of("4-4", "drg"), stop ? NULL : "No drg", &set->drg, failure);
    }
    refuse_unknown(params, known, sizeof known / sizeof known[0], failure);
    if (stop)
        request->complaint = *failure;
    return stop || failure->text[0] == '\0';
}

/* Values for a write of any row: all fields, nothing else. False if the first is no good. */
static bool take_fields(struct json_object *params, const struct eza_command *row,
                        struct eza_values *values, struct failure *failure)
{
    const char *known[EZA_FIELDS_MAX + 1] = {"name"};
    char missing[64];
    bool first = false;

    for (size_t i = 0; i < row->request.count; i++) {
        const struct eza_field *field = &row->request.field[i];

        known[i + 1] = field->name;
        snprintf(missing, sizeof missing, "No %s", field->name);
        if (take(params, field, missing, &values->raw[i], failure) && i == 0)
            first = true;
    }
    refuse_unknown(params, known, row->request.count + 1, failure);
    return first;
}

static bool parse_command(struct json_object *params, struct request *request,
                          struct failure *failure)
{
    const char *name = rpc_param_text(params, "name");
    struct controller_call *call = &request->call;
    uint16_t mode;
    bool stop;

    call->row = name != NULL ? eza_command_find(name) : NULL;
    if (call->row == NULL) {
        failure_set(failure, REASON_INVALID_PARAMS, "name: %s%.32s%s; see list_commands",
                    name != NULL ? "no command '" : "missing", name != NULL ? name : "",
                    name != NULL ? "'" : "");
        return false;
    }
    stop = take_fields(params, call->row, &call->row_values, failure) &&
           controller_sets_mode(call, &mode) && mode == MODE_WAITING;
    if (controller_sets_mode(call, &mode) && operation_mode_find(mode) == NULL)
        complain(failure, "mode: not an operation mode");
    if (stop)
        request->complaint = *failure;
    return stop || failure->text[0] == '\0';
}

bool set_params_parse(const struct controller_method *method, struct json_object *params,
                      struct request *request, struct failure *failure)
{
    *failure = (struct failure){.reason = REASON_INVALID_PARAMS};
    request->call = (struct controller_call){.method = method};
    if (strcmp(method->name, "command") == 0)
        return parse_command(params, request, failure);
    return parse_set(method, params, request, failure);
}
