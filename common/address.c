/* SPDX-License-Identifier: Apache-2.0 */
#include "common/address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { V4_PREFIX = 96, BITS = 128 };

static struct in6_addr mapped(const struct in_addr *v4)
{
    struct in6_addr address = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    memcpy(&address.s6_addr[12], v4, sizeof *v4);
    return address;
}

bool address_parse(const char *text, struct in6_addr *address)
{
    struct in_addr v4;

    if (inet_pton(AF_INET, text, &v4) != 1)
        return inet_pton(AF_INET6, text, address) == 1;
    *address = mapped(&v4);
    return true;
}

bool address_of_socket(const struct sockaddr *socket_address, struct in6_addr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (socket_address == NULL)
        return false;
    switch (socket_address->sa_family) {
    case AF_INET:
        memcpy(&v4, socket_address, sizeof v4);
        *address = mapped(&v4.sin_addr);
        return true;
    case AF_INET6:
        memcpy(&v6, socket_address, sizeof v6);
        *address = v6.sin6_addr;
        return true;
    default:
        return false;
    }
}

uint16_t port_of_socket(const struct sockaddr *socket_address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    switch (socket_address->sa_family) {
    case AF_INET:
        memcpy(&v4, socket_address, sizeof v4);
        return ntohs(v4.sin_port);
    case AF_INET6:
        memcpy(&v6, socket_address, sizeof v6);
        return ntohs(v6.sin6_port);
    default:
        return 0;
    }
}

const char *address_print(const struct in6_addr *address, char text[static INET6_ADDRSTRLEN])
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        inet_ntop(AF_INET, &address->s6_addr[12], text, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, address, text, INET6_ADDRSTRLEN);
    return text;
}

/* 1 to 3 digits without a leading zero, up to max. */
static bool parse_prefix(const char *text, unsigned long max, uint8_t *bits)
{
    size_t length = strspn(text, "0123456789");
    unsigned long value = strtoul(text, NULL, 10);

    if (length == 0 || length > 3 || text[length] != '\0' || (text[0] == '0' && length > 1) ||
        value > max)
        return false;
    *bits = (uint8_t)value;
    return true;
}

/* Whether the two agree in their first bits. */
static bool agree(const struct in6_addr *a, const struct in6_addr *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    unsigned mask = 0xff00U >> rest & 0xff;

    return memcmp(a, b, whole) == 0 &&
           (rest == 0 || ((a->s6_addr[whole] ^ b->s6_addr[whole]) & mask) == 0);
}

static bool has_host_bits(const struct network *network)
{
    unsigned bits = network->bits;

    for (unsigned i = bits; i < BITS; i++)
        if (network->address.s6_addr[i / 8] & 0x80U >> i % 8)
            return true;
    return false;
}

const char *network_parse(const char *text, struct network *network)
{
    char address[INET6_ADDRSTRLEN];
    size_t length = strcspn(text, "/");
    bool v4;

    if (length >= sizeof address)
        return "not an IPv4 or IPv6 address";
    memcpy(address, text, length);
    address[length] = '\0';
    if (!address_parse(address, &network->address))
        return "not an IPv4 or IPv6 address";
    v4 = strchr(address, ':') == NULL;
    network->bits = BITS;
    if (text[length] == '/') {
        if (!parse_prefix(text + length + 1, v4 ? BITS - V4_PREFIX : BITS, &network->bits))
            return v4 ? "its prefix is not 0 to 32" : "its prefix is not 0 to 128";
        if (v4)
            network->bits = (uint8_t)(network->bits + V4_PREFIX);
    }
    return has_host_bits(network) ? "it has bits beyond its prefix" : NULL;
}

bool network_contains(const struct network *network, const struct in6_addr *address)
{
    bool v4 = network->bits >= V4_PREFIX && IN6_IS_ADDR_V4MAPPED(&network->address);

    return v4 == (bool)IN6_IS_ADDR_V4MAPPED(address) &&
           agree(&network->address, address, network->bits);
}
