/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rpc_server.h"

#include <errno.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/jsonrpc.h"
#include "common/line_stream.h"
#include "common/log.h"
#include "common/rpc_peer.h"
#include "common/rpc_socket.h"

static const struct timeval accept_pause = {0, 100 * US_PER_MS};
static const struct timeval stop_limit = {4, 600 * US_PER_MS};
static const struct timeval at_once = {0, 0};

static bool all_written(const struct rpc_server *server)
{
    const struct rpc_peer *peer;

    if (server->pending > 0)
        return false;
    for (peer = LIST_FIRST(&server->peers); peer != NULL; peer = LIST_NEXT(peer, link))
        if (!peer->following && line_stream_unsent(peer->stream) > 0)
            return false;
    return true;
}

void rpc_server_check_stopped(struct rpc_server *server)
{
    if (server->stop_done != NULL && all_written(server))
        event_add(server->stopped, &at_once);
}

static void on_stopped(evutil_socket_t fd, short what, void *arg)
{
    struct rpc_server *server = arg;
    void (*done)(void *) = server->stop_done;

    (void)fd;
    (void)what;
    server->stop_done = NULL;
    done(server->stop_arg);
}

/* Says why, as far as the socket takes it at once, and closes. */
static void refuse_client(struct rpc_server *server, int fd)
{
    struct json_object *message;
    struct failure failure;
    const char *text;

    failure_set(&failure, REASON_OVERLOAD, "there are %d clients", (int)RPC_CLIENTS_MAX);
    message = jsonrpc_refusal(NULL, &failure);
    text = jsonrpc_text(message, NULL);
    if (send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        send(fd, "\n", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    json_object_put(message);
    close(fd);
    if (!server->full)
        log_warning("rpc", "%s: %d clients, more are refused", server->path, (int)RPC_CLIENTS_MAX);
    server->full = true;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int length, void *arg)
{
    struct rpc_server *server = arg;

    (void)listener;
    (void)address;
    (void)length;
    server->cannot_accept = false;
    if (server->clients >= RPC_CLIENTS_MAX) {
        refuse_client(server, fd);
        return;
    }
    rpc_peer_new(server, fd);
}

/* Mostly EMFILE: the client stays in the backlog, so accepting at once would only spin. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    struct rpc_server *server = arg;

    if (!server->cannot_accept)
        log_warning("rpc", "%s: cannot accept a client: %s", server->path, strerror(errno));
    server->cannot_accept = true;
    evconnlistener_disable(listener);
    event_add(server->accept_again, &accept_pause);
}

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
    struct rpc_server *server = arg;

    (void)fd;
    (void)what;
    if (server->listener != NULL)
        evconnlistener_enable(server->listener);
}

static bool start(struct rpc_server *server)
{
    server->no_params = json_object_new_object();
    server->accept_again = evtimer_new(server->base, on_accept_again, server);
    server->listener = evconnlistener_new(server->base, on_accept, server, LEV_OPT_CLOSE_ON_EXEC, 0,
                                          server->socket.fd);
    if (server->no_params == NULL || server->accept_again == NULL || server->listener == NULL)
        return false;
    evconnlistener_set_error_cb(server->listener, on_accept_error);
    return true;
}

struct rpc_server *rpc_server_new(struct event_base *base, const char *path,
                                  const struct rpc_method *methods, size_t method_count, void *app,
                                  int *exit_status)
{
    struct rpc_server *server = calloc(1, sizeof *server);

    *exit_status = EXIT_FAILURE;
    if (server == NULL)
        return NULL;
    server->base = base;
    server->methods = methods;
    server->method_count = method_count;
    server->app = app;
    LIST_INIT(&server->peers);
    LIST_INIT(&server->orphans);
    server->path = strdup(path);
    if (server->path == NULL)
        goto no_path;
    *exit_status = rpc_socket_listen(path, &server->socket);
    if (*exit_status != 0)
        goto no_socket;
    if (start(server))
        return server;
    log_error("rpc", "%s: out of memory", path);
    *exit_status = EXIT_FAILURE;
    rpc_server_free(server);
    return NULL;
no_socket:
    free(server->path);
no_path:
    free(server);
    return NULL;
}

static void stop_listening(struct rpc_server *server)
{
    if (server->listener != NULL)
        evconnlistener_free(server->listener);
    server->listener = NULL;
    rpc_socket_unlisten(server->path, &server->socket);
}

void rpc_server_stop(struct rpc_server *server, void (*done)(void *arg), void *arg)
{
    stop_listening(server);
    server->stopped = evtimer_new(server->base, on_stopped, server);
    server->stop_done = done;
    server->stop_arg = arg;
    if (server->stopped == NULL) {
        server->stop_done = NULL;
        done(arg);
        return;
    }
    event_add(server->stopped, &stop_limit);
    rpc_server_check_stopped(server);
}

void rpc_server_free(struct rpc_server *server)
{
    struct rpc_peer *peer;

    if (server == NULL)
        return;
    server->stop_done = NULL;
    stop_listening(server);
    while ((peer = LIST_FIRST(&server->peers)) != NULL) {
        peer->ended = false; /* or the last answer would free it */
        rpc_calls_fail(&peer->calls);
        rpc_peer_free(peer);
    }
    rpc_calls_fail(&server->orphans);
    if (server->stopped != NULL)
        event_free(server->stopped);
    if (server->accept_again != NULL)
        event_free(server->accept_again);
    json_object_put(server->no_params);
    rpc_socket_close(server->path, &server->socket);
    free(server->path);
    free(server);
}

struct json_object *rpc_server_counters(const struct rpc_server *server)
{
    struct json_object *counters = json_object_new_object();

    json_object_object_add(counters, "clients", json_object_new_int64(server->clients));
    json_object_object_add(counters, "pending", json_object_new_int64(server->pending));
    json_object_object_add(counters, "requests", json_object_new_int64(server->requests));
    json_object_object_add(counters, "errors", json_object_new_int64(server->errors));
    return counters;
}
