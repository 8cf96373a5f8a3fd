/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of RPC methods: looking one up, checking parameters against it, describing it. Pure. */
#ifndef COMMON_RPC_METHOD_H
#define COMMON_RPC_METHOD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/reason.h"
#include "common/rpc_server.h"

/* The method with this name, or NULL. */
const struct rpc_method *rpc_method_find(const struct rpc_method *methods, size_t count,
                                         const char *name);

/*
 * False with *failure filled (REASON_INVALID_PARAMS) when params has a member that the method
 * does not know, or lacks one that it requires. A null counts as missing.
 */
bool rpc_method_check(const struct rpc_method *method, struct json_object *params,
                      struct failure *failure);

/* Appends [{"name":…, "help":…, "params":[{"name":…, "required":…, "help":…}]}] to list. */
void rpc_method_describe(const struct rpc_method *methods, size_t count, struct json_object *list);

#endif
