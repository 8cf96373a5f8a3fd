/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a request for input registers, and how its echo is known. Pure; used by bus. */
#ifndef BATTD_READ_REQUEST_H
#define BATTD_READ_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "battd/registers.h"

enum {
    READ_REQUEST_SIZE = 8, /* unit, function, offset, count, CRC */
    READ_INPUT_REGISTERS = 4
};

/* The request as it goes over the line. */
void read_request(uint8_t unit, const struct register_read *read,
                  uint8_t request[static READ_REQUEST_SIZE]);

/*
 * Whether bytes that were refused as an answer are the request itself, or begin with it, or are its
 * beginning: an adapter that echoes. Answers with a good CRC are not asked about.
 */
bool read_request_is(const uint8_t request[static READ_REQUEST_SIZE], const uint8_t *bytes,
                     size_t count);

#endif
