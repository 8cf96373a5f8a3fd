/* SPDX-License-Identifier: Apache-2.0 */
/* What a UART hears of bytes that were sent at another speed. Pure; used by line. */
#ifndef TESTS_SIM_UART_H
#define TESTS_SIM_UART_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes sent without a pause, 8N1, sent_baud, as a receiver at heard_baud takes them: from each
 * falling edge it samples the middle of ten of its own bits, and keeps a byte without a stop bit,
 * as Linux does. Returns how many of at most size bytes were heard. Neither speed may be 0.
 */
size_t sim_uart_hear(const uint8_t *bytes, size_t count, unsigned sent_baud, unsigned heard_baud,
                     uint8_t *heard, size_t size);

#endif
