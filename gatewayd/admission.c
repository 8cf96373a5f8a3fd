/* SPDX-License-Identifier: Apache-2.0 */
#include "gatewayd/admission.h"

#include <stdlib.h>

#include "gatewayd/audit.h"

struct admission {
    struct access access;
    uint64_t refused[ACCESS_VERDICTS];
};

struct admission *admission_new(const struct config_gateway *config, const char *host)
{
    struct admission *admission = calloc(1, sizeof *admission);

    if (admission != NULL)
        access_init(&admission->access, config, host);
    return admission;
}

void admission_free(struct admission *admission)
{
    free(admission);
}

static struct access_header header(const struct http_request *request, const char *name)
{
    struct access_header found = {.value = ""};

    found.count = http_request_header(request, name, &found.value);
    return found;
}

/* Whether it may be another one when the address that the connection came in on is known. */
static bool is_about_host(enum access_verdict verdict)
{
    return verdict == ACCESS_HOST || verdict == ACCESS_ORIGIN || verdict == ACCESS_SITE;
}

enum access_verdict admission_check(struct admission *admission, struct http_request *request,
                                    bool changes, struct in6_addr *peer, struct failure *failure)
{
    struct access_request asked = {
        .http_1_0 = http_request_is_old(request),
        .target = http_request_target(request),
        .host = header(request, "Host"),
        .origin = header(request, "Origin"),
        .referer = header(request, "Referer"),
        .fetch_site = header(request, "Sec-Fetch-Site"),
        .local_port = http_request_port(request),
        .changes = changes,
    };
    enum access_verdict verdict;

    http_request_peer(request, &asked.peer);
    verdict = access_check(&admission->access, &asked, failure);
    if (is_about_host(verdict) && http_request_local(request, &asked.local))
        verdict = access_check(&admission->access, &asked, failure);
    if (verdict != ACCESS_GRANTED)
        admission->refused[verdict]++;
    if (verdict == ACCESS_ADDRESS)
        http_request_close(request);
    *peer = asked.peer;
    return verdict;
}

void admission_audit(const struct http_request *request, const struct in6_addr *peer,
                     enum access_verdict verdict, int64_t took_us, const struct failure *failure)
{
    static const char *const methods[] = {
        [HTTP_METHOD_GET] = "GET", [HTTP_METHOD_HEAD] = "HEAD", [HTTP_METHOD_OTHER] = "(other)"};
    const struct audit_entry entry = {.peer = *peer,
                                      .method = methods[http_request_method(request)],
                                      .target = http_request_target(request),
                                      .took_us = took_us,
                                      .verdict = verdict,
                                      .failure = failure};

    audit_request(&entry);
}

struct json_object *admission_status(const struct admission *admission)
{
    struct json_object *refused = json_object_new_object();

    for (int i = ACCESS_GRANTED + 1; i < ACCESS_VERDICTS; i++)
        if (admission->refused[i] > 0)
            json_object_object_add(refused, access_verdict_name((enum access_verdict)i),
                                   json_object_new_uint64(admission->refused[i]));
    return refused;
}
