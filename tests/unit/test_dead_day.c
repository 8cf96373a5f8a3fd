/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hours with dead hardware in seconds: what dcdcd's port and guards write into the log. Time is
 * the test's: this program's clock_gettime and epoll_wait take the place of the C library's, also
 * for libevent, and whoever waits makes the time pass.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/log_limit.h"
#include "common/rpc_server.h"
#include "dcdcd/guard_runner.h"

/* A device that is dead all day may have 100 lines. */
enum { FIRST_LINES = 10, MODULES = 5 /* that a loose cable sets going */ };

#define HOUR_US (3600 * (int64_t)US_PER_S)

/* DEAD_HOURS=24 makes it a day, in minutes. */
static int64_t whole_us(void)
{
    const char *hours = getenv("DEAD_HOURS");

    return (hours != NULL ? atoi(hours) : 1) * HOUR_US;
}

static int64_t now_us = 1000 * (int64_t)US_PER_S;

/* Looking at the clock takes time, too. */
int clock_gettime(clockid_t clock, struct timespec *t)
{
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)
        return (int)syscall(SYS_clock_gettime, clock, t);
    *t = timespec_of_us(now_us++);
    return 0;
}

/* When nothing has happened, the time that would have been waited has passed. */
int epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms)
{
    int found = (int)syscall(SYS_epoll_pwait, epoll, events, count, 0, NULL, 8);

    if (found == 0 && timeout_ms > 0)
        now_us += (int64_t)timeout_ms * US_PER_MS;
    assert_true(found != 0 || timeout_ms >= 0); /* nothing would ever happen again */
    return found;
}

struct world {
    char dir[64], link[96];
    struct config config;
    struct event_base *base;
    int master;
    struct event *drain;
    struct port *port;
    struct guard_runner *guards;
    struct rpc_server *battd;
    unsigned asked;
    int log, stderr_before;
    struct request poll;
    bool polling;
    struct event *every_5_s, *every_10_s;
};

static void on_drain(evutil_socket_t fd, short what, void *arg)
{
    char bytes[512];

    (void)what, (void)arg;
    while (read(fd, bytes, sizeof bytes) > 0) {
    }
}

/* A serial line with nobody at its other end who would answer. */
static void plug_in(struct world *world)
{
    world->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(world->master >= 0);
    assert_int_equal(unlockpt(world->master), 0);
    unlink(world->link);
    assert_int_equal(symlink(ptsname(world->master), world->link), 0);
    world->drain = event_new(world->base, world->master, EV_READ | EV_PERSIST, on_drain, world);
    event_add(world->drain, NULL);
}

static void unplug(struct world *world)
{
    if (world->master < 0)
        return;
    event_free(world->drain);
    close(world->master);
    world->master = -1;
    unlink(world->link);
}

/* The supervisor asks, and never gets an answer. */
static void on_poll_done(struct request *request, struct json_object *result,
                         const struct failure *failure)
{
    struct world *world = (struct world *)((char *)request - offsetof(struct world, poll));

    assert_non_null(failure);
    json_object_put(result);
    world->polling = false;
}

static void on_5_s(evutil_socket_t fd, short what, void *arg)
{
    struct world *world = arg;

    (void)fd, (void)what;
    if (world->polling)
        return;
    world->polling = true;
    world->poll = (struct request){.call.method = controller_method_find("remote_get"),
                                   .arrived_us = clock_us(),
                                   .deadline_us = clock_us() + 4 * US_PER_S,
                                   .done = on_poll_done};
    port_submit(world->port, &world->poll);
}

static void on_10_s(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
    log_sum_up(clock_us());
}

static void on_cable(evutil_socket_t fd, short what, void *arg)
{
    struct world *world = arg;

    (void)fd, (void)what;
    if (world->master >= 0)
        unplug(world);
    else
        plug_in(world);
}

/* battd's: the battery cannot be read, for reasons that change. */
static void check_battery(struct rpc_call *call, struct json_object *params, void *app)
{
    struct world *world = app;

    (void)params;
    rpc_call_fail_with(call, REASON_BATTERY, "modbus io exception: %s",
                       world->asked++ % 2 ? "no answer within 1 s" : "checksum error");
}

static struct event *repeat(struct world *world, event_callback_fn run, int64_t period_us)
{
    struct timeval period = timeval_of_us(period_us);
    struct event *event = event_new(world->base, -1, EV_PERSIST, run, world);

    event_add(event, &period);
    return event;
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);

    snprintf(world->dir, sizeof world->dir, "/tmp/test_dead_day.XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    snprintf(world->link, sizeof world->link, "%s/dcdc", world->dir);
    world->config.dcdc_dev.port = (struct config_port){.baud = 19200, .stop_bits = 1};
    snprintf(world->config.dcdc_dev.port.path, sizeof world->config.dcdc_dev.port.path, "%s",
             world->link);
    world->config.dcdc = (struct config_dcdc){
        .dcdc_error_retries = 3,
        .timeout_retries = 3,
        .wait_for_retry_us = 100 * US_PER_MS,
        .reply_timeout_us = 100 * US_PER_MS,
        .command_interval_us = 62 * US_PER_MS,
        .battery_check_interval_us = 10 * US_PER_S,
        .supervisor_timeout_us = 60 * US_PER_S,
    };
    world->config.battery.force_dcdc_waiting = true;
    world->base = event_base_new();
    world->master = -1;
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    char command[128];

    unplug(world);
    event_base_free(world->base);
    snprintf(command, sizeof command, "rm -rf '%s'", world->dir);
    assert_int_equal(system(command), 0);
    free(world);
    return 0;
}

static void start(struct world *world, bool battd_lives)
{
    static const struct rpc_method methods[] = {{.name = "check_battery", .run = check_battery}};
    char path[128];
    int status;

    world->log = open(world->dir, O_TMPFILE | O_RDWR, 0600);
    assert_true(world->log >= 0);
    world->stderr_before = dup(STDERR_FILENO);
    dup2(world->log, STDERR_FILENO);
    snprintf(path, sizeof path, "%s/battd.sock", world->dir);
    if (battd_lives)
        world->battd = rpc_server_new(world->base, path, methods, 1, world, &status);
    world->port = port_new(world->base, &world->config, world->dir);
    world->guards = guard_runner_new(world->base, &world->config, path, world->port);
    world->every_5_s = repeat(world, on_5_s, 5 * US_PER_S);
    world->every_10_s = repeat(world, on_10_s, 10 * US_PER_S);
}

static unsigned lines(const struct world *world)
{
    unsigned count = 0;
    char buffer[4096];
    off_t at = 0;
    ssize_t size;

    for (; (size = pread(world->log, buffer, sizeof buffer, at)) > 0; at += size)
        for (ssize_t i = 0; i < size; i++)
            count += buffer[i] == '\n';
    return count;
}

static void live(struct world *world, int64_t for_us)
{
    struct timeval wait = timeval_of_us(for_us);

    event_base_loopexit(world->base, &wait);
    assert_int_equal(event_base_dispatch(world->base), 0);
    assert_true(guard_runner_alive(world->guards) && port_alive(world->port, clock_us()));
}

static void end(struct world *world)
{
    port_free(world->port);
    guard_runner_free(world->guards);
    rpc_server_free(world->battd);
    event_free(world->every_5_s);
    event_free(world->every_10_s);
    dup2(world->stderr_before, STDERR_FILENO);
    close(world->stderr_before);
    close(world->log);
}

/* All is said within a minute: no line more, not if it were for days. */
static void expect_silence(struct world *world)
{
    unsigned first, all;

    live(world, 60 * (int64_t)US_PER_S);
    first = lines(world);
    live(world, whole_us());
    all = lines(world);
    end(world);
    assert_in_range(first, 1, FIRST_LINES);
    assert_int_equal(all, first);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static void no_such_port(void **state)
{
    start(*state, true);
    expect_silence(*state);
}

static void a_port_that_another_program_holds(void **state)
{
    struct world *world = *state;
    int holder;

    plug_in(world);
    holder = open(world->link, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_int_equal(flock(holder, LOCK_EX), 0);
    start(world, true);
    expect_silence(world);
    close(holder);
}

static void a_silent_converter(void **state)
{
    struct world *world = *state;

    plug_in(world);
    start(world, true);
    expect_silence(world);
}

static void battd_is_missing_too(void **state)
{
    start(*state, false);
    expect_silence(*state);
}

/* It comes for long enough to be back, and goes: bounded, whatever else it sets going. */
static void a_loose_cable(void **state)
{
    struct world *world = *state;
    int64_t hours = whole_us() / HOUR_US;
    struct event *cable;
    unsigned all;

    plug_in(world);
    start(world, true);
    cable = repeat(world, on_cable, 4 * US_PER_S);
    live(world, hours > 1 ? whole_us() : HOUR_US / 6);
    event_free(cable);
    all = lines(world);
    end(world);
    assert_in_range(all, LOG_LIMIT_BURST, MODULES * (LOG_LIMIT_BURST + hours));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_such_port),       TEST(a_port_that_another_program_holds),
        TEST(a_silent_converter), TEST(battd_is_missing_too),
        TEST(a_loose_cable),
    };

    return cmocka_run_group_tests_name("dead_day", tests, NULL, NULL);
}
