/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets requests in or refuses them (access.h), counts what was refused, and writes gatewayd's audit
 * lines. Used by gateway.c.
 */
#ifndef GATEWAYD_ADMISSION_H
#define GATEWAYD_ADMISSION_H

#include <json-c/json.h>

#include "common/config.h"
#include "gatewayd/access.h"
#include "gatewayd/http.h"

struct admission;

/* config is borrowed; host: the value of --host. NULL without memory. */
struct admission *admission_new(const struct config_gateway *config, const char *host);

/* NULL: no-op. */
void admission_free(struct admission *admission);

/*
 * Fills *peer. changes: the path changes something. Unless granted, *failure is filled, and a peer
 * that may ask nothing at all loses its connection after the answer.
 */
enum access_verdict admission_check(struct admission *admission, struct http_request *request,
                                    bool changes, struct in6_addr *peer, struct failure *failure);

/*
 * Writes the audit line of a request that ends, before it is answered: see audit.h. verdict: what
 * admission_check has returned; failure NULL: it went well.
 */
void admission_audit(const struct http_request *request, const struct in6_addr *peer,
                     enum access_verdict verdict, int64_t took_us, const struct failure *failure);

/* For `status`: {"host": 2}, how many requests were refused for what. Caller owns. */
struct json_object *admission_status(const struct admission *admission);

#endif
