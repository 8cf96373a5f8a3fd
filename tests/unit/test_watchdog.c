/* SPDX-License-Identifier: Apache-2.0 */
/* The watchdog on a real event loop and a real datagram socket. */
#include "common/watchdog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/config.h"
#include "dcdcd/port.h"

static bool alive;
static unsigned asked;

static bool is_alive(void *app)
{
    (void)app;
    asked++;
    return alive;
}

/* The manager's socket: an abstract one. */
static int open_manager(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), length;
    char name[128];

    length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "test_watchdog.%d",
                      (int)getpid());
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length)),
                     0);
    snprintf(name, sizeof name, "@%s", address.sun_path + 1);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static bool fed(int manager)
{
    char text[32] = "";

    return recv(manager, text, sizeof text - 1, 0) > 0 && strcmp(text, "WATCHDOG=1") == 0;
}

static void run_until_asked(struct event_base *base, unsigned times)
{
    asked = 0;
    while (asked < times)
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
}

static void fed_only_while_alive(void **state)
{
    struct event_base *base = event_base_new();
    int manager = open_manager();
    struct watchdog *watchdog;

    (void)state;
    setenv("WATCHDOG_USEC", "20000", 1);
    unsetenv("WATCHDOG_PID");
    watchdog = watchdog_new(base, is_alive, NULL);
    assert_non_null(watchdog);
    alive = true;
    run_until_asked(base, 2);
    assert_true(fed(manager) && fed(manager) && !fed(manager));
    alive = false;
    run_until_asked(base, 3);
    assert_false(fed(manager));
    alive = true;
    run_until_asked(base, 1);
    assert_true(fed(manager));
    watchdog_free(watchdog);
    close(manager);
    event_base_free(base);
}

/* After the process was frozen the answer is no at first: no whole interval may pass then. */
static void asked_again_soon(void **state)
{
    struct event_base *base = event_base_new();
    struct watchdog *watchdog;
    int manager = open_manager();
    int64_t began_us;

    (void)state;
    setenv("WATCHDOG_USEC", "3000000", 1); /* an interval of 1.5 s */
    watchdog = watchdog_new(base, is_alive, NULL);
    alive = false;
    run_until_asked(base, 1);
    began_us = clock_us();
    run_until_asked(base, 2);
    assert_true(clock_us() - began_us < 2 * 1500 * US_PER_MS);
    assert_false(fed(manager));
    watchdog_free(watchdog);
    close(manager);
    event_base_free(base);
}

static void nobody_asks_for_it(void **state)
{
    struct event_base *base = event_base_new();

    (void)state;
    unsetenv("WATCHDOG_USEC");
    assert_null(watchdog_new(base, is_alive, NULL));
    watchdog_free(NULL);
    event_base_free(base);
}

/* A port's machine that is not let run, though something is due. */
static void the_converter_s_port(void **state)
{
    static struct config config = {.dcdc_dev.port = {.path = "/nowhere/dcdc", .baud = 19200}};
    struct event_base *base = event_base_new();
    struct port *port = port_new(base, &config, "/nowhere");

    (void)state;
    assert_non_null(port);
    assert_true(port_alive(port, clock_us()));
    assert_false(port_alive(port, clock_us() + 60 * (int64_t)US_PER_S));
    assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
    assert_true(port_alive(port, clock_us()));
    port_free(port);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fed_only_while_alive),
        cmocka_unit_test(asked_again_soon),
        cmocka_unit_test(nobody_asks_for_it),
        cmocka_unit_test(the_converter_s_port),
    };

    return cmocka_run_group_tests_name("watchdog", tests, NULL, NULL);
}
