/* SPDX-License-Identifier: Apache-2.0 */
/* One connection as guard.c sees it: evhttp's bufferevent, looked at from outside. */
#include "gatewayd/guard_parts.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/address.h"
#include "common/clock.h"

static void set_unsent(struct connection *connection, bool unsent)
{
    struct guard *guard = connection->guard;

    if (connection->unsent == unsent)
        return;
    connection->unsent = unsent;
    if (unsent)
        guard->unsent++;
    else if (--guard->unsent == 0 && guard->sent != NULL)
        event_active(guard->sent_event, EV_TIMEOUT, 0);
}

static void input_changed(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
    struct connection *connection = arg;

    (void)input;
    if (info->n_added == 0)
        return;
    if (connection->first_us == 0)
        connection->first_us = clock_us();
}

/* An answer begins to be written only after its whole request has arrived. */
static void output_changed(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
    struct connection *connection = arg;

    connection->sent_us = clock_us();
    if (info->n_added > 0) {
        connection->first_us = 0;
        slots_answered(&connection->guard->slots, &connection->slot, connection->sent_us);
    }
    set_unsent(connection, evbuffer_get_length(output) > 0);
}

bool guard_released(const struct connection *connection)
{
    bufferevent_event_cb on_event;

    bufferevent_getcb(connection->bev, NULL, NULL, &on_event, NULL);
    return on_event == NULL;
}

/* A request is being waited for or read: evhttp stops reading while one is being answered. */
static bool reading(const struct connection *connection)
{
    return (bufferevent_get_enabled(connection->bev) & EV_READ) != 0;
}

bool guard_evictable(const struct slot *slot)
{
    const struct connection *connection = (const struct connection *)slot;

    return reading(connection) || connection->unsent;
}

void guard_expire(struct connection *connection)
{
    bufferevent_trigger_event(connection->bev, BEV_EVENT_TIMEOUT | BEV_EVENT_READING, 0);
}

void guard_drop(struct connection *connection)
{
    set_unsent(connection, false);
    evbuffer_remove_cb(bufferevent_get_input(connection->bev), input_changed, connection);
    evbuffer_remove_cb(bufferevent_get_output(connection->bev), output_changed, connection);
    bufferevent_decref(connection->bev);
    slots_remove(&connection->guard->slots, &connection->slot);
    LIST_REMOVE(connection, link);
    free(connection);
}

bool guard_too_slow(const struct connection *connection, int64_t now_us)
{
    int64_t since_us = now_us;

    if (connection->unsent)
        since_us = connection->sent_us;
    else if (connection->first_us != 0 && reading(connection))
        since_us = connection->first_us;
    return now_us - since_us >= connection->guard->limits->request_timeout_us;
}

struct in6_addr guard_peer(const struct connection *connection)
{
    struct sockaddr_storage storage = {.ss_family = AF_UNSPEC};
    struct sockaddr *address = (void *)&storage;
    socklen_t size = sizeof storage;
    struct in6_addr peer = IN6ADDR_ANY_INIT;

    if (getpeername(bufferevent_getfd(connection->bev), address, &size) == 0)
        address_of_socket(address, &peer);
    return peer;
}

void guard_watch_buffers(struct connection *connection)
{
    evbuffer_add_cb(bufferevent_get_input(connection->bev), input_changed, connection);
    evbuffer_add_cb(bufferevent_get_output(connection->bev), output_changed, connection);
}
