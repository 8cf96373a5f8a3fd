/* SPDX-License-Identifier: Apache-2.0 */
/* What dir_pin names: texts, the kernel's names, and the table of the BeagleBone's headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/beaglebone.h"
#include "common/gpio_line.h"
#include "common/gpio_pin.h"

static struct gpio_pin parsed(const char *text)
{
    struct gpio_pin pin;

    assert_null(gpio_pin_parse(text, &pin));
    assert_string_equal(pin.name, text);
    return pin;
}

static void chips_and_offsets(void **state)
{
    struct gpio_pin pin = parsed("gpiochip0:17");

    (void)state;
    assert_string_equal(pin.chip, "/dev/gpiochip0");
    assert_int_equal(pin.offset, 17);
    pin = parsed("/dev/gpiochip12:0");
    assert_string_equal(pin.chip, "/dev/gpiochip12");
    assert_int_equal(pin.offset, 0);
}

static void names(void **state)
{
    static const char *const texts[] = {"GPIO17",    "P8_7",     "gpiochips", "gpiochip0-out",
                                        "led:green", "/dev/led", "PH:3"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_string_equal(parsed(texts[i]).chip, "");
}

static void neither(void **state)
{
    static const char *const texts[] = {
        "gpiochip0",
        "gpiochip0:",
        "gpiochip0:x",
        "gpiochip0:1x",
        "gpiochip0:-1",
        "/dev/gpiochip0",
        "gpiochip0:99999",
        "gpiochip0:1:2",
        "a name that is longer than any name of a line that a kernel would ever give to a line"};
    struct gpio_pin pin;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_non_null(gpio_pin_parse(texts[i], &pin));
}

static void headers(void **state)
{
    static const struct {
        const char *text;
        unsigned header, number;
    } rows[] = {{"P8_7", 8, 7},  {"P8_07", 8, 7}, {"P9_41", 9, 41}, {"P9_41A", 0, 0},
                {"P7_7", 0, 0},  {"P8_", 0, 0},   {"P8-7", 0, 0},   {"P8_7x", 0, 0},
                {"GPIO7", 0, 0}, {"P8", 0, 0},    {"P", 0, 0},      {"", 0, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gpio_pin pin = parsed(rows[i].text);

        assert_int_equal(pin.header, rows[i].header);
        if (pin.header != 0)
            assert_int_equal(pin.number, rows[i].number);
    }
}

static void line_names(void **state)
{
    static const struct {
        const char *pin, *line;
        bool match;
    } rows[] = {
        {"GPIO17", "GPIO17", true},
        {"GPIO17", "GPIO1", false},
        {"GPIO1", "GPIO17", false},
        {"GPIO17", "gpio17", false},
        {"P8_7", "P8_7", true},
        {"P8_7", "P8_07", true},
        {"P8_07", "P8_7", true},
        {"P8_7", "P8_70", false},
        {"P8_7", "P9_7", false},
        {"P8_7", "P8_7 [timer4]", true},
        {"P9_22", "P9_22 [spi0_sclk]", true},
        {"P8_07", "P8_7 [timer4]", true},
        {"P9_41", "P9_41A", false},
        {"P9_41A", "P9_41A", true},
        {"P9_42A", "P9_42A [ecappwm0]", true},
        {"spi0_sclk", "P9_22 [spi0_sclk]", false},
        {"P8_7", "", false},
        {"P8_7", "NC", false},
        {"P8_7", "[mmc0_cd]", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct gpio_pin pin = parsed(rows[i].pin);

        if (gpio_pin_matches(&pin, rows[i].line) != rows[i].match)
            fail_msg("%s and %s", rows[i].pin, rows[i].line);
    }
}

static void raspberry_pi(void **state)
{
    struct gpio_pin pin = parsed("GPIO14"), none = parsed("GPIO14x"), other = parsed("P8_14");
    unsigned offset = 0;

    (void)state;
    assert_true(gpio_pin_on_raspberry(&pin, "pinctrl-bcm2835", &offset));
    assert_int_equal(offset, 14);
    assert_true(gpio_pin_on_raspberry(&pin, "pinctrl-bcm2711", &offset));
    assert_true(gpio_pin_on_raspberry(&pin, "pinctrl-rp1", &offset));
    assert_false(gpio_pin_on_raspberry(&pin, "raspberrypi-exp-gpio", &offset));
    assert_false(gpio_pin_on_raspberry(&none, "pinctrl-bcm2835", &offset));
    assert_false(gpio_pin_on_raspberry(&other, "pinctrl-bcm2835", &offset));
}

/* Two pins on one line, or a line that no controller has, are slips of the pen. */
static void beaglebone_table(void **state)
{
    (void)state;
    assert_int_equal(beaglebone_pin_count, 44 + 21 + 2);
    for (size_t i = 0; i < beaglebone_pin_count; i++) {
        const struct beaglebone_pin *a = &beaglebone_pins[i];

        assert_true(a->bank < 4 && a->offset < 32);
        assert_true(a->header == 8 ? a->number >= 3 && a->number <= 46
                                   : a->header == 9 && ((a->number >= 11 && a->number <= 31) ||
                                                        a->number == 41 || a->number == 42));
        assert_ptr_equal(beaglebone_pin_find(a->header, a->number), a);
        for (size_t j = 0; j < i; j++) {
            const struct beaglebone_pin *b = &beaglebone_pins[j];

            assert_false(a->bank == b->bank && a->offset == b->offset);
        }
    }
}

/* Known from the hardware manual and from what sysfs called them: 32 × bank + offset. */
static void beaglebone_pins_known(void **state)
{
    static const struct {
        unsigned header, number, sysfs;
    } rows[] = {{8, 7, 66},  {8, 8, 67},  {8, 9, 69},  {8, 10, 68}, {8, 11, 45},  {8, 14, 26},
                {8, 46, 71}, {9, 12, 60}, {9, 15, 48}, {9, 23, 49}, {9, 25, 117}, {9, 42, 7}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct beaglebone_pin *pin = beaglebone_pin_find(rows[i].header, rows[i].number);

        assert_non_null(pin);
        assert_int_equal(32 * pin->bank + pin->offset, rows[i].sysfs);
    }
    assert_int_equal(beaglebone_controller(beaglebone_pin_find(8, 7)), 0x481ac000);
    assert_int_equal(beaglebone_controller(beaglebone_pin_find(9, 25)), 0x481ae000);
    assert_null(beaglebone_pin_find(8, 1));  /* ground */
    assert_null(beaglebone_pin_find(9, 33)); /* analog */
    assert_null(beaglebone_pin_find(9, 47));
    assert_null(beaglebone_pin_find(0, 0));
}

/* A tree as the kernel has it: links to devices whose path holds the controller's address. */
static void controllers(void **state)
{
    char root[] = "/tmp/gpio_pin.XXXXXX", path[128], target[160];
    static const char *const devices[] = {"4804c000.gpio", "481ac000.gpio"};

    (void)state;
    assert_non_null(mkdtemp(root));
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", root, devices[i]);
        assert_int_equal(mkdir(path, 0700), 0);
        snprintf(target, sizeof target, "%s/gpiochip%u", path, i);
        assert_int_equal(mkdir(target, 0700), 0);
        snprintf(path, sizeof path, "%s/gpiochip%u", root, i);
        assert_int_equal(symlink(target, path), 0);
    }
    assert_true(gpio_controller_is(root, 0, 0x4804c000));
    assert_true(gpio_controller_is(root, 1, 0x481ac000));
    assert_false(gpio_controller_is(root, 0, 0x481ac000));
    assert_false(gpio_controller_is(root, 2, 0x481ac000));
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/gpiochip%u", root, i);
        unlink(path);
        snprintf(path, sizeof path, "%s/%s/gpiochip%u", root, devices[i], i);
        rmdir(path);
        snprintf(path, sizeof path, "%s/%s", root, devices[i]);
        rmdir(path);
    }
    assert_int_equal(rmdir(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chips_and_offsets), cmocka_unit_test(names),
        cmocka_unit_test(neither),           cmocka_unit_test(headers),
        cmocka_unit_test(line_names),        cmocka_unit_test(raspberry_pi),
        cmocka_unit_test(beaglebone_table),  cmocka_unit_test(beaglebone_pins_known),
        cmocka_unit_test(controllers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
