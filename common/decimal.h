/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exact decimal numbers of up to 19 significant digits: text in, comparison, nearest double and
 * shortest text out. Pure. Used by the configuration, the EZA2500 codec and the RPC parameters.
 */
#ifndef COMMON_DECIMAL_H
#define COMMON_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value (negative ? -1 : 1) * coefficient * 10^exponent; coefficient < 10^19. */
struct decimal {
    uint64_t coefficient;
    int exponent;
    bool negative;
};

/* A constant: DECIMAL(5208, -2) is 52.08. For tables of non-negative values. */
#define DECIMAL(coefficient_, exponent_)                                                           \
    {                                                                                              \
        .coefficient = (coefficient_), .exponent = (exponent_), .negative = false                  \
    }

/* Longest text that is read, in bytes, and the longest that decimal_print_double writes with NUL.
 */
enum { DECIMAL_TEXT_MAX = 64, DECIMAL_DOUBLE_SIZE = 32 };

/*
 * Reads the whole of text: [+-]digits[.digits][(e|E)[+-]digits], nothing before, between or after.
 * Returns NULL and fills *value, or returns the reason as static text ("not a number", …) and
 * leaves *value alone. Refused: the empty text, spaces, nan, inf, hexadecimal, more than
 * DECIMAL_TEXT_MAX bytes, more than 19 significant digits, exponents beyond ±99.
 */
const char *decimal_parse(const char *text, struct decimal *value);

/* Less than, equal to or greater than zero as a is below, equal to or above b. Exact. */
int decimal_compare(struct decimal a, struct decimal b);

/* The nearest double (ties to even). Zero is never negative. */
double decimal_to_double(struct decimal value);

/*
 * Writes the shortest text that reads back as the same double ("52.08", "380", "6.1e-05"); -0 as
 * "0". value must be finite. Returns text. (Some powers of two below 2^-23 or above 2^88, which no
 * measured value reaches, take 17 digits where 16 would do.)
 */
char *decimal_print_double(double value, char text[static DECIMAL_DOUBLE_SIZE]);

#endif
