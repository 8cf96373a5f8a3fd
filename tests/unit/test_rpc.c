/* SPDX-License-Identifier: Apache-2.0 */
/* The RPC server against clients that behave well, badly, and not at all. */
#include "tests/unit/rpc_fixture.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/daemon.h"
#include "common/jsonrpc.h"

#define REQUEST(id, method) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\"}\n"
#define ECHO(id, value)                                                                            \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"echo\",\"params\":{\"value\":" value "}}\n"
#define RESULT(id, value) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" value "}"

static void test_several_lines_in_one_write(void **state)
{
    struct raw *raw = raw_connect(*state);

    raw_send(raw, ECHO("1", "[1,2]") ECHO("\"b\"", "2.50") REQUEST("3", "ping"));
    raw_expect(raw, RESULT("1", "[1,2]"));
    raw_expect(raw, RESULT("\"b\"", "2.50"));
    raw_expect(raw, RESULT("3", "\"pong\""));
    raw_close(raw);
}

static void test_one_line_in_many_writes(void **state)
{
    static const char line[] = ECHO("1", "\"whole\"");
    struct raw *raw = raw_connect(*state);

    for (size_t i = 0; line[i] != '\0'; i++) {
        raw_write(raw, line + i, 1);
        event_base_loop(raw->fixture->base, EVLOOP_NONBLOCK);
    }
    raw_expect(raw, RESULT("1", "\"whole\""));
    raw_close(raw);
}

static void test_half_a_line_and_gone(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = raw_connect(fixture);

    raw_send(raw, "{\"jsonrpc\":\"2.0\",\"id\":1,");
    WAIT_UNTIL(fixture, fixture_counter(fixture, "clients") == 1);
    raw_close(raw);
    WAIT_UNTIL(fixture, fixture_counter(fixture, "clients") == 0);
    assert_int_equal(fixture_counter(fixture, "requests"), 0);

    raw = raw_connect(fixture);
    raw_send(raw, REQUEST("1", "ping"));
    raw_expect(raw, RESULT("1", "\"pong\""));
    raw_close(raw);
}

/* printf '…' | socat: no line end, and the sending side is shut down at once. */
static void test_answers_after_half_close(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = raw_connect(fixture);

    raw_send(raw, REQUEST("1", "hold") "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}");
    shutdown(raw->fd, SHUT_WR);
    raw_expect(raw, RESULT("2", "\"pong\""));
    WAIT_UNTIL(fixture, evbuffer_get_length(raw->in) >= 2); /* spaces: we are alive */
    assert_memory_equal(evbuffer_pullup(raw->in, 2), "  ", 2);
    assert_false(rpc_call_abandoned(fixture->held[0]));
    rpc_call_reply(fixture->held[0], json_object_new_int(5));
    raw_expect(raw, RESULT("1", "5"));
    WAIT_UNTIL(fixture, raw->closed);
    assert_int_equal(fixture_counter(fixture, "clients"), 0);
    raw_close(raw);
}

static void test_abandoned_call(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = raw_connect(fixture);

    raw_send(raw, REQUEST("1", "hold") REQUEST("2", "hold"));
    WAIT_UNTIL(fixture, fixture->held_count == 2);
    assert_false(rpc_call_abandoned(fixture->held[0]));
    raw_close(raw);
    assert_true(rpc_call_abandoned(fixture->held[0])); /* seen before the loop sees it */
    WAIT_UNTIL(fixture, fixture_counter(fixture, "clients") == 0);
    assert_true(rpc_call_abandoned(fixture->held[1]));
    assert_int_equal(fixture_counter(fixture, "pending"), 2);
    rpc_call_reply(fixture->held[0], json_object_new_int(5));
    assert_int_equal(fixture_counter(fixture, "pending"), 1); /* the other: by rpc_server_free */
}

#define CANCEL(id, of)                                                                             \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"cancel\",\"params\":{\"id\":" of "}}\n"

static void test_cancelled_call(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = raw_connect(fixture), *other = raw_connect(fixture);

    raw_send(raw, REQUEST("1", "hold") REQUEST("\"1\"", "hold"));
    WAIT_UNTIL(fixture, fixture->held_count == 2);
    raw_send(other, REQUEST("1", "hold") CANCEL("2", "\"1\""));
    raw_expect(other, RESULT("2", "false")); /* not of this connection */
    raw_send(raw, CANCEL("3", "3") CANCEL("4", "\"1\""));
    raw_expect(raw, RESULT("3", "false"));
    raw_expect(raw, RESULT("4", "true"));
    assert_false(rpc_call_abandoned(fixture->held[0]));
    assert_true(rpc_call_abandoned(fixture->held[1]));
    assert_false(rpc_call_abandoned(fixture->held[2]));
    rpc_call_reply(fixture->held[1], json_object_new_int(5));
    raw_expect(raw, RESULT("\"1\"", "5"));
    raw_send(raw, CANCEL("6", "\"1\"") REQUEST("7", "cancel"));
    raw_expect(raw, RESULT("6", "false"));
    raw_expect_error(raw, "7", REASON_INVALID_PARAMS);
    raw_close(raw);
    raw_close(other);
}

static void do_nothing(void *arg)
{
    (void)arg;
}

/* What waits can be cancelled when nothing more may wait, also while the server stops. */
static void test_cancel_needs_no_room(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = raw_connect(fixture);

    for (int i = 0; i < RPC_PENDING_MAX; i++)
        raw_send(raw, REQUEST("1", "hold"));
    raw_send(raw, CANCEL("2", "1"));
    raw_expect(raw, RESULT("2", "true"));
    for (int i = 0; i < RPC_PENDING_MAX; i++)
        assert_true(rpc_call_abandoned(fixture->held[i]));
    rpc_server_stop(fixture->server, do_nothing, NULL);
    raw_send(raw, CANCEL("3", "1"));
    raw_expect(raw, RESULT("3", "true"));
    raw_close(raw);
}

static void test_abandoned_after_half_close(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = raw_connect(fixture);

    raw_send(raw, REQUEST("1", "hold"));
    shutdown(raw->fd, SHUT_WR);
    WAIT_UNTIL(fixture, fixture->held_count == 1);
    raw_close(raw);
    assert_true(rpc_call_abandoned(fixture->held[0]));
    WAIT_UNTIL(fixture, fixture_counter(fixture, "clients") == 0); /* a space finds out */
}

static char *long_line(size_t length)
{
    static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"";
    char *line = malloc(length + 2); /* a line end, a NUL */

    memcpy(line, head, sizeof head - 1);
    memset(line + sizeof head - 1, 'x', length - sizeof head - 1);
    memcpy(line + length - 2, "\"}\n", 4);
    return line;
}

static void test_longest_line(void **state)
{
    struct raw *raw = raw_connect(*state);
    char *line = long_line(JSONRPC_LINE_MAX);

    assert_int_equal(strlen(line), JSONRPC_LINE_MAX + 1);
    raw_send(raw, line);
    raw_expect(raw, RESULT("1", "\"pong\""));
    free(line);
    raw_close(raw);
}

static void test_too_long_lines(void **state)
{
    static const size_t lengths[] = {JSONRPC_LINE_MAX + 1, JSONRPC_LINE_MAX + 2,
                                     3 * JSONRPC_LINE_MAX, 1000 * 1000};
    struct raw *raw = raw_connect(*state);

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char *line = long_line(lengths[i]);

        raw_send(raw, REQUEST("7", "ping"));
        raw_send(raw, line);
        raw_send(raw, REQUEST("8", "ping"));
        raw_expect(raw, RESULT("7", "\"pong\""));
        raw_expect_error(raw, "null", REASON_INVALID_REQUEST);
        raw_expect(raw, RESULT("8", "\"pong\""));
        free(line);
    }
    raw_close(raw);
}

static void test_errors_leave_the_connection_usable(void **state)
{
    static const struct {
        const char *line;
        const char *id;
        enum reason reason;
    } rows[] = {
        {"\n", "null", REASON_PARSE},
        {"ping\n", "null", REASON_PARSE},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\n", "null", REASON_PARSE},
        {"[" ECHO("1", "1"), "null", REASON_PARSE},
        {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]\n", "null", REASON_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"hold\"}\n", "null", REASON_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"hold\"}\n", "null", REASON_INVALID_REQUEST},
        {REQUEST("4", "nothing"), "4", REASON_NO_METHOD},
        {REQUEST("5", "echo"), "5", REASON_INVALID_PARAMS},
        {ECHO("6", "null"), "6", REASON_INVALID_PARAMS},
        {ECHO("7", "1,\"extra\":2"), "7", REASON_INVALID_PARAMS},
        {REQUEST("\"é\"", "fail"), "\"é\"", REASON_READ_TIMEOUT},
    };
    struct fixture *fixture = *state;
    struct raw *raw = raw_connect(fixture);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        raw_send(raw, rows[i].line);
        raw_expect_error(raw, rows[i].id, rows[i].reason);
        raw_send(raw, ECHO("0", "true,\"note\":0"));
        raw_expect(raw, RESULT("0", "true"));
    }
    assert_int_equal(fixture->held_count, 0); /* a notification is not run */
    assert_int_equal(fixture_counter(fixture, "errors"), sizeof rows / sizeof rows[0]);
    raw_close(raw);
}

static void test_parameters_of_the_handlers_own(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = raw_connect(fixture);

    raw_send(raw, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"any\",\"params\":{\"x\":1}}\n");
    WAIT_UNTIL(fixture, fixture->held_count == 1);
    rpc_call_reply(fixture->held[0], json_object_new_int(1));
    raw_expect(raw, RESULT("1", "1"));
    raw_close(raw);
}

static void test_list_methods(void **state)
{
    struct raw *raw = raw_connect(*state);

    raw_send(raw, REQUEST("1", "list_methods"));
    raw_line(raw);
    assert_non_null(strstr(raw->line, "{\"name\":\"ping\",\"help\":"));
    assert_non_null(strstr(raw->line, "{\"name\":\"list_methods\",\"help\":"));
    assert_non_null(strstr(raw->line, "{\"name\":\"cancel\",\"help\":"));
    assert_non_null(strstr(raw->line, "{\"name\":\"echo\",\"help\":\"answers value\",\"params\":["
                                      "{\"name\":\"value\",\"required\":true,"
                                      "\"help\":\"what is answered\"},"
                                      "{\"name\":\"note\",\"required\":false,"
                                      "\"help\":\"is ignored\"}]}"));
    raw_close(raw);
}

static void test_deadline_of_a_call(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = raw_connect(fixture);
    int64_t before_us = clock_us();

    raw_send(raw, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hold\",\"timeout\":1500}\n");
    raw_send(raw, REQUEST("2", "hold"));
    raw_send(raw, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"hold\",\"deadline\":12345}\n");
    WAIT_UNTIL(fixture, fixture->held_count == 3);
    assert_int_equal(rpc_call_deadline(fixture->held[2]), 12345); /* it lay there for too long */
    assert_in_range(rpc_call_deadline(fixture->held[0]) - before_us, 1500 * US_PER_MS,
                    clock_us() - before_us + 1500 * US_PER_MS);
    assert_in_range(rpc_call_deadline(fixture->held[1]) - before_us, 4200 * US_PER_MS,
                    clock_us() - before_us + 4200 * US_PER_MS);
    raw_close(raw);
}

static void test_a_hundred_clients(void **state)
{
    struct raw *raws[100];
    char line[128];

    for (int i = 0; i < 100; i++) {
        raws[i] = raw_connect(*state);
        snprintf(line, sizeof line, ECHO("%d", "\"client %d\""), i, i);
        raw_send(raws[i], line);
    }
    for (int i = 99; i >= 0; i--) {
        snprintf(line, sizeof line, RESULT("%d", "\"client %d\""), i, i);
        raw_expect(raws[i], line);
        raw_close(raws[i]);
    }
}

static void test_one_client_too_many(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raws[RPC_CLIENTS_MAX], *extra;

    for (int i = 0; i < RPC_CLIENTS_MAX; i++) {
        raws[i] = raw_connect(fixture);
        WAIT_UNTIL(fixture, fixture_counter(fixture, "clients") == i + 1);
    }
    extra = raw_connect(fixture);
    raw_expect_error(extra, "null", REASON_OVERLOAD);
    WAIT_UNTIL(fixture, extra->closed);
    raw_close(extra);
    raw_close(raws[0]);
    WAIT_UNTIL(fixture, fixture_counter(fixture, "clients") == RPC_CLIENTS_MAX - 1);
    raws[0] = raw_connect(fixture);
    for (int i = 0; i < RPC_CLIENTS_MAX; i++) {
        raw_send(raws[i], REQUEST("1", "ping"));
        raw_expect(raws[i], RESULT("1", "\"pong\""));
        raw_close(raws[i]);
    }
}

static void test_a_client_that_never_reads(void **state)
{
    struct fixture *fixture = *state;
    struct raw *deaf = raw_connect(fixture);
    struct raw *other = raw_connect(fixture);

    event_del(deaf->event);
    WAIT_UNTIL(fixture, fixture_counter(fixture, "clients") == 2);
    for (int i = 0; i < 64 && fixture_counter(fixture, "clients") == 2; i++) {
        raw_send(deaf, REQUEST("1", "big"));
        raw_send(other, REQUEST("2", "ping"));
        raw_expect(other, RESULT("2", "\"pong\""));
    }
    WAIT_UNTIL(fixture, fixture_counter(fixture, "clients") == 1);
    raw_send(other, REQUEST("3", "ping"));
    raw_expect(other, RESULT("3", "\"pong\""));
    raw_close(other);
    raw_close(deaf);
}

/* A slow reader whose answers fit is not dropped. */
static void test_a_client_that_reads_late(void **state)
{
    struct fixture *fixture = *state;
    struct raw *late = raw_connect(fixture);

    event_del(late->event);
    for (int i = 0; i < 24; i++)
        raw_send(late, REQUEST("1", "big"));
    WAIT_UNTIL(fixture, fixture_counter(fixture, "requests") == 24);
    event_add(late->event, NULL);
    for (int i = 0; i < 24; i++)
        assert_int_equal(strlen(raw_line(late)), strlen(RESULT("1", "\"\"")) + 32 * 1024 - 1);
    raw_close(late);
}

static void test_exactly_one_answer_in_any_order(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = raw_connect(fixture);
    char line[128];

    for (int i = 0; i < RPC_PENDING_MAX; i++) {
        snprintf(line, sizeof line, REQUEST("%d", "hold"), i);
        raw_send(raw, line);
    }
    raw_send(raw, REQUEST("\"over\"", "hold"));
    raw_expect_error(raw, "\"over\"", REASON_OVERLOAD);
    assert_int_equal(fixture->held_count, RPC_PENDING_MAX);
    for (int i = RPC_PENDING_MAX - 1; i >= 0; i--)
        rpc_call_reply(fixture->held[i], json_object_new_int(i));
    for (int i = RPC_PENDING_MAX - 1; i >= 0; i--) {
        snprintf(line, sizeof line, RESULT("%d", "%d"), i, i);
        raw_expect(raw, line);
    }
    raw_send(raw, REQUEST("\"end\"", "ping"));
    raw_expect(raw, RESULT("\"end\"", "\"pong\"")); /* nothing came between */
    raw_close(raw);
}

/* A thousand requests in one write do not keep another client waiting for all of them. */
static void test_work_is_shared(void **state)
{
    static const char line[] = REQUEST("1", "ping");
    enum { COUNT = 1000 };
    struct fixture *fixture = *state;
    struct raw *greedy = raw_connect(fixture);
    struct raw *other = raw_connect(fixture);
    char *lines = malloc(COUNT * sizeof line);

    for (size_t i = 0; i < COUNT; i++)
        memcpy(lines + i * (sizeof line - 1), line, sizeof line);
    WAIT_UNTIL(fixture, fixture_counter(fixture, "clients") == 2);
    raw_send(greedy, lines);
    raw_send(other, REQUEST("2", "ping"));
    raw_expect(other, RESULT("2", "\"pong\""));
    assert_true(fixture_counter(fixture, "requests") < COUNT / 2);
    for (size_t i = 0; i < COUNT; i++)
        raw_expect(greedy, RESULT("1", "\"pong\""));
    free(lines);
    raw_close(greedy);
    raw_close(other);
}

static void test_socket_mode(void **state)
{
    struct fixture *fixture = *state;
    struct stat st;

    assert_int_equal(stat(fixture->path, &st), 0);
    assert_int_equal(st.st_mode, S_IFSOCK | 0660);
}

static void set_true(void *arg)
{
    *(bool *)arg = true;
}

static void test_stop_answers_what_is_pending(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = raw_connect(fixture);
    bool stopped = false;

    raw_send(raw, REQUEST("1", "hold"));
    WAIT_UNTIL(fixture, fixture->held_count == 1);
    rpc_server_stop(fixture->server, set_true, &stopped);
    assert_int_equal(rpc_socket_connect(fixture->path), -1);
    raw_send(raw, REQUEST("2", "ping"));
    raw_line(raw);
    assert_non_null(strstr(raw->line, "\"data\":{\"reason\":\"stopping\",\"begun\":false}"));
    assert_false(stopped);
    rpc_call_reply(fixture->held[0], json_object_new_int(1));
    assert_false(stopped); /* only from the loop */
    WAIT_UNTIL(fixture, stopped);
    raw_expect(raw, RESULT("1", "1"));
    raw_close(raw);
}

static void test_stop_without_anything_to_do(void **state)
{
    struct fixture *fixture = *state;
    bool stopped = false;

    rpc_server_stop(fixture->server, set_true, &stopped);
    assert_false(stopped);
    WAIT_UNTIL(fixture, stopped);
}

static void test_free_answers_what_is_pending(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = raw_connect(fixture);

    raw_send(raw, REQUEST("1", "hold"));
    WAIT_UNTIL(fixture, fixture->held_count == 1);
    rpc_server_free(fixture->server);
    fixture->server = NULL;
    raw_expect_error(raw, "1", REASON_STOPPING);
    WAIT_UNTIL(fixture, raw->closed);
    raw_close(raw);
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void test_stale_socket_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw;

    close(listen_at(fixture->path));
    assert_int_equal(access(fixture->path, F_OK), 0);
    fixture_start_server(fixture);
    raw = raw_connect(fixture);
    raw_send(raw, REQUEST("1", "ping"));
    raw_expect(raw, RESULT("1", "\"pong\""));
    raw_close(raw);
}

static void test_live_instance_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw;
    int status;

    assert_null(fixture_serve(fixture->base, fixture->path, fixture, &status));
    assert_int_equal(status, EXIT_LIVE_INSTANCE);
    raw = raw_connect(fixture);
    raw_send(raw, REQUEST("1", "ping"));
    raw_expect(raw, RESULT("1", "\"pong\""));
    raw_close(raw);
}

/* Somebody listens who has no lock. */
static void test_foreign_listener_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    int fd = listen_at(fixture->path);
    int status;

    assert_null(fixture_serve(fixture->base, fixture->path, fixture, &status));
    assert_int_equal(status, EXIT_LIVE_INSTANCE);
    assert_int_equal(access(fixture->path, F_OK), 0);
    close(fd);
    unlink(fixture->path);
}

static void test_other_files_are_left_alone(void **state)
{
    struct fixture *fixture = *state;
    int fd = open(fixture->path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    char long_path[256];
    int status;

    close(fd);
    assert_null(fixture_serve(fixture->base, fixture->path, fixture, &status));
    assert_int_equal(status, EXIT_FAILURE);
    assert_int_equal(unlink(fixture->path), 0);
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    assert_null(fixture_serve(fixture->base, long_path, fixture, &status));
    assert_int_equal(status, EXIT_FAILURE);
    assert_null(fixture_serve(fixture->base, "/nonexistent/s.sock", fixture, &status));
    assert_int_equal(status, EXIT_FAILURE);
}

/* Without a free descriptor the server waits, without spinning, and then serves. */
static void test_no_descriptor_left(void **state)
{
    struct fixture *fixture = *state;
    struct raw *raw = raw_connect(fixture);
    struct rlimit limit, low;
    int turns = 0;
    int64_t until_us;

    raw_send(raw, REQUEST("1", "ping"));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    until_us = clock_us() + 350 * US_PER_MS;
    WAIT_UNTIL(fixture, turns++ > 1000 || clock_us() > until_us);
    assert_true(turns < 20);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    raw_expect(raw, RESULT("1", "\"pong\""));
    raw_close(raw);
}

static void test_param_text(void **state)
{
    struct json_object *params = json_tokener_parse(
        "{\"s\":\"350.0\",\"d\":1.0E-4,\"i\":52,\"b\":true,\"n\":null,\"o\":{},\"z\":3.30}");

    (void)state;
    assert_string_equal(rpc_param_text(params, "s"), "350.0");
    assert_string_equal(rpc_param_text(params, "d"), "1.0E-4");
    assert_string_equal(rpc_param_text(params, "i"), "52");
    assert_string_equal(rpc_param_text(params, "z"), "3.30");
    assert_null(rpc_param_text(params, "b"));
    assert_null(rpc_param_text(params, "n"));
    assert_null(rpc_param_text(params, "o"));
    assert_null(rpc_param_text(params, "missing"));
    json_object_put(params);
}

#define WITH_SERVER(test)                                                                          \
    cmocka_unit_test_setup_teardown(test, fixture_set_up_server, fixture_tear_down)
#define WITHOUT_SERVER(test)                                                                       \
    cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_several_lines_in_one_write),
        WITH_SERVER(test_one_line_in_many_writes),
        WITH_SERVER(test_half_a_line_and_gone),
        WITH_SERVER(test_answers_after_half_close),
        WITH_SERVER(test_abandoned_call),
        WITH_SERVER(test_cancelled_call),
        WITH_SERVER(test_cancel_needs_no_room),
        WITH_SERVER(test_abandoned_after_half_close),
        WITH_SERVER(test_longest_line),
        WITH_SERVER(test_too_long_lines),
        WITH_SERVER(test_errors_leave_the_connection_usable),
        WITH_SERVER(test_parameters_of_the_handlers_own),
        WITH_SERVER(test_list_methods),
        WITH_SERVER(test_deadline_of_a_call),
        WITH_SERVER(test_a_hundred_clients),
        WITH_SERVER(test_one_client_too_many),
        WITH_SERVER(test_a_client_that_never_reads),
        WITH_SERVER(test_a_client_that_reads_late),
        WITH_SERVER(test_exactly_one_answer_in_any_order),
        WITH_SERVER(test_work_is_shared),
        WITH_SERVER(test_socket_mode),
        WITH_SERVER(test_stop_answers_what_is_pending),
        WITH_SERVER(test_stop_without_anything_to_do),
        WITH_SERVER(test_free_answers_what_is_pending),
        WITHOUT_SERVER(test_stale_socket_is_replaced),
        WITH_SERVER(test_live_instance_is_left_alone),
        WITHOUT_SERVER(test_foreign_listener_is_left_alone),
        WITHOUT_SERVER(test_other_files_are_left_alone),
        WITH_SERVER(test_no_descriptor_left),
        cmocka_unit_test(test_param_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
