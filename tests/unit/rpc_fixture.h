/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real rpc_server on a socket in a private directory, and raw clients of it, all on one event
 * base. Used by test_rpc.c and test_rpc_client.c. Waiting is always for an event; 5 s without the
 * awaited one fail the test.
 */
#ifndef TESTS_UNIT_RPC_FIXTURE_H
#define TESTS_UNIT_RPC_FIXTURE_H

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/rpc_server.h"
#include "common/rpc_socket.h"

enum { HELD_MAX = RPC_PENDING_MAX + 8 };

struct fixture {
    struct event_base *base;
    char dir[64];
    char path[96];
    struct rpc_server *server;
    struct rpc_call *held[HELD_MAX]; /* requests of "hold", in their order */
    size_t held_count;
    struct event *guard;
    bool too_late;
};

static inline void fixture_echo(struct rpc_call *call, struct json_object *params, void *app)
{
    (void)app;
    rpc_call_reply(call, json_object_get(json_object_object_get(params, "value")));
}

static inline void fixture_hold(struct rpc_call *call, struct json_object *params, void *app)
{
    struct fixture *fixture = app;

    (void)params;
    assert_true(fixture->held_count < HELD_MAX);
    fixture->held[fixture->held_count++] = call;
}

static inline void fixture_fail(struct rpc_call *call, struct json_object *params, void *app)
{
    (void)params;
    (void)app;
    rpc_call_fail_with(call, REASON_READ_TIMEOUT, "read %s", "timeout");
}

static inline void fixture_big(struct rpc_call *call, struct json_object *params, void *app)
{
    static char text[32 * 1024];

    (void)params;
    (void)app;
    memset(text, 'x', sizeof text - 1);
    rpc_call_reply(call, json_object_new_string(text));
}

static const struct rpc_param fixture_params[] = {
    {"value", true, "what is answered"},
    {"note", false, "is ignored"},
};

static const struct rpc_method fixture_methods[] = {
    {.name = "echo",
     .help = "answers value",
     .params = fixture_params,
     .param_count = 2,
     .run = fixture_echo},
    {.name = "hold", .help = "is answered later", .run = fixture_hold},
    {.name = "fail", .help = "fails", .run = fixture_fail},
    {.name = "big", .help = "answers 32 KiB", .run = fixture_big},
    {.name = "any", .help = "takes any parameters", .checks_params = true, .run = fixture_hold},
};

static inline struct rpc_server *fixture_serve(struct event_base *base, const char *path, void *app,
                                               int *status)
{
    return rpc_server_new(base, path, fixture_methods,
                          sizeof fixture_methods / sizeof fixture_methods[0], app, status);
}

static inline void fixture_start_server(struct fixture *fixture)
{
    int status;

    fixture->server = fixture_serve(fixture->base, fixture->path, fixture, &status);
    assert_non_null(fixture->server);
}

static inline void fixture_on_guard(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    ((struct fixture *)arg)->too_late = true;
}

static inline int fixture_set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    signal(SIGPIPE, SIG_IGN);
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/test-rpc-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    snprintf(fixture->path, sizeof fixture->path, "%s/s.sock", fixture->dir);
    fixture->base = event_base_new();
    fixture->guard = evtimer_new(fixture->base, fixture_on_guard, fixture);
    *state = fixture;
    return 0;
}

static inline int fixture_set_up_server(void **state)
{
    fixture_set_up(state);
    fixture_start_server(*state);
    return 0;
}

static inline int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    char lock[128];

    rpc_server_free(fixture->server);
    assert_int_not_equal(access(fixture->path, F_OK), 0);
    event_free(fixture->guard);
    event_base_free(fixture->base);
    snprintf(lock, sizeof lock, "%s.lock", fixture->path);
    unlink(lock);
    assert_int_equal(rmdir(fixture->dir), 0);
    free(fixture);
    return 0;
}

/* One turn of the loop; fails 5 s after the last fixture_begin_wait. */
static inline void fixture_turn(struct fixture *fixture)
{
    event_base_loop(fixture->base, EVLOOP_ONCE);
    if (fixture->too_late)
        fail_msg("waited for 5 s");
}

static inline void fixture_begin_wait(struct fixture *fixture)
{
    static const struct timeval limit = {5, 0};

    event_add(fixture->guard, &limit);
}

#define WAIT_UNTIL(fixture_, condition_)                                                           \
    do {                                                                                           \
        fixture_begin_wait(fixture_);                                                              \
        while (!(condition_))                                                                      \
            fixture_turn(fixture_);                                                                \
        event_del((fixture_)->guard);                                                              \
    } while (0)

static inline int64_t fixture_counter(struct fixture *fixture, const char *name)
{
    struct json_object *counters = rpc_server_counters(fixture->server);
    int64_t value = json_object_get_int64(json_object_object_get(counters, name));

    json_object_put(counters);
    return value;
}

/* A client that speaks bytes. */
struct raw {
    struct fixture *fixture;
    int fd;
    struct evbuffer *in;
    struct event *event;
    bool closed;
    char *line; /* the last one read */
};

static inline void raw_on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct raw *raw = arg;

    (void)what;
    if (evbuffer_read(raw->in, fd, -1) > 0)
        return;
    raw->closed = true;
    event_del(raw->event);
}

static inline struct raw *raw_connect(struct fixture *fixture)
{
    struct raw *raw = calloc(1, sizeof *raw);

    raw->fixture = fixture;
    raw->fd = rpc_socket_connect(fixture->path);
    assert_true(raw->fd >= 0);
    raw->in = evbuffer_new();
    raw->event = event_new(fixture->base, raw->fd, EV_READ | EV_PERSIST, raw_on_readable, raw);
    event_add(raw->event, NULL);
    return raw;
}

static inline void raw_close(struct raw *raw)
{
    event_free(raw->event);
    evbuffer_free(raw->in);
    close(raw->fd);
    free(raw->line);
    free(raw);
}

static inline void raw_write(struct raw *raw, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = write(raw->fd, bytes, length);

        if (count < 0) {
            assert_int_equal(errno, EAGAIN);
            fixture_turn(raw->fixture);
            continue;
        }
        bytes += count;
        length -= (size_t)count;
    }
}

static inline void raw_send(struct raw *raw, const char *text)
{
    raw_write(raw, text, strlen(text));
}

/* The next line without leading spaces; fails when the connection ends first. */
static inline const char *raw_line(struct raw *raw)
{
    const char *line;

    free(raw->line);
    raw->line = NULL;
    WAIT_UNTIL(raw->fixture,
               (raw->line = evbuffer_readln(raw->in, NULL, EVBUFFER_EOL_LF)) != NULL ||
                   raw->closed);
    assert_non_null(raw->line);
    line = raw->line + strspn(raw->line, " ");
    return line;
}

static inline void raw_expect(struct raw *raw, const char *line)
{
    assert_string_equal(raw_line(raw), line);
}

/* The next line is an error with this code, and with this id as JSON text. */
static inline void raw_expect_error(struct raw *raw, const char *id, enum reason reason)
{
    struct json_object *message = json_tokener_parse(raw_line(raw));
    struct json_object *error = json_object_object_get(message, "error");

    assert_non_null(error);
    assert_int_equal(json_object_get_int(json_object_object_get(error, "code")),
                     reason_info(reason)->rpc_code);
    assert_string_equal(json_object_to_json_string(json_object_object_get(message, "id")), id);
    json_object_put(message);
}

#endif
