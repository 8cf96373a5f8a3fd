/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/modbus_server.h"

#include <errno.h>
#include <modbus.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_INPUT_REGISTERS = 4, AT_FUNCTION = 1 };

struct modbus_server {
    modbus_t *context;
    modbus_mapping_t *mapping;
    unsigned from;
    int ends[2]; /* [0] is libmodbus's, [1] ours */
};

static bool make_context(struct modbus_server *server, uint8_t unit, unsigned to)
{
    server->context = modbus_new_rtu("none", 9600, 'N', 8, 1);
    if (server->context == NULL || modbus_set_slave(server->context, unit) < 0 ||
        modbus_set_socket(server->context, server->ends[0]) < 0)
        return false;
    /* Requests are whole when they get here; before some refusals libmodbus sleeps the other. */
    if (modbus_set_indication_timeout(server->context, 0, 100000) < 0 ||
        modbus_set_response_timeout(server->context, 0, 1) < 0)
        return false;
    server->mapping = modbus_mapping_new_start_address(
        0, 0, 0, 0, 0, 0, server->from - MODBUS_FIRST_REGISTER, to - server->from + 1);
    return server->mapping != NULL;
}

struct modbus_server *modbus_server_new(uint8_t unit, unsigned from, unsigned to)
{
    struct modbus_server *server = calloc(1, sizeof *server);

    if (server == NULL)
        return NULL;
    server->from = from;
    server->ends[0] = server->ends[1] = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, server->ends) < 0 ||
        !make_context(server, unit, to)) {
        fprintf(stderr, "libmodbus: %s\n", modbus_strerror(errno));
        modbus_server_free(server);
        return NULL;
    }
    return server;
}

void modbus_server_free(struct modbus_server *server)
{
    if (server == NULL)
        return;
    if (server->mapping != NULL)
        modbus_mapping_free(server->mapping);
    if (server->context != NULL)
        modbus_free(server->context);
    for (int i = 0; i < 2; i++)
        if (server->ends[i] >= 0)
            close(server->ends[i]);
    free(server);
}

void modbus_server_set(struct modbus_server *server, unsigned number, uint16_t value)
{
    server->mapping->tab_input_registers[number - server->from] = value;
}

/* A battery knows one function only. */
static int reply(struct modbus_server *server, const uint8_t *query, int length)
{
    if (query[AT_FUNCTION] != READ_INPUT_REGISTERS)
        return modbus_reply_exception(server->context, query, MODBUS_EXCEPTION_ILLEGAL_FUNCTION);
    return modbus_reply(server->context, query, length, server->mapping);
}

size_t modbus_server_answer(struct modbus_server *server,
                            const uint8_t request[static MODBUS_REQUEST_SIZE],
                            uint8_t answer[static MODBUS_ANSWER_MAX])
{
    uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH];
    ssize_t size;
    int length;

    if (write(server->ends[1], request, MODBUS_REQUEST_SIZE) != MODBUS_REQUEST_SIZE)
        return 0;
    length = modbus_receive(server->context, query);
    if (length > 0)
        reply(server, query, length);
    else
        recv(server->ends[0], query, sizeof query, MSG_DONTWAIT);
    size = recv(server->ends[1], answer, MODBUS_ANSWER_MAX, MSG_DONTWAIT);
    return size > 0 ? (size_t)size : 0;
}
