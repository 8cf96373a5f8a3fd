/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rpc_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/backoff.h"
#include "common/clock.h"
#include "common/jsonrpc.h"
#include "common/line_stream.h"
#include "common/log.h"
#include "common/rpc_socket.h"

enum {
    BUCKETS = 64,
    SEND_MARGIN_US = 900 * US_PER_MS,
    PEER_MARGIN_US = 100 * US_PER_MS /* or a tenth of the time, if that is less */
};

TAILQ_HEAD(call_queue, rpc_client_call);
LIST_HEAD(call_bucket, rpc_client_call);

struct rpc_client_call {
    struct rpc_client *client;
    int64_t id;
    struct json_object *message;
    int64_t deadline_us;
    enum rpc_client_repeat repeat;
    bool abandoned; /* it is not sent again */
    rpc_client_done *done;
    void *arg;
    struct call_queue *queue; /* the one that link is in */
    TAILQ_ENTRY(rpc_client_call) link;
    LIST_ENTRY(rpc_client_call) bucket; /* while in client->sent */
};

struct rpc_client {
    struct event_base *base;
    char *path;
    char *peer;
    struct line_stream *stream; /* NULL: not connected */
    bool leaving;               /* the peer is stopping: nothing more is sent on this connection */
    bool freeing;
    struct backoff backoff;
    struct event *retry;
    struct event *expiry;
    int64_t expiry_at_us;                /* when that fires; INT64_MAX: not armed */
    struct call_queue waiting;           /* to be sent; both by deadline, the earliest first */
    struct call_queue sent;              /* to be answered */
    struct call_queue failing;           /* to be completed before the loop goes on */
    struct call_bucket buckets[BUCKETS]; /* of sent, by id */
    int64_t next_id;
    int64_t gone_since_us; /* 0: the peer has answered on this connection or the one before */
    int64_t connects, calls, failures;
    char gone_why[64];                  /* why there is no connection */
    char last_error[FAILURE_TEXT_SIZE]; /* "": none yet */
};

static void note_error(struct rpc_client *client, const char *text)
{
    snprintf(client->last_error, sizeof client->last_error, "%s", text);
}

static void note_gone(struct rpc_client *client, const char *why)
{
    note_error(client, why);
    snprintf(client->gone_why, sizeof client->gone_why, "%s", why);
    if (client->gone_since_us != 0)
        return;
    client->gone_since_us = clock_us();
    log_warning("rpc", "%s %s: %s", client->peer, client->connects > 0 ? "is gone" : "is not there",
                why);
}

/* Connecting proves little: a peer counts as back when it answers. */
static void note_answer(struct rpc_client *client)
{
    if (client->gone_since_us != 0)
        log_info("rpc", "%s is back after %.1f s", client->peer,
                 (double)(clock_us() - client->gone_since_us) / US_PER_S);
    client->gone_since_us = 0;
    backoff_succeeded(&client->backoff);
}

static void arm_expiry(struct rpc_client *client, int64_t at_us)
{
    struct timeval wait;
    int64_t left;

    if (at_us >= client->expiry_at_us)
        return;
    client->expiry_at_us = at_us;
    left = at_us - clock_us();
    wait = timeval_of_us(left > US_PER_MS ? left : US_PER_MS);
    event_add(client->expiry, &wait);
}

/* Deadlines mostly come in order, so this looks at the last call only. */
static void insert(struct rpc_client_call *call, struct call_queue *queue)
{
    struct rpc_client_call *before = TAILQ_LAST(queue, call_queue);

    while (before != NULL && before->deadline_us > call->deadline_us)
        before = TAILQ_PREV(before, call_queue, link);
    if (before != NULL)
        TAILQ_INSERT_AFTER(queue, before, call, link);
    else
        TAILQ_INSERT_HEAD(queue, call, link);
    call->queue = queue;
}

static void wait_for_peer(struct rpc_client_call *call)
{
    insert(call, &call->client->waiting);
    arm_expiry(call->client, call->deadline_us - SEND_MARGIN_US);
}

static void take_out(struct rpc_client_call *call)
{
    TAILQ_REMOVE(call->queue, call, link);
    if (call->queue == &call->client->sent)
        LIST_REMOVE(call, bucket);
    call->queue = NULL;
}

static void free_call(struct rpc_client_call *call)
{
    json_object_put(call->message);
    free(call);
}

/* Sends a call that is in no queue; false: the connection is broken, and the call waits. */
static bool send_call(struct rpc_client_call *call)
{
    struct rpc_client *client = call->client;
    size_t length;
    const char *text = jsonrpc_text(call->message, &length);

    if (!line_stream_send(client->stream, text, length)) {
        wait_for_peer(call);
        return false;
    }
    insert(call, &client->sent);
    LIST_INSERT_HEAD(&client->buckets[call->id % BUCKETS], call, bucket);
    arm_expiry(client, call->deadline_us);
    return true;
}

/* Completes a call that is in no queue any more. */
static void complete(struct rpc_client_call *call, struct json_object *result,
                     const struct failure *failure)
{
    rpc_client_done *done = call->done;
    void *arg = call->arg;

    if (result == NULL)
        call->client->failures++;
    free_call(call);
    done(arg, result, result == NULL ? failure : NULL);
}

static void to_failing(struct rpc_client_call *call)
{
    take_out(call);
    TAILQ_INSERT_TAIL(&call->client->failing, call, link);
    call->queue = &call->client->failing;
}

/* A completion may make or cancel other calls, so the queue is looked at anew each time. */
static void complete_failing(struct rpc_client *client, const struct failure *failure)
{
    struct rpc_client_call *call;

    while ((call = TAILQ_FIRST(&client->failing)) != NULL) {
        TAILQ_REMOVE(&client->failing, call, link);
        complete(call, NULL, failure);
    }
}

static bool find_expired(struct rpc_client *client, struct call_queue *queue, int64_t due_us)
{
    struct rpc_client_call *call;

    while ((call = TAILQ_FIRST(queue)) != NULL && call->deadline_us <= due_us)
        to_failing(call);
    return !TAILQ_EMPTY(&client->failing);
}

static void on_expiry(evutil_socket_t fd, short what, void *arg)
{
    struct rpc_client *client = arg;
    struct rpc_client_call *call;
    int64_t now_us = clock_us();
    struct failure failure;

    (void)fd;
    (void)what;
    client->expiry_at_us = INT64_MAX;
    if (find_expired(client, &client->waiting, now_us + SEND_MARGIN_US)) {
        failure_set(&failure, REASON_UNAVAILABLE, "%s cannot be reached: %s", client->peer,
                    client->leaving ? "it is stopping" : client->gone_why);
        complete_failing(client, &failure);
    }
    if (find_expired(client, &client->sent, now_us)) {
        failure_set(&failure, REASON_UNAVAILABLE, "%s did not answer in time", client->peer);
        note_error(client, "no answer in time");
        complete_failing(client, &failure);
    }
    if ((call = TAILQ_FIRST(&client->waiting)) != NULL)
        arm_expiry(client, call->deadline_us - SEND_MARGIN_US);
    if ((call = TAILQ_FIRST(&client->sent)) != NULL)
        arm_expiry(client, call->deadline_us);
}

static struct rpc_client_call *find_sent(struct rpc_client *client, int64_t id)
{
    struct rpc_client_call *call;

    if (id < 0)
        return NULL;
    call = LIST_FIRST(&client->buckets[id % BUCKETS]);
    while (call != NULL && call->id != id)
        call = LIST_NEXT(call, bucket);
    return call;
}

/* A peer that is stopping has not begun the call, or it does not matter whether it has. */
static bool belongs_to_next_peer(const struct rpc_client_call *call,
                                 const struct jsonrpc_response *response)
{
    return response->result == NULL && response->failure.reason == REASON_STOPPING &&
           !call->abandoned && (response->refused || call->repeat == RPC_REPEAT);
}

static void handle_response(struct rpc_client *client, const struct jsonrpc_response *response)
{
    struct rpc_client_call *call = find_sent(client, response->id);

    if (response->result == NULL)
        note_error(client, response->failure.text);
    if (response->id >= 0)
        note_answer(client);
    if (call == NULL) /* answered too late, or cancelled */
        return;
    take_out(call);
    if (belongs_to_next_peer(call, response)) {
        client->leaving = true;
        wait_for_peer(call);
    } else {
        complete(call, response->result, &response->failure);
    }
}

static void on_line(void *arg, const char *line, size_t length)
{
    struct rpc_client *client = arg;
    struct jsonrpc_response response;
    struct failure failure;

    if (jsonrpc_parse_response(line, length, &response, &failure))
        handle_response(client, &response);
    else
        line_stream_break(client->stream, "its answers make no sense");
    jsonrpc_response_release(&response);
}

static void on_too_long(void *arg)
{
    struct rpc_client *client = arg;

    line_stream_break(client->stream, "its answers make no sense");
}

static void on_ended(void *arg)
{
    struct rpc_client *client = arg;

    line_stream_break(client->stream, "it has closed the connection");
}

static void on_drained(void *arg)
{
    (void)arg;
}

static void retry_later(struct rpc_client *client)
{
    struct timeval wait = timeval_of_us(backoff_failed(&client->backoff));

    event_add(client->retry, &wait);
}

static void on_closed(void *arg, const char *why)
{
    struct rpc_client *client = arg;
    struct rpc_client_call *call;
    struct failure failure;

    line_stream_free(client->stream);
    client->stream = NULL;
    client->leaving = false;
    note_gone(client, why);
    retry_later(client);
    while ((call = TAILQ_FIRST(&client->sent)) != NULL) {
        if (call->repeat == RPC_ONCE || call->abandoned) {
            to_failing(call);
        } else {
            take_out(call);
            wait_for_peer(call);
        }
    }
    failure_set(&failure, REASON_UNAVAILABLE, "%s went away before it answered", client->peer);
    complete_failing(client, &failure);
}

static const struct line_stream_ops stream_ops = {
    .line = on_line,
    .too_long = on_too_long,
    .ended = on_ended,
    .drained = on_drained,
    .closed = on_closed,
};

static void try_connect(struct rpc_client *client)
{
    struct rpc_client_call *call;
    int fd = rpc_socket_connect(client->path);

    if (fd >= 0)
        client->stream = line_stream_new(client->base, fd, &stream_ops, client);
    if (client->stream == NULL) {
        note_gone(client, strerror(errno));
        retry_later(client);
        return;
    }
    client->connects++;
    while ((call = TAILQ_FIRST(&client->waiting)) != NULL) {
        take_out(call);
        if (!send_call(call))
            break;
    }
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    try_connect(arg);
}

struct rpc_client *rpc_client_new(struct event_base *base, const char *path, const char *peer)
{
    struct rpc_client *client = calloc(1, sizeof *client);

    if (client == NULL)
        return NULL;
    client->base = base;
    client->expiry_at_us = INT64_MAX;
    client->backoff.min_us = 5 * US_PER_MS;
    client->backoff.max_us = 50 * US_PER_MS;
    TAILQ_INIT(&client->waiting);
    TAILQ_INIT(&client->sent);
    TAILQ_INIT(&client->failing);
    client->path = strdup(path);
    client->peer = strdup(peer);
    client->retry = evtimer_new(base, on_retry, client);
    client->expiry = evtimer_new(base, on_expiry, client);
    if (client->path == NULL || client->peer == NULL || client->retry == NULL ||
        client->expiry == NULL) {
        rpc_client_free(client);
        return NULL;
    }
    try_connect(client);
    return client;
}

static void fail_queue(struct call_queue *queue)
{
    struct rpc_client_call *call;

    while ((call = TAILQ_FIRST(queue)) != NULL)
        to_failing(call);
}

void rpc_client_free(struct rpc_client *client)
{
    struct failure failure;

    if (client == NULL)
        return;
    client->freeing = true;
    fail_queue(&client->sent);
    fail_queue(&client->waiting);
    failure_set(&failure, REASON_STOPPING, "the daemon is stopping");
    complete_failing(client, &failure);
    line_stream_free(client->stream);
    if (client->retry != NULL)
        event_free(client->retry);
    if (client->expiry != NULL)
        event_free(client->expiry);
    free(client->path);
    free(client->peer);
    free(client);
}

struct rpc_client_call *rpc_client_call(struct rpc_client *client, const char *method,
                                        struct json_object *params, int64_t deadline_us,
                                        enum rpc_client_repeat repeat, rpc_client_done *done,
                                        void *arg)
{
    return rpc_client_call_for(client, NULL, method, params, deadline_us, repeat, done, arg);
}

/* When the peer shall give up, so that its reason comes before our deadline. */
static int64_t peer_deadline_us(int64_t deadline_us)
{
    return deadline_us - earlier_us(PEER_MARGIN_US, (deadline_us - clock_us()) / 10);
}

struct rpc_client_call *rpc_client_call_for(struct rpc_client *client, const char *behalf,
                                            const char *method, struct json_object *params,
                                            int64_t deadline_us, enum rpc_client_repeat repeat,
                                            rpc_client_done *done, void *arg)
{
    struct rpc_client_call *call = client->freeing ? NULL : calloc(1, sizeof *call);

    if (call == NULL) {
        json_object_put(params);
        return NULL;
    }
    call->client = client;
    call->id = client->next_id++;
    call->message = jsonrpc_request(call->id, method, params, peer_deadline_us(deadline_us));
    jsonrpc_request_set_client(call->message, behalf);
    call->deadline_us = deadline_us;
    call->repeat = repeat;
    call->done = done;
    call->arg = arg;
    client->calls++;
    if (client->stream != NULL && !client->leaving && deadline_us > clock_us())
        send_call(call);
    else
        wait_for_peer(call);
    return call;
}

/* The peer's answer to this belongs to no call of ours and is not looked at. */
static void tell_peer(const struct rpc_client_call *call)
{
    struct rpc_client *client = call->client;
    struct json_object *params, *message;
    const char *text;
    size_t length;

    if (call->queue != &client->sent)
        return;
    params = json_object_new_object();
    json_object_object_add(params, "id", json_object_new_int64(call->id));
    message = jsonrpc_request(client->next_id++, "cancel", params, INT64_MAX);
    text = jsonrpc_text(message, &length);
    line_stream_send(client->stream, text, length);
    json_object_put(message);
}

void rpc_client_cancel(struct rpc_client_call *call)
{
    tell_peer(call);
    take_out(call);
    free_call(call);
}

void rpc_client_abandon(struct rpc_client_call *call)
{
    struct failure failure;

    tell_peer(call);
    call->abandoned = true;
    if (call->queue == &call->client->sent)
        return;
    take_out(call);
    failure_set(&failure, REASON_EXPIRED, "nobody waits for this any more");
    complete(call, NULL, &failure);
}

bool rpc_client_connected(const struct rpc_client *client)
{
    return client->stream != NULL && !client->leaving;
}

struct json_object *rpc_client_counters(const struct rpc_client *client)
{
    struct json_object *counters = json_object_new_object();

    json_object_object_add(counters, "connected",
                           json_object_new_boolean(rpc_client_connected(client)));
    json_object_object_add(counters, "connects", json_object_new_int64(client->connects));
    json_object_object_add(counters, "calls", json_object_new_int64(client->calls));
    json_object_object_add(counters, "failures", json_object_new_int64(client->failures));
    json_object_object_add(counters, "last_error", json_object_new_string(client->last_error));
    return counters;
}
