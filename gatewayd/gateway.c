/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/gateway.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/jsonrpc.h"
#include "common/log.h"
#include "common/process_metrics.h"
#include "gatewayd/admission.h"
#include "gatewayd/fanout.h"
#include "gatewayd/replies.h"
#include "gatewayd/usage.h"

/* The client gives up after 5 s; the answer must have left after 4.5 s. */
static const int64_t answer_within_us = JSONRPC_TIMEOUT_MAX_MS * (int64_t)US_PER_MS;

/* dcdcd's supervisor guard is told of requests at most this often, and need not hear of each. */
enum { TELL_PERIOD_US = 200 * US_PER_MS, TELL_TIMEOUT_US = US_PER_S };

/* How often the clients of what waits for dcdcd are looked at. */
static const struct timeval look_interval = {.tv_usec = 100 * US_PER_MS};

LIST_HEAD(exchange_list, exchange);

struct gateway {
    struct http *http;
    struct rpc_client *dcdcd;
    struct rpc_client *battd;
    struct saved *saved;
    struct admission *admission;
    unsigned max_target_size;
    bool goodbye;
    bool stopping;
    int64_t told_us; /* when dcdcd was last told of a request */
    void (*quit)(void *arg);
    void *quit_arg;
    struct usage *usage;
    struct exchange_list watched;
    struct event *look; /* pending while there are any */
    uint64_t abandoned; /* changes whose client was seen to have gone */
};

/* The methods that a 405 names; NULL: it is none. */
static const char *allowed_methods(const struct exchange *exchange, int status)
{
    if (exchange->route == NULL || status != reason_info(REASON_NO_HTTP_METHOD)->http_status)
        return NULL;
    return exchange->route->changes ? "GET" : "GET, HEAD";
}

static void unwatch(struct exchange *exchange)
{
    if (exchange->watched != NULL)
        LIST_REMOVE(exchange, link);
    exchange->watched = NULL;
}

static bool method_served(const struct exchange *exchange)
{
    enum http_method method = http_request_method(exchange->request);

    return method == HTTP_METHOD_GET || (method == HTTP_METHOD_HEAD && !exchange->route->changes);
}

/* What was refused, and changes of which dcdcd knows nothing; others are in its log. */
static void write_audit(const struct exchange *exchange, const struct failure *failure)
{
    bool refused = exchange->verdict != ACCESS_GRANTED;
    bool change = exchange->route != NULL && exchange->route->changes && method_served(exchange);

    if (refused || (change && !exchange->dcdcd_answered))
        admission_audit(exchange->request, &exchange->peer, exchange->verdict,
                        clock_us() - exchange->arrived_us, failure);
}

/* failure: NULL if it went well. */
static void end(struct exchange *exchange, const struct failure *failure, int status,
                const char *body, size_t length)
{
    unsigned outcome = failure == NULL ? OUTCOME_OK : OUTCOME_REASON + failure->reason;

    unwatch(exchange);
    write_audit(exchange, failure);
    usage_count(exchange->gateway->usage, exchange->route, outcome,
                clock_us() - exchange->arrived_us);
    http_reply(exchange->request, status, allowed_methods(exchange, status), body, length);
    free(exchange->set);
    free(exchange);
}

void exchange_reply(struct exchange *exchange, struct json_object *body)
{
    size_t length;
    const char *text = jsonrpc_text(body, &length);

    end(exchange, NULL, 200, text, length);
    json_object_put(body);
}

void exchange_reply_text(struct exchange *exchange, const char *text)
{
    end(exchange, NULL, 200, text, strlen(text));
}

void exchange_fail(struct exchange *exchange, const struct failure *failure)
{
    struct json_object *body = reply_error(failure);
    size_t length;
    const char *text = jsonrpc_text(body, &length);

    end(exchange, failure, reply_status(failure), text, length);
    json_object_put(body);
}

void exchange_reply_plain(struct exchange *exchange, const char *type, const char *text,
                          size_t length)
{
    http_set_content_type(exchange->request, type);
    end(exchange, NULL, 200, text, length);
}

void exchange_reply_unready(struct exchange *exchange, struct json_object *body)
{
    struct failure failure;
    size_t length;
    const char *text = jsonrpc_text(body, &length);

    failure_set(&failure, REASON_UNAVAILABLE, "not ready");
    end(exchange, &failure, reason_info(failure.reason)->http_status, text, length);
    json_object_put(body);
}

bool exchange_drop_if_gone(struct exchange *exchange)
{
    struct failure failure;

    if (!http_request_abandoned(exchange->request))
        return false;
    exchange->gateway->abandoned++;
    failure_set(&failure, REASON_EXPIRED, "the client has gone; nothing was begun");
    exchange_fail(exchange, &failure);
    return true;
}

static void look(evutil_socket_t fd, short what, void *arg)
{
    struct gateway *gateway = arg;
    struct exchange *exchange, *next;

    (void)fd, (void)what;
    for (exchange = LIST_FIRST(&gateway->watched); exchange != NULL; exchange = next) {
        struct fanout *fanout = exchange->watched;

        next = LIST_NEXT(exchange, link);
        if (!http_request_abandoned(exchange->request))
            continue;
        unwatch(exchange);
        gateway->abandoned++;
        fanout_abandon(fanout); /* may end this exchange, but no other */
    }
    if (!LIST_EMPTY(&gateway->watched))
        event_add(gateway->look, &look_interval);
}

void exchange_watch(struct exchange *exchange, struct fanout *fanout)
{
    struct gateway *gateway = exchange->gateway;

    exchange->watched = fanout;
    LIST_INSERT_HEAD(&gateway->watched, exchange, link);
    if (!event_pending(gateway->look, EV_TIMEOUT, NULL))
        event_add(gateway->look, &look_interval);
}

/* Whether the request can be served at all. */
static bool check(struct exchange *exchange, struct failure *failure)
{
    struct gateway *gateway = exchange->gateway;
    const char *target = http_request_target(exchange->request);

    exchange->verdict = admission_check(gateway->admission, exchange->request,
                                        exchange->route != NULL && exchange->route->changes,
                                        &exchange->peer, failure);
    if (exchange->verdict != ACCESS_GRANTED)
        return false;
    if (strlen(target) > gateway->max_target_size)
        failure_set(failure, REASON_TARGET_SIZE, "path and query are longer than %u bytes",
                    gateway->max_target_size);
    else if (gateway->stopping)
        failure_set(failure, REASON_STOPPING, "gatewayd is stopping");
    else if (exchange->route == NULL)
        failure_set(failure, REASON_NO_PATH, "unknown path: %.*s", (int)strcspn(target, "?#"),
                    target);
    else if (!method_served(exchange))
        failure_set(failure, REASON_NO_HTTP_METHOD, "only %s",
                    exchange->route->changes ? "GET is served here" : "GET and HEAD are served");
    else
        return true;
    return false;
}

static void on_told(void *arg, struct json_object *result, const struct failure *failure)
{
    (void)arg, (void)result, (void)failure;
}

/* Somebody uses the API: the supervisor is there, also when this request needs no converter. */
static void tell_of_supervisor(struct gateway *gateway, int64_t now_us)
{
    if (now_us - gateway->told_us < TELL_PERIOD_US)
        return;
    gateway->told_us = now_us;
    rpc_client_call(gateway->dcdcd, "supervisor_seen", NULL, now_us + TELL_TIMEOUT_US, RPC_ONCE,
                    on_told, gateway);
}

static void handle_request(void *arg, struct http_request *request)
{
    struct gateway *gateway = arg;
    struct exchange *exchange = calloc(1, sizeof *exchange);
    int64_t now_us = clock_us();
    static const char no_memory[] = "{\"err\":\"out of memory\"}";
    struct failure failure;

    if (exchange == NULL) {
        http_reply(request, 503, NULL, no_memory, sizeof no_memory - 1);
        return;
    }
    exchange->gateway = gateway;
    exchange->request = request;
    exchange->arrived_us = now_us;
    exchange->deadline_us = now_us + answer_within_us;
    exchange->route = route_find(http_request_target(request), &exchange->query);
    if (exchange->route != NULL && exchange->route->goodbye && !gateway->goodbye)
        exchange->route = NULL;
    if (!check(exchange, &failure)) {
        exchange_fail(exchange, &failure);
        return;
    }
    if (!exchange->route->watches)
        tell_of_supervisor(gateway, now_us);
    exchange->route->run(exchange);
}

static bool open_parts(struct gateway *gateway, const struct daemon *daemon)
{
    char path[PATH_MAX];

    gateway->usage = usage_new();
    gateway->look = evtimer_new(daemon->base, look, gateway);
    gateway->dcdcd =
        rpc_client_new(daemon->base, daemon_socket(daemon, "dcdcd", path, sizeof path), "dcdcd");
    gateway->battd =
        rpc_client_new(daemon->base, daemon_socket(daemon, "battd", path, sizeof path), "battd");
    snprintf(path, sizeof path, "%s/gatewayd.saved", daemon->run_dir);
    gateway->saved = saved_open(path);
    gateway->admission = admission_new(&daemon->config->gateway, daemon->host);
    gateway->max_target_size = daemon->config->gateway.max_target_size;
    return gateway->usage != NULL && gateway->admission != NULL && gateway->look != NULL &&
           gateway->dcdcd != NULL && gateway->battd != NULL && gateway->saved != NULL;
}

struct gateway *gateway_new(const struct daemon *daemon, void (*quit)(void *arg), void *arg,
                            int *exit_status)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);

    *exit_status = EXIT_FAILURE;
    if (gateway == NULL)
        return NULL;
    LIST_INIT(&gateway->watched);
    gateway->goodbye = daemon->goodbye;
    gateway->quit = quit;
    gateway->quit_arg = arg;
    if (!open_parts(gateway, daemon)) {
        log_error("gateway", "out of memory");
        goto fail;
    }
    gateway->http = http_new(daemon->base, daemon->host, daemon->port, &daemon->config->gateway,
                             handle_request, gateway, exit_status);
    if (gateway->http == NULL)
        goto fail;
    return gateway;

fail:
    gateway_free(gateway);
    return NULL;
}

void gateway_stop(struct gateway *gateway, void (*done)(void *arg), void *arg)
{
    gateway->stopping = true;
    http_stop(gateway->http, done, arg);
}

void gateway_free(struct gateway *gateway)
{
    if (gateway == NULL)
        return;
    /* First the clients: that ends the exchanges, which evhttp must outlive. */
    rpc_client_free(gateway->dcdcd);
    rpc_client_free(gateway->battd);
    http_free(gateway->http);
    saved_close(gateway->saved);
    admission_free(gateway->admission);
    if (gateway->look != NULL)
        event_free(gateway->look);
    usage_free(gateway->usage);
    free(gateway);
}

struct rpc_client *gateway_dcdcd(const struct gateway *gateway)
{
    return gateway->dcdcd;
}

struct rpc_client *gateway_battd(const struct gateway *gateway)
{
    return gateway->battd;
}

struct saved *gateway_saved(const struct gateway *gateway)
{
    return gateway->saved;
}

void gateway_quit(struct gateway *gateway)
{
    gateway->quit(gateway->quit_arg);
}

struct json_object *gateway_status(const struct gateway *gateway)
{
    struct json_object *status = json_object_new_object();
    struct json_object *daemons = json_object_new_object();

    json_object_object_add(daemons, "dcdcd", rpc_client_counters(gateway->dcdcd));
    json_object_object_add(daemons, "battd", rpc_client_counters(gateway->battd));
    json_object_object_add(status, "connections", http_counters(gateway->http));
    json_object_object_add(status, "requests", usage_to_json(gateway->usage));
    json_object_object_add(status, "refused", admission_status(gateway->admission));
    json_object_object_add(status, "abandoned", json_object_new_uint64(gateway->abandoned));
    json_object_object_add(status, "daemons", daemons);
    json_object_object_add(status, "saved", parameters_to_json(saved_get(gateway->saved)));
    return status;
}

static const struct metrics_family abandoned = {
    "dcdc_http_changes_abandoned_total", METRICS_COUNTER,
    "Changes whose client was seen to have gone before they had ended."};

void gateway_metrics(const struct gateway *gateway, struct metrics *metrics)
{
    struct json_object *counters = http_counters(gateway->http);

    usage_metrics(gateway->usage, metrics);
    usage_connections(counters, metrics);
    json_object_put(counters);
    metrics_begin(metrics, &abandoned);
    metrics_integer(metrics, gateway->abandoned, NULL);
    process_metrics(metrics, "gatewayd");
}
