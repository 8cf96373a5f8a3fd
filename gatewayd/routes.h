/* SPDX-License-Identifier: Apache-2.0 */
/* The REST API's paths as one constant table (specification 5.1.4): adding a path is adding a row.
 */
#ifndef GATEWAYD_ROUTES_H
#define GATEWAYD_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/rpc_client.h"
#include "gatewayd/parameters.h"

struct exchange;

struct route {
    const char *path;
    void (*run)(struct exchange *exchange); /* must end the exchange, now or later */
    const char *dcdcd;                      /* the methods that are called, or NULL */
    const char *battd;
    enum rpc_client_repeat repeat;
    const char *const *keys; /* of the results, what the answer shows; alphabetic, NULL ends it */
    const char *text;        /* a constant answer */
    enum set_path set_path;
    bool changes; /* something, here or in the converter: not for HEAD; calls one method at most */
    bool goodbye; /* only with --goodbye */
    bool watches; /* whoever asks this is not the supervisor */
};

extern const struct route routes[];
extern const size_t route_count;

/* What is called for a set, and what its answer shows. By enum set_method. */
struct set_target {
    const char *dcdcd;
    const char *const *keys;
};

extern const struct set_target set_targets[];

/*
 * The row of a request's target (path and query, or an absolute URI), or NULL. The path's percent
 * encoding is decoded; an encoded '/', NUL or control character matches nothing. *query: what
 * follows the '?', else "".
 */
const struct route *route_find(const char *target, const char **query);

/* "host:port" of an absolute URI, http or https, with its length; NULL: the target is none. */
const char *route_authority(const char *target, size_t *length);

#endif
