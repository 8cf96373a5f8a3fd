/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of answers: composed from the daemons' results, or {"err": text}. Pure. */
#ifndef GATEWAYD_REPLIES_H
#define GATEWAYD_REPLIES_H

#include <json-c/json.h>
#include <stddef.h>

#include "common/reason.h"

/*
 * An object with these keys (ended by NULL), in this order, each taken from the first result
 * that has it. A key that no result has, or that is null, is a failure: clients take a missing
 * value for a good one. Returns NULL with *failure filled, or the object, owned by the caller.
 * Numbers keep the text in which the daemon wrote them.
 */
struct json_object *reply_compose(const char *const keys[], struct json_object *const results[],
                                  size_t count, struct failure *failure);

/* {"err": text}. Caller owns. */
struct json_object *reply_error(const struct failure *failure);

/* The HTTP status of a failure. */
int reply_status(const struct failure *failure);

#endif
