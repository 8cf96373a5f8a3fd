/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of an rpc_server and the calls that came on it. Private to rpc_server.c and
 * rpc_peer.c, which share the structures.
 */
#ifndef COMMON_RPC_PEER_H
#define COMMON_RPC_PEER_H

#include <event2/event.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/line_stream.h"
#include "common/rpc_audit.h"
#include "common/rpc_server.h"
#include "common/rpc_socket.h"

struct rpc_call {
    struct rpc_server *server;
    struct rpc_peer *peer; /* NULL once its connection has gone */
    struct json_object *id;
    int64_t deadline_us;
    struct rpc_audit *audit;   /* NULL: it changes nothing */
    bool cancelled;            /* its caller has said that it does not wait any more */
    LIST_ENTRY(rpc_call) link; /* in peer->calls, or in server->orphans */
};

LIST_HEAD(call_list, rpc_call);

/* One connection. */
struct rpc_peer {
    struct rpc_server *server;
    struct line_stream *stream;
    struct rpc_caller caller;
    struct call_list calls;
    unsigned pending;
    bool ended;          /* it sends no more and waits for its answers */
    bool following;      /* it gets notifications */
    struct event *space; /* while it has ended: see space_interval */
    LIST_ENTRY(rpc_peer) link;
};

LIST_HEAD(peer_list, rpc_peer);

struct rpc_server {
    struct event_base *base;
    char *path;
    struct rpc_socket socket;
    struct evconnlistener *listener;
    struct event *accept_again;
    const struct rpc_method *methods;
    size_t method_count;
    void *app;
    struct json_object *no_params; /* what a handler gets when they are left out */
    struct peer_list peers;
    struct call_list orphans; /* calls whose connection has gone */
    unsigned clients;
    unsigned followers; /* those of them that get notifications */
    unsigned pending;   /* orphans included */
    bool full;          /* a client has been refused since the last one left */
    bool cannot_accept; /* for want of descriptors */
    int64_t requests, errors;
    struct event *stopped; /* made by rpc_server_stop */
    void (*stop_done)(void *arg);
    void *stop_arg;
};

/* Takes fd. Without memory the connection is closed. */
void rpc_peer_new(struct rpc_server *server, int fd);

/* Closes the connection. Its calls live on as orphans until they are answered. */
void rpc_peer_free(struct rpc_peer *peer);

/* Answers all of these calls with REASON_STOPPING. */
void rpc_calls_fail(struct call_list *calls);

/* Lets rpc_server_stop come to its end when nothing is left to be answered and written. */
void rpc_server_check_stopped(struct rpc_server *server);

#endif
