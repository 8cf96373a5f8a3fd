/* SPDX-License-Identifier: Apache-2.0 */
#include "battd/read_request.h"

#include <string.h>

/* libmodbus gives up no earlier: the length of a read's answer begins with its third byte. */
enum { KNOWN_BY = 5 };

static unsigned crc_of(const uint8_t *bytes, size_t count)
{
    unsigned crc = 0xffff;

    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1;
    }
    return crc;
}

void read_request(uint8_t unit, const struct register_read *read,
                  uint8_t request[static READ_REQUEST_SIZE])
{
    const uint8_t fields[] = {
        unit, READ_INPUT_REGISTERS, (uint8_t)(read->offset >> 8), (uint8_t)read->offset,
        0,    read->count};
    unsigned crc = crc_of(fields, sizeof fields);

    memcpy(request, fields, sizeof fields);
    request[sizeof fields] = (uint8_t)crc;
    request[sizeof fields + 1] = (uint8_t)(crc >> 8);
}

bool read_request_is(const uint8_t request[static READ_REQUEST_SIZE], const uint8_t *bytes,
                     size_t count)
{
    return count >= KNOWN_BY &&
           memcmp(bytes, request, count < READ_REQUEST_SIZE ? count : READ_REQUEST_SIZE) == 0;
}
