/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/gather.h"

#include <stdlib.h>

const char *const gather_names[GATHER_COUNT] = {
    [GATHER_DCDCD] = "dcdcd",
    [GATHER_BATTD] = "battd",
};

struct gathering;

struct part {
    struct gathering *gathering;
    struct gathered answer; /* whose result is owned */
};

struct gathering {
    struct part parts[GATHER_COUNT];
    int pending;
    gather_done *done;
    void *arg;
};

static void finish(struct gathering *gathering)
{
    struct gathered answers[GATHER_COUNT];

    for (int i = 0; i < GATHER_COUNT; i++)
        answers[i] = gathering->parts[i].answer;
    gathering->done(gathering->arg, answers);
    for (int i = 0; i < GATHER_COUNT; i++)
        json_object_put(answers[i].result);
    free(gathering);
}

static void handle_answer(void *arg, struct json_object *result, const struct failure *failure)
{
    struct part *part = arg;

    if (result != NULL)
        part->answer.result = json_object_get(result);
    else
        part->answer.failure = *failure;
    if (--part->gathering->pending == 0)
        finish(part->gathering);
}

/* Asks a daemon that is connected; returns whether it was asked. */
static bool ask(struct part *part, struct rpc_client *client, const char *name, const char *method,
                int64_t deadline_us)
{
    failure_set(&part->answer.failure, REASON_UNAVAILABLE, "%s cannot be reached", name);
    return rpc_client_connected(client) && rpc_client_call(client, method, NULL, deadline_us,
                                                           RPC_ONCE, handle_answer, part) != NULL;
}

bool gather(struct rpc_client *const clients[GATHER_COUNT], const char *method, int64_t deadline_us,
            gather_done *done, void *arg)
{
    struct gathering *gathering = calloc(1, sizeof *gathering);

    if (gathering == NULL)
        return false;
    gathering->done = done;
    gathering->arg = arg;
    for (int i = 0; i < GATHER_COUNT; i++) {
        gathering->parts[i].gathering = gathering;
        gathering->pending +=
            ask(&gathering->parts[i], clients[i], gather_names[i], method, deadline_us);
    }
    if (gathering->pending == 0)
        finish(gathering);
    return true;
}
