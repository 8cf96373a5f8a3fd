/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rpc_audit.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/audit.h"
#include "common/clock.h"
#include "common/jsonrpc.h"

/* Lines about failures of one kind that the same user or client gets in a period. */
enum { FAILURES = 10 };

struct rpc_audit {
    const char *method; /* a literal of the table of methods */
    struct json_object *params;
    struct rpc_caller caller;
    char client[INET6_ADDRSTRLEN]; /* "": none */
    int64_t began_us;
};

void rpc_audit_text(char text[static RPC_AUDIT_SIZE], const char *method,
                    struct json_object *params, const struct rpc_caller *caller, const char *client,
                    int64_t took_us, const struct failure *failure)
{
    double took = (double)took_us / US_PER_S;
    struct failure what, why; /* cut at a character, so that the log stays text */
    size_t length;

    failure_set(&what, REASON_INTERNAL, "%.200s",
                params != NULL ? jsonrpc_text(params, &length) : "");
    failure_set(&why, REASON_INTERNAL, "%.256s", failure != NULL ? failure->text : "");
    snprintf(text, RPC_AUDIT_SIZE,
             "%.32s%s%.200s from uid %ld pid %ld%s%.45s: %s in %.3f s%s%.256s", method,
             what.text[0] != '\0' ? " " : "", what.text, (long)caller->uid, (long)caller->pid,
             client != NULL ? " for " : "", client != NULL ? client : "",
             failure == NULL ? "ok" : "failed", took, failure == NULL ? "" : ": ", why.text);
}

struct rpc_audit *rpc_audit_begin(const char *method, struct json_object *params,
                                  const struct rpc_caller *caller, const char *client)
{
    struct rpc_audit *audit = calloc(1, sizeof *audit);

    if (audit == NULL)
        return NULL;
    audit->method = method;
    audit->params = json_object_get(params);
    audit->caller = *caller;
    snprintf(audit->client, sizeof audit->client, "%s", client != NULL ? client : "");
    audit->began_us = clock_us();
    return audit;
}

void rpc_audit_end(struct rpc_audit *audit, const struct failure *failure)
{
    char text[RPC_AUDIT_SIZE], party[80];
    const char *client;

    if (audit == NULL)
        return;
    client = audit->client[0] != '\0' ? audit->client : NULL;
    rpc_audit_text(text, audit->method, audit->params, &audit->caller, client,
                   clock_us() - audit->began_us, failure);
    snprintf(party, sizeof party, "uid %ld%s%s", (long)audit->caller.uid,
             client != NULL ? " for " : "", audit->client);
    audit_write(&(struct audit_line){
        .text = text,
        .party = party,
        .outcome = failure != NULL ? failure->text : "ok",
        .kind = failure != NULL ? (int)failure->reason : 0,
        .most = failure != NULL ? FAILURES : AUDIT_ALWAYS,
    });
    json_object_put(audit->params);
    free(audit);
}
