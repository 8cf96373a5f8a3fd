/* SPDX-License-Identifier: Apache-2.0 */
#include "common/authority.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What follows the host: nothing, ":" or ":PORT". */
static bool parse_port(const char *text, size_t length, uint16_t *port)
{
    char digits[6] = "";
    unsigned long value;

    *port = 0;
    if (length == 0)
        return true;
    if (text[0] != ':' || length > sizeof digits)
        return false;
    memcpy(digits, text + 1, length - 1);
    if (strspn(digits, "0123456789") != length - 1)
        return false;
    value = strtoul(digits, NULL, 10);
    *port = (uint16_t)value;
    return length == 1 || (value >= 1 && value <= UINT16_MAX);
}

static bool parse_host(struct authority *authority, bool in_brackets)
{
    struct in6_addr *address = &authority->address;

    if (in_brackets) {
        authority->is_address = inet_pton(AF_INET6, authority->name, address) == 1;
        return authority->is_address;
    }
    for (char *p = authority->name; *p != '\0'; p++) {
        if (!isalnum((unsigned char)*p) && strchr("-._", *p) == NULL)
            return false;
        *p = (char)tolower((unsigned char)*p);
    }
    authority->is_address = address_parse(authority->name, address);
    return authority->name[0] != '\0';
}

const char *authority_parse(const char *text, size_t length, struct authority *authority)
{
    bool in_brackets = length > 0 && text[0] == '[';
    const char *host = text + in_brackets;
    const char *end = memchr(host, in_brackets ? ']' : ':', length - in_brackets);
    const char *rest;

    *authority = (struct authority){.port = 0};
    if (end == NULL && in_brackets)
        return "not a host and port";
    if (end == NULL)
        end = text + length;
    rest = end + in_brackets;
    if ((size_t)(end - host) >= sizeof authority->name)
        return "too long for a host";
    memcpy(authority->name, host, (size_t)(end - host));
    /* A NUL within ends the name before the host does. */
    if (strlen(authority->name) != (size_t)(end - host) || !parse_host(authority, in_brackets) ||
        !parse_port(rest, (size_t)(text + length - rest), &authority->port))
        return "not a host and port";
    if (authority->is_address)
        memset(authority->name, 0, sizeof authority->name);
    return NULL;
}

bool authority_same_host(const struct authority *a, const struct authority *b)
{
    if (a->is_address != b->is_address)
        return false;
    return a->is_address ? memcmp(&a->address, &b->address, sizeof a->address) == 0
                         : strcmp(a->name, b->name) == 0;
}
