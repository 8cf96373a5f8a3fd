/* SPDX-License-Identifier: Apache-2.0 */
/* The saved set parameters and their file, in a private temporary directory. */
#include "gatewayd/saved.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/gatewayd-saved-XXXXXX";
static char path[sizeof directory + sizeof "/saved"];

static const struct parameters something = {.text = {"0x0014", "350.0", "2.3", "1.0E-4"}};
static const struct parameters nothing;

static int make_directory(void **state)
{
    (void)state;
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/saved", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static int remove_file(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static void write_text(const char *text, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, length), length);
    close(fd);
}

static void assert_parameters(const struct saved *saved, const struct parameters *expected)
{
    for (int i = 0; i < PARAMETER_COUNT; i++)
        assert_string_equal(saved_get(saved)->text[i], expected->text[i]);
}

static void survives_a_restart(void **state)
{
    const struct parameters current = {.text = {"", "", "4.5", ""}};
    const struct parameters expected = {.text = {"0x0014", "350.0", "4.5", "1.0E-4"}};
    struct saved *saved = saved_open(path);

    (void)state;
    assert_non_null(saved);
    assert_parameters(saved, &nothing);
    saved_update(saved, &something);
    saved_update(saved, &current);
    saved_close(saved);
    saved = saved_open(path);
    assert_parameters(saved, &expected);
    saved_forget(saved);
    assert_parameters(saved, &nothing);
    saved_close(saved);
    saved = saved_open(path);
    assert_parameters(saved, &nothing);
    saved_close(saved);
}

static void writes_only_what_changed(void **state)
{
    struct saved *saved = saved_open(path);

    (void)state;
    saved_forget(saved);
    assert_int_not_equal(access(path, F_OK), 0);
    saved_update(saved, &something);
    assert_int_equal(unlink(path), 0);
    saved_update(saved, &something);
    assert_int_not_equal(access(path, F_OK), 0);
    saved_close(saved);
}

static void broken_files_are_not_used(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        "7",
        "\"mode\"",
        "{\"mode\":20}",
        "{\"mode\":\"0x0007\"}",
        "{\"mode\":\"20\"}",
        "{\"dvg\":\"\"}",
        "{\"dvg\":\"1,5\"}",
        "{\"dvg\":\"nan\"}",
        "{\"dvg\":null}",
        "{\"dvq\":\"1\"}",
        "{\"dvg\":\"1\"} x",
        "{\"dvg\":\"1\",\"dig\":\"x\"}",
        "{\"dvg\":\"1\\u0000\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct saved *saved;

        write_text(texts[i], strlen(texts[i]));
        saved = saved_open(path);
        assert_non_null(saved);
        assert_parameters(saved, &nothing);
        saved_close(saved);
    }
}

static void too_long_files_are_not_used(void **state)
{
    char text[2048];
    struct saved *saved;

    (void)state;
    memset(text, ' ', sizeof text);
    memcpy(text, "{\"dvg\":\"1\"", 10);
    text[sizeof text - 1] = '}';
    write_text(text, sizeof text);
    saved = saved_open(path);
    assert_parameters(saved, &nothing);
    saved_close(saved);
}

/* A directory that cannot be written to must not stop anything. */
static void works_without_a_file(void **state)
{
    struct saved *saved = saved_open("/nonexistent/gatewayd.saved");

    (void)state;
    assert_non_null(saved);
    saved_update(saved, &something);
    assert_parameters(saved, &something);
    saved_close(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(survives_a_restart, remove_file),
        cmocka_unit_test_setup(writes_only_what_changed, remove_file),
        cmocka_unit_test_setup(broken_files_are_not_used, remove_file),
        cmocka_unit_test_setup(too_long_files_are_not_used, remove_file),
        cmocka_unit_test_setup(works_without_a_file, remove_file),
    };

    return cmocka_run_group_tests_name("gatewayd_saved", tests, make_directory, remove_directory);
}
