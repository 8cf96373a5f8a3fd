/* SPDX-License-Identifier: Apache-2.0 */
/* Opening ports, on pseudo terminals. */
#include "common/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/serial_holder.h"

/* Where the low half of a 64-bit argument lies. */
enum { LOW_HALF = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0 };

struct fixture {
    int master;
    struct config_port port;
    struct failure failure;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    fixture->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_true(fixture->master >= 0);
    assert_int_equal(grantpt(fixture->master), 0);
    assert_int_equal(unlockpt(fixture->master), 0);
    snprintf(fixture->port.path, sizeof fixture->port.path, "%s", ptsname(fixture->master));
    fixture->port.baud = 19200;
    fixture->port.parity = CONFIG_PARITY_NONE;
    fixture->port.stop_bits = 1;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    if (fixture->master >= 0)
        close(fixture->master);
    free(fixture);
    return 0;
}

static int open_port(struct fixture *fixture)
{
    int fd = serial_open(&fixture->port, &fixture->failure);

    if (fd < 0)
        fail_msg("%s", fixture->failure.text);
    return fd;
}

static void expect_refused(struct fixture *fixture, const char *text)
{
    char expected[FAILURE_TEXT_SIZE];

    assert_int_equal(serial_open(&fixture->port, &fixture->failure), -1);
    assert_int_equal(fixture->failure.reason, REASON_PORT);
    snprintf(expected, sizeof expected, "%.255s: %s", fixture->port.path, text);
    assert_string_equal(fixture->failure.text, expected);
}

/* Everything that goes in on one side comes out on the other, as it is. */
static void expect_through(int from, int to)
{
    unsigned char sent[256], got[256];
    size_t count = 0;

    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (unsigned char)i;
    assert_int_equal(write(from, sent, sizeof sent), sizeof sent);
    while (count < sizeof got) {
        struct pollfd ready = {.fd = to, .events = POLLIN};
        ssize_t length;

        assert_int_equal(poll(&ready, 1, 1000), 1);
        length = read(to, got + count, sizeof got - count);
        assert_true(length > 0);
        count += (size_t)length;
    }
    assert_memory_equal(got, sent, sizeof sent);
    assert_int_equal(read(to, got, 1), -1); /* and nothing more, not even an echo */
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(read(from, got, 1), -1);
    assert_int_equal(errno, EAGAIN);
}

static void test_bytes_pass_unchanged(void **state)
{
    struct fixture *fixture = *state;
    int fd = open_port(fixture);

    expect_through(fd, fixture->master);
    expect_through(fixture->master, fd);
    close(fd);
}

static void test_settings(void **state)
{
    struct fixture *fixture = *state;
    struct termios settings;
    int fd;

    fixture->port.baud = 9600;
    fixture->port.stop_bits = 2;
    fd = open_port(fixture);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    assert_int_equal(tcgetattr(fd, &settings), 0);
    assert_int_equal(cfgetispeed(&settings), B9600);
    assert_int_equal(cfgetospeed(&settings), B9600);
    assert_int_equal(settings.c_cflag & (CSTOPB | CSIZE | CLOCAL | CREAD),
                     CSTOPB | CS8 | CLOCAL | CREAD);
    assert_int_equal(settings.c_cflag & (CRTSCTS | HUPCL | PARENB), 0);
    assert_int_equal(settings.c_cc[VMIN], 1);
    assert_int_equal(settings.c_cc[VTIME], 0);
    close(fd);
}

/* What arrived before the port was opened is nobody's answer. */
static void test_old_bytes_are_dropped(void **state)
{
    struct fixture *fixture = *state;
    int holder = open(fixture->port.path, O_RDWR | O_NOCTTY);
    unsigned char byte;
    int fd;

    assert_int_equal(write(fixture->master, "old\n", 4), 4);
    fd = open_port(fixture);
    assert_int_equal(read(fd, &byte, 1), -1);
    assert_int_equal(errno, EAGAIN);
    close(fd);
    close(holder);
}

static void test_hang_up(void **state)
{
    struct fixture *fixture = *state;
    int fd = open_port(fixture);
    unsigned char byte;
    ssize_t count;

    close(fixture->master);
    fixture->master = -1;
    count = read(fd, &byte, 1);
    assert_true(count == 0 || (count < 0 && errno == EIO));
    close(fd);
}

static void test_second_open_names_the_holder(void **state)
{
    struct fixture *fixture = *state;
    int fd = open_port(fixture);
    char expected[128], name[16];

    assert_int_equal(prctl(PR_GET_NAME, name), 0); /* under an emulator its name */
    snprintf(expected, sizeof expected, "in use by process %ld (%s)", (long)getpid(), name);
    expect_refused(fixture, expected);
    close(fd);
    close(open_port(fixture));
}

/* The mark would outlive its owner on a pseudo terminal: opening again must work there. */
static void test_lock_of_an_open_port(void **state)
{
    struct fixture *fixture = *state;
    int fd = open(fixture->port.path, O_RDWR | O_NOCTTY);
    int other = open(fixture->port.path, O_RDWR | O_NOCTTY);

    assert_int_equal(serial_lock(fd, fixture->port.path, &fixture->failure), 0);
    assert_int_equal(serial_lock(fd, fixture->port.path, &fixture->failure), 0);
    assert_int_equal(serial_lock(other, fixture->port.path, &fixture->failure), -1);
    assert_int_equal(fixture->failure.reason, REASON_PORT);
    close(fd);
    assert_int_equal(serial_lock(other, fixture->port.path, &fixture->failure), 0);
    close(other);
}

static void test_missing_file(void **state)
{
    struct fixture *fixture = *state;

    snprintf(fixture->port.path, sizeof fixture->port.path, "/dev/nonexistent");
    expect_refused(fixture, "No such file or directory");
}

static void test_not_a_port(void **state)
{
    struct fixture *fixture = *state;
    int fd;

    snprintf(fixture->port.path, sizeof fixture->port.path, "/tmp/test-serial-XXXXXX");
    fd = mkstemp(fixture->port.path);
    assert_true(fd >= 0);
    expect_refused(fixture, "not a serial port");
    close(fd);
    unlink(fixture->port.path);
}

static void test_speeds(void **state)
{
    static const unsigned good[] = {1200, 9600, 19200, 38400, 57600, 115200, 230400, 921600};
    static const unsigned bad[] = {0, 1, 19201, 4000000000U};
    struct fixture *fixture = *state;
    char expected[64];

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        fixture->port.baud = good[i];
        close(open_port(fixture));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fixture->port.baud = bad[i];
        snprintf(expected, sizeof expected, "speed %u is not supported", bad[i]);
        expect_refused(fixture, expected);
    }
}

static void become_nobody(void)
{
    if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
        _exit(2);
}

/* As a unit's DevicePolicy= does: opening for writing is answered with EPERM. */
static void forbid_devices(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2]) + LOW_HALF),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_RDWR, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(2);
}

/* In a child that cannot open the port: the error ends like this. */
static void expect_denied(struct fixture *fixture, void (*prepare)(void), const char *expected)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        prepare();
        if (serial_open(&fixture->port, &fixture->failure) != -1)
            _exit(3);
        _exit(strstr(fixture->failure.text, expected) != NULL ? 0 : 4);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
        skip(); /* no leave to prepare it */
    assert_int_equal(status, 0);
}

/* A process that has the port open exclusively, without a lock, until it is ended. */
static pid_t start_holder(struct fixture *fixture, void (*prepare)(void))
{
    int ready[2], fd;
    char byte = 0;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        close(fixture->master);
        prctl(PR_SET_NAME, "minicom");
        prepare();
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fd = open(fixture->port.path, O_RDWR | O_NOCTTY);
        byte = ioctl(fd, TIOCEXCL) == 0;
        if (write(ready[1], &byte, 1) == 1)
            pause();
        _exit(0);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    assert_int_equal(byte, 1);
    return pid;
}

static void end_holder(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Where ownership does not matter. */
static void stay(void)
{
}

/* Who changes its user is hidden at first, as what it read as the other one would be. */
static void become_visible_nobody(void)
{
    if (geteuid() == 0)
        become_nobody();
    prctl(PR_SET_DUMPABLE, 1);
}

static void test_who_has_it_open_is_named(void **state)
{
    struct fixture *fixture = *state;
    char text[SERIAL_HOLDER_SIZE], expected[64], link[64];
    pid_t holder;

    assert_string_equal(serial_holder(fixture->port.path, text), "another program");
    assert_string_equal(serial_holder("/nowhere", text), "another program");
    holder = start_holder(fixture, stay);
    snprintf(expected, sizeof expected, "process %ld (minicom)", (long)holder);
    assert_string_equal(serial_holder(fixture->port.path, text), expected);
    snprintf(link, sizeof link, "/tmp/test-serial-%ld", (long)getpid());
    assert_int_equal(symlink(fixture->port.path, link), 0);
    assert_string_equal(serial_holder(link, text), expected);
    unlink(link);
    end_holder(holder);
    assert_string_equal(serial_holder(fixture->port.path, text), "another program");
}

/* Without a lock, by TIOCEXCL: root is not kept out by that. */
static void test_exclusive_use_names_the_holder(void **state)
{
    struct fixture *fixture = *state;
    char expected[64];
    pid_t holder;

    assert_int_equal(chmod(fixture->port.path, 0666), 0);
    holder = start_holder(fixture, become_visible_nobody);
    snprintf(expected, sizeof expected, ": in use by process %ld (minicom)", (long)holder);
    expect_denied(fixture, become_visible_nobody, expected);
    end_holder(holder);
}

/* What another user has open is not told. */
static void test_a_holder_that_is_not_seen(void **state)
{
    struct fixture *fixture = *state;
    pid_t holder;

    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(fixture->port.path, 0666), 0);
    holder = start_holder(fixture, stay);
    expect_denied(fixture, become_nobody, ": in use by another program");
    end_holder(holder);
}

/* The error says which group is missing. */
static void test_permission_denied(void **state)
{
    struct fixture *fixture = *state;
    const struct group *group = getgrgid(20);
    char expected[128];

    if (geteuid() != 0)
        skip();
    snprintf(expected, sizeof expected,
             "permission denied: it belongs to group %s (gid 20), which this user is not in",
             group != NULL ? group->gr_name : "?");
    assert_int_equal(chown(fixture->port.path, 0, 20), 0);
    assert_int_equal(chmod(fixture->port.path, 0660), 0);
    expect_denied(fixture, become_nobody, expected);
}

/* No group would help: a rule does. */
static void test_no_group_may(void **state)
{
    struct fixture *fixture = *state;

    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(fixture->port.path, 0640), 0);
    expect_denied(fixture, become_nobody,
                  "permission denied: its mode is 0640, a udev rule must give it to a group");
}

static void test_the_unit_forbids(void **state)
{
    expect_denied(*state, forbid_devices, "not permitted: the unit lacks DeviceAllow=char-pts rw");
}

static void test_time_on_the_line(void **state)
{
    static const struct {
        unsigned baud;
        enum config_parity parity;
        unsigned stop_bits;
        size_t count;
        int64_t us;
    } rows[] = {
        {19200, CONFIG_PARITY_NONE, 1, 7, 3645}, {9600, CONFIG_PARITY_NONE, 1, 8, 8333},
        {9600, CONFIG_PARITY_EVEN, 1, 9, 10312}, {9600, CONFIG_PARITY_ODD, 2, 96, 120000},
        {1200, CONFIG_PARITY_NONE, 1, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config_port port = {
            .baud = rows[i].baud, .parity = rows[i].parity, .stop_bits = rows[i].stop_bits};

        assert_int_equal(serial_time_us(&port, rows[i].count), rows[i].us);
    }
}

#define ON_PTY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_PTY(test_bytes_pass_unchanged),
        ON_PTY(test_settings),
        ON_PTY(test_old_bytes_are_dropped),
        ON_PTY(test_hang_up),
        ON_PTY(test_second_open_names_the_holder),
        ON_PTY(test_lock_of_an_open_port),
        ON_PTY(test_missing_file),
        ON_PTY(test_not_a_port),
        ON_PTY(test_speeds),
        ON_PTY(test_who_has_it_open_is_named),
        ON_PTY(test_exclusive_use_names_the_holder),
        ON_PTY(test_a_holder_that_is_not_seen),
        ON_PTY(test_permission_denied),
        ON_PTY(test_no_group_may),
        ON_PTY(test_the_unit_forbids),
        cmocka_unit_test(test_time_on_the_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
