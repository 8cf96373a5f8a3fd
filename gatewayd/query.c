/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/query.h"

#include <ctype.h>
#include <string.h>

#include "common/utf8.h"

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, tolower((unsigned char)c));

    return at == NULL ? -1 : (int)(at - digits);
}

/* Takes one byte off *text, decoded. Returns -1 for a broken escape. */
static int next_byte(const char **text, const char *end, bool plus)
{
    char c = *(*text)++;
    int high, low;

    if (c == '+' && plus)
        return ' ';
    if (c != '%')
        return (unsigned char)c;
    if (end - *text < 2)
        return -1;
    high = hex_digit((*text)[0]);
    low = hex_digit((*text)[1]);
    *text += 2;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool utf8_valid(const char *text, size_t length)
{
    for (const char *end = text + length; text < end;) {
        size_t size = utf8_length(text, (size_t)(end - text));

        if (size == 0)
            return false;
        text += size;
    }
    return true;
}

const char *query_decode(const char *text, size_t length, bool plus, char *out, size_t size)
{
    const char *end = text + length;
    const char *problem = NULL;
    size_t used = 0;

    while (text < end && problem == NULL) {
        int byte = next_byte(&text, end, plus);

        if (byte < 0)
            problem = "broken percent-encoding";
        else if (byte < ' ' || byte == 0x7f)
            problem = "contains a control character";
        else if (used + 1 == size)
            problem = "too long";
        else
            out[used++] = (char)byte;
    }
    out[used] = '\0';
    if (problem == NULL && !utf8_valid(out, used))
        problem = "not UTF-8";
    if (problem != NULL)
        out[0] = '\0';
    return problem;
}

/* What is shown of a key that cannot be decoded. */
static void keep_raw(char key[static QUERY_KEY_SIZE], const char *text, size_t length)
{
    if (length >= QUERY_KEY_SIZE)
        length = QUERY_KEY_SIZE - 1;
    memcpy(key, text, length);
    key[length] = '\0';
}

static void read_pair(const char *text, size_t length, struct query_pair *pair)
{
    const char *equals = memchr(text, '=', length);
    size_t key_length = equals == NULL ? length : (size_t)(equals - text);
    const char *value = equals == NULL ? text + length : equals + 1;

    pair->key_problem = query_decode(text, key_length, true, pair->key, sizeof pair->key);
    if (key_length == 0)
        pair->key_problem = "a value without a name";
    if (pair->key_problem != NULL)
        keep_raw(pair->key, text, length);
    pair->value_problem =
        query_decode(value, (size_t)(text + length - value), true, pair->value, sizeof pair->value);
    if (pair->value_problem == NULL && pair->value[0] == '\0')
        pair->value_problem = "empty";
}

bool query_next(const char **rest, struct query_pair *pair)
{
    const char *text;
    size_t length;

    while (**rest == '&')
        (*rest)++;
    text = *rest;
    length = strcspn(text, "&#");
    *rest += length;
    if (length == 0)
        return false;
    read_pair(text, length, pair);
    return true;
}
