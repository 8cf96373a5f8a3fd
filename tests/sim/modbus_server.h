/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmodbus's server side, fed with whole requests and giving whole answers, so that the line's
 * timing and the faults lie between it and the port. The only file that sees modbus.h here.
 * Used by battery_device.
 */
#ifndef TESTS_SIM_MODBUS_SERVER_H
#define TESTS_SIM_MODBUS_SERVER_H

#include <stddef.h>
#include <stdint.h>

enum { MODBUS_REQUEST_SIZE = 8, MODBUS_ANSWER_MAX = 256, MODBUS_FIRST_REGISTER = 30001 };

struct modbus_server;

/*
 * A unit with the input registers from..to (numbers from 30001), all 0. NULL on error, after
 * saying why on stderr.
 */
struct modbus_server *modbus_server_new(uint8_t unit, unsigned from, unsigned to);
void modbus_server_free(struct modbus_server *server);

/* Sets an input register; number must lie in from..to. */
void modbus_server_set(struct modbus_server *server, unsigned number, uint16_t value);

/*
 * Answers a request for this unit whose CRC has been checked. Never blocks for long. Returns the
 * answer's size, 0 when there is none.
 */
size_t modbus_server_answer(struct modbus_server *server,
                            const uint8_t request[static MODBUS_REQUEST_SIZE],
                            uint8_t answer[static MODBUS_ANSWER_MAX]);

#endif
