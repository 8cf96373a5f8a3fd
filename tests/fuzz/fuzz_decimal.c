/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decimal numbers against the C library's: grammar, nearest double, shortest text, order. Input:
 * two texts, the first ended by a NUL.
 */
#include "common/decimal.h"

#include <math.h>

#include "tests/fuzz/fuzz.h"

/* [+-]digits[.digits][(e|E)[+-]digits] */
static bool is_number(const char *p)
{
    size_t digits;

    p += *p == '-' || *p == '+';
    digits = strspn(p, "0123456789");
    p += digits;
    if (digits > 0 && *p == '.') {
        digits = strspn(p + 1, "0123456789");
        p += 1 + digits;
    }
    if (digits > 0 && (*p == 'e' || *p == 'E')) {
        p += p[1] == '-' || p[1] == '+' ? 2 : 1;
        digits = strspn(p, "0123456789");
        p += digits;
    }
    return digits > 0 && *p == '\0';
}

static int significant_digits(const char *text)
{
    int digits = 0, zeros = 0;

    for (text += *text == '-'; *text != '\0' && *text != 'e'; text++) {
        if (*text == '.' || (*text == '0' && digits == 0))
            continue;
        zeros = *text == '0' ? zeros + 1 : 0;
        digits++;
    }
    return digits - zeros;
}

static void check_print(double value)
{
    char text[DECIMAL_DOUBLE_SIZE], shorter[DECIMAL_DOUBLE_SIZE];
    struct decimal again;
    int digits;

    CHECK(decimal_print_double(value, text) == text && strlen(text) < sizeof text);
    CHECK(strtod(text, NULL) == value && strcmp(text, "-0") != 0);
    CHECK(decimal_parse(text, &again) == NULL || fabs(value) >= 1e99 || fabs(value) <= 1e-99);
    digits = significant_digits(text);
    CHECK(digits <= 17);
    snprintf(shorter, sizeof shorter, "%.*g", digits > 1 ? digits - 1 : 1, value);
    CHECK(digits <= 1 || strtod(shorter, NULL) != value);
}

/* Fills *value; false when the text is refused. */
static bool check_parse(const char *text, struct decimal *value)
{
    const char *why;

    *value = (struct decimal){.coefficient = 7, .exponent = 7, .negative = true};
    why = decimal_parse(text, value);
    if (why != NULL) {
        CHECK(value->coefficient == 7 && value->exponent == 7 && value->negative);
        CHECK(!is_number(text) || strcmp(why, "not a number") != 0);
        return false;
    }
    CHECK(is_number(text) && strlen(text) <= DECIMAL_TEXT_MAX);
    CHECK(value->coefficient < UINT64_C(10000000000000000000));
    CHECK(value->coefficient != 0 || (value->exponent == 0 && !value->negative));
    CHECK(decimal_to_double(*value) == strtod(text, NULL));
    CHECK(!signbit(decimal_to_double(*value)) || value->coefficient != 0);
    check_print(decimal_to_double(*value));
    return true;
}

/* Rounding to the nearest double keeps the order. */
static void check_order(struct decimal a, struct decimal b)
{
    double x = decimal_to_double(a), y = decimal_to_double(b);
    int order = decimal_compare(a, b);

    CHECK(decimal_compare(b, a) == -order && decimal_compare(a, a) == 0);
    CHECK(x == y || order == (x > y ? 1 : -1));
    CHECK(order != 0 || x == y);
    a.negative = !a.negative;
    b.negative = !b.negative;
    CHECK(decimal_compare(b, a) == order);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    char *first = fuzz_text(&input), *second = first + strlen(first);
    struct decimal a, b;
    bool good = check_parse(first, &a);

    second += second < first + size;
    if (check_parse(second, &b) && good)
        check_order(a, b);
    free(first);
    return 0;
}
