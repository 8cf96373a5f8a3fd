/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "gatewayd/guard.h"
#include "gatewayd/listen.h"

/* All methods, also those that evhttp does not know: refusing them is the handler's business. */
static const uint16_t all_methods = UINT16_MAX;
/* Stopping must end within 5 s, whatever the clients do. */
static const struct timeval stop_time = {.tv_sec = 4, .tv_usec = 700000};

struct http {
    struct evhttp *evhttp;
    struct guard *guard;
    int port;
    struct evhttp_bound_socket *sockets[LISTEN_MAX];
    size_t socket_count;
    http_handler *handler;
    void *arg;
    unsigned pending; /* requests that wait for their answers */
    bool stopping;
    struct event *stop_timer;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

struct http_request {
    struct http *http;
    struct evhttp_request *evhttp;
    const char *content_type;
    bool close; /* the connection, after the answer */
};

static void handle_request(struct evhttp_request *evhttp_request, void *arg)
{
    struct http *http = arg;
    struct http_request *request = malloc(sizeof *request);

    if (request == NULL) {
        evhttp_send_error(evhttp_request, HTTP_SERVUNAVAIL, NULL);
        return;
    }
    *request = (struct http_request){
        .http = http, .evhttp = evhttp_request, .content_type = "application/json"};
    http->pending++;
    http->handler(http->arg, request);
}

const char *http_request_target(const struct http_request *request)
{
    return evhttp_request_get_uri(request->evhttp);
}

enum http_method http_request_method(const struct http_request *request)
{
    switch (evhttp_request_get_command(request->evhttp)) {
    case EVHTTP_REQ_GET:
        return HTTP_METHOD_GET;
    case EVHTTP_REQ_HEAD:
        return HTTP_METHOD_HEAD;
    default:
        return HTTP_METHOD_OTHER;
    }
}

bool http_request_is_old(const struct http_request *request)
{
    return request->evhttp->major < 1 ||
           (request->evhttp->major == 1 && request->evhttp->minor < 1);
}

unsigned http_request_header(const struct http_request *request, const char *name,
                             const char **value)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request->evhttp);
    const struct evkeyval *header;
    unsigned count = 0;

    for (header = headers->tqh_first; header != NULL; header = header->next.tqe_next) {
        if (strcasecmp(header->key, name) != 0)
            continue;
        if (count++ == 0)
            *value = header->value + strspn(header->value, " \t");
    }
    return count;
}

bool http_request_peer(const struct http_request *request, struct in6_addr *peer)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request->evhttp);

    /* As it was accepted: the kernel forgets it when it resets the connection. */
    return connection != NULL && address_of_socket(evhttp_connection_get_addr(connection), peer);
}

bool http_request_local(const struct http_request *request, struct in6_addr *local)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request->evhttp);
    struct sockaddr_storage end;
    socklen_t size = sizeof end;

    return connection != NULL &&
           getsockname(bufferevent_getfd(evhttp_connection_get_bufferevent(connection)),
                       (struct sockaddr *)&end, &size) == 0 &&
           address_of_socket((struct sockaddr *)&end, local);
}

uint16_t http_request_port(const struct http_request *request)
{
    return (uint16_t)request->http->port;
}

void http_request_close(struct http_request *request)
{
    request->close = true;
}

/*
 * evhttp does not read while a request waits for its answer, and making it read lets a client that
 * pipelines end the process. So the socket is asked, and nothing is read from it: what the client
 * has pipelined before it left does not hide that.
 */
bool http_request_abandoned(const struct http_request *request)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request->evhttp);
    struct pollfd state = {.events = POLLRDHUP};

    if (connection == NULL)
        return true;
    state.fd = bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
    return state.fd < 0 || poll(&state, 1, 0) == 1;
}

static void handle_sent(void *arg)
{
    struct http *http = arg;
    void (*stopped)(void *) = http->stopped;

    http->stopped = NULL;
    evtimer_del(http->stop_timer);
    if (stopped != NULL)
        stopped(http->stopped_arg);
}

static void handle_stop_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    handle_sent(arg);
}

void http_set_content_type(struct http_request *request, const char *type)
{
    request->content_type = type;
}

static void add_headers(const struct http_request *request, const char *allow, size_t length)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request->evhttp);
    char text[24];

    snprintf(text, sizeof text, "%zu", length);
    evhttp_add_header(headers, "Content-Type", request->content_type);
    evhttp_add_header(headers, "Content-Length", text); /* evhttp would leave it out for HEAD */
    evhttp_add_header(headers, "Cache-Control", "no-store");
    if (allow != NULL)
        evhttp_add_header(headers, "Allow", allow);
    if (request->http->stopping || request->close)
        evhttp_add_header(headers, "Connection", "close");
}

void http_reply(struct http_request *request, int status, const char *allow, const char *body,
                size_t length)
{
    struct http *http = request->http;
    struct evbuffer *output = evhttp_request_get_output_buffer(request->evhttp);

    add_headers(request, allow, length);
    if (http_request_method(request) != HTTP_METHOD_HEAD) /* evhttp would send it */
        evbuffer_add(output, body, length);
    evhttp_send_reply(request->evhttp, status, NULL, NULL);
    free(request);
    if (--http->pending == 0 && http->stopping)
        guard_when_sent(http->guard, handle_sent, http);
}

/* Gives a listening socket to evhttp, which then owns it. */
static bool add_socket(struct http *http, struct event_base *base, int fd)
{
    const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
    struct evconnlistener *listener = evconnlistener_new(base, NULL, NULL, flags, 0, fd);

    if (listener == NULL) {
        close(fd);
        return false;
    }
    http->sockets[http->socket_count] = evhttp_bind_listener(http->evhttp, listener);
    if (http->sockets[http->socket_count] == NULL) {
        evconnlistener_free(listener);
        return false;
    }
    http->socket_count++;
    guard_watch(http->guard, listener);
    return true;
}

static bool start_listening(struct http *http, struct event_base *base, const char *host, int port,
                            int *exit_status)
{
    int fds[LISTEN_MAX];
    size_t count = listen_open(host, port, fds, &http->port, exit_status);
    bool good = count > 0;

    for (size_t i = 0; i < count; i++)
        if (!add_socket(http, base, fds[i]))
            good = false;
    if (good)
        log_info("http",
                 strchr(host, ':') == NULL ? "listening on http://%s:%d"
                                           : "listening on http://[%s]:%d",
                 host, http->port);
    return good;
}

static void set_limits(struct evhttp *evhttp, const struct config_gateway *limits)
{
    const struct timeval idle = timeval_of_us(limits->idle_timeout_us);

    evhttp_set_timeout_tv(evhttp, &idle);
    evhttp_set_max_headers_size(evhttp, (ev_ssize_t)limits->max_headers_size);
    evhttp_set_max_body_size(evhttp, (ev_ssize_t)limits->max_body_size);
    evhttp_set_allowed_methods(evhttp, all_methods);
    evhttp_set_flags(evhttp, EVHTTP_SERVER_LINGERING_CLOSE); /* so that a 413 arrives */
}

struct http *http_new(struct event_base *base, const char *host, int port,
                      const struct config_gateway *limits, http_handler *handler, void *arg,
                      int *exit_status)
{
    struct http *http = calloc(1, sizeof *http);

    *exit_status = EXIT_FAILURE;
    if (http == NULL)
        return NULL;
    http->handler = handler;
    http->arg = arg;
    http->evhttp = evhttp_new(base);
    http->guard = guard_new(base, limits);
    http->stop_timer = evtimer_new(base, handle_stop_timer, http);
    if (http->evhttp == NULL || http->guard == NULL || http->stop_timer == NULL)
        goto fail;
    set_limits(http->evhttp, limits);
    evhttp_set_bevcb(http->evhttp, guard_connection, http->guard);
    evhttp_set_gencb(http->evhttp, handle_request, http);
    if (!start_listening(http, base, host, port, exit_status))
        goto fail;
    return http;

fail:
    http_free(http);
    return NULL;
}

void http_stop(struct http *http, void (*done)(void *arg), void *arg)
{
    http->stopping = true;
    http->stopped = done;
    http->stopped_arg = arg;
    guard_stop(http->guard);
    while (http->socket_count > 0)
        evhttp_del_accept_socket(http->evhttp, http->sockets[--http->socket_count]);
    evtimer_add(http->stop_timer, &stop_time);
    if (http->pending == 0)
        guard_when_sent(http->guard, handle_sent, http);
}

struct json_object *http_counters(const struct http *http)
{
    const struct guard_counters *counters = guard_counters(http->guard);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"port", (uint64_t)http->port},   {"open", counters->open},
        {"max", counters->max},           {"accepted", counters->accepted},
        {"evicted", counters->evicted},   {"turned_away", counters->turned_away},
        {"too_slow", counters->too_slow}, {"accept_errors", counters->accept_errors},
        {"answering", http->pending},
    };
    struct json_object *object = json_object_new_object();

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        json_object_object_add(object, rows[i].name, json_object_new_uint64(rows[i].value));
    return object;
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    if (http->evhttp != NULL)
        evhttp_free(http->evhttp);
    guard_free(http->guard);
    if (http->stop_timer != NULL)
        event_free(http->stop_timer);
    free(http);
}
