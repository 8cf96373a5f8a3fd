/* SPDX-License-Identifier: Apache-2.0 */
/* Notifications: who gets them, when they end, and what a client that does not read may cost. */
#include "tests/unit/rpc_fixture.h"

#include <sys/socket.h>

#define HOLD   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hold\"}\n"
#define PING   "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}\n"
#define ANSWER "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":5}"
#define NOTE   "{\"jsonrpc\":\"2.0\",\"method\":\"news\",\"params\":{\"n\":7}}"

/* A connection whose request waits to be answered. */
static struct raw *ask(struct fixture *fixture)
{
    struct raw *raw = raw_connect(fixture);
    size_t before = fixture->held_count;

    raw_send(raw, HOLD);
    WAIT_UNTIL(fixture, fixture->held_count > before);
    return raw;
}

static void answer_and_follow(struct fixture *fixture, size_t index)
{
    rpc_call_reply_and_follow(fixture->held[index], json_object_new_int(5));
}

static void notify(struct fixture *fixture)
{
    struct json_object *params = json_object_new_object();

    json_object_object_add(params, "n", json_object_new_int(7));
    rpc_server_notify(fixture->server, "news", params);
}

static void only_followers_are_notified(void **state)
{
    struct fixture *fixture = *state;
    struct raw *follower = ask(fixture), *other = ask(fixture);

    assert_false(rpc_server_followed(fixture->server));
    answer_and_follow(fixture, 0);
    assert_true(rpc_server_followed(fixture->server));
    notify(fixture);
    rpc_call_reply(fixture->held[1], json_object_new_int(5));
    raw_expect(follower, ANSWER);
    raw_expect(follower, NOTE);
    raw_expect(other, ANSWER);
    raw_send(other, PING);
    raw_expect(other, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"pong\"}");
    raw_send(follower, PING); /* requests go on beside the notifications */
    raw_expect(follower, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"pong\"}");
    raw_close(other);
    raw_close(follower);
    WAIT_UNTIL(fixture, fixture_counter(fixture, "clients") == 0);
    assert_false(rpc_server_followed(fixture->server));
}

static void following_twice_is_following_once(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = ask(fixture);

    raw_send(raw, HOLD);
    WAIT_UNTIL(fixture, fixture->held_count == 2);
    answer_and_follow(fixture, 0);
    answer_and_follow(fixture, 1);
    notify(fixture);
    raw_send(raw, PING);
    raw_expect(raw, ANSWER);
    raw_expect(raw, ANSWER);
    raw_expect(raw, NOTE);
    raw_expect(raw, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"pong\"}");
    raw_close(raw);
    WAIT_UNTIL(fixture, !rpc_server_followed(fixture->server));
}

/* echo … | socat: it has nothing more to say, and goes on listening until it is ended. */
static void half_closed_goes_on(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = ask(fixture);

    shutdown(raw->fd, SHUT_WR);
    WAIT_UNTIL(fixture, evbuffer_get_length(raw->in) > 0); /* a space: the end was seen */
    answer_and_follow(fixture, 0);
    raw_expect(raw, ANSWER);
    WAIT_UNTIL(fixture, evbuffer_get_length(raw->in) > 0); /* and another one */
    notify(fixture);
    raw_expect(raw, NOTE);
    assert_int_equal(fixture_counter(fixture, "clients"), 1);
    raw_close(raw);
    WAIT_UNTIL(fixture, fixture_counter(fixture, "clients") == 0);
    assert_false(rpc_server_followed(fixture->server));
}

static void who_does_not_read_is_dropped(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = ask(fixture);
    int count = 0;

    answer_and_follow(fixture, 0);
    event_del(raw->event);
    while (rpc_server_followed(fixture->server)) {
        notify(fixture);
        event_base_loop(fixture->base, EVLOOP_NONBLOCK);
        assert_true(++count * (int)sizeof NOTE < 2 * RPC_OUTPUT_MAX);
    }
    assert_true(count * (int)sizeof NOTE > RPC_OUTPUT_MAX);
    assert_int_equal(fixture_counter(fixture, "clients"), 0);
    raw_close(raw);
}

static void the_caller_has_gone(void **state)
{
    struct fixture *fixture = *state;

    raw_close(ask(fixture));
    WAIT_UNTIL(fixture, fixture_counter(fixture, "clients") == 0);
    answer_and_follow(fixture, 0);
    assert_false(rpc_server_followed(fixture->server));
    notify(fixture);
}

static void on_stopped(void *arg)
{
    *(bool *)arg = true;
}

/* What a follower has not read does not hold up the end of the daemon. */
static void stopping_does_not_wait_for_followers(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = ask(fixture);
    bool stopped = false;
    int64_t began_us;

    answer_and_follow(fixture, 0);
    event_del(raw->event);
    for (int i = 0; i < 10000; i++) /* more than the socket takes, less than is dropped */
        notify(fixture);
    assert_true(rpc_server_followed(fixture->server));
    began_us = clock_us();
    rpc_server_stop(fixture->server, on_stopped, &stopped);
    WAIT_UNTIL(fixture, stopped);
    assert_true(clock_us() - began_us < US_PER_S);
    raw_close(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_followers_are_notified, fixture_set_up_server,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(following_twice_is_following_once, fixture_set_up_server,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(half_closed_goes_on, fixture_set_up_server,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(who_does_not_read_is_dropped, fixture_set_up_server,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(the_caller_has_gone, fixture_set_up_server,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(stopping_does_not_wait_for_followers, fixture_set_up_server,
                                        fixture_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
