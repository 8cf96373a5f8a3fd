/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines as they arrive on stderr. */
#include "common/log.h"

#include <errno.h>
#include <setjmp.h>
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
#include "common/log_limit.h"

static int saved_stderr;
static int file;

static void capture(void)
{
    char path[] = "/tmp/test-log-XXXXXX";

    saved_stderr = dup(STDERR_FILENO);
    file = mkstemp(path);
    unlink(path);
    dup2(file, STDERR_FILENO);
}

static void expect_logged(const char *expected)
{
    char text[8192];
    ssize_t length = pread(file, text, sizeof text - 1, 0);

    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(file);
    text[length > 0 ? length : 0] = '\0';
    assert_string_equal(text, expected);
}

static void test_lines(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    capture();
    log_init("dcdcd", false);
    log_info("port", "%s is back after %.1f s", "/dev/ttyO2", 3.24);
    log_error("link", "bad\tname\n%s", "x\x7f");
    log_debug("link", "not wanted");
    expect_logged("dcdcd: port: /dev/ttyO2 is back after 3.2 s\ndcdcd: link: bad?name?x?\n");
}

static void test_priorities_for_the_journal(void **state)
{
    char stream[64];
    struct stat st;

    (void)state;
    capture();
    fstat(STDERR_FILENO, &st);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_init("dcdcd", true);
    log_error("a", "1");
    log_warning("a", "2");
    log_info("a", "3");
    log_debug("a", "4");
    expect_logged("<3>a: 1\n<4>a: 2\n<6>a: 3\n<7>a: 4\n");
}

static void test_another_journal_stream(void **state)
{
    (void)state;
    setenv("JOURNAL_STREAM", "1:2", 1);
    capture();
    log_init("battd", false);
    log_info("a", "1");
    expect_logged("battd: a: 1\n");
    unsetenv("JOURNAL_STREAM");
}

static void test_errno_is_kept(void **state)
{
    (void)state;
    capture();
    log_init("battd", false);
    errno = ENOENT;
    log_info("a", "%s", "text");
    assert_int_equal(errno, ENOENT);
    close(STDERR_FILENO);
    log_info("a", "nobody hears this");
    assert_int_equal(errno, ENOENT);
    expect_logged("battd: a: text\n");
}

static void test_long_lines_are_cut(void **state)
{
    char text[5000], expected[1025];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    snprintf(expected, sizeof expected, "battd: a: %.1012s\n", text);
    capture();
    log_init("battd", false);
    log_info("a", "%s", text);
    expect_logged(expected);
}

/* The module's own: what other tests have written counts too. */
static void test_repeats_are_held_back_and_summed_up(void **state)
{
    char expected[4096] = "";
    size_t used = 0;

    (void)state;
    for (int i = 0; i < LOG_LIMIT_BURST; i++)
        used +=
            (size_t)snprintf(expected + used, sizeof expected - used, "battd: cable: lost %d\n", i);
    snprintf(expected + used, sizeof expected - used, "%s",
             "battd: audit: a set\nbattd: other: lost\n"
             "battd: cable: 3 more in 0 s, the last: lost 22\n");
    capture();
    log_init("battd", false);
    for (int i = 0; i < LOG_LIMIT_BURST + 3; i++)
        log_warning("cable", "lost %d", i);
    log_audit("a %s", "set");
    log_sum_up(clock_us());
    log_warning("other", "lost");
    log_sum_up(INT64_MAX);
    log_sum_up(INT64_MAX);
    expect_logged(expected);
}

static void test_debugging_shows_each(void **state)
{
    char expected[4096] = "";
    size_t used = 0;

    (void)state;
    capture();
    log_init("battd", true);
    for (int i = 0; i < 2 * LOG_LIMIT_BURST; i++) {
        log_warning("wire", "lost %d", i);
        used +=
            (size_t)snprintf(expected + used, sizeof expected - used, "battd: wire: lost %d\n", i);
    }
    expect_logged(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_priorities_for_the_journal),
        cmocka_unit_test(test_another_journal_stream),
        cmocka_unit_test(test_errno_is_kept),
        cmocka_unit_test(test_long_lines_are_cut),
        cmocka_unit_test(test_repeats_are_held_back_and_summed_up),
        cmocka_unit_test(test_debugging_shows_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
