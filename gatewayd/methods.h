/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of gatewayd.sock: for looking only. */
#ifndef GATEWAYD_METHODS_H
#define GATEWAYD_METHODS_H

#include <stddef.h>

#include "common/rpc_server.h"

struct gateway;

/* What the methods show; both must be set before the loop runs. */
struct methods_app {
    struct gateway *gateway;
    struct rpc_server *server;
};

/* The table for rpc_server_new, whose app is a struct methods_app. */
extern const struct rpc_method gatewayd_methods[];
extern const size_t gatewayd_method_count;

#endif
