/* SPDX-License-Identifier: Apache-2.0 */
#include "common/decimal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 19, EXPONENT_MAX = 99 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Appends a digit to the coefficient; false when that would be the 20th significant one. */
static bool append_digit(struct decimal *value, int *digits, char c)
{
    if (*digits == DIGITS_MAX)
        return false;
    if (*digits > 0 || c != '0')
        ++*digits;
    value->coefficient = value->coefficient * 10 + (uint64_t)(c - '0');
    return true;
}

/*
 * Reads digits[.digits]. Zeros are held back until a digit follows that needs them, so that
 * trailing zeros never count as significant. Returns where it stopped, NULL on error.
 */
static const char *parse_coefficient(const char *p, struct decimal *value, const char **why)
{
    int digits = 0, held_zeros = 0;
    bool fraction = false;

    *why = "not a number";
    if (!is_digit(*p))
        return NULL;
    for (;; p++) {
        if (*p == '.' && !fraction && is_digit(p[1])) {
            fraction = true;
            continue;
        }
        if (!is_digit(*p))
            break;
        if (fraction)
            value->exponent--;
        if (*p == '0') {
            held_zeros++;
            continue;
        }
        for (; digits > 0 && held_zeros > 0; held_zeros--)
            if (!append_digit(value, &digits, '0'))
                goto too_long;
        held_zeros = 0;
        if (!append_digit(value, &digits, *p))
            goto too_long;
    }
    value->exponent += held_zeros;
    return p;
too_long:
    *why = "more than 19 significant digits";
    return NULL;
}

/* Reads the digits of an exponent; values beyond EXPONENT_MAX stay beyond it, without overflow. */
static const char *parse_exponent(const char *p, int *exponent)
{
    bool negative = *p == '-';

    if (*p == '-' || *p == '+')
        p++;
    if (!is_digit(*p))
        return NULL;
    for (; is_digit(*p); p++)
        if (*exponent <= EXPONENT_MAX)
            *exponent = *exponent * 10 + (*p - '0');
    if (negative)
        *exponent = -*exponent;
    return p;
}

const char *decimal_parse(const char *text, struct decimal *value)
{
    struct decimal parsed = {0};
    const char *p = text, *why;
    int exponent = 0;

    if (strnlen(text, DECIMAL_TEXT_MAX + 1) > DECIMAL_TEXT_MAX)
        return "longer than 64 characters";
    if (*p == '-' || *p == '+')
        parsed.negative = *p++ == '-';
    p = parse_coefficient(p, &parsed, &why);
    if (p == NULL)
        return why;
    if (*p == 'e' || *p == 'E') {
        p = parse_exponent(p + 1, &exponent);
        if (p == NULL)
            return "not a number";
    }
    if (*p != '\0')
        return "not a number";
    if (exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
        return "exponent beyond 99";
    parsed.exponent += exponent;
    if (parsed.coefficient == 0)
        parsed = (struct decimal){0};
    *value = parsed;
    return NULL;
}

/* Fills the coefficient of a non-zero value up to 19 digits, so that equal values look alike. */
static struct decimal widen(struct decimal value)
{
    while (value.coefficient < UINT64_C(1000000000000000000)) {
        value.coefficient *= 10;
        value.exponent--;
    }
    return value;
}

static int compare_magnitude(struct decimal a, struct decimal b)
{
    if (a.coefficient == 0 || b.coefficient == 0)
        return (a.coefficient > b.coefficient) - (a.coefficient < b.coefficient);
    a = widen(a);
    b = widen(b);
    if (a.exponent != b.exponent)
        return a.exponent > b.exponent ? 1 : -1;
    return (a.coefficient > b.coefficient) - (a.coefficient < b.coefficient);
}

int decimal_compare(struct decimal a, struct decimal b)
{
    bool a_negative = a.negative && a.coefficient > 0;
    bool b_negative = b.negative && b.coefficient > 0;

    if (a_negative != b_negative)
        return a_negative ? -1 : 1;
    return a_negative ? compare_magnitude(b, a) : compare_magnitude(a, b);
}

double decimal_to_double(struct decimal value)
{
    char text[48];

    if (value.coefficient == 0)
        return 0.0;
    /* strtod rounds correctly, which multiplying or dividing by a power of ten does not. */
    snprintf(text, sizeof text, "%s%" PRIu64 "e%d", value.negative ? "-" : "", value.coefficient,
             value.exponent);
    return strtod(text, NULL);
}

char *decimal_print_double(double value, char text[static DECIMAL_DOUBLE_SIZE])
{
    if (value == 0) {
        snprintf(text, DECIMAL_DOUBLE_SIZE, "0");
        return text;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, DECIMAL_DOUBLE_SIZE, "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return text;
}
