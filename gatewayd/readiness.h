/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the unit can do its work, out of what both daemons say about themselves. Pure. */
#ifndef GATEWAYD_READINESS_H
#define GATEWAYD_READINESS_H

#include <json-c/json.h>
#include <stdbool.h>

#include "gatewayd/gather.h"

/*
 * {"ready":false,"reasons":{"battery":"…"}} from the daemons' answers to `status`. reasons has a
 * member for each component that is not ready: dcdcd, battd, converter, battery; a unit without a
 * battery needs none. *ready: there are none. Caller owns.
 */
struct json_object *readiness(const struct gathered answers[GATHER_COUNT], bool *ready);

#endif
