/* SPDX-License-Identifier: Apache-2.0 */
#include "common/utf8.h"

/* The well-formed sequences (Unicode 15, table 3-7); third and later bytes are 80 to BF. */
static const struct {
    unsigned char first_min, first_max, second_min, second_max;
    size_t length;
} rows[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

size_t utf8_length(const char *text, size_t left)
{
    const unsigned char *bytes = (const unsigned char *)text;

    if (left == 0)
        return 0;
    if (bytes[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (bytes[0] < rows[i].first_min || bytes[0] > rows[i].first_max)
            continue;
        if (left < rows[i].length || bytes[1] < rows[i].second_min || bytes[1] > rows[i].second_max)
            return 0;
        for (size_t k = 2; k < rows[i].length; k++)
            if ((bytes[k] & 0xc0) != 0x80)
                return 0;
        return rows[i].length;
    }
    return 0;
}
