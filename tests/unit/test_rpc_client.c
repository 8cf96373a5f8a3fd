/* SPDX-License-Identifier: Apache-2.0 */
/* The RPC client against a server that comes, goes, stops, is killed, or talks nonsense. */
#include "tests/unit/rpc_fixture.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include "common/rpc_client.h"

/* A call's outcome. */
struct outcome {
    int count;
    enum reason reason;
    char text[FAILURE_TEXT_SIZE]; /* the result as JSON, or the failure's text */
    int64_t at_us;
};

static void record(void *arg, struct json_object *result, const struct failure *failure)
{
    struct outcome *outcome = arg;

    outcome->count++;
    outcome->reason = result != NULL ? REASON_COUNT : failure->reason;
    snprintf(outcome->text, sizeof outcome->text, "%s",
             result != NULL ? json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN)
                            : failure->text);
    outcome->at_us = clock_us();
}

static struct rpc_client *new_client(struct fixture *fixture)
{
    struct rpc_client *client = rpc_client_new(fixture->base, fixture->path, "peer");

    assert_non_null(client);
    return client;
}

static struct rpc_client_call *call(struct rpc_client *client, const char *method, int64_t ms,
                                    enum rpc_client_repeat repeat, struct outcome *outcome)
{
    struct rpc_client_call *made;

    memset(outcome, 0, sizeof *outcome);
    made =
        rpc_client_call(client, method, NULL, clock_us() + ms * US_PER_MS, repeat, record, outcome);
    assert_non_null(made);
    assert_int_equal(outcome->count, 0);
    return made;
}

static int64_t counter(struct rpc_client *client, const char *name)
{
    struct json_object *counters = rpc_client_counters(client);
    int64_t value = json_object_get_int64(json_object_object_get(counters, name));

    json_object_put(counters);
    return value;
}

static void test_results_and_failures(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_client *client = new_client(fixture);
    struct outcome good, bad, unknown;

    assert_true(rpc_client_connected(client));
    call(client, "ping", 2000, RPC_ONCE, &good);
    call(client, "fail", 2000, RPC_ONCE, &bad);
    call(client, "nothing", 2000, RPC_ONCE, &unknown);
    WAIT_UNTIL(fixture, good.count + bad.count + unknown.count == 3);
    assert_int_equal(good.reason, REASON_COUNT);
    assert_string_equal(good.text, "\"pong\"");
    assert_int_equal(bad.reason, REASON_READ_TIMEOUT);
    assert_string_equal(bad.text, "read timeout");
    assert_int_equal(unknown.reason, REASON_NO_METHOD);
    assert_int_equal(counter(client, "calls"), 3);
    assert_int_equal(counter(client, "failures"), 2);
    rpc_client_free(client);
}

static void test_many_calls_at_once(void **state)
{
    enum { COUNT = 500 };
    static struct outcome outcomes[COUNT];
    struct fixture *fixture = *state;
    struct rpc_client *client = new_client(fixture);
    int done = 0;

    for (int i = 0; i < COUNT; i++) {
        struct json_object *params = json_object_new_object();

        memset(&outcomes[i], 0, sizeof outcomes[i]);
        json_object_object_add(params, "value", json_object_new_int(i));
        rpc_client_call(client, "echo", params, clock_us() + (2000 + i % 7) * US_PER_MS, RPC_REPEAT,
                        record, &outcomes[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        char expected[16];

        WAIT_UNTIL(fixture, outcomes[i].count == 1);
        snprintf(expected, sizeof expected, "%d", i);
        assert_string_equal(outcomes[i].text, expected);
        done++;
    }
    assert_int_equal(done, COUNT);
    rpc_client_free(client);
}

static void test_the_peer_is_told_what_is_left(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_client *client = new_client(fixture);
    struct outcome outcome;
    int64_t deadline_us;

    call(client, "hold", 1500, RPC_ONCE, &outcome);
    deadline_us = clock_us() + 1500 * US_PER_MS;
    WAIT_UNTIL(fixture, fixture->held_count == 1);
    /* It gives up first, so that its reason is the one that is told. */
    assert_in_range(rpc_call_deadline(fixture->held[0]), deadline_us - 120 * US_PER_MS,
                    deadline_us - 100 * US_PER_MS);
    rpc_client_free(client);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(outcome.reason, REASON_STOPPING);
}

static void test_no_answer_in_time(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_client *client = new_client(fixture);
    int64_t start_us = clock_us();
    struct outcome late, early, good;

    call(client, "hold", 200, RPC_REPEAT, &late);
    call(client, "hold", 100, RPC_REPEAT, &early);
    WAIT_UNTIL(fixture, late.count == 1);
    assert_int_equal(early.count, 1);
    assert_int_equal(late.reason, REASON_UNAVAILABLE);
    assert_string_equal(late.text, "peer did not answer in time");
    assert_in_range(early.at_us - start_us, 100 * US_PER_MS, 1100 * US_PER_MS);
    assert_in_range(late.at_us - start_us, 200 * US_PER_MS, 1200 * US_PER_MS);
    rpc_call_reply(fixture->held[0], json_object_new_int(1)); /* too late: for nobody */
    call(client, "ping", 1000, RPC_REPEAT, &good);
    WAIT_UNTIL(fixture, good.count == 1);
    assert_string_equal(good.text, "\"pong\"");
    assert_int_equal(late.count, 1);
    rpc_client_free(client);
}

static void test_cannot_be_sent(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_client *client = new_client(fixture);
    int64_t start_us = clock_us();
    struct outcome waits, hopeless;

    assert_false(rpc_client_connected(client));
    call(client, "ping", 1000, RPC_REPEAT, &waits);
    call(client, "ping", 500, RPC_REPEAT, &hopeless);
    WAIT_UNTIL(fixture, waits.count == 1);
    assert_int_equal(hopeless.count, 1);
    assert_true(hopeless.at_us - start_us < 50 * US_PER_MS);
    assert_in_range(waits.at_us - start_us, 100 * US_PER_MS, 150 * US_PER_MS);
    assert_int_equal(waits.reason, REASON_UNAVAILABLE);
    assert_string_equal(waits.text, "peer cannot be reached: No such file or directory");
    rpc_client_free(client);
}

static void test_waits_for_the_peer(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_client *client = new_client(fixture);
    struct outcome never, good;
    int64_t back_us;

    call(client, "ping", 1100, RPC_ONCE, &never); /* lets the back-off grow to its longest */
    WAIT_UNTIL(fixture, never.count == 1);
    call(client, "ping", 3000, RPC_ONCE, &good);
    fixture_start_server(fixture);
    back_us = clock_us();
    WAIT_UNTIL(fixture, good.count == 1);
    assert_string_equal(good.text, "\"pong\"");
    assert_true(good.at_us - back_us < 80 * US_PER_MS);
    rpc_client_free(client);
}

static void test_cancel(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_client *client = new_client(fixture);
    struct outcome cancelled, good;
    struct rpc_client_call *made = call(client, "hold", 100, RPC_REPEAT, &cancelled);

    WAIT_UNTIL(fixture, fixture->held_count == 1);
    rpc_client_cancel(made);
    WAIT_UNTIL(fixture, rpc_call_abandoned(fixture->held[0]));
    rpc_call_reply(fixture->held[0], json_object_new_int(1));
    call(client, "ping", 1000, RPC_REPEAT, &good);
    WAIT_UNTIL(fixture, good.count == 1);
    assert_string_equal(good.text, "\"pong\"");
    assert_int_equal(cancelled.count, 0);
    rpc_client_free(client);
}

/* The peer may have begun it, so its answer counts. */
static void test_abandon_what_was_sent(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_client *client = new_client(fixture);
    struct outcome abandoned, other;
    struct rpc_client_call *made = call(client, "hold", 2000, RPC_ONCE, &abandoned);

    call(client, "hold", 2000, RPC_ONCE, &other);
    WAIT_UNTIL(fixture, fixture->held_count == 2);
    rpc_client_abandon(made);
    WAIT_UNTIL(fixture, rpc_call_abandoned(fixture->held[0]));
    assert_false(rpc_call_abandoned(fixture->held[1]));
    assert_int_equal(abandoned.count, 0);
    rpc_call_reply(fixture->held[0], json_object_new_int(1));
    rpc_call_reply(fixture->held[1], json_object_new_int(2));
    WAIT_UNTIL(fixture, abandoned.count + other.count == 2);
    assert_string_equal(abandoned.text, "1");
    assert_string_equal(other.text, "2");
    assert_int_equal(counter(client, "calls"), 2);
    rpc_client_free(client);
}

static void test_abandon_what_was_not_sent(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_client *client = new_client(fixture);
    struct outcome abandoned, good;

    rpc_client_abandon(call(client, "hold", 2000, RPC_REPEAT, &abandoned));
    assert_int_equal(abandoned.count, 1);
    assert_int_equal(abandoned.reason, REASON_EXPIRED);
    fixture_start_server(fixture);
    call(client, "ping", 2000, RPC_ONCE, &good);
    WAIT_UNTIL(fixture, good.count == 1);
    assert_int_equal(fixture->held_count, 0);
    assert_int_equal(abandoned.count, 1);
    rpc_client_free(client);
}

/* Completing one call cancels the other that fails at the same moment. */
static void cancel_other(void *arg, struct json_object *result, const struct failure *failure)
{
    struct rpc_client_call **other = arg;

    assert_null(result);
    assert_int_equal(failure->reason, REASON_UNAVAILABLE);
    rpc_client_cancel(*other);
    *other = NULL;
}

static void test_cancel_inside_a_completion(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_client *client = new_client(fixture);
    struct rpc_client_call *second;
    struct outcome outcome;

    rpc_client_call(client, "ping", NULL, clock_us(), RPC_ONCE, cancel_other, &second);
    second = call(client, "ping", 0, RPC_ONCE, &outcome);
    WAIT_UNTIL(fixture, second == NULL);
    event_base_loop(fixture->base, EVLOOP_NONBLOCK);
    assert_int_equal(outcome.count, 0);
    rpc_client_free(client);
}

/* A server in a process of its own that tells on a pipe when "hold" has arrived. */
struct child {
    pid_t pid;
    int pipe;
};

static void tell_and_hold(struct rpc_call *held, struct json_object *params, void *app)
{
    (void)held;
    (void)params;
    if (write(*(int *)app, "h", 1) != 1)
        _exit(1);
}

static void serve_until_killed(const char *path, int pipe)
{
    static const struct rpc_method methods[] = {{.name = "hold", .help = "", .run = tell_and_hold}};
    struct event_base *base = event_base_new();
    int status;

    if (rpc_server_new(base, path, methods, 1, &pipe, &status) == NULL || write(pipe, "r", 1) != 1)
        _exit(1);
    event_base_dispatch(base);
    _exit(1);
}

static void expect_byte(const struct child *child, char expected)
{
    char byte = 0;

    assert_int_equal(read(child->pipe, &byte, 1), 1);
    assert_int_equal(byte, expected);
}

static struct child start_child(struct fixture *fixture)
{
    struct child child;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    child.pid = fork();
    assert_true(child.pid >= 0);
    if (child.pid == 0)
        serve_until_killed(fixture->path, ends[1]);
    close(ends[1]);
    child.pipe = ends[0];
    expect_byte(&child, 'r');
    return child;
}

static void kill_child(const struct child *child)
{
    assert_int_equal(kill(child->pid, SIGKILL), 0);
    assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
    close(child->pipe);
}

static void test_peer_is_killed_and_comes_back(void **state)
{
    struct fixture *fixture = *state;
    struct child child = start_child(fixture);
    struct rpc_client *client = new_client(fixture);
    struct outcome repeated, once;

    call(client, "hold", 4000, RPC_REPEAT, &repeated);
    call(client, "hold", 4000, RPC_ONCE, &once);
    expect_byte(&child, 'h');
    expect_byte(&child, 'h');
    kill_child(&child);
    WAIT_UNTIL(fixture, once.count == 1);
    assert_int_equal(once.reason, REASON_UNAVAILABLE);
    assert_string_equal(once.text, "peer went away before it answered");
    assert_int_equal(repeated.count, 0);
    fixture_start_server(fixture);
    WAIT_UNTIL(fixture, fixture->held_count == 1);
    rpc_call_reply(fixture->held[0], json_object_new_int(7));
    WAIT_UNTIL(fixture, repeated.count == 1);
    assert_string_equal(repeated.text, "7");
    assert_int_equal(once.count, 1);
    assert_int_equal(counter(client, "connects"), 2);
    rpc_client_free(client);
}

/* Made before the loop has seen that the peer died: it cannot have been executed. */
static void test_call_to_a_dead_peer_waits(void **state)
{
    struct fixture *fixture = *state;
    struct child child = start_child(fixture);
    struct rpc_client *client = new_client(fixture);
    struct outcome outcome;

    assert_true(rpc_client_connected(client));
    kill_child(&child);
    call(client, "ping", 4000, RPC_ONCE, &outcome);
    fixture_start_server(fixture);
    WAIT_UNTIL(fixture, outcome.count == 1);
    assert_string_equal(outcome.text, "\"pong\"");
    rpc_client_free(client);
}

static void do_nothing(void *arg)
{
    (void)arg;
}

/* Even a call that must not be repeated survives a peer that stops in good order. */
static void test_peer_stops_and_comes_back(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_client *client = new_client(fixture);
    struct outcome begun, not_begun, later;

    call(client, "hold", 4000, RPC_ONCE, &begun);
    WAIT_UNTIL(fixture, fixture->held_count == 1);
    rpc_server_stop(fixture->server, do_nothing, NULL);
    call(client, "ping", 4000, RPC_ONCE, &not_begun);
    WAIT_UNTIL(fixture, !rpc_client_connected(client));
    call(client, "ping", 4000, RPC_ONCE, &later);
    rpc_call_reply(fixture->held[0], json_object_new_int(1));
    WAIT_UNTIL(fixture, begun.count == 1);
    assert_string_equal(begun.text, "1");
    assert_int_equal(not_begun.count + later.count, 0);
    rpc_server_free(fixture->server);
    fixture_start_server(fixture);
    WAIT_UNTIL(fixture, not_begun.count == 1 && later.count == 1);
    assert_string_equal(not_begun.text, "\"pong\"");
    assert_string_equal(later.text, "\"pong\"");
    rpc_client_free(client);
}

/* What is abandoned does not wait for the next peer, neither refused nor unanswered. */
static void test_abandoned_calls_end_with_their_peer(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_client *client = new_client(fixture);
    struct outcome unanswered, refused;

    rpc_client_abandon(call(client, "hold", 4000, RPC_REPEAT, &unanswered));
    WAIT_UNTIL(fixture, fixture->held_count == 1);
    rpc_server_stop(fixture->server, do_nothing, NULL);
    rpc_client_abandon(call(client, "hold", 4000, RPC_ONCE, &refused));
    WAIT_UNTIL(fixture, refused.count == 1);
    assert_int_equal(refused.reason, REASON_STOPPING);
    rpc_server_free(fixture->server);
    WAIT_UNTIL(fixture, unanswered.count == 1);
    fixture_start_server(fixture);
    WAIT_UNTIL(fixture, rpc_client_connected(client));
    assert_int_equal(fixture->held_count, 1);
    rpc_client_free(client);
}

/* A peer that answers every connection with text that is no answer. */
static void on_nonsense(evutil_socket_t fd, short what, void *arg)
{
    int accepted = accept(fd, NULL, NULL);

    (void)what;
    (*(int *)arg)++;
    assert_int_equal(write(accepted, "nonsense\n", 9), 9);
    close(accepted);
}

static void test_nonsense(void **state)
{
    struct fixture *fixture = *state;
    struct rpc_socket nonsense;
    struct rpc_client *client;
    struct event *event;
    struct outcome outcome;
    int connections = 0;

    assert_int_equal(rpc_socket_listen(fixture->path, &nonsense), 0);
    event = event_new(fixture->base, nonsense.fd, EV_READ | EV_PERSIST, on_nonsense, &connections);
    event_add(event, NULL);
    client = new_client(fixture);
    call(client, "ping", 1400, RPC_REPEAT, &outcome);
    WAIT_UNTIL(fixture, outcome.count == 1);
    assert_int_equal(outcome.reason, REASON_UNAVAILABLE);
    assert_in_range(connections, 5, 25); /* 0.5 s with at most one try in 50 ms, once it is slow */
    event_free(event);
    rpc_client_free(client);
    rpc_socket_close(fixture->path, &nonsense);
}

/* Runs the loop for a while in which nothing in particular is awaited. */
static void run_for(struct fixture *fixture, int64_t ms)
{
    int64_t until_us = clock_us() + ms * US_PER_MS;

    while (clock_us() < until_us) {
        struct timeval left = {0, 10 * US_PER_MS};

        event_base_loopexit(fixture->base, &left);
        event_base_dispatch(fixture->base);
    }
}

static void test_changes_are_logged_once(void **state)
{
    struct fixture *fixture = *state;
    char log[4096], path[128];
    int saved = dup(STDERR_FILENO), file;
    struct rpc_client *client;
    struct outcome outcome;
    ssize_t length;

    snprintf(path, sizeof path, "%s/log", fixture->dir);
    file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(file, STDERR_FILENO);
    client = new_client(fixture);
    run_for(fixture, 200);
    for (int i = 0; i < 2; i++) {
        fixture_start_server(fixture);
        call(client, "ping", 2000, RPC_ONCE, &outcome);
        WAIT_UNTIL(fixture, outcome.count == 1);
        rpc_server_free(fixture->server);
        fixture->server = NULL;
        run_for(fixture, 200);
    }
    rpc_client_free(client);
    dup2(saved, STDERR_FILENO);
    close(saved);
    length = pread(file, log, sizeof log - 1, 0);
    log[length > 0 ? length : 0] = '\0';
    close(file);
    unlink(path);
    assert_non_null(strstr(log, "rpc: peer is not there: No such file or directory\n"));
    assert_non_null(strstr(log, "rpc: peer is back after 0."));
    assert_non_null(strstr(log, "rpc: peer is gone: it has closed the connection\n"));
    length = 0;
    for (const char *at = log; (at = strchr(at, '\n')) != NULL; at++)
        length++;
    assert_int_equal(length, 5);
}

#define WITH_SERVER(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, fixture_set_up_server, fixture_tear_down)
#define WITHOUT_SERVER(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_results_and_failures),
        WITH_SERVER(test_many_calls_at_once),
        WITH_SERVER(test_the_peer_is_told_what_is_left),
        WITH_SERVER(test_no_answer_in_time),
        WITHOUT_SERVER(test_cannot_be_sent),
        WITHOUT_SERVER(test_waits_for_the_peer),
        WITH_SERVER(test_cancel),
        WITH_SERVER(test_abandon_what_was_sent),
        WITHOUT_SERVER(test_abandon_what_was_not_sent),
        WITHOUT_SERVER(test_cancel_inside_a_completion),
        WITHOUT_SERVER(test_peer_is_killed_and_comes_back),
        WITHOUT_SERVER(test_call_to_a_dead_peer_waits),
        WITH_SERVER(test_peer_stops_and_comes_back),
        WITH_SERVER(test_abandoned_calls_end_with_their_peer),
        WITHOUT_SERVER(test_nonsense),
        WITHOUT_SERVER(test_changes_are_logged_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
