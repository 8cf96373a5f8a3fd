/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/replies.h"

static struct json_object *find(const char *key, struct json_object *const results[], size_t count)
{
    struct json_object *value;

    for (size_t i = 0; i < count; i++)
        if (json_object_is_type(results[i], json_type_object) &&
            json_object_object_get_ex(results[i], key, &value) && value != NULL)
            return value;
    return NULL;
}

struct json_object *reply_compose(const char *const keys[], struct json_object *const results[],
                                  size_t count, struct failure *failure)
{
    /* The keys are literals and differ: they are neither copied nor looked for. */
    const unsigned flags = JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY;
    struct json_object *body = json_object_new_object();

    for (; *keys != NULL; keys++) {
        struct json_object *value = find(*keys, results, count);

        if (value == NULL) {
            failure_set(failure, REASON_INTERNAL, "%s is missing in the daemon's answer", *keys);
            json_object_put(body);
            return NULL;
        }
        json_object_object_add_ex(body, *keys, json_object_get(value), flags);
    }
    return body;
}

struct json_object *reply_error(const struct failure *failure)
{
    struct json_object *body = json_object_new_object();

    json_object_object_add(body, "err", json_object_new_string(failure->text));
    return body;
}

int reply_status(const struct failure *failure)
{
    return reason_info(failure->reason)->http_status;
}
