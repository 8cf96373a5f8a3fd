/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rpc_peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/jsonrpc.h"
#include "common/log.h"
#include "common/rpc_method.h"

_Static_assert((int)RPC_OUTPUT_MAX == (int)LINE_STREAM_UNSENT_MAX, "one bound");
_Static_assert((int)JSONRPC_LINE_MAX == (int)LINE_STREAM_LINE_MAX, "one bound");

/*
 * socat leaves 0.5 s after the end of its input when nothing arrives. A space now and then keeps
 * it, so that "echo … | socat - UNIX-CONNECT:…" prints an answer that takes longer.
 */
static const struct timeval space_interval = {0, 200 * US_PER_MS};

void rpc_peer_free(struct rpc_peer *peer)
{
    struct rpc_server *server = peer->server;
    struct rpc_call *call;

    while ((call = LIST_FIRST(&peer->calls)) != NULL) {
        call->peer = NULL;
        LIST_REMOVE(call, link);
        LIST_INSERT_HEAD(&server->orphans, call, link);
    }
    LIST_REMOVE(peer, link);
    server->clients--;
    server->followers -= peer->following;
    server->full = false;
    if (peer->space != NULL)
        event_free(peer->space);
    line_stream_free(peer->stream);
    free(peer);
}

/* Closes a connection that is only waiting for answers, when it has them all. */
static void close_when_answered(struct rpc_peer *peer)
{
    if (peer->ended && !peer->following && peer->pending == 0 &&
        line_stream_unsent(peer->stream) == 0)
        rpc_peer_free(peer);
}

/* Takes message. */
static void send_message(struct rpc_peer *peer, struct json_object *message)
{
    size_t length;
    const char *text = jsonrpc_text(message, &length);

    line_stream_send(peer->stream, text, length);
    json_object_put(message);
}

static void send_error(struct rpc_peer *peer, struct json_object *id, const struct failure *failure)
{
    peer->server->errors++;
    send_message(peer, jsonrpc_error(id, failure));
}

/* What becomes an audit line, or NULL: the method changes nothing. */
static struct rpc_audit *new_audit(const struct rpc_peer *peer, const struct rpc_method *method,
                                   const struct jsonrpc_request *request)
{
    struct json_object *params =
        request->params != NULL ? request->params : peer->server->no_params;

    if (method == NULL || method->changes == NULL || !method->changes(params))
        return NULL;
    return rpc_audit_begin(method->name, request->params, &peer->caller, request->client);
}

static struct rpc_call *new_call(struct rpc_peer *peer, const struct jsonrpc_request *request)
{
    struct rpc_call *call = malloc(sizeof *call);

    if (call == NULL)
        return NULL;
    call->server = peer->server;
    call->peer = peer;
    call->id = json_object_get(request->id);
    call->deadline_us =
        earlier_us(request->deadline_us, clock_us() + (int64_t)request->timeout_ms * US_PER_MS);
    call->audit = NULL;
    call->cancelled = false;
    LIST_INSERT_HEAD(&peer->calls, call, link);
    peer->pending++;
    peer->server->pending++;
    return call;
}

/* Sends the answer, which it takes, and ends the call. failure: NULL if the answer is a result. */
static void finish_call(struct rpc_call *call, struct json_object *message,
                        const struct failure *failure)
{
    struct rpc_server *server = call->server;
    struct rpc_peer *peer = call->peer;

    rpc_audit_end(call->audit, failure);
    LIST_REMOVE(call, link);
    server->pending--;
    json_object_put(call->id);
    free(call);
    if (peer != NULL) {
        peer->pending--;
        send_message(peer, message);
        close_when_answered(peer);
    } else {
        json_object_put(message);
    }
    rpc_server_check_stopped(server);
}

void rpc_call_reply(struct rpc_call *call, struct json_object *result)
{
    finish_call(call, jsonrpc_result(call->id, result), NULL);
}

void rpc_call_fail(struct rpc_call *call, const struct failure *failure)
{
    call->server->errors++;
    finish_call(call, jsonrpc_error(call->id, failure), failure);
}

void rpc_call_fail_with(struct rpc_call *call, enum reason reason, const char *format, ...)
{
    char text[FAILURE_TEXT_SIZE];
    struct failure failure;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    failure_set(&failure, reason, "%s", text);
    rpc_call_fail(call, &failure);
}

int64_t rpc_call_deadline(const struct rpc_call *call)
{
    return call->deadline_us;
}

bool rpc_call_abandoned(const struct rpc_call *call)
{
    return call->cancelled || call->peer == NULL || line_stream_peer_gone(call->peer->stream);
}

static void ping(struct rpc_call *call, struct json_object *params, void *arg)
{
    (void)params;
    (void)arg;
    rpc_call_reply(call, json_object_new_string("pong"));
}

/* What is cancelled is still answered, by whoever was to answer it. */
static void cancel(struct rpc_call *call, struct json_object *params, void *arg)
{
    struct json_object *id = json_object_object_get(params, "id");
    bool found = false;
    struct rpc_call *other;

    (void)arg;
    for (other = LIST_FIRST(&call->peer->calls); other != NULL; other = LIST_NEXT(other, link)) {
        if (other == call || !json_object_equal(other->id, id))
            continue;
        other->cancelled = true;
        found = true;
    }
    rpc_call_reply(call, json_object_new_boolean(found));
}

static const struct rpc_param cancel_params[] = {
    {"id", true, "of a request that came on this connection"},
};

static void list_methods(struct rpc_call *call, struct json_object *params, void *arg);

/* Their app is the server itself. */
static const struct rpc_method built_in[] = {
    {.name = "ping", .help = "answers \"pong\"", .run = ping},
    {.name = "list_methods", .help = "the methods with their parameters", .run = list_methods},
    {.name = "cancel",
     .help = "says that nobody waits for a request any more; true if it was not answered yet",
     .params = cancel_params,
     .param_count = 1,
     .run = cancel},
};

enum { BUILT_IN_COUNT = sizeof built_in / sizeof built_in[0] };

static void list_methods(struct rpc_call *call, struct json_object *params, void *arg)
{
    const struct rpc_server *server = arg;
    struct json_object *list = json_object_new_array();

    (void)params;
    rpc_method_describe(built_in, BUILT_IN_COUNT, list);
    rpc_method_describe(server->methods, server->method_count, list);
    rpc_call_reply(call, list);
}

static void run(struct rpc_peer *peer, const struct rpc_method *method,
                const struct jsonrpc_request *request, void *app)
{
    struct json_object *params =
        request->params != NULL ? request->params : peer->server->no_params;
    struct rpc_audit *audit = new_audit(peer, method, request);
    struct failure failure;
    struct rpc_call *call;

    if (!method->checks_params && !rpc_method_check(method, params, &failure))
        goto refused;
    call = new_call(peer, request);
    if (call != NULL) {
        call->audit = audit;
        method->run(call, params, app);
        return;
    }
    failure_set(&failure, REASON_INTERNAL, "out of memory");
refused:
    rpc_audit_end(audit, &failure);
    send_error(peer, request->id, &failure);
}

/* False with *failure filled when the request may not begin now. `cancel` takes no room. */
static bool may_begin(const struct rpc_peer *peer, const struct jsonrpc_request *request,
                      struct failure *failure)
{
    if (strcmp(request->method, "cancel") == 0)
        return true;
    if (peer->server->stopped != NULL)
        failure_set(failure, REASON_STOPPING, "the daemon is stopping");
    else if (peer->pending >= RPC_PENDING_MAX)
        failure_set(failure, REASON_OVERLOAD, "%u requests of this connection are waiting",
                    peer->pending);
    else
        return true;
    return false;
}

static void dispatch(struct rpc_peer *peer, const struct jsonrpc_request *request)
{
    struct rpc_server *server = peer->server;
    const struct rpc_method *method =
        rpc_method_find(server->methods, server->method_count, request->method);
    struct failure failure;

    if (!may_begin(peer, request, &failure)) {
        server->errors++;
        rpc_audit_end(new_audit(peer, method, request), &failure);
        send_message(peer, jsonrpc_refusal(request->id, &failure));
    } else if (method != NULL) {
        run(peer, method, request, server->app);
    } else if ((method = rpc_method_find(built_in, BUILT_IN_COUNT, request->method)) != NULL) {
        run(peer, method, request, server);
    } else {
        failure_set(&failure, REASON_NO_METHOD, "unknown method: %s; try list_methods",
                    request->method);
        send_error(peer, request->id, &failure);
    }
}

static void on_line(void *arg, const char *line, size_t length)
{
    struct rpc_peer *peer = arg;
    struct jsonrpc_request request;
    struct failure failure;

    peer->server->requests++;
    if (jsonrpc_parse_request(line, length, &request, &failure))
        dispatch(peer, &request);
    else
        send_error(peer, request.id, &failure);
    jsonrpc_request_release(&request);
}

static void on_too_long(void *arg)
{
    struct rpc_peer *peer = arg;
    struct failure failure;

    peer->server->requests++;
    failure_set(&failure, REASON_INVALID_REQUEST, "a line is longer than %d bytes",
                (int)JSONRPC_LINE_MAX);
    send_error(peer, NULL, &failure);
}

static void on_space(evutil_socket_t fd, short what, void *arg)
{
    struct rpc_peer *peer = arg;

    (void)fd;
    (void)what;
    line_stream_send_space(peer->stream);
}

static void on_ended(void *arg)
{
    struct rpc_peer *peer = arg;

    peer->ended = true;
    peer->space = event_new(peer->server->base, -1, EV_PERSIST, on_space, peer);
    if (peer->space != NULL)
        event_add(peer->space, &space_interval);
    close_when_answered(peer);
}

static void on_drained(void *arg)
{
    struct rpc_peer *peer = arg;
    struct rpc_server *server = peer->server;

    close_when_answered(peer);
    rpc_server_check_stopped(server);
}

static void on_closed(void *arg, const char *why)
{
    struct rpc_peer *peer = arg;
    struct rpc_server *server = peer->server;

    log_debug("rpc", "a client leaves: %s", why);
    rpc_peer_free(peer);
    rpc_server_check_stopped(server);
}

static const struct line_stream_ops stream_ops = {
    .line = on_line,
    .too_long = on_too_long,
    .ended = on_ended,
    .drained = on_drained,
    .closed = on_closed,
};

static struct rpc_caller caller_of(int fd)
{
    struct ucred credentials = {.uid = (uid_t)-1};
    socklen_t size = sizeof credentials;

    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
    return (struct rpc_caller){.uid = credentials.uid, .pid = credentials.pid};
}

void rpc_peer_new(struct rpc_server *server, int fd)
{
    struct rpc_peer *peer = calloc(1, sizeof *peer);

    if (peer == NULL) {
        close(fd);
        return;
    }
    peer->server = server;
    peer->caller = caller_of(fd);
    LIST_INIT(&peer->calls);
    peer->stream = line_stream_new(server->base, fd, &stream_ops, peer);
    if (peer->stream == NULL) {
        free(peer);
        return;
    }
    LIST_INSERT_HEAD(&server->peers, peer, link);
    server->clients++;
}

void rpc_calls_fail(struct call_list *calls)
{
    struct rpc_call *call, *next;

    for (call = LIST_FIRST(calls); call != NULL; call = next) {
        next = LIST_NEXT(call, link);
        rpc_call_fail_with(call, REASON_STOPPING, "the daemon has stopped");
    }
}
