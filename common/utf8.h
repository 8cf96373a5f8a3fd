/* SPDX-License-Identifier: Apache-2.0 */
/* Well-formed UTF-8. Pure. Used for the texts of failures and for JSON from a peer. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed character that text begins with; 0: there is none in left bytes. */
size_t utf8_length(const char *text, size_t left);

#endif
