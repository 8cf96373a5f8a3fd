/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HOST[:PORT] as the Host header, an Origin, a URI and the configuration's gateway.names have it
 * (RFC 3986 3.2, RFC 9110 7.2). Pure.
 */
#ifndef COMMON_AUTHORITY_H
#define COMMON_AUTHORITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/address.h"

enum { AUTHORITY_NAME_SIZE = 256 };

struct authority {
    bool is_address;
    struct in6_addr address;        /* if it is one */
    char name[AUTHORITY_NAME_SIZE]; /* else: in lower case */
    uint16_t port;                  /* 0: none given */
};

/*
 * NAME, IPv4 address or [IPv6 address], and a port from 1 to 65535 that may be left out ("host:" is
 * "host"). No user, no zone, no percent-encoding; a name is letters, digits, '-', '.' and '_'.
 * Returns NULL, or what is wrong: static text.
 */
const char *authority_parse(const char *text, size_t length, struct authority *authority);

/* The same host, whatever the ports. */
bool authority_same_host(const struct authority *a, const struct authority *b);

#endif
