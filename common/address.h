/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP addresses and networks. Pure. Everything is IPv6 here: an IPv4 address is its IPv4-mapped one
 * (::ffff:a.b.c.d), so that a peer is the same whichever socket it came in on.
 */
#ifndef COMMON_ADDRESS_H
#define COMMON_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* All addresses that begin with the same `bits` bits; 128: one address. */
struct network {
    struct in6_addr address;
    uint8_t bits; /* an IPv4 network's prefix length and 96 */
};

/* IPv4 in dotted decimal or IPv6, without brackets and zone. False: it is neither. */
bool address_parse(const char *text, struct in6_addr *address);

/* False for other families. NULL: false. */
bool address_of_socket(const struct sockaddr *socket_address, struct in6_addr *address);

/* 0 for other families. */
uint16_t port_of_socket(const struct sockaddr *socket_address);

/* "192.0.2.1" or "2001:db8::1". Returns text. */
const char *address_print(const struct in6_addr *address, char text[static INET6_ADDRSTRLEN]);

/* "192.0.2.0/24", "2001:db8::/32", or one address. Returns NULL, or what is wrong: static text. */
const char *network_parse(const char *text, struct network *network);

/* No IPv6 network, not even ::/0, contains an IPv4 address, and the other way round. */
bool network_contains(const struct network *network, const struct in6_addr *address);

#endif
