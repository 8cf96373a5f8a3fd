/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server over loopback, with clients in the same event loop. */
#include "gatewayd/http.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"

enum { CLIENTS_MAX = 8, HELD_MAX = 4, RECEIVED_MAX = 4096 };

struct client {
    int fd;
    bool closed;
    struct event *readable;
    char received[RECEIVED_MAX];
    size_t length;
};

static const struct config_gateway limits = {
    .allow_control = {.count = 1,
                      .each = {{.address = {.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 127}},
                                .bits = 104}}},
    .max_connections = 4,
    .max_connections_per_address = 4,
    .request_timeout_us = 5 * (int64_t)US_PER_S,
    .max_headers_size = 1024,
    .max_body_size = 64,
    .idle_timeout_us = 30 * (int64_t)US_PER_S,
};

static const struct timeval tick_interval = {.tv_sec = 1};
static struct event_base *base;
static struct event *tick; /* wakes a loop in which nothing happens */
static struct http *http;
static uint16_t port;
static struct client clients[CLIENTS_MAX];
static struct http_request *held[HELD_MAX];
static size_t held_count;
static bool stopped;

/* Answers with the target; those that begin with /hold wait for release_held(). */
static void handle(void *arg, struct http_request *request)
{
    const char *target = http_request_target(request);
    bool other = http_request_method(request) == HTTP_METHOD_OTHER;

    (void)arg;
    if (strncmp(target, "/hold", 5) == 0)
        held[held_count++] = request;
    else
        http_reply(request, other ? 405 : 200, other ? "THESE" : NULL, target, strlen(target));
}

static void release_held(void)
{
    while (held_count > 0)
        http_reply(held[--held_count], 200, NULL, "held", 4);
}

static void handle_stopped(void *arg)
{
    (void)arg;
    stopped = true;
}

static int counter(const char *name)
{
    struct json_object *counters = http_counters(http);
    int value = json_object_get_int(json_object_object_get(counters, name));

    json_object_put(counters);
    return value;
}

static void handle_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
}

static int set_up(void **state)
{
    int exit_status;

    (void)state;
    memset(clients, 0, sizeof clients);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        clients[i].fd = -1;
    stopped = false;
    base = event_base_new();
    tick = event_new(base, -1, EV_PERSIST, handle_tick, NULL);
    event_add(tick, &tick_interval);
    http = http_new(base, "127.0.0.1", 0, &limits, handle, NULL, &exit_status);
    if (http == NULL)
        return -1;
    port = (uint16_t)counter("port");
    return 0;
}

static void disconnect(struct client *client)
{
    if (client->fd < 0)
        return;
    event_free(client->readable);
    close(client->fd);
    client->fd = -1;
}

static int tear_down(void **state)
{
    (void)state;
    release_held();
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        disconnect(&clients[i]);
    http_free(http);
    event_free(tick);
    event_base_free(base);
    return 0;
}

static void handle_readable(evutil_socket_t fd, short what, void *arg)
{
    struct client *client = arg;
    ssize_t got = recv(fd, client->received + client->length,
                       sizeof client->received - 1 - client->length, MSG_DONTWAIT);

    (void)what;
    if (got <= 0) {
        client->closed = true;
        event_del(client->readable);
        return;
    }
    client->length += (size_t)got;
    client->received[client->length] = '\0';
}

static int try_connect(struct client *client)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int result;

    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client->fd >= 0);
    client->readable = event_new(base, client->fd, EV_READ | EV_PERSIST, handle_readable, client);
    result = connect(client->fd, (const struct sockaddr *)&address, sizeof address);
    if (result == 0)
        event_add(client->readable, NULL);
    return result;
}

static void send_text(struct client *client, const char *text)
{
    assert_int_equal(send(client->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Runs the loop until something has happened. */
static void turn(int64_t until_us)
{
    assert_true(clock_us() < until_us);
    event_base_loop(base, EVLOOP_ONCE);
}

static void wait_for(const struct client *client, const char *text)
{
    int64_t until_us = clock_us() + 10 * (int64_t)US_PER_S;

    while (strstr(client->received, text) == NULL)
        turn(until_us);
}

static void wait_for_close(const struct client *client)
{
    int64_t until_us = clock_us() + 10 * (int64_t)US_PER_S;

    while (!client->closed)
        turn(until_us);
}

static void wait_for_held(size_t count)
{
    int64_t until_us = clock_us() + 10 * (int64_t)US_PER_S;

    while (held_count < count)
        turn(until_us);
}

static void forget_received(struct client *client)
{
    client->length = 0;
    client->received[0] = '\0';
}

static void answers_on_a_connection_that_stays(void **state)
{
    struct client *client = &clients[0];

    (void)state;
    assert_int_equal(try_connect(client), 0);
    send_text(client, "GET /a?b=%20c HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(client, "\r\n\r\n/a?b=%20c");
    assert_non_null(strstr(client->received, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(client->received, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(client->received, "Content-Length: 9\r\n"));
    assert_non_null(strstr(client->received, "Cache-Control: no-store\r\n"));
    forget_received(client);
    send_text(client, "GET /again HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(client, "\r\n\r\n/again");
    assert_false(client->closed);
}

static void head_has_no_body(void **state)
{
    struct client *client = &clients[0];

    (void)state;
    assert_int_equal(try_connect(client), 0);
    send_text(client, "HEAD /twelve-bytes HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(client, "\r\n\r\n");
    assert_non_null(strstr(client->received, "Content-Length: 13\r\n"));
    send_text(client, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(client, "\r\n\r\n/next");
    assert_null(strstr(client->received, "/twelve-bytes"));
}

static void other_methods_are_named_in_allow(void **state)
{
    static const char *const methods[] = {"POST",  "PUT",  "DELETE", "OPTIONS",
                                          "PATCH", "BREW", "get"};

    (void)state;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        struct client *client = &clients[0];
        char text[64];

        forget_received(client);
        assert_int_equal(try_connect(client), 0);
        snprintf(text, sizeof text, "%s /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
                 methods[i]);
        send_text(client, text);
        wait_for(client, "\r\n\r\n/a");
        assert_non_null(strstr(client->received, "HTTP/1.1 405 "));
        assert_non_null(strstr(client->received, "Allow: THESE\r\n"));
        disconnect(client);
    }
}

static void old_clients_are_closed_after_the_answer(void **state)
{
    struct client *client = &clients[0];

    (void)state;
    assert_int_equal(try_connect(client), 0);
    send_text(client, "GET /old HTTP/1.0\r\n\r\n");
    wait_for_close(client);
    assert_non_null(strstr(client->received, "\r\n\r\n/old"));
}

static void half_closed_clients_are_answered(void **state)
{
    struct client *client = &clients[0];

    (void)state;
    assert_int_equal(try_connect(client), 0);
    send_text(client, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(client->fd, SHUT_WR);
    wait_for_held(1);
    release_held();
    wait_for(client, "\r\n\r\nheld");
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct client *client = &clients[0];
    const char *first, *second;

    (void)state;
    assert_int_equal(try_connect(client), 0);
    send_text(client, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n"
                      "GET /c HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for_held(1);
    assert_int_equal(client->length, 0);
    release_held();
    wait_for(client, "\r\n\r\n/c");
    first = strstr(client->received, "\r\n\r\nheld");
    second = strstr(client->received, "\r\n\r\n/b");
    assert_true(first != NULL && first < second);
    assert_true(second < strstr(client->received, "\r\n\r\n/c"));
}

static void a_client_that_hangs_up_harms_nobody(void **state)
{
    const struct linger reset = {.l_onoff = 1};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(try_connect(&clients[i]), 0);
        send_text(&clients[i], "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
        wait_for_held(i + 1);
    }
    disconnect(&clients[0]);
    setsockopt(clients[1].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    disconnect(&clients[1]);
    assert_int_equal(try_connect(&clients[2]), 0);
    send_text(&clients[2], "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&clients[2], "\r\n\r\n/a");
    assert_null(strstr(clients[2].received, "Allow:"));
    release_held();
    forget_received(&clients[2]);
    send_text(&clients[2], "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&clients[2], "\r\n\r\n/b");
}

/* Whatever it has pipelined before it left, and however it left. */
static void a_client_that_has_gone_is_seen(void **state)
{
    static const struct linger reset = {.l_onoff = 1};
    enum { CLOSES, RESETS, HALF_CLOSES, STAYS, WAYS };

    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        assert_int_equal(try_connect(&clients[i]), 0);
        send_text(&clients[i], "GET /hold HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\n");
        wait_for_held(i + 1);
        assert_false(http_request_abandoned(held[i]));
    }
    disconnect(&clients[CLOSES]);
    setsockopt(clients[RESETS].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    disconnect(&clients[RESETS]);
    shutdown(clients[HALF_CLOSES].fd, SHUT_WR);
    for (size_t i = 0; i < STAYS; i++)
        assert_true(http_request_abandoned(held[i]));
    assert_false(http_request_abandoned(held[STAYS]));
    release_held();
    wait_for(&clients[HALF_CLOSES], "\r\n\r\nheld");
    wait_for(&clients[STAYS], "\r\n\r\nheld");
}

/* More idle connections than there may be: the oldest make room. */
static void idle_connections_make_room(void **state)
{
    size_t closed = 0;

    (void)state;
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(try_connect(&clients[i]), 0);
    assert_int_equal(try_connect(&clients[6]), 0);
    send_text(&clients[6], "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&clients[6], "\r\n\r\n/a");
    for (size_t i = 0; i < 6; i++)
        closed += clients[i].closed;
    assert_true(closed >= 3);
    assert_false(clients[6].closed);
}

/* Nothing spins, nobody is lost: whoever waited is served when there are descriptors again. */
static void lacking_descriptors_are_waited_for(void **state)
{
    int64_t until_us = clock_us() + 10 * (int64_t)US_PER_S;
    struct rlimit before, none;

    (void)state;
    assert_int_equal(try_connect(&clients[0]), 0);
    send_text(&clients[0], "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)clients[0].fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    while (counter("accept_errors") < 3)
        turn(until_us);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(clock_us() > until_us - 10 * (int64_t)US_PER_S + 300000);
    wait_for(&clients[0], "\r\n\r\n/a");
}

static void stopping_answers_what_is_under_way(void **state)
{
    struct client *client = &clients[0];
    int64_t until_us = clock_us() + 10 * (int64_t)US_PER_S;

    (void)state;
    assert_int_equal(try_connect(client), 0);
    send_text(client, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for_held(1);
    http_stop(http, handle_stopped, NULL);
    assert_int_not_equal(try_connect(&clients[1]), 0);
    assert_false(stopped);
    release_held();
    assert_false(stopped);
    while (!stopped)
        turn(until_us);
    wait_for(client, "\r\n\r\nheld");
    assert_non_null(strstr(client->received, "Connection: close\r\n"));
}

static void an_address_in_use_is_told(void **state)
{
    int exit_status = 0;

    (void)state;
    assert_null(http_new(base, "127.0.0.1", port, &limits, handle, NULL, &exit_status));
    assert_int_equal(exit_status, 75);
    assert_null(http_new(base, "no.such.host.invalid", 0, &limits, handle, NULL, &exit_status));
    assert_int_equal(exit_status, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_on_a_connection_that_stays),  TEST(head_has_no_body),
        TEST(other_methods_are_named_in_allow),    TEST(old_clients_are_closed_after_the_answer),
        TEST(half_closed_clients_are_answered),    TEST(pipelined_requests_are_answered_in_order),
        TEST(a_client_that_hangs_up_harms_nobody), TEST(idle_connections_make_room),
        TEST(lacking_descriptors_are_waited_for),  TEST(stopping_answers_what_is_under_way),
        TEST(a_client_that_has_gone_is_seen),      TEST(an_address_in_use_is_told),
    };

    return cmocka_run_group_tests_name("gatewayd_http", tests, NULL, NULL);
}
