/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/fanout.h"

#include <stdlib.h>

struct part {
    struct fanout *fanout;
    struct rpc_client_call *pending; /* NULL: answered, or not sent yet */
    struct json_object *result;      /* owned */
};

struct fanout {
    struct part parts[FANOUT_MAX];
    size_t count;
    size_t failed; /* the first that failed; count: none */
    struct failure failure;
    fanout_done *done;
    void *arg;
};

/* All that come before the first failure are answered: what is still missing changes nothing. */
static bool decided(const struct fanout *fanout)
{
    for (size_t i = 0; i < fanout->failed; i++)
        if (fanout->parts[i].result == NULL)
            return false;
    return true;
}

static void finish(struct fanout *fanout)
{
    struct json_object *results[FANOUT_MAX] = {NULL};

    for (size_t i = 0; i < fanout->count; i++) {
        if (fanout->parts[i].pending != NULL)
            rpc_client_cancel(fanout->parts[i].pending);
        results[i] = fanout->parts[i].result;
    }
    fanout->done(fanout->arg, results, fanout->count,
                 fanout->failed < fanout->count ? &fanout->failure : NULL);
    for (size_t i = 0; i < fanout->count; i++)
        json_object_put(results[i]);
    free(fanout);
}

static void note_failure(struct fanout *fanout, size_t index, const struct failure *failure)
{
    if (index >= fanout->failed)
        return;
    fanout->failed = index;
    fanout->failure = *failure;
}

static void handle_answer(void *arg, struct json_object *result, const struct failure *failure)
{
    struct part *part = arg;
    struct fanout *fanout = part->fanout;

    part->pending = NULL;
    if (result != NULL)
        part->result = json_object_get(result);
    else
        note_failure(fanout, (size_t)(part - fanout->parts), failure);
    if (decided(fanout))
        finish(fanout);
}

static struct fanout *new_fanout(size_t count, fanout_done *done, void *arg)
{
    struct fanout *fanout = malloc(sizeof *fanout);

    if (fanout == NULL)
        return NULL;
    fanout->count = count;
    fanout->failed = count;
    fanout->done = done;
    fanout->arg = arg;
    for (size_t i = 0; i < count; i++)
        fanout->parts[i] = (struct part){.fanout = fanout};
    return fanout;
}

struct fanout *fanout_start(const struct fanout_call calls[], size_t count, int64_t deadline_us,
                            fanout_done *done, void *arg)
{
    static const struct failure no_memory = {.reason = REASON_INTERNAL, .text = "out of memory"};
    struct fanout *fanout = new_fanout(count, done, arg);

    if (fanout == NULL) {
        for (size_t i = 0; i < count; i++)
            json_object_put(calls[i].params);
        done(arg, NULL, 0, &no_memory);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        struct part *part = &fanout->parts[i];

        part->pending =
            rpc_client_call_for(calls[i].client, calls[i].behalf, calls[i].method, calls[i].params,
                                deadline_us, calls[i].repeat, handle_answer, part);
        if (part->pending == NULL)
            note_failure(fanout, i, &no_memory);
    }
    if (!decided(fanout))
        return fanout;
    finish(fanout);
    return NULL;
}

void fanout_abandon(struct fanout *fanout)
{
    rpc_client_abandon(fanout->parts[0].pending);
}
