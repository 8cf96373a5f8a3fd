/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/readiness.h"

#include <string.h>

/* A member that is text, else what stands for it. */
static const char *text_of(struct json_object *status, const char *key, const char *otherwise)
{
    struct json_object *value;

    if (!json_object_is_type(status, json_type_object) ||
        !json_object_object_get_ex(status, key, &value) ||
        !json_object_is_type(value, json_type_string))
        return otherwise;
    return json_object_get_string(value);
}

/* Why the converter is not ready, or NULL (dcdcd/port_status.c). */
static const char *converter_problem(struct json_object *status)
{
    const char *state = text_of(status, "state", "unknown");

    if (strcmp(state, "port_closed") == 0)
        return text_of(status, "port_error", "the port is closed");
    if (strcmp(state, "ok") != 0)
        return text_of(status, "last_error", state);
    if (!json_object_object_get_ex(status, "last_answer_age", NULL))
        return "the converter has not answered yet";
    return NULL;
}

/* The same for the battery (battd/reply.c). */
static const char *battery_problem(struct json_object *status)
{
    const char *state = text_of(status, "state", "unknown");

    if (strcmp(state, "ok") == 0 || strcmp(state, "no_battery") == 0)
        return NULL;
    if (strcmp(state, "starting") == 0)
        return "the battery has not been read yet";
    return text_of(status, "last_error", state);
}

static const struct {
    const char *device;
    const char *(*problem)(struct json_object *status);
} components[GATHER_COUNT] = {
    [GATHER_DCDCD] = {"converter", converter_problem},
    [GATHER_BATTD] = {"battery", battery_problem},
};

struct json_object *readiness(const struct gathered answers[GATHER_COUNT], bool *ready)
{
    struct json_object *body = json_object_new_object(), *reasons = json_object_new_object();

    for (int i = 0; i < GATHER_COUNT; i++) {
        const char *name = components[i].device, *problem;

        if (answers[i].result != NULL) {
            problem = components[i].problem(answers[i].result);
        } else {
            name = gather_names[i];
            problem = answers[i].failure.text;
        }
        if (problem != NULL)
            json_object_object_add(reasons, name, json_object_new_string(problem));
    }
    *ready = json_object_object_length(reasons) == 0;
    json_object_object_add(body, "ready", json_object_new_boolean(*ready));
    json_object_object_add(body, "reasons", reasons);
    return body;
}
