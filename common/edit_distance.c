/* SPDX-License-Identifier: Apache-2.0 */
#include "common/edit_distance.h"

#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned edit_distance(const char *a, const char *b)
{
    unsigned d[3][EDIT_DISTANCE_LENGTH_MAX + 1];
    size_t a_length = strlen(a), b_length = strlen(b);

    if (a_length > EDIT_DISTANCE_LENGTH_MAX || b_length > EDIT_DISTANCE_LENGTH_MAX)
        return UINT_MAX;
    for (unsigned j = 0; j <= b_length; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *now = d[i % 3], *before = d[(i + 2) % 3], *two_before = d[(i + 1) % 3];

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned changed = tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]);

            now[j] = least(before[j - 1] + changed, least(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 &&
                tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 2]) &&
                tolower((unsigned char)a[i - 2]) == tolower((unsigned char)b[j - 1]))
                now[j] = least(now[j], two_before[j - 2] + 1);
        }
    }
    return d[a_length % 3][b_length];
}
