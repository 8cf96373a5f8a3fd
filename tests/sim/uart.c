/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/uart.h"

#include <stdbool.h>

enum { FRAME_BITS = 10, DATA_BITS = 8 };

/* The line while bytes are sent. Time is counted in units of which a bit has bit_time. */
struct wave {
    const uint8_t *bytes;
    uint64_t bit_count, bit_time;
};

static bool bit_at(const struct wave *wave, uint64_t bit)
{
    uint64_t place = bit % FRAME_BITS;

    if (bit >= wave->bit_count || place == FRAME_BITS - 1)
        return true;
    return place > 0 && (wave->bytes[bit / FRAME_BITS] >> (place - 1) & 1);
}

static bool level(const struct wave *wave, uint64_t time)
{
    return bit_at(wave, time / wave->bit_time);
}

/* The bit with which the line falls at or after this time; bit_count when it does not. */
static uint64_t next_fall(const struct wave *wave, uint64_t time)
{
    uint64_t bit = (time + wave->bit_time - 1) / wave->bit_time;

    while (bit < wave->bit_count && (bit_at(wave, bit) || (bit > 0 && !bit_at(wave, bit - 1))))
        bit++;
    return bit;
}

size_t sim_uart_hear(const uint8_t *bytes, size_t count, unsigned sent_baud, unsigned heard_baud,
                     uint8_t *heard, size_t size)
{
    const struct wave wave = {
        .bytes = bytes, .bit_count = count * FRAME_BITS, .bit_time = 2 * (uint64_t)heard_baud};
    const uint64_t sample_time = 2 * (uint64_t)sent_baud;
    uint64_t time = 0, bit;
    size_t heard_count = 0;

    while (heard_count < size && (bit = next_fall(&wave, time)) < wave.bit_count) {
        unsigned byte = 0;

        time = bit * wave.bit_time + sample_time / 2;
        if (level(&wave, time)) /* too short for a start bit */
            continue;
        for (int i = 0; i < DATA_BITS; i++) {
            time += sample_time;
            byte |= (unsigned)level(&wave, time) << i;
        }
        time += sample_time;
        heard[heard_count++] = (uint8_t)byte;
    }
    return heard_count;
}
