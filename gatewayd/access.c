/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/access.h"

#include <string.h>
#include <strings.h>

#include "gatewayd/routes.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

static const char *const names[ACCESS_VERDICTS] = {
    [ACCESS_GRANTED] = "granted", [ACCESS_ADDRESS] = "address",     [ACCESS_NO_HOST] = "no_host",
    [ACCESS_HOST] = "host",       [ACCESS_ORIGIN] = "origin",       [ACCESS_CONTROL] = "control",
    [ACCESS_SITE] = "site",       [ACCESS_READ_ONLY] = "read_only",
};

const char *access_verdict_name(enum access_verdict verdict)
{
    return names[verdict];
}

void access_init(struct access *access, const struct config_gateway *config, const char *host)
{
    struct in6_addr address;

    *access = (struct access){.config = config};
    if (address_parse(host, &address)) {
        /* 0.0.0.0 and :: are where it listens, not what it is called. */
        access->host.is_address = true;
        access->host.address = address;
    } else if (authority_parse(host, strlen(host), &access->host) != NULL) {
        access->host = (struct authority){.port = 0};
    }
}

static bool contains(const struct config_networks *networks, const struct in6_addr *address)
{
    for (unsigned i = 0; i < networks->count; i++)
        if (network_contains(&networks->each[i], address))
            return true;
    return false;
}

enum access_standing access_standing(const struct config_gateway *config,
                                     const struct in6_addr *peer)
{
    if (contains(&config->allow_control, peer))
        return ACCESS_CONTROLS;
    return contains(&config->allow, peer) ? ACCESS_ASKS : ACCESS_STRANGER;
}

static bool is_unspecified(const struct in6_addr *address)
{
    static const struct in6_addr any_v4 = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    return IN6_IS_ADDR_UNSPECIFIED(address) || memcmp(address, &any_v4, sizeof any_v4) == 0;
}

/* Whether this service is called so where it listens. */
static bool is_own_host(const struct access *access, const struct access_request *request,
                        const struct authority *asked)
{
    static const struct in6_addr loopback_v4 = {
        .s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
    struct authority own = {.is_address = true};

    if (!asked->is_address)
        return strcmp(asked->name, "localhost") == 0 || authority_same_host(asked, &access->host);
    if (is_unspecified(&asked->address))
        return false;
    own.address = request->local;
    return authority_same_host(asked, &own) || authority_same_host(asked, &access->host) ||
           IN6_IS_ADDR_LOOPBACK(&asked->address) ||
           memcmp(&asked->address, &loopback_v4, sizeof loopback_v4) == 0;
}

static bool is_own(const struct access *access, const struct access_request *request,
                   const struct authority *asked)
{
    const struct config_names *further = &access->config->names;

    if (asked->port == request->local_port && is_own_host(access, request, asked))
        return true;
    for (unsigned i = 0; i < further->count; i++) {
        uint16_t port = further->each[i].port != 0 ? further->each[i].port : request->local_port;

        if (asked->port == port && authority_same_host(asked, &further->each[i]))
            return true;
    }
    return false;
}

/* HOST[:PORT] with the scheme's port where there is none. Returns whether it is one. */
static bool read_authority(const char *text, size_t length, uint16_t scheme_port,
                           struct authority *authority)
{
    if (authority_parse(text, length, authority) != NULL)
        return false;
    if (authority->port == 0)
        authority->port = scheme_port;
    return true;
}

/* The authority of an absolute URI; *absolute: whether the target is one. */
static bool read_target(const char *target, bool *absolute, struct authority *authority)
{
    size_t length;
    const char *text = route_authority(target, &length);
    bool tls = strncasecmp(target, "https:", 6) == 0;

    *absolute = text != NULL;
    return text == NULL || read_authority(text, length, tls ? HTTPS_PORT : HTTP_PORT, authority);
}

/* What was asked: *asked is the target's authority or the Host; port 0: neither was given. */
static enum access_verdict check_host(const struct access *access,
                                      const struct access_request *request, struct authority *asked,
                                      struct failure *failure)
{
    const struct access_header *host = &request->host;
    struct authority named = {.port = 0};
    bool absolute;

    *asked = named;
    if (host->count == 0 && !request->http_1_0) {
        failure_set(failure, REASON_INVALID_REQUEST, "a request of HTTP/1.1 needs a Host");
        return ACCESS_NO_HOST;
    }
    if (host->count > 1) {
        failure_set(failure, REASON_INVALID_REQUEST, "more than one Host");
        return ACCESS_NO_HOST;
    }
    if (host->count == 1 && !read_authority(host->value, strlen(host->value), HTTP_PORT, &named)) {
        failure_set(failure, REASON_INVALID_REQUEST, "Host: '%.128s' is not a host and port",
                    host->value);
        return ACCESS_NO_HOST;
    }
    if (!read_target(request->target, &absolute, asked)) {
        failure_set(failure, REASON_INVALID_REQUEST, "the URI's host is not a host and port");
        return ACCESS_NO_HOST;
    }
    if (host->count == 1 && !is_own(access, request, &named)) {
        failure_set(failure, REASON_FORBIDDEN,
                    "Host: %.128s is not a name of this service: see gateway.names", host->value);
        return ACCESS_HOST;
    }
    if (absolute && !is_own(access, request, asked)) {
        failure_set(failure, REASON_FORBIDDEN,
                    "the URI's host is not a name of this service: see gateway.names");
        return ACCESS_HOST;
    }
    if (!absolute)
        *asked = named;
    return ACCESS_GRANTED;
}

/*
 * Whether "http://HOST[:PORT]" is what was asked. page: a path may follow (Referer), else nothing.
 */
static bool is_same_origin(const char *value, bool page, const struct authority *asked)
{
    static const char scheme[] = "http://";
    struct authority origin;
    const char *text = value + sizeof scheme - 1;
    size_t length;

    if (strncmp(value, scheme, sizeof scheme - 1) != 0)
        return false;
    length = page ? strcspn(text, "/?#") : strlen(text);
    return read_authority(text, length, HTTP_PORT, &origin) && origin.port == asked->port &&
           authority_same_host(&origin, asked);
}

static bool is_own_site(const struct access_header *fetch_site)
{
    return fetch_site->count == 0 ||
           (fetch_site->count == 1 && (strcmp(fetch_site->value, "same-origin") == 0 ||
                                       strcmp(fetch_site->value, "none") == 0));
}

static enum access_verdict check_page(const struct access_request *request,
                                      const struct authority *asked, struct failure *failure)
{
    const struct access_header *origin = &request->origin, *referer = &request->referer;

    if (origin->count > 1 || (origin->count == 1 && !is_same_origin(origin->value, false, asked))) {
        failure_set(failure, REASON_FORBIDDEN, "Origin: %.128s: another site's pages may not ask",
                    origin->value);
        return ACCESS_ORIGIN;
    }
    if (!request->changes)
        return ACCESS_GRANTED;
    if (!is_own_site(&request->fetch_site)) {
        failure_set(failure, REASON_FORBIDDEN,
                    "Sec-Fetch-Site: %.32s: another site's pages may not change anything",
                    request->fetch_site.value);
        return ACCESS_SITE;
    }
    if (referer->count > 1 ||
        (referer->count == 1 && !is_same_origin(referer->value, true, asked))) {
        failure_set(failure, REASON_FORBIDDEN,
                    "Referer: %.128s: another site's pages may not change anything",
                    referer->value);
        return ACCESS_SITE;
    }
    return ACCESS_GRANTED;
}

static enum access_verdict check_peer(const struct access *access,
                                      const struct access_request *request, struct failure *failure)
{
    enum access_standing standing = access_standing(access->config, &request->peer);
    char peer[INET6_ADDRSTRLEN];

    address_print(&request->peer, peer);
    if (standing == ACCESS_STRANGER) {
        failure_set(failure, REASON_FORBIDDEN, "%s may not ask: it is not in gateway.allow", peer);
        return ACCESS_ADDRESS;
    }
    if (request->changes && standing != ACCESS_CONTROLS) {
        failure_set(failure, REASON_FORBIDDEN,
                    "%s may not change anything: it is not in gateway.allow_control", peer);
        return ACCESS_CONTROL;
    }
    return ACCESS_GRANTED;
}

enum access_verdict access_check(const struct access *access, const struct access_request *request,
                                 struct failure *failure)
{
    enum access_verdict verdict = check_peer(access, request, failure);
    struct authority asked;

    if (verdict == ACCESS_GRANTED)
        verdict = check_host(access, request, &asked, failure);
    if (verdict == ACCESS_GRANTED)
        verdict = check_page(request, &asked, failure);
    if (verdict == ACCESS_GRANTED && request->changes && access->config->read_only) {
        failure_set(failure, REASON_FORBIDDEN, "nothing may be changed: gateway.read_only is set");
        verdict = ACCESS_READ_ONLY;
    }
    return verdict;
}
