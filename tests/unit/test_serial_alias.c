/* SPDX-License-Identifier: Apache-2.0 */
/* Stable names are found among links as udev makes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/serial_alias.h"

static char root[] = "/tmp/test_serial_alias.XXXXXX";

static const char *in_root(const char *name)
{
    static char path[4][128];
    static unsigned turn;
    char *text = path[turn++ % 4];

    snprintf(text, sizeof path[0], "%s/%s", root, name);
    return text;
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(root));
    assert_int_equal(mkdir(in_root("by-path"), 0700), 0);
    assert_int_equal(mkdir(in_root("by-id"), 0700), 0);
    close(open(in_root("ttyUSB0"), O_CREAT | O_WRONLY, 0600));
    close(open(in_root("ttyUSB1"), O_CREAT | O_WRONLY, 0600));
    assert_int_equal(symlink("../ttyUSB1", in_root("by-path/pci-1")), 0);
    assert_int_equal(symlink("../ttyUSB0", in_root("by-id/usb-0")), 0);
    assert_int_equal(symlink("../ttyUSB1", in_root("by-id/usb-1")), 0);
    assert_int_equal(symlink("nowhere", in_root("by-path/gone")), 0);
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"by-path/pci-1", "by-path/gone", "by-id/usb-0",
                                        "by-id/usb-1",   "ttyUSB0",      "ttyUSB1"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(in_root(names[i]));
    rmdir(in_root("by-path"));
    rmdir(in_root("by-id"));
    return rmdir(root);
}

static void stable_names_are_found(void **state)
{
    char alias[128];

    (void)state;
    assert_true(serial_alias_find(root, in_root("ttyUSB0"), alias, sizeof alias));
    assert_string_equal(alias, in_root("by-id/usb-0"));
    assert_true(serial_alias_find(root, in_root("ttyUSB1"), alias, sizeof alias));
    assert_string_equal(alias, in_root("by-path/pci-1"));
}

static void there_may_be_none(void **state)
{
    char alias[128];

    (void)state;
    assert_false(serial_alias_find(root, in_root("by-id/usb-0"), alias, sizeof alias));
    assert_false(serial_alias_find(root, in_root("missing"), alias, sizeof alias));
    assert_false(serial_alias_find("/nowhere", in_root("ttyUSB0"), alias, sizeof alias));
    assert_false(serial_alias_find(root, in_root("ttyUSB1"), alias, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stable_names_are_found),
        cmocka_unit_test(there_may_be_none),
    };

    return cmocka_run_group_tests_name("serial_alias", tests, setup, teardown);
}
