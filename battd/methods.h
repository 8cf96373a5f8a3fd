/* SPDX-License-Identifier: Apache-2.0 */
/*
 * battd's RPC methods: answers from the last poll; a request that comes before there is one waits
 * for it. Used by main.
 */
#ifndef BATTD_METHODS_H
#define BATTD_METHODS_H

#include <event2/event.h>

#include "battd/worker.h"
#include "common/config.h"
#include "common/rpc_server.h"

struct battd_methods;

/* The table, whose app is a struct battd_methods. */
extern const struct rpc_method battd_method_table[];
extern const size_t battd_method_count;

/* config is borrowed. Returns NULL without memory. */
struct battd_methods *battd_methods_new(struct event_base *base, const struct config *config);

/* What the methods look at, both borrowed. worker: NULL when no battery is configured. */
void battd_methods_attach(struct battd_methods *methods, struct rpc_server *server,
                          struct worker *worker);

/* Something new was published: looks at the requests that wait. arg: struct battd_methods. */
void battd_methods_changed(void *arg);

/* Answers what still waits with REASON_STOPPING; to be called before the server is freed. */
void battd_methods_free(struct battd_methods *methods);

#endif
