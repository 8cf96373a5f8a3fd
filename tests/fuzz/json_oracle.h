/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of JSON (RFC 8259), as simple as can be: what the parser takes must be this. */
#ifndef TESTS_FUZZ_JSON_ORACLE_H
#define TESTS_FUZZ_JSON_ORACLE_H

#include <stdbool.h>
#include <string.h>

/* Each takes what it is named after off *p, a string, and returns whether it was there. */
static inline bool oracle_value(const char **p);

static inline void oracle_space(const char **p)
{
    *p += strspn(*p, " \t\r\n");
}

static inline bool oracle_take(const char **p, const char *token)
{
    bool here = strncmp(*p, token, strlen(token)) == 0;

    *p += here ? strlen(token) : 0;
    return here;
}

static inline bool oracle_digits(const char **p)
{
    size_t count = strspn(*p, "0123456789");

    *p += count;
    return count > 0;
}

static inline bool oracle_number(const char **p)
{
    oracle_take(p, "-");
    if (!oracle_take(p, "0") && !oracle_digits(p))
        return false;
    if (oracle_take(p, ".") && !oracle_digits(p))
        return false;
    if (!oracle_take(p, "e") && !oracle_take(p, "E"))
        return true;
    if (!oracle_take(p, "-"))
        oracle_take(p, "+");
    return oracle_digits(p);
}

static inline bool oracle_string(const char **p)
{
    if (!oracle_take(p, "\""))
        return false;
    while (!oracle_take(p, "\"")) {
        if ((unsigned char)**p < 0x20)
            return false;
        if (!oracle_take(p, "\\")) {
            ++*p;
        } else if (oracle_take(p, "u")) {
            if (strspn(*p, "0123456789abcdefABCDEF") < 4)
                return false;
            *p += 4;
        } else if (**p == '\0' || strchr("\"\\/bfnrt", *(*p)++) == NULL) {
            return false;
        }
    }
    return true;
}

/* The rest of an array or, with names, an object: its opening bracket is taken. */
static inline bool oracle_members(const char **p, const char *close, bool names)
{
    oracle_space(p);
    if (oracle_take(p, close))
        return true;
    do {
        oracle_space(p);
        if (names && !oracle_string(p))
            return false;
        oracle_space(p);
        if ((names && !oracle_take(p, ":")) || !oracle_value(p))
            return false;
    } while (oracle_take(p, ","));
    return oracle_take(p, close);
}

static inline bool oracle_value(const char **p)
{
    bool good;

    oracle_space(p);
    if (**p == '"')
        good = oracle_string(p);
    else if (oracle_take(p, "{"))
        good = oracle_members(p, "}", true);
    else if (oracle_take(p, "["))
        good = oracle_members(p, "]", false);
    else
        good = oracle_take(p, "true") || oracle_take(p, "false") || oracle_take(p, "null") ||
               oracle_number(p);
    oracle_space(p);
    return good;
}

/* True if the whole text is one JSON value. */
static inline bool oracle_is_json(const char *text)
{
    return oracle_value(&text) && *text == '\0';
}

#endif
