/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of gatewayd and the way of a request through them: http → exchange → route's action →
 * answer, counted. main.c makes it, methods.c shows it, actions.c runs the exchanges.
 */
#ifndef GATEWAYD_GATEWAY_H
#define GATEWAYD_GATEWAY_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/daemon.h"
#include "common/metrics.h"
#include "common/rpc_client.h"
#include "gatewayd/access.h"
#include "gatewayd/http.h"
#include "gatewayd/routes.h"
#include "gatewayd/saved.h"

struct fanout;
struct gateway;

/* A request on its way to its answer. */
struct exchange {
    struct gateway *gateway;
    struct http_request *request;
    const struct route *route; /* NULL: unknown path */
    const char *query;         /* of the target, without '?' */
    int64_t arrived_us;
    int64_t deadline_us;  /* when the answer must be written (clock_us) */
    struct in6_addr peer; /* who asks */
    enum access_verdict verdict;
    bool dcdcd_answered;       /* which has then written the audit line of a change */
    struct set_request *set;   /* of a set; freed with the exchange */
    struct fanout *watched;    /* its calls, while its client is watched; NULL: it is not */
    LIST_ENTRY(exchange) link; /* while it is */
};

/*
 * Starts serving. quit(arg) is called when a client has asked for the end with /essx/goodbye.
 * Returns NULL after logging why, with *exit_status (75: the address is in use, else 1).
 */
struct gateway *gateway_new(const struct daemon *daemon, void (*quit)(void *arg), void *arg,
                            int *exit_status);

/* Answers what is under way and refuses what comes; then calls done(arg), once, within 4.7 s. */
void gateway_stop(struct gateway *gateway, void (*done)(void *arg), void *arg);

/* NULL: no-op. */
void gateway_free(struct gateway *gateway);

/* For `status`: connections, requests by path and outcome, refusals, daemons, saved parameters. */
struct json_object *gateway_status(const struct gateway *gateway);

/* The same and the process as metric families. */
void gateway_metrics(const struct gateway *gateway, struct metrics *metrics);

struct rpc_client *gateway_dcdcd(const struct gateway *gateway);
struct rpc_client *gateway_battd(const struct gateway *gateway);
struct saved *gateway_saved(const struct gateway *gateway);

/* Ends gatewayd once the answers under way are written. */
void gateway_quit(struct gateway *gateway);

/* If the client has gone, ends the exchange and returns true. */
bool exchange_drop_if_gone(struct exchange *exchange);

/*
 * From now on the client is looked at every 0.1 s. When it has gone, dcdcd is told to drop the
 * exchange's one call if it has not begun it yet; the exchange ends with dcdcd's answer as ever.
 */
void exchange_watch(struct exchange *exchange, struct fanout *fanout);

/* Each ends the exchange: answers, counts, frees. body is taken. */
void exchange_reply(struct exchange *exchange, struct json_object *body);
void exchange_reply_text(struct exchange *exchange, const char *text);
/* Not JSON; type: its content type, a static text. */
void exchange_reply_plain(struct exchange *exchange, const char *type, const char *text,
                          size_t length);
/* 503, counted as REASON_UNAVAILABLE. */
void exchange_reply_unready(struct exchange *exchange, struct json_object *body);
void exchange_fail(struct exchange *exchange, const struct failure *failure);

#endif
