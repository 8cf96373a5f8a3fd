/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rpc_method.h"

#include <string.h>

const struct rpc_method *rpc_method_find(const struct rpc_method *methods, size_t count,
                                         const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

static bool knows(const struct rpc_method *method, const char *name)
{
    for (size_t i = 0; i < method->param_count; i++)
        if (strcmp(method->params[i].name, name) == 0)
            return true;
    return false;
}

bool rpc_method_check(const struct rpc_method *method, struct json_object *params,
                      struct failure *failure)
{
    struct json_object *value;

    json_object_object_foreach(params, name, unused)
    {
        (void)unused;
        if (!knows(method, name)) {
            failure_set(failure, REASON_INVALID_PARAMS, "unknown parameter: %s", name);
            return false;
        }
    }
    for (size_t i = 0; i < method->param_count; i++) {
        const struct rpc_param *param = &method->params[i];

        if (!param->required)
            continue;
        if (!json_object_object_get_ex(params, param->name, &value) || value == NULL) {
            failure_set(failure, REASON_INVALID_PARAMS, "missing parameter: %s", param->name);
            return false;
        }
    }
    return true;
}

static struct json_object *describe_params(const struct rpc_method *method)
{
    struct json_object *list = json_object_new_array_ext((int)method->param_count);

    for (size_t i = 0; i < method->param_count; i++) {
        const struct rpc_param *param = &method->params[i];
        struct json_object *row = json_object_new_object();

        json_object_object_add(row, "name", json_object_new_string(param->name));
        json_object_object_add(row, "required", json_object_new_boolean(param->required));
        json_object_object_add(row, "help", json_object_new_string(param->help));
        json_object_array_add(list, row);
    }
    return list;
}

void rpc_method_describe(const struct rpc_method *methods, size_t count, struct json_object *list)
{
    for (size_t i = 0; i < count; i++) {
        struct json_object *row = json_object_new_object();

        json_object_object_add(row, "name", json_object_new_string(methods[i].name));
        json_object_object_add(row, "help", json_object_new_string(methods[i].help));
        json_object_object_add(row, "params", describe_params(&methods[i]));
        json_object_array_add(list, row);
    }
}

const char *rpc_param_text(struct json_object *params, const char *name)
{
    struct json_object *value;

    if (!json_object_object_get_ex(params, name, &value))
        return NULL;
    switch (json_object_get_type(value)) {
    case json_type_string:
        return json_object_get_string(value);
    case json_type_int:
    case json_type_double:
        return json_object_to_json_string(value);
    default:
        return NULL;
    }
}
