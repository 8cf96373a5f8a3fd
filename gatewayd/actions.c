/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/actions.h"

#include <stdlib.h>
#include <string.h>

#include "gatewayd/fanout.h"
#include "gatewayd/gateway.h"
#include "gatewayd/parameters.h"
#include "gatewayd/replies.h"

static void answer(struct exchange *exchange, const char *const keys[],
                   struct json_object *const results[], size_t count)
{
    struct failure failure;
    struct json_object *body = reply_compose(keys, results, count, &failure);

    if (body != NULL)
        exchange_reply(exchange, body);
    else
        exchange_fail(exchange, &failure);
}

/* The converter's call comes first, so that its failure is the one reported. */
static size_t calls_of(const struct exchange *exchange, struct fanout_call calls[static FANOUT_MAX])
{
    const struct route *route = exchange->route;
    size_t count = 0;

    if (route->dcdcd != NULL)
        calls[count++] = (struct fanout_call){.client = gateway_dcdcd(exchange->gateway),
                                              .method = route->dcdcd,
                                              .repeat = route->repeat};
    if (route->battd != NULL)
        calls[count++] = (struct fanout_call){.client = gateway_battd(exchange->gateway),
                                              .method = route->battd,
                                              .repeat = route->repeat};
    return count;
}

static void call_done(void *arg, struct json_object *const results[], size_t count,
                      const struct failure *failure)
{
    struct exchange *exchange = arg;

    exchange->dcdcd_answered = failure == NULL || failure->from_peer;
    if (failure != NULL)
        exchange_fail(exchange, failure);
    else
        answer(exchange, exchange->route->keys, results, count);
}

/* A change that has not begun when its client goes is dropped; stops and reads are not. */
static bool is_droppable(const struct exchange *exchange)
{
    return exchange->route->changes && !(exchange->set != NULL && exchange->set->stop);
}

/* Whether the client has gone already; the exchange is over then. */
static bool dropped(struct exchange *exchange)
{
    return is_droppable(exchange) && exchange_drop_if_gone(exchange);
}

static void start(struct exchange *exchange, struct fanout_call calls[], size_t count,
                  fanout_done *done)
{
    bool droppable = is_droppable(exchange);
    char client[INET6_ADDRSTRLEN];
    struct fanout *fanout;

    if (exchange->route->changes)
        calls[0].behalf = address_print(&exchange->peer, client);
    fanout = fanout_start(calls, count, exchange->deadline_us, done, exchange);

    if (fanout != NULL && droppable)
        exchange_watch(exchange, fanout);
}

void action_call(struct exchange *exchange)
{
    struct fanout_call calls[FANOUT_MAX];

    if (!dropped(exchange))
        start(exchange, calls, calls_of(exchange, calls), call_done);
}

/*
 * A stop is remembered when it is asked for, not only when it has been carried out: a later set
 * without mode must not start the converter again with the mode from before the stop.
 */
static void remember_stop(const struct exchange *exchange)
{
    const struct set_request *set = exchange->set;
    struct parameters stop = {.text = {{0}}};

    memcpy(stop.text[PARAMETER_MODE], set->send.text[PARAMETER_MODE], QUERY_VALUE_SIZE);
    if (set->stop)
        saved_update(gateway_saved(exchange->gateway), &stop);
}

/* What the converter's daemon is given. Caller owns. */
static struct json_object *params_of(const struct set_request *set)
{
    struct json_object *params = parameters_to_json(&set->send);

    if (set->mode_remembered)
        json_object_object_add(params, "mode_remembered", json_object_new_boolean(true));
    return params;
}

/* The stop has been carried out, but the request was wrong in some other way. */
static void complain(struct exchange *exchange)
{
    const struct failure *problem = &exchange->set->problem;
    struct failure failure;

    failure_set(&failure, problem->reason, "%s; the stop was carried out", problem->text);
    exchange_fail(exchange, &failure);
}

static void set_done(void *arg, struct json_object *const results[], size_t count,
                     const struct failure *failure)
{
    struct exchange *exchange = arg;
    const struct set_request *set = exchange->set;

    exchange->dcdcd_answered = failure == NULL || failure->from_peer;
    remember_stop(exchange); /* again: another set may have been answered in between */
    if (failure != NULL) {
        exchange_fail(exchange, failure);
        return;
    }
    saved_update(gateway_saved(exchange->gateway), &set->send);
    if (set->complaint)
        complain(exchange);
    else
        answer(exchange, set_targets[set->method].keys, results, count);
}

void action_set(struct exchange *exchange)
{
    struct gateway *gateway = exchange->gateway;
    struct set_request *set = malloc(sizeof *set);
    struct failure no_memory = {.reason = REASON_INTERNAL, .text = "out of memory"};
    struct fanout_call call;

    exchange->set = set;
    if (set == NULL) {
        exchange_fail(exchange, &no_memory);
        return;
    }
    if (!set_request_read(exchange->route->set_path, exchange->query,
                          saved_get(gateway_saved(gateway)), set)) {
        exchange_fail(exchange, &set->problem);
        return;
    }
    if (dropped(exchange))
        return;
    remember_stop(exchange);
    call = (struct fanout_call){.client = gateway_dcdcd(gateway),
                                .method = set_targets[set->method].dcdcd,
                                .params = params_of(set),
                                .repeat = set->stop ? RPC_REPEAT : RPC_ONCE};
    start(exchange, &call, 1, set_done);
}

void action_text(struct exchange *exchange)
{
    exchange_reply_text(exchange, exchange->route->text);
}

void action_hello(struct exchange *exchange)
{
    saved_forget(gateway_saved(exchange->gateway));
    action_text(exchange);
}

void action_goodbye(struct exchange *exchange)
{
    struct gateway *gateway = exchange->gateway;

    action_text(exchange);
    gateway_quit(gateway);
}
