/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of dcdcd.sock: parameters in, requests for the scheduler out. */
#ifndef DCDCD_METHODS_H
#define DCDCD_METHODS_H

#include "common/daemon.h"
#include "common/rpc_server.h"
#include "dcdcd/port.h"
#include "dcdcd/guard_runner.h"

/* What the methods work on: the `app` of the RPC server. */
struct dcdcd {
    struct daemon daemon;
    struct rpc_server *server;
    struct port *port;
    struct guard_runner *guards;
    struct request last_stop; /* on_exit: wait */
    bool stopping;            /* last_stop is not done yet */
    bool answered;            /* everybody who waited has an answer */
};

extern const struct rpc_method dcdcd_methods[];
extern const size_t dcdcd_method_count;

#endif
