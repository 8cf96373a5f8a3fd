/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit line of a call that changes something (rpc_method.changes): who, what, outcome and
 * duration, one line when it ends. Failures that the same user or client repeats are summed up
 * (audit.h). Used by rpc_peer.c.
 */
#ifndef COMMON_RPC_AUDIT_H
#define COMMON_RPC_AUDIT_H

#include <json-c/json.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/reason.h"

/* The process at the other end of a connection, as the kernel knew it when it connected. */
struct rpc_caller {
    uid_t uid;
    pid_t pid;
};

enum { RPC_AUDIT_SIZE = 640 };

/*
 * Writes "remote_set {"mode":"0x0000"} from uid 997 pid 421 for 192.0.2.7: ok in 0.311 s" or
 * "…: failed in 0.001 s: TEXT" into text. params may be NULL and is cut when long; client, an
 * address or NULL, is who the caller says it asks for; failure NULL: it went well. Pure.
 */
void rpc_audit_text(char text[static RPC_AUDIT_SIZE], const char *method,
                    struct json_object *params, const struct rpc_caller *caller, const char *client,
                    int64_t took_us, const struct failure *failure);

/* A call that will have its line. */
struct rpc_audit;

/* Keeps what the line needs of a call that begins; params and client as above. NULL: no memory. */
struct rpc_audit *rpc_audit_begin(const char *method, struct json_object *params,
                                  const struct rpc_caller *caller, const char *client);

/* Writes the line and frees. NULL: no-op. */
void rpc_audit_end(struct rpc_audit *audit, const struct failure *failure);

#endif
