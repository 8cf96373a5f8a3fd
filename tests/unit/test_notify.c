/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to the service manager arrive on a real datagram socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/notify.h"

static int listen_on(const char *name, size_t length)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memcpy(address.sun_path, name, length);
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    return fd;
}

static void expect(int fd, const char *text)
{
    char buffer[64] = "";

    assert_int_equal(recv(fd, buffer, sizeof buffer - 1, 0), strlen(text));
    assert_string_equal(buffer, text);
}

static void states_arrive(void **state)
{
    char directory[] = "/tmp/test_notify.XXXXXX", name[64];
    int fd;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(name, sizeof name, "%s/socket", directory);
    fd = listen_on(name, strlen(name));
    setenv("NOTIFY_SOCKET", name, 1);
    assert_true(notify_send("READY=1"));
    expect(fd, "READY=1");
    close(fd);
    assert_false(notify_send("WATCHDOG=1"));
    unlink(name);
    rmdir(directory);
    snprintf(name, sizeof name, "@test_notify.%d", (int)getpid());
    setenv("NOTIFY_SOCKET", name, 1);
    name[0] = '\0';
    fd = listen_on(name, 1 + strlen(name + 1));
    assert_true(notify_send("STOPPING=1"));
    expect(fd, "STOPPING=1");
    close(fd);
    unsetenv("NOTIFY_SOCKET");
    assert_false(notify_send("READY=1"));
    setenv("NOTIFY_SOCKET", "relative", 1);
    assert_false(notify_send("READY=1"));
}

static void the_watchdog_is_asked_for_by_pid(void **state)
{
    char pid[16];

    (void)state;
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    assert_int_equal(notify_watchdog_us(), 0);
    setenv("WATCHDOG_USEC", "3000000", 1);
    assert_int_equal(notify_watchdog_us(), 1500000);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(notify_watchdog_us(), 1500000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(notify_watchdog_us(), 0);
    setenv("WATCHDOG_PID", pid, 1);
    setenv("WATCHDOG_USEC", "soon", 1);
    assert_int_equal(notify_watchdog_us(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_arrive),
        cmocka_unit_test(the_watchdog_is_asked_for_by_pid),
    };

    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
