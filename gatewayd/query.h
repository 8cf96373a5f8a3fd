/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a request's query, one key=value pair after the other. Pure, bounded, no memory taken.
 * Used by parameters.c; routes.c decodes paths with it.
 */
#ifndef GATEWAYD_QUERY_H
#define GATEWAYD_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/decimal.h"

enum { QUERY_KEY_SIZE = 32, QUERY_VALUE_SIZE = DECIMAL_TEXT_MAX + 1 };

struct query_pair {
    char key[QUERY_KEY_SIZE];     /* decoded; the beginning of what was sent when it is bad */
    char value[QUERY_VALUE_SIZE]; /* decoded; "" when it is bad */
    const char *key_problem;      /* NULL, or what is wrong with the key, static text */
    const char *value_problem;    /* the same for the value: "empty", "too long", … */
};

/*
 * Takes the next pair off *rest (a query without its '?', ended by NUL or '#'). Returns false at
 * the end. Pairs are separated by '&', empty ones are skipped; a '+' is a space; %XX is decoded
 * in keys and values.
 */
bool query_next(const char **rest, struct query_pair *pair);

/*
 * Percent-decodes length bytes of text into out, a string of at most size - 1 bytes. plus: a '+'
 * is a space. Returns NULL, or the reason as static text and leaves "" in out: a broken escape,
 * a control character (NUL included), too long, not UTF-8.
 */
const char *query_decode(const char *text, size_t length, bool plus, char *out, size_t size);

#endif
