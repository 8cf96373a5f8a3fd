/* SPDX-License-Identifier: Apache-2.0 */
/* common/decimal: what is read, what is refused, exact comparison, nearest double, shortest text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/decimal.h"
#include "common/eza_commands.h"

static struct decimal parse(const char *text)
{
    struct decimal value;
    const char *why = decimal_parse(text, &value);

    if (why != NULL)
        fail_msg("'%s': %s", text, why);
    return value;
}

static void assert_prints(double value, const char *expected)
{
    char text[DECIMAL_DOUBLE_SIZE];

    assert_string_equal(decimal_print_double(value, text), expected);
}

static void test_parse_accepted(void **state)
{
    static const struct {
        const char *text;
        struct decimal value;
    } texts[] = {
        {"0", {0, 0, false}},
        {"-0", {0, 0, false}},
        {"-0.000e-5", {0, 0, false}},
        {"0e99", {0, 0, false}},
        {"0.0", {0, 0, false}},
        {"52", {52, 0, false}},
        {"+52", {52, 0, false}},
        {"-52", {52, 0, true}},
        {"052", {52, 0, false}},
        {"52.08", {5208, -2, false}},
        {"3.30", {33, -1, false}},
        {"349.9878", {3499878, -4, false}},
        {"1.0E-4", {1, -4, false}},
        {"1.0E7", {1, 7, false}},
        {"1e+2", {1, 2, false}},
        {"100", {1, 2, false}},
        {"100.001", {100001, -3, false}},
        {"0.039", {39, -3, false}},
        {"1e99", {1, 99, false}},
        {"1e-99", {1, -99, false}},
        {"1e0000000000000000000000000000000000000001", {1, 1, false}},
        {"9999999999999999999", {UINT64_C(9999999999999999999), 0, false}},
        {"0.0000000000000000000000000000000009999999999999999999",
         {UINT64_C(9999999999999999999), -52, false}},
        {"99999999999999999990000000000", {UINT64_C(9999999999999999999), 10, false}},
        {"5208000000000000000000000000000000000000000e-41", {5208, -2, false}},
        {"1000000000000000000.0000000000000000000000000000", {1, 18, false}},
        {"0000000000000000000000000000000000000000000000000000000000000001", {1, 0, false}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct decimal value = parse(texts[i].text);

        if (value.coefficient != texts[i].value.coefficient ||
            value.exponent != texts[i].value.exponent || value.negative != texts[i].value.negative)
            fail_msg("'%s': %s%" PRIu64 "e%d", texts[i].text, value.negative ? "-" : "",
                     value.coefficient, value.exponent);
    }
}

static void test_parse_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } texts[] = {
        {"", "not a number"},
        {" ", "not a number"},
        {" 1", "not a number"},
        {"1 ", "not a number"},
        {"1\n", "not a number"},
        {"\t1", "not a number"},
        {"+", "not a number"},
        {"-", "not a number"},
        {"+-1", "not a number"},
        {"--1", "not a number"},
        {".", "not a number"},
        {".5", "not a number"},
        {"5.", "not a number"},
        {"5.e1", "not a number"},
        {"1.2.3", "not a number"},
        {"1..2", "not a number"},
        {"1,5", "not a number"},
        {"1_000", "not a number"},
        {"1'000", "not a number"},
        {"e5", "not a number"},
        {"1e", "not a number"},
        {"1e+", "not a number"},
        {"1e-", "not a number"},
        {"1e+-5", "not a number"},
        {"1e5.0", "not a number"},
        {"1e5e5", "not a number"},
        {"1f", "not a number"},
        {"0x10", "not a number"},
        {"0x1p3", "not a number"},
        {"nan", "not a number"},
        {"NaN", "not a number"},
        {"inf", "not a number"},
        {"-Infinity", "not a number"},
        {"\xef\xbc\x91", "not a number"}, /* a full-width 1 */
        {"1e100", "exponent beyond 99"},
        {"1e-100", "exponent beyond 99"},
        {"0e100", "exponent beyond 99"},
        {"1e999999999", "exponent beyond 99"},
        {"1e-999999999", "exponent beyond 99"},
        {"1e99999999999999999999999999999999999999", "exponent beyond 99"},
        {"12345678901234567891", "more than 19 significant digits"},
        {"10000000000000000001", "more than 19 significant digits"},
        {"1.0000000000000000001", "more than 19 significant digits"},
        {"99999999999999999999", "more than 19 significant digits"},
        {"00000000000000000000000000000000000000000000000000000000000000001",
         "longer than 64 characters"},
    };
    struct decimal value = {7, 7, true};
    char digits[401];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *why = decimal_parse(texts[i].text, &value);

        if (why == NULL || strcmp(why, texts[i].why) != 0)
            fail_msg("'%s': %s", texts[i].text, why == NULL ? "accepted" : why);
    }
    memset(digits, '1', 400);
    digits[400] = '\0';
    assert_string_equal(decimal_parse(digits, &value), "longer than 64 characters");
    /* left alone through all of it */
    assert_true(value.coefficient == 7 && value.exponent == 7 && value.negative);
}

/* Every text stands below the one that follows it, or is equal where they share a row. */
static void test_compare(void **state)
{
    static const char *const rising[][3] = {
        {"-1e99", "-10e98"},
        {"-9999999999999999999"},
        {"-9999999999999999998"},
        {"-1.5", "-15e-1", "-1.500"},
        {"-1.4999999999999999"},
        {"-1e-99"},
        {"0", "-0", "0e50"},
        {"1e-99"},
        {"0.1", "1e-1", "0.10000000000000000000000000"},
        {"56.7699999999999999"},
        {"56.77", "5677e-2", "0.05677e3"},
        {"56.7700000000000001"},
        {"99"},
        {"100", "1e2", "100.000"},
        {"9999999999999999998"},
        {"9999999999999999999"},
        {"1e19"},
        {"1e99"},
    };
    size_t rows = sizeof rising / sizeof rising[0];

    (void)state;
    for (size_t i = 0; i < rows * 3; i++)
        for (size_t j = 0; j < rows * 3; j++) {
            const char *a = rising[i / 3][i % 3], *b = rising[j / 3][j % 3];
            int expected = (i / 3 > j / 3) - (i / 3 < j / 3), got;

            if (a == NULL || b == NULL)
                continue;
            got = decimal_compare(parse(a), parse(b));
            if ((got > 0) - (got < 0) != expected)
                fail_msg("%s against %s: %d", a, b, got);
        }
}

/* Table constants need not be in the form that decimal_parse gives. */
static void test_compare_constants(void **state)
{
    static const struct decimal a = DECIMAL(5200, -2), b = DECIMAL(52, 0), zero = DECIMAL(0, 5);
    static const struct decimal negative_zero = {.negative = true};

    (void)state;
    assert_int_equal(decimal_compare(a, b), 0);
    assert_int_equal(decimal_compare(zero, negative_zero), 0);
    assert_true(decimal_compare(negative_zero, a) < 0);
    assert_true(decimal_to_double(negative_zero) == 0 &&
                !signbit(decimal_to_double(negative_zero)));
}

static void test_to_double(void **state)
{
    (void)state;
    assert_true(decimal_to_double(parse("52.08")) == 52.08);
    assert_true(decimal_to_double(parse("-52.08")) == -52.08);
    assert_true(decimal_to_double(parse("1e99")) == 1e99);
    assert_true(decimal_to_double(parse("1e-99")) == 1e-99);
    assert_true(decimal_to_double(parse("9999999999999999999e99")) == 9999999999999999999e99);
    /* half way between two doubles: to the even one */
    assert_true(decimal_to_double(parse("9007199254740993")) == 9007199254740992.0);
    assert_true(decimal_to_double(parse("9007199254740995")) == 9007199254740996.0);
    assert_true(decimal_to_double(parse("9007199254740993.001")) == 9007199254740994.0);
    assert_false(signbit(decimal_to_double(parse("-0"))));
}

static void test_print(void **state)
{
    (void)state;
    assert_prints(0, "0");
    assert_prints(-0.0, "0");
    assert_prints(380, "380");
    assert_prints(-12.5, "-12.5");
    assert_prints(52.08, "52.08");
    assert_prints(7.8125, "7.8125");
    assert_prints(98.876953125, "98.876953125");
    assert_prints(299.98291015625, "299.98291015625");
    assert_prints(0.0999755859375, "0.0999755859375");
    assert_prints(1.9998550415039062, "1.9998550415039062");
    assert_prints(0.1, "0.1");
    assert_prints(0.1 + 0.2, "0.30000000000000004");
    assert_prints(0.0001, "0.0001");
    assert_prints(0.000061, "6.1e-05");
    assert_prints(1e99, "1e+99");
    assert_prints(1.7976931348623157e308, "1.7976931348623157e+308");
}

static size_t significant_digits(const char *text)
{
    char digits[DECIMAL_DOUBLE_SIZE];
    size_t count = 0;

    for (; *text != '\0' && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (count > 0 || *text != '0'))
            digits[count++] = *text;
    while (count > 0 && digits[count - 1] == '0')
        count--;
    return count;
}

/* The text reads back the same, and no text of fewer digits does. */
static void check_shortest(double value)
{
    char text[DECIMAL_DOUBLE_SIZE], shorter[DECIMAL_DOUBLE_SIZE];
    size_t count;

    decimal_print_double(value, text);
    if (strtod(text, NULL) != value)
        fail_msg("%s is not %.17g", text, value);
    count = significant_digits(text);
    if (count < 2)
        return;
    /* If any shorter text reads back, the nearest or one of its two neighbours does. */
    snprintf(shorter, sizeof shorter, "%.*e", (int)count - 2, value);
    for (int step = -1; step <= 1; step++) {
        char neighbour[DECIMAL_DOUBLE_SIZE * 2];
        char digits[DECIMAL_DOUBLE_SIZE];
        long long number;
        int exponent = atoi(strchr(shorter, 'e') + 1) - (int)count + 2;
        size_t length = 0;

        for (const char *p = shorter; *p != 'e'; p++)
            if (*p != '.')
                digits[length++] = *p;
        digits[length] = '\0';
        number = atoll(digits) + step;
        snprintf(neighbour, sizeof neighbour, "%llde%d", number, exponent);
        if (strtod(neighbour, NULL) == value)
            fail_msg("%s is longer than %s", text, neighbour);
    }
}

/* raw × rating / 2^q as a decimal: exact, since 1/2^q is 5^q / 10^q. */
static struct decimal scaled(uint64_t raw, const struct eza_field *field)
{
    struct decimal value = {.coefficient = raw * field->rating.coefficient,
                            .exponent = field->rating.exponent - field->q};

    for (unsigned i = 0; i < field->q; i++)
        assert_false(__builtin_mul_overflow(value.coefficient, 5, &value.coefficient));
    assert_true(value.coefficient < UINT64_C(10000000000000000000));
    return value;
}

/*
 * Whether d is the double nearest to raw × rating / 2^q, the value N / D: |d D - N| must be at most
 * D times half a unit in d's last place, and with that much d's mantissa must be even. fma() rounds
 * once, and what is left of d D - N then has few enough bits to be exact.
 */
static bool is_nearest(double d, uint64_t raw, const struct eza_field *field)
{
    double numerator = (double)(raw * field->rating.coefficient);
    double denominator = ldexp(1, (int)field->q), mantissa, difference, half;
    int exponent;

    if (raw == 0)
        return d == 0 && !signbit(d);
    for (int e = field->rating.exponent; e < 0; e++)
        denominator *= 10;
    mantissa = ldexp(frexp(d, &exponent), 53);
    half = ldexp(denominator, exponent - 54);
    difference = fabs(fma(d, denominator, -numerator));
    return difference < half || (difference == half && fmod(mantissa, 2) == 0);
}

/* All 65,536 raw values of every scaling that the converter has. */
static void test_all_raw_values(void **state)
{
    static const char *const fields[][2] = {
        {"10-1", "vg"}, {"10-1", "ig"},  {"10-1", "vb"},  {"10-1", "ib"},   {"10-1", "wg"},
        {"4-1", "drg"}, {"10-1", "tmp"}, {"11-1", "v5s"}, {"11-1", "fan1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const struct eza_fields *reply = &eza_command_find(fields[i][0])->reply;
        const struct eza_field *field = &reply->field[eza_field_find(reply, fields[i][1])];

        for (uint64_t raw = 0; raw <= UINT16_MAX; raw++) {
            double value = decimal_to_double(scaled(raw, field));

            if (!is_nearest(value, raw, field))
                fail_msg("%s raw %" PRIu64 ": %.17g", field->name, raw, value);
            assert_false(raw > 0 && is_nearest(nextafter(value, INFINITY), raw, field));
            assert_false(raw > 0 && is_nearest(nextafter(value, 0), raw, field));
            check_shortest(value);
        }
    }
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Printing and reading back, over the whole range that decimals have. */
static void test_random_round_trips(void **state)
{
    uint64_t seed = UINT64_C(88172645463325252);

    (void)state;
    /* some powers of two beyond these take a digit more: see the header */
    for (int exponent = -23; exponent <= 88; exponent++)
        check_shortest(ldexp(1, exponent));
    for (int i = 0; i < 100000; i++) {
        struct decimal value = {
            .coefficient = next_random(&seed) >> (next_random(&seed) % 64),
            .exponent = (int)(next_random(&seed) % 150) - 90,
            .negative = next_random(&seed) % 2 == 0,
        };
        char text[DECIMAL_DOUBLE_SIZE];
        double number;

        value.coefficient %= UINT64_C(10000000000000000000);
        number = decimal_to_double(value);
        check_shortest(number);
        assert_true(decimal_to_double(parse(decimal_print_double(number, text))) == number);
    }
}

/* Decimals written out digit by digit come back as they were. */
static void test_random_parse(void **state)
{
    uint64_t seed = 42;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint64_t whole = next_random(&seed) % UINT64_C(10000000000);
        uint64_t fraction = next_random(&seed) % UINT64_C(1000000000);
        struct decimal expected = {.coefficient = whole * UINT64_C(1000000000) + fraction,
                                   .exponent = -9};
        struct decimal value;
        char text[64];

        snprintf(text, sizeof text, "%" PRIu64 ".%09" PRIu64, whole, fraction);
        value = parse(text);
        assert_int_equal(decimal_compare(value, expected), 0);
        assert_true(value.coefficient % 10 != 0 || value.coefficient == 0);
        expected.coefficient++;
        assert_true(decimal_compare(value, expected) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_accepted), cmocka_unit_test(test_parse_refused),
        cmocka_unit_test(test_compare),        cmocka_unit_test(test_compare_constants),
        cmocka_unit_test(test_to_double),      cmocka_unit_test(test_print),
        cmocka_unit_test(test_all_raw_values), cmocka_unit_test(test_random_round_trips),
        cmocka_unit_test(test_random_parse),
    };

    return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
