/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/monitoring.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/process_metrics.h"
#include "gatewayd/exposition.h"
#include "gatewayd/gateway.h"
#include "gatewayd/readiness.h"

/* A daemon that runs answers within a millisecond; one that is stuck must not hold a scrape. */
enum { ANSWER_WITHIN_US = 500 * US_PER_MS };

static const struct failure no_memory = {.reason = REASON_INTERNAL, .text = "out of memory"};

static const struct metrics_family daemon_up = {
    "dcdc_daemon_up", METRICS_GAUGE,
    "1 if the daemon has answered gatewayd for this scrape; without that all it knows is absent."};

static void ask(struct exchange *exchange, const char *method, gather_done *done)
{
    struct rpc_client *const clients[GATHER_COUNT] = {
        [GATHER_DCDCD] = gateway_dcdcd(exchange->gateway),
        [GATHER_BATTD] = gateway_battd(exchange->gateway),
    };

    if (!gather(clients, method, clock_us() + ANSWER_WITHIN_US, done, exchange))
        exchange_fail(exchange, &no_memory);
}

static void metrics_gathered(void *arg, const struct gathered answers[GATHER_COUNT])
{
    struct exchange *exchange = arg;
    struct json_object *lists[GATHER_COUNT + 1];
    struct metrics metrics;
    size_t length;
    char *text;

    metrics_init(&metrics, clock_us(), clock_unix_us());
    metrics_begin(&metrics, &daemon_up);
    for (int i = 0; i < GATHER_COUNT; i++) {
        metrics_integer(&metrics, answers[i].result != NULL, LABELS("daemon", gather_names[i]));
        lists[i + 1] = answers[i].result;
    }
    gateway_metrics(exchange->gateway, &metrics);
    lists[0] = metrics.families;
    text = exposition_text(lists, GATHER_COUNT + 1, &length);
    json_object_put(metrics.families);
    if (text != NULL)
        exchange_reply_plain(exchange, exposition_content_type, text, length);
    else
        exchange_fail(exchange, &no_memory);
    free(text);
}

void action_metrics(struct exchange *exchange)
{
    ask(exchange, "metrics", metrics_gathered);
}

static void status_gathered(void *arg, const struct gathered answers[GATHER_COUNT])
{
    struct exchange *exchange = arg;
    bool ready;
    struct json_object *body = readiness(answers, &ready);

    if (ready)
        exchange_reply(exchange, body);
    else
        exchange_reply_unready(exchange, body);
}

void action_ready(struct exchange *exchange)
{
    ask(exchange, "status", status_gathered);
}
