/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask, who may change something, and what a browser may have been tricked into. Pure: a
 * request's addresses and headers in, a verdict out, before anything is asked of a daemon.
 *
 *  - The peer must be in gateway.allow or gateway.allow_control.
 *  - Host, and the authority of an absolute URI, must name this service: localhost, 127.0.0.1,
 *    [::1], the address that the connection came in on, --host, all with the port that it came in
 *    on, or an entry of gateway.names. A port left out is 80 (RFC 9110 4.2.1). HTTP/1.0 may do
 *    without a Host: no browser speaks it.
 *  - Origin, if there is one, must be the very host and port that are asked.
 *  - What changes something wants a peer in gateway.allow_control, no gateway.read_only, a
 *    Sec-Fetch-Site of same-origin or none if there is one, and a Referer of the same origin if
 *    there is one.
 */
#ifndef GATEWAYD_ACCESS_H
#define GATEWAYD_ACCESS_H

#include <stdbool.h>

#include "common/config.h"
#include "common/reason.h"

/* The first that applies. */
enum access_verdict {
    ACCESS_GRANTED,
    ACCESS_ADDRESS, /* the peer is in neither list */
    ACCESS_CONTROL, /* the peer is not in allow_control */
    ACCESS_NO_HOST, /* no Host in HTTP/1.1, more than one, or not HOST[:PORT] */
    ACCESS_HOST,    /* Host, or an absolute URI, names another service */
    ACCESS_ORIGIN,  /* a page of another site asks */
    ACCESS_SITE,    /* the same, told by Sec-Fetch-Site or Referer */
    ACCESS_READ_ONLY,
    ACCESS_VERDICTS
};

struct access {
    const struct config_gateway *config; /* borrowed */
    struct authority host;               /* --host; an empty name: it is none */
};

/* What a connection's peer may do at most. */
enum access_standing { ACCESS_STRANGER, ACCESS_ASKS, ACCESS_CONTROLS, ACCESS_STANDINGS };

struct access_header {
    const char *value; /* of the first line; valid if count > 0 */
    unsigned count;    /* lines with this name */
};

struct access_request {
    struct in6_addr peer, local; /* of the connection; local "::": not known */
    uint16_t local_port;
    bool http_1_0;
    const char *target; /* as sent: a path, or an absolute URI */
    struct access_header host, origin, referer, fetch_site;
    bool changes; /* the path changes something */
};

/* host: the value of --host. */
void access_init(struct access *access, const struct config_gateway *config, const char *host);

enum access_standing access_standing(const struct config_gateway *config,
                                     const struct in6_addr *peer);

/* Unless granted, *failure is filled: REASON_FORBIDDEN, REASON_INVALID_REQUEST for NO_HOST. */
enum access_verdict access_check(const struct access *access, const struct access_request *request,
                                 struct failure *failure);

/* "address", "no_host", …; "granted". */
const char *access_verdict_name(enum access_verdict verdict);

#endif
